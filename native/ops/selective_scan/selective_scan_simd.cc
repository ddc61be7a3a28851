// Lanes are channels. A block of channels keeps A (transposed, times log2 e) and its states in tables on the stack and walks
// through time in tiles of kSteps: within a tile one vector of channels at a time goes through three passes:
//   delta, delta*u, skip*u   for every step, into the tile
//   states                   up to kStates of them stay in registers over all steps of the tile
//   gate                     and the store of y
// Without the tiles every step of a vector would touch another page of u, delta, z and y (a row of 1536 channels is 6 KB: 14.7
// against 4.1 ms in the laboratory for L 1024, D 1536, N 16). Only the first and the last pass see the caller's alignment.
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
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

// 2^x within 1.7e-7 relative (1.4 ulp): 2^n * p(x - n) with n the nearest integer and p of degree 5, minimax (9.2e-8) under the
// condition p(0) = 1, so that a vanishing step leaves the state alone. One degree more halves the error and costs 6 % of a
// scan. Below 2^-126 the result may be 0, from 2^-150 on it is; above 2^127.5 it may be inf, from 2^128 on it is; NaN stays
// NaN.
FOVEA_INLINE F exp2(F x) {
#if defined(__AVX512F__)
  const F n = round(x);  // x infinite: p is NaN, which scalef turns into 0 or inf as its exponent says
#else
  // n = -127 makes the exponent field 0, hence 0; n = 128 makes it 255, hence inf.
  x = min(set(128.0f), max(set(-127.0f), x));  // in this order of operands NaN stays
  // Adding 1.5 * 2^23 + 127 rounds to an integer and leaves n + 127 in the low bits.
  const F shifted = x + set(12583039.0f), n = shifted - set(12583039.0f);
#endif
  const F f = x - n;
  F p = set(1.3264728e-3f);
  p = fma(p, f, set(9.6715131e-3f));
  p = fma(p, f, set(5.5507337e-2f));
  p = fma(p, f, set(2.4022242e-1f));
  p = fma(p, f, set(6.9314698e-1f));
  p = fma(p, f, set(1.0f));
#if defined(__AVX512F__)
  return {_mm512_scalef_ps(p.v, n.v)};
#else
  return p * as_float(shift_left<23>(as_int(shifted)));
#endif
}

// log(1 + exp(x)) with a small relative error also where it is tiny (delta of trained models starts at 1e-3): Kahan's
// log(1 + e) = log(v) * e / (v - 1) with v = 1 + e rounded. The common softplus is only good to 6e-8 absolute.
FOVEA_INLINE F softplus_relative(F x) {
  const F e = exp(zero() - abs(x)), one = set(1.0f), v = one + e;
  const F log1p = select(v == one, e, log_positive(v) * (e / (v - one)));
  return max(zero(), x) + log1p;
}

// One vector of channels, `width` of them real, over the steps of a tile.
struct Lane {
  const SelectiveScanJob& j;
  int64_t channel, width, row, steps;  // row: batch * length + first step

  void begin(Tile& tile) const {
    const F bias = j.delta_bias == nullptr ? zero() : load_upto(j.delta_bias + channel, width);
    const F skip = j.skip == nullptr ? zero() : load_upto(j.skip + channel, width);
    for (int64_t t = 0; t < steps; ++t) {
      const F u = load_upto(j.u + (row + t) * j.u_pitch + channel, width);
      F delta = load_upto(j.delta + (row + t) * j.delta_pitch + channel, width) + bias;
      if (j.delta_softplus) delta = softplus_relative(delta);
      store(tile.delta + t * kLanes, delta);
      store(tile.input + t * kLanes, delta * u);
      store(tile.y + t * kLanes, j.skip == nullptr ? zero() : skip * u);
    }
  }

