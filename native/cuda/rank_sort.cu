// Bitonic sort of key lists. Up to kChunk keys are sorted in shared memory; longer lists need a launch for every step between
// chunks. The launches depend on the capacity only; blocks beyond the real count of their list leave at once.
#include "cuda/rank_sort.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int32_t kChunk = 4096;  // keys, 32 KB of shared memory

struct Chunk {
  uint64_t* keys;
  int64_t first, count, padded;  // place in the list; keys of the list, and that as a power of 2
};

FOVEA_DEVICE Chunk chunk_of(const KeyLists& l, int64_t block, int64_t chunks) {
  const int64_t list = block / chunks, first = block % chunks * kChunk, count = l.counts[list];
  return {l.keys + list * l.stride + first, first, count, next_power(count)};
}

// Sorts every chunk, those with an odd number downwards, and fills the list up to a power of 2.
__global__ void __launch_bounds__(kThreads) sort_chunks_kernel(KeyLists l, int64_t chunks) {
  __shared__ uint64_t keys[kChunk];
  const Chunk c = chunk_of(l, blockIdx.x, chunks);
  const int32_t size = static_cast<int32_t>(c.padded < kChunk ? c.padded : kChunk);
  if (c.first >= c.padded || c.count < 2) return;  // the whole block
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < size; i += kThreads)
    keys[i] = c.first + i < c.count ? c.keys[i] : kNoKey;
  block_sort(keys, size, c.first);
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < size; i += kThreads) c.keys[i] = keys[i];
}

// The steps of one run length whose pairs lie within a chunk.
__global__ void __launch_bounds__(kThreads) merge_chunks_kernel(KeyLists l, int64_t chunks, int64_t run) {
  __shared__ uint64_t keys[kChunk];
  const Chunk c = chunk_of(l, blockIdx.x, chunks);
  if (run > c.padded || c.first >= c.padded) return;  // the whole block
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < kChunk; i += kThreads) keys[i] = c.keys[i];
  bitonic_steps(keys, kChunk, c.first, run, kChunk / 2, false);
  __syncthreads();
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < kChunk; i += kThreads) c.keys[i] = keys[i];
}

// One step between chunks: a block takes the pairs that start in a chunk.
__global__ void __launch_bounds__(kThreads) exchange_chunks_kernel(KeyLists l, int64_t chunks, int64_t run, int64_t distance) {
  const Chunk c = chunk_of(l, blockIdx.x, chunks);
  if (run > c.padded || c.first >= c.padded || (c.first & distance) != 0) return;
  const bool ascending = (c.first & run) == 0;
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < kChunk; i += kThreads) {
    const uint64_t a = c.keys[i], b = c.keys[i + distance];
    if ((a > b) == ascending) c.keys[i] = b, c.keys[i + distance] = a;
  }
}

// Where the running sum of 256 bins reaches `wanted`, found by one warp: the bin and what is wanted of it.
FOVEA_DEVICE void find_bin(const uint32_t* bins, int64_t wanted, int32_t* bin, int64_t* rest) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int64_t mine = 0;
  for (int b = 0; b < 8; ++b) mine += bins[lane * 8 + b];
  int64_t through = mine;
  for (int step = 1; step < 32; step *= 2) {
    const int64_t before = __shfl_up_sync(~0u, through, static_cast<unsigned>(step));
    if (lane >= step) through += before;
  }
  if (through < wanted || through - mine >= wanted) return;  // one lane is left
  int64_t left = wanted - (through - mine);
  int b = lane * 8;
  for (; bins[b] < left; ++b) left -= bins[b];
  *bin = b, *rest = left;
}

__global__ void __launch_bounds__(kThreads)
    select_kernel(KeyLists l, int64_t limit, uint64_t* best, int32_t* best_counts, int64_t best_stride) {
  __shared__ uint32_t bins[256];
  __shared__ int32_t bin, used;
  __shared__ int64_t rest;
  const int64_t list = blockIdx.x, count = l.counts[list];
  const int32_t tid = static_cast<int32_t>(threadIdx.x);
  const uint64_t* keys = l.keys + list * l.stride;
  uint64_t last = count > limit ? 0 : kNoKey;  // the largest key that is wanted, from its highest digit on
  int64_t wanted = limit;
  for (int shift = 56; count > limit && shift >= 0; shift -= 8) {
    if (tid < 256) bins[tid] = 0;
    __syncthreads();
    for (int64_t i = tid; i < count; i += kThreads)
      if (shift == 56 || keys[i] >> (shift + 8) == last) atomicAdd(&bins[keys[i] >> shift & 255], 1u);
    __syncthreads();
    if (tid < 32) find_bin(bins, wanted, &bin, &rest);
    __syncthreads();
    last = last << 8 | static_cast<uint64_t>(bin);
    wanted = rest;
    __syncthreads();
  }
  if (tid == 0) used = 0;
  __syncthreads();
  for (int64_t first = 0; first < count; first += kThreads) {
    const uint64_t key = first + tid < count ? keys[first + tid] : kNoKey;
    append_key(first + tid < count && key <= last, key, best + list * best_stride, &used);
  }
  __syncthreads();
  if (tid == 0) best_counts[list] = used;
}

}  // namespace

cudaError_t select_keys(const KeyLists& lists, int64_t limit, uint64_t* best, int32_t* best_counts, int64_t best_stride,
                        cudaStream_t stream) {
  return launch(select_kernel, static_cast<unsigned>(lists.lists), kThreads, 0, stream, lists, limit, best, best_counts,
                best_stride);
}

Ranked rank_keys(uint64_t* keys, int32_t* counts, int64_t capacity, int64_t limit, cudaStream_t stream) {
  const int64_t stride = key_stride(capacity);
  if (capacity <= kShortList || limit >= capacity || limit < 1)
    return {keys, counts, sort_keys({keys, counts, 1, capacity, stride}, stream)};
  uint64_t* const best = keys + stride;
  cudaError_t error = select_keys({keys, counts, 1, capacity, stride}, limit, best, counts + 1, 0, stream);
  if (error == cudaSuccess) error = sort_keys({best, counts + 1, 1, limit, key_stride(limit)}, stream);
  return {best, counts, error};
}

cudaError_t sort_keys(const KeyLists& lists, cudaStream_t stream) {
  if (lists.lists == 0 || lists.capacity < 2) return cudaSuccess;
  const int64_t padded = key_stride(lists.capacity), chunks = padded <= kChunk ? 1 : padded / kChunk;
  const auto grid = static_cast<unsigned>(lists.lists * chunks);
  cudaError_t error = launch(sort_chunks_kernel, grid, kThreads, 0, stream, lists, chunks);
  for (int64_t run = 2 * kChunk; run <= padded && error == cudaSuccess; run *= 2) {
    for (int64_t distance = run / 2; distance >= kChunk && error == cudaSuccess; distance /= 2)
      error = launch(exchange_chunks_kernel, grid, kThreads, 0, stream, lists, chunks, run, distance);
    if (error == cudaSuccess) error = launch(merge_chunks_kernel, grid, kThreads, 0, stream, lists, chunks, run);
  }
  return error;
}

}  // namespace fovea::cuda
