// Few output channels: lanes are pixels. A lane per channel would leave most of a vector idle (10 of 16 lanes in P-Net's first
// layer); here every product of a vector counts. Input rows are split into one plane per channel, once each, in a ring of
// kernel_h rows; weights are broadcast; the sums of a tile are transposed into pixels on their way out.
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

#if defined(__AVX2__)
namespace {

// Channels of a tile and vectors of pixels: accumulators, one input per vector and a weight fit the registers.
#if defined(__AVX512F__)
constexpr int kVectors = 2, kMostChannels = 12;
#else
constexpr int kVectors = 2, kMostChannels = 6;
#endif
constexpr int kTilePixels = kVectors * kLanes;

#if defined(__AVX512F__)
// With full masks: gcc 12 warns of the undefined operand of the forms without.
FOVEA_INLINE F unpack_low(F a, F b) { return {_mm512_maskz_unpacklo_ps(0xffff, a.v, b.v)}; }
FOVEA_INLINE F unpack_high(F a, F b) { return {_mm512_maskz_unpackhi_ps(0xffff, a.v, b.v)}; }
FOVEA_INLINE F low_halves(F a, F b) { return {_mm512_maskz_shuffle_ps(0xffff, a.v, b.v, 0x44)}; }
FOVEA_INLINE F high_halves(F a, F b) { return {_mm512_maskz_shuffle_ps(0xffff, a.v, b.v, 0xee)}; }
template <int L>
FOVEA_INLINE __m128 quarter(F a) {
  return _mm512_maskz_extractf32x4_ps(0xf, a.v, L);
}
#else
FOVEA_INLINE F unpack_low(F a, F b) { return {_mm256_unpacklo_ps(a.v, b.v)}; }
FOVEA_INLINE F unpack_high(F a, F b) { return {_mm256_unpackhi_ps(a.v, b.v)}; }
FOVEA_INLINE F low_halves(F a, F b) { return {_mm256_shuffle_ps(a.v, b.v, 0x44)}; }
FOVEA_INLINE F high_halves(F a, F b) { return {_mm256_shuffle_ps(a.v, b.v, 0xee)}; }
template <int L>
FOVEA_INLINE __m128 quarter(F a) {
  return _mm256_extractf128_ps(a.v, L);
}
#endif

// The first N floats of a.
template <int N>
FOVEA_INLINE void store_first(float* p, __m128 a) {
  if constexpr (N == 4) _mm_storeu_ps(p, a);
  if constexpr (N == 2 || N == 3) _mm_storel_pi(reinterpret_cast<__m64*>(p), a);
  if constexpr (N == 3) _mm_store_ss(p + 2, _mm_movehl_ps(a, a));
  if constexpr (N == 1) _mm_store_ss(p, a);
}

// Pixels 4L + i, i = 0 .. 3, of quarter L on: N channels each.
template <int N, int L = 0>
FOVEA_INLINE void store_quarters(float* y, int64_t pitch, const F (&pixels)[4]) {
  if constexpr (L < kLanes / 4) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) store_first<N>(y + (4 * L + i) * pitch, quarter<L>(pixels[i]));
    store_quarters<N, L + 1>(y, pitch, pixels);
  }
}

// kLanes pixels of four channels -> vectors of pixels i, i + 4, ..: what store_quarters takes.
FOVEA_INLINE void transpose_quarters(F a, F b, F c, F d, F (&pixels)[4]) {
  const F low01 = unpack_low(a, b), high01 = unpack_high(a, b), low23 = unpack_low(c, d), high23 = unpack_high(c, d);
  pixels[0] = low_halves(low01, low23), pixels[1] = high_halves(low01, low23);
  pixels[2] = low_halves(high01, high23), pixels[3] = high_halves(high01, high23);
}

