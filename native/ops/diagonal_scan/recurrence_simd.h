// One step of a diagonal recurrence for a vector of channels, real or complex: the same names, so that a body is written once.
// Complex numbers lie as re, im in neighbouring lanes.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Channels that a task takes at once: the steps of a recurrence wait for each other, those of four vectors overlap.
inline constexpr int kVectors = 4;

struct Real {
  using Vector = F;
  static constexpr int kFloats = kLanes;
  FOVEA_INLINE static F zeros() { return zero(); }
  FOVEA_INLINE static F read(const float* p, int64_t n) { return load_upto(p, n); }
  FOVEA_INLINE static void write(float* p, F v, int64_t n) { store_upto(p, v, n); }
  FOVEA_INLINE static F add(F a, F b) { return a + b; }
  FOVEA_INLINE static F multiply_add(F a, F b, F c) { return fma(a, b, c); }            // a * b + c
  FOVEA_INLINE static F conjugate_multiply_add(F a, F b, F c) { return fma(a, b, c); }  // conj(a) * b + c
};

// clang-format off
#if defined(__AVX512F__)
FOVEA_INLINE F even_lanes(F a) { return {_mm512_moveldup_ps(a.v)}; }  // the real parts, twice
FOVEA_INLINE F odd_lanes(F a) { return {_mm512_movehdup_ps(a.v)}; }
FOVEA_INLINE F swap_lanes(F a) { return {_mm512_permute_ps(a.v, 0xB1)}; }
FOVEA_INLINE F fma_odd(F a, F b, F c) { return {_mm512_fmaddsub_ps(a.v, b.v, c.v)}; }   // a*b - c, + c in odd lanes
FOVEA_INLINE F fma_even(F a, F b, F c) { return {_mm512_fmsubadd_ps(a.v, b.v, c.v)}; }  // a*b + c, - c in odd lanes
#elif defined(__AVX2__)
FOVEA_INLINE F even_lanes(F a) { return {_mm256_moveldup_ps(a.v)}; }
FOVEA_INLINE F odd_lanes(F a) { return {_mm256_movehdup_ps(a.v)}; }
FOVEA_INLINE F swap_lanes(F a) { return {_mm256_permute_ps(a.v, 0xB1)}; }
FOVEA_INLINE F fma_odd(F a, F b, F c) { return {_mm256_fmaddsub_ps(a.v, b.v, c.v)}; }
FOVEA_INLINE F fma_even(F a, F b, F c) { return {_mm256_fmsubadd_ps(a.v, b.v, c.v)}; }
#endif
// clang-format on

#if defined(__AVX2__)
struct Complex : Real {
  FOVEA_INLINE static F multiply_add(F a, F b, F c) {
    return fma_odd(even_lanes(a), b, fma_odd(odd_lanes(a), swap_lanes(b), c));
  }
  FOVEA_INLINE static F conjugate_multiply_add(F a, F b, F c) {
    return fma_even(even_lanes(a), b, fma_even(odd_lanes(a), swap_lanes(b), c));
  }
};
#else
struct Complex {
  struct Vector {
    float re, im;
  };
  static constexpr int kFloats = 2;
  FOVEA_INLINE static Vector zeros() { return {0.0f, 0.0f}; }
  FOVEA_INLINE static Vector read(const float* p, int64_t) { return {p[0], p[1]}; }
  FOVEA_INLINE static void write(float* p, Vector v, int64_t) { p[0] = v.re, p[1] = v.im; }
  FOVEA_INLINE static Vector add(Vector a, Vector b) { return {a.re + b.re, a.im + b.im}; }
  FOVEA_INLINE static Vector multiply_add(Vector a, Vector b, Vector c) {
    return {a.re * b.re - (a.im * b.im - c.re), a.re * b.im + (a.im * b.re + c.im)};
  }
  FOVEA_INLINE static Vector conjugate_multiply_add(Vector a, Vector b, Vector c) {
    return {a.re * b.re + (a.im * b.im + c.re), a.re * b.im - (a.im * b.re - c.im)};
  }
};
#endif

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
