// The k largest (smallest) of each row, sorted. A total order makes the result unique, whatever the algorithm: value first,
// then ascending index; NaN behind every number. A key holds both, smaller is better: rank of the value in the upper 32 bits,
// index in the lower.
//
// Helpers are static: every instruction set keeps its own copy (see simd.h).
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

struct TopkJob {
  const float* x;
  float* values;   // or NULL
  void* indices;   // i32 or i64, or NULL
  uint64_t* keys;  // kTopkWorkers buffers of `capacity` keys, each `stride` keys apart
  int64_t rows, columns, k;
  int64_t capacity, stride;
  int64_t x_pitch, values_pitch, indices_pitch;
  const int32_t* live;  // leading rows that carry data
  int64_t leading;      // size of the leading dimension
  bool row_is_leading;  // rank 1: live limits the candidates
  bool wide;            // i64
  bool smallest;
};

// Most threads that work on the rows of one call; sizes the workspace without looking at the pool.
inline constexpr int32_t kTopkWorkers = 16;

// -0 equals +0; NaN gets the largest rank. Otherwise the usual monotonic map of float bits.
static inline uint64_t topk_key(float x, int64_t index, bool smallest) {
  uint32_t rank = UINT32_MAX;
  if (x == x) {
    const auto bits = __builtin_bit_cast(uint32_t, x + 0.0f);
    rank = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;  // ascending
    if (!smallest) rank = ~rank;
  }
  return uint64_t{rank} << 32 | static_cast<uint64_t>(index);
}

// Moves the best k of count keys to the front, unsorted.
void topk_select(uint64_t* keys, int64_t count, int64_t k);
// Sorts `k` keys and writes the row's outputs.
void topk_finish(const TopkJob& j, int64_t row, uint64_t* keys, int64_t k);

}  // namespace fovea
