// From tensors to the loops of gather_rows and scatter_add_rows, for every backend.
#pragma once

#include "ops/gather_rows/gather_rows.h"

namespace fovea {

// `table` is x or dx, `stack` y or dy.
inline GatherRowsJob plan_gather_rows(const fovea_tensor& table, const fovea_tensor& indices, const fovea_tensor& stack) {
  const bool scalars = table.rank == 1;
  int64_t pieces = 1;
  for (int i = 1; i + 1 < table.rank; ++i) pieces *= table.shape[i];
  const int64_t width = scalars ? 1 : last(table);
  const int64_t leading = indices.rank == 0 ? 1 : indices.shape[0];
  return {static_cast<float*>(table.data),
          static_cast<float*>(stack.data),
          indices.data,
          same(indices.dtype, kI64),
          table.shape[0],
          pieces,
          width,
          scalars ? 1 : table.pitch,
          leading,
          leading == 0 ? 0 : elements(indices) / leading,
          last(indices) == 0 ? 1 : last(indices),
          indices.pitch,
          stack.pitch,
          scalars,
          table.live,
          indices.live,
          nullptr};
}

}  // namespace fovea
