// Packing b into panels (panels.h) for matmul. A transposed b is read along k, a square of vectors at a time.
#pragma once

#include "core/simd.h"
#include "ops/linear/panels.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// kLanes rows of kLanes values become columns, in registers.
FOVEA_INLINE void transpose_square(F (&t)[kLanes]) {
#if defined(__AVX512F__)
  __m512 a[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    a[2 * i] = _mm512_unpacklo_ps(t[2 * i].v, t[2 * i + 1].v);
    a[2 * i + 1] = _mm512_unpackhi_ps(t[2 * i].v, t[2 * i + 1].v);
  }
  // b[4*g + c]: lane block l holds column 4*l + c of rows 4*g .. 4*g + 3.
  __m512 b[16];
#pragma GCC unroll 4
  for (int g = 0; g < 4; ++g) {
    b[4 * g] = _mm512_shuffle_ps(a[4 * g], a[4 * g + 2], 0x44);
    b[4 * g + 1] = _mm512_shuffle_ps(a[4 * g], a[4 * g + 2], 0xEE);
    b[4 * g + 2] = _mm512_shuffle_ps(a[4 * g + 1], a[4 * g + 3], 0x44);
    b[4 * g + 3] = _mm512_shuffle_ps(a[4 * g + 1], a[4 * g + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512 p = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88), q = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xDD);
    const __m512 r = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88), s = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xDD);
    t[c].v = _mm512_shuffle_f32x4(p, r, 0x88);
    t[4 + c].v = _mm512_shuffle_f32x4(q, s, 0x88);
    t[8 + c].v = _mm512_shuffle_f32x4(p, r, 0xDD);
    t[12 + c].v = _mm512_shuffle_f32x4(q, s, 0xDD);
  }
#elif defined(__AVX2__)
  __m256 a[8], b[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_ps(t[2 * i].v, t[2 * i + 1].v);
    a[2 * i + 1] = _mm256_unpackhi_ps(t[2 * i].v, t[2 * i + 1].v);
  }
#pragma GCC unroll 2
  for (int g = 0; g < 2; ++g) {
    b[4 * g] = _mm256_shuffle_ps(a[4 * g], a[4 * g + 2], 0x44);
    b[4 * g + 1] = _mm256_shuffle_ps(a[4 * g], a[4 * g + 2], 0xEE);
    b[4 * g + 2] = _mm256_shuffle_ps(a[4 * g + 1], a[4 * g + 3], 0x44);
    b[4 * g + 3] = _mm256_shuffle_ps(a[4 * g + 1], a[4 * g + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    t[c].v = _mm256_permute2f128_ps(b[c], b[4 + c], 0x20);
    t[4 + c].v = _mm256_permute2f128_ps(b[c], b[4 + c], 0x31);
  }
#else
  static_cast<void>(t);
#endif
}

// out[k][i] = x[i][k] for `valid` rows and k_size columns, zeros for rows valid..kLanes.
FOVEA_INLINE void transpose_strip(const float* x, int64_t pitch, int64_t valid, int64_t k_size, float* out, int64_t out_pitch) {
  for (int64_t k = 0; k < k_size; k += kLanes) {
    const int64_t rest = k_size - k;
    F t[kLanes];
    if (valid >= kLanes && rest >= kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) t[i] = load(x + i * pitch + k);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) t[i] = i < valid ? load_upto(x + i * pitch + k, rest) : zero();
    }
    transpose_square(t);
    if (rest >= kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(out + (k + i) * out_pitch, t[i]);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        if (i < rest) store(out + (k + i) * out_pitch, t[i]);
    }
  }
}

// Packs one panel of b; element (k, n) is b[k * pitch + n], transposed b[n * pitch + k].
void pack_panel(const float* b, int64_t pitch, bool transposed, int64_t k_size, int64_t columns, int64_t panel, float* out) {
  const int64_t width = panel_width(columns, panel), first = panel * kPanel, valid = columns - first;
  if (transposed) {
    for (int64_t n = 0; n < width; n += kLanes)
      transpose_strip(b + (first + n) * pitch, pitch, valid - n, k_size, out + n, width);
    return;
  }
  for (int64_t k = 0; k < k_size; ++k)
    for (int64_t n = 0; n < width; n += kLanes) {
      const int64_t rest = valid - n;
      store(out + k * width + n, rest > 0 ? load_upto(b + k * pitch + first + n, rest) : zero());
    }
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
