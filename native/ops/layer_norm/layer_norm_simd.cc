// Lanes are elements of a row, which stays in the cache over its passes: the deviations from a shift, and the result. Rows go
// in pairs, so that one computes while the other waits for its sums; a row's bits do not depend on its partner. The shift is
// the mean of the row's first elements; its error comes out of the same pass and is corrected in the variance and in the
// result, so a mean of 1e4 costs no digits. A row whose beginning is far from its mean gets a pass for the mean itself; rows
// for which float is too narrow are left to the double precision of the reference.
#include "ops/layer_norm/layer_norm.h"

#include "core/thread_pool.h"
#include "ops/layer_norm/moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Where v comes from. `peek` reads it, `take` does so once per element and stores it where v is not x itself.
struct Plain {
  const float* x;
  FOVEA_INLINE F peek(int64_t i, int64_t n) const { return load_upto(x + i, n); }
  FOVEA_INLINE F take(int64_t i, int64_t n) const { return peek(i, n); }
};
struct Copied {
  const float* x;
  float* v;
  FOVEA_INLINE F peek(int64_t i, int64_t n) const { return load_upto(x + i, n); }
  FOVEA_INLINE F take(int64_t i, int64_t n) const {
    const F a = peek(i, n);
    store_upto(v + i, a, n);
    return a;
  }
};
struct Added {
  const float* x;
  const float* residual;
  float* v;
  FOVEA_INLINE F peek(int64_t i, int64_t n) const { return load_upto(x + i, n) + load_upto(residual + i, n); }
  FOVEA_INLINE F take(int64_t i, int64_t n) const {
    const F a = peek(i, n);
    store_upto(v + i, a, n);
    return a;
  }
};

// Term of sum_runs.
struct Read {
  const float* v;
  FOVEA_INLINE F operator()(int64_t i, int64_t n) const { return load_upto(v + i, n); }
};

// Deviations of each row from its shift: like sum_runs, with two accumulators a row, 32 additions deep.
template <int kRows, bool kLinear, class Source>
FOVEA_INLINE void sum_rows(const Source* source, const F* shift, int64_t n, Sums* sums) {
  constexpr int64_t kPiece = 32 * 2 * kLanes;
  for (int r = 0; r < kRows; ++r) sums[r] = {0, 0};
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t end = n - begin > kPiece ? begin + kPiece : n;
    Accumulator<kLinear, true> a[kRows], b[kRows];
    for (int r = 0; r < kRows; ++r) a[r].clear(), b[r].clear();
    int64_t i = begin;
    for (; i + 2 * kLanes <= end; i += 2 * kLanes)
      for (int r = 0; r < kRows; ++r) {
        a[r].add(source[r].take(i, kLanes) - shift[r]);
        b[r].add(source[r].take(i + kLanes, kLanes) - shift[r]);
      }
    for (; i < end; i += kLanes)
      for (int r = 0; r < kRows; ++r) a[r].add(keep_first(source[r].take(i, end - i) - shift[r], end - i));
    for (int r = 0; r < kRows; ++r) {
      a[r].add(b[r]);
      if constexpr (kLinear) sums[r].linear += static_cast<double>(sum(a[r].linear));
      sums[r].squares += static_cast<double>(sum(a[r].squares));
    }
  }
}

// y = ((v - shift) * scale + offset) * gamma + beta for rows that share gamma and beta.
struct Scaling {
  F shift, scale, offset;
};

