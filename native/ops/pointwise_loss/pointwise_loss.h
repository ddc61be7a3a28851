// Losses of single numbers and their slopes: the jobs of fovea_pointwise_loss and its gradient.
#pragma once

#include "fovea/training.h"
#include "ops/copy/row_layout.h"

namespace fovea {

struct PointwiseLossJob {
  const float* x;
  const float* target;
  const float* d_losses;  // backward
  float* y;               // losses, or dx, which may be x
  RowLayout layout;
  int64_t x_pitch, target_pitch, d_pitch, y_pitch;
  const int32_t* live;
  fovea_pointwise_loss_params params;
};

// d_losses is NULL in the forward direction.
inline PointwiseLossJob pointwise_loss_job(const fovea_pointwise_loss_params& params, const fovea_tensor& x,
                                           const fovea_tensor& target, const fovea_tensor* d_losses, const fovea_tensor& y) {
  return {static_cast<const float*>(x.data),
          static_cast<const float*>(target.data),
          d_losses == nullptr ? nullptr : static_cast<const float*>(d_losses->data),
          static_cast<float*>(y.data),
          row_layout(x),
          row_pitch(x),
          row_pitch(target),
          d_losses == nullptr ? row_pitch(x) : row_pitch(*d_losses),
          row_pitch(y),
          row_live(x),
          params};
}

}  // namespace fovea
