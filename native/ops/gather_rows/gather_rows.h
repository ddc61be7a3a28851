// Rows picked by index (fovea_gather_rows) and summed back by index (fovea_scatter_add_rows). The table has `rows` rows, the
// stack one row for every index; a row is `pieces` runs of `width` floats, a pitch apart.
#pragma once

#include "core/tensor.h"

namespace fovea {

struct GatherRowsJob {
  float* table;  // x, or dx; not written by the gather
  float* stack;  // y, or dy; not written by the scatter
  const void* indices;
  bool wide_indices;  // i64, else i32
  int64_t rows;
  int64_t pieces, width;
  int64_t table_pitch;
  // Pick i is at index (i / per_run) * index_pitch + i % per_run; so are the rows of the stack when they are single elements.
  int64_t leading, inner;  // picks: inner for each of `leading`
  int64_t per_run, index_pitch;
  int64_t stack_pitch;
  bool scalars;               // rows are single elements: consecutive in the table, placed like the indices in the stack
  const int32_t* table_live;  // rows of the table that carry data
  const int32_t* picks_live;  // of the leading dimension of the indices
  const int32_t* stack_live;  // of dy
};

FOVEA_ALWAYS_INLINE int64_t gather_index(const GatherRowsJob& j, int64_t pick) {
  const int64_t at = j.index_pitch == j.per_run ? pick : pick / j.per_run * j.index_pitch + pick % j.per_run;
  return j.wide_indices ? static_cast<const int64_t*>(j.indices)[at] : static_cast<const int32_t*>(j.indices)[at];
}

// Where pick `pick` starts in the stack.
FOVEA_ALWAYS_INLINE int64_t gather_place(const GatherRowsJob& j, int64_t pick) {
  return j.scalars ? pick / j.per_run * j.stack_pitch + pick % j.per_run : pick * j.pieces * j.stack_pitch;
}

FOVEA_ALWAYS_INLINE int64_t gather_picks(const GatherRowsJob& j) {
  const int64_t by_indices = live_rows(j.picks_live, j.leading), by_stack = live_rows(j.stack_live, j.leading);
  return (by_indices < by_stack ? by_indices : by_stack) * j.inner;
}

}  // namespace fovea
