// Depthwise convolution and the 1x1 convolution behind it in one pass. A block of output rows of the depthwise result is made
// in scratch that stays in the second-level cache, and the 1x1 tiles consume it at once; it never travels to memory.
//
// Prepared weights: a header, then the depthwise and the direct form of conv2d.
#pragma once

#include "core/tensor.h"
#include "ops/conv2d/conv2d.h"

namespace fovea {

struct SeparablePlan {
  int64_t block_rows;  // output rows of a block; pairs of rows share their input, so an even number
  // A layer of few blocks: all depthwise rows first, by all threads into one scratch, then the products, cut by output channels
  // too. Its intermediate result is small enough for a cache anyway.
  bool whole;
  int64_t splits;          // parts of the output channels, with `whole`
  int64_t scratch_pitch;   // floats between pixels
  int64_t scratch_floats;  // per thread; of all threads with `whole`
};

struct SeparableJob {
  Conv2dJob depthwise;  // y is not used, y_pitch is that of the scratch
  Conv2dJob pointwise;  // x is not used
  SeparablePlan plan;
};

struct alignas(64) SeparableHeader {
  uint32_t magic;
  int32_t in_channels, out_channels, kernel_h, kernel_w;
};
inline constexpr uint32_t kSeparableMagic = 0x43535646;  // "FVSC"

struct SeparablePrepareJob {
  const float* depthwise_weights;  // [C][kh] rows
  const float* pointwise_weights;
  int64_t depthwise_pitch, pointwise_pitch;
  void* prepared;
  fovea_conv2d_params depthwise, pointwise;
};

SeparablePlan separable_plan(const fovea_conv2d_params& pointwise, int64_t rows, int64_t out_w);

}  // namespace fovea
