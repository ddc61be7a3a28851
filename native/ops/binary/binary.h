// Elementwise binary arithmetic with broadcasting: the job of fovea_binary.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

// One loop of the collapsed iteration space; strides in elements, 0 where an operand is broadcast.
struct BinaryLoop {
  int64_t size, a, b, y;
};

struct BinaryJob {
  const float* a;
  const float* b;
  float* y;
  BinaryLoop loops[FOVEA_MAX_RANK];  // innermost first; dimensions that advance together are one loop
  int32_t depth;                     // >= 1
  int32_t op;                        // fovea_binary_op
  int64_t leading;                   // y's leading dimension, contained in the outermost loop
  const int32_t* live;
};

// The outermost loop's size when only the live rows are computed.
inline int64_t live_outermost(const BinaryJob& j) {
  return j.loops[j.depth - 1].size / j.leading * live_rows(j.live, j.leading);
}

// pow has no vector form: 15 ns a value in libm, and networks raise to a power rarely (squares have an op of their own).
void pow_values(const float* a, const float* b, float* y, int64_t n);

}  // namespace fovea
