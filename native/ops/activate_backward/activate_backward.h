// dx = dy * activation'(x), and for PRELU d_slope[c] = sum over the rows of dy * x where x < 0: the job of
// fovea_activate_backward.
//
// The sum's order: every kRows rows are added up in f32 from the first on, then those sums in double. Rows are those of the
// last dimension; a vector is one row, each of whose elements has a slope of its own.
#pragma once

#include "core/host_device.h"
#include "fovea/training.h"
#include "ops/copy/row_layout.h"

namespace fovea {

struct ActivateBackwardJob {
  static constexpr int64_t kRows = 64;

  const float* x;
  const float* slope;  // [channels], PRELU only
  const float* dy;
  float* dx;       // may be dy, or NULL
  float* d_slope;  // [channels] or NULL
  float* sums;     // [chunks][channels] with a d_slope
  RowLayout layout;
  int64_t x_pitch, dy_pitch, dx_pitch;
  const int32_t* live;
  int64_t channels;
  bool is_vector;
  fovea_activation_params params;
};

FOVEA_ALWAYS_INLINE int64_t live_rows_of(const ActivateBackwardJob& j) {
  const int64_t n = live_rows(j.live, j.layout.leading);
  return j.is_vector ? n > 0 : n * j.layout.inner;
}
FOVEA_ALWAYS_INLINE int64_t live_channels_of(const ActivateBackwardJob& j) {
  return j.is_vector ? live_rows(j.live, j.channels) : j.channels;
}
FOVEA_HOST_DEVICE FOVEA_ALWAYS_INLINE int64_t chunks_of(int64_t rows) {
  return (rows + ActivateBackwardJob::kRows - 1) / ActivateBackwardJob::kRows;
}

// Everything of the job but the data.
inline ActivateBackwardJob plan_activate_backward(const fovea_activation_params& params, const fovea_tensor& x,
                                                  const fovea_tensor& dy, const fovea_tensor* dx) {
  ActivateBackwardJob job{};
  job.layout = row_layout(x);
  job.x_pitch = row_pitch(x);
  job.dy_pitch = row_pitch(dy);
  job.dx_pitch = dx == nullptr ? job.layout.width : row_pitch(*dx);
  job.live = row_live(x);
  job.channels = last(x);
  job.is_vector = x.rank < 2;
  job.params = params;
  return job;
}

// What the sums of d_slope need.
inline int64_t activate_backward_bytes(const fovea_activation_params& params, const fovea_tensor& x) {
  return params.kind == FOVEA_ACTIVATION_PRELU ? chunks_of(rows(x)) * last(x) * static_cast<int64_t>(sizeof(float)) : 0;
}

}  // namespace fovea
