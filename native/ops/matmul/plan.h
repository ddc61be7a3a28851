// From shapes to the loops of a matrix product, for every backend.
#pragma once

#include "ops/matmul/matmul.h"

namespace fovea {

inline int64_t matrices(const fovea_tensor& t) {
  int64_t count = 1;
  for (int i = 0; i + 2 < t.rank; ++i) count *= t.shape[i];
  return count;
}

inline MatmulOperand operand(const fovea_tensor& t, bool transposed, const void* stand_in, const fovea_tensor& y) {
  // Nothing of an empty operand is read, but its data may be NULL: y's address keeps the arithmetic defined.
  MatmulOperand o{static_cast<const float*>(t.data != nullptr ? t.data : stand_in),
                  matrices(t),
                  t.shape[t.rank - 2] * t.pitch,
                  t.pitch,
                  transposed,
                  {}};
  int64_t step = 1;
  for (int i = y.rank - 3; i >= 0; --i) {
    const int at = i - (y.rank - t.rank);
    const int64_t size = at < 0 ? 1 : t.shape[at];
    o.batch_step[i] = size == 1 ? 0 : step;
    step *= size;
  }
  return o;
}

// Everything of the job but how the CPU packs its operands. y has elements.
inline MatmulJob plan_matmul(const fovea_matmul_params& params, const fovea_tensor& a, const fovea_tensor& b,
                             const fovea_tensor& y) {
  const bool ta = params.transpose_a != 0;
  MatmulJob job{};
  job.a = operand(a, ta, y.data, y);
  job.b = operand(b, params.transpose_b != 0, y.data, y);
  job.y = static_cast<float*>(y.data);
  job.m = y.shape[y.rank - 2], job.n = y.shape[y.rank - 1], job.k = a.shape[a.rank - (ta ? 2 : 1)];
  job.y_pitch = y.pitch;
  job.batches = matrices(y);
  job.batch_rank = y.rank - 2;
  for (int i = 0; i < y.rank - 2; ++i) job.batch_size[i] = y.shape[i];
  job.live = a.live;
  job.live_role = a.live == nullptr ? MatmulLive::kNothing
                  : a.rank > 2      ? MatmulLive::kBatches
                  : ta              ? MatmulLive::kTerms
                                    : MatmulLive::kRows;
  job.leading = a.shape[0];
  job.alpha = params.alpha;
  return job;
}

}  // namespace fovea
