// Insertion sort for a handful of keys, else a least-significant-digit radix sort of the score halves. Passes whose digit is
// the same in all keys are skipped.
#include "ops/nms/ranking.h"

#include <cstring>

namespace fovea {
namespace {

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

}  // namespace

void sort_ranked(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept {
  // The radix sort's fixed cost, four tables of 256, is that of about 48 insertions. Three passes over 24 KB of tables beat
  // four over 4 KB from about two thousand keys.
  constexpr int64_t kFew = 48, kMany = 2048;
  if (n > kMany) return radix_sort<3, 11>(keys, scratch, n);
  if (n > kFew) return radix_sort<4, 8>(keys, scratch, n);
  for (int64_t i = 1; i < n; ++i) {
    const uint64_t key = keys[i];
    int64_t j = i;
    for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

}  // namespace fovea
