// Gradients of the long convolution: correlations.
//   dx[t] = sum over k of kernel[k] dy[t+k] + skip dy[t];  d_kernel[k] = sum over t of dy[t] x[t-k];  d_skip = sum of dy x
// d_kernel and d_skip also sum over the batch, in its order.
#pragma once

#include "fovea/training.h"
#include "ops/long_conv1d/long_conv1d.h"

namespace fovea {

struct LongConv1dBackwardJob {
  LongConv1dJob conv;  // y is not used
  const float* dy;
  float *dx, *d_kernel, *d_skip;  // each may be NULL
  int64_t dy_pitch, dx_pitch, d_kernel_pitch;
  int64_t kernel_size;  // taps behind conv.taps meet no input: their gradients are 0
};

// What each thread has for itself: four sequences, or the taps, x and dy with as many zeros, the results and their sums.
FOVEA_ALWAYS_INLINE LongConv1dScratch long_conv1d_backward_scratch(const LongConv1dJob& j) {
  if (j.points > 0) return {2 * j.points, 4 * kWidestBlock * j.points};
  return {0, kWidestBlock / 2 * (3 * j.length + 4 * j.taps)};
}

struct LongConv1dGradients {
  const fovea_tensor *dx, *d_kernel, *d_skip;
};

static inline LongConv1dBackwardJob long_conv1d_backward_job(const LongConv1dJob& conv, const fovea_tensor& kernel,
                                                             const fovea_tensor& dy, const LongConv1dGradients& g) {
  LongConv1dBackwardJob job{};
  job.conv = conv;
  job.dy = static_cast<const float*>(dy.data), job.dy_pitch = dy.pitch;
  if (g.dx != nullptr) job.dx = static_cast<float*>(g.dx->data), job.dx_pitch = g.dx->pitch;
  if (g.d_kernel != nullptr) job.d_kernel = static_cast<float*>(g.d_kernel->data), job.d_kernel_pitch = g.d_kernel->pitch;
  if (g.d_skip != nullptr) job.d_skip = static_cast<float*>(g.d_skip->data);
  job.kernel_size = kernel.shape[1];
  return job;
}

}  // namespace fovea
