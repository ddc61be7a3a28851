// Gradients of group normalisation. With z = (x - mean) * rstd and g = dy * gamma of one group of one image:
//   dx = rstd * (g - mean(g) - z * mean(g * z)), rms: without the mean(g)
//   dgamma = sum over images and positions of dy * z, dbeta = sum of dy
// f32 on the CPU; backends with 16-bit types take the data of x, dy and dx from the tensors.
#pragma once

#include "fovea/training.h"
#include "ops/layer_norm_backward/channel_sums.h"

namespace fovea {

struct GroupNormBackwardJob {
  const float* x;
  const float* gamma;  // NULL: ones
  const float* dy;
  float* dx;  // any of the gradients may be NULL
  float* dgamma;
  float* dbeta;
  int64_t images, positions, groups, width;  // width: channels per group
  int64_t x_pitch, dy_pitch, dx_pitch;
  const int32_t* live;  // images that carry data
  float epsilon;
  bool rms;
  int64_t stripes;   // of an image
  ChannelSums sums;  // a block for each stripe of each image
};

// Images are cut into stripes when there are too few of them to occupy the threads.
static inline ChannelSums stripe_sums(const fovea_tensor& x) {
  constexpr int64_t kStripes = 16;
  const int64_t images = x.shape[0] < 1 ? 1 : x.shape[0];
  ChannelSums s = channel_sums(rows(x) / images, last(x), images < kStripes ? kStripes / images : 1);
  s.blocks *= images;
  return s;
}

static inline GroupNormBackwardJob group_norm_backward_job(const fovea_norm_params& params, const fovea_tensor& x,
                                                           const fovea_tensor* gamma, const fovea_tensor& dy,
                                                           const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                           const fovea_tensor* dbeta) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  GroupNormBackwardJob j{};
  j.x = data(&x), j.gamma = data(gamma), j.dy = data(&dy), j.dx = data(dx), j.dgamma = data(dgamma), j.dbeta = data(dbeta);
  j.images = x.shape[0], j.positions = x.shape[0] == 0 ? 0 : rows(x) / x.shape[0];
  j.groups = params.groups, j.width = last(x) / params.groups;
  j.x_pitch = x.pitch, j.dy_pitch = dy.pitch, j.dx_pitch = dx == nullptr ? 0 : dx->pitch;
  j.live = x.live;
  j.epsilon = params.epsilon, j.rms = params.rms != 0;
  return j;
}

// One group of one image in double precision: writes dx and the channels' sums. The reference, and what the vector bodies fall
// back to when values leave the range of float sums.
void group_norm_backward_group(const GroupNormBackwardJob& job, int64_t image, int64_t group);

}  // namespace fovea
