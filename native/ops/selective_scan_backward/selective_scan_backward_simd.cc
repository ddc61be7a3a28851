// Lanes are channels. A task is a block of channels of one batch entry: a forward pass over all tiles of steps leaves
// checkpoints, then the tiles are taken from the last to the first. Within a tile, for one vector of channels and one group of
// states at a time, the decays and products are recomputed into tables that stay in the first-level cache, and the reverse
// recurrence runs with g and dA in registers. dB and dC are sums over channels, hence over lanes: kGroup products of each are
// summed together in one tree of shuffles.
#include "core/thread_pool.h"
#include "ops/selective_scan/scan_simd.h"
#include "ops/selective_scan_backward/selective_scan_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSteps = kBackwardSteps, kBlock = kBackwardChannels;
// States of a group: g, dA and a few operands fill the registers; dB and dC of a group together are one vector.
inline constexpr int kGroup = kLanes == 16 ? 8 : 4;
static_assert(kStateGroup % kGroup == 0 && kBlock % kLanes == 0);

struct Tile {  // [kSteps][kLanes]
  alignas(64) float delta[kSteps * kLanes];
  alignas(64) float u[kSteps * kLanes], input[kSteps * kLanes];  // input: delta * u
  alignas(64) float dy[kSteps * kLanes];                         // gated
  alignas(64) float z[kSteps * kLanes];
  alignas(64) float y[kSteps * kLanes];                              // before the gate
  alignas(64) float sum_b[kSteps * kLanes], sum_a[kSteps * kLanes];  // over n: g * B and g * A * a h
};

struct Rows {  // B and C of a tile, padded: [kSteps][states]
  alignas(64) float b[kSteps * kMaxScanStates], c[kSteps * kMaxScanStates];
};

// out[i] += sum of the lanes of db[i], out[kGroup + i] += those of dc[i].
#if defined(__AVX512F__)
// Per 128-bit quarter: the sums of four vectors' four values.
FOVEA_INLINE __m512 sum_quads(F a, F b, F c, F d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a.v, b.v), _mm512_unpackhi_ps(a.v, b.v));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c.v, d.v), _mm512_unpackhi_ps(c.v, d.v));
  return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
}
FOVEA_INLINE __m512 sum_halves(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
FOVEA_INLINE F sum_lanes(const F* db, const F* dc) {
  const __m512 b = sum_halves(sum_quads(db[0], db[1], db[2], db[3]), sum_quads(db[4], db[5], db[6], db[7]));
  const __m512 c = sum_halves(sum_quads(dc[0], dc[1], dc[2], dc[3]), sum_quads(dc[4], dc[5], dc[6], dc[7]));
  return {_mm512_add_ps(_mm512_shuffle_f32x4(b, c, 0x88), _mm512_shuffle_f32x4(b, c, 0xDD))};
}
#elif defined(__AVX2__)
FOVEA_INLINE __m256 sum_quads(F a, F b, F c, F d) {
  const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a.v, b.v), _mm256_unpackhi_ps(a.v, b.v));
  const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c.v, d.v), _mm256_unpackhi_ps(c.v, d.v));
  return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
}
FOVEA_INLINE F sum_lanes(const F* db, const F* dc) {
  const __m256 b = sum_quads(db[0], db[1], db[2], db[3]), c = sum_quads(dc[0], dc[1], dc[2], dc[3]);
  return {_mm256_add_ps(_mm256_permute2f128_ps(b, c, 0x20), _mm256_permute2f128_ps(b, c, 0x31))};
}
#endif
FOVEA_INLINE void add_sums(float* out, const F* db, const F* dc) {
#if defined(__AVX2__)
  store(out, load(out) + sum_lanes(db, dc));
#else
  for (int i = 0; i < kGroup; ++i) out[i] += db[i].v, out[kGroup + i] += dc[i].v;
#endif
}

