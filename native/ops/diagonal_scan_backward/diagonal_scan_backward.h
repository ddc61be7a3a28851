// Gradients of the diagonal recurrence. With g[t] = dy[t] + conj(a[t+1]) g[t+1], the last one plus d_final_state:
//   dx[t] = g[t];  da[t] = conj(y[t-1]) g[t], y[-1] the initial state;  d_initial_state = conj(a[0]) g[0]
#pragma once

#include "fovea/training.h"
#include "ops/diagonal_scan/diagonal_scan.h"

namespace fovea {

struct DiagonalScanBackwardJob {
  DiagonalScanJob scan;  // x is not read; state and y are
  const float *dy, *d_final;
  float *dx, *da, *d_initial;  // each may be NULL, as may d_final
  int64_t dy_pitch, d_final_pitch, dx_pitch, da_pitch, d_initial_pitch;
  float* sums;  // constant a: what each batch entry adds to da [B][D]
};

struct DiagonalGradients {
  const fovea_tensor *dx, *da, *d_initial;
};

// scan: of x and a alone. Without sums.
static inline DiagonalScanBackwardJob diagonal_scan_backward_job(const DiagonalScanJob& scan, const fovea_tensor* initial_state,
                                                                 const fovea_tensor& y, const fovea_tensor& dy,
                                                                 const fovea_tensor* d_final, const DiagonalGradients& g) {
  const auto data = [](const fovea_tensor* t, int64_t* pitch) {
    *pitch = t == nullptr ? 0 : t->pitch;
    return t == nullptr ? nullptr : static_cast<float*>(t->data);
  };
  DiagonalScanBackwardJob job{};
  job.scan = scan;
  job.scan.state = data(initial_state, &job.scan.state_pitch), job.scan.y = data(&y, &job.scan.y_pitch);
  job.dy = data(&dy, &job.dy_pitch), job.d_final = data(d_final, &job.d_final_pitch);
  job.dx = data(g.dx, &job.dx_pitch), job.da = data(g.da, &job.da_pitch);
  job.d_initial = data(g.d_initial, &job.d_initial_pitch);
  return job;
}

}  // namespace fovea
