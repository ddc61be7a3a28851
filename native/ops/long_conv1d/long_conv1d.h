// Causal convolution with a kernel as long as the sequence, see fovea/sequence.h.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

// Two channels make one complex sequence (one the real part, one the imaginary), and a vector holds as many such sequences as
// it has lanes. Workspaces are sized for the widest vectors.
inline constexpr int64_t kWidestBlock = 2 * 16;

struct LongConv1dJob {
  const float *x, *kernel, *skip;  // skip may be NULL
  float* y;
  int64_t x_pitch, kernel_pitch, y_pitch;
  int64_t batch, length, channels;
  int64_t taps;         // of the kernel that a sequence can reach: at most `length`
  int64_t points;       // of the transforms, a power of two of at least length + taps - 1; 0: the sums are done directly
  const int32_t* live;  // batch entries that carry data
  int32_t threads;
  float* scratch;
};

// A direct sum takes length * taps products per channel, two transforms some n log2 n of them, each as long as five of the
// direct sum's (AVX-512, 256 channels: 0.022 and 0.11 ns on a Zen 4 core).
FOVEA_ALWAYS_INLINE int64_t long_conv1d_points(int64_t length, int64_t taps) {
  int64_t points = 1, log2 = 0;
  while (points < length + taps - 1) points *= 2, ++log2;
  return length * taps <= 5 * points * (log2 + 1) ? 0 : points;
}

// Floats of the workspace: what all threads share, and what each has for itself.
struct LongConv1dScratch {
  int64_t shared, each;
};
FOVEA_ALWAYS_INLINE LongConv1dScratch long_conv1d_scratch(int64_t length, int64_t taps, int64_t channels, int64_t points) {
  const int64_t blocks = (channels + kWidestBlock - 1) / kWidestBlock;
  // Twiddle factors and the kernels' spectra; a sequence. Or the taps, the inputs behind as many zeros, and the results.
  if (points > 0) return {2 * points + blocks * kWidestBlock * points, kWidestBlock * points};
  return {0, kWidestBlock / 2 * (2 * length + 2 * taps)};
}

// y is x's for the backward pass, which only reads it. Without threads and scratch.
static inline LongConv1dJob long_conv1d_job(const fovea_tensor& x, const fovea_tensor& kernel, const fovea_tensor* skip,
                                            const fovea_tensor& y) {
  LongConv1dJob job{};
  job.x = static_cast<const float*>(x.data), job.x_pitch = x.pitch;
  job.kernel = static_cast<const float*>(kernel.data), job.kernel_pitch = kernel.pitch;
  job.skip = skip == nullptr ? nullptr : static_cast<const float*>(skip->data);
  job.y = static_cast<float*>(y.data), job.y_pitch = y.pitch;
  job.batch = x.shape[0], job.length = x.shape[1], job.channels = x.shape[2];
  job.taps = kernel.shape[1] < job.length ? kernel.shape[1] : job.length;
  job.points = long_conv1d_points(job.length, job.taps);
  job.live = x.live;
  return job;
}

// What the convolution and its gradients read. skip may be NULL.
fovea_status check_long_conv1d_inputs(const char* op, const fovea_tensor* x, const fovea_tensor* kernel,
                                      const fovea_tensor* skip, const fovea_stream* stream);
// For workspace sizes: ranks, and that sizes in bytes fit.
fovea_status check_long_conv1d_shapes(const char* op, const fovea_tensor* x, const fovea_tensor* kernel);

}  // namespace fovea
