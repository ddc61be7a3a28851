// The packed right-hand side of a dense product. Columns (output features) are cut into panels of 32; panel p holds
// [steps][32] words of 32 bits from word p*32*steps. A word holds what one column needs for one step along K: one float, two
// bf16 or four int8 (narrow.h). The last panel is 16 wide when 16 columns or fewer remain; missing columns are zeros.
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

}  // namespace fovea
