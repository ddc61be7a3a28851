// Linear assignment: the job, and where a problem's state lies in its scratch. The smaller side of a problem becomes the rows
// of the solver (solver.h), n of them, and the larger its columns, m.
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct LinearAssignmentJob {
  const float* costs;     // [problems][Q][T]
  const int32_t* counts;  // [problems] or NULL
  int32_t* rows;          // [problems][T] or NULL
  int32_t* columns;       // [problems][Q] or NULL
  float* totals;          // [problems] or NULL
  const int32_t* live;    // of the problems, or of Q where there is one problem without a batch
  int64_t problems, pitch, rows_pitch, columns_pitch;
  int32_t Q, T;
  bool batched;
  int32_t threads;  // CPU: as many have scratch
  char* scratch;
  int64_t scratch_stride;  // bytes: between the threads of the CPU, between the problems of a GPU
};

// Bytes of scratch for a problem: 8 u + 4 column of each row, 8 v + 8 distance + 4 path + 4 row + 4 closed of each column,
// costs. Whatever part of T takes part needs no more.
FOVEA_HOST_DEVICE inline int64_t assignment_bytes(int64_t Q, int64_t T) {
  const int64_t n = Q < T ? Q : T, m = Q < T ? T : Q;
  return (n * 12 + m * 28 + n * m * 4 + 63) / 64 * 64;
}

static inline LinearAssignmentJob linear_assignment_job(const fovea_tensor& costs, const fovea_tensor* counts,
                                                        const fovea_tensor* rows, const fovea_tensor* columns,
                                                        const fovea_tensor* totals) {
  LinearAssignmentJob j{};
  j.batched = costs.rank == 3;
  j.costs = static_cast<const float*>(costs.data);
  j.counts = counts == nullptr ? nullptr : static_cast<const int32_t*>(counts->data);
  j.rows = rows == nullptr ? nullptr : static_cast<int32_t*>(rows->data);
  j.columns = columns == nullptr ? nullptr : static_cast<int32_t*>(columns->data);
  j.totals = totals == nullptr ? nullptr : static_cast<float*>(totals->data);
  j.live = costs.live;
  j.problems = j.batched ? costs.shape[0] : 1;
  j.pitch = costs.pitch;
  j.rows_pitch = rows == nullptr ? 0 : rows->pitch;
  j.columns_pitch = columns == nullptr ? 0 : columns->pitch;
  j.Q = static_cast<int32_t>(costs.shape[costs.rank - 2]);
  j.T = static_cast<int32_t>(costs.shape[costs.rank - 1]);
  return j;
}

}  // namespace fovea
