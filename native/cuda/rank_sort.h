// Ranking on the device: 64-bit keys that are unique and sort ascending, and lists of them whose lengths only the device knows.
//
// Keys may be appended in any order: they are unique, so the sorted list does not depend on it.
#pragma once

#include "cuda/kernel.h"

namespace fovea::cuda {

inline constexpr uint64_t kNoKey = UINT64_MAX;  // behind every key

// Score descending, then index ascending; -0 ranks as +0 (ranking.h, topk.h). NaN ranks behind every number.
FOVEA_DEVICE uint64_t descending_key(float score, int64_t index) {
  uint32_t rank = UINT32_MAX;
  if (score == score) {
    const uint32_t raw = __float_as_uint(score + 0.0f);
    rank = (raw & 0x80000000u) != 0 ? raw : ~(raw | 0x80000000u);
  }
  return uint64_t{rank} << 32 | static_cast<uint32_t>(index);
}
FOVEA_DEVICE uint64_t ascending_key(float score, int64_t index) {
  uint32_t rank = UINT32_MAX;
  if (score == score) {
    const uint32_t raw = __float_as_uint(score + 0.0f);
    rank = (raw & 0x80000000u) != 0 ? ~raw : raw | 0x80000000u;
  }
  return uint64_t{rank} << 32 | static_cast<uint32_t>(index);
}
FOVEA_DEVICE int64_t key_index(uint64_t key) { return static_cast<int64_t>(key & 0xFFFFFFFFu); }

// Appends the keys of the lanes with `passes` to a list. All lanes of a warp call it.
FOVEA_DEVICE void append_key(bool passes, uint64_t key, uint64_t* keys, int32_t* count) {
  const unsigned lanes = __ballot_sync(~0u, passes), lane = threadIdx.x % 32;
  int32_t at = 0;
  if (lane == 0 && lanes != 0) at = atomicAdd(count, __popc(lanes));
  at = __shfl_sync(~0u, at, 0);
  if (passes) keys[at + __popc(lanes & ((1u << lane) - 1u))] = key;
}

// Compares and exchanges elements i and i + distance of `size` (a power of 2) elements for every such pair. `first` is the
// place of keys[0] in the whole sequence: runs of `run` elements there alternate between ascending and descending.
FOVEA_DEVICE void bitonic_step(uint64_t* keys, int32_t size, int64_t first, int64_t run, int32_t distance) {
  for (int32_t t = static_cast<int32_t>(threadIdx.x); t < size / 2; t += static_cast<int32_t>(blockDim.x)) {
    const int32_t i = (t & ~(distance - 1)) << 1 | (t & (distance - 1));
    const uint64_t a = keys[i], b = keys[i + distance];
    if ((a > b) == (((first + i) & run) == 0)) keys[i] = b, keys[i + distance] = a;
  }
}

// The steps of one run length from `distance` down. Begins with a barrier. Up to distance 32 the pairs of a warp lie in
// segments of 64 keys that no other warp touches: between such steps its own barrier is enough.
FOVEA_DEVICE void bitonic_steps(uint64_t* keys, int32_t size, int64_t first, int64_t run, int32_t distance, bool after_near) {
  const bool works = static_cast<int32_t>(threadIdx.x & ~31u) < size / 2;  // the whole warp
  for (; distance > 0; distance /= 2) {
    if (distance > 32 || !after_near)
      __syncthreads();
    else if (works)
      __syncwarp();
    bitonic_step(keys, size, first, run, distance);
    after_near = distance <= 32;
  }
}

// Sorts `size` (a power of 2) keys in shared memory with the whole block. Ends with a barrier.
FOVEA_DEVICE void block_sort(uint64_t* keys, int32_t size, int64_t first = 0) {
  for (int32_t run = 2; run <= size; run *= 2) bitonic_steps(keys, size, first, run, run / 2, run > 2);
  __syncthreads();
}

// The smallest power of 2 that is not below n, at least 1.
FOVEA_DEVICE int64_t next_power(int64_t n) {
  int64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

// Lists of up to `capacity` keys, `stride` apart. counts[l] keys of list l are there, unsorted.
struct KeyLists {
  uint64_t* keys;
  const int32_t* counts;
  int64_t lists, capacity, stride;
};

// Room for a list of up to n keys: a bitonic sort works on a power of 2.
inline int64_t key_stride(int64_t n) {
  int64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

// Longer lists are worth a selection before they are sorted.
inline constexpr int64_t kShortList = 4096;

// Enqueues a copy of the `limit` smallest keys of every list, in any order, to `best` [lists][best_stride] and of their number
// to best_counts. One block per list finds the last of them, a digit at a time.
cudaError_t select_keys(const KeyLists& lists, int64_t limit, uint64_t* best, int32_t* best_counts, int64_t best_stride,
                        cudaStream_t stream);

// Enqueues the ranking of the `limit` smallest keys of one list of up to `capacity`: returns where they will lie, ascending.
// `keys` has room for ranked_bytes(capacity), counts for 2; counts[0] is the list's, and the result's number may exceed limit.
struct Ranked {
  const uint64_t* keys;
  const int32_t* count;
  cudaError_t error;
};
inline int64_t ranked_bytes(int64_t capacity) { return key_stride(capacity) * 8 * (capacity > kShortList ? 2 : 1); }
Ranked rank_keys(uint64_t* keys, int32_t* counts, int64_t capacity, int64_t limit, cudaStream_t stream);

// Enqueues the sort of all lists, ascending. What lies behind a list's count afterwards is kNoKey or was never touched.
cudaError_t sort_keys(const KeyLists& lists, cudaStream_t stream);

}  // namespace fovea::cuda
