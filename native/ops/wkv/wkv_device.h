// One position of RWKV-4's mixer in one channel, see wkv_step_simd.h.
#pragma once

#include "cuda/elements.h"
#include "ops/wkv/wkv.h"

namespace fovea::cuda {

// e^a and e^b divided by the larger of them.
struct WkvShares {
  float a, b, top;
};
FOVEA_DEVICE WkvShares wkv_shares(float a, float b) {
  const float less = a == b ? 1.0f : expf(-fabsf(a - b));
  const bool a_larger = a > b;
  return {a_larger ? 1.0f : less, a_larger ? less : 1.0f, a != a || a_larger ? a : b};
}

struct WkvState {
  float p, q, o;

  FOVEA_DEVICE void advance(float decay, float k, float v) {
    const WkvShares s = wkv_shares(decay + o, k);
    p = fmaf(s.a, p, s.b * v);
    q = fmaf(s.a, q, s.b);
    o = s.top;
  }
};

struct WkvMixed {
  float y, denominator, now, top;
};
FOVEA_DEVICE WkvMixed wkv_mix(const WkvState& state, float bonus, float k, float v) {
  const WkvShares s = wkv_shares(state.o, bonus + k);
  const float denominator = fmaf(s.a, state.q, s.b);
  return {fmaf(s.a, state.p, s.b * v) / denominator, denominator, s.b, s.top};
}

}  // namespace fovea::cuda