#if defined(__AVX512F__)
// Eight channels: half as many stores, and fewer extracts, than quarters need.
FOVEA_INLINE void store_halves(float* y, int64_t pitch, const F (&first)[4], const F (&second)[4]) {
  const __m512i even = _mm512_set_epi32(23, 22, 21, 20, 7, 6, 5, 4, 19, 18, 17, 16, 3, 2, 1, 0);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(8));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 low = _mm512_permutex2var_ps(first[i].v, even, second[i].v);
    const __m512 high = _mm512_permutex2var_ps(first[i].v, odd, second[i].v);
    _mm256_storeu_ps(y + i * pitch, _mm512_maskz_extractf32x8_ps(0xff, low, 0));
    _mm256_storeu_ps(y + (4 + i) * pitch, _mm512_maskz_extractf32x8_ps(0xff, low, 1));
    _mm256_storeu_ps(y + (8 + i) * pitch, _mm512_maskz_extractf32x8_ps(0xff, high, 0));
    _mm256_storeu_ps(y + (12 + i) * pitch, _mm512_maskz_extractf32x8_ps(0xff, high, 1));
  }
}
#endif

// kLanes pixels of channels C0 .. C from vectors of one channel each.
template <int C, int C0 = 0>
FOVEA_INLINE void store_pixels(float* y, int64_t pitch, const F (&channel)[C]) {
  if constexpr (C0 < C) {
    constexpr int kCount = C - C0 < 4 ? C - C0 : 4;
    const auto at = [&](int i) __attribute__((always_inline)) { return channel[C0 + i < C ? C0 + i : C - 1]; };
    F pixels[4];
    transpose_quarters(at(0), at(1), at(2), at(3), pixels);
#if defined(__AVX512F__)
    if constexpr (C - C0 >= 8) {
      F second[4];
      transpose_quarters(at(4), at(5), at(6), at(7), second);
      store_halves(y + C0, pitch, pixels, second);
      store_pixels<C, C0 + 8>(y, pitch, channel);
      return;
    }
#endif
    store_quarters<kCount>(y + C0, pitch, pixels);
    store_pixels<C, C0 + 4>(y, pitch, channel);
  }
}

// What one tile reads and writes. K is rows x taps x in, as the weights are packed.
struct PlanarTile {
  const float* rows[kPlanarMostRows];  // kernel rows inside the image, at the tile's first pixel
  const int64_t* steps;                // bytes from there to the input of each step of K within a kernel row
  int64_t row_count, step_count;
  const float* weights;
  const float* bias;
  const float* slope;
  float alpha;
  Fused fused;
  float* y;
  int64_t y_pitch;
};

template <int C>
void planar_tile(const PlanarTile& t) {
  F acc[C][kVectors];
#pragma GCC unroll 12
  for (int c = 0; c < C; ++c) {
    const F bias = t.bias == nullptr ? zero() : set(t.bias[c]);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) acc[c][v] = bias;
  }
  const float* w = t.weights;
  const int64_t* const steps = t.steps;
  const int64_t count = t.step_count;
  // The lines that the tile will write arrive while it multiplies.
  const char* ahead = reinterpret_cast<const char*>(t.y);
  const char* const ahead_end = ahead + kTilePixels * t.y_pitch * int64_t{sizeof(float)};
  for (int64_t row = 0; row < t.row_count; ++row) {
    const char* const x = reinterpret_cast<const char*>(t.rows[row]);
    for (int i = 0; i < 8 && ahead < ahead_end; ++i, ahead += 64) __builtin_prefetch(ahead, 1);
    for (int64_t k = 0; k < count; ++k, w += kChannelBlock) {
      const float* from = reinterpret_cast<const float*>(x + steps[k]);
      F value[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) value[v] = load(from + v * kLanes);
#pragma GCC unroll 12
      for (int c = 0; c < C; ++c) {
        const F weight = set(w[c]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) acc[c][v] = fma(value[v], weight, acc[c][v]);
      }
    }
  }
  if (t.fused == Fused::kRelu) {
#pragma GCC unroll 12
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) acc[c][v] = max(zero(), acc[c][v]);
  } else if (t.fused != Fused::kNone) {
#pragma GCC unroll 12
    for (int c = 0; c < C; ++c) {
      const F slope = set(t.fused == Fused::kLeaky ? t.alpha : t.slope[c]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) acc[c][v] = select(acc[c][v] >= zero(), acc[c][v], acc[c][v] * slope);
    }
  }
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    F channel[C];
#pragma GCC unroll 12
    for (int c = 0; c < C; ++c) channel[c] = acc[c][v];
    store_pixels<C>(t.y + v * kLanes * t.y_pitch, t.y_pitch, channel);
  }
}

