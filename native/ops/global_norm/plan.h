// How a gradient is cut into chunks, for every backend.
#pragma once

#include "ops/global_norm/global_norm.h"

namespace fovea {

// t has elements.
inline GradientView gradient_view(const fovea_tensor& t) {
  const bool dense = contiguous(t);
  const int64_t leading = t.rank == 0 ? 1 : t.shape[0], n = elements(t) / leading, width = dense ? n : last(t);
  GradientView g{static_cast<const float*>(t.data), leading, n / width, width, dense ? width : t.pitch, t.live, 0};
  g.chunks = dense ? (leading * n - 1) / GlobalNormJob::kWork + 1 : (rows(t) - 1) / (GlobalNormJob::kWork / width + 1) + 1;
  return g;
}

}  // namespace fovea
