// The work of one image is a grid: slabs of whole neighbouring groups across, stripes of positions down. Threads share out
// slabs, or the stripes of one slab after the other when there are few.
#include "ops/group_norm/group_norm.h"

#include "core/thread_pool.h"
#include "ops/group_norm/region_moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 16384;  // elements per chunk of the pool

struct Slab {
  Region region;
  float* y;
  int64_t channel;  // the first
};

struct Identity {
  FOVEA_INLINE F operator()(F x) const { return x; }
};

// The offset holds what rounding the mean to float lost.
void apply_rows(const GroupNormJob& j, const Slab& s, const RegionMoments& m, int64_t begin, int64_t end) {
  const int64_t width = s.region.width, channels = s.region.groups * width;
  int64_t g = 0, left = width;  // channels left in group g
  for (int64_t first = 0; first < channels; first += kSlabChannels) {
    const int64_t n = channels - first < kSlabChannels ? channels - first : kSlabChannels;
    ChannelScaling scaling = {};
    for (int64_t c = 0; c < n; ++c, --left) {
      if (left == 0) ++g, left = width;
      const int64_t channel = s.channel + first + c;
      const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[channel]);
      const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[channel]);
      const double scale = m.variance[g] * gamma;
      scaling.shift[c] = static_cast<float>(m.mean[g]);
      scaling.scale[c] = static_cast<float>(scale);
      scaling.offset[c] = static_cast<float>(beta - (m.mean[g] - static_cast<double>(scaling.shift[c])) * scale);
    }
    scale_rows(s.region.x + begin * j.x_pitch + first, j.x_pitch, s.y + begin * j.y_pitch + first, j.y_pitch, end - begin, n,
               scaling, Identity{});
  }
}

void normalize_slab(const GroupNormJob& j, const Slab& s, int64_t image) {
  const Region& region = s.region;
  RegionMoments m;
  const double epsilon = static_cast<double>(j.epsilon);
  if (!region_moments(region, j.rms, epsilon, m)) {
    for (int64_t g = 0; g < region.groups; ++g) group_norm_group(j, image, s.channel / j.width + g);
    return;
  }
  for (int64_t g = 0; g < region.groups; ++g) m.variance[g] = 1 / __builtin_sqrt(m.variance[g] + epsilon);
  const int64_t stripes = (region.rows - 1) / region.stripe_rows + 1;
  parallel_for(stripes, 1, [&](int64_t t, int64_t, int32_t) {
    const int64_t begin = t * region.stripe_rows, end = begin + region.stripe_rows;
    apply_rows(j, s, m, begin, end < region.rows ? end : region.rows);
  });
}

}  // namespace

void group_norm(const GroupNormJob& j) {
  const int64_t groups = slab_groups(j.groups, j.width), slabs = (j.groups - 1) / groups + 1, channels = groups * j.width;
  const int64_t stripe_rows = region_stripe_rows(j.positions, channels);
  const int64_t tasks = live_rows(j.live, j.images) * slabs;
  const auto run = [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / slabs, first = task % slabs * groups, c = first * j.width;
      const int64_t count = j.groups - first < groups ? j.groups - first : groups;
      const Slab s{{j.x + image * j.positions * j.x_pitch + c, j.x_pitch, j.positions, count, j.width, stripe_rows},
                   j.y + image * j.positions * j.y_pitch + c,
                   c};
      normalize_slab(j, s, image);
    }
  };
  if (tasks >= kMaxStripes || j.positions <= stripe_rows)
    parallel_for(tasks, kWork / (j.positions * channels) + 1, run);
  else
    run(0, tasks, 0);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
