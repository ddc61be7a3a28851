// The sums of channel_sums.h: a block of threads for each block of rows and tile of channels, then a thread per channel.
#pragma once

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/layer_norm/moments_device.h"
#include "ops/layer_norm_backward/channel_sums.h"

namespace fovea::cuda {
namespace {

constexpr int kSumThreads = 256, kSumColumns = 32, kSumSlices = kSumThreads / kSumColumns;

template <class T>
struct ChannelSumsView {
  const T* x;
  const T* dy;
  int64_t x_pitch, dy_pitch, channels;
  int64_t leading, inner;        // leading * inner rows
  const int32_t* live;           // of the leading dimension, or NULL
  const int32_t* live_channels;  // those behind it are not read and have the gradient 0; or NULL
  ChannelSums sums;
};

// moments_of(row, channel) tells how x was normalised. Slice s of a block of threads takes rows s, s + kSumSlices, ..
template <class T, class MomentsOf>
__global__ void __launch_bounds__(kSumThreads) channel_sums_kernel(ChannelSumsView<T> v, MomentsOf moments_of) {
  __shared__ double plain[kSumSlices][kSumColumns], weighted[kSumSlices][kSumColumns];
  const int column = int(threadIdx.x) % kSumColumns, slice = int(threadIdx.x) / kSumColumns;
  const int64_t rows = live_count(v.live, v.leading) * v.inner, begin = int64_t{blockIdx.y} * v.sums.block_rows;
  const int64_t end = begin + v.sums.block_rows < rows ? begin + v.sums.block_rows : rows;
  const int64_t channels = live_count(v.live_channels, v.channels);
  for (int64_t first = int64_t{blockIdx.x} * kSumColumns; first < v.channels; first += int64_t{gridDim.x} * kSumColumns) {
    const int64_t c = first + column;
    double a = 0, b = 0;
    for (int64_t r = begin + slice; r < end && c < channels; r += kSumSlices) {
      const Moments m = moments_of(r, c);
      const double d = double(to_float(v.dy[r * v.dy_pitch + c]));
      a += d;
      b += d * (double(to_float(v.x[r * v.x_pitch + c])) - m.mean) * m.rstd;
    }
    __syncthreads();  // the tile before has been read
    plain[slice][column] = a, weighted[slice][column] = b;
    __syncthreads();
    if (slice == 0 && c < v.channels) {
      for (int s = 1; s < kSumSlices; ++s) a += plain[s][column], b += weighted[s][column];
      double* const sums = v.sums.sums + int64_t{blockIdx.y} * 2 * v.sums.columns;
      sums[c] = a, sums[v.sums.columns + c] = b;
    }
  }
}

// Leaves the totals in the first block's place. dgamma and dbeta may be NULL.
__global__ void __launch_bounds__(kSumThreads) add_blocks_kernel(ChannelSums s, int64_t channels, float* dgamma, float* dbeta) {
  for (int64_t c = int64_t{blockIdx.x} * kSumThreads + threadIdx.x; c < channels; c += int64_t{gridDim.x} * kSumThreads) {
    double plain = 0, weighted = 0;
    for (int64_t block = 0; block < s.blocks; ++block) {
      const double* const sums = s.sums + block * 2 * s.columns;
      plain += sums[c], weighted += sums[s.columns + c];
    }
    s.sums[c] = plain, s.sums[s.columns + c] = weighted;
    if (dgamma != nullptr) dgamma[c] = float(weighted);
    if (dbeta != nullptr) dbeta[c] = float(plain);
  }
}

template <class T, class MomentsOf>
cudaError_t launch_channel_sums(const ChannelSumsView<T>& v, const MomentsOf& moments_of, float* dgamma, float* dbeta,
                                cudaStream_t s) {
  const dim3 grid(grid_for(v.channels, kSumColumns), static_cast<unsigned>(v.sums.blocks));
  const cudaError_t error = launch(channel_sums_kernel<T, MomentsOf>, grid, kSumThreads, 0, s, v, moments_of);
  if (error != cudaSuccess) return error;
  return launch(add_blocks_kernel, grid_for(v.channels, kSumThreads), kSumThreads, 0, s, v.sums, v.channels, dgamma, dbeta);
}

}  // namespace
}  // namespace fovea::cuda
