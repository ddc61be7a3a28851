// The register tile of every dense product (linear, matmul): R rows times NV vectors of columns,
//   y[r][n] = scale * (start[n] + sum over k of x[r][k] * w[k][n]),  w a panel of panels.h.
// x is read by scalar broadcast, so K needs no padding. Each output is one chain of fma in the order of k, whatever the tile:
// results do not depend on the number of rows, on the blocking or on the threads.
#pragma once

#include "core/simd.h"
#include "ops/linear/panels.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct GemmTile {
  const float* x;
  int64_t x_pitch;
  const float* w;
  int64_t w_stride;  // from one k to the next
  float* y;
  int64_t y_pitch;
  int64_t k_size, columns;  // columns to write; whole vectors of w are read
  const float* start;       // [columns], NULL for zeros
  float scale;
};

// Accumulators plus NV weights plus one broadcast fill the register file: 28+2+1 of 32 with AVX-512, 12+2+1 of 16 with AVX2.
#if defined(__AVX512F__)
inline constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 6, kTileVectors = 2;
#else
inline constexpr int kTileRows = 3, kTileVectors = 4;
#endif

// The weight stream is prefetched this many steps of k ahead: with few rows it comes from memory, and the hardware prefetcher
// alone leaves bandwidth unused.
inline constexpr int64_t kPrefetchSteps = 64;

// Rows a multiple of 2 KB apart fall into one or two sets of the first-level cache and evict each other; then the tile works on
// a copy of its rows, this many k at a time, in rows of kCopyPitch floats.
inline constexpr int64_t kCopySteps = 256, kCopyPitch = kCopySteps + 16;

FOVEA_INLINE bool rows_collide(int64_t rows, int64_t pitch) { return rows > 6 && pitch % 512 == 0; }

template <int R, int NV>
void gemm_tile(const GemmTile& t) {
  // One base pointer per three rows and [base + pitch * 0, 1, 2] addressing: R pointers would spill.
  constexpr int kBases = (R + 2) / 3;
  F acc[R][NV];
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) {
    const int64_t rest = t.columns - v * kLanes;
    const F start = t.start == nullptr || rest <= 0 ? zero() : load_upto(t.start + v * kLanes, rest);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) acc[r][v] = start;
  }
  const bool copied = rows_collide(R, t.x_pitch);
  alignas(64) float copy[R > 6 ? R * kCopyPitch : 1];
  const int64_t step = copied ? kCopySteps : t.k_size, pitch = copied ? kCopyPitch : t.x_pitch;
  const int64_t stride = t.w_stride, ahead = kPrefetchSteps * stride;
  const float* w = t.w;
  for (int64_t begin = 0; begin < t.k_size; begin += step) {
    const int64_t steps = t.k_size - begin < step ? t.k_size - begin : step;
    const float* x = t.x + begin;
    if (R > 6 && copied) {
      for (int r = 0; r < R; ++r)
        for (int64_t k = 0; k < steps; k += kLanes)
          store_upto(copy + r * kCopyPitch + k, load_upto(x + r * t.x_pitch + k, steps - k), steps - k);
      x = copy;
    }
    const float* base[kBases];
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) base[i] = x + 3 * i * pitch;
    for (int64_t k = 0; k < steps; ++k, w += stride) {
      F b[NV];
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) b[v] = load(w + v * kLanes);
#pragma GCC unroll 8
      for (int v = 0; v < NV * kLanes; v += 16) __builtin_prefetch(w + v + ahead);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const F broadcast = set(base[r / 3][(r % 3) * pitch + k]);
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) acc[r][v] = fma(broadcast, b[v], acc[r][v]);
      }
    }
  }
  const F scale = set(t.scale);
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) {
    const int64_t rest = t.columns - v * kLanes;
    if (rest <= 0) break;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store_upto(t.y + r * t.y_pitch + v * kLanes, acc[r][v] * scale, rest);
  }
}

using TileFunction = void (*)(const GemmTile&);

// Row counts 1, 2, .. in order.
template <int NV, int... R>
struct Tiles {
  static constexpr TileFunction table[] = {gemm_tile<R, NV>...};
};

// The widest tile that still has registers for `rows` rows, and how many columns it covers.
inline TileFunction choose_tile(int64_t rows, int64_t width, int64_t* columns) {
#if defined(__AVX512F__)
  using Narrow = Tiles<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
  using Wide = Tiles<2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
  *columns = width < kPanel ? 16 : 32;
  return width < kPanel ? Narrow::table[rows - 1] : Wide::table[rows - 1];
#elif defined(__AVX2__)
  // Up to 3 rows a whole panel row fits, which keeps the weight stream contiguous.
  const bool wide = rows <= 3 && width == kPanel;
  *columns = wide ? 32 : 16;
  return wide ? Tiles<4, 1, 2, 3>::table[rows - 1] : Tiles<2, 1, 2, 3, 4, 5, 6>::table[rows - 1];
#else
  static_cast<void>(width);
  *columns = 4;
  return Tiles<4, 1, 2, 3>::table[rows - 1];
#endif
}

// `rows` rows times one panel of `width` columns, in blocks of nearly equal height. epilogue(y, rows) sees each finished block
// of t.columns columns while it is in the first-level cache.
template <class Epilogue>
void gemm_panel(const GemmTile& panel, int64_t rows, int64_t width, const Epilogue& epilogue) {
  const int64_t blocks = (rows + kTileRows - 1) / kTileRows;
  int64_t row = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t height = rows / blocks + (i < rows % blocks ? 1 : 0);
    int64_t step = 0;
    const TileFunction tile = choose_tile(height, width, &step);
    float* y = panel.y + row * panel.y_pitch;
    for (int64_t c = 0; c < panel.columns; c += step) {
      GemmTile t = panel;
      t.x += row * t.x_pitch;
      t.w += c;
      t.y = y + c;
      t.columns -= c;
      if (t.columns > step) t.columns = step;
      if (t.start != nullptr) t.start += c;
      tile(t);
    }
    epilogue(y, height);
    row += height;
  }
}

// A task of the thread pool is one panel times kRowChunk rows (a multiple of every tile height), so that the rows stay in the
// second-level cache from panel to panel.
inline constexpr int64_t kRowChunk = 84;

// Tasks per chunk of parallel_for: about a quarter million multiply-adds, well above the price of waking a thread.
inline int64_t gemm_grain(int64_t rows, int64_t k_size) {
  const int64_t task = (rows < kRowChunk ? rows : kRowChunk) * (k_size + 1) * kPanel;
  return task >= 262144 ? 1 : 262144 / (task + 1) + 1;
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
