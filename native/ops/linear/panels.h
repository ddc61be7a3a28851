// The packed right-hand side of a dense product. Columns (output features) are cut into panels of 32; panel p holds
// [K][32] floats from offset p*32*K. The last panel is 16 wide when 16 columns or fewer remain; missing columns are zeros.
// Every instruction set reads this layout: 32 columns are two AVX-512, four AVX2 vectors or a run of scalars.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include <cstdint>

namespace fovea {

inline constexpr int64_t kPanel = 32;

static constexpr int64_t panel_count(int64_t columns) { return (columns + kPanel - 1) / kPanel; }
static constexpr int64_t padded_columns(int64_t columns) { return (columns + 15) / 16 * 16; }
static constexpr int64_t panel_width(int64_t columns, int64_t panel) {
  const int64_t rest = padded_columns(columns) - panel * kPanel;
  return rest < kPanel ? rest : kPanel;
}

// Packs one panel of `source` (element (k, n) at source[k * k_stride + n * n_stride]) to `out`.
static inline void pack_panel(const float* source, int64_t k_stride, int64_t n_stride, int64_t k_size, int64_t columns,
                              int64_t panel, float* out) {
  const int64_t width = panel_width(columns, panel), first = panel * kPanel;
  const int64_t valid = columns - first < width ? columns - first : width;
  const float* x = source + first * n_stride;
  if (n_stride == 1 && valid == kPanel) {
    for (int64_t k = 0; k < k_size; ++k) __builtin_memcpy(out + k * kPanel, x + k * k_stride, kPanel * sizeof(float));
    return;
  }
  // 16 values of one column at a time: a whole cache line of the transposed source, whose columns may share a cache set.
  for (int64_t begin = 0; begin < k_size; begin += 16) {
    const int64_t end = begin + 16 < k_size ? begin + 16 : k_size;
    for (int64_t n = 0; n < width; ++n)
      for (int64_t k = begin; k < end; ++k) out[k * width + n] = n < valid ? x[k * k_stride + n * n_stride] : 0.0f;
  }
}

}  // namespace fovea
