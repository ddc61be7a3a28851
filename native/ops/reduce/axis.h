// One axis of a tensor and what lies around it, for operations along an axis (softmax, argmax).
//
// Element (o, a, r, c) of x is at ((o * axis + a) * inner_rows + r) * pitch + c: a is the position on the axis, r and c the
// rows and columns behind it. When the axis is the last dimension, a is the column: element (o, a) is at o * pitch + a.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include "core/tensor.h"

namespace fovea {

struct AxisView {
  int64_t outer, axis, inner_rows, columns;
  int64_t pitch;
  const int32_t* live;  // leading rows that carry data
  int64_t leading;      // size of the leading dimension
  bool is_leading;      // live then limits the axis itself
  bool is_last;
};

// `axis` counts from the front and is below the rank.
static inline AxisView axis_view(const fovea_tensor& x, int axis) {
  AxisView v{1, x.shape[axis], 1, last(x), x.pitch, x.live, x.shape[0], axis == 0, axis == x.rank - 1};
  for (int i = 0; i < axis; ++i) v.outer *= x.shape[i];
  for (int i = axis + 1; i + 1 < x.rank; ++i) v.inner_rows *= x.shape[i];
  return v;
}

static inline int64_t live_outer(const AxisView& v) {
  return v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_rows(v.live, v.leading);
}
static inline int64_t live_axis(const AxisView& v) { return v.is_leading ? live_rows(v.live, v.axis) : v.axis; }

// Where position 0 is for (o, r) when the axis is not the last dimension; positions are inner_rows * pitch apart.
static inline int64_t axis_start(const AxisView& v, int64_t o, int64_t r, int64_t pitch) {
  return (o * v.axis * v.inner_rows + r) * pitch;
}

}  // namespace fovea
