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

// gamma and beta may be NULL. A backend whose x and y are not float takes their data from the tensors.
static inline GroupNormJob group_norm_job(const fovea_norm_params& params, const fovea_tensor& x, const fovea_tensor* gamma,
                                          const fovea_tensor* beta, const fovea_tensor& y) {
  return {static_cast<const float*>(x.data),
          gamma == nullptr ? nullptr : static_cast<const float*>(gamma->data),
          beta == nullptr ? nullptr : static_cast<const float*>(beta->data),
          static_cast<float*>(y.data),
          x.shape[0],
          rows(x) / x.shape[0],
          params.groups,
          last(x) / params.groups,
          x.pitch,
          y.pitch,
          x.live,
          params.epsilon,
          params.rms != 0};
}

// One group of one image in double precision. The reference, and what the vector bodies fall back to when values leave the
// range of float sums.
void group_norm_group(const GroupNormJob& job, int64_t image, int64_t group);

}  // namespace fovea
