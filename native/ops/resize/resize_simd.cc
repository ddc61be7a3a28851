// Output conversions of fovea_resize on top of the shared separable resize.
#include "ops/resize/resize.h"

#include "ops/resize/resize_rows_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// kLanes values to bytes: rounded once, halves to even, saturated.
FOVEA_INLINE void store_u8(uint8_t* p, F a) {
  const I i = to_int(min(set(255.0f), max(zero(), a)));
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(i.v));
#elif defined(__AVX2__)
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(i.v), _mm256_extracti128_si256(i.v, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
#else
  *p = static_cast<uint8_t>(i.v);
#endif
}

FOVEA_INLINE void to_bytes(const float* row, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_u8(y + i, load(row + i));
  if (i == n) return;
  uint8_t bytes[kLanes];
  store_u8(bytes, load_upto(row + i, n - i));
  for (int64_t k = 0; i + k < n; ++k) y[i + k] = bytes[k];
}

template <class T>
void resize_from(const ResizeJob& j, const T* x) {
  const ResizePlan& p = j.plan;
  const int64_t width = p.columns.out, channels = p.channels;
  const float offset = j.offset;
  const auto init = [offset](int64_t) { return offset; };
  resize_rows(p, x, j.x_pitch, live_rows(j.live, j.batch), static_cast<double>(j.scale),
              [&](int64_t n, int64_t oy, const float* sums, const RowTaps& taps, float* row) {
                const int64_t at = (n * p.rows.out + oy) * width * j.y_pitch;
                if (j.y_is_u8 == 0)
                  return blend_row(sums, taps, width, channels, static_cast<float*>(j.y) + at, j.y_pitch, init);
                blend_row(sums, taps, width, channels, row, channels, init);
                uint8_t* y = static_cast<uint8_t*>(j.y) + at;
                if (j.y_pitch == channels) return to_bytes(row, width * channels, y);
                for (int64_t ox = 0; ox < width; ++ox) to_bytes(row + ox * channels, channels, y + ox * j.y_pitch);
              });
}

}  // namespace

void resize(const ResizeJob& j) {
  if (j.x_is_u8 != 0)
    resize_from(j, static_cast<const uint8_t*>(j.x));
  else
    resize_from(j, static_cast<const float*>(j.x));
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
