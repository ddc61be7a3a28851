// What the kernels of the long convolution and of its gradients share: transforms in shared memory, and the convolution of all
// batch entries with the kernels or, backwards in time, of their gradients.
//
// A block transforms one channel of two batch entries, one the real part and one the imaginary part of a complex sequence: the
// kernel is the same real one for both, so they never mix. Spectra stay in bit-reversed order (see fft_simd.h).
#pragma once

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "ops/long_conv1d/long_conv1d.h"

namespace fovea::cuda {
namespace {

constexpr int kConvThreads = 256;
// 64 KB of shared memory, twice that for the gradient of the kernel; longer sequences are convolved directly.
constexpr int64_t kMaxPoints = 8192;

FOVEA_DEVICE float2 times(float2 a, float2 b) { return {fmaf(-a.y, b.y, a.x * b.x), fmaf(a.x, b.y, a.y * b.x)}; }
FOVEA_DEVICE float2 times_conjugate(float2 a, float2 b) { return {fmaf(a.y, b.y, a.x * b.x), fmaf(a.y, b.x, -a.x * b.y)}; }
FOVEA_DEVICE float2 plus(float2 a, float2 b) { return {a.x + b.x, a.y + b.y}; }
FOVEA_DEVICE float2 minus(float2 a, float2 b) { return {a.x - b.x, a.y - b.y}; }
FOVEA_DEVICE float2 times_i(float2 a) { return {-a.y, a.x}; }

// table[j] = exp(-2 pi i j / points).
__global__ void __launch_bounds__(kConvThreads) twiddle_kernel(float2* table, int points) {
  const int j = int(blockIdx.x) * kConvThreads + int(threadIdx.x);
  if (j >= points) return;
  const float half_turns = 2.0f * float(j) / float(points);
  table[j] = {cospif(half_turns), -sinpif(half_turns)};
}

FOVEA_DEVICE void pair_step(float2* data, int points) {
  for (int i = 2 * int(threadIdx.x); i < points; i += 2 * kConvThreads) {
    const float2 a = data[i], b = data[i + 1];
    data[i] = plus(a, b), data[i + 1] = minus(a, b);
  }
}

// The whole block calls, when data is there or not yet; at the end every thread may read all of it.
FOVEA_DEVICE void transform(float2* data, const float2* table, int points) {
  int n = points;
  for (; n >= 4; n /= 4) {
    const int quarter = n / 4, stride = points / n;
    __syncthreads();
    for (int i = int(threadIdx.x); i < points / 4; i += kConvThreads) {
      const int j = i & (quarter - 1);
      float2* p = data + 4 * (i - j) + j;
      const float2 a = p[0], b = p[quarter], c = p[2 * quarter], e = p[3 * quarter];
      const float2 ac = plus(a, c), be = plus(b, e), ca = minus(a, c), eb = times_i(minus(b, e));
      p[0] = plus(ac, be);
      p[quarter] = times(minus(ac, be), table[2 * j * stride]);
      p[2 * quarter] = times(minus(ca, eb), table[j * stride]);
      p[3 * quarter] = times(plus(ca, eb), table[3 * j * stride]);
    }
  }
  __syncthreads();
  if (n == 2) {
    pair_step(data, points);
    __syncthreads();
  }
}

// The inverse of transform(), but for a factor of `points`.
FOVEA_DEVICE void transform_back(float2* data, const float2* table, int points) {
  int n = 4;
  __syncthreads();
  if ((__ffs(points) - 1) % 2 == 1) {
    pair_step(data, points);
    __syncthreads();
    n = 8;
  }
  for (; n <= points; n *= 4) {
    const int quarter = n / 4, stride = points / n;
    for (int i = int(threadIdx.x); i < points / 4; i += kConvThreads) {
      const int j = i & (quarter - 1);
      float2* p = data + 4 * (i - j) + j;
      const float2 a = p[0], b = times_conjugate(p[quarter], table[2 * j * stride]);
      const float2 c = times_conjugate(p[2 * quarter], table[j * stride]);
      const float2 e = times_conjugate(p[3 * quarter], table[3 * j * stride]);
      const float2 sum = plus(a, b), difference = minus(a, b), ce = plus(c, e), turned = times_i(minus(c, e));
      p[0] = plus(sum, ce), p[quarter] = plus(difference, turned);
      p[2 * quarter] = minus(sum, ce), p[3 * quarter] = minus(difference, turned);
    }
    __syncthreads();
  }
}

// Rows of sequences, [batch * length][channels].
struct Sequences {
  const float* data;
  int64_t pitch;
};

// Two batch entries of a channel as one complex sequence; the second is zeros when there is none.
FOVEA_DEVICE void load_pair(const LongConv1dJob& j, Sequences from, int64_t pair, int64_t live, int64_t channel, float2* data) {
  const float* first = from.data + 2 * pair * j.length * from.pitch + channel;
  const float* second = 2 * pair + 1 < live ? first + j.length * from.pitch : nullptr;
  for (int t = int(threadIdx.x); t < j.points; t += kConvThreads) {
    const bool inside = t < j.length;
    data[t] = {inside ? first[t * from.pitch] : 0.0f, inside && second != nullptr ? second[t * from.pitch] : 0.0f};
  }
}

// The kernels' spectra [channels][points].
__global__ void __launch_bounds__(kConvThreads) kernel_spectra_kernel(LongConv1dJob j, const float2* table, float2* spectra) {
  float2* data = dynamic_shared<float2>();
  for (int64_t channel = blockIdx.x; channel < j.channels; channel += gridDim.x) {
    for (int k = int(threadIdx.x); k < j.points; k += kConvThreads)
      data[k] = {k < j.taps ? j.kernel[channel * j.kernel_pitch + k] : 0.0f, 0.0f};
    transform(data, table, int(j.points));
    for (int i = int(threadIdx.x); i < j.points; i += kConvThreads) spectra[channel * j.points + i] = data[i];
    __syncthreads();
  }
}

// to = the convolution of `from` with the kernels, or, kBackwards, the correlation; plus skip * from.
template <bool kBackwards>
__global__ void __launch_bounds__(kConvThreads)
    convolve_kernel(LongConv1dJob j, const float2* table, const float2* spectra, Sequences from, float* to, int64_t to_pitch) {
  float2* data = dynamic_shared<float2>();
  const int64_t live = live_count(j.live, j.batch), work = (live + 1) / 2 * j.channels;
  const float scale = 1.0f / float(j.points);
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t channel = item % j.channels, pair = item / j.channels;
    load_pair(j, from, pair, live, channel, data);
    transform(data, table, int(j.points));
    for (int i = int(threadIdx.x); i < j.points; i += kConvThreads) {
      const float2 w = spectra[channel * j.points + i], v = data[i];
      const float2 product = kBackwards ? times_conjugate(v, w) : times(v, w);
      data[i] = {product.x * scale, product.y * scale};
    }
    transform_back(data, table, int(j.points));
    const float skip = j.skip == nullptr ? 0.0f : j.skip[channel];
    for (int t = int(threadIdx.x); t < j.length; t += kConvThreads) {
      const int64_t row = 2 * pair * j.length + t;
      to[row * to_pitch + channel] = fmaf(skip, from.data[row * from.pitch + channel], data[t].x);
      if (2 * pair + 1 < live)
        to[(row + j.length) * to_pitch + channel] = fmaf(skip, from.data[(row + j.length) * from.pitch + channel], data[t].y);
    }
    __syncthreads();
  }
}

// The same without transforms: a block takes 32 channels, a lane each, and 32 steps, four a warp; the kernels pass through
// shared memory 32 taps at a time.
template <bool kBackwards>
__global__ void __launch_bounds__(kConvThreads)
    convolve_direct_kernel(LongConv1dJob j, Sequences from, float* to, int64_t to_pitch) {
  constexpr int kTile = 32, kOwn = 4;
  __shared__ float taps[kTile][kTile + 1];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int64_t tiles = (j.length + kTile - 1) / kTile, groups = (j.channels + kTile - 1) / kTile;
  const int64_t work = live_count(j.live, j.batch) * tiles * groups;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t d0 = item % groups * kTile, t0 = item / groups % tiles * kTile, first = item / groups / tiles * j.length;
    const int64_t d = d0 + lane, t = t0 + warp * kOwn, reach = kBackwards ? j.length - t0 : t0 + kTile;
    const int64_t end = j.taps < reach ? j.taps : reach;
    float sums[kOwn] = {};
    for (int64_t k0 = 0; k0 < end; k0 += kTile) {
      __syncthreads();
      for (int i = int(threadIdx.x); i < kTile * kTile; i += kConvThreads) {
        const int64_t channel = d0 + i / kTile, k = k0 + i % kTile;
        taps[i % kTile][i / kTile] = channel < j.channels && k < end ? j.kernel[channel * j.kernel_pitch + k] : 0.0f;
      }
      __syncthreads();
      if (d >= j.channels) continue;
      for (int k = 0; k < kTile; ++k) {
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
          const int64_t at = kBackwards ? t + i + k0 + k : t + i - k0 - k;
          if (at >= 0 && at < j.length) sums[i] = fmaf(taps[k][lane], from.data[(first + at) * from.pitch + d], sums[i]);
        }
      }
    }
    if (d >= j.channels) continue;
    const float skip = j.skip == nullptr ? 0.0f : j.skip[d];
#pragma unroll
    for (int i = 0; i < kOwn; ++i)
      if (t + i < j.length)
        to[(first + t + i) * to_pitch + d] = fmaf(skip, from.data[(first + t + i) * from.pitch + d], sums[i]);
  }
}

