// As the forward pass, the work of one image is a grid: slabs of whole neighbouring groups across, stripes of positions down.
// A slab is measured, its channels are summed stripe by stripe, and from the sums comes dx.
#include "ops/group_norm_backward/group_norm_backward.h"

#include "ops/group_norm_backward/channel_gradient_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Groups of one image. Statistics and means are per group.
struct Slab {
  int64_t image, channel, groups;
  double mean[kSlabChannels], rstd[kSlabChannels], mean_g[kSlabChannels], mean_gz[kSlabChannels];
};

double gamma_of(const GroupNormBackwardJob& j, int64_t channel) {
  return j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[channel]);
}

GradientRows stripe_rows(const GroupNormBackwardJob& j, int64_t image, int64_t stripe, int64_t channel) {
  const int64_t begin = stripe * j.sums.block_rows, row = image * j.positions + begin;
  const int64_t rows = j.positions - begin < j.sums.block_rows ? j.positions - begin : j.sums.block_rows;
  return {j.x + row * j.x_pitch + channel, j.dy + row * j.dy_pitch + channel, j.x_pitch, j.dy_pitch, rows};
}

// Channels first .. first + n of the slab, and the same for dx.
void sum_stripe(const GroupNormBackwardJob& j, const Slab& s, int64_t stripe, int64_t first, int64_t n) {
  ChannelScaling scaling = {};
  for (int64_t c = 0; c < n; ++c) {
    const int64_t g = (first + c) / j.width;
    scaling.shift[c] = static_cast<float>(s.mean[g]);
    scaling.scale[c] = static_cast<float>(s.rstd[g]);
    // Holds what rounding the mean to float lost.
    scaling.offset[c] = static_cast<float>((static_cast<double>(scaling.shift[c]) - s.mean[g]) * s.rstd[g]);
  }
  double* const plain = block_sums(j.sums, s.image * j.stripes + stripe) + s.channel + first;
  sum_channels(stripe_rows(j, s.image, stripe, s.channel + first), n, scaling, plain, plain + j.sums.columns);
}

void write_stripe(const GroupNormBackwardJob& j, const Slab& s, int64_t stripe, int64_t first, int64_t n) {
  ChannelGradient gradient;
  for (int64_t c = 0; c < n; ++c) {
    const int64_t g = (first + c) / j.width;
    gradient.put(c, s.mean[g], s.rstd[g], gamma_of(j, s.channel + first + c), s.mean_g[g], s.mean_gz[g]);
  }
  const int64_t row = s.image * j.positions + stripe * j.sums.block_rows;
  write_dx<false>(stripe_rows(j, s.image, stripe, s.channel + first), j.dx + row * j.dx_pitch + s.channel + first, j.dx_pitch,
                  n, gradient);
}

void average_groups(const GroupNormBackwardJob& j, Slab& s) {
  const double count = static_cast<double>(j.positions * j.width);
  for (int64_t g = 0; g < s.groups; ++g) {
    double sum_g = 0, sum_gz = 0;
    for (int64_t c = s.channel + g * j.width; c < s.channel + (g + 1) * j.width; ++c) {
      double plain = 0, weighted = 0;
      for (int64_t stripe = 0; stripe < j.stripes; ++stripe) {
        const double* const sums = block_sums(j.sums, s.image * j.stripes + stripe) + c;
        plain += sums[0], weighted += sums[j.sums.columns];
      }
      sum_g += gamma_of(j, c) * plain, sum_gz += gamma_of(j, c) * weighted;
    }
    s.mean_g[g] = j.rms ? 0 : sum_g / count;
    s.mean_gz[g] = sum_gz / count;
  }
}

void slab_gradient(const GroupNormBackwardJob& j, int64_t image, int64_t first_group, int64_t groups) {
  Slab s;
  s.image = image, s.channel = first_group * j.width, s.groups = groups;
  const int64_t channels = groups * j.width;
  const Region region{j.x + image * j.positions * j.x_pitch + s.channel, j.x_pitch, j.positions, groups, j.width,
                      region_stripe_rows(j.positions, channels)};
  RegionMoments m;
  const double epsilon = static_cast<double>(j.epsilon);
  if (!region_moments(region, j.rms, epsilon, m)) {
    for (int64_t g = 0; g < groups; ++g) group_norm_backward_group(j, image, first_group + g);
    return;
  }
  for (int64_t g = 0; g < groups; ++g) s.mean[g] = m.mean[g], s.rstd[g] = 1 / __builtin_sqrt(m.variance[g] + epsilon);
  const auto each_stripe = [&](const auto& body) {
    parallel_for(j.stripes, 1, [&](int64_t stripe, int64_t, int32_t) {
      for (int64_t first = 0; first < channels; first += kSlabChannels)
        body(stripe, first, channels - first < kSlabChannels ? channels - first : kSlabChannels);
    });
  };
  each_stripe([&](int64_t stripe, int64_t first, int64_t n) { sum_stripe(j, s, stripe, first, n); });
  if (j.dx == nullptr) return;
  average_groups(j, s);
  each_stripe([&](int64_t stripe, int64_t first, int64_t n) { write_stripe(j, s, stripe, first, n); });
}

}  // namespace

void group_norm_backward(const GroupNormBackwardJob& j) {
  constexpr int64_t kWork = 16384;  // elements per chunk of the pool
  const int64_t groups = slab_groups(j.groups, j.width), slabs = (j.groups - 1) / groups + 1;
  const int64_t images = live_rows(j.live, j.images), tasks = images * slabs;
  const auto run = [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % slabs * groups;
      slab_gradient(j, task / slabs, first, j.groups - first < groups ? j.groups - first : groups);
    }
  };
  if (tasks >= kMaxStripes || j.stripes == 1)
    parallel_for(tasks, kWork / (j.positions * groups * j.width + 1) + 1, run);
  else
    run(0, tasks, 0);
  if (j.dgamma != nullptr || j.dbeta != nullptr)
    add_all_blocks(j.sums, images * j.stripes, j.groups * j.width, j.dgamma, j.dbeta);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
