// The formulas of fovea_activation in f32 for CUDA kernels, shared by every kernel with a fused activation.
#pragma once

#include "cuda/base.h"
#include "fovea/nn.h"

namespace fovea::cuda {

FOVEA_DEVICE float sigmoid(float x) {
  // Of the exponential of -|x|, which cannot overflow.
  const float e = expf(-fabsf(x)), s = 1.0f / (1.0f + e);
  return x >= 0 ? s : e * s;
}

FOVEA_DEVICE float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

// fmaxf and fminf drop a NaN; an activation passes it on.
FOVEA_DEVICE float clamp(float x, float low, float high) { return x != x ? x : fminf(fmaxf(x, low), high); }

FOVEA_DEVICE float activate(const fovea_activation_params& p, float x, float slope) {
  switch (p.kind) {
    case FOVEA_ACTIVATION_RELU:
      return x != x ? x : fmaxf(x, 0.0f);
    case FOVEA_ACTIVATION_RELU6:
      return clamp(x, 0.0f, 6.0f);
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return x >= 0 ? x : p.alpha * x;
    case FOVEA_ACTIVATION_PRELU:
      return x >= 0 ? x : slope * x;
    case FOVEA_ACTIVATION_SIGMOID:
      return sigmoid(x);
    case FOVEA_ACTIVATION_TANH:
      return tanhf(x);
    case FOVEA_ACTIVATION_SILU:
      return x * sigmoid(x);
    case FOVEA_ACTIVATION_MISH:
      return x * tanhf(softplus(x));
    case FOVEA_ACTIVATION_GELU:
      return 0.5f * x * erfcf(-0.707106781f * x);  // 1 + erf(v) = erfc(-v), without cancellation
    case FOVEA_ACTIVATION_GELU_TANH:
      return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x));  // (1 + tanh(v)) / 2 = sigmoid(2v)
    case FOVEA_ACTIVATION_HARD_SIGMOID:
      return clamp(fmaf(p.alpha, x, p.beta), 0.0f, 1.0f);
    case FOVEA_ACTIVATION_HARD_SWISH:
      return x * clamp(x / 6.0f + 0.5f, 0.0f, 1.0f);
    case FOVEA_ACTIVATION_ELU:
      return x > 0 ? x : p.alpha * expm1f(x);
    case FOVEA_ACTIVATION_SELU:
      return p.beta * (x > 0 ? x : p.alpha * expm1f(x));
    case FOVEA_ACTIVATION_SOFTPLUS:
      return softplus(x);
    case FOVEA_ACTIVATION_SOFTSIGN:
      return x / (1.0f + fabsf(x));
    case FOVEA_ACTIVATION_CLAMP:
      return clamp(x, p.alpha, p.beta);
    default:
      return x;
  }
}

}  // namespace fovea::cuda
