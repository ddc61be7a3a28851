// Gradients of the exponential kernel. With sums over l, S0 = sum of dk[l] exp(l x) and S1 = sum of dk[l] l exp(l x):
//   d_weights = conj(S0);  d_exponents = conj(weight * S1)
#pragma once

#include "fovea/training.h"
#include "ops/exponential_kernel/exponential_kernel.h"

namespace fovea {

struct ExponentialKernelBackwardJob {
  ExponentialKernelJob kernel;     // k is dk, and only read
  float *d_exponents, *d_weights;  // each may be NULL
  int64_t d_exponents_pitch, d_weights_pitch;
};

static inline ExponentialKernelBackwardJob exponential_kernel_backward_job(const ExponentialKernelJob& kernel,
                                                                           const fovea_tensor* d_exponents,
                                                                           const fovea_tensor* d_weights) {
  return {kernel, d_exponents == nullptr ? nullptr : static_cast<float*>(d_exponents->data),
          d_weights == nullptr ? nullptr : static_cast<float*>(d_weights->data),
          d_exponents == nullptr ? 0 : d_exponents->pitch, d_weights == nullptr ? 0 : d_weights->pitch};
}

}  // namespace fovea
