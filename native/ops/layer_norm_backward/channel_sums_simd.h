// The sums of channel_sums.h; lanes are channels.
#pragma once

#include "core/thread_pool.h"
#include "ops/layer_norm/moments_simd.h"
#include "ops/layer_norm_backward/channel_sums.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

inline constexpr int64_t kSumRows = 32;  // how deep float sums may get

// Adds rows 0 .. rows (kSumRows at most) of n channels, which begin at `dy` and, in a block's sums, at plain and weighted.
// z(row, channel, count) gives kLanes normalised values.
template <class Normalised>
FOVEA_INLINE void add_channel_sums(const float* dy, int64_t pitch, int64_t rows, int64_t n, const Normalised& z, double* plain,
                                   double* weighted) {
  const auto at = [&](int64_t c, int64_t count) __attribute__((always_inline)) {
    F a = zero(), b = zero();
    for (int64_t r = 0; r < rows; ++r) {
      const F d = load_upto(dy + r * pitch + c, count);
      a = a + d, b = fma(d, z(r, c, count), b);
    }
    add_lanes(plain + c, a);
    add_lanes(weighted + c, b);
  };
  int64_t c = 0;
  for (; c + kLanes <= n; c += kLanes) at(c, kLanes);
  if (c < n) at(c, n - c);
}

FOVEA_INLINE void add_all_blocks(const ChannelSums& s, int64_t blocks, int64_t channels, float* dgamma, float* dbeta) {
  parallel_for(channels, 4096 / (blocks + 1) + 16,
               [&](int64_t begin, int64_t end, int32_t) { add_blocks(s, blocks, begin, end, dgamma, dbeta); });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
