// Elementwise functions of one tensor: the job of fovea_unary.
#pragma once

#include "fovea/nn.h"
#include "ops/copy/row_layout.h"

namespace fovea {

struct UnaryJob {
  const float* x;
  float* y;  // may be x
  RowLayout layout;
  int64_t x_pitch, y_pitch;
  const int32_t* live;
  fovea_unary_params params;
};

// Sine and cosine have no vector form: an argument reduction that holds for every float costs more than these ops are worth
// here (positional tables are computed once). libm, the same on every instruction set.
void sin_values(const float* x, float* y, int64_t n);
void cos_values(const float* x, float* y, int64_t n);

}  // namespace fovea
