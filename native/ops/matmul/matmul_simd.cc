// b goes into panels (and a transposed a into rows), then the register tile of gemm_tile_simd.h does the work. Packing is one
// pass over b against m passes of arithmetic; with few rows b is read where it is, along k when it is transposed.
#include "ops/matmul/matmul.h"

#include "core/thread_pool.h"
#include "ops/linear/gemm_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// 16 x 16 blocks: whole cache lines on both sides.
void pack_rows(const float* a, int64_t row_stride, int64_t column_stride, int64_t row_begin, int64_t row_end, int64_t k_size,
               float* out, int64_t out_pitch) {
  for (int64_t begin = 0; begin < k_size; begin += 16) {
    const int64_t end = begin + 16 < k_size ? begin + 16 : k_size;
    for (int64_t row = row_begin; row < row_end; ++row)
      for (int64_t k = begin; k < end; ++k) out[row * out_pitch + k] = a[row * row_stride + k * column_stride];
  }
}

void pack(const MatmulJob& j, int64_t k_size) {
  if (j.packed_a != nullptr) {
    const int64_t blocks = (j.m + 15) / 16;
    parallel_for(live_matrices(j) * blocks, 16384 / (16 * k_size + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t matrix = task / blocks, row = task % blocks * 16;
        pack_rows(j.a.data + matrix * j.a.matrix_stride, j.a.row_stride, j.a.column_stride, row,
                  row + 16 < j.m ? row + 16 : j.m, k_size, j.packed_a + matrix * j.m * j.a_pitch, j.a_pitch);
      }
    });
  }
  if (j.dot) return;
  const int64_t panels = panel_count(j.n), first = j.direct_b ? j.n / kPanel : 0, packed = panels - first;
  if (packed == 0) return;
  parallel_for(j.b.matrices * packed, 16384 / (kPanel * k_size + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t matrix = task / packed, panel = task % packed;
      pack_panel(j.b.data + matrix * j.b.matrix_stride, j.b.row_stride, j.b.column_stride, k_size, j.n, first + panel,
                 j.panels + matrix * j.panels_stride + panel * kPanel * k_size);
    }
  });
}

// R rows of a times up to 4 rows of a transposed b; missing columns repeat the last and are not stored.
template <int R>
void dot_tile(const float* a, int64_t a_pitch, const float* b, int64_t b_pitch, int64_t k_size, int64_t columns, float alpha,
              float* y, int64_t y_pitch) {
  F acc[R][4];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) acc[r][c] = zero();
  const float* base[4];
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) base[c] = b + (c < columns ? c : columns - 1) * b_pitch;
  for (int64_t k = 0; k < k_size; k += kLanes) {
    F x[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) x[r] = load_upto(a + r * a_pitch + k, k_size - k);
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      const F w = load_upto(base[c] + k, k_size - k);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) acc[r][c] = fma(x[r], w, acc[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c)
      if (c < columns) y[r * y_pitch + c] = alpha * sum(acc[r][c]);
}

using DotFunction = void (*)(const float*, int64_t, const float*, int64_t, int64_t, int64_t, float, float*, int64_t);
constexpr DotFunction kDotTiles[kDotRows] = {dot_tile<1>, dot_tile<2>, dot_tile<3>, dot_tile<4>};

void matmul_dot(const MatmulJob& j, int64_t m, int64_t k_size) {
  const int64_t blocks = (j.n + 3) / 4, usable = live_matrices(j);
  parallel_for(j.batches * blocks, 65536 / (4 * k_size + 64) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / blocks, column = task % blocks * 4;
      const int64_t ia = matrix_of(j, j.a, batch), ib = matrix_of(j, j.b, batch);
      if (ia >= usable) continue;
      const float* a = j.packed_a != nullptr ? j.packed_a + ia * j.m * j.a_pitch : j.a.data + ia * j.a.matrix_stride;
      kDotTiles[m - 1](a, j.packed_a != nullptr ? j.a_pitch : j.a.row_stride,
                       j.b.data + ib * j.b.matrix_stride + column * j.b.column_stride, j.b.column_stride, k_size,
                       j.n - column < 4 ? j.n - column : 4, j.alpha, j.y + batch * j.m * j.y_pitch + column, j.y_pitch);
    }
  });
}

}  // namespace

void matmul(const MatmulJob& j) {
  const int64_t m = j.live_role == MatmulLive::kRows ? live_rows(j.live, j.m) : j.m;
  const int64_t k_size = j.live_role == MatmulLive::kTerms ? live_rows(j.live, j.k) : j.k;
  if (m == 0) return;
  if (k_size > 0) pack(j, k_size);
  if (j.dot) {
    matmul_dot(j, m, k_size);
    return;
  }
  const int64_t panels = panel_count(j.n), chunks = (m + kRowChunk - 1) / kRowChunk, direct = j.direct_b ? j.n / kPanel : 0;
  const int64_t usable = live_matrices(j);
  parallel_for(j.batches * chunks * panels, gemm_grain(m, k_size), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task % panels, row = task / panels % chunks * kRowChunk, batch = task / panels / chunks;
      const int64_t ia = matrix_of(j, j.a, batch), ib = matrix_of(j, j.b, batch);
      if (ia >= usable) continue;
      const float* a = j.packed_a != nullptr ? j.packed_a + ia * j.m * j.a_pitch : j.a.data + ia * j.a.matrix_stride;
      const int64_t a_pitch = j.packed_a != nullptr ? j.a_pitch : j.a.row_stride;
      const bool in_place = panel < direct;
      const int64_t width = panel_width(j.n, panel), first = panel * kPanel;
      const GemmTile tile{a + row * a_pitch,
                          a_pitch,
                          in_place ? j.b.data + ib * j.b.matrix_stride + first
                                   : j.panels + ib * j.panels_stride + (panel - direct) * kPanel * k_size,
                          in_place ? j.b.row_stride : width,
                          j.y + (batch * j.m + row) * j.y_pitch + first,
                          j.y_pitch,
                          k_size,
                          j.n - first < kPanel ? j.n - first : kPanel,
                          nullptr,
                          j.alpha};
      gemm_panel(tile, m - row < kRowChunk ? m - row : kRowChunk, width, [](float*, int64_t) {});
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
