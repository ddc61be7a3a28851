// Elementwise and bound by memory: 28 bytes per parameter for Adam. The same arithmetic for every element wherever the cuts
// fall, so one flat buffer of many tensors steps exactly as the tensors would one by one.
#include "ops/optimizer_step/optimizer_step.h"

#include "core/simd.h"
#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// sign(0) = 0, sign(NaN) = NaN.
FOVEA_INLINE F sign(F x) { return select(x > zero(), set(1.0f), select(x < zero(), set(-1.0f), x)); }

template <int32_t kKind, bool kFirstStep>
FOVEA_INLINE void step(const OptimizerJob& j, const OptimizerScales& s, int64_t i, int64_t n) {
  F p = load_upto(j.parameter + i, n), g = load_upto(j.gradient + i, n) * set(s.factor);
  if constexpr (kKind == FOVEA_OPTIMIZER_ADAMW || kKind == FOVEA_OPTIMIZER_LION)
    p = p * set(s.keep);
  else
    g = fma(set(s.decay), p, g);
  if constexpr (kKind == FOVEA_OPTIMIZER_SGD) {
    p = fnma(set(s.rate), g, p);
  } else if constexpr (kKind == FOVEA_OPTIMIZER_MOMENTUM || kKind == FOVEA_OPTIMIZER_NESTEROV) {
    F m = g;  // the buffer is not read at the first step: it may hold anything
    if constexpr (!kFirstStep) m = fma(set(s.beta1), load_upto(j.first + i, n), set(s.rest1) * g);
    store_upto(j.first + i, m, n);
    p = fnma(set(s.rate), kKind == FOVEA_OPTIMIZER_NESTEROV ? fma(set(s.beta1), m, g) : m, p);
  } else if constexpr (kKind == FOVEA_OPTIMIZER_LION) {
    const F m = load_upto(j.first + i, n);
    p = fnma(set(s.rate), sign(fma(set(s.beta1), m, set(s.rest1) * g)), p);
    store_upto(j.first + i, fma(set(s.beta2), m, set(s.rest2) * g), n);
  } else {
    const F m = fma(set(s.beta1), load_upto(j.first + i, n), set(s.rest1) * g);
    const F v = fma(set(s.beta2), load_upto(j.second + i, n), set(s.rest2) * g * g);
    store_upto(j.first + i, m, n);
    store_upto(j.second + i, v, n);
    p = p - set(s.rate) * m / fma(sqrt(v), set(s.unbias), set(s.epsilon));
  }
  store_upto(j.parameter + i, p, n);
}

template <int32_t kKind, bool kFirstStep = false>
void steps(const OptimizerJob& j, const OptimizerScales& scales) {
  parallel_for(optimizer_count(j), 16384, [&](int64_t begin, int64_t end, int32_t) {
    const OptimizerScales s = scales;
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) step<kKind, kFirstStep>(j, s, i, kLanes);
    if (i < end) step<kKind, kFirstStep>(j, s, i, end - i);
  });
}

}  // namespace

void optimizer_step(const OptimizerJob& j) {
  OptimizerScales s;
  if (!optimizer_scales(j, &s)) return;
  switch (j.params.kind) {
    case FOVEA_OPTIMIZER_SGD:
      return steps<FOVEA_OPTIMIZER_SGD>(j, s);
    case FOVEA_OPTIMIZER_MOMENTUM:
      return s.first_step ? steps<FOVEA_OPTIMIZER_MOMENTUM, true>(j, s) : steps<FOVEA_OPTIMIZER_MOMENTUM>(j, s);
    case FOVEA_OPTIMIZER_NESTEROV:
      return s.first_step ? steps<FOVEA_OPTIMIZER_NESTEROV, true>(j, s) : steps<FOVEA_OPTIMIZER_NESTEROV>(j, s);
    case FOVEA_OPTIMIZER_ADAM:
      return steps<FOVEA_OPTIMIZER_ADAM>(j, s);
    case FOVEA_OPTIMIZER_ADAMW:
      return steps<FOVEA_OPTIMIZER_ADAMW>(j, s);
    default:
      return steps<FOVEA_OPTIMIZER_LION>(j, s);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
