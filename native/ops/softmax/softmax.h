// y = exp(x - max) / sum(exp(x - max)) along one axis, or its logarithm x - max - log(sum).
#pragma once

#include "fovea/nn.h"
#include "ops/reduce/axis.h"

namespace fovea {

struct SoftmaxJob {
  const float* x;
  float* y;
  AxisView view;  // of x
  int64_t y_pitch;
  bool log;
};

}  // namespace fovea
