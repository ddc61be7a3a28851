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
  for (int32_t distance = kChunk / 2; distance > 0; distance /= 2) {
    __syncthreads();
    bitonic_step(keys, kChunk, c.first, run, distance);
  }
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

}  // namespace

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
