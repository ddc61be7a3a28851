// Lanes are channels. A block of channels keeps A (transposed, times log2 e) and its states in tables on the stack and walks
// through time in tiles of kSteps: within a tile one vector of channels at a time goes through three passes:
//   delta, delta*u, skip*u   for every step, into the tile
//   states                   up to kStates of them stay in registers over all steps of the tile
//   gate                     and the store of y
// Without the tiles every step of a vector would touch another page of u, delta, z and y (a row of 1536 channels is 6 KB: 14.7
// against 4.1 ms in the laboratory for L 1024, D 1536, N 16). Only the first and the last pass see the caller's alignment.
#include "core/thread_pool.h"
#include "ops/selective_scan/scan_simd.h"
#include "ops/selective_scan/selective_scan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSteps = 32;
inline constexpr int64_t kTable = 4096;       // floats: 16 KB each for A and for the states of a block
inline constexpr int64_t kMaxChannels = 256;  // of a block: enough blocks for the threads when N is small
inline constexpr int64_t kWork = 16384;       // exponentials per chunk of the pool, at least
// As many as the registers hold beside the constants of exp2.
inline constexpr int kStates = kLanes == 16 ? 16 : kLanes == 8 ? 8 : 4;

static_assert(kTable >= kMaxScanStates * kLanes);

struct Tile {  // [kSteps][kLanes]
  alignas(64) float delta[kSteps * kLanes];
  alignas(64) float input[kSteps * kLanes];  // delta * u
  alignas(64) float y[kSteps * kLanes];      // skip * u + the states summed so far
};

// One vector of channels, `width` of them real, over the steps of a tile.
struct Lane {
  const SelectiveScanJob& j;
  int64_t channel, width, row, steps;  // row: batch * length + first step
  int64_t next_row, next_channel;      // where the next tile begins

  // Step t of the next tile. Rows are pages apart, which hardware prefetchers do not follow: without this a third of a scan is
  // waiting in begin().
  FOVEA_INLINE void prefetch(int64_t t) const {
    const int64_t last_row = j.batch * j.length - 1, r = next_row + t < last_row ? next_row + t : last_row;
    __builtin_prefetch(j.u + r * j.u_pitch + next_channel);
    __builtin_prefetch(j.delta + r * j.delta_pitch + next_channel);
    if (j.z != nullptr) __builtin_prefetch(j.z + r * j.z_pitch + next_channel);
    __builtin_prefetch(j.y + r * j.y_pitch + next_channel, 1);
  }

  // Returns whether |delta * decay| stays within kExp2Bound for decays up to `largest` per lane.
  bool begin(Tile& tile, F largest) const {
    M bounded = zero() == zero();
    const F bias = j.delta_bias == nullptr ? zero() : load_upto(j.delta_bias + channel, width);
    const F skip = j.skip == nullptr ? zero() : load_upto(j.skip + channel, width);
    for (int64_t t = 0; t < steps; ++t) {
      const F u = load_upto(j.u + (row + t) * j.u_pitch + channel, width);
      F delta = load_upto(j.delta + (row + t) * j.delta_pitch + channel, width) + bias;
      if (j.delta_softplus) delta = softplus_relative(delta);
      bounded = bounded & (abs(delta) * largest <= set(kExp2Bound));
      store(tile.delta + t * kLanes, delta);
      store(tile.input + t * kLanes, delta * u);
      store(tile.y + t * kLanes, j.skip == nullptr ? zero() : skip * u);
    }
    return all(bounded);
  }