struct Table {
  void (*at[kMostChannels + 1])(const PlanarTile&) = {};
  template <int C>
  constexpr void fill() {
    at[C] = planar_tile<C>;
    if constexpr (C < kMostChannels) fill<C + 1>();
  }
  constexpr Table() { fill<1>(); }
};
constexpr Table table;

// 8 pixels of three channels, as two halves of 4 pixels in each vector.
FOVEA_INLINE void split_three(const float* x, float* to, int64_t plane) {
  const auto pair = [&](int64_t at) __attribute__((always_inline)) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + at)), _mm_loadu_ps(x + at + 12), 1);
  };
  const __m256 a = pair(0), b = pair(4), c = pair(8);  // xyzx yzxy zxyz
  const __m256 xy = _mm256_shuffle_ps(b, c, _MM_SHUFFLE(2, 1, 3, 2)), yz = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(1, 0, 2, 1));
  _mm256_storeu_ps(to, _mm256_shuffle_ps(a, xy, _MM_SHUFFLE(2, 0, 3, 0)));
  _mm256_storeu_ps(to + plane, _mm256_shuffle_ps(yz, xy, _MM_SHUFFLE(3, 1, 2, 0)));
  _mm256_storeu_ps(to + 2 * plane, _mm256_shuffle_ps(yz, c, _MM_SHUFFLE(3, 0, 3, 1)));
}

// `count` pixels `step` floats apart -> to[channel * plane + pixel]. Reads nothing else.
void split(const float* x, int64_t step, int64_t count, int64_t in, float* to, int64_t plane) {
  int64_t done = 0;
  if (in == 3 && step == 3)
    for (; done + 8 <= count; done += 8) split_three(x + done * 3, to + done, plane);
  for (; done + 4 <= count; done += 4) {
    const float* pixel = x + done * step;
    int64_t i = 0;
    for (; i + 4 <= in; i += 4) {
      __m128 a = _mm_loadu_ps(pixel + i), b = _mm_loadu_ps(pixel + step + i);
      __m128 c = _mm_loadu_ps(pixel + 2 * step + i), d = _mm_loadu_ps(pixel + 3 * step + i);
      _MM_TRANSPOSE4_PS(a, b, c, d);
      float* out = to + i * plane + done;
      _mm_storeu_ps(out, a), _mm_storeu_ps(out + plane, b);
      _mm_storeu_ps(out + 2 * plane, c), _mm_storeu_ps(out + 3 * plane, d);
    }
    for (; i < in; ++i)
      for (int64_t q = 0; q < 4; ++q) to[i * plane + done + q] = pixel[q * step + i];
  }
  for (; done < count; ++done)
    for (int64_t i = 0; i < in; ++i) to[i * plane + done] = x[done * step + i];
}

// One input row -> [column % stride][channel][column / stride], columns counted from the left padding on.
void split_row(const Conv2dJob& j, const PlanarScratch& s, const float* row, float* to) {
  const fovea_conv2d_params& p = j.params;
  for (int64_t phase = 0; phase < s.phases; ++phase, to += s.plane * p.in_channels) {
    // Padded columns m * stride + phase, m = first .. end, are inside the image.
    const int64_t skip = p.pad_left - phase, rest = j.in_w + skip;
    int64_t first = skip > 0 ? (skip + p.stride_w - 1) / p.stride_w : 0;
    int64_t end = rest > 0 ? (rest + p.stride_w - 1) / p.stride_w : 0;
    if (end > s.plane) end = s.plane;
    if (first > end) first = end;
    for (int64_t i = 0; i < p.in_channels; ++i) {
      float* plane = to + i * s.plane;
      for (int64_t m = 0; m < first; ++m) plane[m] = 0;
      for (int64_t m = end; m < s.plane; ++m) plane[m] = 0;
    }
    if (first < end)
      split(row + (first * p.stride_w - skip) * j.x_pitch, p.stride_w * j.x_pitch, end - first, p.in_channels, to + first,
            s.plane);
  }
}

}  // namespace

