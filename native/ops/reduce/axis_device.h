// What of an axis and of the dimensions before it carries data, for CUDA kernels: live_outer and live_axis of axis.h.
#pragma once

#include "cuda/elements.h"
#include "ops/reduce/axis.h"

namespace fovea::cuda {

FOVEA_DEVICE int64_t outer_count(const AxisView& v) {
  return v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_count(v.live, v.leading);
}
FOVEA_DEVICE int64_t axis_count(const AxisView& v) { return v.is_leading ? live_count(v.live, v.axis) : v.axis; }

}  // namespace fovea::cuda
