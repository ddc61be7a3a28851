// One block per channel and state, its threads over time; sums in a fixed order.
#include "ops/exponential_kernel_backward/exponential_kernel_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/exponential_kernel/powers_device.h"

namespace fovea::cuda {
namespace {

using Block = Team<8>;

__global__ void __launch_bounds__(Block::kThreads) exponential_kernel_backward_kernel(ExponentialKernelBackwardJob j) {
  __shared__ float scratch[8];
  const ExponentialKernelJob& k = j.kernel;
  const int64_t rows = live_count(k.live, k.channels) * k.states;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const float *x = k.exponents + row * k.exponents_pitch, *dk = k.k + row / k.states * k.k_pitch;
    float re = 0.0f, im = 0.0f, step_re = 0.0f, step_im = 0.0f;
    for (int64_t l = threadIdx.x; l < k.length; l += Block::kThreads) {
      const float2 p = power(x, l);
      const float d = dk[l], step = float(l) * d;
      re = fmaf(d, p.x, re), im = fmaf(d, p.y, im);
      step_re = fmaf(step, p.x, step_re), step_im = fmaf(step, p.y, step_im);
    }
    re = Block::reduce(re, scratch, Sum{}), im = Block::reduce(im, scratch, Sum{});
    step_re = Block::reduce(step_re, scratch, Sum{}), step_im = Block::reduce(step_im, scratch, Sum{});
    if (threadIdx.x > 0) continue;
    if (j.d_weights != nullptr) {
      float* to = j.d_weights + row * j.d_weights_pitch;
      to[0] = re, to[1] = -im;
    }
    if (j.d_exponents == nullptr) continue;
    const float* w = k.weights + row * k.weights_pitch;
    float* to = j.d_exponents + row * j.d_exponents_pitch;
    to[0] = w[0] * step_re - w[1] * step_im;
    to[1] = -(w[0] * step_im + w[1] * step_re);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_exponential_kernel_backward(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                          const fovea_tensor* dk, const fovea_tensor* d_exponents,
                                                          const fovea_tensor* d_weights, fovea_stream* stream) {
  if (elements(*exponents) == 0) return FOVEA_OK;
  const ExponentialKernelBackwardJob job =
      exponential_kernel_backward_job(exponential_kernel_job(*exponents, *weights, *dk), d_exponents, d_weights);
  return submit(stream, "exponential_kernel_backward", [&](cudaStream_t s) {
    return launch(exponential_kernel_backward_kernel, grid_for(job.kernel.channels * job.kernel.states, 1), Block::kThreads, 0,
                  s, job);
  });
}
