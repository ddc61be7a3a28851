// Gradients of batch normalisation from the statistics that the forward pass saved. With z = (x - mean) * rstd of one channel:
//   dbeta = sum over live rows of dy, dgamma = sum of dy * z
//   dx = gamma * rstd * (dy - dbeta / rows - z * dgamma / rows); frozen statistics: gamma * rstd * dy
// f32 on the CPU; backends with 16-bit types take the data of x, dy and dx from the tensors.
#pragma once

#include "fovea/training.h"
#include "ops/layer_norm_backward/channel_sums.h"

namespace fovea {

struct BatchNormBackwardJob {
  const float* x;
  const float* gamma;  // NULL: ones
  const float* mean;
  const float* rstd;
  const float* dy;
  float* dx;  // any of the gradients may be NULL
  float* dgamma;
  float* dbeta;
  int64_t leading, inner, channels;  // leading * inner rows
  int64_t x_pitch, dy_pitch, dx_pitch;
  const int32_t* live;
  bool training;
  ChannelSums sums;
};

static inline ChannelSums batch_norm_sums(const fovea_tensor& x) { return channel_sums(rows(x), last(x), 64); }

// Whether the sums over the rows are of any use.
static inline bool needs_sums(const BatchNormBackwardJob& j) {
  return j.dgamma != nullptr || j.dbeta != nullptr || (j.training && j.dx != nullptr);
}

static inline BatchNormBackwardJob batch_norm_backward_job(const fovea_batch_norm_params& params, const fovea_tensor& x,
                                                           const fovea_tensor* gamma, const fovea_tensor& mean,
                                                           const fovea_tensor& rstd, const fovea_tensor& dy,
                                                           const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                           const fovea_tensor* dbeta, void* workspace) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  BatchNormBackwardJob j{};
  j.x = data(&x), j.gamma = data(gamma), j.mean = data(&mean), j.rstd = data(&rstd), j.dy = data(&dy);
  j.dx = data(dx), j.dgamma = data(dgamma), j.dbeta = data(dbeta);
  j.leading = x.shape[0], j.inner = x.shape[0] == 0 ? 0 : rows(x) / x.shape[0], j.channels = last(x);
  j.x_pitch = x.pitch, j.dy_pitch = dy.pitch, j.dx_pitch = dx == nullptr ? 0 : dx->pitch;
  j.live = x.live;
  j.training = params.training != 0;
  j.sums = batch_norm_sums(x);
  j.sums.sums = static_cast<double*>(workspace);
  return j;
}

}  // namespace fovea
