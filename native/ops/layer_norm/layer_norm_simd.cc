// Lanes are elements of one row, which stays in the cache over its passes: the deviations from a shift, and the result. Rows
// for which float is too narrow are left to the double precision of the reference.
#include "ops/layer_norm/layer_norm.h"

#include "core/streaming_simd.h"
#include "core/thread_pool.h"
#include "ops/layer_norm/row_moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Sources of v beside Plain.
struct Copied {
  const float* x;
  float* v;
  const float* values() const { return v; }
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
  const float* values() const { return v; }
  FOVEA_INLINE F peek(int64_t i, int64_t n) const { return load_upto(x + i, n) + load_upto(residual + i, n); }
  FOVEA_INLINE F take(int64_t i, int64_t n) const {
    const F a = peek(i, n);
    store_upto(v + i, a, n);
    return a;
  }
};

// A row of values and where its result goes: y = ((v - shift) * scale + offset) * gamma + beta.
struct Row {
  const float* v;
  float* y;
  RowScaling scaling;
};

template <bool kGamma, bool kBeta>
FOVEA_INLINE F weighted(const LayerNormJob& j, F z, int64_t i, int64_t n) {
  if constexpr (kGamma && kBeta) return fma(z, load_upto(j.gamma + i, n), load_upto(j.beta + i, n));
  if constexpr (kGamma && !kBeta) return z * load_upto(j.gamma + i, n);
  if constexpr (!kGamma && kBeta) return z + load_upto(j.beta + i, n);
  return z;
}

// The scalars of the row travel in registers: through memory, large problems were a tenth slower.
template <bool kGamma, bool kBeta>
void apply(const LayerNormJob& j, const float* v, F shift, F scale, F offset, float* y, int64_t n) {
  const auto at = [&](int64_t i, int64_t rest) {
    store_upto(y + i, weighted<kGamma, kBeta>(j, fma(load_upto(v + i, rest) - shift, scale, offset), i, rest), rest);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

// Both results before the stores, so that gamma and beta are loaded once.
template <bool kGamma, bool kBeta>
FOVEA_INLINE void apply(const LayerNormJob& j, const Row& a, const Row& b, int64_t n) {
  const F shift_a = set(a.scaling.shift), scale_a = set(a.scaling.scale), offset_a = set(a.scaling.offset);
  const F shift_b = set(b.scaling.shift), scale_b = set(b.scaling.scale), offset_b = set(b.scaling.offset);
  const auto at = [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
    const F z_a = fma(load_upto(a.v + i, rest) - shift_a, scale_a, offset_a);
    const F z_b = fma(load_upto(b.v + i, rest) - shift_b, scale_b, offset_b);
    const F y_a = weighted<kGamma, kBeta>(j, z_a, i, rest), y_b = weighted<kGamma, kBeta>(j, z_b, i, rest);
    store_upto(a.y + i, y_a, rest);
    store_upto(b.y + i, y_b, rest);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

// apply<has gamma, has beta>(j, arguments..).
template <class... Arguments>
FOVEA_INLINE void apply_any(const LayerNormJob& j, const Arguments&... arguments) {
  if (j.gamma != nullptr)
    j.beta != nullptr ? apply<true, true>(j, arguments...) : apply<true, false>(j, arguments...);
  else
    j.beta != nullptr ? apply<false, true>(j, arguments...) : apply<false, false>(j, arguments...);
}

// Two rows at a time: the sums of the second hide the divisions and the root of the first. source(r) reads row r.
template <class MakeSource>
FOVEA_INLINE void normalize(const LayerNormJob& j, int64_t begin, int64_t end, int64_t n, bool cached,
                            const MakeSource& source) {
  const auto measured = [&](int64_t r, Row & row) __attribute__((always_inline)) {
    const auto from = source(r);
    row.v = from.values(), row.y = j.y + r * j.y_pitch;
    return measure_row(from, j.rms, static_cast<double>(j.epsilon), n, row.scaling);
  };
  const auto finish = [&](const Row& row, bool good) __attribute__((always_inline)) {
    const RowScaling& s = row.scaling;
    good ? apply_any(j, row.v, set(s.shift), set(s.scale), set(s.offset), row.y, n) : layer_norm_row(j, row.v, row.y, n);
  };
  int64_t r = begin;
  for (; cached && r + 2 <= end; r += 2) {
    Row rows[2];
    const bool first = measured(r, rows[0]), second = measured(r + 1, rows[1]);
    if (first && second)
      apply_any(j, rows[0], rows[1], n);
    else
      finish(rows[0], first), finish(rows[1], second);
  }
  for (; r < end; ++r) {
    Row row;
    const bool good = measured(r, row);
    finish(row, good);
  }
}

}  // namespace

void layer_norm(const LayerNormJob& j) {
  constexpr int64_t kWork = 8192;  // elements per chunk of the pool
  const int64_t rows = live_outer(j.view), n = live_axis(j.view);
  if (n == 0) return;
  // Beyond the cache one row at a time is faster: memory then sees longer runs of one direction.
  const bool cached = rows * n * static_cast<int64_t>(sizeof(float)) < kStreamingBytes / 4;
  parallel_for(rows, kWork / (n + 8) + 1, [&](int64_t begin, int64_t end, int32_t) {
    const auto x = [&](int64_t r) __attribute__((always_inline)) { return j.x + r * j.view.pitch; };
    // Without a `sum`, x + residual waits in y for the later passes.
    const auto v = [&](int64_t r) __attribute__((always_inline)) {
      return j.sum == nullptr ? j.y + r * j.y_pitch : j.sum + r * j.sum_pitch;
    };
    if (j.residual != nullptr)
      normalize(j, begin, end, n, cached, [&](int64_t r) { return Added{x(r), j.residual + r * j.residual_pitch, v(r)}; });
    else if (j.sum != nullptr)
      normalize(j, begin, end, n, cached, [&](int64_t r) { return Copied{x(r), v(r)}; });
    else
      normalize(j, begin, end, n, cached, [&](int64_t r) { return Plain{x(r)}; });
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
