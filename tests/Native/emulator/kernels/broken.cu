// Kernels with one deliberate mistake each, switched by `bug`; with bug == false they are sound.
#include <cmath>
#include <vector>
#include "broken.h"
#include "cuda/grid.h"
using namespace fovea::cuda;
namespace {
// ---- barriers and races on shared memory
__global__ void no_barrier(float* out, bool bug) {
  __shared__ float s[256];
  s[threadIdx.x] = float(threadIdx.x);
  if (!bug) __syncthreads();
  out[threadIdx.x] = s[(threadIdx.x + 77) % 256];
}
template <class T>
__global__ void no_barrier_in_template(float* out, bool bug) {  // static shared memory of a template is watched too
  __shared__ T s[256];
  s[threadIdx.x] = T(threadIdx.x);
  if (!bug) __syncthreads();
  out[threadIdx.x] = float(s[(threadIdx.x + 77) % 256]);
}
__global__ void uninitialised_static(float* out, bool bug) {
  __shared__ float s[128];
  if (threadIdx.x < (bug ? 96u : 128u)) s[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * 128 + threadIdx.x] = s[threadIdx.x] > 0.5f ? 1.f : 2.f;
}
__global__ void no_second_barrier(float* out, bool bug) {  // write-after-read: the next round overwrites what others still read
  __shared__ float s[128];
  float sum = 0;
  for (int i = 0; i < 8; i++) {
    s[threadIdx.x] = float(threadIdx.x * 8 + i);
    __syncthreads();
    sum += s[(threadIdx.x + 45) % 128];
    if (!bug) __syncthreads();
  }
  out[threadIdx.x] = sum;
}
__global__ void no_syncwarp(float* out, bool bug) {
  __shared__ float s[4][32];
  const int w = threadIdx.x / 32, l = threadIdx.x % 32;
  s[w][l] = float(threadIdx.x);
  if (!bug) __syncwarp();
  out[threadIdx.x] = s[w][31 - l];
}
__global__ void plain_increment(float* out, bool bug) {
  __shared__ int n;
  if (threadIdx.x == 0) n = 0;
  __syncthreads();
  if (bug)
    n = n + 1;
  else
    atomicAdd(&n, 1);
  __syncthreads();
  if (threadIdx.x == 0) out[0] = float(n);
}
__global__ void uninitialised(float* out, bool bug) {
  float* s = dynamic_shared<float>();
  if (threadIdx.x < (bug ? 96u : 128u)) s[threadIdx.x] = 1;
  __syncthreads();
  float v = s[threadIdx.x];
  out[threadIdx.x] = v > 0.5f ? 1.f : 2.f;
}
__global__ void shared_past_end(float* out, bool bug) {
  float* s = dynamic_shared<float>();
  s[threadIdx.x + (bug ? 1 : 0)] = 1;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x + (bug ? 1 : 0)];
}
struct Two {
  float a[64], b[64];
};
__global__ void shared_wrong_array(float* out, bool bug) {  // past a's end, inside the allocation
  Two& s = *dynamic_shared<Two>();
  s.a[threadIdx.x] = 1;
  s.b[threadIdx.x] = 2;
  __syncthreads();
  out[threadIdx.x] = s.a[bug ? threadIdx.x + 1 : threadIdx.x];
}
__global__ void divergent_barrier(float* out, bool bug) {
  __shared__ float s[64];
  s[threadIdx.x] = 1;
  if (bug && threadIdx.x < 32) {
    __syncthreads();
    s[threadIdx.x] += 0;
  } else
    __syncthreads();
  out[threadIdx.x] = s[63 - threadIdx.x];
}
__global__ void early_return(float* out, bool bug) {
  __shared__ float s[128];
  if (bug && threadIdx.x >= 100) return;
  s[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];
}
__global__ void wrong_barrier_count(float* out, bool bug) {
  if (threadIdx.x < 64) named_barrier_sync(1, bug ? 96 : 64);
  out[threadIdx.x] = 1;
}
__global__ void divergent_shuffle(float* out, bool bug) {
  float v = float(threadIdx.x % 32);
  if (!bug || threadIdx.x % 32 < 16)
    v = __shfl_xor_sync(~0u, v, 1);
  else
    v += float(__ballot_sync(~0u, 1) & 1);
  out[threadIdx.x] = v;
}
__global__ void shuffle_outside_mask(float* out, bool bug) {
  float v = 1;
  if (threadIdx.x < 16) v = __shfl_sync(0xFFFFu, v, bug ? 20 : 3);
  out[threadIdx.x] = v;
}
// ---- cp.async
__global__ void cp_async_case(const float* in, float* out, int bug) {
  float4* s = dynamic_shared<float4>();
  cp_async16(&s[threadIdx.x], reinterpret_cast<const float4*>(in) + threadIdx.x);
  cp_async_commit();
  cp_async16(&s[128 + threadIdx.x], reinterpret_cast<const float4*>(in) + 128 + threadIdx.x);
  cp_async_commit();
  if (bug == 1)
    cp_async_wait<1>();
  else
    cp_async_wait<0>();           // 1: one group too few
  if (bug != 2) __syncthreads();  // 2: others' copies not awaited
  float4 v = s[255 - threadIdx.x];
  reinterpret_cast<float4*>(out)[threadIdx.x] = v;
  if (bug == 1) cp_async_wait<0>();
}
// ---- TMA, mbarrier, wgmma: a ring of two stages feeding wgmma (64 x 64 x K)
struct alignas(1024) Ring {
  bf16 a[2][64 * 64], b[2][64 * 64];
  uint64_t full[2], empty[2];
};
enum { None, NoEmptyWait, EarlyRelease, NoWgmmaWait, NoWgmmaFence, WrongParity, WrongBytes, NoInitBarrier, NoFullWait };
__global__ void __launch_bounds__(160)
    ring(const __grid_constant__ CUtensorMap ta, const __grid_constant__ CUtensorMap tb, float* out, int steps, int bug) {
#if FOVEA_CUDA_SM90A
  Ring& s = *dynamic_shared<Ring>();
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; i++) {
      mbarrier_init(&s.full[i], 1);
      mbarrier_init(&s.empty[i], 1);
    }
    fence_mbarrier_init();
  }
  if (bug != NoInitBarrier) __syncthreads();
  if (threadIdx.x >= 128) {
    if (threadIdx.x == 128)
      for (int k = 0; k < steps; k++) {
        if (bug != NoEmptyWait) mbarrier_wait(&s.empty[k % 2], (k / 2 & 1) ^ (bug == WrongParity ? 0 : 1));
        mbarrier_arrive_expect(&s.full[k % 2], bug == WrongBytes ? 16000 : sizeof s.a[0] + sizeof s.b[0]);
        tma_load(s.a[k % 2], ta, &s.full[k % 2], k * 64, 0);
        tma_load(s.b[k % 2], tb, &s.full[k % 2], k * 64, 0);
      }
    return;
  }
  float acc[32] = {};
  for (int k = 0; k < steps; k++) {
    if (bug != NoFullWait) mbarrier_wait(&s.full[k % 2], k / 2 & 1);
    const uint64_t da = wgmma_descriptor(s.a[k % 2], 16, 1024, Swizzle::bytes128),
                   db = wgmma_descriptor(s.b[k % 2], 16, 1024, Swizzle::bytes128);
    if (bug != NoWgmmaFence) wgmma_fence();
    for (int j = 0; j < 4; j++) wgmma_bf16<64>(acc, da + j * 2, db + j * 2, true);
    wgmma_commit();
    if (bug == EarlyRelease) {
      named_barrier_sync(1, 128);
      if (threadIdx.x == 0) mbarrier_arrive(&s.empty[k % 2]);
    }
    if (bug == NoWgmmaWait && k == steps - 1) {
      float x = 0;
      for (int i = 0; i < 32; i++) x += acc[i];
      out[threadIdx.x] = x;
    }
    wgmma_wait<0>(acc);
    if (bug != EarlyRelease) {
      named_barrier_sync(1, 128);
      if (threadIdx.x == 0) mbarrier_arrive(&s.empty[k % 2]);
    }
  }
  if (bug != NoWgmmaWait) {
    float x = 0;
    for (int i = 0; i < 32; i++) x += acc[i];
    out[threadIdx.x] = x;
  }
