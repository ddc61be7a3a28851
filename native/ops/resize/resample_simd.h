// The two passes of separable resampling: down the columns (lanes are consecutive floats of a row, all pixels and channels
// alike), then along the row (lanes are the channels of one output pixel; up to 4 channels share one 4-lane vector).
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

#if defined(__AVX2__)
struct V4 {
  __m128 v;
};
FOVEA_INLINE V4 load4(const float* p) { return {_mm_loadu_ps(p)}; }
FOVEA_INLINE V4 set4(float x) { return {_mm_set1_ps(x)}; }
FOVEA_INLINE V4 fma4(V4 a, V4 b, V4 c) { return {_mm_fmadd_ps(a.v, b.v, c.v)}; }
FOVEA_INLINE V4 sub4(V4 a, V4 b) { return {_mm_sub_ps(a.v, b.v)}; }
FOVEA_INLINE V4 mul4(V4 a, V4 b) { return {_mm_mul_ps(a.v, b.v)}; }
FOVEA_INLINE void store4(float* p, V4 a) { _mm_storeu_ps(p, a.v); }
FOVEA_INLINE V4 reverse2(V4 a) { return {_mm_shuffle_ps(a.v, a.v, _MM_SHUFFLE(3, 2, 0, 1))}; }
FOVEA_INLINE V4 reverse3(V4 a) { return {_mm_shuffle_ps(a.v, a.v, _MM_SHUFFLE(3, 0, 1, 2))}; }
FOVEA_INLINE V4 reverse4(V4 a) { return {_mm_shuffle_ps(a.v, a.v, _MM_SHUFFLE(0, 1, 2, 3))}; }
#else
struct V4 {
  float v[4];
};
FOVEA_INLINE V4 load4(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
FOVEA_INLINE V4 set4(float x) { return {{x, x, x, x}}; }
FOVEA_INLINE V4 fma4(V4 a, V4 b, V4 c) {
  for (int i = 0; i < 4; ++i) c.v[i] += a.v[i] * b.v[i];
  return c;
}
FOVEA_INLINE V4 sub4(V4 a, V4 b) {
  for (int i = 0; i < 4; ++i) a.v[i] -= b.v[i];
  return a;
}
FOVEA_INLINE V4 mul4(V4 a, V4 b) {
  for (int i = 0; i < 4; ++i) a.v[i] *= b.v[i];
  return a;
}
FOVEA_INLINE void store4(float* p, V4 a) {
  for (int i = 0; i < 4; ++i) p[i] = a.v[i];
}
FOVEA_INLINE V4 reverse2(V4 a) { return {{a.v[1], a.v[0], a.v[2], a.v[3]}}; }
FOVEA_INLINE V4 reverse3(V4 a) { return {{a.v[2], a.v[1], a.v[0], a.v[3]}}; }
FOVEA_INLINE V4 reverse4(V4 a) { return {{a.v[3], a.v[2], a.v[1], a.v[0]}}; }
#endif

FOVEA_INLINE void store4_upto(float* p, V4 a, int64_t n) {
  if (n >= 4) return store4(p, a);
  float lanes[4];
  store4(lanes, a);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}

FOVEA_INLINE F load_source(const float* p) { return load(p); }
FOVEA_INLINE F load_source(const uint8_t* p) { return load_u8(p); }
FOVEA_INLINE F load_source_upto(const float* p, int64_t n) { return load_upto(p, n); }
FOVEA_INLINE F load_source_upto(const uint8_t* p, int64_t n) {
  if (n >= kLanes) return load_u8(p);
  uint8_t bytes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) bytes[i] = p[i];
  return load_u8(bytes);
}

// sums[i] (+)= sum over t of weights[t]*x[t*row_stride + i] for i below n. The tail is a partial vector.
template <class T>
FOVEA_INLINE void sum_rows_span(const T* x, int64_t row_stride, int64_t rows, const float* weights, bool add, float* sums,
                                int64_t n) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    F a = zero(), b = zero(), c = zero(), d = zero();
    if (add) a = load(sums + i), b = load(sums + i + kLanes), c = load(sums + i + 2 * kLanes), d = load(sums + i + 3 * kLanes);
    const T* p = x + i;
    for (int64_t t = 0; t < rows; ++t, p += row_stride) {
      const F w = set(weights[t]);
      a = fma(load_source(p), w, a), b = fma(load_source(p + kLanes), w, b);
      c = fma(load_source(p + 2 * kLanes), w, c), d = fma(load_source(p + 3 * kLanes), w, d);
    }
    store(sums + i, a), store(sums + i + kLanes, b), store(sums + i + 2 * kLanes, c), store(sums + i + 3 * kLanes, d);
  }
  for (; i < n; i += kLanes) {
    F a = add ? load_upto(sums + i, n - i) : zero();
    for (int64_t t = 0; t < rows; ++t) a = fma(load_source_upto(x + t * row_stride + i, n - i), set(weights[t]), a);
    store_upto(sums + i, a, n - i);
  }
}

