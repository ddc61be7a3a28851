// Compaction of the scores that pass a threshold into ranking keys. For <op>_simd.cc files.
#pragma once

#include "core/simd.h"
#include "ops/nms/ranking.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// rank_key of kLanes neighbouring scores, the first of index `first`. Where the sign is clear all other bits are inverted.
FOVEA_INLINE void store_rank_keys(const float* score, uint32_t first, uint64_t* keys) {
#if defined(__AVX512F__)
  const __m512i raw = _mm512_castps_si512((load(score) + zero()).v);
  const __m512i high = _mm512_xor_si512(raw, _mm512_andnot_si512(_mm512_srai_epi32(raw, 31), _mm512_set1_epi32(0x7FFFFFFF)));
  const __m512i low = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int32_t>(first)),
                                       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m512i pairs = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  _mm512_storeu_si512(keys, _mm512_permutex2var_epi32(low, pairs, high));
  _mm512_storeu_si512(keys + 8, _mm512_permutex2var_epi32(low, _mm512_add_epi32(pairs, _mm512_set1_epi32(8)), high));
#elif defined(__AVX2__)
  const __m256i raw = _mm256_castps_si256((load(score) + zero()).v);
  const __m256i high = _mm256_xor_si256(raw, _mm256_andnot_si256(_mm256_srai_epi32(raw, 31), _mm256_set1_epi32(0x7FFFFFFF)));
  const __m256i low =
      _mm256_add_epi32(_mm256_set1_epi32(static_cast<int32_t>(first)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const __m256i even = _mm256_unpacklo_epi32(low, high), odd = _mm256_unpackhi_epi32(low, high);  // 0 1 4 5 and 2 3 6 7
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(keys), _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(keys + 4), _mm256_permute2x128_si256(even, odd, 0x31));
#else
  *keys = rank_key(*score, first);
#endif
}

// Writes rank_key(score, i) for each of n scores, `pitch` floats apart, that is >= threshold (> when `strict`), ascending by
// i, and returns their number. Lanes are neighbouring floats; those that pass are compacted bit by bit. NaN never passes.
FOVEA_INLINE int64_t rank_scan(const float* score, int64_t pitch, int64_t n, float threshold, bool strict, uint64_t* keys) {
  int64_t found = 0;
  if (pitch > 2) {
    for (int64_t i = 0; i < n; ++i) {
      const float s = score[i * pitch];
      if (strict ? s > threshold : s >= threshold) keys[found++] = rank_key(s, static_cast<uint32_t>(i));
    }
    return found;
  }
  // Pitch 2 is one channel of a softmax pair: load both, look at every other lane. kLanes is even or 1.
  const int64_t floats = n == 0 ? 0 : (n - 1) * pitch + 1, step = kLanes > pitch ? kLanes : pitch;
  const uint32_t lanes = pitch == 1 ? 0xFFFFu : 0x5555u;
  const F limit = set(threshold);
  const int half = pitch == 2 ? 1 : 0;
  for (int64_t i = 0; i < floats; i += step) {
    const int64_t rest = floats - i;
    const F s = load_upto(score + i, rest);
    uint32_t passed = bits(strict ? s > limit : s >= limit) & lanes;
    if (rest < kLanes) passed &= (1u << rest) - 1u;
    if (pitch == 1 && passed == (1u << kLanes) - 1u) {  // all pass: the usual case when no threshold is set
      store_rank_keys(score + i, static_cast<uint32_t>(i), keys + found);
      found += kLanes;
      continue;
    }
    for (; passed != 0; passed &= passed - 1) {
      const int64_t at = i + __builtin_ctz(passed);
      keys[found++] = rank_key(score[at], static_cast<uint32_t>(at >> half));
    }
  }
  return found;
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
