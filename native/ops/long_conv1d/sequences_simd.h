// What the long convolution and its gradients share: sequences as points in a buffer, and direct correlations of them.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Up to kLanes floats, none when n <= 0.
FOVEA_INLINE F read_upto(const float* p, int64_t n) { return n <= 0 ? zero() : load_upto(p, n); }
FOVEA_INLINE void write_upto(float* p, F v, int64_t n) {
  if (n > 0) store_upto(p, v, n);
}

// Rows of `channels` floats as points of kVectors vectors.
template <int kVectors>
void load_rows(const float* from, int64_t pitch, int64_t rows, int64_t channels, float* to) {
  for (int64_t t = 0; t < rows; ++t, from += pitch, to += kVectors * kLanes)
    for (int v = 0; v < kVectors; ++v) store(to + v * kLanes, read_upto(from + v * kLanes, channels - v * kLanes));
}
template <int kVectors>
void clear_rows(float* to, int64_t rows) {
  for (int64_t i = 0; i < rows * kVectors; ++i) store(to + i * kLanes, zero());
}

// A kernel has its taps side by side: the transposed of the above. `step` -1 writes the last tap first.
template <int kVectors>
void load_taps(const float* from, int64_t pitch, int64_t taps, int64_t channels, float* to, int64_t step) {
  for (int64_t d = 0; d < kVectors * kLanes; ++d)
    for (int64_t k = 0; k < taps; ++k) {
      float* at = to + (step > 0 ? k : taps - 1 - k) * kVectors * kLanes + d;
      *at = d < channels ? from[d * pitch + k] : 0.0f;
    }
}

// to[t] = (scaled) points + skip * x; skip may be NULL.
template <int kVectors>
void store_rows(const float* points, const float* x, int64_t x_pitch, const float* skip, int64_t rows, int64_t channels,
                float* to, int64_t pitch) {
  for (int v = 0; v < kVectors; ++v) {
    const int64_t at = v * kLanes, width = channels - at;
    const F factor = skip == nullptr ? zero() : read_upto(skip + at, width);
    for (int64_t t = 0; t < rows; ++t) {
      F y = load(points + t * kVectors * kLanes + at);
      if (skip != nullptr) y = fma(factor, read_upto(x + t * x_pitch + at, width), y);
      write_upto(to + t * pitch + at, y, width);
    }
  }
}

// ---- direct sums, points of one vector ---------------------------------------------------------------------------------

// out[i] = sum over m < count of f[m] * g[i + m], for kCount outputs.
template <int kCount>
FOVEA_INLINE void correlate_tile(const float* f, int64_t count, const float* g, float* out, bool add) {
  F sums[kCount];
  for (int i = 0; i < kCount; ++i) sums[i] = zero();
  for (int64_t m = 0; m < count; ++m, g += kLanes) {
    const F factor = load(f + m * kLanes);
    for (int i = 0; i < kCount; ++i) sums[i] = fma(factor, load(g + i * kLanes), sums[i]);
  }
  for (int i = 0; i < kCount; ++i) store(out + i * kLanes, add ? load(out + i * kLanes) + sums[i] : sums[i]);
}

// As above for i < outputs. In runs of factors, so that rounding does not grow with their number.
void correlate(const float* f, int64_t count, const float* g, float* out, int64_t outputs) {
  constexpr int64_t kRun = 256;
  constexpr int kTile = 8;
  if (count == 0) clear_rows<1>(out, outputs);
  for (int64_t m = 0; m < count; m += kRun) {
    const int64_t run = count - m < kRun ? count - m : kRun;
    int64_t i = 0;
    for (; i + kTile <= outputs; i += kTile)
      correlate_tile<kTile>(f + m * kLanes, run, g + (i + m) * kLanes, out + i * kLanes, m > 0);
    for (; i < outputs; ++i) correlate_tile<1>(f + m * kLanes, run, g + (i + m) * kLanes, out + i * kLanes, m > 0);
  }
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
