// How elementwise kernels see a tensor: leading * inner rows of `width` elements, a pitch apart. A vector is a column of
// one-element rows, so that `live` limits its elements as it limits the rows of everything else.
#pragma once

#include "core/tensor.h"

namespace fovea {

struct RowLayout {
  int64_t leading, inner, width;
};

inline RowLayout row_layout(const fovea_tensor& t) {
  if (elements(t) == 0) return {0, 0, 0};
  if (t.rank < 2) return {t.rank == 0 ? 1 : t.shape[0], 1, 1};
  return {t.shape[0], rows(t) / t.shape[0], last(t)};
}
inline int64_t row_pitch(const fovea_tensor& t) { return t.rank < 2 ? 1 : t.pitch; }
// A scalar has no leading dimension to limit.
inline const int32_t* row_live(const fovea_tensor& t) { return t.rank == 0 ? nullptr : t.live; }

}  // namespace fovea
