// From shapes to the loops of a reduction, for every backend and for the backward pass.
#pragma once

#include "ops/reduce/reduce.h"

namespace fovea {

// Parameters, and x and y against each other.
fovea_status check_reduce(const char* op, const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                          const fovea_stream* stream);

inline void strides_of(const fovea_tensor& t, int64_t* strides) {
  int64_t stride = t.pitch;
  for (int i = t.rank - 1; i >= 0; --i) {
    strides[i] = i == t.rank - 1 ? 1 : stride;
    if (i < t.rank - 1) stride *= t.shape[i];
  }
}

// Appends a dimension, or widens the last one when the two are one run in every tensor.
template <int tensors>
void append(ReduceDims<tensors>& d, int64_t size, const int64_t (&strides)[tensors], bool merge) {
  const int32_t back = d.rank - 1;
  merge = merge && d.rank > 0;
  for (int t = 0; merge && t < tensors; ++t) merge = d.stride[t][back] == size * strides[t];
  const int32_t at = merge ? back : d.rank++;
  d.size[at] = merge ? d.size[at] * size : size;
  for (int t = 0; t < tensors; ++t) d.stride[t][at] = strides[t];
}

template <int tensors>
bool innermost_is_contiguous(const ReduceDims<tensors>& d, int step) {
  if (d.rank == 0) return false;
  for (int t = 0; t < tensors; t += step)
    if (d.stride[t][d.rank - 1] != 1) return false;
  return true;
}

// `views` are x, y, dx, dy: as many of them as the job has strides for.
template <int tensors>
void plan_reduce_shape(const fovea_reduce_params& params, const fovea_tensor* const (&views)[tensors],
                       ReduceShape<tensors>* shape) {
  const fovea_tensor &x = *views[kOfX], &y = *views[kOfY];
  const uint32_t axes = params.axes;
  const bool keep_dims = y.rank == x.rank;
  int64_t strides[tensors][FOVEA_MAX_RANK];
  for (int t = 0; t < tensors; ++t) strides_of(*views[t], strides[t]);
  shape->op = params.op;
  shape->live = x.rank == 0 ? nullptr : x.live;
  shape->leading_is_reduced = (axes & 1u) != 0;
  int previous = -1;  // 1: the dimension before was reduced
  for (int i = 0, k = 0; i < x.rank; ++i) {
    const bool reduced = (axes >> i & 1u) != 0;
    int64_t own[tensors];
    for (int t = 0; t < tensors; ++t) own[t] = t % 2 == 0 ? strides[t][i] : reduced ? 0 : strides[t][k];
    if (keep_dims || !reduced) ++k;
    const bool pinned = i == 0 && shape->live != nullptr;
    if (x.shape[i] == 1 && !pinned) continue;
    // A pinned leading dimension stays alone.
    const bool merge = previous == static_cast<int>(reduced);
    append(reduced ? shape->reduced : shape->kept, x.shape[i], own, merge);
    previous = pinned ? -1 : static_cast<int>(reduced);
  }
  shape->columns = innermost_is_contiguous(shape->kept, 1);
  // Both bodies walk the innermost reduced dimension; there is always one.
  if (shape->reduced.rank == 0 || (!shape->columns && !innermost_is_contiguous(shape->reduced, 2))) {
    int64_t one[tensors];
    for (int t = 0; t < tensors; ++t) one[t] = t % 2 == 0;
    append(shape->reduced, 1, one, false);
  }
}

inline ReduceJob plan_reduce(const fovea_reduce_params& params, const fovea_tensor& x, const fovea_tensor& y) {
  ReduceJob job{};
  plan_reduce_shape<2>(params, {&x, &y}, &job);
  // Nothing of an empty x is read, but its data may be NULL: y's address keeps the offset arithmetic defined.
  job.x = static_cast<const float*>(x.data != nullptr ? x.data : y.data);
  job.y = static_cast<float*>(y.data);
  return job;
}

}  // namespace fovea
