// Small kernels that touch every intrinsic: reduction, transpose, histogram, grid barrier, cluster.
#include "basic.h"

#include "cuda/grid.h"

using namespace fovea::cuda;

namespace {
__global__ void __launch_bounds__(256) block_sum(const float* __restrict__ in, float* __restrict__ out, int n) {
  __shared__ float part[8];
  float s = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) s += __ldg(in + i);
#pragma unroll
  for (int d = 16; d; d >>= 1) s += __shfl_xor_sync(~0u, s, d);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x < 32) {
    s = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0.f;
#pragma unroll
    for (int d = 4; d; d >>= 1) s += __shfl_down_sync(~0u, s, d);
    if (threadIdx.x == 0) atomicAdd(out, s);
  }
}

__global__ void transpose(const float* in, float* out, int rows, int cols) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < cols && y + j < rows) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * cols + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < rows && y + j < cols) out[(y + j) * rows + x] = tile[threadIdx.x][threadIdx.y + j];
}

__constant__ int bin_of[256];
__global__ void histogram(const unsigned char* in, unsigned* bins, int n) {  // warp-aggregated atomics in dynamic shared memory
  unsigned* local = dynamic_shared<unsigned>();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    unsigned active = __ballot_sync(~0u, true), b = bin_of[in[i]];
    unsigned peers = __match_any_sync(active, b);
    if (int(threadIdx.x % 32) == __ffs(int(peers)) - 1) atomicAdd(&local[b], unsigned(__popc(peers)));
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    if (local[i]) atomicAdd(&bins[i], local[i]);
}

// "last block" reduction: partials in global memory, published with __threadfence and an atomic counter
__global__ void last_block_sum(const float* in, float* partial, unsigned* count, float* out, int n) {
  __shared__ float s[128];
  __shared__ bool last;
  float v = 0;
  for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) v += in[i];
  s[threadIdx.x] = v;
  __syncthreads();
  for (unsigned d = 64; d; d >>= 1) {
    if (threadIdx.x < d) s[threadIdx.x] += s[threadIdx.x + d];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = s[0];
    __threadfence();
    last = atomicAdd(count, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float t = 0;
    for (unsigned b = 0; b < gridDim.x; b++) t += partial[b];
    *out = t;
  }
}

__global__ void grid_scan(int* data, int* sums) {  // cooperative: block totals, grid barrier, add the prefix
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int total = __reduce_add_sync(~0u, data[i]);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
  grid_sync();
  int before = 0;
  for (unsigned b = 0; b < blockIdx.x; b++) before += sums[b];
  data[i] += before;
}

__global__ void grid_static(int* out) {  // co-resident blocks each keep their own static shared memory across a grid barrier
  __shared__ int s[64];
  s[threadIdx.x] = int(blockIdx.x * 100 + threadIdx.x);
  __syncthreads();
  grid_sync();
  out[blockIdx.x * 64 + threadIdx.x] = s[63 - threadIdx.x];
}

__global__ void cluster_rotate(int* out) {  // each block reads its neighbour's shared memory
#if FOVEA_CUDA_SM90
  int* mine = dynamic_shared<int>();
  mine[threadIdx.x] = int(blockIdx.x * 1000 + threadIdx.x);
  cluster_sync();
  out[blockIdx.x * blockDim.x + threadIdx.x] = map_shared_rank(mine, (cluster_rank() + 1) % 4)[threadIdx.x];
  cluster_sync();
#endif
}

}  // namespace

cudaError_t run_block_sum(const float* in, float* out, int n, cudaStream_t s) {
  return launch(block_sum, 4, 256, 0, s, in, out, n);
}
cudaError_t run_transpose(const float* in, float* out, int r, int c, cudaStream_t s) {
  return launch(transpose, dim3((c + 31) / 32, (r + 31) / 32), dim3(32, 8), 0, s, in, out, r, c);
}
cudaError_t run_histogram(const unsigned char* in, unsigned* bins, int n, const int* map, cudaStream_t s) {
  cudaMemcpyToSymbol(bin_of, map, sizeof bin_of);
  return launch(histogram, 3, 128, 1024, s, in, bins, n);
}
cudaError_t run_last_block_sum(const float* in, float* partial, unsigned* count, float* out, int n, cudaStream_t s) {
  return launch(last_block_sum, 5, 128, 0, s, in, partial, count, out, n);
}
cudaError_t run_grid_scan(int* data, int* sums, int blocks, cudaStream_t s) {
  return launch_with({1, true}, grid_scan, blocks, 32, 0, s, data, sums);
}
cudaError_t run_cluster_rotate(int* out, cudaStream_t s) { return launch_with({4, false}, cluster_rotate, 8, 64, 256, s, out); }
cudaError_t run_grid_static(int* out, cudaStream_t s) { return launch_with({1, true}, grid_static, 5, 64, 0, s, out); }
