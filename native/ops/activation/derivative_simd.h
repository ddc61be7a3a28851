// Derivatives of the activations on vectors: what derivative.cc says, from the exponentials of activation_simd.h.
#pragma once

#include "ops/activation/activation_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// sigmoid(x) and sigmoid'(x) = e / (1 + e)^2 with e = exp(-|x|): both keep their relative accuracy where they vanish.
struct Sigmoid {
  F value, slope;
  FOVEA_INLINE explicit Sigmoid(F x) {
    const F e = exp_negative(zero() - abs(x)), s = set(1.0f) / (set(1.0f) + e);
    value = select(x >= zero(), s, e * s);
    slope = e * s * s;
  }
};

// t + x (1 - t^2) sigmoid(x) with t = w / (w + 2), w = e (e + 2), e = exp(x): (1 - t^2) sigmoid(x) = 4 e (1 + e) / (w + 2)^2.
FOVEA_INLINE F mish_derivative(F x) {
  const F c = clamp(x, -104.0f, 20.0f);  // outside, the result is that of the end
  const F e = exp(c), w = e * (e + set(2.0f)), scale = set(1.0f) / (w + set(2.0f));
  return scale * fma(set(4.0f) * c * e * (e + set(1.0f)), scale, w);
}

// The clamps keep the products finite, where sigmoid' has long been 0.
FOVEA_INLINE F gelu_tanh_derivative(F x) {
  const F c = clamp(x, -50.0f, 50.0f), square = c * c, half_slope = set(1.59576912161f);
  const Sigmoid s(half_slope * c * fma(square, set(0.044715f), set(1.0f)));
  return fma(c * half_slope * fma(square, set(0.134145f), set(1.0f)), s.slope, s.value);
}
FOVEA_INLINE F gelu_derivative(F x) {
  const F c = clamp(x, -50.0f, 50.0f), density = set(0.398942280401f) * exp_negative(set(-0.5f) * c * c);
  return fma(c, density, half_erf(c) + set(0.5f));
}

// `slope` is read for PRELU only. A NaN may be lost.
template <int32_t kKind>
FOVEA_INLINE F finite_derivative(const fovea_activation_params& p, F x, F slope) {
  const F one = set(1.0f);
  if constexpr (kKind == FOVEA_ACTIVATION_RELU) return select(x > zero(), one, zero());
  if constexpr (kKind == FOVEA_ACTIVATION_RELU6) return select((x > zero()) & (x < set(6.0f)), one, zero());
  if constexpr (kKind == FOVEA_ACTIVATION_LEAKY_RELU) return select(x > zero(), one, set(p.alpha));
  if constexpr (kKind == FOVEA_ACTIVATION_PRELU) return select(x > zero(), one, slope);
  if constexpr (kKind == FOVEA_ACTIVATION_SIGMOID) return Sigmoid(x).slope;
  if constexpr (kKind == FOVEA_ACTIVATION_TANH) return set(4.0f) * Sigmoid(x + x).slope;
  if constexpr (kKind == FOVEA_ACTIVATION_SILU) {
    const F c = clamp(x, -200.0f, 200.0f);  // sigmoid' is 0 beyond
    const Sigmoid s(c);
    return fma(c, s.slope, s.value);
  }
  if constexpr (kKind == FOVEA_ACTIVATION_MISH) return mish_derivative(x);
  if constexpr (kKind == FOVEA_ACTIVATION_GELU) return gelu_derivative(x);
  if constexpr (kKind == FOVEA_ACTIVATION_GELU_TANH) return gelu_tanh_derivative(x);
  if constexpr (kKind == FOVEA_ACTIVATION_HARD_SIGMOID) {
    const F y = fma(x, set(p.alpha), set(p.beta));
    return select((y > zero()) & (y < one), set(p.alpha), zero());
  }
  if constexpr (kKind == FOVEA_ACTIVATION_HARD_SWISH)
    return select(x <= set(-3.0f), zero(), select(x < set(3.0f), fma(x, set(1.0f / 3.0f), set(0.5f)), one));
  if constexpr (kKind == FOVEA_ACTIVATION_ELU) return select(x > zero(), one, set(p.alpha) * exp_negative(min(zero(), x)));
  if constexpr (kKind == FOVEA_ACTIVATION_SELU)
    return set(p.beta) * select(x > zero(), one, set(p.alpha) * exp_negative(min(zero(), x)));
  if constexpr (kKind == FOVEA_ACTIVATION_SOFTPLUS) return Sigmoid(x).value;
  if constexpr (kKind == FOVEA_ACTIVATION_SOFTSIGN) {
    const F r = one / (one + abs(x));
    return r * r;
  }
  if constexpr (kKind == FOVEA_ACTIVATION_CLAMP) return select((x >= set(p.alpha)) & (x <= set(p.beta)), one, zero());
  return one;
}

template <int32_t kKind>
FOVEA_INLINE F activation_derivative(const fovea_activation_params& p, F x, F slope) {
  const F d = finite_derivative<kKind>(p, x, slope);
  return kKind == FOVEA_ACTIVATION_NONE ? d : select(is_nan(x), x, d);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
