// Impulse response of a diagonal state space, see fovea/sequence.h.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

struct ExponentialKernelJob {
  const float *exponents, *weights;  // [D][N][2]: re, im
  float* k;                          // [D][L]
  int64_t exponents_pitch, weights_pitch, k_pitch;
  int64_t channels, states, length;
  const int32_t* live;  // channels that carry data
};

// k or its gradient; that of the gradient is only read.
static inline ExponentialKernelJob exponential_kernel_job(const fovea_tensor& exponents, const fovea_tensor& weights,
                                                          const fovea_tensor& k) {
  return {static_cast<const float*>(exponents.data),
          static_cast<const float*>(weights.data),
          static_cast<float*>(k.data),
          exponents.pitch,
          weights.pitch,
          k.pitch,
          exponents.shape[0],
          exponents.shape[1],
          k.shape[1],
          exponents.live};
}

// exponents, weights and k (called `name`) fit each other.
fovea_status check_exponential_kernel(const char* op, const fovea_tensor* exponents, const fovea_tensor* weights,
                                      const char* name, const fovea_tensor* k, const fovea_stream* stream);

}  // namespace fovea
