// One vector type per instruction set, so that a kernel body is written once. Included by <op>_simd.cc files only, which CMake
// compiles with FOVEA_ISA_NAMESPACE set to scalar, avx2 or avx512.
//
// Rule for those files: no standard-library templates. A weak symbol compiled with AVX-512 could be the copy the linker keeps
// for the whole library, and then crash elsewhere; everything here is in a per-ISA namespace or always inlined.
//
// Lanes: F has kLanes floats. Tails: load_partial reads the first n lanes (0 <= n <= kLanes) and zeroes the rest, store_partial
// writes only n lanes; neither touches memory beyond them. I is the same lanes as 32-bit integers, M a lane mask.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#else
#include <cmath>
#include <cstring>
#endif

#ifndef FOVEA_ISA_NAMESPACE
#error "simd.h is for <op>_simd.cc files"
#endif

#define FOVEA_INLINE [[gnu::always_inline]] inline

namespace fovea::FOVEA_ISA_NAMESPACE {

// One operation a line, so that the three versions can be compared.
// clang-format off
#if defined(__AVX512F__)

inline constexpr int kLanes = 16;
struct F { __m512 v; };
struct I { __m512i v; };
struct M { __mmask16 v; };

FOVEA_INLINE __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
FOVEA_INLINE F zero() { return {_mm512_setzero_ps()}; }
FOVEA_INLINE F set(float x) { return {_mm512_set1_ps(x)}; }
FOVEA_INLINE F load(const float* p) { return {_mm512_loadu_ps(p)}; }
FOVEA_INLINE F load_partial(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
FOVEA_INLINE F load_u8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
FOVEA_INLINE F gather(const float* p, I index) { return {_mm512_i32gather_ps(index.v, p, 4)}; }
FOVEA_INLINE void store(float* p, F a) { _mm512_storeu_ps(p, a.v); }
FOVEA_INLINE void store_partial(float* p, F a, int n) { _mm512_mask_storeu_ps(p, first(n), a.v); }
FOVEA_INLINE F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
FOVEA_INLINE F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
FOVEA_INLINE F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
FOVEA_INLINE F operator/(F a, F b) { return {_mm512_div_ps(a.v, b.v)}; }
FOVEA_INLINE F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }   // a*b + c
FOVEA_INLINE F fnma(F a, F b, F c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; } // c - a*b
// x86 rule: the second operand when either is NaN. max(x, bound) drops a NaN x, max(bound, x) keeps it.
FOVEA_INLINE F max(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
FOVEA_INLINE F min(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
FOVEA_INLINE F sqrt(F a) { return {_mm512_sqrt_ps(a.v)}; }
FOVEA_INLINE F abs(F a) { return {_mm512_abs_ps(a.v)}; }
FOVEA_INLINE F floor(F a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
FOVEA_INLINE F ceil(F a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)}; }
FOVEA_INLINE F round(F a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
FOVEA_INLINE M operator<(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
FOVEA_INLINE M operator<=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
FOVEA_INLINE M operator>(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
FOVEA_INLINE M operator>=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
FOVEA_INLINE M operator==(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
FOVEA_INLINE M is_nan(F a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
FOVEA_INLINE M operator&(M a, M b) { return {static_cast<__mmask16>(a.v & b.v)}; }
FOVEA_INLINE M operator|(M a, M b) { return {static_cast<__mmask16>(a.v | b.v)}; }
FOVEA_INLINE F select(M m, F yes, F no) { return {_mm512_mask_blend_ps(m.v, no.v, yes.v)}; }
FOVEA_INLINE uint32_t bits(M m) { return m.v; }  // bit i = lane i
FOVEA_INLINE I seti(int32_t x) { return {_mm512_set1_epi32(x)}; }
FOVEA_INLINE I loadi(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
FOVEA_INLINE void storei(int32_t* p, I a) { _mm512_storeu_si512(p, a.v); }
FOVEA_INLINE I iota() { return {_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)}; }
FOVEA_INLINE I operator+(I a, I b) { return {_mm512_add_epi32(a.v, b.v)}; }
FOVEA_INLINE I operator-(I a, I b) { return {_mm512_sub_epi32(a.v, b.v)}; }
FOVEA_INLINE I operator&(I a, I b) { return {_mm512_and_si512(a.v, b.v)}; }
FOVEA_INLINE I operator|(I a, I b) { return {_mm512_or_si512(a.v, b.v)}; }
template <int N> FOVEA_INLINE I shift_left(I a) { return {_mm512_slli_epi32(a.v, N)}; }
template <int N> FOVEA_INLINE I shift_right(I a) { return {_mm512_srai_epi32(a.v, N)}; }
FOVEA_INLINE M operator==(I a, I b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
FOVEA_INLINE I to_int(F a) { return {_mm512_cvtps_epi32(a.v)}; }   // nearest even
FOVEA_INLINE F to_float(I a) { return {_mm512_cvtepi32_ps(a.v)}; }
FOVEA_INLINE I as_int(F a) { return {_mm512_castps_si512(a.v)}; }
FOVEA_INLINE F as_float(I a) { return {_mm512_castsi512_ps(a.v)}; }
// Fixed pairwise order: the same on every call.
FOVEA_INLINE float sum(F a) {
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps(d, d, 1)));
}

#elif defined(__AVX2__)

inline constexpr int kLanes = 8;
struct F { __m256 v; };
struct I { __m256i v; };
struct M { __m256 v; };

FOVEA_INLINE __m256i first(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}
FOVEA_INLINE F zero() { return {_mm256_setzero_ps()}; }
FOVEA_INLINE F set(float x) { return {_mm256_set1_ps(x)}; }
FOVEA_INLINE F load(const float* p) { return {_mm256_loadu_ps(p)}; }
FOVEA_INLINE F load_partial(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
FOVEA_INLINE F load_u8(const uint8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
FOVEA_INLINE F gather(const float* p, I index) { return {_mm256_i32gather_ps(p, index.v, 4)}; }
FOVEA_INLINE void store(float* p, F a) { _mm256_storeu_ps(p, a.v); }
FOVEA_INLINE void store_partial(float* p, F a, int n) { _mm256_maskstore_ps(p, first(n), a.v); }
FOVEA_INLINE F operator+(F a, F b) { return {_mm256_add_ps(a.v, b.v)}; }
FOVEA_INLINE F operator-(F a, F b) { return {_mm256_sub_ps(a.v, b.v)}; }
FOVEA_INLINE F operator*(F a, F b) { return {_mm256_mul_ps(a.v, b.v)}; }
FOVEA_INLINE F operator/(F a, F b) { return {_mm256_div_ps(a.v, b.v)}; }
FOVEA_INLINE F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
FOVEA_INLINE F fnma(F a, F b, F c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
FOVEA_INLINE F max(F a, F b) { return {_mm256_max_ps(a.v, b.v)}; }
FOVEA_INLINE F min(F a, F b) { return {_mm256_min_ps(a.v, b.v)}; }
FOVEA_INLINE F sqrt(F a) { return {_mm256_sqrt_ps(a.v)}; }
FOVEA_INLINE F abs(F a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
FOVEA_INLINE F floor(F a) { return {_mm256_floor_ps(a.v)}; }
FOVEA_INLINE F ceil(F a) { return {_mm256_ceil_ps(a.v)}; }
FOVEA_INLINE F round(F a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
FOVEA_INLINE M operator<(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
FOVEA_INLINE M operator<=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
FOVEA_INLINE M operator>(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
FOVEA_INLINE M operator>=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
FOVEA_INLINE M operator==(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
FOVEA_INLINE M is_nan(F a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
FOVEA_INLINE M operator&(M a, M b) { return {_mm256_and_ps(a.v, b.v)}; }
FOVEA_INLINE M operator|(M a, M b) { return {_mm256_or_ps(a.v, b.v)}; }
FOVEA_INLINE F select(M m, F yes, F no) { return {_mm256_blendv_ps(no.v, yes.v, m.v)}; }
FOVEA_INLINE uint32_t bits(M m) { return static_cast<uint32_t>(_mm256_movemask_ps(m.v)); }
FOVEA_INLINE I seti(int32_t x) { return {_mm256_set1_epi32(x)}; }
FOVEA_INLINE I loadi(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
FOVEA_INLINE void storei(int32_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
FOVEA_INLINE I iota() { return {_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0)}; }
FOVEA_INLINE I operator+(I a, I b) { return {_mm256_add_epi32(a.v, b.v)}; }
FOVEA_INLINE I operator-(I a, I b) { return {_mm256_sub_epi32(a.v, b.v)}; }
FOVEA_INLINE I operator&(I a, I b) { return {_mm256_and_si256(a.v, b.v)}; }
FOVEA_INLINE I operator|(I a, I b) { return {_mm256_or_si256(a.v, b.v)}; }
template <int N> FOVEA_INLINE I shift_left(I a) { return {_mm256_slli_epi32(a.v, N)}; }
template <int N> FOVEA_INLINE I shift_right(I a) { return {_mm256_srai_epi32(a.v, N)}; }
FOVEA_INLINE M operator==(I a, I b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
FOVEA_INLINE I to_int(F a) { return {_mm256_cvtps_epi32(a.v)}; }
FOVEA_INLINE F to_float(I a) { return {_mm256_cvtepi32_ps(a.v)}; }
FOVEA_INLINE I as_int(F a) { return {_mm256_castps_si256(a.v)}; }
FOVEA_INLINE F as_float(I a) { return {_mm256_castsi256_ps(a.v)}; }
FOVEA_INLINE float sum(F a) {
  const __m128 q = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps(d, d, 1)));
}

#else  // one lane of plain C++; every expression is what the vector versions compute per lane

inline constexpr int kLanes = 1;
struct F { float v; };
struct I { int32_t v; };
struct M { bool v; };

FOVEA_INLINE F zero() { return {0.0f}; }
FOVEA_INLINE F set(float x) { return {x}; }
FOVEA_INLINE F load(const float* p) { return {*p}; }
FOVEA_INLINE F load_partial(const float* p, int n) { return {n > 0 ? *p : 0.0f}; }
FOVEA_INLINE F load_u8(const uint8_t* p) { return {static_cast<float>(*p)}; }
FOVEA_INLINE F gather(const float* p, I index) { return {p[index.v]}; }
FOVEA_INLINE void store(float* p, F a) { *p = a.v; }
FOVEA_INLINE void store_partial(float* p, F a, int n) { if (n > 0) *p = a.v; }
FOVEA_INLINE F operator+(F a, F b) { return {a.v + b.v}; }
FOVEA_INLINE F operator-(F a, F b) { return {a.v - b.v}; }
FOVEA_INLINE F operator*(F a, F b) { return {a.v * b.v}; }
FOVEA_INLINE F operator/(F a, F b) { return {a.v / b.v}; }
FOVEA_INLINE F fma(F a, F b, F c) { return {a.v * b.v + c.v}; }  // two roundings: a library call per element would be absurd
FOVEA_INLINE F fnma(F a, F b, F c) { return {c.v - a.v * b.v}; }
FOVEA_INLINE F max(F a, F b) { return {a.v > b.v ? a.v : b.v}; }
FOVEA_INLINE F min(F a, F b) { return {a.v < b.v ? a.v : b.v}; }
FOVEA_INLINE F sqrt(F a) { return {__builtin_sqrtf(a.v)}; }
FOVEA_INLINE F abs(F a) { return {__builtin_fabsf(a.v)}; }
FOVEA_INLINE F floor(F a) { return {__builtin_floorf(a.v)}; }
FOVEA_INLINE F ceil(F a) { return {__builtin_ceilf(a.v)}; }
FOVEA_INLINE F round(F a) { return {__builtin_nearbyintf(a.v)}; }
FOVEA_INLINE M operator<(F a, F b) { return {a.v < b.v}; }
FOVEA_INLINE M operator<=(F a, F b) { return {a.v <= b.v}; }
FOVEA_INLINE M operator>(F a, F b) { return {a.v > b.v}; }
FOVEA_INLINE M operator>=(F a, F b) { return {a.v >= b.v}; }
FOVEA_INLINE M operator==(F a, F b) { return {a.v == b.v}; }
FOVEA_INLINE M is_nan(F a) { return {a.v != a.v}; }
FOVEA_INLINE M operator&(M a, M b) { return {a.v && b.v}; }
FOVEA_INLINE M operator|(M a, M b) { return {a.v || b.v}; }
FOVEA_INLINE F select(M m, F yes, F no) { return m.v ? yes : no; }
FOVEA_INLINE uint32_t bits(M m) { return m.v ? 1u : 0u; }
FOVEA_INLINE I seti(int32_t x) { return {x}; }
FOVEA_INLINE I loadi(const int32_t* p) { return {*p}; }
FOVEA_INLINE void storei(int32_t* p, I a) { *p = a.v; }
FOVEA_INLINE I iota() { return {0}; }
// Wrap-around like the vector instructions, without signed overflow.
FOVEA_INLINE I operator+(I a, I b) { return {static_cast<int32_t>(static_cast<uint32_t>(a.v) + static_cast<uint32_t>(b.v))}; }
FOVEA_INLINE I operator-(I a, I b) { return {static_cast<int32_t>(static_cast<uint32_t>(a.v) - static_cast<uint32_t>(b.v))}; }
FOVEA_INLINE I operator&(I a, I b) { return {a.v & b.v}; }
FOVEA_INLINE I operator|(I a, I b) { return {a.v | b.v}; }
template <int N> FOVEA_INLINE I shift_left(I a) { return {static_cast<int32_t>(static_cast<uint32_t>(a.v) << N)}; }
template <int N> FOVEA_INLINE I shift_right(I a) { return {a.v >> N}; }
FOVEA_INLINE M operator==(I a, I b) { return {a.v == b.v}; }
// Out-of-range and NaN give INT_MIN like cvtps2dq.
FOVEA_INLINE I to_int(F a) {
  return {a.v >= -2147483648.0f && a.v < 2147483648.0f ? static_cast<int32_t>(__builtin_nearbyintf(a.v)) : INT32_MIN};
}
FOVEA_INLINE F to_float(I a) { return {static_cast<float>(a.v)}; }
FOVEA_INLINE I as_int(F a) { return {__builtin_bit_cast(int32_t, a.v)}; }
FOVEA_INLINE F as_float(I a) { return {__builtin_bit_cast(float, a.v)}; }
FOVEA_INLINE float sum(F a) { return a.v; }

#endif
// clang-format on

// Up to kLanes floats: the whole vector when n >= kLanes.
FOVEA_INLINE F load_upto(const float* p, int64_t n) { return n >= kLanes ? load(p) : load_partial(p, static_cast<int>(n)); }
FOVEA_INLINE void store_upto(float* p, F a, int64_t n) {
  if (n >= kLanes)
    store(p, a);
  else
    store_partial(p, a, static_cast<int>(n));
}

// exp(x), relative error below 2 ulp; x > 88.7 gives inf, x < -87.4 gives 0 (denormal results are flushed), NaN stays NaN.
// exp(x) = 2^k * exp(r), k = round(x/ln 2), |r| <= ln(2)/2 split in two constants, degree-6 Taylor-like minimax.
FOVEA_INLINE F exp(F x) {
  const F k = round(x * set(1.44269504088896341f));
  F r = fnma(k, set(0.693359375f), x);
  r = fnma(k, set(-2.12194440e-4f), r);
  F p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  p = fma(p, r * r, r + set(1.0f));
  // 2^k in two halves: k = 128 (x near 88.7) has no single-exponent float.
  const I half = shift_right<1>(to_int(k)), rest = to_int(k) - half;
  const I bias = seti(127);
  const F scaled = p * as_float(shift_left<23>(half + bias)) * as_float(shift_left<23>(rest + bias));
  const F low = select(x < set(-87.336544f), zero(), scaled);
  const F high = select(x > set(88.722839f), set(__builtin_inff()), low);
  return select(is_nan(x), x, high);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
