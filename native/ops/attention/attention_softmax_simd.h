// The running softmax shared by both bodies. Scores are in units of log2 (multiplied by log2(e) once), so that every
// exponential is 2^x with x <= kSlack.
#pragma once

#include "ops/activation/activation_simd.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr float kLog2E = 1.44269504088896341f, kLn2 = 0.693147180559945309f;
inline constexpr float kMasked = -__builtin_inff();

// 2^x for x < 127, relative error below 3e-7; below -126 the result is exactly 0, so a masked score weighs nothing. NaN stays
// NaN. The polynomial is a degree-5 minimax of 2^f on [0, 1).
FOVEA_INLINE F exp2_softmax(F x) {
#if defined(__AVX512F__)
  const F f{_mm512_reduce_ps(x.v, _MM_FROUND_TO_NEG_INF)};
#else
  const F whole = floor(x), f = x - whole;
#endif
  F p = set(1.8775767e-3f);
  p = fma(p, f, set(8.9893397e-3f));
  p = fma(p, f, set(5.5826318e-2f));
  p = fma(p, f, set(2.4015361e-1f));
  p = fma(p, f, set(6.9315308e-1f));
  p = fma(p, f, set(9.9999994e-1f));
#if defined(__AVX512F__)
  // "Not less than" is true for NaN.
  const __mmask16 normal = _mm512_cmp_ps_mask(x.v, _mm512_set1_ps(-126.0f), _CMP_NLT_UQ);
  return {_mm512_maskz_scalef_ps(normal, p.v, x.v)};
#else
  const F scaled = p * as_float(shift_left<23>(to_int(whole) + seti(127)));
  return select(x < set(-126.0f), zero(), scaled);
#endif
}

FOVEA_INLINE float first_lane(F a) {
  float lanes[kLanes];
  store(lanes, a);
  return lanes[0];
}

// What a row has seen so far: a score to measure from and the sum of 2^(score - reference).
struct RowSum {
  float reference, sum;
};

inline constexpr RowSum kNothingSeen{kMasked, 0.0f};

// A row keeps its reference until a score exceeds it by this much. Weights up to 2^kSlack are as exact as weights up to 1, and
// most blocks then need no rescaling of what was summed before (its branch would be a coin toss).
inline constexpr float kSlack = 8.0f;

// A row without any score stays at -inf; shifting it by 0 instead avoids -inf - -inf.
FOVEA_INLINE float finite_shift(float reference) { return reference == kMasked ? 0.0f : reference; }
// Multiplies what was summed relative to `from` so that it is relative to `to`, which is not smaller: 1 when nothing changed.
FOVEA_INLINE float rescale(float from, float to) {
  return from == to ? 1.0f : first_lane(exp2_softmax(set(from - finite_shift(to))));
}

// Both take n scores, a multiple of 16.
FOVEA_INLINE float largest(const float* s, int64_t n) {
  F m0 = set(kMasked), m1 = m0;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    m0 = max(m0, load(s + i));
    m1 = max(m1, load(s + i + kLanes));
  }
  if (i < n) m0 = max(m0, load(s + i));
  return max_lanes(max(m0, m1));
}

// Replaces the scores by 2^(score - shift) and returns their sum.
FOVEA_INLINE float exponentials(float* s, int64_t n, float shift) {
  const F shifts = set(shift);
  F s0 = zero(), s1 = zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const F e0 = exp2_softmax(load(s + i) - shifts), e1 = exp2_softmax(load(s + i + kLanes) - shifts);
    s0 = s0 + e0;
    s1 = s1 + e1;
    store(s + i, e0);
    store(s + i + kLanes, e1);
  }
  if (i < n) {
    const F e0 = exp2_softmax(load(s + i) - shifts);
    s0 = s0 + e0;
    store(s + i, e0);
  }
  return sum(s0 + s1);
}

// Raises the reference of a row about to see scores up to `highest` where it must be. Returns the factor for everything
// accumulated before, already applied to the row's sum. A NaN score makes the row's sum NaN later, whatever happens here.
FOVEA_INLINE float raise_reference(RowSum* row, float highest) {
  if (!(highest > row->reference + kSlack)) return 1.0f;
  const float factor = row->reference == kMasked ? 1.0f : rescale(row->reference, highest);  // nothing summed: 1 costs nothing
  *row = {highest, row->sum * factor};
  return factor;
}

// s = cap * tanh(s), with s = score / softcap and `cap` = softcap in units of log2. Rare and long, so not inlined; and noipa,
// because with the constant n of one caller GCC 12 warns about its own intrinsics.
[[gnu::noipa, maybe_unused]] void cap_scores(float* s, int64_t n, float cap) {
  for (int64_t i = 0; i < n; i += kLanes) store(s + i, tanh(load(s + i)) * set(cap));
}

// log(sum of exp(score)), natural. -inf when every score was, NaN when one was.
FOVEA_INLINE float log_sum_exp(const RowSum& row) {
  if (!(row.sum > 0.0f)) return row.sum == 0.0f ? kMasked : row.sum;
  return row.reference * kLn2 + first_lane(log_positive(set(row.sum)));
}

// What a dot product of q and k is multiplied by to become a score or an argument of cap_scores.
FOVEA_INLINE float score_scale(float scale, float softcap) { return softcap > 0 ? scale / softcap : scale * kLog2E; }

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
