// Derivatives of the activations in f32 for CUDA kernels: what derivative.cc says.
#pragma once

#include "ops/activation/activation_device.h"

namespace fovea::cuda {

FOVEA_DEVICE float sigmoid_derivative(float x) {
  const float e = expf(-fabsf(x)), s = 1.0f / (1.0f + e);
  return e * s * s;
}

FOVEA_DEVICE float activation_derivative(const fovea_activation_params& p, float x, float slope) {
  if (p.kind == FOVEA_ACTIVATION_NONE) return 1.0f;
  if (x != x) return x;
  // What is multiplied with x below is 0 there: no product with an infinity.
  const float c = clamp(x, -200.0f, 200.0f);
  switch (p.kind) {
    case FOVEA_ACTIVATION_RELU:
      return x > 0 ? 1.0f : 0.0f;
    case FOVEA_ACTIVATION_RELU6:
      return x > 0 && x < 6 ? 1.0f : 0.0f;
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return x > 0 ? 1.0f : p.alpha;
    case FOVEA_ACTIVATION_PRELU:
      return x > 0 ? 1.0f : slope;
    case FOVEA_ACTIVATION_SIGMOID:
      return sigmoid_derivative(x);
    case FOVEA_ACTIVATION_TANH:
      return 4.0f * sigmoid_derivative(2.0f * x);
    case FOVEA_ACTIVATION_SILU:
      return fmaf(c, sigmoid_derivative(x), sigmoid(x));
    case FOVEA_ACTIVATION_MISH: {
      // As mish_derivative of derivative_simd.h.
      const float m = clamp(x, -104.0f, 20.0f), e = expf(m), w = e * (e + 2.0f), scale = 1.0f / (w + 2.0f);
      return scale * fmaf(4.0f * m * e * (e + 1.0f), scale, w);
    }
    case FOVEA_ACTIVATION_GELU:
      return fmaf(c, 0.398942280f * expf(-0.5f * c * c), 0.5f * erfcf(-0.707106781f * x));
    case FOVEA_ACTIVATION_GELU_TANH: {
      const float u = 1.59576912f * c * fmaf(c * c, 0.044715f, 1.0f);
      return fmaf(c * 1.59576912f * fmaf(c * c, 0.134145f, 1.0f), sigmoid_derivative(u), sigmoid(u));
    }
    case FOVEA_ACTIVATION_HARD_SIGMOID: {
      const float y = fmaf(p.alpha, x, p.beta);
      return y > 0 && y < 1 ? p.alpha : 0.0f;
    }
    case FOVEA_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0.0f : x < 3 ? x / 3.0f + 0.5f : 1.0f;
    case FOVEA_ACTIVATION_ELU:
      return x > 0 ? 1.0f : p.alpha * expf(x);
    case FOVEA_ACTIVATION_SELU:
      return p.beta * (x > 0 ? 1.0f : p.alpha * expf(x));
    case FOVEA_ACTIVATION_SOFTPLUS:
      return sigmoid(x);
    case FOVEA_ACTIVATION_SOFTSIGN: {
      const float r = 1.0f / (1.0f + fabsf(x));
      return r * r;
    }
    default:
      return x >= p.alpha && x <= p.beta ? 1.0f : 0.0f;  // CLAMP
  }
}

}  // namespace fovea::cuda
