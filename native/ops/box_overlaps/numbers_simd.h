// The arithmetic of numbers.h on vectors; simd.h has the rest.
#pragma once

#include "core/numbers.h"
#include "core/simd.h"
#include "ops/unary/log_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// atan2(w, h) of numbers that are not negative, 3 ulp; 0 where both are 0. Cephes' polynomial holds up to tan(pi/8).
FOVEA_INLINE F angle(F w, F h) {
  const F low = min(w, h), high = max(w, h);
  const M steep = low > high * set(0.414213562f);
  const F t = select(steep, low - high, low) / select(steep, low + high, high), z = t * t;
  F p = set(8.05374449538e-2f);
  p = fma(p, z, set(-1.38776856032e-1f));
  p = fma(p, z, set(1.99777106478e-1f));
  p = fma(p, z, set(-3.33329491539e-1f));
  const F below = select(steep, set(0.785398163f), zero()) + fma(p * z, t, t);
  return select(high > zero(), select(w > h, set(1.57079633f) - below, below), zero());
}

// x >= 0.
FOVEA_INLINE F power(F x, double p) { return select(x > zero(), exp(set(static_cast<float>(p)) * log(x)), x * zero()); }

}  // namespace fovea::FOVEA_ISA_NAMESPACE

namespace fovea::numbers {

template <>
struct Number<FOVEA_ISA_NAMESPACE::F> {
  using F = FOVEA_ISA_NAMESPACE::F;
  FOVEA_FORMULA static F of(double x) { return FOVEA_ISA_NAMESPACE::set(static_cast<float>(x)); }
  FOVEA_FORMULA static F detached(F x) { return x; }
  FOVEA_FORMULA static F at_least_zero(F x) { return max(x, of(0)); }
};

}  // namespace fovea::numbers
