// Selective scan (Mamba): y[t] = sum_n C[t][n] h[n], h[n] = exp(dt[t] A[n]) h[n] + dt[t] B[t][n] x[t]. One block a channel, 128
// threads of ITEMS time steps each, a block-wide scan of (decay, input) pairs for every state.
#include "tensor_kernels.h"
using namespace fovea::cuda;
namespace {
constexpr int N = 16, T = 128, ITEMS = 4;
struct Pair {
  float a, b;
};  // h -> a h + b
__device__ __forceinline__ Pair then(Pair f, Pair g) { return {g.a * f.a, g.a * f.b + g.b}; }

__global__ void __launch_bounds__(T)
    scan_kernel(const float* __restrict__ x, const float* __restrict__ dt, const float* __restrict__ A,
                const float* __restrict__ B, const float* __restrict__ C, float* __restrict__ y, int len, int dim) {
  __shared__ Pair total[T / 32];
  const int d = blockIdx.x, t = threadIdx.x, lane = t % 32, warp = t / 32;
  float carry[N] = {};
  for (int base = 0; base < len; base += T * ITEMS) {
    float dts[ITEMS], xs[ITEMS], out[ITEMS] = {};
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
      const int l = base + t * ITEMS + i;
      dts[i] = l < len ? dt[l * dim + d] : 0.f;
      xs[i] = l < len ? x[l * dim + d] : 0.f;
    }
#pragma unroll
    for (int n = 0; n < N; n++) {
      const float an = A[d * N + n];
      Pair p[ITEMS];
#pragma unroll
      for (int i = 0; i < ITEMS; i++) {
        const int l = base + t * ITEMS + i;
        p[i] = {__expf(dts[i] * an), l < len ? dts[i] * B[l * N + n] * xs[i] : 0.f};
        if (i) p[i] = then(p[i - 1], p[i]);
      }
      Pair mine = p[ITEMS - 1];
#pragma unroll
      for (int s = 1; s < 32; s *= 2) {
        const Pair o = {__shfl_up_sync(~0u, mine.a, s), __shfl_up_sync(~0u, mine.b, s)};
        if (lane >= s) mine = then(o, mine);
      }
      if (lane == 31) total[warp] = mine;
      __syncthreads();
      Pair before = {1.f, carry[n]};
      for (int w = 0; w < warp; w++) before = then(before, total[w]);
      Pair all = {1.f, carry[n]};
#pragma unroll
      for (int w = 0; w < T / 32; w++) all = then(all, total[w]);
      carry[n] = all.b;
      __syncthreads();
      Pair left = {__shfl_up_sync(~0u, mine.a, 1), __shfl_up_sync(~0u, mine.b, 1)};
      before = lane ? then(before, left) : before;
#pragma unroll
      for (int i = 0; i < ITEMS; i++) {
        const int l = base + t * ITEMS + i;
        if (l < len) out[i] += C[l * N + n] * then(before, p[i]).b;
      }
    }
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
      const int l = base + t * ITEMS + i;
      if (l < len) y[l * dim + d] = out[i];
    }
  }
}
}  // namespace
cudaError_t selective_scan(const float* x, const float* dt, const float* A, const float* B, const float* C, float* y, int len,
                           int dim, cudaStream_t s) {
  return launch(scan_kernel, dim, T, 0, s, x, dt, A, B, C, y, len, dim);
}
