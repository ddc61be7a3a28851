// A tile of products on the tensor cores: four warps, each 32 pixels x 16 or 32 outputs in fragments of mma.sync, as Product
// (cuda/mma_product.h) multiplies them; sums are f32.
#pragma once

#include <type_traits>

#include "cuda/mma_product.h"
#include "ops/conv2d/conv2d_kernel.h"

namespace fovea::cuda {
namespace {

template <class Product, int pixels, int channels>
struct ConvMmaTile {
  using Element = typename Product::Element;
  using T = Element;
  static constexpr int kPixels = pixels, kChannels = channels, kDepth = 64 / int{sizeof(T)};
  static constexpr int kWarpPixels = 32, kWarpChannels = kPixels * kChannels / 4 / kWarpPixels;
  static constexpr int kColumns = kWarpChannels / 8;  // fragments
  // Three products take more registers than a fourth block leaves, and two steps of floats at once too many anyway.
  static constexpr int kBlocks = std::is_same_v<Product, ThreeTf32Product> ? 3 : 4;
  static constexpr int kUnroll = std::is_same_v<T, float> ? 1 : 2;
  static_assert(kWarpChannels % 16 == 0);
  struct Shared {
    // Rows an odd number of 16 bytes apart: the eight rows of a matrix lie in different banks. So do, 8 floats beyond whole
    // banks or half of them, 4 rows x 8 channels of w.
    alignas(16) T x[kPixels][kDepth + kPack<T>];
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
    const int lane = int(threadIdx.x) % 32, pixel = first_pixel() + lane % 16;
#pragma unroll(kUnroll)
    for (int k = 0; k < kDepth; k += 2 * kPack<T>) {
      uint32_t x[2][4], w[kColumns][2];
#pragma unroll
      for (int i = 0; i < 2; ++i) ldmatrix_x4(x[i], &s.x[pixel + i * 16][k + lane / 16 * kPack<T>]);
#pragma unroll
      for (int c = 0; c < kColumns; c += 2) load_weights(s, k, first_channel() + c * 8, w[c], w[c + 1]);
      Product::multiply(sums, x, w);
    }
  }
  // Fragments of 16 channels: transposed on the way by ldmatrix, which cannot do so with floats.
  FOVEA_DEVICE static void load_weights(const Shared& s, int k, int channel, uint32_t (&left)[2], uint32_t (&right)[2]) {
    const int lane = int(threadIdx.x) % 32;
    if constexpr (std::is_same_v<T, float>) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float* row = &s.w[k + half * 4 + lane % 4][channel + lane / 4];
        left[half] = __float_as_uint(row[0]), right[half] = __float_as_uint(row[8]);
      }
    } else {
      uint32_t w[4];
      ldmatrix_x4_trans(w, &s.w[k + lane % 16][channel + lane / 16 * 8]);
      left[0] = w[0], left[1] = w[1], right[0] = w[2], right[1] = w[3];
    }
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

}  // namespace
}  // namespace fovea::cuda
