// The maximum of a row and the sum of its exponentials, for softmax and cross-entropy. Functions are static: every instruction
// set keeps its own copy (see simd.h).
#pragma once

#include "core/exp_simd.h"
#include "ops/reduce/lanes_simd.h"

// GCC 12's AVX-512 intrinsics start from undefined vectors on purpose.
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace fovea::FOVEA_ISA_NAMESPACE {

inline constexpr int64_t kSumBlock = 256 * kLanes;  // terms per float partial sum: 64 additions deep in each of 4 accumulators

// exp(x - max) for x up to max. AVX-512 takes 2^t, t = (x - shift) log2(e) + offset, since it has instructions for the parts of
// t before and behind the point. For softmax itself the maximum is in the offset: t is then rounded once, and the rounding of
// the offset is a factor common to the row. Near 1e6 that factor would grow, and x - max is all but exact.
template <bool kLog>
struct Exponential {
  F shift, offset;
  FOVEA_INLINE explicit Exponential(float max) : shift(set(max)), offset(zero()) {
#if defined(__AVX512F__)
    if constexpr (!kLog) {
      if (__builtin_fabsf(max) <= 0x1p20f) shift = zero(), offset = set(max * -1.44269504088896341f);
    }
#endif
  }
  // 3 ulp and the rounding of t; 0 for -inf, NaN for NaN.
  FOVEA_INLINE F operator()(F x) const {
#if defined(__AVX512F__)
    const F t = fma(x - shift, set(1.44269504088896341f), offset);
    const F f = {_mm512_reduce_ps(t.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};  // t - floor(t), 0 where t is infinite
    const F p = polynomial5(f, 1.8671300495e-3f, 9.0170307085e-3f, 5.5799912661e-2f, 2.4016444385e-1f, 6.9315129519e-1f, 1.0f);
    return {_mm512_scalef_ps(p.v, t.v)};
#else
    return exp_negative(x - shift);
#endif
  }
};

// n is at least kLanes: the last vector overlaps the one before it.
static float row_max(const float* x, int64_t n) {
  const F lowest = set(-__builtin_inff());
  F m0 = lowest, m1 = lowest, m2 = lowest, m3 = lowest;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    m0 = max(m0, load(x + i)), m1 = max(m1, load(x + i + kLanes));
    m2 = max(m2, load(x + i + 2 * kLanes)), m3 = max(m3, load(x + i + 3 * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) m0 = max(m0, load(x + i));
  if (i < n) m1 = max(m1, load(x + n - kLanes));
  return max_lanes(max(max(m0, m1), max(m2, m3)));
}

// The sum of exponentials, and the terms themselves in `e` where the result is not the logarithm.
template <bool kLog>
static float row_exponentials(const float* x, float* e, int64_t n, float highest) {
  const Exponential<kLog> exponential(highest);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock) {
    const int64_t end = begin + kSumBlock < n ? begin + kSumBlock : n;
    F s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
    int64_t i = begin;
    for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
      const F e0 = exponential(load(x + i)), e1 = exponential(load(x + i + kLanes)), e2 = exponential(load(x + i + 2 * kLanes)),
              e3 = exponential(load(x + i + 3 * kLanes));
      s0 = s0 + e0, s1 = s1 + e1, s2 = s2 + e2, s3 = s3 + e3;
      if constexpr (!kLog)
        store(e + i, e0), store(e + i + kLanes, e1), store(e + i + 2 * kLanes, e2), store(e + i + 3 * kLanes, e3);
    }
    for (; i < end; i += kLanes) {
      const F e0 = exponential(load_upto(x + i, end - i));
      if constexpr (!kLog) store_upto(e + i, e0, end - i);
      s1 = s1 + keep_first(e0, end - i);
    }
    total += static_cast<double>(sum((s0 + s1) + (s2 + s3)));
  }
  return static_cast<float>(total);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
