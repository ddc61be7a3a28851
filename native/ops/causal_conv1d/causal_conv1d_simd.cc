// Lanes are channels. A task is a run of steps of a block of channels, whose weights it transposes into a table on the stack.
// Every output is summed alone and in the same order (bias, then the oldest tap first), so cutting a sequence anywhere and
// carrying the state gives the same bits. The time goes into reading x, y and the activation.
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/causal_conv1d/causal_conv1d.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kBlock = 256;   // channels: a row of them is 1 KB, their weights are 4 KB for K = 4
inline constexpr int64_t kSteps = 64;    // per task
inline constexpr int64_t kWork = 16384;  // outputs per chunk of the pool
alignas(64) constexpr float kZeros[kBlock] = {};

// One step of `channels` channels: taps[k] points at the input of tap k, weights at [vector of channels][K][kLanes]. Count is
// K, or 0 for a K known at run time only.
template <int Count>
FOVEA_INLINE void step(const CausalConv1dJob& j, const float* const* taps, const float* weights, const float* bias, float* y,
                       int64_t channels) {
  const int64_t kernel = Count > 0 ? Count : j.kernel;
  for (int64_t d = 0; d < channels; d += kLanes, weights += kernel * kLanes) {
    const int64_t width = channels - d;
    F sum = bias == nullptr ? zero() : load_upto(bias + d, width);
    for (int64_t k = 0; k < kernel; ++k) sum = fma(load(weights + k * kLanes), load_upto(taps[k] + d, width), sum);
    store_upto(y + d, activation(j.activation, sum, zero()), width);
  }
}

template <int Count>
void run_steps(const CausalConv1dJob& j, int64_t batch, int64_t begin, int64_t end, int64_t first, int64_t channels) {
  alignas(64) float weights[kBlock * kMaxCausalKernel];
  for (int64_t d = 0; d < (channels + kLanes - 1) / kLanes * kLanes; ++d)
    for (int64_t k = 0; k < j.kernel; ++k)
      weights[(d / kLanes * j.kernel + k) * kLanes + d % kLanes] = d < channels ? j.w[(first + d) * j.w_pitch + k] : 0.0f;
  for (int64_t t = begin; t < end; ++t) {
    const float* taps[kMaxCausalKernel];
    for (int64_t k = 0; k < j.kernel; ++k) {
      const float* row = input_row(j, batch, t + k);
      taps[k] = row == nullptr ? kZeros : row + first;
    }
    step<Count>(j, taps, weights, j.bias == nullptr ? nullptr : j.bias + first,
                j.y + (batch * j.length + t) * j.y_pitch + first, channels);
  }
}

}  // namespace

void causal_conv1d(const CausalConv1dJob& j) {
  const int64_t blocks = (j.channels + kBlock - 1) / kBlock;
  // Only the first K - 1 steps look at the state: the task that holds them replaces it when it is through.
  static_assert(kSteps >= kMaxCausalKernel);
  const int64_t runs = (j.length + kSteps - 1) / kSteps;
  const int64_t task_work = (j.length < kSteps ? j.length : kSteps) * (j.channels < kBlock ? j.channels : kBlock);
  parallel_for(live_rows(j.live, j.batch) * runs * blocks, kWork / (task_work + 1) + 1,
               [&](int64_t task_begin, int64_t task_end, int32_t) {
                 for (int64_t task = task_begin; task < task_end; ++task) {
                   const int64_t first = task % blocks * kBlock, begin = task / blocks % runs * kSteps;
                   const int64_t batch = task / blocks / runs;
                   const int64_t channels = j.channels - first < kBlock ? j.channels - first : kBlock;
                   const int64_t end = j.length - begin < kSteps ? j.length : begin + kSteps;
                   if (j.kernel == 4)
                     run_steps<4>(j, batch, begin, end, first, channels);
                   else
                     run_steps<0>(j, batch, begin, end, first, channels);
                   if (begin == 0) advance_state(j, batch, first, first + channels);
                 }
               });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
