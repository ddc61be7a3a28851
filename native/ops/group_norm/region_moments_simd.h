// Mean and variance of groups of neighbouring channels over many rows, and the pass that applies them: for group and batch
// normalisation. One pass adds up deviations from a shift that a few sampled rows give. Where the samples misled, a second
// pass starts from the mean that the first one found; where float is too narrow, the caller falls back to its reference.
// Rows are cut into stripes whose sums are merged in order, so the bits depend on the shape only.
#pragma once

#include "core/thread_pool.h"
#include "ops/layer_norm/moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

inline constexpr int64_t kSlabChannels = 128;                // narrow groups are taken this many channels at a time
inline constexpr int64_t kBlockRows = 32;                    // how deep a channel's float sums may get
inline constexpr int64_t kStripe = 32768, kMaxStripes = 16;  // elements at least, if there are so many; stripes of a region
inline constexpr int64_t kWide = 4 * kLanes;                 // from this width on, lanes are neighbours within a group

// Whole groups: at most kSlabChannels channels, or one group of any width.
struct Region {
  const float* x;
  int64_t pitch, rows, groups, width;
  int64_t stripe_rows;
};

// Of a region's groups. `variance` is the mean square where `rms` is asked for, and `mean` 0.
struct RegionMoments {
  double mean[kSlabChannels], variance[kSlabChannels];
};

// One entry a channel, or one a group when groups are wide. Entries up to the next vector are zeros.
struct RegionSums {
  double linear[kSlabChannels], squares[kSlabChannels];
};

FOVEA_INLINE int64_t slab_groups(int64_t groups, int64_t width) {
  const int64_t fit = kSlabChannels / width;
  return fit < 1 ? 1 : fit < groups ? fit : groups;
}

FOVEA_INLINE int64_t region_stripe_rows(int64_t rows, int64_t channels) {
  const int64_t least = (kStripe - 1) / channels + 1, share = (rows - 1) / kMaxStripes + 1;
  return ((least > share ? least : share) - 1) / kBlockRows * kBlockRows + kBlockRows;
}

// kVectors neighbouring vectors of channels over one block of rows; fewer vectors take several rows at a time.
template <int kVectors, bool kLinear, class Load>
FOVEA_INLINE void sum_block(const float* x, int64_t pitch, int64_t rows, const float* shift, double* linear, double* squares,
                            const Load& load_lanes) {
  constexpr int kPhases = 4 / kVectors;
  F s[kVectors];
  Accumulator<kLinear, true> a[4];
  for (int v = 0; v < kVectors; ++v) s[v] = load(shift + v * kLanes);
  for (int k = 0; k < 4; ++k) a[k].clear();
  int64_t r = 0;
  for (; r + kPhases <= rows; r += kPhases, x += kPhases * pitch)
    for (int k = 0; k < 4; ++k) a[k].add(load_lanes(x + k / kVectors * pitch + k % kVectors * kLanes) - s[k % kVectors]);
  for (; r < rows; ++r, x += pitch)
    for (int v = 0; v < kVectors; ++v) a[v].add(load_lanes(x + v * kLanes) - s[v]);
  for (int step = kVectors * kPhases / 2; step >= kVectors; step /= 2)
    for (int k = 0; k < step; ++k) a[k].add(a[k + step]);
  for (int v = 0; v < kVectors; ++v) {
    if constexpr (kLinear) add_lanes(linear + v * kLanes, a[v].linear);
    add_lanes(squares + v * kLanes, a[v].squares);
  }
}

template <bool kLinear>
void sum_rows(const Region& g, int64_t begin, int64_t end, const float* shift, RegionSums& sums) {
  sums = {};
  if (g.width >= kWide) {
    for (int64_t i = 0; i < g.groups; ++i) {
      const Shifted deviations{g.x + begin * g.pitch + i * g.width, set(shift[i])};
      const Sums s = sum_runs<kLinear, true>(end - begin, g.pitch, g.width, deviations);
      sums.linear[i] = s.linear;
      sums.squares[i] = s.squares;
    }
    return;
  }
  const int64_t channels = g.groups * g.width;
  for (int64_t row = begin; row < end; row += kBlockRows) {
    const int64_t rows = end - row < kBlockRows ? end - row : kBlockRows;
    const auto whole = [](const float* p) { return load(p); };
    const float* x = g.x + row * g.pitch;
    int64_t c = 0;
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes)
      sum_block<4, kLinear>(x + c, g.pitch, rows, shift + c, sums.linear + c, sums.squares + c, whole);
    for (; c + kLanes <= channels; c += kLanes)
      sum_block<1, kLinear>(x + c, g.pitch, rows, shift + c, sums.linear + c, sums.squares + c, whole);
    const int rest = static_cast<int>(channels - c);
    if (rest > 0)
      sum_block<1, kLinear>(x + c, g.pitch, rows, shift + c, sums.linear + c, sums.squares + c,
                            [rest](const float* p) { return load_partial(p, rest); });
  }
}