template <int kRows, bool kGamma, bool kBeta>
FOVEA_INLINE void apply(const LayerNormJob& j, const float* const* v, const Scaling* s, float* const* y, int64_t n) {
  const auto at = [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
    F gamma = zero(), beta = zero();
    if constexpr (kGamma) gamma = load_upto(j.gamma + i, rest);
    if constexpr (kBeta) beta = load_upto(j.beta + i, rest);
    for (int r = 0; r < kRows; ++r) {
      F z = fma(load_upto(v[r] + i, rest) - s[r].shift, s[r].scale, s[r].offset);
      if constexpr (kGamma && kBeta) z = fma(z, gamma, beta);
      if constexpr (kGamma && !kBeta) z = z * gamma;
      if constexpr (!kGamma && kBeta) z = z + beta;
      store_upto(y[r] + i, z, rest);
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

template <int kRows>
void apply_rows(const LayerNormJob& j, const float* const* v, const Scaling* s, float* const* y, int64_t n) {
  if (j.gamma != nullptr)
    j.beta != nullptr ? apply<kRows, true, true>(j, v, s, y, n) : apply<kRows, true, false>(j, v, s, y, n);
  else
    j.beta != nullptr ? apply<kRows, false, true>(j, v, s, y, n) : apply<kRows, false, false>(j, v, s, y, n);
}

// False when the sums were not good enough.
FOVEA_INLINE bool make_scaling(const Sums& sums, float shift, int64_t n, double epsilon, Scaling* s) {
  const double count = static_cast<double>(n), error = sums.linear / count,
               squares = sums.squares / count;  // mean: shift + error
  const double spread = squares - error * error + epsilon;
  if (!reliable(squares, spread)) return false;
  const double scale = 1 / __builtin_sqrt(spread);
  *s = {set(shift), set(static_cast<float>(scale)), set(static_cast<float>(-error * scale))};
  return true;
}

// A row whose first elements said little about it: a pass for the mean, and one for the deviations from it.
void normalize_carefully(const LayerNormJob& j, const float* v, float* y, int64_t n) {
  Scaling s;
  if (!j.rms) {
    const float shift = static_cast<float>(sum_runs<true, false>(1, 0, n, Read{v}).linear / static_cast<double>(n));
    const Sums sums = sum_runs<true, true>(1, 0, n, Shifted{v, set(shift)});
    if (make_scaling(sums, shift, n, static_cast<double>(j.epsilon), &s)) return apply_rows<1>(j, &v, &s, &y, n);
  }
  layer_norm_row(j, v, y, n);
}

template <int kRows, class Source>
void normalize(const LayerNormJob& j, const Source* source, const float* const* v, float* const* y, int64_t n) {
  const int64_t few = n < kLanes ? n : kLanes;
  float shift[kRows] = {};
  F shifts[kRows];
  Sums sums[kRows];
  Scaling scaling[kRows];
  for (int r = 0; r < kRows; ++r) {
    if (!j.rms) shift[r] = sum(source[r].peek(0, few)) / static_cast<float>(few);
    shifts[r] = set(shift[r]);
  }
  j.rms ? sum_rows<kRows, false>(source, shifts, n, sums) : sum_rows<kRows, true>(source, shifts, n, sums);
  bool good[kRows], all_good = true;
  for (int r = 0; r < kRows; ++r) {
    good[r] = make_scaling(sums[r], shift[r], n, static_cast<double>(j.epsilon), scaling + r);
    all_good = all_good && good[r];
  }
  if (all_good) return apply_rows<kRows>(j, v, scaling, y, n);
  for (int r = 0; r < kRows; ++r)
    good[r] ? apply_rows<1>(j, v + r, scaling + r, y + r, n) : normalize_carefully(j, v[r], y[r], n);
}

// Rows first .. first + kRows.
template <int kRows>
void normalize_rows(const LayerNormJob& j, int64_t first, int64_t n) {
  const float *x[kRows], *v[kRows], *residual[kRows] = {};
  float *y[kRows], *stored[kRows];
  for (int r = 0; r < kRows; ++r) {
    const int64_t row = first + r;
    x[r] = j.x + row * j.view.pitch;
    y[r] = j.y + row * j.y_pitch;
    // Without a `sum`, x + residual waits in y for the later passes.
    stored[r] = j.sum == nullptr ? y[r] : j.sum + row * j.sum_pitch;
    v[r] = j.residual == nullptr && j.sum == nullptr ? x[r] : stored[r];
    if (j.residual != nullptr) residual[r] = j.residual + row * j.residual_pitch;
  }
  const auto run = [&](auto make) {
    decltype(make(0)) source[kRows];
    for (int r = 0; r < kRows; ++r) source[r] = make(r);
    normalize<kRows>(j, source, v, y, n);
  };
  if (j.residual != nullptr)
    run([&](int r) { return Added{x[r], residual[r], stored[r]}; });
  else if (j.sum != nullptr)
    run([&](int r) { return Copied{x[r], stored[r]}; });
  else
    run([&](int r) { return Plain{x[r]}; });
}

}  // namespace

void layer_norm(const LayerNormJob& j) {
  constexpr int64_t kWork = 8192;  // elements per chunk of the pool, in whole pairs of rows
  const int64_t rows = live_outer(j.view), n = live_axis(j.view);
  if (n == 0) return;
  parallel_for(rows, kWork / (n + 8) / 2 * 2 + 2, [&](int64_t begin, int64_t end, int32_t) {
    int64_t r = begin;
    for (; r + 2 <= end; r += 2) normalize_rows<2>(j, r, n);
    if (r < end) normalize_rows<1>(j, r, n);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
