// Reductions over any set of dimensions. The entry sorts the dimensions of x into kept and reduced ones and merges neighbours,
// so the kernels see few, long loops. Strides are in elements.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

// Places of the tensors among the strides: those at even places have x's shape, those at odd ones y's and stride 0 along the
// reduced dimensions.
enum ReduceTensor { kOfX = 0, kOfY = 1, kOfDx = 2, kOfDy = 3 };

template <int tensors>
struct ReduceDims {
  int64_t size[FOVEA_MAX_RANK + 1];
  int64_t stride[tensors][FOVEA_MAX_RANK + 1];
  int32_t rank;
};

// What forward and backward jobs have in common.
template <int tensors>
struct ReduceShape {
  ReduceDims<tensors> kept, reduced;  // outermost first
  const int32_t* live;                // not NULL: size[0] of kept or reduced is the leading dimension, unmerged
  bool leading_is_reduced;
  bool columns;  // the innermost kept dimension is contiguous in all tensors: lanes are outputs. Else the innermost reduced
                 // dimension is contiguous in those of x's shape: lanes are terms of one output.
  int32_t op;
};

struct ReduceJob : ReduceShape<2> {
  const float* x;
  float* y;
};

template <int tensors>
static inline int64_t count(const ReduceDims<tensors>& d, int32_t rank) {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i) n *= d.size[i];
  return n;
}

// Offset in a tensor of position `flat` among the first `rank` dimensions.
template <int tensors>
static inline int64_t offset(const ReduceDims<tensors>& d, ReduceTensor tensor, int32_t rank, int64_t flat) {
  int64_t at = 0;
  for (int32_t i = rank; i-- > 0; flat /= d.size[i]) at += flat % d.size[i] * d.stride[tensor][i];
  return at;
}

// The job with the leading size cut to the live rows.
template <class Job>
static inline Job with_live(const Job& job) {
  Job j = job;
  if (j.live != nullptr) {
    int64_t& leading = j.leading_is_reduced ? j.reduced.size[0] : j.kept.size[0];
    leading = live_rows(j.live, leading);
  }
  return j;
}

}  // namespace fovea
