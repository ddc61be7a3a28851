// Moving boxes by a network's regression: the job of fovea_box_deltas.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct BoxDeltasJob {
  const float* boxes;   // [count][4]
  const float* deltas;  // [count][4]
  float* y;             // [count][4], may be boxes or deltas
  int64_t count;
  int64_t boxes_pitch, deltas_pitch, y_pitch;
  const int32_t* live;
  fovea_box_deltas_params params;
};

// log(1000/16): the largest log growth of a side (Detectron's guard against exp overflowing).
inline constexpr float kLargestLogGrowth = 4.135166556742356f;

static inline BoxDeltasJob box_deltas_job(const fovea_box_deltas_params& params, const fovea_tensor& boxes,
                                          const fovea_tensor& deltas, const fovea_tensor& y) {
  return {static_cast<const float*>(boxes.data),
          static_cast<const float*>(deltas.data),
          static_cast<float*>(y.data),
          boxes.shape[0],
          boxes.pitch,
          deltas.pitch,
          y.pitch,
          boxes.live,
          params};
}

}  // namespace fovea
