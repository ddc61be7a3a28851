// Philox blocks side by side: a lane computes a block.
#pragma once

#include "core/simd.h"
#include "ops/dropout/philox.h"

// GCC 12's AVX-512 intrinsics start from undefined vectors on purpose.
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace fovea::FOVEA_ISA_NAMESPACE {

inline constexpr int kPhiloxWords = 4 * kLanes;

#if defined(__AVX2__)
#if defined(__AVX512F__)
FOVEA_INLINE I exclusive_or(I a, I b) { return {_mm512_xor_si512(a.v, b.v)}; }
FOVEA_INLINE void multiply(I a, I factor, I* high, I* low) {
  const __m512i even = _mm512_mul_epu32(a.v, factor.v), odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), factor.v);
  *low = {_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32))};
  *high = {_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd)};
}
FOVEA_INLINE I interleave_low_32(I a, I b) { return {_mm512_unpacklo_epi32(a.v, b.v)}; }
FOVEA_INLINE I interleave_high_32(I a, I b) { return {_mm512_unpackhi_epi32(a.v, b.v)}; }
FOVEA_INLINE I interleave_low_64(I a, I b) { return {_mm512_unpacklo_epi64(a.v, b.v)}; }
FOVEA_INLINE I interleave_high_64(I a, I b) { return {_mm512_unpackhi_epi64(a.v, b.v)}; }
FOVEA_INLINE I block_of_lane() { return {_mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0)}; }
#else
FOVEA_INLINE I exclusive_or(I a, I b) { return {_mm256_xor_si256(a.v, b.v)}; }
FOVEA_INLINE void multiply(I a, I factor, I* high, I* low) {
  const __m256i even = _mm256_mul_epu32(a.v, factor.v), odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), factor.v);
  *low = {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
  *high = {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA)};
}
FOVEA_INLINE I interleave_low_32(I a, I b) { return {_mm256_unpacklo_epi32(a.v, b.v)}; }
FOVEA_INLINE I interleave_high_32(I a, I b) { return {_mm256_unpackhi_epi32(a.v, b.v)}; }
FOVEA_INLINE I interleave_low_64(I a, I b) { return {_mm256_unpacklo_epi64(a.v, b.v)}; }
FOVEA_INLINE I interleave_high_64(I a, I b) { return {_mm256_unpackhi_epi64(a.v, b.v)}; }
FOVEA_INLINE I block_of_lane() { return {_mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0)}; }
#endif

FOVEA_INLINE I set_word(uint32_t word) { return seti(static_cast<int32_t>(word)); }

// The words of kLanes blocks whose counters differ in the lowest word only. Blocks are dealt out to the lanes so that the four
// interleavings, which work within 128 bits, leave them in order.
FOVEA_INLINE void philox_lanes(uint64_t low, uint64_t high, uint64_t key, int32_t* words) {
  const I factor0 = set_word(kPhiloxMultiplier0), factor1 = set_word(kPhiloxMultiplier1);
  I c0 = set_word(static_cast<uint32_t>(low)) + block_of_lane(), c1 = set_word(static_cast<uint32_t>(low >> 32));
  I c2 = set_word(static_cast<uint32_t>(high)), c3 = set_word(static_cast<uint32_t>(high >> 32));
  auto k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    I high0, low0, high1, low1;
    multiply(c0, factor0, &high0, &low0);
    multiply(c2, factor1, &high1, &low1);
    c0 = exclusive_or(exclusive_or(high1, c1), set_word(k0));
    c1 = low1;
    c2 = exclusive_or(exclusive_or(high0, c3), set_word(k1));
    c3 = low0;
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
  const I low01 = interleave_low_32(c0, c1), low23 = interleave_low_32(c2, c3);
  const I high01 = interleave_high_32(c0, c1), high23 = interleave_high_32(c2, c3);
  storei(words, interleave_low_64(low01, low23));
  storei(words + kLanes, interleave_high_64(low01, low23));
  storei(words + 2 * kLanes, interleave_low_64(high01, high23));
  storei(words + 3 * kLanes, interleave_high_64(high01, high23));
}
#endif

// kPhiloxWords words: those of block `low` first.
FOVEA_INLINE void philox_words(uint64_t low, uint64_t high, uint64_t key, int32_t* words) {
#if defined(__AVX2__)
  if (static_cast<uint32_t>(low) <= UINT32_MAX - (kLanes - 1)) return philox_lanes(low, high, key, words);
#endif
  for (int b = 0; b < kLanes; ++b) {
    const PhiloxBlock block = philox(low + static_cast<uint64_t>(b), high, key);
    for (int i = 0; i < 4; ++i) words[4 * b + i] = static_cast<int32_t>(block.word[i]);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
