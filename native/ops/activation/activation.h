// Elementwise activations: the scalar definitions (double precision, what tests compare with) and the job of fovea_activate.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct ActivateJob {
  const float* x;
  const float* slope;  // [channels], PRELU only
  float* y;
  int64_t rows, channels;  // rows of the last dimension
  int64_t x_pitch, y_pitch;
  const int32_t* live;  // leading rows that carry data
  int64_t leading;      // size of the leading dimension
  bool is_vector;       // one row, whose channels are the leading dimension
  fovea_activation_params params;
};

FOVEA_ALWAYS_INLINE int64_t live_activation_rows(const ActivateJob& j) {
  if (j.is_vector) return 1;
  return j.leading == 0 ? 0 : j.rows / j.leading * live_rows(j.live, j.leading);
}
FOVEA_ALWAYS_INLINE int64_t live_activation_channels(const ActivateJob& j) {
  return j.is_vector ? live_rows(j.live, j.channels) : j.channels;
}

// The formulas of fovea_activation, one value at a time.
double reference_activation(const fovea_activation_params& params, double x, double slope);

// Checks kind and the presence of a slope of `channels` entries. Shared by every kernel with a fused activation.
fovea_status check_activation(const char* op, const fovea_activation_params& params, const fovea_tensor* slope,
                              int64_t channels, const fovea_stream* stream);

}  // namespace fovea
