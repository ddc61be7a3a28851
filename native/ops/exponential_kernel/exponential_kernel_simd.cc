// Lanes are steps. A channel is a task: its states, a group at a time, add up in the row of k, which stays in the cache.
#include "ops/exponential_kernel/exponential_kernel.h"

#include "core/thread_pool.h"
#include "ops/exponential_kernel/powers_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 65536;  // terms per chunk of the pool

// The states from `first` on, `count` of them.
void add_states(const ExponentialKernelJob& j, int64_t channel, int64_t first, int count) {
  PowerTable table;
  const float *x[kGroup], *w[kGroup];
  for (int s = 0; s < kGroup; ++s) {
    const int64_t row = channel * j.states + first + (s < count ? s : 0);
    x[s] = j.exponents + row * j.exponents_pitch, w[s] = j.weights + row * j.weights_pitch;
    if (s < count)
      fill_powers(table, s, x[s], j.length < kBlock ? j.length : kBlock);
    else
      clear_powers(table, s);
  }
  for (int64_t begin = 0; begin < j.length; begin += kBlock) {
    F re[kGroup], im[kGroup];
    for (int s = 0; s < kGroup; ++s) {
      const Wide scale =
          s < count ? power(x[s], begin) * Wide{static_cast<double>(w[s][0]), static_cast<double>(w[s][1])} : Wide{};
      re[s] = set(static_cast<float>(scale.re)), im[s] = set(static_cast<float>(scale.im));
    }
    float* k = j.k + channel * j.k_pitch + begin;
    const int64_t steps = j.length - begin < kBlock ? j.length - begin : kBlock;
    for (int64_t i = 0; i < steps; i += kLanes) {
      F sum = first == 0 ? zero() : load_upto(k + i, steps - i);
      for (int s = 0; s < kGroup; ++s) {
        sum = fma(re[s], load(table.re[s] + i), sum);
        sum = fnma(im[s], load(table.im[s] + i), sum);
      }
      store_upto(k + i, sum, steps - i);
    }
  }
}

}  // namespace

void exponential_kernel(const ExponentialKernelJob& j) {
  parallel_for(live_rows(j.live, j.channels), kWork / (j.states * j.length + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t channel = begin; channel < end; ++channel) {
      for (int64_t l = 0; j.states == 0 && l < j.length; ++l) j.k[channel * j.k_pitch + l] = 0.0f;
      for (int64_t first = 0; first < j.states; first += kGroup)
        add_states(j, channel, first, static_cast<int>(j.states - first < kGroup ? j.states - first : kGroup));
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
