// The packed right-hand side of a dense product. Columns (output features) are cut into panels of 32; panel p holds
// [K][32] floats from offset p*32*K. The last panel is 16 wide when 16 columns or fewer remain; missing columns are zeros.
// Every instruction set reads this layout: 32 columns are two AVX-512, four AVX2 vectors or a run of scalars.
#pragma once

#include <cstdint>

namespace fovea {

inline constexpr int64_t kPanel = 32;

constexpr int64_t panel_count(int64_t columns) { return (columns + kPanel - 1) / kPanel; }
constexpr int64_t padded_columns(int64_t columns) { return (columns + 15) / 16 * 16; }
constexpr int64_t panel_width(int64_t columns, int64_t panel) {
  const int64_t rest = padded_columns(columns) - panel * kPanel;
  return rest < kPanel ? rest : kPanel;
}

// Columns begin..end of `source` (element (k, n) at source[k*k_stride + n*n_stride]) into panels, which start at panel 0.
inline void pack_panel(const float* source, int64_t k_stride, int64_t n_stride, int64_t k_size, int64_t columns, int64_t panel,
                       float* panels) {
  const int64_t width = panel_width(columns, panel), first = panel * kPanel;
  const int64_t valid = columns - first < width ? columns - first : width;
  float* out = panels + first * k_size;
  for (int64_t k = 0; k < k_size; ++k, out += width) {
    for (int64_t n = 0; n < valid; ++n) out[n] = source[k * k_stride + (first + n) * n_stride];
    for (int64_t n = valid; n < width; ++n) out[n] = 0.0f;
  }
}

}  // namespace fovea
