// y[m][n] = activation(bias[n] + sum over k of x[m][k] * w[n][k]); weights in the panels of panels.h.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct LinearJob {
  const float* x;
  const float* panels;
  const float* bias;   // [columns] or NULL
  const float* slope;  // [columns], PRELU only
  float* y;
  int64_t rows, k_size, columns;
  int64_t x_pitch, y_pitch;
  const int32_t* live;  // leading rows that carry data
  int64_t leading;      // size of the leading dimension
  fovea_activation_params activation;
};

}  // namespace fovea
