// Vectors of 64-bit words for the hashes: eight with AVX-512, whose multiplication keeps all 64 bits; elsewhere a word at a
// time, because three 32-bit multiplications for every 64-bit one eat what four lanes bring.
#pragma once

#include "core/simd.h"
#include "ops/hash_buckets/farmhash.h"
#include "ops/hash_buckets/modulus.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// clang-format off
#if defined(__AVX512DQ__)

inline constexpr int kWords = 8;
struct W { __m512i v; };

FOVEA_INLINE W setw(uint64_t x) { return {_mm512_set1_epi64(static_cast<int64_t>(x))}; }
FOVEA_INLINE W loadw(const void* p) { return {_mm512_loadu_si512(p)}; }
FOVEA_INLINE void storew(void* p, W a) { _mm512_storeu_si512(p, a.v); }
FOVEA_INLINE W operator+(W a, W b) { return {_mm512_add_epi64(a.v, b.v)}; }
FOVEA_INLINE W operator-(W a, W b) { return {_mm512_sub_epi64(a.v, b.v)}; }
FOVEA_INLINE W operator*(W a, W b) { return {_mm512_mullo_epi64(a.v, b.v)}; }
FOVEA_INLINE W operator^(W a, W b) { return {_mm512_xor_si512(a.v, b.v)}; }
FOVEA_INLINE W operator&(W a, W b) { return {_mm512_and_si512(a.v, b.v)}; }
FOVEA_INLINE W operator|(W a, W b) { return {_mm512_or_si512(a.v, b.v)}; }
FOVEA_INLINE W shift_right(W a, W n) { return {_mm512_srlv_epi64(a.v, n.v)}; }  // by 64: 0
FOVEA_INLINE W shift_left(W a, W n) { return {_mm512_sllv_epi64(a.v, n.v)}; }
FOVEA_INLINE __mmask8 above(W a, uint64_t bound) { return _mm512_cmpgt_epu64_mask(a.v, setw(bound).v); }
FOVEA_INLINE __mmask8 equal(W a, uint64_t b) { return _mm512_cmpeq_epi64_mask(a.v, setw(b).v); }
FOVEA_INLINE W blend(__mmask8 m, W no, W yes) { return {_mm512_mask_blend_epi64(m, no.v, yes.v)}; }
template <int N> FOVEA_INLINE W rotate_right(W a) { return {_mm512_ror_epi64(a.v, N)}; }
template <int N> FOVEA_INLINE W shift_right(W a) { return {_mm512_srli_epi64(a.v, N)}; }
template <int N> FOVEA_INLINE W shift_left(W a) { return {_mm512_slli_epi64(a.v, N)}; }
// Upper half of the product, from four products of halves.
FOVEA_INLINE W multiply_high(W a, W b) {
  const __m512i a1 = _mm512_srli_epi64(a.v, 32), b1 = _mm512_srli_epi64(b.v, 32), low = _mm512_set1_epi64(0xffffffff);
  const __m512i p00 = _mm512_mul_epu32(a.v, b.v), p01 = _mm512_mul_epu32(a.v, b1), p10 = _mm512_mul_epu32(a1, b.v);
  const __m512i middle = _mm512_add_epi64(p10, _mm512_srli_epi64(p00, 32));
  const __m512i carry = _mm512_add_epi64(p01, _mm512_and_si512(middle, low));
  return {_mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epu32(a1, b1), _mm512_srli_epi64(middle, 32)), _mm512_srli_epi64(carry, 32))};
}

// Lowest bytes that are 0, of a word that is not: the exponent of its lowest bit as a double.
FOVEA_INLINE W leading_zero_bytes(W a) {
  const W lowest = a & (setw(0) - a), exponent = {_mm512_srli_epi64(_mm512_castpd_si512(_mm512_cvtepu64_pd(lowest.v)), 52)};
  return shift_right<3>(exponent - setw(1023));
}
FOVEA_INLINE __m128i block_at(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
FOVEA_INLINE __m512i four_blocks(__m128i a, __m128i b, __m128i c, __m128i d) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1)),
                            _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1), 1);
}
// Lane i: the words at base + at[i] and 8 bytes after: blocks of even and of odd lanes, interleaved.
FOVEA_INLINE void word_pairs(const uint8_t* base, const int64_t* at, W& first, W& second) {
  const __m512i even = four_blocks(block_at(base + at[0]), block_at(base + at[2]), block_at(base + at[4]), block_at(base + at[6]));
  const __m512i odd = four_blocks(block_at(base + at[1]), block_at(base + at[3]), block_at(base + at[5]), block_at(base + at[7]));
  first = {_mm512_unpacklo_epi64(even, odd)};
  second = {_mm512_unpackhi_epi64(even, odd)};
}

#else

inline constexpr int kWords = 1;
struct W { uint64_t v; };

FOVEA_INLINE W setw(uint64_t x) { return {x}; }
FOVEA_INLINE W loadw(const void* p) { return {*static_cast<const uint64_t*>(p)}; }
FOVEA_INLINE void storew(void* p, W a) { *static_cast<uint64_t*>(p) = a.v; }
FOVEA_INLINE W operator+(W a, W b) { return {a.v + b.v}; }
FOVEA_INLINE W operator-(W a, W b) { return {a.v - b.v}; }
FOVEA_INLINE W operator*(W a, W b) { return {a.v * b.v}; }
FOVEA_INLINE W operator^(W a, W b) { return {a.v ^ b.v}; }
FOVEA_INLINE W operator&(W a, W b) { return {a.v & b.v}; }
FOVEA_INLINE W shift_right(W a, W n) { return {a.v >> n.v}; }
template <int N> FOVEA_INLINE W rotate_right(W a) { return {a.v >> N | a.v << (64 - N)}; }
template <int N> FOVEA_INLINE W shift_right(W a) { return {a.v >> N}; }
template <int N> FOVEA_INLINE W shift_left(W a) { return {a.v << N}; }
FOVEA_INLINE W multiply_high(W a, W b) {
  __extension__ typedef unsigned __int128 Wide;
  return {static_cast<uint64_t>(static_cast<Wide>(a.v) * b.v >> 64)};
}

#endif
// clang-format on

FOVEA_INLINE W shift_mix(W v) { return v ^ shift_right<47>(v); }

FOVEA_INLINE W remainder(W n, const Modulus& m) {
  const W q = multiply_high(n, setw(m.magic));
  return n - shift_right(shift_right<1>(n - q) + q, setw(static_cast<uint64_t>(m.shift))) * setw(m.divisor);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