  // States [n, n + Count).
  template <int Count>
  FOVEA_INLINE void advance(const float* decay, float* state, int64_t n, Tile& tile) const {
    F h[Count];
#pragma GCC unroll 16
    for (int i = 0; i < Count; ++i) h[i] = load(state + (n + i) * kLanes);
    const float *b = j.b + row * j.b_pitch + n, *c = j.c + row * j.c_pitch + n, *a = decay + n * kLanes;
    for (int64_t t = 0; t < steps; ++t, b += j.b_pitch, c += j.c_pitch) {
      const F delta = load(tile.delta + t * kLanes), input = load(tile.input + t * kLanes);
      F sum[2] = {load(tile.y + t * kLanes), zero()};  // two chains
#pragma GCC unroll 16
      for (int i = 0; i < Count; ++i) {
        h[i] = fma(exp2(delta * load(a + i * kLanes)), h[i], input * set(b[i]));
        sum[i & 1] = fma(h[i], set(c[i]), sum[i & 1]);
      }
      store(tile.y + t * kLanes, sum[0] + sum[1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Count; ++i) store(state + (n + i) * kLanes, h[i]);
  }

  // All states from n on: blocks of Count, then the rest in halves of it.
  template <int Count>
  void advance_all(const float* decay, float* state, int64_t n, Tile& tile) const {
    for (; n + Count <= j.states; n += Count) advance<Count>(decay, state, n, tile);
    if constexpr (Count > 1) {
      if (n < j.states) advance_all<Count / 2>(decay, state, n, tile);
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

// to[c][r] = from[r][c] for a 4 x 4 block.
FOVEA_INLINE void transpose4(const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
#if defined(__AVX2__)
  __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + from_pitch);
  __m128 r2 = _mm_loadu_ps(from + 2 * from_pitch), r3 = _mm_loadu_ps(from + 3 * from_pitch);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(to, r0);
  _mm_storeu_ps(to + to_pitch, r1);
  _mm_storeu_ps(to + 2 * to_pitch, r2);
  _mm_storeu_ps(to + 3 * to_pitch, r3);
#else
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) to[c * to_pitch + r] = from[r * from_pitch + c];
#endif
}

void transpose(const float* from, int64_t from_pitch, int64_t rows, int64_t columns, float* to, int64_t to_pitch) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) transpose4(from + r * from_pitch + c, from_pitch, to + c * to_pitch + r, to_pitch);
    for (; c < columns; ++c)
      for (int64_t k = r; k < r + 4; ++k) to[c * to_pitch + k] = from[k * from_pitch + c];
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) to[c * to_pitch + r] = from[r * from_pitch + c];
}

FOVEA_INLINE int64_t width_at(int64_t channels, int64_t d) { return channels - d < kLanes ? channels - d : kLanes; }

void scan_block(const SelectiveScanJob& j, int64_t batch, int64_t first, int64_t channels) {
  // [vector of channels][N][kLanes]. Lanes without a channel are 0 and stay finite.
  alignas(64) float decay[kTable];
  alignas(64) float states[kTable];
  Tile tile;
  const int64_t n = j.states, slice = n * kLanes;
  float* carried = j.state == nullptr ? nullptr : j.state + (batch * j.channels + first) * j.state_pitch;
  for (int64_t d = 0; d < channels; d += kLanes) {
    float *decay_at = decay + d * n, *states_at = states + d * n;
    const int64_t width = width_at(channels, d);
    for (int64_t i = 0; i < slice; i += kLanes) store(decay_at + i, zero()), store(states_at + i, zero());
    transpose(j.a + (first + d) * j.a_pitch, j.a_pitch, width, n, decay_at, kLanes);
    if (carried != nullptr) transpose(carried + d * j.state_pitch, j.state_pitch, width, n, states_at, kLanes);
    for (int64_t i = 0; i < slice; i += kLanes) store(decay_at + i, load(decay_at + i) * set(1.44269504088896341f));
  }

  for (int64_t t = 0; t < j.length; t += kSteps)
    for (int64_t d = 0; d < channels; d += kLanes) {
      const Lane lane{j, first + d, channels - d, batch * j.length + t, j.length - t < kSteps ? j.length - t : kSteps};
      lane.begin(tile);
      lane.advance_all<kStates>(decay + d * n, states + d * n, 0, tile);
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
      scan_block(j, task / blocks, first, rest < block ? rest : block);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
