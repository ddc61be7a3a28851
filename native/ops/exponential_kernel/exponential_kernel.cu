// One thread per channel and step; the exponents and weights of a channel are the same for a whole warp.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/exponential_kernel/powers_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) exponential_kernel_kernel(ExponentialKernelJob j) {
  const int64_t tiles = (j.length + kThreads - 1) / kThreads, work = live_count(j.live, j.channels) * tiles;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t channel = item / tiles, l = item % tiles * kThreads + threadIdx.x;
    if (l >= j.length) continue;
    float sum = 0.0f;
    for (int64_t row = channel * j.states; row < (channel + 1) * j.states; ++row) {
      const float2 p = power(j.exponents + row * j.exponents_pitch, l);
      const float* w = j.weights + row * j.weights_pitch;
      sum = fmaf(w[0], p.x, fmaf(-w[1], p.y, sum));
    }
    j.k[channel * j.k_pitch + l] = sum;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_exponential_kernel(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                 const fovea_tensor* k, fovea_stream* stream) {
  if (elements(*k) == 0) return FOVEA_OK;
  const ExponentialKernelJob job = exponential_kernel_job(*exponents, *weights, *k);
  return submit(stream, "exponential_kernel", [&](cudaStream_t s) {
    return launch(exponential_kernel_kernel, grid_for(job.channels * ((job.length + kThreads - 1) / kThreads), 1), kThreads, 0,
                  s, job);
  });
}
