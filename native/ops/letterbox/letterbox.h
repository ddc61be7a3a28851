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

}  // namespace fovea
