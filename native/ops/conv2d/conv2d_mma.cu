// f16 and bf16 on tensor cores: four warps, each 32 pixels x 16 or 32 outputs in fragments of mma.sync m16n8k16; products are
// exact, sums f32.
#include <algorithm>
#include <type_traits>

#include "ops/conv2d/conv2d_kernel.h"

namespace fovea::cuda {
namespace {

template <class T, int pixels, int channels>
struct MmaTile {
  using Element = T;
  static constexpr int kPixels = pixels, kChannels = channels, kDepth = 32;
  static constexpr int kWarpPixels = 32, kWarpChannels = kPixels * kChannels / 4 / kWarpPixels;
  static constexpr int kColumns = kWarpChannels / 8;  // fragments
  static_assert(kWarpChannels % 16 == 0);
  struct Shared {
    // Rows an odd number of 16 bytes apart: the eight rows of a matrix lie in different banks.
    alignas(16) T x[kPixels][kDepth + 8];
    alignas(16) T w[kDepth][kChannels + 8];
  };
  float sums[2][kColumns][4] = {};

  template <int count>
  FOVEA_DEVICE static void put_x(Shared& s, int pixel, int k, const Pack<T, count>& values) {
    store_pack(&s.x[pixel][k], values);
  }
  FOVEA_DEVICE static void put_w(Shared& s, int k, int channel, const Pack<float, 4>& values) {
    Pack<T, 4> narrow;
#pragma unroll
    for (int e = 0; e < 4; ++e) narrow.v[e] = from_float<T>(values.v[e]);
    store_pack(&s.w[k][channel], narrow);
  }
  FOVEA_DEVICE static int first_pixel() { return int(threadIdx.x) / 32 * kWarpPixels % kPixels; }
  FOVEA_DEVICE static int first_channel() { return int(threadIdx.x) / 32 * kWarpPixels / kPixels * kWarpChannels; }

  FOVEA_DEVICE void multiply(const Shared& s) {
    const int lane = int(threadIdx.x) % 32, pixel = first_pixel() + lane % 16, channel = first_channel() + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
      uint32_t x[2][4];
      for (int i = 0; i < 2; ++i) ldmatrix_x4(x[i], &s.x[pixel + i * 16][k + lane / 16 * 8]);
#pragma unroll
      for (int c = 0; c < kColumns; c += 2) {
        uint32_t w[4];
        ldmatrix_x4_trans(w, &s.w[k + lane % 16][channel + c * 8]);
        const uint32_t left[2] = {w[0], w[1]}, right[2] = {w[2], w[3]};
#pragma unroll
        for (int i = 0; i < 2; ++i) mma(sums[i][c], x[i], left), mma(sums[i][c + 1], x[i], right);
      }
    }
  }
  FOVEA_DEVICE static void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    if constexpr (std::is_same_v<T, __half>)
      mma_f16(d, a, b);
    else
      mma_bf16(d, a, b);
  }
  FOVEA_DEVICE void write(float (&result)[kPixels][kChannels + 4]) const {
    const int lane = int(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
      for (int c = 0; c < kColumns; ++c)
#pragma unroll
        for (int half = 0; half < 2; ++half)
          store_pack(&result[first_pixel() + i * 16 + half * 8 + lane / 4][first_channel() + c * 8 + lane % 4 * 2],
                     Pack<float, 2>{{sums[i][c][half * 2], sums[i][c][half * 2 + 1]}});
  }
};
template <int pixels, int channels>
using HalfTile = MmaTile<__half, pixels, channels>;
template <int pixels, int channels>
using BFloatTile = MmaTile<__nv_bfloat16, pixels, channels>;

}  // namespace

cudaError_t conv_launch_f16(const ConvJob& job, cudaStream_t stream) { return launch_convolution<HalfTile>(job, stream); }
cudaError_t conv_launch_bf16(const ConvJob& job, cudaStream_t stream) { return launch_convolution<BFloatTile>(job, stream); }

}  // namespace fovea::cuda
