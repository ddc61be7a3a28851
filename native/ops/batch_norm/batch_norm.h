// y = activation((x - mean) / sqrt(variance + epsilon) * gamma + beta) per channel. Training takes mean and variance from the
// live rows themselves, saves them and moves the running statistics; a single row leaves the running variance without an
// unbiased estimate, and counts as 0. No live row: nothing is written.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct BatchNormJob {
  const float* x;
  const float* gamma;
  const float* beta;
  float* mean;  // running; read only at inference
  float* variance;
  float* saved_mean;  // NULL at inference
  float* saved_rstd;
  float* y;
  int64_t leading, inner, channels;  // leading * inner rows
  int64_t x_pitch, y_pitch;
  const int32_t* live;
  fovea_batch_norm_params params;
};

FOVEA_ALWAYS_INLINE int64_t batch_norm_rows(const BatchNormJob& j) { return live_rows(j.live, j.leading) * j.inner; }

// What training keeps of one channel: `variance` is the biased one of `rows` values.
void batch_norm_save(const BatchNormJob& job, int64_t channel, double mean, double variance, int64_t rows);

// One channel in double precision: the reference, and what the vector bodies fall back to when values leave the range of
// float sums.
void batch_norm_channel(const BatchNormJob& job, int64_t channel);

}  // namespace fovea
