// y = (v - mean) / sqrt(variance + epsilon) * gamma + beta over the last dimension, v = x + residual rounded to float; rms:
// v / sqrt(mean(v^2) + epsilon) * gamma + beta.
#pragma once

#include "fovea/nn.h"
#include "ops/reduce/axis.h"

namespace fovea {

struct LayerNormJob {
  const float* x;
  const float* residual;  // NULL: v = x
  const float* gamma;
  const float* beta;
  float* sum;  // receives v, or NULL
  float* y;
  AxisView view;  // of x
  int64_t residual_pitch, sum_pitch, y_pitch;
  float epsilon;
  bool rms;
};

// One row v of n in double precision, y = v allowed. The reference, and what the vector bodies fall back to when a row leaves
// the range of float sums.
void layer_norm_row(const LayerNormJob& job, const float* v, float* y, int64_t n);

}  // namespace fovea
