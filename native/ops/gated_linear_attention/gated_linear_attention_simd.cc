// Lanes are columns of the memory. A task is a block of columns of one head; it works in the caller's state where all columns
// of the block are real, else in a table on the stack, and goes through the keys in their order, so that neither the cut of a
// sequence nor the block changes a bit.
#include "core/thread_pool.h"
#include "ops/gated_linear_attention/decay_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int kVectors = 4;  // of a block: as many chains of fma
inline constexpr int64_t kColumns = kVectors * kLanes;
inline constexpr int64_t kWork = 65536;  // multiply-adds per chunk of the pool, at least

// Columns [first, first + width) of a head, in Count vectors of which the last may be partial.
struct Block {
  const GatedAttentionJob& j;
  int64_t b, head, first, width;

  FOVEA_INLINE F get(const float* p, int i) const { return load_upto(p + i * kLanes, width - i * kLanes); }
  FOVEA_INLINE void put(float* p, int i, F x) const { store_upto(p + i * kLanes, x, width - i * kLanes); }
};

// The weight of the value of this position in what is read: q . (bonus * k).
FOVEA_INLINE float own_weight(const float* q, const float* bonus, const float* k, int64_t keys) {
  F total = zero();
  for (int64_t d = 0; d < keys; d += kLanes) {
    const int64_t rest = keys - d;
    total = fma(load_upto(q + d, rest) * load_upto(bonus + d, rest), load_upto(k + d, rest), total);
  }
  return sum(total);
}

template <int Count, bool Bonus, bool Delta>
FOVEA_INLINE void step(const Block& block, int64_t row, const float* decay, float* state, int64_t pitch) {
  const GatedAttentionJob& j = block.j;
  const float *q = j.q + row * j.q_pitch, *k = j.k + row * j.k_pitch;
  F v[Count], o[Count], removed[Count];
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) v[i] = block.get(j.v + row * j.v_pitch + block.first, i), o[i] = removed[i] = zero();
  const float* replacement = nullptr;
  if constexpr (Delta) {
    const float* removal = j.removal + row * j.removal_pitch;
    replacement = j.replacement + row * j.replacement_pitch;
    for (int64_t d = 0; d < j.keys; ++d)
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) removed[i] = fma(set(removal[d]), load(state + d * pitch + i * kLanes), removed[i]);
  }
  for (int64_t d = 0; d < j.keys; ++d) {
    float* s = state + d * pitch;
    const F query = set(q[d]), key = set(k[d]), keep = set(decay[d]);
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) {
      const F before = load(s + i * kLanes);
      F after = fma(keep, before, key * v[i]);
      if constexpr (Delta) after = fma(set(replacement[d]), removed[i], after);
      store(s + i * kLanes, after);
      o[i] = fma(query, Bonus ? before : after, o[i]);
    }
  }
  if constexpr (Bonus) {
    const F now = set(own_weight(q, j.bonus + block.head * j.bonus_pitch, k, j.keys));
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) o[i] = fma(now, v[i], o[i]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) block.put(j.o + row * j.o_pitch + block.first, i, o[i]);
}

template <int Count, bool Bonus, bool Delta>
void run(const Block& block, float* state, int64_t pitch) {
  const GatedAttentionJob& j = block.j;
  alignas(64) float decay[kMaxGatedKeys];
  for (int64_t t = 0; t < j.length; ++t) {
    const int64_t row = j.row(block.b, t, block.head);
    if (t == 0 || (j.log_decay != nullptr && !j.constant_decay)) fill_decays(j, row, decay);
    step<Count, Bonus, Delta>(block, row, decay, state, pitch);
  }
}

template <int Count>
void run_any(const Block& block, float* state, int64_t pitch) {
  const bool bonus = block.j.bonus != nullptr, delta = block.j.removal != nullptr;
  if (bonus && delta)
    run<Count, true, true>(block, state, pitch);
  else if (bonus)
    run<Count, true, false>(block, state, pitch);
  else if (delta)
    run<Count, false, true>(block, state, pitch);
  else
    run<Count, false, false>(block, state, pitch);
}

template <int Count>
void attend(const Block& block) {
  const GatedAttentionJob& j = block.j;
  float* carried =
      j.state == nullptr ? nullptr : j.state + (block.b * j.heads + block.head) * j.keys * j.state_pitch + block.first;
  if (carried != nullptr && block.width >= Count * kLanes) return run_any<Count>(block, carried, j.state_pitch);
  alignas(64) float table[kMaxGatedKeys * Count * kLanes];
  constexpr int64_t kPitch = Count * kLanes;
  for (int64_t d = 0; d < j.keys; ++d)
    for (int i = 0; i < Count; ++i)
      store(table + d * kPitch + i * kLanes, carried == nullptr ? zero() : block.get(carried + d * j.state_pitch, i));
  run_any<Count>(block, table, kPitch);
  for (int64_t d = 0; carried != nullptr && d < j.keys; ++d)
    for (int i = 0; i < Count; ++i) block.put(carried + d * j.state_pitch, i, load(table + d * kPitch + i * kLanes));
}

}  // namespace

void gated_linear_attention(const GatedAttentionJob& j) {
  const int64_t blocks = (j.values + kColumns - 1) / kColumns;
  const int64_t work = j.length * (j.keys + 1) * kColumns;
  parallel_for(live_rows(j.live, j.batch) * j.heads * blocks, kWork / work + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kColumns, head = task / blocks % j.heads, b = task / blocks / j.heads;
      const int64_t rest = j.values - first;
      const Block block{j, b, head, first, rest};
      if (rest > 3 * kLanes)
        attend<kVectors>(block);
      else if (rest > 2 * kLanes)
        attend<3>(block);
      else if (rest > kLanes)
        attend<2>(block);
      else
        attend<1>(block);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
