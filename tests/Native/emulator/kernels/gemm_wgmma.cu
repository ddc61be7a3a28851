// bf16 GEMM for sm_90a: one TMA producer, two wgmma consumer warp groups, a ring of mbarrier-guarded stages.
#include "tensor_kernels.h"
using namespace fovea::cuda;
namespace {
constexpr int BM = 128, BN = 128, BK = 64, STAGES = 4;
struct alignas(1024) Smem {
  bf16 a[STAGES][BM * BK], b[STAGES][BN * BK];
  uint64_t full[STAGES], empty[STAGES];
};

__global__ void __launch_bounds__(384)
    gemm_wgmma_kernel(const __grid_constant__ CUtensorMap ta, const __grid_constant__ CUtensorMap tb, float* __restrict__ c,
                      int n, int k) {
#if FOVEA_CUDA_SM90A
  Smem& s = *dynamic_shared<Smem>();
  const int group = threadIdx.x / 128, steps = k / BK, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN;
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; i++) {
      mbarrier_init(&s.full[i], 1);
      mbarrier_init(&s.empty[i], 8);
    }  // one arrival per consumer warp
    fence_mbarrier_init();
  }
  __syncthreads();
  if (group == 0) {
    register_release<40>();
    if (threadIdx.x == 0)
      for (int kt = 0; kt < steps; kt++) {
        const int st = kt % STAGES;
        mbarrier_wait(&s.empty[st], (kt / STAGES & 1) ^ 1);
        mbarrier_arrive_expect(&s.full[st], sizeof s.a[0] + sizeof s.b[0]);
        tma_load(s.a[st], ta, &s.full[st], kt * BK, m0);
        tma_load(s.b[st], tb, &s.full[st], kt * BK, n0);
      }
    return;
  }
  register_allocate<232>();
  float acc[BN / 2];
  auto issue = [&](int kt, bool first) {
    const int st = kt % STAGES;
    mbarrier_wait(&s.full[st], kt / STAGES & 1);
    const uint64_t da = wgmma_descriptor(s.a[st] + (group - 1) * 64 * BK, 16, 1024, Swizzle::bytes128),
                   db = wgmma_descriptor(s.b[st], 16, 1024, Swizzle::bytes128);
    wgmma_fence();
#pragma unroll
    for (int kk = 0; kk < BK / 16; kk++) wgmma_bf16<BN>(acc, da + kk * 2, db + kk * 2, !first || kk > 0);
    wgmma_commit();
  };
  issue(0, true);  // peeled, and without zeroing acc: else ptxas serialises the pipeline (C7515)
  for (int kt = 1; kt < steps; kt++) {
    issue(kt, false);
    wgmma_wait<1>(acc);  // the previous stage's products are done: hand its buffers back
    if (threadIdx.x % 32 == 0) mbarrier_arrive(&s.empty[(kt - 1) % STAGES]);
  }
  wgmma_wait<0>(acc);
  const int lane = threadIdx.x % 32, row = m0 + (group - 1) * 64 + threadIdx.x % 128 / 32 * 16 + lane / 4;
#pragma unroll
  for (int j = 0; j < BN / 8; j++)
#pragma unroll
    for (int h = 0; h < 2; h++)
      *reinterpret_cast<float2*>(&c[(row + h * 8) * n + n0 + j * 8 + lane % 4 * 2]) =
          make_float2(acc[j * 4 + h * 2], acc[j * 4 + h * 2 + 1]);
#endif
}
}  // namespace
cudaError_t gemm_wgmma(const bf16* a, const bf16* b, float* c, int m, int n, int k, cudaStream_t s) {
  CUtensorMap ta, tb;
  const uint64_t da[] = {uint64_t(k), uint64_t(m)}, db[] = {uint64_t(k), uint64_t(n)}, stride[] = {uint64_t(k) * 2};
  const unsigned ba[] = {BK, BM}, bb[] = {BK, BN};
  if (cudaError_t e = make_tensor_map(&ta, TensorType::bf16, a, 2, da, stride, ba, Swizzle::bytes128); e != cudaSuccess)
    return e;
  if (cudaError_t e = make_tensor_map(&tb, TensorType::bf16, b, 2, db, stride, bb, Swizzle::bytes128); e != cudaSuccess)
    return e;
  return launch(gemm_wgmma_kernel, dim3(n / BN, m / BM), 384, sizeof(Smem), s, ta, tb, c, n, k);
}
