// b goes into panels, then the register tile of gemm_tile_simd.h does the work; a transposed a is read k-major. Packing is one
// pass over b against m passes of arithmetic; with few rows b is read where it is, along k when it is transposed.
#include "ops/matmul/matmul.h"

#include "core/thread_pool.h"
#include "ops/linear/gemm_block_simd.h"
#include "ops/matmul/dot_simd.h"
#include "ops/matmul/pack_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

void pack_b(const MatmulJob& j, int64_t k_size) {
  const int64_t panels = panel_count(j.n), first = j.direct_b ? j.n / kPanel : 0, packed = panels - first;
  if (packed == 0) return;
  parallel_for(j.b.matrices * packed, 65536 / (kPanel * k_size + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t matrix = task / packed, panel = task % packed;
      pack_panel(j.b.data + matrix * j.b.matrix_stride, j.b.pitch, j.b.transposed, k_size, j.n, first + panel,
                 j.panels + matrix * j.panels_stride + panel * kPanel * k_size);
    }
  });
}

template <bool kKMajor>
void multiply(const MatmulJob& j, int64_t m, int64_t k_size) {
  const int64_t direct = j.direct_b ? j.n / kPanel : 0, usable = live_matrices(j), panels = panel_count(j.n);
  const GemmTasks tasks = gemm_tasks(m, k_size, j.n);
  parallel_for(j.batches * tasks.chunks * tasks.groups, tasks.grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task % tasks.groups * kGroup, row = task / tasks.groups % tasks.chunks * kRowChunk;
      const int64_t batch = task / tasks.groups / tasks.chunks;
      const int64_t ia = matrix_of(j, j.a, batch), ib = matrix_of(j, j.b, batch);
      if (ia >= usable) continue;
      const float* const b = j.b.data + ib * j.b.matrix_stride;
      const float* const packed = j.panels + ib * j.panels_stride;
      const GemmBlock block{j.a.data + ia * j.a.matrix_stride + (kKMajor ? row : row * j.a.pitch),
                            j.a.pitch,
                            j.y + (batch * j.m + row) * j.y_pitch,
                            j.y_pitch,
                            m - row < kRowChunk ? m - row : kRowChunk,
                            k_size,
                            panel,
                            panel + kGroup < panels ? panel + kGroup : panels,
                            j.n,
                            nullptr,
                            j.alpha};
      gemm_block<MathF32, kKMajor>(
          block,
          [&](int64_t p) {
            return p < direct ? PanelWeights{b + p * kPanel, j.b.pitch, false}
                              : PanelWeights{packed + (p - direct) * kPanel * k_size, panel_width(j.n, p), true};
          },
          [](int64_t, int64_t, int64_t, int64_t) {});
    }
  });
}

}  // namespace

void matmul(const MatmulJob& j) {
  const int64_t m = j.live_role == MatmulLive::kRows ? live_rows(j.live, j.m) : j.m;
  const int64_t k_size = j.live_role == MatmulLive::kTerms ? live_rows(j.live, j.k) : j.k;
  if (m == 0) return;
  if (j.dot) return matmul_dot(j, m, k_size);
  if (k_size > 0) pack_b(j, k_size);
  j.a.transposed ? multiply<true>(j, m, k_size) : multiply<false>(j, m, k_size);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
