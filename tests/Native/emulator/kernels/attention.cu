// Flash-attention forward, head size 64, no mask: 64 query rows a block, 16 a warp, key/value tiles of 64 double-buffered with
// cp.async.
#include "tensor_kernels.h"
using namespace fovea::cuda;
namespace {
constexpr int D = 64, BR = 64, BC = 64;
struct Smem {
  bf16 q[BR * D], k[2][BC * D], v[2][BC * D];
};
__device__ __forceinline__ int at(int row, int chunk) { return row * D + (chunk ^ (row & 7)) * 8; }

__global__ void __launch_bounds__(128)
    attention_kernel(const bf16* __restrict__ q, const bf16* __restrict__ k, const bf16* __restrict__ v, bf16* __restrict__ o,
                     int len, float scale_log2) {
  Smem& s = *dynamic_shared<Smem>();
  const int t = threadIdx.x, lane = t % 32, warp = t / 32, r0 = blockIdx.x * BR;
  const size_t head = size_t(blockIdx.y) * len * D;
  auto load = [&](bf16* dst, const bf16* src) {
#pragma unroll
    for (int i = t; i < 64 * D / 8; i += 128) cp_async16(&dst[at(i / 8, i % 8)], src + i * 8);
  };
  load(s.q, q + head + r0 * D);
  load(s.k[0], k + head);
  load(s.v[0], v + head);
  cp_async_commit();
  uint32_t fq[4][4];
  float acc[8][4] = {}, top[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  const int tiles = len / BC;
  for (int j = 0; j < tiles; j++) {
    if (j + 1 < tiles) {
      load(s.k[(j + 1) % 2], k + head + (j + 1) * BC * D);
      load(s.v[(j + 1) % 2], v + head + (j + 1) * BC * D);
    }
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads();
    if (j == 0)
#pragma unroll
      for (int kk = 0; kk < 4; kk++) ldmatrix_x4(fq[kk], &s.q[at(warp * 16 + lane % 16, kk * 2 + lane / 16)]);
    float sc[8][4] = {};
#pragma unroll
    for (int kk = 0; kk < 4; kk++)
#pragma unroll
      for (int nn = 0; nn < 4; nn++) {
        uint32_t f[4];
        ldmatrix_x4(f, &s.k[j % 2][at(nn * 16 + lane % 8 + lane / 16 * 8, kk * 2 + lane / 8 % 2)]);
        const uint32_t f0[2] = {f[0], f[1]}, f1[2] = {f[2], f[3]};
        mma_bf16(sc[nn * 2], fq[kk], f0);
        mma_bf16(sc[nn * 2 + 1], fq[kk], f1);
      }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float mx = top[h];
#pragma unroll
      for (int n = 0; n < 8; n++) mx = fmaxf(mx, fmaxf(sc[n][h * 2], sc[n][h * 2 + 1]));
      mx = fmaxf(mx, __shfl_xor_sync(~0u, mx, 1));
      mx = fmaxf(mx, __shfl_xor_sync(~0u, mx, 2));
      const float keep = exp2f((top[h] - mx) * scale_log2);
      top[h] = mx;
      sum[h] *= keep;
#pragma unroll
      for (int n = 0; n < 8; n++) {
        acc[n][h * 2] *= keep;
        acc[n][h * 2 + 1] *= keep;
        sc[n][h * 2] = exp2f((sc[n][h * 2] - mx) * scale_log2);
        sc[n][h * 2 + 1] = exp2f((sc[n][h * 2 + 1] - mx) * scale_log2);
        sum[h] += sc[n][h * 2] + sc[n][h * 2 + 1];
      }
    }
#pragma unroll
    for (int kk = 0; kk < 4; kk++) {
      const uint32_t fp[4] = {pack_bf16(sc[kk * 2][0], sc[kk * 2][1]), pack_bf16(sc[kk * 2][2], sc[kk * 2][3]),
                              pack_bf16(sc[kk * 2 + 1][0], sc[kk * 2 + 1][1]), pack_bf16(sc[kk * 2 + 1][2], sc[kk * 2 + 1][3])};
#pragma unroll
      for (int nn = 0; nn < 4; nn++) {
        uint32_t f[4];
        ldmatrix_x4_trans(f, &s.v[j % 2][at(kk * 16 + lane % 16, nn * 2 + lane / 16)]);
        const uint32_t f0[2] = {f[0], f[1]}, f1[2] = {f[2], f[3]};
        mma_bf16(acc[nn * 2], fp, f0);
        mma_bf16(acc[nn * 2 + 1], fp, f1);
      }
    }
    __syncthreads();
  }
  cp_async_wait<0>();
#pragma unroll
  for (int h = 0; h < 2; h++) {
    sum[h] += __shfl_xor_sync(~0u, sum[h], 1);
    sum[h] += __shfl_xor_sync(~0u, sum[h], 2);
    const float inv = 1.f / sum[h];
#pragma unroll
    for (int n = 0; n < 8; n++)
      *reinterpret_cast<uint32_t*>(&o[head + (r0 + warp * 16 + h * 8 + lane / 4) * D + n * 8 + lane % 4 * 2]) =
          pack_bf16(acc[n][h * 2] * inv, acc[n][h * 2 + 1] * inv);
  }
}
}  // namespace
cudaError_t attention(const bf16* q, const bf16* k, const bf16* v, bf16* o, int heads, int len, cudaStream_t s) {
  return launch(attention_kernel, dim3(len / BR, heads), 128, sizeof(Smem), s, q, k, v, o, len, 1.4426950408889634f / 8.f);
}
