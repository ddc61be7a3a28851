// What the forward and the backward scan share on vectors: the decay 2^x, delta's softplus and transpositions.
#pragma once

#include "ops/activation/activation_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr float kLog2E = 1.44269504088896341f;
// exp2<true> takes |x| up to here.
inline constexpr float kExp2Bound = 126.0f;

// 2^(i/32) as bits, less i << 18: adding k << 18 for k = 32 n + i then gives 2^(n + i/32), because k << 18 carries i along.
alignas(64) inline constexpr int32_t kExp2Table[32] = {
    0x3f800000, 0x3f7ecd87, 0x3f7daac3, 0x3f7c980f, 0x3f7b95c2, 0x3f7aa43a, 0x3f79c3d3, 0x3f78f4f0,
    0x3f7837f0, 0x3f778d3a, 0x3f76f532, 0x3f767043, 0x3f75fed7, 0x3f75a15b, 0x3f75583f, 0x3f7523f6,
    0x3f7504f3, 0x3f74fbaf, 0x3f7508a4, 0x3f752c4d, 0x3f75672a, 0x3f75b9be, 0x3f76248c, 0x3f76a81e,
    0x3f7744fd, 0x3f77fbb8, 0x3f78ccdf, 0x3f79b907, 0x3f7ac0c7, 0x3f7be4ba, 0x3f7d257d, 0x3f7e83b3};
#if defined(__AVX2__) && !defined(__AVX512F__)
alignas(32) inline constexpr int32_t kExp2Eighths[8] = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                                                        0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
#endif

// 2^x within 1.8e-7 relative (1.5 ulp), and exactly 1 at 0, so that a vanishing step leaves the state alone. x is split into
// k/S and a rest f, S = 32 or 8; 2^f is 1 + f*q(f) with q minimax (5.3e-8 for S = 32, 2.5e-8 for S = 8), 2^(k/S) comes from a
// table in registers. A polynomial over [-1/2, 1/2] would need two fma more, and fma are what bounds a scan. Bounded: |x| <=
// kExp2Bound is known (NaN may still occur and stays NaN). Otherwise results below 2^-126 are 0 and above 2^127.96 inf.
template <bool Bounded>
FOVEA_INLINE F exp2(F x) {
  F y = x;
  if constexpr (!Bounded) y = min(set(127.96875f), max(set(-126.0f), x));  // in this order of operands NaN stays
#if defined(__AVX2__) && !defined(__AVX512F__)
  // 8 entries are what one register holds. Adding 1.5 * 2^20 rounds to eighths and leaves k in the low bits.
  const F shifted = y + set(1572864.0f), f = y - (shifted - set(1572864.0f));
  const F q = fma(fma(set(0.0555106f), f, set(0.24025763f)), f, set(0.69314718f));
  const I entry = {
      _mm256_castps_si256(_mm256_permutevar8x32_ps(as_float(loadi(kExp2Eighths)).v, _mm256_castps_si256(shifted.v)))};
  const F power = as_float(entry + shift_left<20>(as_int(shifted)));
#else
  const F shifted = y + set(393216.0f), f = y - (shifted - set(393216.0f));  // 1.5 * 2^18: to 1/32
  const F q = fma(set(0.24022845f), f, set(0.69315734f));
#if defined(__AVX512F__)
  const I entry =
      as_int(F{_mm512_permutex2var_ps(as_float(loadi(kExp2Table)).v, as_int(shifted).v, as_float(loadi(kExp2Table + 16)).v)});
#else
  const I entry = seti(kExp2Table[as_int(shifted).v & 31]);
#endif
  const F power = as_float(entry + shift_left<18>(as_int(shifted)));
#endif
  const F result = fma(power, f * q, power);
  if constexpr (Bounded) return result;
  const F low = select(x < set(-126.0f), zero(), result);
  return select(x > set(127.96875f), set(__builtin_inff()), low);
}

// True when the mask is set in every lane.
FOVEA_INLINE bool all(M m) { return bits(m) == (1u << kLanes) - 1u; }

// exp(x) for x <= 0 within 2 ulp, 0 below -87.3; NaN stays NaN. The general one in simd.h must also scale beyond 2^127.
FOVEA_INLINE F exp_negative(F x) {
  const F y = max(set(-87.336544f), x);
  // Adding 1.5 * 2^23 + 127 rounds to an integer and leaves the exponent in the low bits.
  const F shifted = fma(y, set(kLog2E), set(12583039.0f)), k = shifted - set(12583039.0f);
  F r = fnma(k, set(0.693359375f), y);
  r = fnma(k, set(-2.12194440e-4f), r);
  F p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  p = fma(p, r * r, r + set(1.0f));
  return select(x < set(-87.336544f), zero(), p * as_float(shift_left<23>(as_int(shifted))));
}

