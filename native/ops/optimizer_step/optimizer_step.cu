// One thread per element. What all elements share is computed from the schedule by one thread of each block.
#include "ops/optimizer_step/optimizer_step.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

// As optimizer_scales().
FOVEA_DEVICE OptimizerScales scales_of(const OptimizerJob& j) {
  const fovea_optimizer_params& p = j.params;
  const double rate = double(j.schedule[0]), step = double(j.schedule[1]), beta1 = double(p.beta1), beta2 = double(p.beta2);
  const bool adam = p.kind == FOVEA_OPTIMIZER_ADAM || p.kind == FOVEA_OPTIMIZER_ADAMW;
  const bool decoupled = p.kind == FOVEA_OPTIMIZER_ADAMW || p.kind == FOVEA_OPTIMIZER_LION;
  const bool momentum = p.kind == FOVEA_OPTIMIZER_MOMENTUM || p.kind == FOVEA_OPTIMIZER_NESTEROV;
  OptimizerScales s;
  s.factor = j.schedule[2];
  s.decay = decoupled ? 0.0f : p.weight_decay;
  s.keep = decoupled ? float(1 - rate * double(p.weight_decay)) : 1.0f;
  s.rate = float(adam ? rate / (1 - pow(beta1, step)) : rate);
  s.beta1 = p.beta1;
  s.beta2 = p.beta2;
  s.rest1 = float(1 - (momentum ? double(p.dampening) : beta1));
  s.rest2 = float(1 - beta2);
  s.unbias = adam ? float(1 / sqrt(1 - pow(beta2, step))) : 1.0f;
  s.epsilon = p.epsilon;
  s.first_step = step <= 1;
  return s;
}

__global__ void __launch_bounds__(kThreads) optimizer_step_kernel(OptimizerJob j) {
  __shared__ OptimizerScales s;
  if (threadIdx.x == 0) s = scales_of(j);
  __syncthreads();
  const bool finite = fabsf(s.factor) < INFINITY;  // else the step is skipped
  const int64_t n = finite ? live_count(j.live, j.leading) * j.inner : 0;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    float p = j.parameter[i], g = j.gradient[i] * s.factor;
    switch (j.params.kind) {
      case FOVEA_OPTIMIZER_SGD:
        p -= s.rate * (g + s.decay * p);
        break;
      case FOVEA_OPTIMIZER_MOMENTUM:
      case FOVEA_OPTIMIZER_NESTEROV: {
        g += s.decay * p;
        const float m = s.first_step ? g : s.beta1 * j.first[i] + s.rest1 * g;
        j.first[i] = m;
        p -= s.rate * (j.params.kind == FOVEA_OPTIMIZER_NESTEROV ? g + s.beta1 * m : m);
        break;
      }
      case FOVEA_OPTIMIZER_ADAM:
      case FOVEA_OPTIMIZER_ADAMW: {
        g += s.decay * p;
        const float m = s.beta1 * j.first[i] + s.rest1 * g, v = s.beta2 * j.second[i] + s.rest2 * g * g;
        j.first[i] = m;
        j.second[i] = v;
        p = p * s.keep - s.rate * m / (sqrtf(v) * s.unbias + s.epsilon);
        break;
      }
      default: {  // Lion
        const float m = j.first[i], direction = s.beta1 * m + s.rest1 * g;
        p = p * s.keep - s.rate * (direction > 0 ? 1.0f : direction < 0 ? -1.0f : direction);
        j.first[i] = s.beta2 * m + s.rest2 * g;
        break;
      }
    }
    j.parameter[i] = p;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_optimizer_step(const fovea_optimizer_params* params, const fovea_tensor* parameter,
                                             const fovea_tensor* gradient, const fovea_tensor* first,
                                             const fovea_tensor* second, const fovea_tensor* schedule, fovea_stream* stream) {
  const int64_t n = elements(*parameter), leading = parameter->rank == 0 ? 1 : parameter->shape[0];
  if (n == 0) return FOVEA_OK;
  const OptimizerJob job{static_cast<float*>(parameter->data),
                         static_cast<const float*>(gradient->data),
                         first == nullptr ? nullptr : static_cast<float*>(first->data),
                         second == nullptr ? nullptr : static_cast<float*>(second->data),
                         static_cast<const float*>(schedule->data),
                         leading,
                         n / leading,
                         parameter->live,
                         *params};
  return submit(stream, "optimizer_step",
                [&](cudaStream_t s) { return launch(optimizer_step_kernel, grid_for(n, kThreads), kThreads, 0, s, job); });
}