// The weighted sum of `rows` rows of `pixels` pixels, packed into sums [pixels][channels]. x has `pitch` elements per pixel.
template <class T>
void sum_rows(const T* x, int64_t row_stride, int64_t rows, const float* weights, bool add, float* sums, int64_t pixels,
              int64_t channels, int64_t pitch) {
  if (pitch == channels) return sum_rows_span(x, row_stride, rows, weights, add, sums, pixels * channels);
  for (int64_t i = 0; i < pixels; ++i)
    sum_rows_span(x + i * pitch, row_stride, rows, weights, add, sums + i * channels, channels);
}

// Taps of a row of output pixels. taps > 0: every pixel has exactly that many (a constant trip count costs less than the
// zero-weight taps that fill up); 0: count[i] of them.
struct RowTaps {
  const int32_t* start;  // first source pixel
  const int32_t* count;
  const float* weights;  // [pixel][stride]
  int64_t stride;
  int32_t taps;
};

// Fills up to `taps` taps by adding zero-weight ones, at the front where `end` leaves no room behind.
FOVEA_INLINE void pad_taps(int32_t& start, int32_t count, float* weights, int32_t taps, int64_t end) {
  const int32_t latest = static_cast<int32_t>(end) - taps, moved = start > latest ? start - latest : 0;
  for (int32_t t = taps - 1; t >= 0; --t) weights[t] = t >= moved && t - moved < count ? weights[t - moved] : 0.0f;
  start -= moved;
}

// Up to 4 channels. Reads up to 3 floats behind the last pixel of `sums`. A contiguous y takes 4-lane stores whose extra lanes
// the next pixel overwrites; the last pixel, and every pixel of a pitched y, stores its channels only.
template <int kTaps, class Init, class Finish>
FOVEA_INLINE void blend_row4(const float* sums, const RowTaps& r, int64_t pixels, int64_t channels, float* y, int64_t y_pitch,
                             const Init& init, const Finish& finish) {
  const int64_t overwritable = y_pitch == channels ? pixels * channels - 3 : 0;
  for (int64_t i = 0; i < pixels; ++i) {
    const float* p = sums + r.start[i] * channels;
    const float* w = r.weights + i * r.stride;
    V4 a = set4(init(i));
    const int taps = kTaps > 0 ? kTaps : r.taps > 0 ? r.taps : r.count[i];
#pragma GCC unroll 4
    for (int t = 0; t < taps; ++t, p += channels) a = fma4(load4(p), set4(w[t]), a);
    store4_upto(y + i * y_pitch, finish(a), i * channels < overwritable ? 4 : channels);
  }
}

struct Unchanged {
  FOVEA_INLINE V4 operator()(V4 a) const { return a; }
};

// y[i][c] = finish(init(i) + sum over t of weight*sums[start + t][c]); `finish` works on 4 channels and is skipped beyond 4.
template <class Init, class Finish = Unchanged>
void blend_row(const float* sums, const RowTaps& r, int64_t pixels, int64_t channels, float* y, int64_t y_pitch,
               const Init& init, const Finish& finish = {}) {
  if (channels <= 4) {
    switch (r.taps) {
      case 1:
        return blend_row4<1>(sums, r, pixels, channels, y, y_pitch, init, finish);
      case 2:
        return blend_row4<2>(sums, r, pixels, channels, y, y_pitch, init, finish);
      case 3:
        return blend_row4<3>(sums, r, pixels, channels, y, y_pitch, init, finish);
      case 4:
        return blend_row4<4>(sums, r, pixels, channels, y, y_pitch, init, finish);
      default:
        return blend_row4<0>(sums, r, pixels, channels, y, y_pitch, init, finish);
    }
  }
  for (int64_t i = 0; i < pixels; ++i) {
    const float* p = sums + r.start[i] * channels;
    const float* w = r.weights + i * r.stride;
    const int taps = r.taps > 0 ? r.taps : r.count[i];
    for (int64_t c = 0; c < channels; c += kLanes) {
      F a = set(init(i));
      for (int t = 0; t < taps; ++t) a = fma(load_upto(p + t * channels + c, channels - c), set(w[t]), a);
      store_upto(y + i * y_pitch + c, a, channels - c);
    }
  }
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