#endif
}
__global__ void __launch_bounds__(128)
    no_proxy_fence(float* out, bool bug) {  // tiles written by ordinary stores, read by wgmma
#if FOVEA_CUDA_SM90A
  Ring& s = *dynamic_shared<Ring>();
  for (int i = threadIdx.x; i < 64 * 64; i += 128) {
    s.a[0][i] = __float2bfloat16(1.f);
    s.b[0][i] = __float2bfloat16(1.f);
  }
  if (!bug) fence_proxy_async();
  __syncthreads();
  float acc[32] = {};
  const uint64_t da = wgmma_descriptor(s.a[0], 16, 1024, Swizzle::bytes128),
                 db = wgmma_descriptor(s.b[0], 16, 1024, Swizzle::bytes128);
  wgmma_fence();
  for (int j = 0; j < 4; j++) wgmma_bf16<64>(acc, da + j * 2, db + j * 2, true);
  wgmma_commit();
  wgmma_wait<0>(acc);
  out[threadIdx.x] = acc[0];
#endif
}
// ---- global memory
__global__ void global_past_end(const float* in, float* out, int n, bool bug) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (bug ? i <= n : i < n) out[i] = in[i];
}
__global__ void overlapping_blocks(float* out, bool bug) {
  out[blockIdx.x * (bug ? 60 : 64) + threadIdx.x] = float(blockIdx.x);
}
__global__ void no_threadfence(float* part, unsigned* count, float* out, bool bug) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    part[blockIdx.x] = float(blockIdx.x);
    if (!bug) __threadfence();
    last = atomicAdd(count, 1u) == gridDim.x - 1;
    if (last) {
      float t = 0;
      for (unsigned b = 0; b < gridDim.x; b++) t += part[b];
      *out = t;
    }
  }
}
__global__ void no_grid_sync(float* data, float* out, bool bug) {
  data[blockIdx.x * 32 + threadIdx.x] = 1;
  if (!bug) grid_sync();
  out[blockIdx.x * 32 + threadIdx.x] = data[(blockIdx.x + 1) % gridDim.x * 32 + threadIdx.x];
}
__global__ void cluster_exit(float* out, bool bug) {  // leaves while a neighbour may still read its shared memory
#if FOVEA_CUDA_SM90
  float* s = dynamic_shared<float>();
  s[threadIdx.x] = float(blockIdx.x);
  cluster_sync();
  out[blockIdx.x * 32 + threadIdx.x] = map_shared_rank(s, (cluster_rank() + 1) % 2)[threadIdx.x];
  if (!bug) cluster_sync();
#endif
}
__global__ void fill(float* p, float v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) p[i] = v;
}
__global__ void add(float* p, float v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) p[i] += v;
}

