// Position of the largest (smallest) element along one axis. Ties: lowest index. NaN never wins against a number; a line of
// NaN gives 0.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include "fovea/nn.h"
#include "ops/reduce/axis.h"

namespace fovea {

struct ArgmaxJob {
  const float* x;
  void* indices;  // i32 or i64
  AxisView view;  // of x
  int64_t y_pitch, y_columns;
  bool wide;  // i64
  bool minimum;
};

// Outputs are numbered (o * inner_rows + r) * columns + c, or o when the axis is the last dimension.
static inline void store_index(const ArgmaxJob& j, int64_t output, int64_t index) {
  const int64_t at = output / j.y_columns * j.y_pitch + output % j.y_columns;
  if (j.wide)
    static_cast<int64_t*>(j.indices)[at] = index;
  else
    static_cast<int32_t*>(j.indices)[at] = static_cast<int32_t>(index);
}

}  // namespace fovea
