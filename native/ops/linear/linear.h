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
  fovea_weight_format format;
  // Narrow formats: x rounded or quantised, [rows][narrow_pitch] words, then INT8's scales of the rows.
  float* narrow_x;
  float* row_scales;
  int64_t narrow_pitch;
};

// Steps along K, one word of a panel each.
[[gnu::always_inline]] inline int64_t linear_steps(fovea_weight_format format, int64_t k_size) {
  const int64_t per_step = format == FOVEA_WEIGHTS_INT8 ? 4 : format == FOVEA_WEIGHTS_BF16 ? 2 : 1;
  return (k_size + per_step - 1) / per_step;
}

// Enqueued by fovea_linear_prepare; the packed form is the same for every instruction set.
struct PrepareJob {
  const float* weights;
  float* panels;
  int64_t k_size, columns, pitch;
  fovea_weight_format format;
};
void linear_prepare(const PrepareJob& j);

void linear_reference(const LinearJob& j);

}  // namespace fovea
