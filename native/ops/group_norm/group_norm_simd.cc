// The work of one image is a grid: slabs of whole neighbouring groups across, stripes of positions down; a stripe is a sequence
// of blocks that fit in the first cache level. A block finds the mean of each group, then the deviations from it; blocks and
// stripes are merged in double in the order of their positions. The grid depends on the shape only, so the bits do not depend
// on which threads did what.
#include "ops/group_norm/group_norm.h"

#include "core/thread_pool.h"
#include "ops/layer_norm/moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSlabChannels = 256, kSlabGroups = 64;
inline constexpr int64_t kBlock = 8192, kBlockRows = 64;     // elements, and rows: how deep a channel's float sum may get
inline constexpr int64_t kStripe = 32768, kMaxStripes = 16;  // elements at least, if there are so many; stripes of a slab
inline constexpr int64_t kWork = 16384;                      // elements per chunk of the pool

struct Slab {
  const float* x;
  float* y;
  int64_t channel, groups;  // the first channel
  int64_t block_rows;
};

// squares: sum of (x - mean)^2. raw: what the float sums added up to, before the correction of the shifts.
struct Moments {
  double count, mean, squares, raw;
};

FOVEA_INLINE void merge(Moments& a, const Moments& b) {
  const double count = a.count + b.count, distance = b.mean - a.mean, share = b.count / count;
  a.squares += b.squares + distance * distance * a.count * share;
  a.mean += distance * share;
  a.raw += b.raw;
  a.count = count;
}

// x - shift[g] over `rows` rows of a slab, per group. Wide groups: lanes are neighbours within a group. Narrow ones: lanes are
// channels whatever their group, and sums of channels are then added up.
template <bool kLinear, bool kSquares>
void sum_groups(const float* x, int64_t pitch, int64_t rows, int64_t groups, int64_t width, const float* shift, Sums* sums) {
  if (width >= 4 * kLanes) {
    for (int64_t g = 0; g < groups; ++g)
      sums[g] = sum_runs<kLinear, kSquares>(rows, pitch, width, Shifted{x + g * width, set(shift[g])});
    return;
  }
  alignas(64) float shifts[kSlabChannels], linear[kSlabChannels], squares[kSlabChannels];
  const int64_t channels = groups * width;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t w = 0; w < width; ++w) shifts[g * width + w] = shift[g];
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t rest = channels - c;
    const F s = load_upto(shifts + c, rest);
    const auto at = [&](int64_t r) { return load_upto(x + r * pitch + c, rest) - s; };
    Accumulator<kLinear, kSquares> a0, a1, a2, a3;
    a0.clear(), a1.clear(), a2.clear(), a3.clear();
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) a0.add(at(r)), a1.add(at(r + 1)), a2.add(at(r + 2)), a3.add(at(r + 3));
    for (; r < rows; ++r) a0.add(at(r));
    a0.add(a1), a2.add(a3), a0.add(a2);
    store_upto(linear + c, a0.linear, rest);
    store_upto(squares + c, a0.squares, rest);
  }
  for (int64_t g = 0; g < groups; ++g) {
    sums[g] = {0, 0};
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      if constexpr (kLinear) sums[g].linear += static_cast<double>(linear[c]);
      if constexpr (kSquares) sums[g].squares += static_cast<double>(squares[c]);
    }
  }
}

void stripe_moments(const GroupNormJob& j, const Slab& s, int64_t begin, int64_t end, Moments* moments) {
  for (int64_t g = 0; g < s.groups; ++g) moments[g] = {0, 0, 0, 0};
  for (int64_t row = begin; row < end; row += s.block_rows) {
    const int64_t rows = end - row < s.block_rows ? end - row : s.block_rows;
    const float* x = s.x + row * j.x_pitch;
    const double count = static_cast<double>(rows * j.width);
    float shift[kSlabGroups] = {};
    Sums sums[kSlabGroups];
    if (j.rms) {
      sum_groups<false, true>(x, j.x_pitch, rows, s.groups, j.width, shift, sums);
    } else {
      sum_groups<true, false>(x, j.x_pitch, rows, s.groups, j.width, shift, sums);
      for (int64_t g = 0; g < s.groups; ++g) shift[g] = static_cast<float>(sums[g].linear / count);
      sum_groups<true, true>(x, j.x_pitch, rows, s.groups, j.width, shift, sums);
    }
    for (int64_t g = 0; g < s.groups; ++g) {
      const double error = sums[g].linear / count;  // of the shift
      const double squares = sums[g].squares - sums[g].linear * error;
      merge(moments[g], {count, static_cast<double>(shift[g]) + error, squares, sums[g].squares});
    }
  }
}

