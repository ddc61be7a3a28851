// bf16 GEMM for sm_80 and up: three-stage cp.async ring, swizzled shared tiles, ldmatrix, mma.sync.
#include "tensor_kernels.h"
using namespace fovea::cuda;
namespace {
constexpr int BM = 64, BN = 64, BK = 32, STAGES = 3;
struct Smem {
  bf16 a[STAGES][BM * BK], b[STAGES][BK * BN];
};
__device__ __forceinline__ int a_at(int row, int chunk) {
  return row * BK + (chunk ^ (row >> 1 & 3)) * 8;
}  // 16-byte chunks, conflict-free
__device__ __forceinline__ int b_at(int row, int chunk) { return row * BN + (chunk ^ (row & 7)) * 8; }

__global__ void __launch_bounds__(128)
    gemm_mma_kernel(const bf16* __restrict__ a, const bf16* __restrict__ b, float* __restrict__ c, int n, int k) {
  Smem& s = *dynamic_shared<Smem>();
  const int t = threadIdx.x, lane = t % 32, wm = t / 32 % 2 * 32, wn = t / 64 * 32, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN;
  auto load = [&](int st, int k0) {
#pragma unroll
    for (int i = t; i < BM * BK / 8; i += 128) {
      int r = i / 4, q = i % 4;
      cp_async16(&s.a[st][a_at(r, q)], a + (m0 + r) * k + k0 + q * 8);
    }
#pragma unroll
    for (int i = t; i < BK * BN / 8; i += 128) {
      int r = i / 8, q = i % 8;
      cp_async16(&s.b[st][b_at(r, q)], b + (k0 + r) * n + n0 + q * 8);
    }
  };
  float acc[2][4][4] = {};
  const int steps = k / BK;
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) {
    if (i < steps) load(i, i * BK);
    cp_async_commit();
  }
  for (int kt = 0; kt < steps; kt++) {
    cp_async_wait<STAGES - 2>();
    __syncthreads();
    if (kt + STAGES - 1 < steps) load((kt + STAGES - 1) % STAGES, (kt + STAGES - 1) * BK);
    cp_async_commit();
    const int st = kt % STAGES;
#pragma unroll
    for (int kk = 0; kk < BK / 16; kk++) {
      uint32_t fa[2][4], fb[2][4];
#pragma unroll
      for (int i = 0; i < 2; i++) ldmatrix_x4(fa[i], &s.a[st][a_at(wm + i * 16 + lane % 16, kk * 2 + lane / 16)]);
#pragma unroll
      for (int j = 0; j < 2; j++) ldmatrix_x4_trans(fb[j], &s.b[st][b_at(kk * 16 + lane % 16, wn / 8 + j * 2 + lane / 16)]);
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const uint32_t f[2] = {fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]};
          mma_bf16(acc[i][j], fa[i], f);
        }
    }
  }
  cp_async_wait<0>();
#pragma unroll
  for (int i = 0; i < 2; i++)
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
      for (int h = 0; h < 2; h++)
        *reinterpret_cast<float2*>(&c[(m0 + wm + i * 16 + h * 8 + lane / 4) * n + n0 + wn + j * 8 + lane % 4 * 2]) =
            make_float2(acc[i][j][h * 2], acc[i][j][h * 2 + 1]);
}
}  // namespace
cudaError_t gemm_mma(const bf16* a, const bf16* b, float* c, int m, int n, int k, cudaStream_t s) {
  return launch(gemm_mma_kernel, dim3(n / BN, m / BM), 128, sizeof(Smem), s, a, b, c, n, k);
}