// Mean of each group over a few rows spread evenly, into one entry a channel, or one a group when groups are wide.
FOVEA_INLINE void sample_shifts(const Region& g, float* shift) {
  const int64_t wanted = g.width >= kWide ? 4 : 16, samples = g.rows < wanted ? g.rows : wanted;
  const int64_t channels = g.groups * g.width, step = g.rows / samples;
  if (g.width >= kWide) {
    for (int64_t i = 0; i < g.groups; ++i) {
      const double total = sum_runs<true, false>(samples, step * g.pitch, g.width, Shifted{g.x + i * g.width, zero()}).linear;
      shift[i] = static_cast<float>(total / static_cast<double>(samples * g.width));
    }
    return;
  }
  const F share = set(1.0f / static_cast<float>(samples));
  for (int64_t c = 0; c < channels; c += kLanes) {
    F total = zero();
    for (int64_t r = 0; r < samples; ++r) total = total + load_upto(g.x + r * step * g.pitch + c, channels - c);
    store(shift + c, total * share);  // zeros behind the last channel
  }
  if (g.width == 1) return;
  for (int64_t i = 0; i < g.groups; ++i) {
    float* group = shift + i * g.width;
    float total = 0;
    for (int64_t w = 0; w < g.width; ++w) total += group[w];
    for (int64_t w = 0; w < g.width; ++w) group[w] = total / static_cast<float>(g.width);
  }
}

// Sums of the channels of each group.
FOVEA_INLINE void fold_groups(const Region& g, RegionSums& sums) {
  if (g.width == 1 || g.width >= kWide) return;
  for (int64_t i = 0; i < g.groups; ++i) {
    double linear = 0, squares = 0;
    for (int64_t w = 0; w < g.width; ++w) linear += sums.linear[i * g.width + w], squares += sums.squares[i * g.width + w];
    sums.linear[i] = linear, sums.squares[i] = squares;
  }
}

// False when float sums were not good enough for some group.
inline bool region_moments(const Region& g, bool rms, double epsilon, RegionMoments& moments) {
  alignas(64) float shift[kSlabChannels] = {};
  RegionSums sums[kMaxStripes];  // 32 KB
  const int64_t stripes = (g.rows - 1) / g.stripe_rows + 1;
  const double count = static_cast<double>(g.rows * g.width);
  if (!rms) sample_shifts(g, shift);
  for (int attempt = 0; attempt < 2; ++attempt) {
    parallel_for(stripes, 1, [&](int64_t t, int64_t, int32_t) {
      const int64_t begin = t * g.stripe_rows, end = begin + g.stripe_rows < g.rows ? begin + g.stripe_rows : g.rows;
      rms ? sum_rows<false>(g, begin, end, shift, sums[t]) : sum_rows<true>(g, begin, end, shift, sums[t]);
    });
    for (int64_t t = 1; t < stripes; ++t)
      for (int64_t c = 0; c < kSlabChannels; ++c)
        sums[0].linear[c] += sums[t].linear[c], sums[0].squares[c] += sums[t].squares[c];
    fold_groups(g, sums[0]);
    bool good = true;
    const int64_t stride = g.width >= kWide ? 1 : g.width;  // of the groups in `shift`
    for (int64_t i = 0; i < g.groups; ++i) {
      const double error = sums[0].linear[i] / count, squares = sums[0].squares[i] / count;
      moments.mean[i] = static_cast<double>(shift[i * stride]) + error;
      moments.variance[i] = squares - error * error;
      good = good && reliable(squares, moments.variance[i] + epsilon);
    }
    if (good) return true;
    if (rms) return false;
    for (int64_t i = 0; i < g.groups; ++i)
      for (int64_t w = 0; w < stride; ++w) shift[i * stride + w] = static_cast<float>(moments.mean[i]);
  }
  return false;
}

// y = map((x - shift) * scale + offset), a triple per channel in arrays padded to whole vectors.
struct ChannelScaling {
  alignas(64) float shift[kSlabChannels], scale[kSlabChannels], offset[kSlabChannels];
};

template <int kVectors, class Load, class Store, class Map>
FOVEA_INLINE void scale_block(const float* x, int64_t x_pitch, float* y, int64_t y_pitch, int64_t rows, const ChannelScaling& s,
                              int64_t c, const Load& load_lanes, const Store& store_lanes, const Map& map) {
  F shift[kVectors], scale[kVectors], offset[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const int64_t at = c + v * kLanes;
    shift[v] = load(s.shift + at), scale[v] = load(s.scale + at), offset[v] = load(s.offset + at);
  }
  for (int64_t r = 0; r < rows; ++r, x += x_pitch, y += y_pitch)
    for (int v = 0; v < kVectors; ++v)
      store_lanes(y + c + v * kLanes, map(fma(load_lanes(x + c + v * kLanes) - shift[v], scale[v], offset[v])));
}

// `channels` is at most kSlabChannels.
template <class Map>
FOVEA_INLINE void scale_rows(const float* x, int64_t x_pitch, float* y, int64_t y_pitch, int64_t rows, int64_t channels,
                             const ChannelScaling& s, const Map& map) {
  const auto whole = [](const float* p) { return load(p); };
  const auto keep = [](float* p, F v) { store(p, v); };
  for (int64_t row = 0; row < rows; row += kBlockRows, x += kBlockRows * x_pitch, y += kBlockRows * y_pitch) {
    const int64_t n = rows - row < kBlockRows ? rows - row : kBlockRows;
    int64_t c = 0;
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes) scale_block<4>(x, x_pitch, y, y_pitch, n, s, c, whole, keep, map);
    for (; c + kLanes <= channels; c += kLanes) scale_block<1>(x, x_pitch, y, y_pitch, n, s, c, whole, keep, map);
    const int rest = static_cast<int>(channels - c);
    if (rest > 0)
      scale_block<1>(
          x, x_pitch, y, y_pitch, n, s, c, [rest](const float* p) { return load_partial(p, rest); },
          [rest](float* p, F v) { store_partial(p, v, rest); }, map);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
