// One position of RWKV-4's mixer on a vector of channels; the gradients walk through the same states.
#pragma once

#include "core/simd.h"
#include "ops/wkv/wkv.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// e^a and e^b divided by the larger of them: one is 1. NaN in either makes both NaN but for the 1.
struct Shares {
  F a, b, top;
};
FOVEA_INLINE Shares shares(F a, F b) {
  const F distance = abs(a - b), less = exp(zero() - distance), one = set(1.0f);
  const M a_larger = a > b;
  // Equal infinities are no distance apart.
  const F smaller = select(a == b, one, less);
  return {select(a_larger, one, smaller), select(a_larger, smaller, one), select(is_nan(a) | a_larger, a, b)};
}

struct WkvState {
  F p, q, o;

  FOVEA_INLINE void advance(F decay, F k, F v) {
    const Shares s = shares(decay + o, k);
    p = fma(s.a, p, s.b * v);
    q = fma(s.a, q, s.b);
    o = s.top;
  }
};

// The result at a position, and what its gradients need.
struct Mixed {
  F y, denominator, now, top;
};
FOVEA_INLINE Mixed mix(const WkvState& state, F bonus, F k, F v) {
  const Shares s = shares(state.o, bonus + k);
  const F denominator = fma(s.a, state.q, s.b);
  return {fma(s.a, state.p, s.b * v) / denominator, denominator, s.b, s.top};
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
