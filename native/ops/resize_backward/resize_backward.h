// The transpose of fovea_resize in f32: dx[j] = scale * sum over the samples i that have a tap on pixel j of weight * dy[i],
// first down the columns, then along the rows.
//
// Workspace: the forward pass's tap tables (resize_plan.h), which samples cover each row and each column of dx, and the rows
// between the two passes: one [w][C] per thread on the CPU, [N][H][w][C] on other backends.
#pragma once

#include "fovea/training.h"
#include "ops/resize/resize_plan.h"

namespace fovea {

struct ResizeBackwardJob {
  ResizePlan plan;  // from dx's size to dy's, as the forward pass went
  const float* dy;
  float* dx;
  const int32_t* live;
  int64_t batch, dy_pitch, dx_pitch;
  float scale;
};

// The samples with a tap on pixel j are among count - from_back[j] .. end[j], `count` being the samples of the axis: no sample
// gives 0 and 0, and each can only raise the two, in any order.
struct Cover {
  int32_t* from_back;
  int32_t* end;
};

static inline int64_t cover_bytes(int64_t pixels) { return align_up(2 * pixels * int64_t{sizeof(int32_t)}); }
static inline Cover row_cover(const ResizePlan& p) {
  auto* const memory = reinterpret_cast<int32_t*>(p.workspace + tables_bytes(p));
  return {memory, memory + p.in_height};
}
static inline Cover column_cover(const ResizePlan& p) {
  auto* const memory = reinterpret_cast<int32_t*>(p.workspace + tables_bytes(p) + cover_bytes(p.in_height));
  return {memory, memory + p.in_width};
}
// What precedes the rows between the passes.
static inline int64_t shared_bytes(const ResizePlan& p) {
  return tables_bytes(p) + cover_bytes(p.in_height) + cover_bytes(p.in_width);
}
static inline int64_t summed_dy_row_bytes(const ResizePlan& p) {
  return align_up(p.columns.out * p.channels * int64_t{sizeof(float)});
}

}  // namespace fovea