// One vector of channels over the steps of a tile.
struct Lane {
  const SelectiveScanBackwardJob& j;
  int64_t channel, width, row, steps;  // row: batch * length + first step
  int64_t next_row, next_channel;      // where the next tile begins
  int64_t last_row;

  // Rows are pages apart, which hardware prefetchers do not follow.
  template <bool Back>
  FOVEA_INLINE void prefetch(int64_t t) const {
    const SelectiveScanJob& s = j.scan;
    const int64_t r = next_row + t < last_row ? next_row + t : last_row;
    __builtin_prefetch(s.u + r * s.u_pitch + next_channel);
    if constexpr (!Back) {
      __builtin_prefetch(s.delta + r * s.delta_pitch + next_channel);
    } else {
      __builtin_prefetch(j.dy + r * j.dy_pitch + next_channel);
      if (s.z != nullptr) __builtin_prefetch(s.z + r * s.z_pitch + next_channel);
      if (j.du != nullptr) __builtin_prefetch(j.du + r * j.du_pitch + next_channel, 1);
      if (j.d_delta != nullptr) __builtin_prefetch(j.d_delta + r * j.d_delta_pitch + next_channel, 1);
      if (j.dz != nullptr) __builtin_prefetch(j.dz + r * j.dz_pitch + next_channel, 1);
    }
  }

  // delta, its slope, u and delta * u. Deltas are computed on the way there and read on the way back. Returns whether every
  // |delta * decay| stays within kExp2Bound for decays up to `largest`.
  template <bool Back>
  bool begin(Tile& tile, float* deltas, F largest) const {
    const SelectiveScanJob& s = j.scan;
    const F bias = s.delta_bias == nullptr ? zero() : load_upto(s.delta_bias + channel, width);
    float* slopes = deltas + kSteps * kLanes;
    M bounded = zero() == zero();
    for (int64_t t = 0; t < steps; ++t) {
      if constexpr (!Back) {
        const F raw = load_upto(s.delta + (row + t) * s.delta_pitch + channel, width) + bias;
        F slope = zero();
        store(deltas + t * kLanes, s.delta_softplus ? softplus_relative(raw, slope) : raw);
        if (s.delta_softplus) store(slopes + t * kLanes, slope);
      }
      const F u = load_upto(s.u + (row + t) * s.u_pitch + channel, width), delta = load(deltas + t * kLanes);
      bounded = bounded & (abs(delta) * largest <= set(kExp2Bound));
      store(tile.u + t * kLanes, u);
      store(tile.delta + t * kLanes, delta);
      store(tile.input + t * kLanes, delta * u);
    }
    return all(bounded);
  }

  // The gate of dy, and what the sums start from. Adds to d_skip, and per step the sum of dy * delta * u to `inputs`.
  void begin_reverse(Tile& tile, float* d_skip, float* inputs) const {
    const SelectiveScanJob& s = j.scan;
    const F skip = s.skip == nullptr ? zero() : load_upto(s.skip + channel, width);
    F sum = load(d_skip);
    for (int64_t t = steps - 1; t >= 0; --t) {
      const F u = load(tile.u + t * kLanes), raw = load_upto(j.dy + (row + t) * j.dy_pitch + channel, width);
      F dy = raw;
      if (s.z != nullptr) {
        const F z = load_upto(s.z + (row + t) * s.z_pitch + channel, width), gate = sigmoid(z);
        dy = raw * (z * gate);
        // What multiplies y in dz: dy * silu'(z).
        store(tile.z + t * kLanes, raw * (gate * fma(z, set(1.0f) - gate, set(1.0f))));
      }
      store(tile.dy + t * kLanes, dy);
      store(tile.y + t * kLanes, s.skip == nullptr ? zero() : skip * u);
      store(tile.sum_b + t * kLanes, zero());
      store(tile.sum_a + t * kLanes, zero());
      sum = fma(dy, u, sum);
      inputs[t] += fovea::FOVEA_ISA_NAMESPACE::sum(dy * load(tile.input + t * kLanes));
    }
    store(d_skip, sum);
  }

