// Insertion sort for a handful of keys, else a least-significant-digit radix sort of the score halves: four passes of one
// byte, minus those whose byte is the same in all keys (scores in [0.5, 1) share their top byte).
#include "ops/nms/ranking.h"

#include <cstring>

namespace fovea {

void sort_ranked(uint64_t* keys, uint64_t* scratch, int64_t n) noexcept {
  constexpr int64_t kFew = 48;  // the radix sort's fixed cost (four tables of 256) is that of about 48 insertions
  if (n <= kFew) {
    for (int64_t i = 1; i < n; ++i) {
      const uint64_t key = keys[i];
      int64_t j = i;
      for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
      keys[j] = key;
    }
    return;
  }
  uint32_t start[4][256] = {};
  for (int64_t i = 0; i < n; ++i)
    for (int digit = 0; digit < 4; ++digit) ++start[digit][keys[i] >> (32 + 8 * digit) & 255];
  uint64_t *from = keys, *to = scratch;
  for (int digit = 0; digit < 4; ++digit) {
    uint32_t* bucket = start[digit];
    const int shift = 32 + 8 * digit;
    if (bucket[from[0] >> shift & 255] == static_cast<uint32_t>(n)) continue;
    uint32_t at = 0;
    for (int value = 0; value < 256; ++value) {
      const uint32_t size = bucket[value];
      bucket[value] = at;
      at += size;
    }
    for (int64_t i = 0; i < n; ++i) to[bucket[from[i] >> shift & 255]++] = from[i];
    uint64_t* const swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) std::memcpy(keys, from, static_cast<size_t>(n) * sizeof *keys);
}

}  // namespace fovea
