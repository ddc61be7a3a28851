// Activations on vectors, for fovea_activate and for the epilogues of convolution and linear. Errors in units in the last place
// of the result, asserted by activation_accuracy_internal_test.cc on every instruction set:
//   sigmoid 3.5 (above -87)   silu 4 (above -80)   tanh 2   erf 8   expm1_negative 3   log_positive 1
// and of x, where the result is x times a probability that comes from a difference with 1/2:
//   gelu 4   gelu_tanh 2   mish 2.5
#pragma once

#include "core/exp_simd.h"
#include "core/simd.h"
#include "fovea/nn.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// The first operand of min and max drops no NaN (see simd.h).
FOVEA_INLINE F clamp(F x, float low, float high) { return min(set(high), max(set(low), x)); }

// 1 + exp(-x); infinite below -88.4. The steps of exp_bounded, with the sign in their constants and the sum in the last one.
FOVEA_INLINE F sigmoid_divisor(F x) {
  const F c = clamp(x, -89.0f, 87.0f);
  const F shifted = fnma(c, set(1.44269504088896341f), set(kExponentShift)), k = shifted - set(kExponentShift);
  const F r = fma(k, set(2.12194440e-4f), fnma(k, set(0.693359375f), zero() - c));
  const F p = exp_polynomial(r);
  return fma(p, as_float(shift_left<23>(as_int(shifted))), set(1.0f));
}
FOVEA_INLINE F sigmoid(F x) { return set(1.0f) / sigmoid_divisor(x); }

// log(x) for normal positive x: mantissa to [sqrt(1/2), sqrt(2)), degree-8 polynomial (Cephes). Used where x >= 1.
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

// Odd polynomial below 0.625 (no cancellation), 1 - 2/(exp(2|x|)+1) above.
FOVEA_INLINE F tanh(F x) {
  const F a = abs(x), z = x * x;
  F p = set(-5.70498872745e-3f);
  p = fma(p, z, set(2.06390887954e-2f));
  p = fma(p, z, set(-5.37397155531e-2f));
  p = fma(p, z, set(1.33314422036e-1f));
  p = fma(p, z, set(-3.33332819422e-1f));
  const F small = fma(p * z, x, x);
  const F half = min(set(10.0f), a);
  const F big = set(1.0f) - set(2.0f) / (exp_bounded(half + half) + set(1.0f));
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

// erf(x / sqrt 2) / 2, the normal distribution less one half: x * P(x^2) / Q(x^2), a minimax ratio for |x| <= 5.5 whose
// coefficients are all positive, so that nothing cancels. Beyond, x alone grows, up to the clamp: the ends are exact.
FOVEA_INLINE F half_erf(F x) {
  const F t = min(x * x, set(30.25f));
  const F p = x * polynomial5(t, 2.2931143009e-8f, 6.3015908948e-6f, 1.6457386747e-4f, 4.6514828486e-3f, 3.3458903698e-2f,
                              0.39894227379f);
  const F q = polynomial5(t, 1.1990279708e-6f, 7.2167070186e-5f, 1.8606466470e-3f, 2.8416136645e-2f, 0.25053543542f, 1.0f);
  return clamp(p / q, -0.5f, 0.5f);
}
FOVEA_INLINE F erf(F x) {
  const F h = half_erf(x * set(1.41421356237f));
  return h + h;
}

// x / (1 + exp(-2u)) with u = sqrt(2/pi) * (x + 0.044715 x^3), the exponent in units of log 2. Outside the clamp the divisor
// is 1 or infinite.
FOVEA_INLINE F gelu_tanh(F x) {
  const F c = clamp(x, -10.06f, 10.0f);
  const F u = c * fma(c * c, set(-0.102943240f), set(-2.302208198f));
  return x / (set(1.0f) + exp2_bounded(u));
}

// x * tanh(log(1 + e)) with e = exp(x): the logarithm and the exponential cancel. From 20 on the ratio is 1.
FOVEA_INLINE F mish(F x) {
  const F e = exp(min(set(20.0f), x)), w = e * (e + set(2.0f));
  return x * (w / (w + set(2.0f)));
}

// 2.5 ulp of the result or of 1/2, whichever is more.
FOVEA_INLINE F softplus(F x) { return max(zero(), x) + log_positive(set(1.0f) + exp(zero() - abs(x))); }

// `slope` is read for PRELU only.
template <int32_t kKind>
FOVEA_INLINE F activation(const fovea_activation_params& p, F x, F slope) {
  if constexpr (kKind == FOVEA_ACTIVATION_RELU) return max(zero(), x);
  if constexpr (kKind == FOVEA_ACTIVATION_RELU6) return min(set(6.0f), max(zero(), x));
  if constexpr (kKind == FOVEA_ACTIVATION_LEAKY_RELU) return select(x >= zero(), x, x * set(p.alpha));
  if constexpr (kKind == FOVEA_ACTIVATION_PRELU) return select(x >= zero(), x, x * slope);
  if constexpr (kKind == FOVEA_ACTIVATION_SIGMOID) return sigmoid(x);
  if constexpr (kKind == FOVEA_ACTIVATION_TANH) return tanh(x);
  if constexpr (kKind == FOVEA_ACTIVATION_SILU) return x / sigmoid_divisor(x);
  if constexpr (kKind == FOVEA_ACTIVATION_MISH) return mish(x);
  if constexpr (kKind == FOVEA_ACTIVATION_GELU) return x * (half_erf(x) + set(0.5f));
  if constexpr (kKind == FOVEA_ACTIVATION_GELU_TANH) return gelu_tanh(x);
  if constexpr (kKind == FOVEA_ACTIVATION_HARD_SIGMOID) return min(set(1.0f), max(zero(), fma(x, set(p.alpha), set(p.beta))));
  if constexpr (kKind == FOVEA_ACTIVATION_HARD_SWISH)
    return x * min(set(1.0f), max(zero(), fma(x, set(1.0f / 6.0f), set(0.5f))));
  if constexpr (kKind == FOVEA_ACTIVATION_ELU) return select(x > zero(), x, set(p.alpha) * expm1_negative(min(zero(), x)));
  if constexpr (kKind == FOVEA_ACTIVATION_SELU)
    return set(p.beta) * select(x > zero(), x, set(p.alpha) * expm1_negative(min(zero(), x)));
  if constexpr (kKind == FOVEA_ACTIVATION_SOFTPLUS) return softplus(x);
  if constexpr (kKind == FOVEA_ACTIVATION_SOFTSIGN) return x / (set(1.0f) + abs(x));
  if constexpr (kKind == FOVEA_ACTIVATION_CLAMP) return min(set(p.beta), max(set(p.alpha), x));
  return x;
}

// Calls body(Kind<k>{}) for the kind of `p`, so that a loop is compiled for each.
template <int32_t kKind>
struct Kind {
  static constexpr int32_t value = kKind;
};
template <int32_t kKind = FOVEA_ACTIVATION_NONE, class Body>
FOVEA_INLINE auto for_activation(const fovea_activation_params& p, const Body& body) {
  if constexpr (kKind == FOVEA_ACTIVATION_CLAMP) {
    return body(Kind<kKind>{});
  } else {
    if (p.kind == kKind) return body(Kind<kKind>{});
    return for_activation<kKind + 1>(p, body);
  }
}

// The kind at run time, in epilogues: loop-invariant, so it is hoisted or predicts perfectly.
FOVEA_INLINE F activation(const fovea_activation_params& p, F x, F slope) {
  return for_activation(
      p, [&](auto kind) __attribute__((always_inline)) { return activation<decltype(kind)::value>(p, x, slope); });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
