// dx[indices[i]] += dy[i]. Threads share out columns of the rows, and ranges of the table when rows are short; each goes
// through all indices in order, so every element sums in the order of the indices. The cut depends on the shapes alone.
#include "ops/gather_rows/gather_rows.h"

#include "core/simd.h"
#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void scatter_add_rows(const GatherRowsJob& j) {
  constexpr int64_t kColumns = 512;               // floats of one run that a chunk takes
  constexpr int64_t kRanges = 8, kSmall = 16384;  // floats that one thread adds in the time two need to meet
  const int64_t rows = live_rows(j.table_live, j.rows), picks = gather_picks(j);
  if (j.width == 0 || j.pieces == 0 || rows == 0) return;
  const int64_t tiles = (j.width - 1) / kColumns + 1;
  const bool small = picks * j.pieces * j.width < kSmall;
  const int64_t ranges = small || tiles >= kRanges ? 1 : (kRanges - 1) / tiles + 1, span = (rows - 1) / ranges + 1;
  parallel_for(tiles * ranges, small ? tiles : 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t column = chunk % tiles * kColumns, first = chunk / tiles * span;
      const int64_t stop = rows - first < span ? rows : first + span;
      const int64_t n = j.width - column < kColumns ? j.width - column : kColumns;
      for (int64_t i = 0; i < picks; ++i) {
        const int64_t row = gather_index(j, i);
        if (row < first || row >= stop) continue;
        const float* from = j.stack + gather_place(j, i) + column;
        float* to = j.table + row * j.pieces * j.table_pitch + column;
        for (int64_t p = 0; p < j.pieces; ++p, from += j.stack_pitch, to += j.table_pitch)
          for (int64_t c = 0; c < n; c += kLanes)
            store_upto(to + c, load_upto(to + c, n - c) + load_upto(from + c, n - c), n - c);
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
