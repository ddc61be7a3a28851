// Lanes are channels. The two exponentials of a position do not wait for those before, only the sums do.
#include "core/thread_pool.h"
#include "ops/wkv/wkv_step_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 4096;  // positions times vectors per chunk of the pool, at least

void mix_channels(const WkvJob& j, int64_t batch, int64_t c) {
  const int64_t width = j.channels - c;
  float* carried = j.state == nullptr ? nullptr : j.state + batch * 3 * j.state_pitch + c;
  WkvState state{zero(), zero(), set(kWkvStart)};
  if (carried != nullptr)
    state = {load_upto(carried, width), load_upto(carried + j.state_pitch, width),
             load_upto(carried + 2 * j.state_pitch, width)};
  const F decay = load_upto(j.decay + c, width), bonus = load_upto(j.bonus + c, width);
  for (int64_t row = batch * j.length; row < (batch + 1) * j.length; ++row) {
    const F k = load_upto(j.k + row * j.k_pitch + c, width), v = load_upto(j.v + row * j.v_pitch + c, width);
    store_upto(j.y + row * j.y_pitch + c, mix(state, bonus, k, v).y, width);
    state.advance(decay, k, v);
  }
  if (carried == nullptr) return;
  store_upto(carried, state.p, width);
  store_upto(carried + j.state_pitch, state.q, width);
  store_upto(carried + 2 * j.state_pitch, state.o, width);
}

}  // namespace

void wkv(const WkvJob& j) {
  const int64_t vectors = (j.channels + kLanes - 1) / kLanes;
  parallel_for(live_rows(j.live, j.batch) * vectors, kWork / j.length + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) mix_channels(j, task / vectors, task % vectors * kLanes);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
