// Keys go into panels [D][kKeyPanel], so that lanes are keys and every load of the score tile is a whole vector; values into
// rows of whole vectors.
#pragma once

#include "core/simd.h"
#include "ops/attention/attention.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Transposes a kLanes x kLanes block in registers: pairs, then fours within each 128-bit part, then the parts.
#if defined(__AVX512F__)
FOVEA_INLINE F pair_low(F a, F b) { return {_mm512_unpacklo_ps(a.v, b.v)}; }
FOVEA_INLINE F pair_high(F a, F b) { return {_mm512_unpackhi_ps(a.v, b.v)}; }
FOVEA_INLINE F four_low(F a, F b) { return {_mm512_shuffle_ps(a.v, b.v, 0x44)}; }
FOVEA_INLINE F four_high(F a, F b) { return {_mm512_shuffle_ps(a.v, b.v, 0xEE)}; }
FOVEA_INLINE F even_parts(F a, F b) { return {_mm512_shuffle_f32x4(a.v, b.v, 0x88)}; }
FOVEA_INLINE F odd_parts(F a, F b) { return {_mm512_shuffle_f32x4(a.v, b.v, 0xDD)}; }
#elif defined(__AVX2__)
FOVEA_INLINE F pair_low(F a, F b) { return {_mm256_unpacklo_ps(a.v, b.v)}; }
FOVEA_INLINE F pair_high(F a, F b) { return {_mm256_unpackhi_ps(a.v, b.v)}; }
FOVEA_INLINE F four_low(F a, F b) { return {_mm256_shuffle_ps(a.v, b.v, 0x44)}; }
FOVEA_INLINE F four_high(F a, F b) { return {_mm256_shuffle_ps(a.v, b.v, 0xEE)}; }
#endif

FOVEA_INLINE void transpose(F (&r)[kLanes]) {
#if defined(__AVX2__)
  F t[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes / 2; ++i) {
    t[2 * i] = pair_low(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = pair_high(r[2 * i], r[2 * i + 1]);
  }
  // Afterwards part p of r[4i + c] holds column 4p + c of rows 4i .. 4i+3.
#pragma GCC unroll 4
  for (int i = 0; i < kLanes / 4; ++i) {
    r[4 * i] = four_low(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = four_high(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = four_low(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = four_high(t[4 * i + 1], t[4 * i + 3]);
  }
#if defined(__AVX512F__)
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    t[c] = even_parts(r[c], r[4 + c]);
    t[4 + c] = odd_parts(r[c], r[4 + c]);
    t[8 + c] = even_parts(r[8 + c], r[12 + c]);
    t[12 + c] = odd_parts(r[8 + c], r[12 + c]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    r[c] = even_parts(t[c], t[8 + c]);
    r[4 + c] = even_parts(t[4 + c], t[12 + c]);
    r[8 + c] = odd_parts(t[c], t[8 + c]);
    r[12 + c] = odd_parts(t[4 + c], t[12 + c]);
  }
#else
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) t[c] = r[c], t[4 + c] = r[4 + c];
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    r[c] = {_mm256_permute2f128_ps(t[c].v, t[4 + c].v, 0x20)};
    r[4 + c] = {_mm256_permute2f128_ps(t[c].v, t[4 + c].v, 0x31)};
  }
#endif
#else
  static_cast<void>(r);
#endif
}

// Rows of one head lie heads * D apart, which hardware prefetchers follow badly: the packing asks for rows ahead itself.
inline constexpr int64_t kRowsAhead = kKeyPanel;
// Rows that are taken one by one: more of them, often a power of two apart, would not fit the few sets of the first-level cache
// that they share.
inline constexpr int64_t kFewRowsAhead = 8;

// One panel of keys, `stride` floats apart; keys from `count` on are zeros and are not read.
inline void pack_key_panel(const float* k, int64_t stride, int64_t count, int64_t head_size, float* panel) {
  for (int64_t first = 0; first < kKeyPanel; first += kLanes)
    for (int64_t d = 0; d < head_size; d += kLanes) {
      F block[kLanes];
      const float* x = k + first * stride + d;
      float* out = panel + d * kKeyPanel + first;
      if (first + kLanes <= count && d + kLanes <= head_size) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) {
          block[i] = load(x + i * stride);
          __builtin_prefetch(x + (i + kRowsAhead) * stride);
        }
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) store(out + i * kKeyPanel, block[i]);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) block[i] = first + i < count ? load_upto(x + i * stride, head_size - d) : zero();
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i)
          if (d + i < head_size) store(out + i * kKeyPanel, block[i]);
      }
    }
}

// One row, multiplied by `scale`, with zeros from head_size to `columns`.
inline void pack_row(const float* x, int64_t head_size, float scale, int64_t columns, float* out) {
  const F factor = set(scale);
  for (int64_t c = 0; c < columns; c += kLanes)
    store(out + c, c < head_size ? load_upto(x + c, head_size - c) * factor : zero());
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