  // States [n, n + Count).
  template <int Count, bool Bounded>
  FOVEA_INLINE void advance(const float* decay, float* state, int64_t n, Tile& tile) const {
    F h[Count];
#pragma GCC unroll 16
    for (int i = 0; i < Count; ++i) h[i] = load(state + (n + i) * kLanes);
    const float *b = j.b + row * j.b_pitch + n, *c = j.c + row * j.c_pitch + n, *a = decay + n * kLanes;
    for (int64_t t = 0; t < steps; ++t, b += j.b_pitch, c += j.c_pitch) {
      const F delta = load(tile.delta + t * kLanes), input = load(tile.input + t * kLanes);
      if (n == 0) prefetch(t);
      F sum[2] = {load(tile.y + t * kLanes), zero()};  // two chains
#pragma GCC unroll 16
      for (int i = 0; i < Count; ++i) {
        h[i] = fma(exp2<Bounded>(delta * load(a + i * kLanes)), h[i], input * set(b[i]));
        sum[i & 1] = fma(h[i], set(c[i]), sum[i & 1]);
      }
      store(tile.y + t * kLanes, sum[0] + sum[1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Count; ++i) store(state + (n + i) * kLanes, h[i]);
  }

  // All states from n on: blocks of Count, then the rest in halves of it.
  template <int Count, bool Bounded>
  void advance_all(const float* decay, float* state, int64_t n, Tile& tile) const {
    for (; n + Count <= j.states; n += Count) advance<Count, Bounded>(decay, state, n, tile);
    if constexpr (Count > 1) {
      if (n < j.states) advance_all<Count / 2, Bounded>(decay, state, n, tile);
    }
  }

  void end(const Tile& tile) const {
    for (int64_t t = 0; t < steps; ++t) {
      F y = load(tile.y + t * kLanes);
      if (j.z != nullptr) {
        const F z = load_upto(j.z + (row + t) * j.z_pitch + channel, width);
        y = y * (z * sigmoid(z));
      }
      store_upto(j.y + (row + t) * j.y_pitch + channel, y, width);
    }
  }
};

#if defined(__AVX2__)
// A step of decoding (L = 1 with a state) reads A and the state once, as they lie: lanes are states, and only the new states
// are transposed, in registers, to be summed in the order of Lane::advance. Bits are those of a longer scan.
template <int Count>
FOVEA_INLINE F sum_states(const F* h, const float* c, F y) {
  F sum[2] = {y, zero()};
#pragma GCC unroll 16
  for (int i = 0; i < Count; ++i) sum[i & 1] = fma(h[i], set(c[i]), sum[i & 1]);
  return sum[0] + sum[1];
}

template <int Count>
FOVEA_INLINE F sum_rest(const F* h, const float* c, int64_t count, F y) {
  if (count >= Count) y = sum_states<Count>(h, c, y), h += Count, c += Count, count -= Count;
  if constexpr (Count > 1) y = sum_rest<Count / 2>(h, c, count, y);
  return y;
}

// kLanes states of kLanes channels; Whole: none of them is missing.
template <bool Whole>
FOVEA_INLINE F step_states(const SelectiveScanJob& j, int64_t batch, int64_t channel, int64_t width, int64_t n,
                           const Tile& tile, F y) {
  const int64_t rest = Whole ? kLanes : j.states - n;
  const float *a = j.a + channel * j.a_pitch + n, *c = j.c + batch * j.c_pitch + n;
  float* state = j.state + (batch * j.channels + channel) * j.state_pitch + n;
  const F b = load_upto(j.b + batch * j.b_pitch + n, rest);
  F h[kLanes];
#pragma GCC unroll 16
  for (int r = 0; r < kLanes; ++r, a += j.a_pitch, state += j.state_pitch) {
    h[r] = zero();
    if (!Whole && r >= width) continue;
    const F decay = load_upto(a, rest) * set(kLog2E);
    h[r] = fma(exp2<false>(set(tile.delta[r]) * decay), load_upto(state, rest), set(tile.input[r]) * b);
    store_upto(state, h[r], rest);
  }
  transpose_lanes(h);
  return rest >= kLanes ? sum_states<kLanes>(h, c, y) : sum_rest<kLanes / 2>(h, c, rest, y);
}

void step_block(const SelectiveScanJob& j, int64_t batch, int64_t first, int64_t channels) {
  Tile tile;
  for (int64_t d = 0; d < channels; d += kLanes) {
    const Lane lane{j, first + d, channels - d, batch, 1, batch, first + d};
    lane.begin(tile, zero());
    F y = load(tile.y);
    for (int64_t n = 0; n < j.states; n += kLanes)
      y = lane.width >= kLanes && j.states - n >= kLanes ? step_states<true>(j, batch, first + d, lane.width, n, tile, y)
                                                         : step_states<false>(j, batch, first + d, lane.width, n, tile, y);
    store(tile.y, y);
    lane.end(tile);
  }
}
#endif

void scan_block(const SelectiveScanJob& j, int64_t batch, int64_t first, int64_t channels) {
  // [vector of channels][N][kLanes]. Lanes without a channel are 0 and stay finite.
  alignas(64) float decay[kTable];
  alignas(64) float states[kTable];
  alignas(64) float largest[kMaxChannels];  // of |A| per channel
  Tile tile;
  const int64_t n = j.states, slice = n * kLanes;
  float* carried = j.state == nullptr ? nullptr : j.state + (batch * j.channels + first) * j.state_pitch;
  for (int64_t d = 0; d < channels; d += kLanes) {
    float *decay_at = decay + d * n, *states_at = states + d * n;
    const int64_t width = width_at(channels, d);
    for (int64_t i = 0; i < slice; i += kLanes) store(decay_at + i, zero()), store(states_at + i, zero());
    transpose(j.a + (first + d) * j.a_pitch, j.a_pitch, width, n, decay_at, kLanes);
    if (carried != nullptr) transpose(carried + d * j.state_pitch, j.state_pitch, width, n, states_at, kLanes);
    F bound = zero();
    for (int64_t i = 0; i < slice; i += kLanes) {
      const F a = load(decay_at + i) * set(kLog2E);
      store(decay_at + i, a);
      bound = max(abs(a), bound);  // a NaN does not hide the others
    }
    store(largest + d, bound);
  }

  for (int64_t t = 0; t < j.length; t += kSteps)
    for (int64_t d = 0; d < channels; d += kLanes) {
      const bool across = d + kLanes < channels;
      const int64_t row = batch * j.length + t, steps = j.length - t < kSteps ? j.length - t : kSteps;
      const Lane lane{j, first + d, channels - d, row, steps, across ? row : row + kSteps, across ? first + d + kLanes : first};
      if (lane.begin(tile, load(largest + d)))
        lane.advance_all<kStates, true>(decay + d * n, states + d * n, 0, tile);
      else
        lane.advance_all<kStates, false>(decay + d * n, states + d * n, 0, tile);
      lane.end(tile);
    }
  for (int64_t d = 0; carried != nullptr && d < channels; d += kLanes)
    transpose(states + d * n, kLanes, n, width_at(channels, d), carried + d * j.state_pitch, j.state_pitch);
}

}  // namespace

void selective_scan(const SelectiveScanJob& j) {
  const int64_t fitting = kTable / (j.states * kLanes) * kLanes;
  const int64_t block = fitting < kMaxChannels ? fitting : kMaxChannels;
  const int64_t blocks = (j.channels + block - 1) / block;
  const int64_t work = (j.length < kWork ? j.length : kWork) * block * j.states;
  parallel_for(live_rows(j.live, j.batch) * blocks, kWork / work + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * block, rest = j.channels - first;
      const int64_t channels = rest < block ? rest : block;
#if defined(__AVX2__)
      // With few states most lanes of a step would be empty.
      if (j.length == 1 && j.state != nullptr && j.states >= kLanes / 2) {
        step_block(j, task / blocks, first, channels);
        continue;
      }
#endif
      scan_block(j, task / blocks, first, channels);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
