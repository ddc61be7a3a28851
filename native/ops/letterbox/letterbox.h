// A resized image placed in a padded canvas, with channel order, mean and scale in the same pass: the usual front of a
// detector.
#pragma once

#include "ops/resize/resize_plan.h"

namespace fovea {

struct LetterboxJob {
  ResizePlan plan;  // x to place_h x place_w
  const void* x;
  float* y;
  const int32_t* live;
  int64_t batch, height, width, x_pitch, y_pitch;  // of y
  int64_t place_x, place_y;
  int32_t x_is_u8, reverse_channels;
  float mean[4], scale[4];  // per channel of y
  float fill[4];            // (pad_value - mean)*scale
};

// The job of a validated call of fovea_letterbox, without its plan.
static inline LetterboxJob letterbox_job(const fovea_letterbox_params& params, const fovea_tensor& x, const fovea_tensor& y) {
  LetterboxJob job{};
  job.x = x.data, job.y = static_cast<float*>(y.data), job.live = x.live;
  job.batch = y.shape[0], job.height = y.shape[1], job.width = y.shape[2];
  job.x_pitch = x.pitch, job.y_pitch = y.pitch;
  job.place_x = params.place_x, job.place_y = params.place_y;
  job.x_is_u8 = same(x.dtype, kU8), job.reverse_channels = params.reverse_channels;
  for (int c = 0; c < 4; ++c) {
    job.mean[c] = params.mean[c], job.scale[c] = params.scale[c];
    job.fill[c] = (params.pad_value - params.mean[c]) * params.scale[c];
  }
  return job;
}

}  // namespace fovea
