// Elementwise binary arithmetic with broadcasting: the job of fovea_binary.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

// Places of the tensors among the strides of a loop; da and db in the backward pass only, where dy stands at y's place.
enum BinaryTensor { kOfA = 0, kOfB = 1, kOfY = 2, kOfDa = 3, kOfDb = 4 };

// One loop of the collapsed iteration space; strides in elements, 0 where an operand is broadcast.
template <int tensors>
struct BroadcastLoop {
  int64_t size;
  int64_t stride[tensors];
};

// What forward and backward jobs have in common.
template <int tensors>
struct BroadcastLoops {
  BroadcastLoop<tensors> loops[FOVEA_MAX_RANK];  // innermost first; dimensions that advance together are one loop
  int32_t depth;                                 // >= 1
  int32_t op;                                    // fovea_binary_op
  int64_t leading;                               // y's leading dimension, contained in the outermost loop
  const int32_t* live;
};

struct BinaryJob : BroadcastLoops<3> {
  const float* a;
  const float* b;
  float* y;
};

// The outermost loop's size when only the live rows are computed.
template <int tensors>
FOVEA_ALWAYS_INLINE int64_t live_outermost(const BroadcastLoops<tensors>& j) {
  return j.loops[j.depth - 1].size / j.leading * live_rows(j.live, j.leading);
}

// pow has no vector form: 15 ns a value in libm, and networks raise to a power rarely (squares have an op of their own).
void pow_values(const float* a, const float* b, float* y, int64_t n);

}  // namespace fovea
