// Lanes are channels. A task is a run of steps of a block of channels and walks back in time: when g of a step is there, so are
// the K - 1 after it, which is all that dx of that step needs. Those behind the run are computed by its own task too: K - 1
// steps in kCausalBackwardSteps are done twice, and nobody waits.
#include "core/thread_pool.h"
#include "ops/activation/derivative_simd.h"
#include "ops/causal_conv1d_backward/causal_conv1d_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = CausalConv1dBackwardJob;

inline constexpr int64_t kBlock = 128;   // channels: weights, g and sums of K = 16 are 24 KB, of K = 4 7 KB
inline constexpr int64_t kWork = 16384;  // outputs per chunk of the pool
alignas(64) constexpr float kZeros[kBlock] = {};

FOVEA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

FOVEA_INLINE F derivative(const fovea_activation_params& p, F x) {
  return for_activation(
      p, [&](auto kind) __attribute__((always_inline)) { return activation_derivative<decltype(kind)::value>(p, x, zero()); });
}

// What a task keeps, per tap a row of the block's channels.
struct Block {
  int64_t first, channels;
  alignas(64) float weights[kMaxCausalKernel][kBlock];
  alignas(64) float window[kMaxCausalKernel][kBlock];    // g of step t in row t % K
  alignas(64) float sums[kMaxCausalKernel + 1][kBlock];  // dw, then dbias
};

void begin_block(const Job& j, int64_t first, Block& b) {
  b.first = first, b.channels = smaller(j.conv.channels - first, kBlock);
  for (int64_t k = 0; k < j.conv.kernel; ++k)
    for (int64_t d = 0; d < kBlock; ++d) {
      b.weights[k][d] = d < b.channels ? j.conv.w[(first + d) * j.conv.w_pitch + k] : 0.0f;
      b.window[k][d] = b.sums[k][d] = 0.0f;
    }
  for (int64_t d = 0; d < kBlock; ++d) b.sums[j.conv.kernel][d] = 0.0f;
}

// Step t. `last`: what d_final_state adds to the gradient of its newest input, zeros mostly. Not `own`: g alone, for the run
// before. Count is K, or 0 for a K known at run time only.
template <int Count>
FOVEA_INLINE void step(const Job& j, Block& b, int64_t batch, int64_t t, const float* last, bool own) {
  const CausalConv1dJob& c = j.conv;
  const int64_t kernel = Count > 0 ? Count : c.kernel, row = batch * c.length + t;
  const float *taps[kMaxCausalKernel], *after[kMaxCausalKernel];  // after[k]: g of step t + k
  for (int64_t k = 0; k < kernel; ++k) {
    const float* x = input_row(c, batch, t + k);
    taps[k] = x == nullptr ? kZeros : x + b.first;
    after[k] = b.window[(t + k) % kernel];
  }
  const float* dy = j.dy + row * j.dy_pitch + b.first;
  float* dx = own && j.dx != nullptr ? j.dx + row * j.dx_pitch + b.first : nullptr;
  for (int64_t d = 0; d < b.channels; d += kLanes) {
    const int64_t width = b.channels - d;
    F sum = c.bias == nullptr ? zero() : load_upto(c.bias + b.first + d, width);
    for (int64_t k = 0; k < kernel; ++k) sum = fma(load(b.weights[k] + d), load_upto(taps[k] + d, width), sum);
    const F g = load_upto(dy + d, width) * derivative(c.activation, sum);
    store(b.window[t % kernel] + d, g);
    if (!own) continue;
    F gradient = load_upto(last + d, width);
    for (int64_t k = 0; k < kernel; ++k) {
      gradient = fma(load(b.weights[k] + d), load(after[kernel - 1 - k] + d), gradient);
      store(b.sums[k] + d, fma(g, load_upto(taps[k] + d, width), load(b.sums[k] + d)));
    }
    store(b.sums[kernel] + d, load(b.sums[kernel] + d) + g);
    if (dx != nullptr) store_upto(dx + d, gradient, width);
  }
}

