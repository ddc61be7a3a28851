// Broken programs, second part: order between blocks, kernels and the async proxy.
#include <cmath>
#include <vector>

#include "broken.h"

using namespace fovea::cuda;
namespace {
__global__ void fill(float* p, float v, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) p[i] = v;
}
// Reads what the kernel before it wrote.
__global__ void dependent(const float* in, float* out, bool bug) {
  if (!bug) grid_dependency_wait();
  const float v = in[threadIdx.x];
  if (bug) grid_dependency_wait();
  out[threadIdx.x] = v + 1;
}
__global__ void store_not_waited(float* out, bool bug) {
#if FOVEA_CUDA_SM90
  float* s = dynamic_shared<float>();
  s[threadIdx.x] = 1;
  fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    bulk_store(out, s, 512);
    bulk_commit();
    if (!bug) bulk_wait_read<0>();
  }
#endif
}
__global__ void store_without_fence(float* out, bool bug) {
#if FOVEA_CUDA_SM90
  float* s = dynamic_shared<float>();
  s[threadIdx.x] = 1;
  if (!bug) fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    bulk_store(out, s, 512);
    bulk_commit();
    bulk_wait<0>();
  }
#endif
}
__global__ void store_overwritten(float* out, bool bug) {  // the next tile comes before the store has read the last one
#if FOVEA_CUDA_SM90
  float* s = dynamic_shared<float>();
  for (int i = 0; i < 2; i++) {
    s[threadIdx.x] = float(i);
    fence_proxy_async();
    __syncthreads();
    if (threadIdx.x == 0) {
      bulk_store(out + i * 128, s, 512);
      bulk_commit();
      if (!bug) bulk_wait_read<0>();
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) bulk_wait_read<0>();
#endif
}
// The last block to count itself in adds up what the others left.
__global__ void relaxed_count(float* part, unsigned* count, float* out, bool bug) {
  if (threadIdx.x == 0) {
    part[blockIdx.x] = float(blockIdx.x);
    const unsigned before = bug ? atomicAdd(count, 1u) : add_acquire_release(count, 1u);
    if (before == gridDim.x - 1) {
      float sum = 0;
      for (unsigned b = 0; b < gridDim.x; b++) sum += part[b];
      *out = sum;
    }
  }
}
__global__ void polls_forever(unsigned* flag, float* out, bool bug) {
  if (threadIdx.x == 0 && !bug) store_release(flag, 1u);
  if (threadIdx.x == 32)
    while (load_acquire(flag) == 0) {
    }
  if (threadIdx.x < 32) out[threadIdx.x] = 1;
}
__global__ void no_remote_arrival(float* out, bool bug) {
#if FOVEA_CUDA_SM90
  uint64_t* bar = dynamic_shared<uint64_t>();
  if (threadIdx.x == 0) {
    mbarrier_init(bar, 1);
    fence_mbarrier_init();
  }
  cluster_sync();
  if (threadIdx.x == 0 && !(bug && cluster_rank() == 1)) mbarrier_arrive_remote(bar, cluster_rank() ^ 1);
  mbarrier_wait(bar, 0);
  out[blockIdx.x * 32 + threadIdx.x] = 1;
  cluster_sync();
#endif
}

struct Buffer {
  float* p = nullptr;
  explicit Buffer(int n) {
    cudaMalloc(&p, size_t(n) * 4);
    cudaMemset(p, 0, size_t(n) * 4);
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { cudaFree(p); }
};
template <class F>
int check(const float* p, int n, F want) {
  std::vector<float> v(size_t(n), 0.f);
  cudaMemcpy(v.data(), p, size_t(n) * 4, cudaMemcpyDeviceToHost);
  if (cudaGetLastError() != cudaSuccess) return 2;
  for (int i = 0; i < n; i++)
    if (!(std::fabs(v[size_t(i)] - float(want(i))) < 1e-3f)) return 1;
  return 0;
}
}  // namespace

const std::vector<std::string>& order_case_names() {
  static const std::vector<std::string> names = {"no_dependency_wait", "store_not_waited",    "store_without_fence",
                                                 "store_overwritten",  "relaxed_block_count", "polls_forever",
                                                 "no_remote_arrival"};
  return names;
}
int run_order_case(const std::string& n, bool sound) {
  const bool bug = !sound;
  Buffer out(256), in(256);
  unsigned* word = reinterpret_cast<unsigned*>(in.p + 128);
  auto one = [](int) { return 1; };
  if (n == "no_dependency_wait") {
    launch(fill, 1, 128, 0, nullptr, in.p, 3.f, 128);
    launch_with({.overlap = true}, dependent, 1, 128, 0, nullptr, in.p, out.p, bug);
    return check(out.p, 128, [](int) { return 4; });
  }
  if (n == "store_not_waited") launch(store_not_waited, 1, 128, 512, nullptr, out.p, bug);
  if (n == "store_without_fence") launch(store_without_fence, 1, 128, 512, nullptr, out.p, bug);
  if (n == "store_overwritten") {
    launch(store_overwritten, 1, 128, 512, nullptr, out.p, bug);
    return check(out.p, 256, [](int i) { return i / 128; });
  }
  if (n == "relaxed_block_count") {
    launch(relaxed_count, 8, 32, 0, nullptr, in.p, word, out.p, bug);
    return check(out.p, 1, [](int) { return 28; });
  }
  if (n == "polls_forever") {
    launch(polls_forever, 1, 64, 0, nullptr, word, out.p, bug);
    return check(out.p, 32, one);
  }
  if (n == "no_remote_arrival") {
    launch_with({.cluster = 2}, no_remote_arrival, 2, 32, 64, nullptr, out.p, bug);
    return check(out.p, 64, one);
  }
  return check(out.p, 128, one);
}
