// Squares about the centres of boxes: the job of fovea_box_square.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct BoxSquareJob {
  const float* boxes;
  float* y;
  int64_t count, boxes_pitch, y_pitch;
  const int32_t* live;
  int32_t rounding;
};

static inline BoxSquareJob box_square_job(int32_t rounding, const fovea_tensor& boxes, const fovea_tensor& y) {
  return {static_cast<const float*>(boxes.data),
          static_cast<float*>(y.data),
          boxes.shape[0],
          boxes.pitch,
          y.pitch,
          boxes.live,
          rounding};
}

}  // namespace fovea