struct Buf {
  float* p;
  Buf(int n) { cudaMalloc(&p, n * 4); }
  ~Buf() { cudaFree(p); }
};
std::vector<float> read(float* p, int n) {
  std::vector<float> v(n);
  cudaMemcpy(v.data(), p, n * 4, cudaMemcpyDeviceToHost);
  return v;
}
template <class F>
int check(float* p, int n, F want) {
  auto v = read(p, n);
  if (cudaGetLastError() != cudaSuccess) return 2;
  for (int i = 0; i < n; i++)
    if (!(std::fabs(v[i] - float(want(i))) < 1e-3)) return 1;
  return 0;
}
int run_ring(int bug) {
  const int K = 64 * 6;
  std::vector<bf16> h(64 * K);
  for (int i = 0; i < 64 * K; i++) h[i] = __float2bfloat16(float((i * 7 + i / K) % 5 - 2));
  bf16 *a, *b;
  cudaMalloc(&a, h.size() * 2);
  cudaMalloc(&b, h.size() * 2);
  Buf out(128);
  cudaMemcpy(a, h.data(), h.size() * 2, cudaMemcpyHostToDevice);
  cudaMemcpy(b, h.data(), h.size() * 2, cudaMemcpyHostToDevice);
  CUtensorMap ta, tb;
  const uint64_t d[] = {uint64_t(K), 64}, st[] = {uint64_t(K) * 2};
  const unsigned box[] = {64, 64};
  make_tensor_map(&ta, TensorType::bf16, a, 2, d, st, box, Swizzle::bytes128);
  make_tensor_map(&tb, TensorType::bf16, b, 2, d, st, box, Swizzle::bytes128);
  launch(ring, 1, 160, sizeof(Ring), nullptr, ta, tb, out.p, K / 64, bug);
  int r = check(out.p, 128, [&](int t) {
    double x = 0;
    int g = t / 32 * 16 + t % 32 / 4, c = t % 4 * 2;
    for (int j = 0; j < 8; j++)
      for (int e = 0; e < 4; e++)
        for (int k = 0; k < K; k++) x += double(h[(g + e / 2 * 8) * K + k]) * double(h[(j * 8 + c + e % 2) * K + k]);
    return x;
  });
  cudaFree(a);
  cudaFree(b);
  return r;
}
template <class K>
int simple(K k, int blocks, int threads, size_t smem, int n, float want, bool bug) {
  Buf o(n);
  launch(k, blocks, threads, smem, nullptr, o.p, bug);
  return check(o.p, n, [=](int) { return want; });
}
int run_cp(int bug) {
  std::vector<float> h(1024);
  for (int i = 0; i < 1024; i++) h[i] = float(i);
  Buf in(1024), out(512);
  cudaMemcpy(in.p, h.data(), 4096, cudaMemcpyHostToDevice);
  launch(cp_async_case, 1, 128, 4096, nullptr, in.p, out.p, bug);
  return check(out.p, 512, [](int i) { return (255 - i / 4) * 4 + i % 4; });
}
// ---- host side
int pinned_read_too_early(bool bug) {
  Buf d(1000);
  float* h;
  cudaMallocHost(&h, 4000);
  for (int i = 0; i < 1000; i++) h[i] = 0;
  cudaStream_t s;
  cudaStreamCreate(&s);
  launch(fill, 4, 256, 0, s, d.p, 3.f, 1000);
  cudaMemcpyAsync(h, d.p, 4000, cudaMemcpyDeviceToHost, s);
  if (!bug) cudaStreamSynchronize(s);
  float v = h[999];
  cudaStreamSynchronize(s);
  cudaStreamDestroy(s);
  cudaFreeHost(h);
  return v != 3.f;
}
int pinned_overwritten_too_early(bool bug) {
  Buf d(1000);
  float* h;
  cudaMallocHost(&h, 4000);
  for (int i = 0; i < 1000; i++) h[i] = 5;
  cudaStream_t s;
  cudaStreamCreate(&s);
  cudaMemcpyAsync(d.p, h, 4000, cudaMemcpyHostToDevice, s);
  if (!bug) cudaStreamSynchronize(s);
  for (int i = 0; i < 1000; i++) h[i] = 6;
  cudaStreamSynchronize(s);
  cudaStreamDestroy(s);
  int r = check(d.p, 1000, [](int) { return 5; });
  cudaFreeHost(h);
  return r;
}
int no_event_between_streams(bool bug) {
  Buf d(1000);
  cudaStream_t a, b;
  cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
  cudaEvent_t e;
  cudaEventCreate(&e);
  launch(fill, 4, 256, 0, a, d.p, 3.f, 1000);
  if (!bug) {
    cudaEventRecord(e, a);
    cudaStreamWaitEvent(b, e);
  }
  launch(add, 4, 256, 0, b, d.p, 1.f, 1000);
  cudaDeviceSynchronize();
  int r = check(d.p, 1000, [](int) { return 4; });
  cudaStreamDestroy(a);
  cudaStreamDestroy(b);
  cudaEventDestroy(e);
  return r;
}
int freed_too_early(bool bug) {
  float* t;
  cudaStream_t a, b;
  cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
  cudaEvent_t e;
  cudaEventCreate(&e);
  Buf d(1000);
  cudaMallocAsync(&t, 4000, a);
  launch(fill, 4, 256, 0, a, t, 3.f, 1000);
  cudaEventRecord(e, a);
  cudaStreamWaitEvent(b, e);
  cudaMemcpyAsync(d.p, t, 4000, cudaMemcpyDeviceToDevice, b);
  if (!bug) {
    cudaEventRecord(e, b);
    cudaStreamWaitEvent(a, e);
  }
  cudaFreeAsync(t, a);
  cudaDeviceSynchronize();
  int r = check(d.p, 1000, [](int) { return 3; });
  cudaStreamDestroy(a);
  cudaStreamDestroy(b);
  cudaEventDestroy(e);
  return r;
}
int host_touches_device_memory(bool bug) {
  Buf d(10);
  launch(fill, 1, 32, 0, nullptr, d.p, 3.f, 10);
  cudaDeviceSynchronize();
  if (bug) return d.p[0] == 3.f ? 0 : 1;
  return check(d.p, 10, [](int) { return 3; });
}
int shared_attribute_missing(bool bug) {
  Buf o(128);
  if (!bug) cudaFuncSetAttribute(uninitialised, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10);
  cudaLaunchConfig_t c{};
  c.gridDim = 1;
  c.blockDim = 128;
  c.dynamicSmemBytes = 100 << 10;
  cudaLaunchKernelEx(&c, uninitialised, o.p, false);
  return check(o.p, 128, [](int) { return 1; });
}
int capture_not_joined(bool bug) {
  Buf d(1000);
  cudaStream_t a, b;
  cudaStreamCreateWithFlags(&a, 1);
  cudaStreamCreateWithFlags(&b, 1);
  cudaEvent_t e, f;
  cudaEventCreate(&e);
  cudaEventCreate(&f);
  cudaGraph_t g;
  cudaGraphExec_t x;
  cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal);
  launch(fill, 4, 256, 0, a, d.p, 3.f, 1000);
  cudaEventRecord(e, a);
  cudaStreamWaitEvent(b, e);
  launch(add, 4, 256, 0, b, d.p, 1.f, 1000);
  if (!bug) {
    cudaEventRecord(f, b);
    cudaStreamWaitEvent(a, f);
  }
  cudaError_t r = cudaStreamEndCapture(a, &g);
  if (r == cudaSuccess) {
    cudaGraphInstantiate(&x, g, 0);
    for (int i = 0; i < 3; i++) cudaGraphLaunch(x, a);
    cudaStreamSynchronize(a);
    cudaGraphExecDestroy(x);
    cudaGraphDestroy(g);
  }
  cudaStreamDestroy(a);
  cudaStreamDestroy(b);
  cudaEventDestroy(e);
  cudaEventDestroy(f);
  return r != cudaSuccess ? 2 : check(d.p, 1000, [](int) { return 4; });
}
}  // namespace

