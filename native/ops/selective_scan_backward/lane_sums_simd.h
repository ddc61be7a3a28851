// dB and dC are sums over channels, which lie in lanes: trees of shuffles that sum the lanes of a whole group of vectors at
// once.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// States of a group: g, dA and a few operands fill the registers; dB and dC of a group together are one vector.
inline constexpr int kGroup = kLanes == 16 ? 8 : 4;

// Sums over lanes of four vectors, in two steps so that few products are alive at a time: sum_quads of every four, then
// add_sums: out[i] += sum of the lanes of db's vector i, out[kGroup + i] += that of dc's.
#if defined(__AVX512F__)
using Quad = __m512;  // per 128-bit quarter: what the four vectors have there, summed
FOVEA_INLINE Quad sum_quads(const F* v) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(v[0].v, v[1].v), _mm512_unpackhi_ps(v[0].v, v[1].v));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(v[2].v, v[3].v), _mm512_unpackhi_ps(v[2].v, v[3].v));
  return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
}
FOVEA_INLINE __m512 sum_halves(Quad a, Quad b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
FOVEA_INLINE void add_sums(float* out, const Quad* db, const Quad* dc) {
  const __m512 b = sum_halves(db[0], db[1]), c = sum_halves(dc[0], dc[1]);
  const __m512 sums = _mm512_add_ps(_mm512_shuffle_f32x4(b, c, 0x88), _mm512_shuffle_f32x4(b, c, 0xDD));
  _mm512_storeu_ps(out, _mm512_add_ps(_mm512_loadu_ps(out), sums));
}
#elif defined(__AVX2__)
using Quad = __m256;
FOVEA_INLINE Quad sum_quads(const F* v) {
  const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(v[0].v, v[1].v), _mm256_unpackhi_ps(v[0].v, v[1].v));
  const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(v[2].v, v[3].v), _mm256_unpackhi_ps(v[2].v, v[3].v));
  return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
}
FOVEA_INLINE void add_sums(float* out, const Quad* db, const Quad* dc) {
  const __m256 sums = _mm256_add_ps(_mm256_permute2f128_ps(db[0], dc[0], 0x20), _mm256_permute2f128_ps(db[0], dc[0], 0x31));
  _mm256_storeu_ps(out, _mm256_add_ps(_mm256_loadu_ps(out), sums));
}
#else
struct Quad {
  float v[4];
};
FOVEA_INLINE Quad sum_quads(const F* v) { return {{v[0].v, v[1].v, v[2].v, v[3].v}}; }
FOVEA_INLINE void add_sums(float* out, const Quad* db, const Quad* dc) {
  for (int i = 0; i < kGroup; ++i) out[i] += db[i / 4].v[i % 4], out[kGroup + i] += dc[i / 4].v[i % 4];
}
#endif

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
