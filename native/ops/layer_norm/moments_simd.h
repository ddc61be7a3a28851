// Sums of values and of their squares, for the normalisations. Float accumulators take a bounded number of terms before they
// are added in double, so the error does not grow with the length: at most 36 additions deep, then the lanes.
#pragma once

#include "core/simd.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

struct Sums {
  double linear, squares;
};

// A term whose product with another is summed in place of its square.
struct Weighted {
  F value, weight;
};

// What is not asked for stays 0 and costs nothing.
template <bool kLinear, bool kSquares>
struct Accumulator {
  F linear, squares;
  FOVEA_INLINE void clear() { linear = squares = zero(); }
  FOVEA_INLINE void add(F v) { add(Weighted{v, v}); }
  FOVEA_INLINE void add(const Weighted& t) {
    if constexpr (kLinear) linear = linear + t.value;
    if constexpr (kSquares) squares = fma(t.value, t.weight, squares);
  }
  FOVEA_INLINE void add(const Accumulator& a) {
    if constexpr (kLinear) linear = linear + a.linear;
    if constexpr (kSquares) squares = squares + a.squares;
  }
};

FOVEA_INLINE void add_lanes(double* to, F a) {
  alignas(64) float lanes[kLanes];
  store(lanes, a);
  for (int i = 0; i < kLanes; ++i) to[i] += static_cast<double>(lanes[i]);
}

// Over `rows` runs of n terms, `pitch` apart: value(offset, count) gives kLanes terms, zeros from `count` on.
template <bool kLinear, bool kSquares, class Value>
FOVEA_INLINE Sums sum_runs(int64_t rows, int64_t pitch, int64_t n, const Value& value) {
  constexpr int64_t kStep = 4 * kLanes, kDepth = 16, kPiece = kDepth * kStep;
  Sums total{0, 0};
  Accumulator<kLinear, kSquares> a0, a1, a2, a3;
  a0.clear(), a1.clear(), a2.clear(), a3.clear();
  int64_t depth = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t begin = 0; begin < n; begin += kPiece) {
      int64_t i = r * pitch + begin;
      const int64_t end = r * pitch + (n - begin > kPiece ? begin + kPiece : n);
      for (; i + kStep <= end; i += kStep, ++depth) {
        a0.add(value(i, kLanes));
        a1.add(value(i + kLanes, kLanes));
        a2.add(value(i + 2 * kLanes, kLanes));
        a3.add(value(i + 3 * kLanes, kLanes));
      }
      for (; i < end; i += kLanes, ++depth) a0.add(value(i, end - i));
      if (depth < kDepth && (r + 1 < rows || n - begin > kPiece)) continue;
      a0.add(a1), a2.add(a3), a0.add(a2);
      if constexpr (kLinear) total.linear += static_cast<double>(sum(a0.linear));
      if constexpr (kSquares) total.squares += static_cast<double>(sum(a0.squares));
      a0.clear(), a1.clear(), a2.clear(), a3.clear();
      depth = 0;
    }
  return total;
}

// Terms of sum_runs: x - shift. A shift near the mean removes the cancellation from the variance.
struct Shifted {
  const float* x;
  F shift;
  FOVEA_INLINE F operator()(int64_t i, int64_t n) const { return keep_first(load_upto(x + i, n) - shift, n); }
};

// Whether float sums are good enough. `squares` is the mean of (x - shift)^2, `spread` the variance + epsilon computed from it:
// nothing overflowed or was NaN, no underflow that counts, and the shift was so near the mean that little cancelled.
FOVEA_INLINE bool reliable(double squares, double spread) {
  return squares <= 3e38 && spread >= 1e-30 && squares <= 5 * spread;
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
