// Reductions over any set of dimensions. The entry sorts the dimensions of x into kept and reduced ones and merges neighbours,
// so the kernels see few, long loops. Strides are in elements.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct ReduceDims {
  int64_t size[FOVEA_MAX_RANK + 1];
  int64_t x_stride[FOVEA_MAX_RANK + 1];
  int64_t y_stride[FOVEA_MAX_RANK + 1];  // kept dimensions only
  int32_t rank;
};

struct ReduceJob {
  const float* x;
  float* y;
  ReduceDims kept, reduced;  // outermost first
  const int32_t* live;       // not NULL: size[0] of kept or reduced is the leading dimension, unmerged
  bool leading_is_reduced;
  bool columns;  // the innermost kept dimension is contiguous in x and y: lanes are outputs. Else the innermost reduced
                 // dimension is contiguous in x: lanes are terms of one output.
  int32_t op;
};

static inline int64_t count(const ReduceDims& d, int32_t rank) {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i) n *= d.size[i];
  return n;
}

// Offset of position `flat` among the first `rank` dimensions.
static inline int64_t offset(const ReduceDims& d, const int64_t* strides, int32_t rank, int64_t flat) {
  int64_t at = 0;
  for (int32_t i = rank; i-- > 0; flat /= d.size[i]) at += flat % d.size[i] * strides[i];
  return at;
}

// The job with the leading size cut to the live rows.
static inline ReduceJob with_live(const ReduceJob& job) {
  ReduceJob j = job;
  if (j.live != nullptr) {
    int64_t& leading = j.leading_is_reduced ? j.reduced.size[0] : j.kept.size[0];
    leading = live_rows(j.live, leading);
  }
  return j;
}

}  // namespace fovea