// log(1 + e) / e for e in [0, 1] within 3.4e-8 relative and 2 ulp of rounding: degree 8 in e - 1/2, Chebyshev nodes.
FOVEA_INLINE F log1p_ratio(F e) {
  const F t = e - set(0.5f);
  F p = set(5.12610214e-3f);
  p = fma(p, t, set(-8.56965611e-3f));
  p = fma(p, t, set(1.16395754e-2f));
  p = fma(p, t, set(-2.02303406e-2f));
  p = fma(p, t, set(3.6625606e-2f));
  p = fma(p, t, set(-6.77111866e-2f));
  p = fma(p, t, set(1.32609494e-1f));
  p = fma(p, t, set(-2.88526673e-1f));
  return fma(p, t, set(8.10930216e-1f));
}

// log(1 + exp(x)) with a small relative error also where it is tiny (delta of trained models starts at 1e-3), where the common
// softplus is only good to 6e-8 absolute.
FOVEA_INLINE F softplus_relative(F x) {
  const F e = exp_negative(zero() - abs(x));
  return fma(e, log1p_ratio(e), max(zero(), x));
}

// The same bits, and the derivative sigmoid(x).
FOVEA_INLINE F softplus_relative(F x, F& slope) {
  const F e = exp_negative(zero() - abs(x)), one = set(1.0f);
  slope = select(x < zero(), e, one) / (one + e);
  return fma(e, log1p_ratio(e), max(zero(), x));
}

// to[c][r] = from[r][c] for a 4 x 4 block.
FOVEA_INLINE void transpose4(const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
#if defined(__AVX2__)
  __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + from_pitch);
  __m128 r2 = _mm_loadu_ps(from + 2 * from_pitch), r3 = _mm_loadu_ps(from + 3 * from_pitch);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(to, r0);
  _mm_storeu_ps(to + to_pitch, r1);
  _mm_storeu_ps(to + 2 * to_pitch, r2);
  _mm_storeu_ps(to + 3 * to_pitch, r3);
#else
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) to[c * to_pitch + r] = from[r * from_pitch + c];
#endif
}

inline void transpose(const float* from, int64_t from_pitch, int64_t rows, int64_t columns, float* to, int64_t to_pitch) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) transpose4(from + r * from_pitch + c, from_pitch, to + c * to_pitch + r, to_pitch);
    for (; c < columns; ++c)
      for (int64_t k = r; k < r + 4; ++k) to[c * to_pitch + k] = from[k * from_pitch + c];
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) to[c * to_pitch + r] = from[r * from_pitch + c];
}

// r[i][k] becomes r[k][i].
#if defined(__AVX512F__)
FOVEA_INLINE void transpose_lanes(F (&r)[16]) {
  __m512 a[16], b[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {  // pairs of rows
    a[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
    a[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 4) {  // b[i + k]: column 4q + k of rows i .. i+3 in quarter q
    b[i] = _mm512_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm512_shuffle_ps(a[i], a[i + 2], 0xEE);
    b[i + 2] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
  }
#pragma GCC unroll 8
  for (int k = 0; k < 4; ++k) {
    const __m512 even_low = _mm512_shuffle_f32x4(b[k], b[4 + k], 0x88), odd_low = _mm512_shuffle_f32x4(b[k], b[4 + k], 0xDD);
    const __m512 even_high = _mm512_shuffle_f32x4(b[8 + k], b[12 + k], 0x88);
    const __m512 odd_high = _mm512_shuffle_f32x4(b[8 + k], b[12 + k], 0xDD);
    r[k].v = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
    r[4 + k].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
    r[8 + k].v = _mm512_shuffle_f32x4(even_low, even_high, 0xDD);
    r[12 + k].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0xDD);
  }
}
#elif defined(__AVX2__)
FOVEA_INLINE void transpose_lanes(F (&r)[8]) {
  __m256 a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(r[i].v, r[i + 1].v);
    a[i + 1] = _mm256_unpackhi_ps(r[i].v, r[i + 1].v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xEE);
    b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
  }
#pragma GCC unroll 8
  for (int k = 0; k < 4; ++k) {
    r[k].v = _mm256_permute2f128_ps(b[k], b[4 + k], 0x20);
    r[4 + k].v = _mm256_permute2f128_ps(b[k], b[4 + k], 0x31);
  }
}
#endif

FOVEA_INLINE int64_t width_at(int64_t channels, int64_t d) { return channels - d < kLanes ? channels - d : kLanes; }

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
