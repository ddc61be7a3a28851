// 3x3 convolution, NHWC, 64 -> 64 channels, stride 1, padding 1: implicit GEMM on mma.sync, taps as K blocks, cp.async with
// zero fill.
#include "tensor_kernels.h"
using namespace fovea::cuda;
namespace {
constexpr int C = 64, F = 64, BM = 64, BK = 32, STAGES = 3, STEPS = 9 * C / BK;
struct Smem {
  bf16 a[STAGES][BM * BK], b[STAGES][BK * F];
};
__device__ __forceinline__ int a_at(int row, int chunk) { return row * BK + (chunk ^ (row >> 1 & 3)) * 8; }
__device__ __forceinline__ int b_at(int row, int chunk) { return row * F + (chunk ^ (row & 7)) * 8; }

__global__ void __launch_bounds__(128)
    conv3x3_kernel(const bf16* __restrict__ in, const bf16* __restrict__ w, float* __restrict__ out, int h, int wd) {
  Smem& s = *dynamic_shared<Smem>();
  const int t = threadIdx.x, lane = t % 32, wm = t / 32 % 2 * 32, wn = t / 64 * 32, p0 = blockIdx.x * BM;
  auto load = [&](int st, int step) {
    const int tap = step / (C / BK), c0 = step % (C / BK) * BK, dy = tap / 3 - 1, dx = tap % 3 - 1;
#pragma unroll
    for (int i = t; i < BM * BK / 8; i += 128) {
      const int r = i / 4, q = i % 4, p = p0 + r, y = p / wd + dy, x = p % wd + dx;
      const bool inside = p < h * wd && y >= 0 && y < h && x >= 0 && x < wd;
      cp_async16(&s.a[st][a_at(r, q)], in + (inside ? (y * wd + x) * C + c0 + q * 8 : 0), inside);
    }
#pragma unroll
    for (int i = t; i < BK * F / 8; i += 128) {
      const int r = i / 8, q = i % 8;
      cp_async16(&s.b[st][b_at(r, q)], w + (tap * C + c0 + r) * F + q * 8);
    }
  };
  float acc[2][4][4] = {};
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) {
    load(i, i);
    cp_async_commit();
  }
  for (int step = 0; step < STEPS; step++) {
    cp_async_wait<STAGES - 2>();
    __syncthreads();
    if (step + STAGES - 1 < STEPS) load((step + STAGES - 1) % STAGES, step + STAGES - 1);
    cp_async_commit();
    const int st = step % STAGES;
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
    for (int hh = 0; hh < 2; hh++) {
      const int p = p0 + wm + i * 16 + hh * 8 + lane / 4;
      if (p < h * wd)
#pragma unroll
        for (int j = 0; j < 4; j++)
          *reinterpret_cast<float2*>(&out[p * F + wn + j * 8 + lane % 4 * 2]) =
              make_float2(acc[i][j][hh * 2], acc[i][j][hh * 2 + 1]);
    }
}
}  // namespace
cudaError_t conv3x3(const bf16* in, const bf16* w, float* out, int h, int wd, cudaStream_t s) {
  return launch(conv3x3_kernel, (h * wd + BM - 1) / BM, 128, sizeof(Smem), s, in, w, out, h, wd);
}