  // The states of one group through the tile, as in the forward kernel.
  template <bool Bounded>
  FOVEA_INLINE void advance(const float* decay, float* state, const Tile& tile, const float* b, int64_t states,
                            bool ahead) const {
    F h[kGroup];
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) h[i] = load(state + i * kLanes);
    for (int64_t t = 0; t < steps; ++t, b += states) {
      if (ahead) prefetch<false>(t);
      const F delta = load(tile.delta + t * kLanes), input = load(tile.input + t * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kGroup; ++i) h[i] = fma(exp2<Bounded>(delta * load(decay + i * kLanes)), h[i], input * set(b[i]));
    }
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) store(state + i * kLanes, h[i]);
  }

  // One group of states: recomputes from `checkpoint`, then runs backwards. `carry` holds a_{t+1} g_{t+1} behind the tile and
  // is replaced by that before it; step_sums points at this group's sums of the tile's first step. Of dC = dy h = dy (a h' +
  // input B) only the first part is summed here, see add_inputs.
  template <bool Bounded>
  void reverse(const float* decay, const float* checkpoint, float* carry, float* da, Tile& tile, const Rows& rows, int64_t n,
               int64_t states, float* step_sums) const {
    alignas(64) float decays[kSteps * kGroup * kLanes];  // a_t
    alignas(64) float kept[kSteps * kGroup * kLanes];    // a_t * h_{t-1}: what is left of the state before
    const bool gated = j.dz != nullptr;
    {
      F h[kGroup];
#pragma GCC unroll 8
      for (int i = 0; i < kGroup; ++i) h[i] = load(checkpoint + i * kLanes);
      for (int64_t t = 0; t < steps; ++t) {
        const float *b = rows.b + t * states + n, *c = rows.c + t * states + n;
        const F delta = load(tile.delta + t * kLanes), input = load(tile.input + t * kLanes);
        if (n == 0) prefetch<true>(t);
        F y[2] = {gated ? load(tile.y + t * kLanes) : zero(), zero()};
#pragma GCC unroll 8
        for (int i = 0; i < kGroup; ++i) {
          const F a = exp2<Bounded>(delta * load(decay + i * kLanes)), left = a * h[i];
          store(decays + (t * kGroup + i) * kLanes, a);
          store(kept + (t * kGroup + i) * kLanes, left);
          h[i] = fma(input, set(b[i]), left);
          if (gated) y[i & 1] = fma(h[i], set(c[i]), y[i & 1]);
        }
        if (gated) store(tile.y + t * kLanes, y[0] + y[1]);
      }
    }
    F g[kGroup], sum[kGroup];
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) g[i] = load(carry + i * kLanes), sum[i] = load(da + i * kBlock);
    for (int64_t t = steps - 1; t >= 0; --t) {
      const float *b = rows.b + t * states + n, *c = rows.c + t * states + n;
      const F delta = load(tile.delta + t * kLanes), input = load(tile.input + t * kLanes), dy = load(tile.dy + t * kLanes);
      F sum_b = load(tile.sum_b + t * kLanes), sum_a = load(tile.sum_a + t * kLanes);
      F db[kGroup], dc[kGroup];
#pragma GCC unroll 8
      for (int i = 0; i < kGroup; ++i) {
        const F left = load(kept + (t * kGroup + i) * kLanes), now = fma(dy, set(c[i]), g[i]);
        dc[i] = dy * left;
        db[i] = input * now;
        sum_b = fma(now, set(b[i]), sum_b);
        const F through = now * left;
        sum_a = fma(through, load(decay + i * kLanes), sum_a);
        sum[i] = fma(delta, through, sum[i]);
        g[i] = now * load(decays + (t * kGroup + i) * kLanes);
      }
      add_sums(step_sums + t * 2 * states, db, dc);
      store(tile.sum_b + t * kLanes, sum_b);
      store(tile.sum_a + t * kLanes, sum_a);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) store(carry + i * kLanes, g[i]), store(da + i * kBlock, sum[i]);
  }

  // du, d_delta, dz of the tile; adds to d_delta_bias.
  void end(const Tile& tile, const float* deltas, float* d_bias) const {
    const SelectiveScanJob& s = j.scan;
    const F skip = s.skip == nullptr ? zero() : load_upto(s.skip + channel, width);
    F sum = load(d_bias);
    for (int64_t t = steps - 1; t >= 0; --t) {
      const F delta = load(tile.delta + t * kLanes), u = load(tile.u + t * kLanes), dy = load(tile.dy + t * kLanes);
      const F sum_b = load(tile.sum_b + t * kLanes), sum_a = load(tile.sum_a + t * kLanes);
      const F du = delta * sum_b;
      if (j.du != nullptr)
        store_upto(j.du + (row + t) * j.du_pitch + channel, s.skip == nullptr ? du : fma(dy, skip, du), width);
      F d_delta = fma(sum_a, set(0.69314718056f), u * sum_b);  // the decays in sum_a carry a factor log2 e
      if (s.delta_softplus) d_delta = d_delta * load(deltas + (kSteps + t) * kLanes);
      if (j.d_delta != nullptr) store_upto(j.d_delta + (row + t) * j.d_delta_pitch + channel, d_delta, width);
      sum = sum + d_delta;
      if (j.dz != nullptr)
        store_upto(j.dz + (row + t) * j.dz_pitch + channel, load(tile.z + t * kLanes) * load(tile.y + t * kLanes), width);
    }
    store(d_bias, sum);
  }
};

