// Lanes are steps. Inside a block of steps four sums per state run in float: of dk and of i * dk with the parts of a power,
// i < kBlock the step in the block. Blocks add up in double.
#include "ops/exponential_kernel_backward/exponential_kernel_backward.h"

#include "core/thread_pool.h"
#include "ops/exponential_kernel/powers_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 32768;  // terms per chunk of the pool

FOVEA_INLINE void put(float* base, int64_t offset, Wide v) {
  if (base == nullptr) return;
  base[offset] = static_cast<float>(v.re), base[offset + 1] = static_cast<float>(-v.im);
}

// The states from row `first` of the exponents on, `count` of them.
void sum_states(const ExponentialKernelBackwardJob& j, int64_t channel, int64_t first, int count) {
  const ExponentialKernelJob& k = j.kernel;
  PowerTable table;
  Wide s0[kGroup] = {}, s1[kGroup] = {};
  const float* x[kGroup];
  for (int s = 0; s < kGroup; ++s) {
    x[s] = k.exponents + (first + (s < count ? s : 0)) * k.exponents_pitch;
    if (s < count)
      fill_powers(table, s, x[s], k.length < kBlock ? k.length : kBlock);
    else
      clear_powers(table, s);
  }
  for (int64_t begin = 0; begin < k.length; begin += kBlock) {
    const float* dk = k.k + channel * k.k_pitch + begin;
    const int64_t steps = k.length - begin < kBlock ? k.length - begin : kBlock;
    F re[kGroup], im[kGroup], step_re[kGroup], step_im[kGroup];
    for (int s = 0; s < kGroup; ++s) re[s] = im[s] = step_re[s] = step_im[s] = zero();
    for (int64_t i = 0; i < steps; i += kLanes) {
      const F d = load_upto(dk + i, steps - i), step = to_float(iota() + seti(static_cast<int32_t>(i))) * d;
      for (int s = 0; s < kGroup; ++s) {
        const F a = load(table.re[s] + i), b = load(table.im[s] + i);
        re[s] = fma(d, a, re[s]), im[s] = fma(d, b, im[s]);
        step_re[s] = fma(step, a, step_re[s]), step_im[s] = fma(step, b, step_im[s]);
      }
    }
    for (int s = 0; s < count; ++s) {
      const Wide scale = power(x[s], begin), sums{static_cast<double>(sum(re[s])), static_cast<double>(sum(im[s]))};
      const Wide steps_sum{static_cast<double>(sum(step_re[s])), static_cast<double>(sum(step_im[s]))};
      s0[s] = s0[s] + scale * sums;
      s1[s] = s1[s] + scale * (Wide{static_cast<double>(begin), 0} * sums + steps_sum);
    }
  }
  for (int s = 0; s < count; ++s) {
    const float* w = k.weights + (first + s) * k.weights_pitch;
    put(j.d_weights, (first + s) * j.d_weights_pitch, s0[s]);
    put(j.d_exponents, (first + s) * j.d_exponents_pitch, Wide{static_cast<double>(w[0]), static_cast<double>(w[1])} * s1[s]);
  }
}

}  // namespace

void exponential_kernel_backward(const ExponentialKernelBackwardJob& j) {
  const ExponentialKernelJob& k = j.kernel;
  const int64_t groups = (k.states + kGroup - 1) / kGroup;
  parallel_for(
      live_rows(k.live, k.channels) * groups, kWork / (kGroup * k.length + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t channel = task / groups, n = task % groups * kGroup;
          sum_states(j, channel, channel * k.states + n, static_cast<int>(k.states - n < kGroup ? k.states - n : kGroup));
        }
      });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
