// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance over `width` neighbouring channels at all
// positions of one image; rms: x / sqrt(mean(x^2) + epsilon) * gamma + beta.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct GroupNormJob {
  const float* x;
  const float* gamma;
  const float* beta;
  float* y;
  int64_t images, positions, groups, width;  // width: channels per group
  int64_t x_pitch, y_pitch;
  const int32_t* live;  // images that carry data
  float epsilon;
  bool rms;
};

// One group of one image in double precision. The reference, and what the vector bodies fall back to when values leave the
// range of float sums.
void group_norm_group(const GroupNormJob& job, int64_t image, int64_t group);

}  // namespace fovea