const char* const case_names[] = {"no_barrier",
                                  "no_second_barrier",
                                  "no_barrier_in_template",
                                  "uninitialised_static",
                                  "no_syncwarp",
                                  "plain_increment",
                                  "uninitialised",
                                  "shared_past_end",
                                  "shared_wrong_array",
                                  "divergent_barrier",
                                  "early_return",
                                  "wrong_barrier_count",
                                  "divergent_shuffle",
                                  "shuffle_outside_mask",
                                  "cp_async_wait_count",
                                  "cp_async_no_barrier",
                                  "ring_no_empty_wait",
                                  "ring_early_release",
                                  "ring_no_wgmma_wait",
                                  "ring_no_wgmma_fence",
                                  "ring_wrong_parity",
                                  "ring_wrong_bytes",
                                  "ring_no_init_barrier",
                                  "ring_no_full_wait",
                                  "no_proxy_fence",
                                  "global_past_end",
                                  "overlapping_blocks",
                                  "no_threadfence",
                                  "no_grid_sync",
                                  "cluster_exit",
                                  "pinned_read_too_early",
                                  "pinned_overwritten_too_early",
                                  "no_event_between_streams",
                                  "freed_too_early",
                                  "host_touches_device_memory",
                                  "shared_attribute_missing",
                                  "capture_not_joined",
                                  nullptr};
