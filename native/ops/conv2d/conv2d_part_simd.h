// A vector of channels, or half a vector: with AVX-512, the last 1 to 8 channels of a layer cost half as much in 8 lanes.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Every lane, and what F does. Functions ending in _n take the first n lanes when kPartial.
template <bool kHalf>
struct Part {
  using V = F;
  static constexpr int kWidth = kLanes;
  FOVEA_INLINE static V load(const float* p) { return fovea::FOVEA_ISA_NAMESPACE::load(p); }
  FOVEA_INLINE static V load_upto(const float* p, int64_t n) { return fovea::FOVEA_ISA_NAMESPACE::load_upto(p, n); }
  template <bool kPartial>
  FOVEA_INLINE static V load_n(const float* p, int64_t n) {
    return kPartial ? load_partial(p, static_cast<int>(n)) : load(p);
  }
  template <bool kPartial>
  FOVEA_INLINE static void store_n(float* p, V a, int64_t n) {
    if constexpr (kPartial)
      store_partial(p, a, static_cast<int>(n));
    else
      store(p, a);
  }
  FOVEA_INLINE static V of(F a) { return a; }
  FOVEA_INLINE static V all(float a) { return set(a); }
  FOVEA_INLINE static V fma(V a, V b, V c) { return fovea::FOVEA_ISA_NAMESPACE::fma(a, b, c); }
  FOVEA_INLINE static V add(V a, V b) { return a + b; }
  FOVEA_INLINE static V relu(V a) { return max(zero(), a); }
  // max(), which GCC 12 believes to read something uninitialized when a loop is unrolled around it.
  FOVEA_INLINE static V at_least(V low, V a) {
#if defined(__AVX512F__)
    return {_mm512_mask_max_ps(a.v, static_cast<__mmask16>(-1), low.v, a.v)};
#else
    return max(low, a);
#endif
  }
  FOVEA_INLINE static V leaky(V a, V slope) { return select(a >= zero(), a, a * slope); }
  // Keeps a in a register where the compiler would rather load it again.
  FOVEA_INLINE static void pin(V& a) {
#if defined(__AVX512F__)
    asm("" : "+v"(a.v));
#elif defined(__AVX2__)
    asm("" : "+x"(a.v));
#else
    (void)a;
#endif
  }
  // And there, and in this order: not where it is used, as an operand in memory.
  FOVEA_INLINE static void pin_here(V& a) {
#if defined(__AVX512F__)
    asm volatile("" : "+v"(a.v));
#else
    (void)a;
#endif
  }
};

#if defined(__AVX512F__)
template <>
struct Part<true> {
  using V = __m256;
  static constexpr int kWidth = 8;
  FOVEA_INLINE static __mmask8 first(int64_t n) { return static_cast<__mmask8>((1u << n) - 1u); }
  FOVEA_INLINE static V load(const float* p) { return _mm256_loadu_ps(p); }
  FOVEA_INLINE static V load_upto(const float* p, int64_t n) {
    return n >= kWidth ? load(p) : _mm256_maskz_loadu_ps(first(n), p);
  }
  template <bool kPartial>
  FOVEA_INLINE static V load_n(const float* p, int64_t n) {
    return kPartial ? _mm256_maskz_loadu_ps(first(n), p) : load(p);
  }
  template <bool kPartial>
  FOVEA_INLINE static void store_n(float* p, V a, int64_t n) {
    if constexpr (kPartial)
      _mm256_mask_storeu_ps(p, first(n), a);
    else
      _mm256_storeu_ps(p, a);
  }
  FOVEA_INLINE static V of(F a) { return _mm512_castps512_ps256(a.v); }
  FOVEA_INLINE static V all(float a) { return _mm256_set1_ps(a); }
  FOVEA_INLINE static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  FOVEA_INLINE static V add(V a, V b) { return _mm256_add_ps(a, b); }
  FOVEA_INLINE static V relu(V a) { return _mm256_max_ps(_mm256_setzero_ps(), a); }
  FOVEA_INLINE static V at_least(V low, V a) { return _mm256_max_ps(low, a); }
  FOVEA_INLINE static V leaky(V a, V slope) {
    return _mm256_mask_mul_ps(a, static_cast<__mmask8>(~_mm256_cmp_ps_mask(a, _mm256_setzero_ps(), _CMP_GE_OQ)), a, slope);
  }
  FOVEA_INLINE static void pin(V& a) { asm("" : "+v"(a)); }
  FOVEA_INLINE static void pin_here(V& a) { asm volatile("" : "+v"(a)); }
};
#endif

}  // namespace fovea::FOVEA_ISA_NAMESPACE
