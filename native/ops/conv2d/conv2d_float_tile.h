// A tile of products in f32 on CUDA cores: a thread keeps 4 channels of 4 or 8 pixels in registers. Also the tile of outputs x
// inputs of the weight gradient, whose k are pixels.
#pragma once

#include "cuda/pack.h"
#include "ops/conv2d/conv2d_axis.h"

namespace fovea::cuda {
namespace {

template <int pixels, int channels>
struct FloatTile {
  using Element = float;
  static constexpr int kPixels = pixels, kChannels = channels, kDepth = 16, kBlocks = 4;
  static constexpr int kColumns = kChannels / 4, kRows = kPixels * kColumns / kConvThreads;
  struct Shared {
    alignas(16) float x[kDepth][kPixels + 4];  // k-major, so that a thread reads its pixels at once
    alignas(16) float w[kDepth][kChannels];
  };
  float sums[kRows][4] = {};

  template <int count>
  FOVEA_DEVICE static void put_x(Shared& s, int pixel, int k, const Pack<float, count>& values) {
#pragma unroll
    for (int e = 0; e < count; ++e) s.x[k + e][pixel] = values.v[e];
  }
  FOVEA_DEVICE static void put_w(Shared& s, int k, int channel, const Pack<float, 4>& values) {
    store_pack(&s.w[k][channel], values);
  }
  FOVEA_DEVICE void multiply(const Shared& s) {
    const int row = int(threadIdx.x) / kColumns * kRows, column = int(threadIdx.x) % kColumns * 4;
#pragma unroll 8
    for (int k = 0; k < kDepth; ++k) {
      const Pack<float, 4> w = load_pack<4>(&s.w[k][column]);
#pragma unroll
      for (int r = 0; r < kRows; r += 4) {
        const Pack<float, 4> x = load_pack<4>(&s.x[k][row + r]);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int c = 0; c < 4; ++c) sums[r + i][c] = fmaf(x.v[i], w.v[c], sums[r + i][c]);
      }
    }
  }
  FOVEA_DEVICE void write(float (&result)[kPixels][kChannels + 4]) const {
    const int row = int(threadIdx.x) / kColumns * kRows, column = int(threadIdx.x) % kColumns * 4;
#pragma unroll
    for (int r = 0; r < kRows; ++r)
      store_pack(&result[row + r][column], Pack<float, 4>{{sums[r][0], sums[r][1], sums[r][2], sums[r][3]}});
  }
};

}  // namespace
}  // namespace fovea::cuda
