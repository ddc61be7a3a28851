// Sums over rows and dx for channels that are normalised each in its own way: for group and batch normalisation. Lanes are
// channels, at most kSlabChannels at a time.
#pragma once

#include "ops/group_norm/region_moments_simd.h"
#include "ops/layer_norm_backward/channel_sums_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// x and dy of some rows, from their first channel on.
struct GradientRows {
  const float* x;
  const float* dy;
  int64_t x_pitch, dy_pitch, rows;
};

// z = (x - shift) * scale + offset.
struct ScaledChannels {
  const float* x;
  int64_t pitch;
  const ChannelScaling& s;
  FOVEA_INLINE F operator()(int64_t r, int64_t c, int64_t n) const {
    return fma(load_upto(x + r * pitch + c, n) - load(s.shift + c), load(s.scale + c), load(s.offset + c));
  }
};

// The sums of n channels, written to `plain` and `weighted`. Scalings behind the n-th are zeros.
inline void sum_channels(const GradientRows& g, int64_t n, const ChannelScaling& s, double* plain, double* weighted) {
  double a[kSlabChannels] = {}, b[kSlabChannels] = {};
  for (int64_t r = 0; r < g.rows; r += kSumRows)
    add_channel_sums(g.dy + r * g.dy_pitch, g.dy_pitch, g.rows - r < kSumRows ? g.rows - r : kSumRows, n,
                     ScaledChannels{g.x + r * g.x_pitch, g.x_pitch, s}, a, b);
  for (int64_t c = 0; c < n; ++c) plain[c] = a[c], weighted[c] = b[c];
}

// dx = dy * dy_scale + (x - shift) * x_scale + offset, arrays padded to whole vectors.
struct ChannelGradient {
  alignas(64) float shift[kSlabChannels], dy_scale[kSlabChannels], x_scale[kSlabChannels], offset[kSlabChannels];

  // Of rstd * (dy * gamma - mean_g - z * mean_gz), z = (x - mean) * rstd. The offset holds what rounding the mean lost.
  FOVEA_INLINE void put(int64_t c, double mean, double rstd, double gamma, double mean_g, double mean_gz) {
    const double slope = -rstd * rstd * mean_gz;
    shift[c] = static_cast<float>(mean);
    dy_scale[c] = static_cast<float>(rstd * gamma);
    x_scale[c] = static_cast<float>(slope);
    offset[c] = static_cast<float>(-rstd * mean_g - (mean - static_cast<double>(shift[c])) * slope);
  }
};

// kConstant: x has no part in it, whatever it is.
template <bool kConstant>
void write_dx(const GradientRows& g, float* dx, int64_t dx_pitch, int64_t n, const ChannelGradient& k) {
  // A few rows at a time: all their channels while they are in the cache, with a vector's coefficients in registers.
  for (int64_t first = 0; first < g.rows; first += kSumRows) {
    const int64_t end = first + kSumRows < g.rows ? first + kSumRows : g.rows;
    const auto at = [&](int64_t c, int64_t count) __attribute__((always_inline)) {
      const F shift = load(k.shift + c), dy_scale = load(k.dy_scale + c), x_scale = load(k.x_scale + c),
              offset = load(k.offset + c);
      for (int64_t r = first; r < end; ++r) {
        const F dy = load_upto(g.dy + r * g.dy_pitch + c, count);
        F v = dy * dy_scale;
        if constexpr (!kConstant) v = v + fma(load_upto(g.x + r * g.x_pitch + c, count) - shift, x_scale, offset);
        store_upto(dx + r * dx_pitch + c, v, count);
      }
    };
    int64_t c = 0;
    for (; c + kLanes <= n; c += kLanes) at(c, kLanes);
    if (c < n) at(c, n - c);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
