// Diagonal recurrence y[t] = a[t] * y[t-1] + x[t], see fovea/sequence.h.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

struct DiagonalScanJob {
  const float *x, *a;
  float *state, *y;                                // state may be NULL
  int64_t x_pitch, a_pitch, state_pitch, y_pitch;  // a_pitch is 0 for a constant a
  int64_t batch, length, channels;                 // in floats: a complex number is two channels
  const int32_t* live;                             // batch entries that carry data
  bool is_complex, constant;
};

// Without state and y.
static inline DiagonalScanJob diagonal_scan_job(const fovea_diagonal_scan_params& params, const fovea_tensor& x,
                                                const fovea_tensor& a) {
  DiagonalScanJob job{};
  job.x = static_cast<const float*>(x.data), job.x_pitch = x.pitch;
  job.a = static_cast<const float*>(a.data), job.a_pitch = a.rank == 1 ? 0 : a.pitch;
  job.batch = x.shape[0], job.length = x.shape[1], job.channels = x.shape[2];
  job.live = x.live;
  job.is_complex = params.is_complex != 0, job.constant = a.rank == 1;
  return job;
}

// What the recurrence and its gradients read.
fovea_status check_diagonal_inputs(const char* op, const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                   const fovea_tensor* a, const fovea_stream* stream);
// [B][D], or NULL.
fovea_status check_diagonal_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& x,
                                  const fovea_stream* stream);
// For workspace sizes: x of rank 3, small enough to count four floats for each of its elements.
fovea_status check_diagonal_shape(const char* op, const fovea_diagonal_scan_params* params, const fovea_tensor* x);

}  // namespace fovea
