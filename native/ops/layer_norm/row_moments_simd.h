// How a row is normalised: z = (v - shift) * scale + offset. The shift is the mean of the row's first elements; its error comes
// out of the same pass and is corrected in the variance and in the offset, so a mean of 1e4 costs no digits. A row whose
// beginning is far from its mean gets a pass for the mean itself.
#pragma once

#include "ops/layer_norm/moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

struct RowScaling {
  float shift, scale, offset;
};

// Where v comes from. `peek` reads it, `take` does so once per element and stores it where v is not x itself.
struct Plain {
  const float* x;
  const float* values() const { return x; }
  FOVEA_INLINE F peek(int64_t i, int64_t n) const { return load_upto(x + i, n); }
  FOVEA_INLINE F take(int64_t i, int64_t n) const { return peek(i, n); }
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

// Of a row of n > 0 values; false for one that float is too narrow for.
template <class Source>
FOVEA_INLINE bool measure_row(const Source& source, bool rms, double epsilon, int64_t n, RowScaling& row) {
  const double count = static_cast<double>(n);
  double squares, error = 0;  // of the shift: mean = shift + error
  float shift = 0;
  if (rms) {
    squares = sum_runs<false, true>(1, 0, n, Taken<Source>{source, zero()}).squares / count;
  } else {
    const int64_t few = n < kLanes ? n : kLanes;
    shift = sum(source.peek(0, few)) / static_cast<float>(few);
    Sums sums = sum_runs<true, true>(1, 0, n, Taken<Source>{source, set(shift)});
    error = sums.linear / count;
    squares = sums.squares / count;
    if (!reliable(squares, squares - error * error + epsilon)) {
      shift = static_cast<float>(sum_runs<true, false>(1, 0, n, Read{source.values()}).linear / count);
      sums = sum_runs<true, true>(1, 0, n, Shifted{source.values(), set(shift)});
      error = sums.linear / count;
      squares = sums.squares / count;
    }
  }
  const double spread = squares - error * error + epsilon, scale = 1 / __builtin_sqrt(spread);
  row.shift = shift, row.scale = static_cast<float>(scale), row.offset = static_cast<float>(-error * scale);
  return reliable(squares, spread);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
