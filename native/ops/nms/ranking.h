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
// The score of a key, bit for bit except that -0 comes back as +0.
[[gnu::always_inline]] inline float rank_score(uint64_t key) {
  const auto descending = static_cast<uint32_t>(key >> 32);
  return __builtin_bit_cast(float, (descending & 0x80000000u) != 0 ? descending : ~descending & 0x7FFFFFFFu);
}

// Sorts keys ascending. They must arrive with ascending indices: the sort is stable and looks at the high halves only.
// `scratch` has room for n keys; the result is in `keys`.
void sort_ranked(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept;

// Keeps the `best` smallest keys in front, in the order in which they arrived. `scratch` has room for n keys.
void select_ranked(uint64_t* keys, uint64_t* scratch, int64_t n, int64_t best) noexcept;

// order[r] = class << 32 | position of a key in `keys`: classes ascending, in a class the keys in their order. NULL for classes
// is one class. `order` and `scratch` have room for n.
void order_by_class(const int32_t* classes, const uint64_t* keys, int64_t n, uint64_t* order, uint64_t* scratch) noexcept;

// Keys in ascending order, a run at a time. One pass spreads them over buckets of equal width in the range they occupy; a
// bucket is sorted when its turn comes, so a caller that stops early has sorted little more than it used. Keys must arrive
// with ascending indices; both arrays have room for n keys and belong to the queue.
class RankedQueue {
 public:
  RankedQueue(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept;
  // The next keys; false behind the last.
  bool next(const uint64_t** run, int64_t* length) noexcept;

 private:
  static constexpr int64_t kBuckets = 2048;
  uint64_t *ordered_, *scratch_;
  int64_t begin_ = 0, bucket_ = 0, buckets_ = 1;
  uint32_t end_[kBuckets];  // where each bucket ends in ordered_
};

}  // namespace fovea