// In the workspace, for sequences that fit a transform.
struct Spectra {
  float2 *table, *kernels;
};
inline bool transforms(const LongConv1dJob& j) { return j.points > 0 && j.points <= kMaxPoints; }
inline int64_t workspace_bytes(const LongConv1dJob& j) {
  return transforms(j) ? (1 + j.channels) * j.points * int64_t{sizeof(float2)} : 0;
}
inline Spectra spectra_in(const LongConv1dJob& j, const fovea_workspace* workspace) {
  if (!transforms(j)) return {};
  auto* const table = static_cast<float2*>(workspace->data);
  return {table, table + j.points};
}
inline size_t sequence_bytes(const LongConv1dJob& j) { return size_t(j.points) * sizeof(float2); }

inline cudaError_t launch_table(const LongConv1dJob& j, Spectra spectra, cudaStream_t stream) {
  const unsigned blocks = unsigned((j.points + kConvThreads - 1) / kConvThreads);
  return launch(twiddle_kernel, blocks, kConvThreads, 0, stream, spectra.table, int(j.points));
}

template <bool kBackwards>
cudaError_t launch_convolution(const LongConv1dJob& j, Spectra spectra, Sequences from, float* to, int64_t to_pitch,
                               cudaStream_t stream) {
  if (!transforms(j)) {
    const int64_t blocks = j.batch * ((j.length + 31) / 32) * ((j.channels + 31) / 32);
    return launch(convolve_direct_kernel<kBackwards>, grid_for(blocks, 1), kConvThreads, 0, stream, j, from, to, to_pitch);
  }
  const cudaError_t e = launch(kernel_spectra_kernel, grid_for(j.channels, 1), kConvThreads, sequence_bytes(j), stream, j,
                               static_cast<const float2*>(spectra.table), spectra.kernels);
  if (e != cudaSuccess) return e;
  return launch(convolve_kernel<kBackwards>, grid_for((j.batch + 1) / 2 * j.channels, 1), kConvThreads, sequence_bytes(j),
                stream, j, static_cast<const float2*>(spectra.table), static_cast<const float2*>(spectra.kernels), from, to,
                to_pitch);
}

}  // namespace
}  // namespace fovea::cuda
