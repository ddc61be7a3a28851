// Exponentials for arguments whose range the caller knows: without the checks of simd.h's exp they cost half as much. Bounds
// are asserted by activation_accuracy_internal_test.cc for every instruction set.
//
// Adding 1.5 * 2^23 to a float rounds it to an integer, which then sits in the low bits; with 127 on top, shifting those into
// the exponent gives 2^k directly.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

inline constexpr float kRoundingShift = 12582912.0f, kExponentShift = kRoundingShift + 127.0f;

// p[5]*x^5 + .. + p[0].
FOVEA_INLINE F polynomial5(F x, float p5, float p4, float p3, float p2, float p1, float p0) {
  F p = fma(set(p5), x, set(p4));
  p = fma(p, x, set(p3));
  p = fma(p, x, set(p2));
  p = fma(p, x, set(p1));
  return fma(p, x, set(p0));
}

// exp(r), |r| <= log(2) / 2.
FOVEA_INLINE F exp_polynomial(F r) {
  return polynomial5(r, 8.2903061472e-3f, 4.1897975373e-2f, 1.6667636582e-1f, 4.9999149193e-1f, 9.9999970701e-1f, 1.0f);
}

// exp(x), 2.5 ulp, for -87.3 <= x <= 88.37, and infinity from there to 89. A NaN stays one; other arguments give anything.
FOVEA_INLINE F exp_bounded(F x) {
  const F shifted = fma(x, set(1.44269504088896341f), set(kExponentShift)), k = shifted - set(kExponentShift);
  const F r = fnma(k, set(-2.12194440e-4f), fnma(k, set(0.693359375f), x));  // ln 2 in two constants
  const F p = exp_polynomial(r);
  return p * as_float(shift_left<23>(as_int(shifted)));
}

// exp(x) for x <= 0: 2.5 ulp and a sixteenth of one for each unit of |x|; 0 below -87.33 (AVX-512: where float
// has no smaller number), also for -inf. A NaN stays one.
FOVEA_INLINE F exp_negative(F x) {
#if defined(__AVX512F__)
  x = max(set(-104.0f), x);
  const F k = fma(x, set(1.44269504088896341f), set(kRoundingShift)) - set(kRoundingShift);
#else
  const F shifted = fma(x, set(1.44269504088896341f), set(kExponentShift)), k = shifted - set(kExponentShift);
#endif
  // One constant does where a product and a sum round once: it is off by 2e-9, k by at most 150.
  const F r = kLanes > 1 ? fnma(k, set(0.693147180559945f), x) : fnma(k, set(-2.12194440e-4f), fnma(k, set(0.693359375f), x));
  const F p = exp_polynomial(r);
#if defined(__AVX512F__)
  return {_mm512_scalef_ps(p.v, k.v)};
#else
  return select(x < set(-87.33f), zero(), p * as_float(shift_left<23>(as_int(shifted))));
#endif
}

// 2^x, 2.5 ulp, for -126.5 < x < 127.5, and infinity from there to 128.4. A NaN stays one; other arguments give anything.
FOVEA_INLINE F exp2_bounded(F x) {
  const F shifted = x + set(kExponentShift), f = x - (shifted - set(kExponentShift));
  const F p = polynomial5(f, 1.3264699929e-3f, 9.6715339090e-3f, 5.5507340006e-2f, 2.4022241761e-1f, 6.9314697736e-1f, 1.0f);
  return p * as_float(shift_left<23>(as_int(shifted)));
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
