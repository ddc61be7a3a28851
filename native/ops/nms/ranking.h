// Ranking by score: 64-bit keys whose ascending order is score descending, then index ascending.
#pragma once

#include <cstdint>

namespace fovea {

// High half: the score's bits, made monotone and inverted; low half: the index. -0 ranks as +0. The score must not be NaN.
[[gnu::always_inline]] inline uint64_t rank_key(float score, uint32_t index) {
  const uint32_t raw = __builtin_bit_cast(uint32_t, score + 0.0f);
  const uint32_t descending = (raw & 0x80000000u) != 0 ? raw : ~(raw | 0x80000000u);
  return static_cast<uint64_t>(descending) << 32 | index;
}
[[gnu::always_inline]] inline int64_t rank_index(uint64_t key) { return static_cast<int64_t>(key & 0xFFFFFFFFu); }

// Sorts keys ascending. They must arrive with ascending indices: the sort is stable and looks at the high halves only.
// `scratch` has room for n keys; the result is in `keys`.
void sort_ranked(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept;

}  // namespace fovea
