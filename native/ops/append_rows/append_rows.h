// Rows gathered behind those of a table: the job of fovea_append_rows.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

// Elements are 4 bytes, f32 or i32. A row is `pieces` runs of `width` elements, a pitch apart.
struct AppendRowsJob {
  const char* x;
  const int32_t* indices;  // NULL: all live rows in order
  char* y;
  int32_t* count;
  int64_t x_rows, picks, capacity;
  int64_t pieces, width;
  int64_t x_pitch, y_pitch;  // between pieces
  const int32_t* x_live;
  const int32_t* indices_live;
};

static inline AppendRowsJob append_rows_job(const fovea_tensor& x, const fovea_tensor* indices, const fovea_tensor& y,
                                            const fovea_tensor& count) {
  // A vector's rows are single elements, one apart: its pitch spans the whole vector.
  const bool vector = x.rank == 1;
  int64_t pieces = elements(x) == 0 ? 0 : 1;
  for (int i = 1; pieces != 0 && i + 1 < x.rank; ++i) pieces *= x.shape[i];
  return {static_cast<const char*>(x.data),
          indices == nullptr ? nullptr : static_cast<const int32_t*>(indices->data),
          static_cast<char*>(y.data),
          static_cast<int32_t*>(count.data),
          x.shape[0],
          indices == nullptr ? 0 : indices->shape[0],
          y.shape[0],
          pieces,
          vector ? 1 : last(x),
          vector ? 1 : x.pitch,
          vector ? 1 : y.pitch,
          x.live,
          indices == nullptr ? nullptr : indices->live};
}

}  // namespace fovea
