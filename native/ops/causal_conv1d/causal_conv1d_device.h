// What the kernels of the causal convolution and of its gradients share. x and y of a job are not used there: they are float.
#pragma once

#include "cuda/elements.h"
#include "ops/causal_conv1d/causal_conv1d.h"

namespace fovea::cuda {

// Input `row` of a batch entry, see input_row().
template <class T>
FOVEA_DEVICE float causal_input(const CausalConv1dJob& j, const T* x, int64_t batch, int64_t row, int64_t d) {
  const int64_t before = j.kernel - 1;
  if (row >= before) return to_float(x[(batch * j.length + row - before) * j.x_pitch + d]);
  return j.state == nullptr ? 0.0f : j.state[(batch * before + row) * j.state_pitch + d];
}

}  // namespace fovea::cuda