// The part of dC that has the same factor for all channels: B times the sum of dy * delta * u.
void add_inputs(const Rows& rows, const float* inputs, int64_t steps, int64_t states, float* step_sums) {
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t n = 0; n < states; n += kGroup)
      for (int64_t i = 0; i < kGroup; ++i)
        step_sums[(t * states + n) * 2 + kGroup + i] += rows.b[t * states + n + i] * inputs[t];
}

void load_rows(const SelectiveScanJob& s, int64_t row, int64_t steps, int64_t states, Rows& rows) {
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t n = 0; n < states; ++n) {
      const bool real = n < s.states;
      rows.b[t * states + n] = real ? s.b[(row + t) * s.b_pitch + n] : 0.0f;
      rows.c[t * states + n] = real ? s.c[(row + t) * s.c_pitch + n] : 0.0f;
    }
}

FOVEA_INLINE void clear(float* p, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(p + i, zero());
}

// Tables of a block are [vector of channels][states][kLanes].
void load_table(const float* from, int64_t pitch, int64_t channels, int64_t real, int64_t states, float* to) {
  clear(to, states * kBlock);
  if (from == nullptr) return;
  for (int64_t d = 0; d < channels; d += kLanes)
    transpose(from + d * pitch, pitch, width_at(channels, d), real, to + d * states, kLanes);
}