int run_case(const std::string& n, bool sound) {
  const bool b = !sound;
  auto ring_bug = [&](int k) { return run_ring(sound ? None : k); };
  if (n == "no_barrier") {
    Buf o(256);
    launch(no_barrier, 1, 256, 0, nullptr, o.p, b);
    return check(o.p, 256, [](int i) { return (i + 77) % 256; });
  }
  if (n == "no_barrier_in_template") {
    Buf o(256);
    launch(no_barrier_in_template<double>, 1, 256, 0, nullptr, o.p, b);
    return check(o.p, 256, [](int i) { return (i + 77) % 256; });
  }
  if (n == "uninitialised_static") return simple(uninitialised_static, 3, 128, 0, 384, 1, b);
  if (n == "no_second_barrier") {
    Buf o(128);
    launch(no_second_barrier, 1, 128, 0, nullptr, o.p, b);
    return check(o.p, 128, [](int i) { return (i + 45) % 128 * 64 + 28; });
  }
  if (n == "no_syncwarp") {
    Buf o(128);
    launch(no_syncwarp, 1, 128, 0, nullptr, o.p, b);
    return check(o.p, 128, [](int i) { return i / 32 * 32 + 31 - i % 32; });
  }
  if (n == "plain_increment") return simple(plain_increment, 1, 128, 0, 1, 128, b);
  if (n == "uninitialised") return simple(uninitialised, 1, 128, 512, 128, 1, b);
  if (n == "shared_past_end") return simple(shared_past_end, 1, 128, 512, 128, 1, b);
  if (n == "shared_wrong_array") return simple(shared_wrong_array, 1, 64, 512, 64, 1, b);
  if (n == "divergent_barrier") return simple(divergent_barrier, 1, 64, 0, 64, 1, b);
  if (n == "early_return") return simple(early_return, 1, 128, 0, b ? 100 : 128, 1, b);
  if (n == "wrong_barrier_count") return simple(wrong_barrier_count, 1, 128, 0, 128, 1, b);
  if (n == "divergent_shuffle") {
    Buf o(32);
    launch(divergent_shuffle, 1, 32, 0, nullptr, o.p, b);
    return check(o.p, 32, [](int i) { return i ^ 1; });
  }
  if (n == "shuffle_outside_mask") return simple(shuffle_outside_mask, 1, 32, 0, 32, 1, b);
  if (n == "cp_async_wait_count") return run_cp(b ? 1 : 0);
  if (n == "cp_async_no_barrier") return run_cp(b ? 2 : 0);
  if (n == "ring_no_empty_wait") return ring_bug(NoEmptyWait);
  if (n == "ring_early_release") return ring_bug(EarlyRelease);
  if (n == "ring_no_wgmma_wait") return ring_bug(NoWgmmaWait);
  if (n == "ring_no_wgmma_fence") return ring_bug(NoWgmmaFence);
  if (n == "ring_wrong_parity") return ring_bug(WrongParity);
  if (n == "ring_wrong_bytes") return ring_bug(WrongBytes);
  if (n == "ring_no_init_barrier") return ring_bug(NoInitBarrier);
  if (n == "ring_no_full_wait") return ring_bug(NoFullWait);
  if (n == "no_proxy_fence") return simple(no_proxy_fence, 1, 128, sizeof(Ring), 128, 64, b);
  if (n == "global_past_end") {
    Buf in(1000), o(1000);
    launch(fill, 4, 256, 0, nullptr, in.p, 1.f, 1000);
    launch(global_past_end, 4, 256, 0, nullptr, in.p, o.p, 1000, b);
    return check(o.p, 1000, [](int) { return 1; });
  }
  if (n == "overlapping_blocks") {
    Buf o(256);
    launch(overlapping_blocks, 4, 64, 0, nullptr, o.p, b);
    return check(o.p, 180, [=](int i) { return b ? i / 60 : i / 64; });
  }
  if (n == "no_threadfence") {
    Buf p(8), o(1);
    unsigned* c;
    cudaMalloc(&c, 4);
    cudaMemset(c, 0, 4);
    launch(no_threadfence, 8, 32, 0, nullptr, p.p, c, o.p, b);
    int r = check(o.p, 1, [](int) { return 28; });
    cudaFree(c);
    return r;
  }
  if (n == "no_grid_sync") {
    Buf d(128), o(128);
    launch_with({1, true}, no_grid_sync, 4, 32, 0, nullptr, d.p, o.p, b);
    return check(o.p, 128, [](int) { return 1; });
  }
  if (n == "cluster_exit") {
    Buf o(64);
    launch_with({2, false}, cluster_exit, 2, 32, 128, nullptr, o.p, b);
    return check(o.p, 64, [](int i) { return 1 - i / 32; });
  }
  if (n == "pinned_read_too_early") return pinned_read_too_early(b);
  if (n == "pinned_overwritten_too_early") return pinned_overwritten_too_early(b);
  if (n == "no_event_between_streams") return no_event_between_streams(b);
  if (n == "freed_too_early") return freed_too_early(b);
  if (n == "host_touches_device_memory") return host_touches_device_memory(b);
  if (n == "shared_attribute_missing") return shared_attribute_missing(b);
  if (n == "capture_not_joined") return capture_not_joined(b);
  return -1;
}
