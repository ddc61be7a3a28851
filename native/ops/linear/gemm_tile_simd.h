// The register tile of every dense product (linear, matmul): R rows times NV vectors of columns,
//   y[r][n] = start[n] + sum over k of x[r][k] * w[k][n],  w a panel of panels.h, k in steps of one 32-bit word of w.
// x is read by scalar broadcast, so K needs no padding. Each output is one chain in the order of k, whatever the tile, and a
// chain may be put down in y and taken up again: results do not depend on the number of rows, on the blocking or on the
// threads.
//
// What a word means is the Math parameter's business: MathF32 below, narrower ones in narrow_math_simd.h.
#pragma once

#include "core/simd.h"
#include "ops/linear/panels.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct GemmTile {
  const float* x;
  int64_t x_pitch;  // words from row to row; kKMajor: from k to k
  const float* w;
  int64_t w_stride;       // words from one step to the next
  const float* prefetch;  // as many cache lines as w has in a step, at each step
  int64_t prefetch_stride;
  float* y;  // sums that are not finished are stored as the accumulator's bits
  int64_t y_pitch;
  int64_t steps, columns;  // columns to write; whole vectors of w are read
  const float* start;      // [columns], NULL for zeros
  bool resume;             // start from y instead
  float scale;             // of the stored results; 1 unless this is the last piece of K
};

struct MathF32 {
  static constexpr int kWords = 1;  // of x for each step
  static constexpr bool kScaled = true;
  using Sum = F;
  using X = F;
  FOVEA_INLINE static Sum from(F bits) { return bits; }
  FOVEA_INLINE static F to(Sum sum) { return sum; }
  FOVEA_INLINE static X broadcast(const float* x) { return set(*x); }
  template <int>
  FOVEA_INLINE static F weights(F word) {
    return word;
  }
  FOVEA_INLINE static Sum mac(Sum sum, X x, F w) { return fma(x, w, sum); }
};

// Accumulators plus NV weights plus one broadcast fill the register file: 28+2+1 of 32 with AVX-512, 12+2+1 of 16 with AVX2.
#if defined(__AVX512F__)
inline constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 6, kTileVectors = 2;
#else
inline constexpr int kTileRows = 3, kTileVectors = 4;
#endif

template <class Math, int H, int R, int NV, bool kKMajor, class Sum>
FOVEA_INLINE void gemm_step(Sum (&acc)[R][NV], const F (&word)[NV], const float* const* base, int64_t pitch, int64_t k) {
  decltype(Math::template weights<H>(word[0])) w[NV];
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) w[v] = Math::template weights<H>(word[v]);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const float* const at = kKMajor ? base[0] + k * pitch + r : base[r / 3] + (r % 3) * pitch + k * Math::kWords + H;
    const auto x = Math::broadcast(at);
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) acc[r][v] = Math::mac(acc[r][v], x, w[v]);
  }
}

template <class Math, bool kKMajor, int R, int NV>
void gemm_tile(const GemmTile& t) {
  // One base pointer per three rows and [base + pitch * 0, 1, 2] addressing: R pointers would spill.
  constexpr int kBases = kKMajor ? 1 : (R + 2) / 3;
  float* const y = t.y;  // locals: to the compiler every store could change t
  const int64_t y_pitch = t.y_pitch, columns = t.columns;
  typename Math::Sum acc[R][NV];
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) {
    const int64_t rest = columns - v * kLanes;
    if (t.resume) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][v] = Math::from(rest <= 0 ? zero() : load_upto(y + r * y_pitch + v * kLanes, rest));
    } else {
      const F start = t.start == nullptr || rest <= 0 ? zero() : load_upto(t.start + v * kLanes, rest);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][v] = Math::from(start);
    }
  }
  const int64_t stride = t.w_stride, prefetch_stride = t.prefetch_stride, pitch = t.x_pitch, steps = t.steps;
  const float *w = t.w, *prefetch = t.prefetch;
  const float* base[kBases];
#pragma GCC unroll 8
  for (int i = 0; i < kBases; ++i) base[i] = t.x + 3 * i * pitch;
  for (int64_t k = 0; k < steps; ++k, w += stride, prefetch += prefetch_stride) {
    F word[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) word[v] = load(w + v * kLanes);
#pragma GCC unroll 8
    for (int v = 0; v < NV * kLanes; v += 16) __builtin_prefetch(prefetch + v);
    gemm_step<Math, 0, R, NV, kKMajor>(acc, word, base, pitch, k);
    if constexpr (Math::kWords == 2) {
      // The words are loaded again: kept, they would be one register too many, and spilled sums cost a third.
      __asm__ volatile("" ::: "memory");
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) word[v] = load(w + v * kLanes);
      gemm_step<Math, 1, R, NV, kKMajor>(acc, word, base, pitch, k);
    }
  }
  if constexpr (Math::kScaled) {
    if (t.scale != 1.0f) {
      const F scale = set(t.scale);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) acc[r][v] = Math::from(Math::to(acc[r][v]) * scale);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) {
    const int64_t rest = columns - v * kLanes;
    if (rest <= 0) break;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store_upto(y + r * y_pitch + v * kLanes, Math::to(acc[r][v]), rest);
  }
}

using TileFunction = void (*)(const GemmTile&);

// Row counts 1, 2, .. in order.
template <class Math, bool kKMajor, int NV, int... R>
struct Tiles {
  static constexpr TileFunction table[] = {gemm_tile<Math, kKMajor, R, NV>...};
};

// The widest tile that still has registers for `rows` rows, and how many columns it covers.
template <class Math, bool kKMajor>
TileFunction choose_tile(int64_t rows, int64_t width, int64_t* columns) {
#if defined(__AVX512F__)
  *columns = width < kPanel ? 16 : 32;
  return width < kPanel ? Tiles<Math, kKMajor, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>::table[rows - 1]
                        : Tiles<Math, kKMajor, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>::table[rows - 1];
#elif defined(__AVX2__)
  // Up to 3 rows a whole panel row fits, which keeps the weight stream contiguous.
  const bool wide = rows <= 3 && width == kPanel;
  *columns = wide ? 32 : 16;
  return wide ? Tiles<Math, kKMajor, 4, 1, 2, 3>::table[rows - 1] : Tiles<Math, kKMajor, 2, 1, 2, 3, 4, 5, 6>::table[rows - 1];
#else
  static_cast<void>(width);
  *columns = 4;
  return Tiles<Math, kKMajor, 4, 1, 2, 3>::table[rows - 1];
#endif
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
