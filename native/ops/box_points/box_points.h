// Landmarks relative to a box become image pixels: the job of fovea_box_points.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct BoxPointsJob {
  const float* boxes;   // [count][4]
  const float* points;  // [count][2*points_per_box]
  float* y;
  int64_t count, points_per_box;
  int64_t boxes_pitch, points_pitch, y_pitch;
  const int32_t* live;
  fovea_box_points_params params;
};

static inline BoxPointsJob box_points_job(const fovea_box_points_params& params, const fovea_tensor& boxes,
                                          const fovea_tensor& points, const fovea_tensor& y) {
  return {static_cast<const float*>(boxes.data),
          static_cast<const float*>(points.data),
          static_cast<float*>(y.data),
          boxes.shape[0],
          points.shape[1] / 2,
          boxes.pitch,
          points.pitch,
          y.pitch,
          boxes.live,
          params};
}

}  // namespace fovea
