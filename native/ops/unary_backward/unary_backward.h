// dx = dy * op'(x): the job of fovea_unary_backward. A derivative that is the same everywhere does not look at x; where x is
// looked at, a NaN gives NaN.
#pragma once

#include "fovea/training.h"
#include "ops/copy/row_layout.h"

namespace fovea {

struct UnaryBackwardJob {
  const float* x;
  const float* dy;
  float* dx;  // may be dy
  RowLayout layout;
  int64_t x_pitch, dy_pitch, dx_pitch;
  const int32_t* live;
  fovea_unary_params params;
};

}  // namespace fovea
