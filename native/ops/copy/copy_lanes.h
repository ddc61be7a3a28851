// One vector of elements of any storage type as f32 lanes, and back. For copy_simd.cc.
#pragma once

#include "core/simd.h"
#include "ops/copy/copy.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

FOVEA_INLINE F truncate(F x) { return select(x < zero(), ceil(x), floor(x)); }

// The low 16 bits of each lane.
FOVEA_INLINE void store_low16(uint16_t* p, I a) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
#elif defined(__AVX2__)
  const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xFFFF));
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
#else
  *p = static_cast<uint16_t>(a.v);
#endif
}
// Each lane as a byte; lanes hold 0 to 255.
FOVEA_INLINE void store_bytes(uint8_t* p, I a) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
#elif defined(__AVX2__)
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
#else
  *p = static_cast<uint8_t>(a.v);
#endif
}

FOVEA_INLINE F get(const float* p) { return load(p); }
FOVEA_INLINE F get(const uint8_t* p) { return load_u8(p); }
FOVEA_INLINE F get(const int32_t* p) { return to_float(loadi(p)); }
FOVEA_INLINE F get(const int64_t* p) {
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = static_cast<float>(p[i]);
  return load(lanes);
}
FOVEA_INLINE F get(const Bfloat* p) {
#if defined(__AVX512F__)
  return as_float(shift_left<16>(I{_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))}));
#elif defined(__AVX2__)
  return as_float(shift_left<16>(I{_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}));
#else
  return as_float({static_cast<int32_t>(static_cast<uint32_t>(p->bits) << 16)});
#endif
}
FOVEA_INLINE F get(const Half* p) {
#if defined(__AVX512F__)
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
#elif defined(__AVX2__)
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
#else
  const uint32_t sign = (p->bits & 0x8000u) << 16, magnitude = p->bits & 0x7FFFu;
  // Shifted into place the value is 2^112 too small, exactly, subnormals too; infinities and NaN are patched.
  uint32_t bits = __builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude << 13) * 0x1p112f);
  if (magnitude >= 0x7C00u) bits = 0x7F800000u | magnitude << 13 | (magnitude > 0x7C00u ? 0x400000u : 0u);
  return {__builtin_bit_cast(float, sign | bits)};
#endif
}

FOVEA_INLINE void put(float* p, F a) { store(p, a); }
FOVEA_INLINE void put(uint8_t* p, F a) { store_bytes(p, to_int(min(max(a, zero()), set(255.0f)))); }  // max takes 0 for NaN
// Below the range to_int gives the smallest integer by itself.
FOVEA_INLINE void put(int32_t* p, F a) {
  const F number = select(is_nan(a), zero(), a);
  storei(p, as_int(select(number >= set(2147483648.0f), as_float(seti(INT32_MAX)), as_float(to_int(truncate(number))))));
}
FOVEA_INLINE void put(int64_t* p, F a) {
  float lanes[kLanes];
  store(lanes, a);
  for (int i = 0; i < kLanes; ++i) {
    const float x = lanes[i];
    p[i] = x != x ? 0 : x >= 0x1p63f ? INT64_MAX : x < -0x1p63f ? INT64_MIN : static_cast<int64_t>(x);
  }
}
FOVEA_INLINE void put(Bfloat* p, F a) {
  const I bits_of_a = as_int(a), odd = shift_right<16>(bits_of_a) & seti(1);
  const I even = shift_right<16>(bits_of_a + seti(0x7FFF) + odd);
  const I quiet = shift_right<16>(bits_of_a) | seti(0x40);
  store_low16(&p->bits, as_int(select(is_nan(a), as_float(quiet), as_float(even))));
}
FOVEA_INLINE void put(Half* p, F a) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
  const uint32_t raw = __builtin_bit_cast(uint32_t, a.v), sign = raw >> 16 & 0x8000u, magnitude = raw & 0x7FFFFFFFu;
  uint32_t half;
  if (magnitude > 0x7F800000u)
    half = 0x7E00u | (magnitude >> 13 & 0x3FFu);
  else if (magnitude >= 0x47800000u)  // 65536
    half = 0x7C00u;
  else if (magnitude < 0x38800000u)  // below 2^-14: adding 0.5 rounds to a multiple of 2^-24, which is the mantissa
    half = __builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude) + 0.5f) - 0x3F000000u;
  else  // rebias the exponent by 112, round the 13 bits that go; a carry into infinity is right
    half = (magnitude - (112u << 23) + 0xFFFu + (magnitude >> 13 & 1u)) >> 13;
  p->bits = static_cast<uint16_t>(sign | half);
#endif
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
