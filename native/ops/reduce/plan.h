// From shapes to the loops of a reduction, for every backend.
#pragma once

#include "ops/reduce/reduce.h"

namespace fovea {

inline void strides_of(const fovea_tensor& t, int64_t* strides) {
  int64_t stride = t.pitch;
  for (int i = t.rank - 1; i >= 0; --i) {
    strides[i] = i == t.rank - 1 ? 1 : stride;
    if (i < t.rank - 1) stride *= t.shape[i];
  }
}

// Appends a dimension, or widens the last one when the two are one run in x and y.
inline void append(ReduceDims& d, int64_t size, int64_t x_stride, int64_t y_stride, bool merge) {
  const int32_t back = d.rank - 1;
  if (merge && d.rank > 0 && d.x_stride[back] == size * x_stride && d.y_stride[back] == size * y_stride) {
    d.size[back] *= size;
    d.x_stride[back] = x_stride;
    d.y_stride[back] = y_stride;
    return;
  }
  d.size[d.rank] = size;
  d.x_stride[d.rank] = x_stride;
  d.y_stride[d.rank] = y_stride;
  ++d.rank;
}

inline ReduceJob plan_reduce(const fovea_reduce_params& params, const fovea_tensor& x, const fovea_tensor& y) {
  const uint32_t axes = params.axes;
  const bool keep_dims = y.rank == x.rank;
  int64_t x_strides[FOVEA_MAX_RANK], y_strides[FOVEA_MAX_RANK];
  strides_of(x, x_strides);
  strides_of(y, y_strides);
  ReduceJob job{};
  // Nothing of an empty x is read, but its data may be NULL: y's address keeps the offset arithmetic defined.
  job.x = static_cast<const float*>(x.data != nullptr ? x.data : y.data);
  job.y = static_cast<float*>(y.data);
  job.op = params.op;
  job.live = x.rank == 0 ? nullptr : x.live;
  job.leading_is_reduced = (axes & 1u) != 0;
  int previous = -1;  // 1: the dimension before was reduced
  for (int i = 0, k = 0; i < x.rank; ++i) {
    const bool reduced = (axes >> i & 1u) != 0;
    const int64_t y_stride = reduced ? 0 : y_strides[k];
    if (keep_dims || !reduced) ++k;
    const bool pinned = i == 0 && job.live != nullptr;
    if (x.shape[i] == 1 && !pinned) continue;
    // A pinned leading dimension stays alone.
    const bool merge = previous == static_cast<int>(reduced);
    append(reduced ? job.reduced : job.kept, x.shape[i], x_strides[i], y_stride, merge);
    previous = pinned ? -1 : static_cast<int>(reduced);
  }
  const ReduceDims& kept = job.kept;
  job.columns = kept.rank > 0 && kept.x_stride[kept.rank - 1] == 1 && kept.y_stride[kept.rank - 1] == 1;
  // Both bodies walk the innermost reduced dimension; there is always one.
  const bool contiguous_terms = job.reduced.rank > 0 && job.reduced.x_stride[job.reduced.rank - 1] == 1;
  if (job.reduced.rank == 0 || (!job.columns && !contiguous_terms)) append(job.reduced, 1, 1, 0, false);
  return job;
}

}  // namespace fovea