void planar_rows(const Conv2dJob& j, int64_t begin, int64_t end, float* scratch) {
  const fovea_conv2d_params& p = j.params;
  const PlanarScratch s = planar_scratch(p, j.out_w);
  const Epilogue epilogue = epilogue_of(j);
  const int64_t tiles = (p.out_channels + kMostChannels - 1) / kMostChannels;
  float* spare = scratch + p.kernel_h * s.row;  // a tile that does not fit the row
  int64_t steps[kPlanarMostSteps];
  for (int64_t kw = 0; kw < p.kernel_w; ++kw)
    for (int64_t i = 0; i < p.in_channels; ++i)
      steps[kw * p.in_channels + i] =
          ((kw % p.stride_w * p.in_channels + i) * s.plane + kw / p.stride_w) * int64_t{sizeof(float)};
  PlanarTile t{};
  t.steps = steps, t.step_count = p.kernel_w * p.in_channels;
  t.alpha = p.activation.alpha, t.fused = epilogue.fused;
  int64_t split_end = 0;  // input rows of image `split_image` before this one are in the ring, as far as it reaches back
  int64_t split_image = -1;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t n = row / j.out_h, top = row % j.out_h * p.stride_h - p.pad_top;
    const int64_t first = top < 0 ? 0 : top, last = top + p.kernel_h < j.in_h ? top + p.kernel_h : j.in_h;
    if (n != split_image) split_image = n, split_end = first;
    if (split_end < first) split_end = first;
    for (; split_end < last; ++split_end)
      split_row(j, s, j.x + (n * j.in_h + split_end) * j.in_w * j.x_pitch, scratch + split_end % p.kernel_h * s.row);
    t.row_count = 0;
    const float* rows[kPlanarMostRows];
    for (int64_t iy = first; iy < last; ++iy) rows[t.row_count++] = scratch + iy % p.kernel_h * s.row;
    for (int64_t next = 0; next < j.out_w; next += kTilePixels) {
      // The last tile begins early rather than reach beyond the row; its first pixels are just computed again.
      const int64_t x = next + kTilePixels > j.out_w && j.out_w >= kTilePixels ? j.out_w - kTilePixels : next;
      const int64_t valid = j.out_w - x;
      float* y = j.y + (row * j.out_w + x) * j.y_pitch;
      for (int64_t i = 0; i < t.row_count; ++i) t.rows[i] = rows[i] + x;
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t channel = p.out_channels * i / tiles, channels = p.out_channels * (i + 1) / tiles - channel;
        t.weights = j.weights + (first - top) * p.kernel_w * p.in_channels * kChannelBlock + channel;
        t.bias = j.bias == nullptr ? nullptr : j.bias + channel;
        t.slope = j.slope == nullptr ? nullptr : j.slope + channel;
        t.y = (valid < kTilePixels ? spare : y) + channel;
        t.y_pitch = valid < kTilePixels ? p.out_channels : j.y_pitch;
        table.at[channels](t);
      }
      if (valid < kTilePixels)
        for (int64_t q = 0; q < valid; ++q)
          for (int64_t i = 0; i < p.out_channels; i += kLanes)
            store_upto(y + q * j.y_pitch + i, load_upto(spare + q * p.out_channels + i, p.out_channels - i),
                       p.out_channels - i);
    }
    if (epilogue.second_pass) finish(j, row * j.out_w, j.out_w, 0, p.out_channels);
  }
}
#else
void planar_rows(const Conv2dJob&, int64_t, int64_t, float*) {}
#endif

}  // namespace fovea::FOVEA_ISA_NAMESPACE