void scan_block_backward(const SelectiveScanBackwardJob& j, const ScanBackwardScratch& layout, int64_t batch, int64_t block,
                         float* thread) {
  const SelectiveScanJob& s = j.scan;
  float* scratch = static_cast<float*>(j.scratch);
  const int64_t n_all = layout.states, table = n_all * kBlock, task = batch * layout.blocks + block;
  const int64_t first = block * kBlock, rest = s.channels - first, channels = rest < kBlock ? rest : kBlock;
  float *checkpoints = thread, *decay = thread + layout.thread_tables, *carry = decay + table;
  float* step_sums = scratch + layout.step_sums + task * s.length * 2 * n_all;
  float* channel_sums = scratch + layout.channel_sums + task * (n_all + 2) * kBlock;
  float *d_skip = channel_sums + table, *d_bias = d_skip + kBlock;
  const int64_t entry = batch * s.channels + first, last_row = (batch + 1) * s.length - 1;

  load_table(s.a + first * s.a_pitch, s.a_pitch, channels, s.states, n_all, decay);
  alignas(64) float largest[kBlock];
  for (int64_t d = 0; d < channels; d += kLanes) {
    F bound = zero();
    for (int64_t i = d * n_all; i < (d + kLanes) * n_all; i += kLanes) {
      const F a = load(decay + i) * set(kLog2E);
      store(decay + i, a);
      bound = max(abs(a), bound);
    }
    store(largest + d, bound);
  }
  // `carry` holds the running states first.
  load_table(s.state == nullptr ? nullptr : s.state + entry * s.state_pitch, s.state_pitch, channels, s.states, n_all, carry);
  clear(step_sums, s.length * 2 * n_all);
  clear(channel_sums, (n_all + 2) * kBlock);

  const auto deltas_at = [&](int64_t k, int64_t d) { return thread + layout.thread_deltas + (k * kBlock + d) * 2 * kSteps; };
  Tile tile;
  Rows rows;
  for (int64_t k = 0; k < layout.tiles; ++k) {
    __builtin_memcpy(checkpoints + k * table, carry, static_cast<size_t>(table) * sizeof(float));
    const int64_t row = batch * s.length + k * kSteps;
    const int64_t left = s.length - k * kSteps, steps = left < kSteps ? left : kSteps;
    load_rows(s, row, steps, n_all, rows);
    for (int64_t d = 0; d < channels; d += kLanes) {
      const bool across = d + kLanes < channels;
      const Lane lane{
          j, first + d, channels - d, row, steps, across ? row : row + kSteps, across ? first + d + kLanes : first, last_row};
      const bool bounded = lane.begin<false>(tile, deltas_at(k, d), load(largest + d));
      if (k + 1 == layout.tiles) continue;  // its states are recomputed at once
      for (int64_t n = 0; n < n_all; n += kGroup) {
        const int64_t at = (d * n_all) + n * kLanes;
        if (bounded)
          lane.advance<true>(decay + at, carry + at, tile, rows.b + n, n_all, n == 0);
        else
          lane.advance<false>(decay + at, carry + at, tile, rows.b + n, n_all, n == 0);
      }
    }
  }

  load_table(j.d_final == nullptr ? nullptr : j.d_final + entry * j.d_final_pitch, j.d_final_pitch, channels, s.states, n_all,
             carry);
  for (int64_t k = layout.tiles - 1; k >= 0; --k) {
    const int64_t row = batch * s.length + k * kSteps;
    const int64_t left = s.length - k * kSteps, steps = left < kSteps ? left : kSteps;
    load_rows(s, row, steps, n_all, rows);
    float inputs[kSteps] = {};
    for (int64_t d = 0; d < channels; d += kLanes) {
      const bool across = d + kLanes < channels;
      const int64_t before = k > 0 ? row - kSteps : row;
      const Lane lane{j,       first + d, channels - d, row, steps, across ? row : before, across ? first + d + kLanes : first,
                      last_row};
      const bool bounded = lane.begin<true>(tile, deltas_at(k, d), load(largest + d));
      lane.begin_reverse(tile, d_skip + d, inputs);
      for (int64_t n = 0; n < n_all; n += kGroup) {
        const int64_t at = d * n_all + n * kLanes;
        const float* checkpoint = checkpoints + k * table + at;
        float *da = channel_sums + n * kBlock + d, *sums = step_sums + k * kSteps * 2 * n_all + 2 * n;
        if (bounded)
          lane.reverse<true>(decay + at, checkpoint, carry + at, da, tile, rows, n, n_all, sums);
        else
          lane.reverse<false>(decay + at, checkpoint, carry + at, da, tile, rows, n, n_all, sums);
      }
      lane.end(tile, deltas_at(k, d), d_bias + d);
    }
    add_inputs(rows, inputs, steps, n_all, step_sums + k * kSteps * 2 * n_all);
  }
  for (int64_t d = 0; j.d_initial != nullptr && d < channels; d += kLanes)
    transpose(carry + d * n_all, kLanes, s.states, width_at(channels, d), j.d_initial + (entry + d) * j.d_initial_pitch,
              j.d_initial_pitch);
}

