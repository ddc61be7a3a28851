// Lanes are channels. A task is a vector of channels of one batch entry: forward through time, keeping the state before every
// run of positions; then back over the runs, whose states are computed again on the stack. A second pass adds the sums over the
// batch, in its order.
#include "core/thread_pool.h"
#include "ops/wkv/wkv_step_simd.h"
#include "ops/wkv_backward/wkv_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSteps = kWkvBackwardSteps;
inline constexpr int64_t kWork = 2048;  // positions times vectors per chunk of the pool, at least

struct Channels {
  const WkvBackwardJob& j;
  int64_t batch, c, width;

  FOVEA_INLINE int64_t row(int64_t t) const { return batch * j.mix.length + t; }
  FOVEA_INLINE F k(int64_t t) const { return load_upto(j.mix.k + row(t) * j.mix.k_pitch + c, width); }
  FOVEA_INLINE F v(int64_t t) const { return load_upto(j.mix.v + row(t) * j.mix.v_pitch + c, width); }
  FOVEA_INLINE float* kept(int64_t run) const { return j.states + ((batch * j.runs + run) * 3) * j.mix.channels + c; }
};

// G and H with their common exponent s: G = e^s g.
struct Carry {
  F g, h, s;
};

void keep_states(const Channels& at, F decay) {
  WkvState state{zero(), zero(), set(kWkvStart)};
  const int64_t length = at.j.mix.length, pitch = at.j.mix.channels;
  for (int64_t t = 0; t < length; ++t) {
    if (t % kSteps == 0) {
      float* to = at.kept(t / kSteps);
      store_upto(to, state.p, at.width);
      store_upto(to + pitch, state.q, at.width);
      store_upto(to + 2 * pitch, state.o, at.width);
    }
    state.advance(decay, at.k(t), at.v(t));
  }
}

struct Table {  // the states before the positions of a run
  alignas(64) float p[kSteps * kLanes], q[kSteps * kLanes], o[kSteps * kLanes];
};

void restore_states(const Channels& at, F decay, int64_t begin, int64_t end, Table& table) {
  const float* from = at.kept(begin / kSteps);
  const int64_t pitch = at.j.mix.channels;
  WkvState state{load_upto(from, at.width), load_upto(from + pitch, at.width), load_upto(from + 2 * pitch, at.width)};
  for (int64_t t = begin; t < end; ++t) {
    const int64_t i = (t - begin) * kLanes;
    store(table.p + i, state.p), store(table.q + i, state.q), store(table.o + i, state.o);
    state.advance(decay, at.k(t), at.v(t));
  }
}

void channels_backward(const Channels& at) {
  const WkvBackwardJob& j = at.j;
  const F decay = load_upto(j.mix.decay + at.c, at.width), bonus = load_upto(j.mix.bonus + at.c, at.width);
  keep_states(at, decay);
  Table table;
  Carry carry{zero(), zero(), set(kWkvStart)};
  F d_decay = zero(), d_bonus = zero();
  for (int64_t run = j.runs - 1; run >= 0; --run) {
    const int64_t begin = run * kSteps, end = begin + kSteps < j.mix.length ? begin + kSteps : j.mix.length;
    restore_states(at, decay, begin, end, table);
    for (int64_t t = end - 1; t >= begin; --t) {
      const int64_t i = (t - begin) * kLanes;
      const WkvState state{load(table.p + i), load(table.q + i), load(table.o + i)};
      const F k = at.k(t), v = at.v(t), dy = load_upto(j.dy + at.row(t) * j.dy_pitch + at.c, at.width);
      const Mixed mixed = mix(state, bonus, k, v);
      const F a = dy / mixed.denominator, own = a * mixed.now, from_bonus = own * (v - mixed.y);
      // Neither exponent is above 0 but for rounding, see wkv_backward.h.
      const F later = exp(k + carry.s), past = exp(decay + carry.s + state.o);
      const F dk = fma(later, fma(v, carry.g, zero() - carry.h), from_bonus), dv = fma(later, carry.g, own);
      if (j.dk != nullptr) store_upto(j.dk + at.row(t) * j.dk_pitch + at.c, dk, at.width);
      if (j.dv != nullptr) store_upto(j.dv + at.row(t) * j.dv_pitch + at.c, dv, at.width);
      d_bonus = d_bonus + from_bonus;
      d_decay = fma(past, fma(carry.g, state.p, zero() - carry.h * state.q), d_decay);
      const Shares s = shares(decay + carry.s, zero() - mixed.top);
      carry.g = fma(s.a, carry.g, s.b * a);
      carry.h = fma(s.a, carry.h, s.b * (a * mixed.y));
      carry.s = s.top;
    }
  }
  float* sums = j.sums + at.batch * 2 * j.mix.channels + at.c;
  store_upto(sums, d_decay, at.width);
  store_upto(sums + j.mix.channels, d_bonus, at.width);
}

void add_batch(const WkvBackwardJob& j, int64_t batch, const float* sums, float* to) {
  for (int64_t c = 0; to != nullptr && c < j.mix.channels; c += kLanes) {
    F sum = zero();
    for (int64_t b = 0; b < batch; ++b) sum = sum + load_upto(sums + b * 2 * j.mix.channels + c, j.mix.channels - c);
    store_upto(to + c, sum, j.mix.channels - c);
  }
}

}  // namespace

void wkv_backward(const WkvBackwardJob& j) {
  const int64_t vectors = (j.mix.channels + kLanes - 1) / kLanes, batch = live_rows(j.mix.live, j.mix.batch);
  parallel_for(batch * vectors, kWork / (j.mix.length + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % vectors * kLanes;
      channels_backward({j, task / vectors, c, j.mix.channels - c});
    }
  });
  add_batch(j, batch, j.sums, j.d_decay);
  add_batch(j, batch, j.sums + j.mix.channels, j.d_bonus);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
