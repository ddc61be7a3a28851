// The norm of many gradients together, and the factor that clips it. Gradients are cut into chunks whose sums of squares go to
// one double each in the workspace; the last job adds those in order. Jobs are copied when a graph is captured, so each holds
// a table of a fixed number of gradients, and long lists take several.
#pragma once

#include "core/tensor.h"
#include "fovea/optim.h"

namespace fovea {

struct GradientView {
  const float* data;
  int64_t leading, inner, width, pitch;  // leading * inner runs of `width` floats, a pitch apart; no gaps: one run a row
  const int32_t* live;
  int64_t chunks;
};

struct GlobalNormJob {
  static constexpr int kGradients = 32;
  static constexpr int64_t kWork = 16384;  // floats per chunk
  GradientView gradients[kGradients];
  int64_t count, chunks;  // of this job
  double* sums;           // [chunks]
};

// `runs` runs of n floats, a pitch apart.
struct GradientChunk {
  const float* data;
  int64_t runs, n, pitch;
};

// Gradients without gaps are cut anywhere, others between runs.
FOVEA_ALWAYS_INLINE GradientChunk gradient_chunk(const GradientView& g, int64_t chunk) {
  constexpr int64_t kWork = GlobalNormJob::kWork;
  const int64_t runs = live_rows(g.live, g.leading) * g.inner;
  if (g.pitch == g.width) {
    const int64_t total = runs * g.width, begin = chunk * kWork, left = total - begin;
    return {g.data + begin, left > 0 ? 1 : 0, left < kWork ? left : kWork, 0};
  }
  const int64_t group = kWork / g.width + 1, begin = chunk * group, left = runs - begin;
  return {g.data + begin * g.pitch, left < 0 ? 0 : left < group ? left : group, g.width, g.pitch};
}

}  // namespace fovea
