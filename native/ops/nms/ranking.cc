// Insertion sort for a handful of keys, else a least-significant-digit radix sort of the score halves. Passes whose digit is
// the same in all keys are skipped.
#include "ops/nms/ranking.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fovea {
namespace {

// The radix sort's fixed cost, four tables of 256, is that of about 48 insertions. Three passes over 24 KB of tables beat four
// over 4 KB from about two thousand keys.
constexpr int64_t kFew = 48, kMany = 2048;

template <int kDigits, int kBits>
void radix_sort(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept {
  static_assert(kDigits * kBits >= 32);
  constexpr uint32_t kValues = 1u << kBits;
  uint32_t buckets[kDigits][kValues] = {};
  for (int64_t i = 0; i < n; ++i)
    for (int digit = 0; digit < kDigits; ++digit) ++buckets[digit][keys[i] >> (32 + kBits * digit) & (kValues - 1)];
  uint64_t *from = keys, *to = scratch;
  for (int digit = 0; digit < kDigits; ++digit) {
    uint32_t* bucket = buckets[digit];
    const int shift = 32 + kBits * digit;
    if (bucket[from[0] >> shift & (kValues - 1)] == static_cast<uint32_t>(n)) continue;
    uint32_t at = 0;
    for (uint32_t value = 0; value < kValues; ++value) {
      const uint32_t size = bucket[value];
      bucket[value] = at;
      at += size;
    }
    for (int64_t i = 0; i < n; ++i) to[bucket[from[i] >> shift & (kValues - 1)]++] = from[i];
    uint64_t* const swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) std::memcpy(keys, from, static_cast<size_t>(n) * sizeof *keys);
}

// The range that the score halves occupy, cut into at most 2^bits buckets of equal width.
struct Buckets {
  uint32_t lowest;
  int shift;
  int64_t count;

  Buckets(const uint64_t* keys, int64_t n, int bits) noexcept {
    uint64_t low = keys[0], high = keys[0];
    for (int64_t i = 1; i < n; ++i) {
      low = std::min(low, keys[i]);
      high = std::max(high, keys[i]);
    }
    lowest = static_cast<uint32_t>(low >> 32);
    const uint32_t range = static_cast<uint32_t>(high >> 32) - lowest;
    shift = std::max(0, static_cast<int>(std::bit_width(range)) - bits);
    count = static_cast<int64_t>(range >> shift) + 1;
  }
  uint32_t of(uint64_t key) const noexcept { return (static_cast<uint32_t>(key >> 32) - lowest) >> shift; }
};

}  // namespace

void sort_ranked(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept {
  if (n > kMany) return radix_sort<3, 11>(keys, scratch, n);
  if (n > kFew) return radix_sort<4, 8>(keys, scratch, n);
  for (int64_t i = 1; i < n; ++i) {
    const uint64_t key = keys[i];
    int64_t j = i;
    for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

void select_ranked(uint64_t* keys, uint64_t* scratch, int64_t n, int64_t best) noexcept {
  if (best >= n || best <= 0) return;
  constexpr int kBits = 11;
  const Buckets buckets(keys, n, kBits);
  uint32_t sizes[1 << kBits] = {};
  for (int64_t i = 0; i < n; ++i) ++sizes[buckets.of(keys[i])];
  // The bucket in which the last of the best lies, and how many of them lie before it.
  int64_t before = 0;
  uint32_t last = 0;
  for (; before + sizes[last] < best; ++last) before += sizes[last];
  int64_t doubtful = 0;
  for (int64_t i = 0; i < n; ++i)
    if (buckets.of(keys[i]) == last) scratch[doubtful++] = keys[i];
  std::nth_element(scratch, scratch + (best - before - 1), scratch + doubtful);
  const uint64_t worst = scratch[best - before - 1];
  int64_t kept = 0;
  for (int64_t i = 0; i < n; ++i)
    if (keys[i] <= worst) keys[kept++] = keys[i];  // keys are unique: exactly `best` of them
}

void order_by_class(const int32_t* classes, const uint64_t* keys, int64_t n, uint64_t* order, uint64_t* scratch) noexcept {
  for (int64_t r = 0; r < n; ++r) {
    const uint32_t label = classes == nullptr ? 0u : static_cast<uint32_t>(classes[rank_index(keys[r])]);
    order[r] = static_cast<uint64_t>(label) << 32 | static_cast<uint32_t>(r);
  }
  if (classes != nullptr) sort_ranked(order, scratch, n);
}

RankedQueue::RankedQueue(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept : ordered_(keys), scratch_(scratch) {
  end_[0] = static_cast<uint32_t>(n);
  if (n <= kFew) return;
  // More buckets than keys where the table allows it: sorting a bucket of two costs a mispredicted branch every other time.
  const Buckets buckets(keys, n, std::min(static_cast<int>(std::bit_width(static_cast<uint64_t>(n))) + 1, 11));
  buckets_ = buckets.count;
  std::memset(end_, 0, static_cast<size_t>(buckets_) * sizeof end_[0]);
  for (int64_t i = 0; i < n; ++i) ++end_[buckets.of(keys[i])];
  uint32_t at = 0;
  for (int64_t b = 0; b < buckets_; ++b) {
    const uint32_t size = end_[b];
    end_[b] = at;
    at += size;
  }
  for (int64_t i = 0; i < n; ++i) scratch[end_[buckets.of(keys[i])]++] = keys[i];
  std::swap(ordered_, scratch_);
}

bool RankedQueue::next(const uint64_t** run, int64_t* length) noexcept {
  while (bucket_ < buckets_) {
    const int64_t begin = begin_;
    int64_t end = end_[bucket_++];
    // Buckets are in order: insertion sort takes several small ones at once for the price of each.
    while (bucket_ < buckets_ && end_[bucket_] - begin <= kFew) end = end_[bucket_++];
    if (begin == end) continue;
    sort_ranked(ordered_ + begin, scratch_ + begin, end - begin);
    *run = ordered_ + begin;
    *length = end - begin;
    begin_ = end;
    return true;
  }
  return false;
}

}  // namespace fovea
