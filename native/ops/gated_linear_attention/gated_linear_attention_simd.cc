// Lanes are columns of the memory. A task is a block of columns of one head; it works in the caller's state, or in a table on
// the stack, and goes through the keys in their order, so that neither the cut of a sequence nor the block changes a bit.
#include "core/thread_pool.h"
#include "ops/gated_linear_attention/decay_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int kVectors = 4;  // columns of a block: as many chains of fma
inline constexpr int64_t kColumns = kVectors * kLanes;
inline constexpr int64_t kWork = 65536;  // multiply-adds per chunk of the pool, at least

// A block of Count vectors, the last of which may be partial: `width` columns are real.
template <int Count>
struct Block {
  int64_t width;

  FOVEA_INLINE F get(const float* p, int i) const { return load_upto(p + i * kLanes, width - i * kLanes); }
  FOVEA_INLINE void put(float* p, int i, F x) const { store_upto(p + i * kLanes, x, width - i * kLanes); }

  FOVEA_INLINE void step(const GatedAttentionJob& j, int64_t row, int64_t first, const float* decay, const float* bonus,
                         float* state, int64_t pitch) const {
    const float *q = j.q + row * j.q_pitch, *k = j.k + row * j.k_pitch;
    F v[Count], o[Count], removed[Count];
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) v[i] = get(j.v + row * j.v_pitch + first, i), o[i] = removed[i] = zero();
    const float *removal = nullptr, *replacement = nullptr;
    if (j.removal != nullptr) {
      removal = j.removal + row * j.removal_pitch, replacement = j.replacement + row * j.replacement_pitch;
      for (int64_t d = 0; d < j.keys; ++d)
#pragma GCC unroll 4
        for (int i = 0; i < Count; ++i) removed[i] = fma(set(removal[d]), get(state + d * pitch, i), removed[i]);
    }
    float now = 0;  // of q * bonus * k
    for (int64_t d = 0; d < j.keys; ++d) {
      float* s = state + d * pitch;
      const F query = set(q[d]), key = set(k[d]), keep = set(decay[d]);
      if (bonus != nullptr) now += q[d] * bonus[d] * k[d];
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) {
        const F before = get(s, i);
        F after = fma(keep, before, key * v[i]);
        if (removal != nullptr) after = fma(set(replacement[d]), removed[i], after);
        put(s, i, after);
        o[i] = fma(query, bonus == nullptr ? after : before, o[i]);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) put(j.o + row * j.o_pitch + first, i, bonus == nullptr ? o[i] : fma(set(now), v[i], o[i]));
  }
};

template <int Count>
void attend(const GatedAttentionJob& j, int64_t b, int64_t head, int64_t first) {
  alignas(64) float zeros[kMaxGatedKeys * Count * kLanes];
  alignas(64) float decay[kMaxGatedKeys];
  float* state = zeros;
  int64_t pitch = Count * kLanes;
  if (j.state != nullptr) {
    state = j.state + (b * j.heads + head) * j.keys * j.state_pitch + first, pitch = j.state_pitch;
  } else {
    for (int64_t i = 0; i < j.keys * pitch; i += kLanes) store(zeros + i, zero());
  }
  const Block<Count> block{j.values - first};
  const float* bonus = j.bonus == nullptr ? nullptr : j.bonus + head * j.bonus_pitch;
  for (int64_t t = 0; t < j.length; ++t) {
    const int64_t row = j.row(b, t, head);
    if (t == 0 || (j.log_decay != nullptr && !j.constant_decay)) fill_decays(j, row, decay);
    block.step(j, row, first, decay, bonus, state, pitch);
  }
}

}  // namespace

void gated_linear_attention(const GatedAttentionJob& j) {
  const int64_t blocks = (j.values + kColumns - 1) / kColumns;
  const int64_t work = j.length * (j.keys + 1) * kColumns;
  parallel_for(live_rows(j.live, j.batch) * j.heads * blocks, kWork / work + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kColumns, head = task / blocks % j.heads, b = task / blocks / j.heads;
      const int64_t rest = j.values - first;
      if (rest > 3 * kLanes)
        attend<kVectors>(j, b, head, first);
      else if (rest > 2 * kLanes)
        attend<3>(j, b, head, first);
      else if (rest > kLanes)
        attend<2>(j, b, head, first);
      else
        attend<1>(j, b, head, first);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
