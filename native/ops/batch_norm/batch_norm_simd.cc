// Inference is one pass. Training goes slab by slab of channels: their statistics, then the pass, while the slab may still be
// in the cache.
#include "ops/batch_norm/batch_norm.h"

#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/group_norm/region_moments_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Identity {
  FOVEA_INLINE F operator()(F x) const { return x; }
};
struct Relu {
  FOVEA_INLINE F operator()(F x) const { return max(zero(), x); }
};
struct Any {
  const fovea_activation_params& params;
  FOVEA_INLINE F operator()(F x) const { return activation(params, x, zero()); }
};

// Channels first .. first + n of rows begin .. end.
void apply(const BatchNormJob& j, int64_t begin, int64_t end, int64_t first, int64_t n, const ChannelScaling& s) {
  const float* x = j.x + begin * j.x_pitch + first;
  float* y = j.y + begin * j.y_pitch + first;
  if (j.params.activation.kind == FOVEA_ACTIVATION_NONE)
    scale_rows(x, j.x_pitch, y, j.y_pitch, end - begin, n, s, Identity{});
  else if (j.params.activation.kind == FOVEA_ACTIVATION_RELU)
    scale_rows(x, j.x_pitch, y, j.y_pitch, end - begin, n, s, Relu{});
  else
    scale_rows(x, j.x_pitch, y, j.y_pitch, end - begin, n, s, Any{j.params.activation});
}

void infer_rows(const BatchNormJob& j, int64_t begin, int64_t end) {
  for (int64_t first = 0; first < j.channels; first += kSlabChannels) {
    const int64_t n = j.channels - first < kSlabChannels ? j.channels - first : kSlabChannels;
    ChannelScaling s;
    for (int64_t c = 0; c < n; c += kLanes) {
      const int64_t at = first + c, rest = n - c;
      const F deviation = sqrt(load_upto(j.variance + at, rest) + set(j.params.epsilon));
      const F gamma = j.gamma == nullptr ? set(1.0f) : load_upto(j.gamma + at, rest);
      store(s.shift + c, load_upto(j.mean + at, rest));
      store(s.scale + c, gamma / deviation);
      store(s.offset + c, j.beta == nullptr ? zero() : load_upto(j.beta + at, rest));
    }
    apply(j, begin, end, first, n, s);
  }
}

void train_slab(const BatchNormJob& j, int64_t first, int64_t n, int64_t rows, int64_t stripe_rows) {
  const Region region{j.x + first, j.x_pitch, rows, n, 1, stripe_rows};
  const double epsilon = static_cast<double>(j.params.epsilon);
  RegionMoments m;
  if (!region_moments(region, false, epsilon, m)) {
    for (int64_t c = 0; c < n; ++c) batch_norm_channel(j, first + c);
    return;
  }
  ChannelScaling s = {};
  for (int64_t c = 0; c < n; ++c) {
    const int64_t channel = first + c;
    batch_norm_save(j, channel, m.mean[c], m.variance[c], rows);
    const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[channel]);
    const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[channel]);
    const double scale = gamma / __builtin_sqrt(m.variance[c] + epsilon);
    s.shift[c] = static_cast<float>(m.mean[c]);
    s.scale[c] = static_cast<float>(scale);
    // Holds what rounding the mean to float lost.
    s.offset[c] = static_cast<float>(beta - (m.mean[c] - static_cast<double>(s.shift[c])) * scale);
  }
  parallel_for((rows - 1) / stripe_rows + 1, 1, [&](int64_t t, int64_t, int32_t) {
    const int64_t begin = t * stripe_rows, end = begin + stripe_rows < rows ? begin + stripe_rows : rows;
    apply(j, begin, end, first, n, s);
  });
}

}  // namespace

void batch_norm(const BatchNormJob& j) {
  const int64_t rows = batch_norm_rows(j);
  if (rows == 0) return;
  if (j.params.training == 0) {
    constexpr int64_t kWork = 32768;  // elements per chunk, and rows enough to repay the square roots
    parallel_for(rows, kWork / j.channels + 64, [&](int64_t begin, int64_t end, int32_t) { infer_rows(j, begin, end); });
    return;
  }
  const int64_t channels = j.channels < kSlabChannels ? j.channels : kSlabChannels;
  const int64_t slabs = (j.channels - 1) / kSlabChannels + 1, stripe_rows = region_stripe_rows(rows, channels);
  const auto run = [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slab = begin; slab < end; ++slab) {
      const int64_t first = slab * kSlabChannels;
      train_slab(j, first, j.channels - first < kSlabChannels ? j.channels - first : kSlabChannels, rows, stripe_rows);
    }
  };
  if (slabs >= kMaxStripes || rows <= stripe_rows)
    parallel_for(slabs, 1, run);
  else
    run(0, slabs, 0);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
