#include "ops/gather_rows/gather_rows.h"

#include <cstring>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "fovea/nn.h"
#include "ops/gather_rows/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(scatter_add_rows, const GatherRowsJob&)

namespace {

// Copies only: one body serves every instruction set.
void gather_rows(const GatherRowsJob& j) {
  constexpr int64_t kWork = 16384;  // floats per chunk of the pool
  constexpr int64_t kAhead = 8;     // rows lie anywhere: the processor cannot guess the next one
  const int64_t rows = live_rows(j.table_live, j.rows), picks = gather_picks(j), row_floats = j.pieces * j.width;
  if (row_floats == 0) return;
  const size_t bytes = static_cast<size_t>(j.width) * sizeof(float);
  const bool dense = j.pieces == 1 || (j.table_pitch == j.width && j.stack_pitch == j.width);
  parallel_for(picks, kWork / row_floats + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      if (i + kAhead < end)
        if (const int64_t next = gather_index(j, i + kAhead); next >= 0 && next < rows)
          __builtin_prefetch(j.table + next * j.pieces * j.table_pitch);
      const int64_t row = gather_index(j, i);
      float* to = j.stack + gather_place(j, i);
      const bool outside = row < 0 || row >= rows;
      const float* from = outside ? nullptr : j.table + row * j.pieces * j.table_pitch;
      if (j.scalars) {
        *to = outside ? 0.0f : *from;
        continue;
      }
      const int64_t runs = dense ? 1 : j.pieces;
      const size_t run_bytes = dense ? static_cast<size_t>(row_floats) * sizeof(float) : bytes;
      for (int64_t p = 0; p < runs; ++p)
        if (outside)
          std::memset(to + p * j.stack_pitch, 0, run_bytes);
        else
          std::memcpy(to + p * j.stack_pitch, from + p * j.table_pitch, run_bytes);
    }
  });
}

void scatter_add_rows_reference(const GatherRowsJob& j) {
  const int64_t rows = live_rows(j.table_live, j.rows), picks = gather_picks(j);
  for (int64_t i = 0; i < picks; ++i) {
    const int64_t row = gather_index(j, i);
    if (row < 0 || row >= rows) continue;
    for (int64_t p = 0; p < j.pieces; ++p)
      for (int64_t c = 0; c < j.width; ++c)
        j.table[(row * j.pieces + p) * j.table_pitch + c] += j.stack[gather_place(j, i) + p * j.stack_pitch + c];
  }
}

// `table` is x or dx, `stack` y or dy.
fovea_status check_rows(const char* op, const char* table_name, const fovea_tensor* table, const fovea_tensor* indices,
                        const char* stack_name, const fovea_tensor* stack, const fovea_stream* stream) {
  FOVEA_TRY(check_float_tensor(op, table_name, table, kAnyRank, stream));
  FOVEA_CHECK(table->rank >= 1, "%s: %s has no rows: %s", op, table_name, describe(*table));
  FOVEA_TRY(check_any_tensor(op, "indices", indices, kAnyRank, stream));
  FOVEA_CHECK(same(indices->dtype, kI32) || same(indices->dtype, kI64), "%s: indices must be i32 or i64, they are %s", op,
              describe(*indices));
  FOVEA_TRY(check_tensor(op, stack_name, stack, kAnyRank, table->dtype, stream));
  bool matches = stack->rank == indices->rank + table->rank - 1;
  for (int i = 0; matches && i < stack->rank; ++i)
    matches = stack->shape[i] == (i < indices->rank ? indices->shape[i] : table->shape[i - indices->rank + 1]);
  FOVEA_CHECK(matches, "%s: indices %s of rows of %s %s do not make %s %s", op, describe(*indices), table_name,
              describe(*table), stack_name, describe(*stack));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_gather_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                          fovea_stream* stream) {
  constexpr const char* op = "gather_rows";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_rows(op, "x", x, indices, "y", y, stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "indices", *indices, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_gather_rows, x, indices, y, stream);
  if (elements(*y) == 0) return FOVEA_OK;
  return enqueue(stream, gather_rows, plan_gather_rows(*x, *indices, *y));
}

extern "C" fovea_status fovea_scatter_add_rows(const fovea_tensor* dy, const fovea_tensor* indices, const fovea_tensor* dx,
                                               fovea_stream* stream) {
  constexpr const char* op = "scatter_add_rows";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_rows(op, "dx", dx, indices, "dy", dy, stream));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "indices", *indices, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_scatter_add_rows, dy, indices, dx, stream);
  if (elements(*dy) == 0) return FOVEA_OK;
  GatherRowsJob job = plan_gather_rows(*dx, *indices, *dy);
  job.stack_live = indices->rank == 0 ? nullptr : dy->live;
  return enqueue(
      stream,
      select_isa(scatter_add_rows_reference, scalar::scatter_add_rows, avx2::scatter_add_rows, avx512::scatter_add_rows), job);
}
