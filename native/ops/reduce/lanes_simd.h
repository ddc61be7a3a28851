// Across the lanes of one vector, in a fixed order. NaN handling is the caller's: these follow the x86 rule of max and min.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

#if defined(__AVX2__)
FOVEA_INLINE float max_lanes(__m256 a) {
  const __m128 q = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(d, _mm_shuffle_ps(d, d, 1)));
}
#endif

#if defined(__AVX512F__)
FOVEA_INLINE float max_lanes(F a) {
  return max_lanes(_mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1)));
}
// Lane i takes lane i^1, lane i^2.
FOVEA_INLINE F swap_1(F a) { return {_mm512_permute_ps(a.v, 0xB1)}; }
FOVEA_INLINE F swap_2(F a) { return {_mm512_permute_ps(a.v, 0x4E)}; }
#elif defined(__AVX2__)
FOVEA_INLINE float max_lanes(F a) { return max_lanes(a.v); }
FOVEA_INLINE F swap_1(F a) { return {_mm256_permute_ps(a.v, 0xB1)}; }
FOVEA_INLINE F swap_2(F a) { return {_mm256_permute_ps(a.v, 0x4E)}; }
#else
FOVEA_INLINE float max_lanes(F a) { return a.v; }
FOVEA_INLINE F swap_1(F a) { return a; }
FOVEA_INLINE F swap_2(F a) { return a; }
#endif

// The first n lanes, zeros behind: for maps that do not send the zeros of a partial load to zero.
FOVEA_INLINE F keep_first(F a, int64_t n) {
  return n >= kLanes ? a : select(to_float(iota()) < set(static_cast<float>(n)), a, zero());
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