// dB and dC of one step: the blocks in order.
void add_steps(const SelectiveScanBackwardJob& j, const ScanBackwardScratch& layout, int64_t row) {
  const SelectiveScanJob& s = j.scan;
  const int64_t batch = row / s.length, t = row % s.length, stride = s.length * 2 * layout.states;
  const float* from =
      static_cast<const float*>(j.scratch) + layout.step_sums + batch * layout.blocks * stride + t * 2 * layout.states;
  alignas(64) float sums[2 * kGroup];
  for (int64_t n = 0; n < s.states; n += kGroup, from += 2 * kGroup) {
    for (int64_t i = 0; i < 2 * kGroup; i += kLanes) {
      F sum = zero();
      for (int64_t k = 0; k < layout.blocks; ++k) sum = sum + load(from + k * stride + i);
      store(sums + i, sum);
    }
    for (int64_t i = 0; i < kGroup && n + i < s.states; ++i) {
      if (j.db != nullptr) j.db[row * j.db_pitch + n + i] = sums[i];
      if (j.dc != nullptr) j.dc[row * j.dc_pitch + n + i] = sums[kGroup + i];
    }
  }
}

// dA, d_skip and d_delta_bias of one block of channels: the batch entries in order.
void add_channels(const SelectiveScanBackwardJob& j, const ScanBackwardScratch& layout, int64_t batch, int64_t block) {
  const SelectiveScanJob& s = j.scan;
  const int64_t size = (layout.states + 2) * kBlock, stride = layout.blocks * size;
  const int64_t first = block * kBlock, rest = s.channels - first, channels = rest < kBlock ? rest : kBlock;
  const float* from = static_cast<const float*>(j.scratch) + layout.channel_sums + block * size;
  alignas(64) float sums[kBlock];
  for (int64_t n = 0; n < layout.states + 2; ++n) {
    if (n >= s.states && n < layout.states) continue;  // padding
    for (int64_t i = 0; i < kBlock; i += kLanes) {
      F sum = zero();
      for (int64_t b = 0; b < batch; ++b) sum = sum + load(from + b * stride + n * kBlock + i);
      store(sums + i, sum);
    }
    float* to = n == layout.states ? j.d_skip : n == layout.states + 1 ? j.d_bias : j.da;
    if (to == nullptr) continue;
    const bool is_state = n < layout.states;
    for (int64_t d = 0; d < channels; ++d) to[is_state ? (first + d) * j.da_pitch + n : first + d] = sums[d];
  }
}

}  // namespace

void selective_scan_backward(const SelectiveScanBackwardJob& j) {
  const SelectiveScanJob& s = j.scan;
  const ScanBackwardScratch layout = scan_backward_scratch(s.batch, s.length, s.channels, s.states, j.threads);
  const int64_t batch = live_rows(s.live, s.batch);
  const ThreadLimit limit(j.threads);
  float* threads = static_cast<float*>(j.scratch) + layout.thread;
  parallel_for(batch * layout.blocks, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t task = begin; task < end; ++task)
      scan_block_backward(j, layout, task / layout.blocks, task % layout.blocks, threads + worker * layout.thread_size);
  });
  if (j.db != nullptr || j.dc != nullptr)
    parallel_for(batch * s.length, 64, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t row = begin; row < end; ++row) add_steps(j, layout, row);
    });
  parallel_for(layout.blocks, 8, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t block = begin; block < end; ++block) add_channels(j, layout, batch, block);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
