// What the bodies of linear share: epilogues and the loop over tasks. Lanes are output features, rows are rows of x.
#pragma once

#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/linear/gemm_block_simd.h"
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

FOVEA_INLINE int64_t linear_rows(const LinearJob& j) {
  return j.leading == 0 ? 0 : j.rows / j.leading * live_rows(j.live, j.leading);
}

// finish(row, rows, column, columns) turns sums in y into what the activation takes.
template <class Math, class Finish>
void linear_blocks(const LinearJob& j, const float* x, int64_t x_pitch, const float* start, const Finish& finish) {
  const int64_t rows = linear_rows(j), steps = linear_steps(j.format, j.k_size), panels = panel_count(j.columns);
  const GemmTasks tasks = gemm_tasks(rows, steps, j.columns);
  parallel_for(tasks.chunks * tasks.groups, tasks.grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task % tasks.groups * kGroup, row = task / tasks.groups * kRowChunk;
      float* const y = j.y + row * j.y_pitch;
      const GemmBlock block{x + row * x_pitch,
                            x_pitch,
                            y,
                            j.y_pitch,
                            rows - row < kRowChunk ? rows - row : kRowChunk,
                            steps,
                            panel,
                            panel + kGroup < panels ? panel + kGroup : panels,
                            j.columns,
                            start,
                            1.0f};
      gemm_block<Math, false>(
          block,
          [&](int64_t p) {
            return PanelWeights{j.panels + p * kPanel * steps, panel_width(j.columns, p), true};
          },
          [&](int64_t r, int64_t height, int64_t column, int64_t columns) {
            finish(row + r, height, column, columns);
            if (j.activation.kind != FOVEA_ACTIVATION_NONE)
              activate_block(j.activation, j.slope == nullptr ? nullptr : j.slope + column, y + r * j.y_pitch + column,
                             j.y_pitch, height, columns);
          });
    }
  });
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