struct Scaling {
  double mean, scale;  // scale: 1 / sqrt(variance + epsilon)
};

// y = (x - shift) * scale + offset with a triple per channel; the offset holds what rounding the mean to float lost.
void apply_rows(const GroupNormJob& j, const Slab& s, const Scaling* scaling, int64_t begin, int64_t end) {
  const int64_t channels = s.groups * j.width;
  int64_t g = 0, left = j.width;  // channels left in group g
  for (int64_t first = 0; first < channels; first += kSlabChannels) {
    const int64_t n = channels - first < kSlabChannels ? channels - first : kSlabChannels;
    alignas(64) float shift[kSlabChannels] = {}, scale[kSlabChannels] = {}, offset[kSlabChannels] = {};
    for (int64_t c = 0; c < n; ++c, --left) {
      if (left == 0) ++g, left = j.width;
      const int64_t channel = s.channel + first + c;
      const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[channel]);
      const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[channel]);
      const double a = scaling[g].scale * gamma;
      shift[c] = static_cast<float>(scaling[g].mean);
      scale[c] = static_cast<float>(a);
      offset[c] = static_cast<float>(beta - (scaling[g].mean - static_cast<double>(shift[c])) * a);
    }
    for (int64_t row = begin; row < end; ++row) {
      const float* x = s.x + row * j.x_pitch + first;
      float* y = s.y + row * j.y_pitch + first;
      int64_t c = 0;
      for (; c + kLanes <= n; c += kLanes) store(y + c, fma(load(x + c) - load(shift + c), load(scale + c), load(offset + c)));
      if (c < n) {
        const int rest = static_cast<int>(n - c);
        store_partial(y + c, fma(load_partial(x + c, rest) - load(shift + c), load(scale + c), load(offset + c)), rest);
      }
    }
  }
}

void normalize_slab(const GroupNormJob& j, const Slab& s, int64_t image, int64_t stripe_rows) {
  Moments moments[kMaxStripes][kSlabGroups];  // 32 KB
  const int64_t stripes = (j.positions - 1) / stripe_rows + 1;
  const auto stripe_end = [&](int64_t t) { return (t + 1) * stripe_rows < j.positions ? (t + 1) * stripe_rows : j.positions; };
  parallel_for(stripes, 1,
               [&](int64_t t, int64_t, int32_t) { stripe_moments(j, s, t * stripe_rows, stripe_end(t), moments[t]); });
  Scaling scaling[kSlabGroups];
  bool good = true;
  for (int64_t g = 0; g < s.groups; ++g) {
    Moments& m = moments[0][g];
    for (int64_t t = 1; t < stripes; ++t) merge(m, moments[t][g]);
    const double spread = m.squares / m.count + static_cast<double>(j.epsilon);
    good = good && reliable(m.raw / m.count, spread);
    scaling[g] = {m.mean, 1 / __builtin_sqrt(spread)};
  }
  if (!good) {
    for (int64_t g = 0; g < s.groups; ++g) group_norm_group(j, image, s.channel / j.width + g);
    return;
  }
  parallel_for(stripes, 1, [&](int64_t t, int64_t, int32_t) { apply_rows(j, s, scaling, t * stripe_rows, stripe_end(t)); });
}

FOVEA_INLINE int64_t clamp(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

}  // namespace

void group_norm(const GroupNormJob& j) {
  const int64_t slab_groups = clamp(kSlabChannels / j.width, 1, j.groups < kSlabGroups ? j.groups : kSlabGroups);
  const int64_t slabs = (j.groups - 1) / slab_groups + 1, channels = slab_groups * j.width;
  const int64_t block_rows = clamp(kBlock / channels, 1, kBlockRows);
  const int64_t least = (kStripe - 1) / channels + 1, share = (j.positions - 1) / kMaxStripes + 1;
  const int64_t stripe_rows = ((least > share ? least : share) - 1) / block_rows * block_rows + block_rows;
  const int64_t tasks = live_rows(j.live, j.images) * slabs;
  const auto run = [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / slabs, first = task % slabs * slab_groups;
      const int64_t groups = j.groups - first < slab_groups ? j.groups - first : slab_groups, c = first * j.width;
      const Slab s{j.x + image * j.positions * j.x_pitch + c, j.y + image * j.positions * j.y_pitch + c, c, groups, block_rows};
      normalize_slab(j, s, image, stripe_rows);
    }
  };
  // Threads share out slabs if there are enough, otherwise the stripes of one slab after the other.
  if (tasks >= kMaxStripes || j.positions <= stripe_rows)
    parallel_for(tasks, kWork / (j.positions * channels) + 1, run);
  else
    run(0, tasks, 0);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
