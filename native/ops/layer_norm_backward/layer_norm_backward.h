// Gradients of layer normalisation. With z = (x - mean) * rstd and g = dy * gamma of one row:
//   dx = rstd * (g - mean(g) - z * mean(g * z)), rms: without the mean(g)
//   dgamma = sum over rows of dy * z, dbeta = sum over rows of dy
// f32 on the CPU; backends with 16-bit types take the data of x, dy and dx from the tensors.
#pragma once

#include "fovea/training.h"
#include "ops/layer_norm_backward/channel_sums.h"
#include "ops/reduce/axis.h"

namespace fovea {

struct LayerNormBackwardJob {
  const float* x;
  const float* gamma;  // NULL: ones
  const float* dy;
  float* dx;  // any of the gradients may be NULL
  float* dgamma;
  float* dbeta;
  AxisView view;  // of x
  int64_t channels, dy_pitch, dx_pitch;
  float epsilon;
  bool rms;
  ChannelSums sums;
};

inline constexpr int64_t kLayerNormBlocks = 64;  // of rows, enough to occupy a GPU together with the channels

static inline ChannelSums layer_norm_sums(const fovea_tensor& x) { return channel_sums(rows(x), last(x), kLayerNormBlocks); }

static inline LayerNormBackwardJob layer_norm_backward_job(const fovea_norm_params& params, const fovea_tensor& x,
                                                           const fovea_tensor* gamma, const fovea_tensor& dy,
                                                           const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                           const fovea_tensor* dbeta, void* workspace) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  LayerNormBackwardJob job{data(&x),
                           data(gamma),
                           data(&dy),
                           data(dx),
                           data(dgamma),
                           data(dbeta),
                           axis_view(x, x.rank - 1),
                           last(x),
                           dy.pitch,
                           dx == nullptr ? 0 : dx->pitch,
                           params.epsilon,
                           params.rms != 0,
                           layer_norm_sums(x)};
  job.sums.sums = static_cast<double*>(workspace);
  return job;
}

// Rows begin .. end in double precision: writes dx and adds to the sums of `block`. The reference, and what the vector bodies
// fall back to when a row leaves the range of float sums.
void layer_norm_backward_rows(const LayerNormBackwardJob& job, int64_t begin, int64_t end, int64_t block);

}  // namespace fovea
