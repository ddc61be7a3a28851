// The rows of an elementwise kernel in chunks for the pool. For vector files.
#pragma once

#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/copy/row_layout.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// body(row, column, n) for runs of at most `chunk` elements: long rows are cut, short ones grouped, and with `dense`, which
// says that no tensor has gaps, everything is one long row.
template <class Body>
FOVEA_INLINE void for_row_runs(const RowLayout& layout, const int32_t* live, bool dense, int64_t chunk, const Body& body) {
  int64_t count = live_rows(live, layout.leading) * layout.inner, width = layout.width;
  if (dense) {
    width *= count;
    count = width == 0 ? 0 : 1;
  }
  if (count == 0) return;
  const int64_t pieces = (width + chunk - 1) / chunk;
  parallel_for(count * pieces, width >= chunk ? 1 : chunk / width, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / pieces, column = item % pieces * chunk;
      body(row, column, width - column < chunk ? width - column : chunk);
    }
  });
}

// body(x_offset, y_offset, n) for two tensors.
template <class Body>
FOVEA_INLINE void for_row_pieces(const RowLayout& layout, const int32_t* live, int64_t x_pitch, int64_t y_pitch, int64_t chunk,
                                 const Body& body) {
  const bool dense = x_pitch == layout.width && y_pitch == layout.width;
  for_row_runs(
      layout, live, dense, chunk, [&](int64_t row, int64_t column, int64_t n) __attribute__((always_inline)) {
        body(row * x_pitch + column, row * y_pitch + column, n);
      });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
