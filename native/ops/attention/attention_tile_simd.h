// The register tile of all products of attention: R rows times NV vectors of columns, y[r][c] (+)= sum over k of
// x[r][k] * w[k][c], or with Transposed of x[k][r] * w[k][c]. Each output is one chain of fma in the order of k, whatever the
// tile. Unlike the tile of linear it continues sums in y, and its operands are packed, so it needs neither prefetch nor column
// tails.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Product {
  const float* x;
  int64_t x_pitch;
  const float* w;
  int64_t w_stride;
  float* y;
  int64_t y_pitch;
  int64_t k_size;
  bool accumulate;
};

// Accumulators plus NV operands plus one broadcast fill the register file: 28+2+1 of 32 with AVX-512, 12+2+1 of 16 with AVX2.
#if defined(__AVX512F__)
inline constexpr int64_t kTileRows = 14, kTileVectors = 2;
#elif defined(__AVX2__)
inline constexpr int64_t kTileRows = 6, kTileVectors = 2;
#else
inline constexpr int64_t kTileRows = 3, kTileVectors = 4;
#endif

template <int R, int NV, bool Transposed>
void product_tile(const Product& t) {
  // One base pointer per three rows and [base + pitch * 0, 1, 2] addressing: R pointers would spill.
  constexpr int kBases = (R + 2) / 3;
  float* const y = t.y;  // locals: to the compiler every store could change t
  const int64_t y_pitch = t.y_pitch;
  F acc[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = t.accumulate ? load(y + r * y_pitch + v * kLanes) : zero();
  const float* base[kBases];
  const int64_t pitch = t.x_pitch, stride = t.w_stride;
#pragma GCC unroll 8
  for (int i = 0; i < kBases; ++i) base[i] = t.x + (Transposed ? 0 : 3 * i * pitch);
  const float* w = t.w;
  for (int64_t k = 0; k < t.k_size; ++k, w += stride) {
    F b[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) b[v] = load(w + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F broadcast = set(Transposed ? base[0][k * pitch + r] : base[r / 3][(r % 3) * pitch + k]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = fma(broadcast, b[v], acc[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) store(y + r * y_pitch + v * kLanes, acc[r][v]);
}

using ProductFunction = void (*)(const Product&);

// Row counts 1, 2, .. in order.
template <bool Transposed, int NV, int... R>
struct ProductTiles {
  static constexpr ProductFunction table[] = {product_tile<R, NV, Transposed>...};
};

// `columns`: a multiple of 16; rows at most kTileRows.
template <bool Transposed = false>
void multiply(const Product& product, int64_t rows, int64_t columns) {
#if defined(__AVX512F__)
  using Wide = ProductTiles<Transposed, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
  using Narrow = ProductTiles<Transposed, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
#elif defined(__AVX2__)
  using Wide = ProductTiles<Transposed, 2, 1, 2, 3, 4, 5, 6>;
#else
  using Wide = ProductTiles<Transposed, 4, 1, 2, 3>;
#endif
  constexpr int64_t step = kTileVectors * kLanes;
  Product t = product;
  for (int64_t c = 0; c < columns; c += step, t.w += step, t.y += step) {
#if defined(__AVX512F__)
    if (columns - c < step) {
      Narrow::table[rows - 1](t);
      return;
    }
#endif
    Wide::table[rows - 1](t);
  }
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
