// Gathers rows behind the rows that a table already has; positions come from a running count, so the loop is sequential.
// Rows are a few dozen bytes: one plain body serves every instruction set.
#include "ops/append_rows/append_rows.h"

#include <cstring>

#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {
namespace {

void append_rows(const AppendRowsJob& j) {
  constexpr int64_t kSize = 4;
  const int64_t x_rows = live_rows(j.x_live, j.x_rows);
  const int64_t picks = j.indices == nullptr ? x_rows : live_rows(j.indices_live, j.picks);
  int64_t at = live_rows(j.count, j.capacity);
  for (int64_t i = 0; i < picks && at < j.capacity; ++i) {
    const int64_t row = j.indices == nullptr ? i : j.indices[i];
    // Padding (-1) and rows that carry no data.
    if (row < 0 || row >= x_rows) continue;
    const char* from = j.x + row * j.pieces * j.x_pitch * kSize;
    char* to = j.y + at * j.pieces * j.y_pitch * kSize;
    for (int64_t piece = 0; piece < j.pieces; ++piece)
      std::memcpy(to + piece * j.y_pitch * kSize, from + piece * j.x_pitch * kSize, static_cast<size_t>(j.width * kSize));
    ++at;
  }
  *j.count = static_cast<int32_t>(at);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_append_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                          const fovea_tensor* count, fovea_stream* stream) {
  constexpr const char* op = "append_rows";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_any_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_CHECK(same(x->dtype, kF32) || same(x->dtype, kI32), "%s: rows must be f32 or i32, x is %s", op, describe(*x));
  FOVEA_TRY(check_tensor(op, "y", y, x->rank, x->dtype, stream));
  FOVEA_CHECK(x->rank >= 1, "%s: x has no rows: %s", op, describe(*x));
  for (int i = 1; i < x->rank; ++i)
    FOVEA_CHECK(x->shape[i] == y->shape[i], "%s: rows of x (%s) and y (%s) differ", op, describe(*x), describe(*y));
  FOVEA_CHECK(y->shape[0] <= INT32_MAX, "%s: y has more than 2^31-1 rows: %s", op, describe(*y));
  if (indices != nullptr) FOVEA_TRY(check_tensor(op, "indices", indices, 1, kI32, stream));
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "count", *count, "y", *y, false));
  if (indices != nullptr) FOVEA_TRY(check_no_overlap(op, "indices", *indices, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_append_rows, x, indices, y, count, stream);
  return enqueue(stream, append_rows, append_rows_job(*x, indices, *y, *count));
}
