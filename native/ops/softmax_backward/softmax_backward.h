// dx = y * (dy - sum(dy * y)) along one axis, for log-softmax dx = dy - exp(y) * sum(dy): the job of fovea_softmax_backward.
#pragma once

#include "fovea/training.h"
#include "ops/reduce/axis.h"

namespace fovea {

struct SoftmaxBackwardJob {
  const float* y;
  const float* dy;
  float* dx;      // may be dy
  AxisView view;  // of y
  int64_t dy_pitch, dx_pitch;
  bool log;
};

// Everything of the job but the data. y has elements.
inline SoftmaxBackwardJob plan_softmax_backward(const fovea_softmax_params& params, const fovea_tensor& y,
                                                const fovea_tensor& dy, const fovea_tensor& dx) {
  SoftmaxBackwardJob job{};
  job.view = axis_view(y, params.axis < 0 ? params.axis + y.rank : params.axis);
  job.dy_pitch = dy.pitch;
  job.dx_pitch = dx.pitch;
  job.log = params.log != 0;
  if (!job.view.is_last && contiguous(y) && contiguous(dy) && contiguous(dx)) {
    // One long row behind the axis: fuller vectors.
    job.view.columns *= job.view.inner_rows;
    job.view.inner_rows = 1;
    job.view.pitch = job.dy_pitch = job.dx_pitch = job.view.columns;
  }
  return job;
}

}  // namespace fovea
