// y = exp(x - max) / sum(exp(x - max)) along one axis, or its logarithm x - max - log(sum).
//
// Element (o, a, r, c) is at ((o * axis + a) * inner_rows + r) * pitch + c: a is the position on the softmax axis, r and c the
// rows and columns behind it. When the axis is the last dimension, a is the column: element (o, a) is at o * pitch + a.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct SoftmaxJob {
  const float* x;
  float* y;
  int64_t outer, axis, inner_rows, columns;
  int64_t x_pitch, y_pitch;
  const int32_t* live;   // leading rows that carry data
  int64_t leading;       // size of the leading dimension
  bool axis_is_leading;  // live then limits the axis itself
  bool axis_is_last;
  bool log;
};

inline int64_t live_outer(const SoftmaxJob& j) {
  return j.axis_is_leading || j.leading == 0 ? j.outer : j.outer / j.leading * live_rows(j.live, j.leading);
}
inline int64_t live_axis(const SoftmaxJob& j) { return j.axis_is_leading ? live_rows(j.live, j.axis) : j.axis; }

}  // namespace fovea
