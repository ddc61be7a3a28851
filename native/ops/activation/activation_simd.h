// Activations on vectors, for fovea_activate and for the epilogues of convolution and linear.
#pragma once

#include "core/simd.h"
#include "fovea/nn.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

FOVEA_INLINE F sigmoid(F x) { return set(1.0f) / (set(1.0f) + exp(zero() - x)); }

// log(x) for normal positive x, 2 ulp: mantissa to [sqrt(1/2), sqrt(2)), degree-8 polynomial (Cephes). Used where x >= 1.
FOVEA_INLINE F log_positive(F x) {
  const I bits_of_x = as_int(x);
  F e = to_float(shift_right<23>(bits_of_x - seti(0x3f3504f3)));
  const F m = as_float(bits_of_x - shift_left<23>(to_int(e))) - set(1.0f);
  const F z = m * m;
  F p = set(7.0376836292e-2f);
  p = fma(p, m, set(-1.1514610310e-1f));
  p = fma(p, m, set(1.1676998740e-1f));
  p = fma(p, m, set(-1.2420140846e-1f));
  p = fma(p, m, set(1.4249322787e-1f));
  p = fma(p, m, set(-1.6668057665e-1f));
  p = fma(p, m, set(2.0000714765e-1f));
  p = fma(p, m, set(-2.4999993993e-1f));
  p = fma(p, m, set(3.3333331174e-1f));
  p = p * m * z;
  p = fma(e, set(-2.12194440e-4f), p);
  p = fnma(set(0.5f), z, p);
  return fma(e, set(0.693359375f), m + p);
}

// tanh: odd polynomial below 0.625 (no cancellation), 1 - 2/(exp(2|x|)+1) above.
FOVEA_INLINE F tanh(F x) {
  const F a = abs(x), z = x * x;
  F p = set(-5.70498872745e-3f);
  p = fma(p, z, set(2.06390887954e-2f));
  p = fma(p, z, set(-5.37397155531e-2f));
  p = fma(p, z, set(1.33314422036e-1f));
  p = fma(p, z, set(-3.33332819422e-1f));
  const F small = fma(p * z, x, x);
  const F big = set(1.0f) - set(2.0f) / (exp(a + a) + set(1.0f));
  const F large = select(x < zero(), zero() - big, big);
  return select(is_nan(x), x, select(a < set(0.625f), small, large));
}

// exp(x) - 1 for x <= 0 without cancellation near 0: (e - 1) * x / log(e) with e = exp(x), x itself when e rounds to 1.
FOVEA_INLINE F expm1_negative(F x) {
  const F u = exp(x), one = set(1.0f), difference = u - one;
  // Kahan's formula; below -15 the difference is -1 and log(0) must not be taken.
  const F corrected = difference * (x / log_positive(max(u, set(1e-30f))));
  const F near = select(u == one, x, corrected);
  return select(x < set(-15.0f), difference, near);
}

// erf, absolute error below 5e-7 (Abramowitz and Stegun 7.1.26 with the exponential of this file).
FOVEA_INLINE F erf(F x) {
  const F a = abs(x);
  const F t = set(1.0f) / fma(set(0.3275911f), a, set(1.0f));
  F p = set(1.061405429f);
  p = fma(p, t, set(-1.453152027f));
  p = fma(p, t, set(1.421413741f));
  p = fma(p, t, set(-0.284496736f));
  p = fma(p, t, set(0.254829592f));
  const F y = fnma(p * t, exp(zero() - a * a), set(1.0f));
  const F signed_y = select(x < zero(), zero() - y, y);
  return select(is_nan(x), x, signed_y);
}

FOVEA_INLINE F softplus(F x) { return max(zero(), x) + log_positive(set(1.0f) + exp(zero() - abs(x))); }

// `slope` is read for PRELU only. The switch is on a loop-invariant value: compilers hoist it or it predicts perfectly.
FOVEA_INLINE F activation(const fovea_activation_params& p, F x, F slope) {
  switch (p.kind) {
    case FOVEA_ACTIVATION_NONE:
      return x;
    case FOVEA_ACTIVATION_RELU:
      return max(zero(), x);
    case FOVEA_ACTIVATION_RELU6:
      return min(set(6.0f), max(zero(), x));
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return select(x >= zero(), x, x * set(p.alpha));
    case FOVEA_ACTIVATION_PRELU:
      return select(x >= zero(), x, x * slope);
    case FOVEA_ACTIVATION_SIGMOID:
      return sigmoid(x);
    case FOVEA_ACTIVATION_TANH:
      return tanh(x);
    case FOVEA_ACTIVATION_SILU:
      return x * sigmoid(x);
    case FOVEA_ACTIVATION_MISH:
      return x * tanh(softplus(x));
    case FOVEA_ACTIVATION_GELU:
      return x * set(0.5f) * (set(1.0f) + erf(x * set(0.70710678f)));
    case FOVEA_ACTIVATION_GELU_TANH:
      return x * set(0.5f) * (set(1.0f) + tanh(set(0.79788456f) * fma(set(0.044715f) * x * x, x, x)));
    case FOVEA_ACTIVATION_HARD_SIGMOID:
      return min(set(1.0f), max(zero(), fma(x, set(p.alpha), set(p.beta))));
    case FOVEA_ACTIVATION_HARD_SWISH:
      return x * min(set(1.0f), max(zero(), fma(x, set(1.0f / 6.0f), set(0.5f))));
    case FOVEA_ACTIVATION_ELU:
      return select(x > zero(), x, set(p.alpha) * expm1_negative(min(zero(), x)));
    case FOVEA_ACTIVATION_SELU:
      return set(p.beta) * select(x > zero(), x, set(p.alpha) * expm1_negative(min(zero(), x)));
    case FOVEA_ACTIVATION_SOFTPLUS:
      return softplus(x);
    case FOVEA_ACTIVATION_SOFTSIGN:
      return x / (set(1.0f) + abs(x));
    case FOVEA_ACTIVATION_CLAMP:
      return min(set(p.beta), max(set(p.alpha), x));
    default:
      return x;
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
