// Lanes are elements of one row, which stays in the cache over its passes: the deviations from a shift, and the result. The
// shift is the mean of the row's first elements; its error comes out of the same pass and is corrected in the variance and in
// the result, so a mean of 1e4 costs no digits. A row whose beginning is far from its mean gets a pass for the mean itself;
// rows for which float is too narrow are left to the double precision of the reference.
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

// Terms of sum_runs.
template <class Source>
struct Taken {
  const Source& source;
  F shift;
  FOVEA_INLINE F operator()(int64_t i, int64_t n) const { return keep_first(source.take(i, n) - shift, n); }
};
struct Read {
  const float* v;
  FOVEA_INLINE F operator()(int64_t i, int64_t n) const { return load_upto(v + i, n); }
};

// y = ((v - shift) * scale + offset) * gamma + beta.
template <bool kGamma, bool kBeta>
void apply(const LayerNormJob& j, const float* v, F shift, F scale, F offset, float* y, int64_t n) {
  const auto at = [&](int64_t i, int64_t rest) {
    F z = fma(load_upto(v + i, rest) - shift, scale, offset);
    if constexpr (kGamma && kBeta) z = fma(z, load_upto(j.gamma + i, rest), load_upto(j.beta + i, rest));
    if constexpr (kGamma && !kBeta) z = z * load_upto(j.gamma + i, rest);
    if constexpr (!kGamma && kBeta) z = z + load_upto(j.beta + i, rest);
    store_upto(y + i, z, rest);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

template <class Source>
void normalize(const LayerNormJob& j, const Source& source, const float* v, float* y, int64_t n) {
  const double count = static_cast<double>(n), epsilon = static_cast<double>(j.epsilon);
  double squares, error = 0;  // of the shift: mean = shift + error
  float shift = 0;
  if (j.rms) {
    squares = sum_runs<false, true>(1, 0, n, Taken<Source>{source, zero()}).squares / count;
  } else {
    const int64_t few = n < kLanes ? n : kLanes;
    shift = sum(source.peek(0, few)) / static_cast<float>(few);
    Sums sums = sum_runs<true, true>(1, 0, n, Taken<Source>{source, set(shift)});
    error = sums.linear / count;
    squares = sums.squares / count;
    if (!reliable(squares, squares - error * error + epsilon)) {
      shift = static_cast<float>(sum_runs<true, false>(1, 0, n, Read{v}).linear / count);
      sums = sum_runs<true, true>(1, 0, n, Shifted{v, set(shift)});
      error = sums.linear / count;
      squares = sums.squares / count;
    }
  }
  const double spread = squares - error * error + epsilon;
  if (!reliable(squares, spread)) return layer_norm_row(j, v, y, n);
  const double scale = 1 / __builtin_sqrt(spread);
  const F a = set(shift), b = set(static_cast<float>(scale)), c = set(static_cast<float>(-error * scale));
  if (j.gamma != nullptr)
    j.beta != nullptr ? apply<true, true>(j, v, a, b, c, y, n) : apply<true, false>(j, v, a, b, c, y, n);
  else
    j.beta != nullptr ? apply<false, true>(j, v, a, b, c, y, n) : apply<false, false>(j, v, a, b, c, y, n);
}

}  // namespace

void layer_norm(const LayerNormJob& j) {
  constexpr int64_t kWork = 8192;  // elements per chunk of the pool
  const int64_t rows = live_outer(j.view), n = live_axis(j.view);
  if (n == 0) return;
  parallel_for(rows, kWork / (n + 8) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = j.x + r * j.view.pitch;
      float* y = j.y + r * j.y_pitch;
      // Without a `sum`, x + residual waits in y for the later passes.
      float* v = j.sum == nullptr ? y : j.sum + r * j.sum_pitch;
      if (j.residual != nullptr)
        normalize(j, Added{x, j.residual + r * j.residual_pitch, v}, v, y, n);
      else if (j.sum != nullptr)
        normalize(j, Copied{x, v}, v, y, n);
      else
        normalize(j, Plain{x}, x, y, n);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
