// Lanes are output features, rows are rows of x; see gemm_tile_simd.h.
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/linear/gemm_tile_simd.h"
#include "ops/linear/linear.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Not inlined: fused into every tile size, the transcendental activations would be hundreds of kilobytes of code.
[[gnu::noinline]] void activate_block(const fovea_activation_params& activation_params, const float* slope, float* y,
                                      int64_t pitch, int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; c += kLanes) {
    const int64_t rest = columns - c;
    const F s = slope == nullptr ? zero() : load_upto(slope + c, rest);
    for (int64_t r = 0; r < rows; ++r) {
      float* p = y + r * pitch + c;
      store_upto(p, activation(activation_params, load_upto(p, rest), s), rest);
    }
  }
}

}  // namespace

void linear(const LinearJob& j) {
  const int64_t rows = j.leading == 0 ? 0 : j.rows / j.leading * live_rows(j.live, j.leading);
  if (rows == 0 || j.columns == 0) return;
  const int64_t panels = panel_count(j.columns), chunks = (rows + kRowChunk - 1) / kRowChunk;
  parallel_for(chunks * panels, gemm_grain(rows, j.k_size), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task % panels, first = panel * kPanel, row = task / panels * kRowChunk;
      const int64_t columns = j.columns - first < kPanel ? j.columns - first : kPanel;
      const int64_t width = panel_width(j.columns, panel);
      const GemmTile tile{j.x + row * j.x_pitch,
                          j.x_pitch,
                          j.panels + first * j.k_size,
                          width,
                          j.y + row * j.y_pitch + first,
                          j.y_pitch,
                          j.k_size,
                          columns,
                          j.bias == nullptr ? nullptr : j.bias + first,
                          1.0f};
      gemm_panel(tile, rows - row < kRowChunk ? rows - row : kRowChunk, width, [&](float* y, int64_t height) {
        if (j.activation.kind != FOVEA_ACTIVATION_NONE)
          activate_block(j.activation, j.slope == nullptr ? nullptr : j.slope + first, y, j.y_pitch, height, columns);
      });
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
