// The gradient of a reduction: dx = g(x, y, dy) with the y and dy of the element's output. Max and min share dy evenly between
// the elements that equal y, so they count those first.
#pragma once

#include "fovea/training.h"
#include "ops/reduce/reduce.h"

namespace fovea {

struct ReduceBackwardJob : ReduceShape<4> {
  const float* x;
  const float* y;
  const float* dy;
  float* dx;
};

}  // namespace fovea