// What d_final_state adds to input row r of the block.
FOVEA_INLINE const float* final_row(const Job& j, const Block& b, int64_t batch, int64_t r) {
  if (j.d_final == nullptr || r < j.conv.length) return kZeros;
  return j.d_final + (batch * (j.conv.kernel - 1) + r - j.conv.length) * j.d_final_pitch + b.first;
}

// When step 0 is done: the inputs before x. g of the steps 0 .. K - 1 is in the window, zeros where the sequence is shorter.
void state_gradient(const Job& j, const Block& b, int64_t batch) {
  const int64_t before = j.conv.kernel - 1;
  for (int64_t r = 0; r < before; ++r) {
    float* to = j.d_state + (batch * before + r) * j.d_state_pitch + b.first;
    const float* last = final_row(j, b, batch, r);
    for (int64_t d = 0; d < b.channels; d += kLanes) {
      F gradient = load_upto(last + d, b.channels - d);
      for (int64_t k = 0; k <= r; ++k) gradient = fma(load(b.weights[k] + d), load(b.window[r - k] + d), gradient);
      store_upto(to + d, gradient, b.channels - d);
    }
  }
}

template <int Count>
void run_backward(const Job& j, int64_t batch, int64_t run, int64_t first) {
  const CausalConv1dJob& c = j.conv;
  const int64_t begin = run * kCausalBackwardSteps, end = smaller(begin + kCausalBackwardSteps, c.length);
  Block b;
  begin_block(j, first, b);
  for (int64_t t = smaller(end + c.kernel - 1, c.length) - 1; t >= begin; --t)
    step<Count>(j, b, batch, t, final_row(j, b, batch, t + c.kernel - 1), t < end);
  if (begin == 0 && j.d_state != nullptr) state_gradient(j, b, batch);
  float* sums = j.sums + (batch * j.runs + run) * (c.kernel + 1) * c.channels + first;
  for (int64_t k = 0; k <= c.kernel; ++k, sums += c.channels)
    for (int64_t d = 0; d < b.channels; d += kLanes) store_upto(sums + d, load(b.sums[k] + d), b.channels - d);
}

// dw and dbias of a vector of channels: the batch entries and their runs in order.
void add_sums(const Job& j, int64_t batch, int64_t d) {
  const CausalConv1dJob& c = j.conv;
  const int64_t width = smaller(c.channels - d, kLanes);
  for (int64_t k = 0; k <= c.kernel; ++k) {
    const float* from = j.sums + k * c.channels + d;
    F sum = zero();
    for (int64_t i = 0; i < batch * j.runs; ++i, from += (c.kernel + 1) * c.channels) sum = sum + load_upto(from, width);
    alignas(64) float lanes[kLanes];
    store(lanes, sum);
    for (int64_t i = 0; i < width; ++i) {
      if (k < c.kernel && j.dw != nullptr) j.dw[(d + i) * j.dw_pitch + k] = lanes[i];
      if (k == c.kernel && j.dbias != nullptr) j.dbias[d + i] = lanes[i];
    }
  }
}

}  // namespace

void causal_conv1d_backward(const CausalConv1dBackwardJob& j) {
  const CausalConv1dJob& c = j.conv;
  const int64_t batch = live_rows(c.live, c.batch), blocks = (c.channels + kBlock - 1) / kBlock;
  const int64_t task_work = smaller(c.length, kCausalBackwardSteps) * smaller(c.channels, kBlock);
  parallel_for(batch * j.runs * blocks, kWork / (task_work + 1) + 1, [&](int64_t task_begin, int64_t task_end, int32_t) {
    for (int64_t task = task_begin; task < task_end; ++task) {
      const int64_t first = task % blocks * kBlock, run = task / blocks % j.runs, entry = task / blocks / j.runs;
      if (c.kernel == 4)
        run_backward<4>(j, entry, run, first);
      else
        run_backward<0>(j, entry, run, first);
    }
  });
  if (j.dw == nullptr && j.dbias == nullptr) return;
  parallel_for((c.channels + kLanes - 1) / kLanes, 16, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) add_sums(j, batch, i * kLanes);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
