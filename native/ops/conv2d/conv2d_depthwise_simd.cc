// Depthwise convolution, and groups of G channels: lanes are channels, and a block of output pixels of one or two rows stays in
// registers. Channels are the innermost loop, so that reads and writes of a block are runs of memory.
#include "core/thread_pool.h"
#include "ops/conv2d/conv2d_part_simd.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Widest block of pixels: enough independent sums to hide the latency of an FMA on two units.
constexpr int kBlockPixels = 8;

// 3x3: output rows of a block that share what they read. AVX-512: two, column by column, with the 9 weights and the 6 open sums
// in registers, each input vector loaded once for up to 6 products. Each sum is stored as it is done, so that stores spread
// over the block. AVX2 has room for one row of 8 sums and one row of weights; scalar code gains nothing.
#if defined(__AVX512F__)
constexpr int kBlockRows = 2;
#elif defined(__AVX2__)
constexpr int kBlockRows = 1;
#else
constexpr int kBlockRows = 0;
#endif
constexpr bool kColumnsFirst = kBlockRows > 1;

struct Context {
  const Conv2dJob& j;
  Fused fused;
  int64_t taps;
  const float* weights;  // depthwise or grouped form
};

FOVEA_INLINE F apply(const Context& c, F v, F slope) {
  if (c.fused == Fused::kNone) return v;
  if (c.fused == Fused::kRelu) return max(zero(), v);
  return select(v >= zero(), v, v * slope);
}
template <bool Full>
FOVEA_INLINE F read(const float* p, int64_t valid) {
  return Full ? load(p) : load_partial(p, static_cast<int>(valid));
}
template <bool Full>
FOVEA_INLINE F slope_of(const Context& c, int64_t channel, int64_t valid) {
  if (c.fused == Fused::kLeaky) return set(c.j.params.activation.alpha);
  return c.fused == Fused::kPrelu ? read<Full>(c.j.slope + channel, valid) : zero();
}

// The kernel taps that lie inside the image for some output pixels, and where they read.
struct Window {
  const float* x;         // first tap of the first pixel, channel 0
  int64_t first_tap;      // its number
  int64_t rows, columns;  // taps
};

// Lane l becomes lane (l / G) * G + i.
#if defined(__AVX512F__)
template <int G>
FOVEA_INLINE F spread(F x, int i) {
  return {_mm512_permutexvar_ps(((iota() & seti(-G)) + seti(i)).v, x.v)};
}
#elif defined(__AVX2__)
template <int G>
FOVEA_INLINE F spread(F x, int i) {
  return {_mm256_permutevar8x32_ps(x.v, ((iota() & seti(-G)) + seti(i)).v)};
}
#else
template <int G>
FOVEA_INLINE F spread(F x, int) {
  return x;
}
#endif

// Lane l: input i of the group of channel + l. A group lies in one vector, or (scalar code) a vector in one group.
template <int G, bool Full>
FOVEA_INLINE F read_group(const float* x, int64_t channel, int i, int64_t valid) {
  if constexpr (G == 1)
    return read<Full>(x + channel, valid);
  else if constexpr (kLanes < G)
    return set(x[channel / G * G + i]);
  else
    return spread<G>(load(x + channel), i);
}

// P pixels of one row, one vector of channels, any kernel, stride and dilation.
template <int P, bool Full, int G>
void pixels(const Context& c, const Window& window, int64_t channel, int64_t valid, float* y) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t row_stride = p.dilation_h * j.in_w * j.x_pitch, column_stride = p.dilation_w * j.x_pitch;
  const int64_t pixel_stride = p.stride_w * j.x_pitch;
  const float* weights =
      c.weights + (channel / kChannelBlock * c.taps + window.first_tap) * G * kChannelBlock + channel % kChannelBlock;
  F acc[P];
  const F bias = j.bias == nullptr ? zero() : read<Full>(j.bias + channel, valid);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) acc[i] = bias;
  const auto tap = [&](int64_t row, int64_t column) __attribute__((always_inline)) {
    const float* x = window.x + row * row_stride + column * column_stride;
    const float* w = weights + (row * p.kernel_w + column) * G * kChannelBlock;
#pragma GCC unroll 8
    for (int in = 0; in < G; ++in) {
      const F weight = load(w + in * kChannelBlock);
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i) acc[i] = fma(read_group<G, Full>(x + i * pixel_stride, channel, in, valid), weight, acc[i]);
    }
  };
  // In the order of block3x3, so that a pixel is the same bits wherever it lies.
  if constexpr (kColumnsFirst) {
    for (int64_t column = 0; column < window.columns; ++column)
      for (int64_t row = 0; row < window.rows; ++row) tap(row, column);
  } else {
    for (int64_t row = 0; row < window.rows; ++row)
      for (int64_t column = 0; column < window.columns; ++column) tap(row, column);
  }
  const F slope = slope_of<Full>(c, channel, valid);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) {
    const F v = apply(c, acc[i], slope);
    if constexpr (Full)
      store(y + i * j.y_pitch + channel, v);
    else
      store_partial(y + i * j.y_pitch + channel, v, static_cast<int>(valid));
  }
}

template <int P, int G>
void all_channels(const Context& c, const Window& window, int64_t first_channel, float* y) {
  const int64_t channels = c.j.params.out_channels;
  int64_t channel = first_channel;
  for (; channel + kLanes <= channels; channel += kLanes) pixels<P, true, G>(c, window, channel, kLanes, y);
  if constexpr (G == 1)
    if (channel < channels) pixels<P, false, G>(c, window, channel, channels - channel, y);
}

// Taps first .. end of one axis for which `start + tap * dilation` lies in [0, size).
FOVEA_INLINE void clip(int64_t start, int64_t kernel, int64_t dilation, int64_t size, int64_t* first, int64_t* end) {
  *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  *end = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  if (*end > kernel) *end = kernel;
  if (*first >= *end) *first = *end = 0;
}

#if defined(__AVX2__)
// Kept in registers: folded into the FMAs as loads, weights would make loads the limit.
template <class P, int N>
FOVEA_INLINE void load_weights(const float* from, typename P::V (&w)[N]) {
#pragma GCC unroll 9
  for (int i = 0; i < N; ++i) {
    w[i] = P::load(from + i * kChannelBlock);
    P::pin(w[i]);
  }
}

// kRows rows of kBlockPixels pixels, one P of channels, of which `valid` are the layer's when kPartial. Unless kInside,
// taps may lie outside the image, whose pixel (iy, ix) is at x.
template <int S, int kRows, bool kInside, class P, bool kPartial>
void block3x3(const Context& c, const float* x, int64_t iy, int64_t ix, int64_t channel, int64_t valid, float* y) {
  const Conv2dJob& j = c.j;
  constexpr int kTapRows = (kRows - 1) * S + 3, kTapColumns = (kBlockPixels - 1) * S + 3;
  const float* packed = c.weights + channel / kChannelBlock * 9 * kChannelBlock + channel % kChannelBlock;
  typename P::V weights[kColumnsFirst ? 9 : 3];
  if constexpr (kColumnsFirst) load_weights<P>(packed, weights);
  typename P::V acc[kRows][kBlockPixels];
  const auto bias = j.bias == nullptr ? P::of(zero()) : P::template load_n<kPartial>(j.bias + channel, valid);
  const bool leaky = c.fused != Fused::kNone && c.fused != Fused::kRelu;
  const auto slope = !leaky                     ? P::of(zero())
                     : c.fused == Fused::kLeaky ? P::of(set(j.params.activation.alpha))
                                                : P::template load_n<kPartial>(j.slope + channel, valid);
#pragma GCC unroll 32
  for (int i = 0; i < kRows * kBlockPixels; ++i) acc[i / kBlockPixels][i % kBlockPixels] = bias;
  // Into locals: behind each store they would be read again.
  const int64_t x_pitch = j.x_pitch, x_line = j.in_w * x_pitch, y_pitch = j.y_pitch, y_line = j.out_w * y_pitch;
  x += channel, y += channel;
  // The second operand stays where it is NaN.
  const auto low = P::all(c.fused == Fused::kRelu ? 0.0f : -__builtin_inff());
  const auto finish_column = [&](int i) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      auto& sum = acc[r][i];
      sum = P::at_least(low, sum);
      if (leaky) sum = P::leaky(sum, slope);
      P::template store_n<kPartial>(y + r * y_line + i * y_pitch, sum, valid);
    }
  };
  const auto tap = [&](int row, int column) __attribute__((always_inline)) {
    auto v = P::template load_n<kPartial>(x + row * x_line + column * x_pitch, valid);
    P::pin_here(v);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const int kh = row - r * S;
      if (kh < 0 || kh > 2) continue;
#pragma GCC unroll 3
      for (int kw = 0; kw < 3; ++kw) {
        if (column < kw || (column - kw) % S != 0 || (column - kw) / S >= kBlockPixels) continue;
        auto& sum = acc[r][(column - kw) / S];
        sum = P::fma(v, weights[kColumnsFirst ? kh * 3 + kw : kw], sum);
      }
    }
  };
  const auto has_row = [&](int row) { return kInside || (iy + row >= 0 && iy + row < j.in_h); };
  const auto has_column = [&](int column) { return kInside || (ix + column >= 0 && ix + column < j.in_w); };
  if constexpr (kColumnsFirst) {
#pragma GCC unroll 17
    for (int column = 0; column < kTapColumns; ++column) {
#pragma GCC unroll 9
      for (int row = 0; row < kTapRows; ++row)
        if (has_column(column) && has_row(row)) tap(row, column);
      if (column >= 2 && column % S == 0) finish_column((column - 2) / S);
    }
  } else {
#pragma GCC unroll 3
    for (int row = 0; row < kTapRows; ++row) {
      if (!has_row(row)) continue;
      load_weights<P>(packed + row * 3 * kChannelBlock, weights);
#pragma GCC unroll 17
      for (int column = 0; column < kTapColumns; ++column)
        if (has_column(column)) tap(row, column);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kBlockPixels; ++i) finish_column(i);
  }
}

// The block over channels 0 .. `channels`: whole vectors, and with AVX-512 the rest of a layer.
template <int S, int kRows, bool kInside>
FOVEA_INLINE void block_channels(const Context& c, const float* x, int64_t iy, int64_t ix, int64_t channels, float* y) {
  int64_t channel = 0;
  for (; channel + kLanes <= channels; channel += kLanes)
    block3x3<S, kRows, kInside, Part<false>, false>(c, x, iy, ix, channel, kLanes, y);
#if defined(__AVX512F__)
  const int64_t rest = channels - channel;
  if (rest > 8)
    block3x3<S, kRows, kInside, Part<false>, true>(c, x, iy, ix, channel, rest, y);
  else if (rest == 8)
    block3x3<S, kRows, kInside, Part<true>, false>(c, x, iy, ix, channel, rest, y);
  else if (rest > 0)
    block3x3<S, kRows, kInside, Part<true>, true>(c, x, iy, ix, channel, rest, y);
#endif
}
template <int S>
FOVEA_INLINE void block_rows(const Context& c, const float* x, int64_t iy, int64_t ix, int count, int64_t channels, float* y) {
  const int64_t rows = (count - 1) * S + 3, columns = (kBlockPixels - 1) * S + 3;
  const bool inside = iy >= 0 && iy + rows <= c.j.in_h && ix >= 0 && ix + columns <= c.j.in_w;
  if (kBlockRows > 1 && count > 1)
    inside ? block_channels<S, kBlockRows, true>(c, x, iy, ix, channels, y)
           : block_channels<S, kBlockRows, false>(c, x, iy, ix, channels, y);
  else
    inside ? block_channels<S, 1, true>(c, x, iy, ix, channels, y) : block_channels<S, 1, false>(c, x, iy, ix, channels, y);
}
#endif

// A compile-time width as an argument.
template <int P>
struct Width {
  static constexpr int kPixels = P;
};

// Rows `row` .. `row` + count of the batch, which belong to one image, to y; count is 1 or 2.
template <int G>
void output_rows(const Context& c, int64_t row, int count, bool blocks, float* y) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t n = row / j.out_h, oy = row % j.out_h, iy = oy * p.stride_h - p.pad_top;
  // Output columns whose taps are all inside.
  int64_t begin = (int64_t{p.pad_left} + p.stride_w - 1) / p.stride_w;
  const int64_t room = j.in_w + p.pad_left - (p.kernel_w - 1) * int64_t{p.dilation_w} - 1;
  int64_t end = room < 0 ? 0 : room / p.stride_w + 1;
  if (end > j.out_w) end = j.out_w;
  if (begin > end) begin = end;
  const float* image = j.x + n * j.in_h * j.in_w * j.x_pitch;
  const int64_t block_channels_end = kColumnsFirst ? p.out_channels : p.out_channels / kLanes * kLanes;
  const int64_t fast_channels = blocks && j.out_w >= kBlockPixels ? block_channels_end : 0;
#if defined(__AVX2__)
  // The last block is moved left to end at the border and computes a few pixels again.
  for (int64_t at = 0; fast_channels > 0 && at < j.out_w; at += kBlockPixels) {
    const int64_t ox = at + kBlockPixels > j.out_w ? j.out_w - kBlockPixels : at, ix = ox * p.stride_w - p.pad_left;
    const float* x = image + (iy * j.in_w + ix) * j.x_pitch;
    float* to = y + ox * j.y_pitch;
    if (p.stride_w == 1)
      block_rows<1>(c, x, iy, ix, count, fast_channels, to);
    else
      block_rows<2>(c, x, iy, ix, count, fast_channels, to);
  }
  if (fast_channels == p.out_channels) return;
#endif

  const auto slow = [&](auto width, int64_t r, int64_t ox, int64_t first_channel) {
    const int64_t top = iy + r * p.stride_h, left = ox * p.stride_w - p.pad_left;
    int64_t kh0, kh1, kw0, kw1;
    clip(top, p.kernel_h, p.dilation_h, j.in_h, &kh0, &kh1);
    clip(left, p.kernel_w, p.dilation_w, j.in_w, &kw0, &kw1);
    const bool empty = kh0 == kh1 || kw0 == kw1;
    const int64_t offset = empty ? 0 : ((top + kh0 * p.dilation_h) * j.in_w + left + kw0 * p.dilation_w) * j.x_pitch;
    const Window window{image + offset, kh0 * p.kernel_w + kw0, kh1 - kh0, kw1 - kw0};
    all_channels<decltype(width)::kPixels, G>(c, window, first_channel, y + (r * j.out_w + ox) * j.y_pitch);
  };
  for (int64_t r = 0; r < count; ++r) {
    for (int64_t ox = 0; ox < begin; ++ox) slow(Width<1>{}, r, ox, fast_channels);
    for (int64_t ox = end; ox < j.out_w; ++ox) slow(Width<1>{}, r, ox, fast_channels);
  }
  // Blocks of 8, or of 4 in short rows, the last one moved left as well.
  const int64_t width = end - begin, step = width >= kBlockPixels ? kBlockPixels : width >= 4 ? 4 : 1;
  for (int64_t at = begin; at < end; at += step) {
    const int64_t ox = at + step > end ? end - step : at;
    for (int64_t r = 0; r < count; ++r) {
      if (step == kBlockPixels)
        slow(Width<kBlockPixels>{}, r, ox, fast_channels);
      else if (step == 4)
        slow(Width<4>{}, r, ox, fast_channels);
      else
        slow(Width<1>{}, r, ox, fast_channels);
    }
  }
}

// Rows begin .. end of the batch, to y.
template <int G>
void rows(const Conv2dJob& j, int64_t begin, int64_t end, float* y) {
  const fovea_conv2d_params& p = j.params;
  const Context c{j, epilogue_of(j).fused, taps(p), j.weights + (G == 1 ? 0 : direct_floats(p))};
  const bool blocks = kBlockRows > 0 && G == 1 && p.kernel_h == 3 && p.kernel_w == 3 && p.dilation_h == 1 &&
                      p.dilation_w == 1 && p.stride_h == p.stride_w && p.stride_w <= 2;
  for (int64_t row = begin; row < end;) {
    // Both rows of a pair lie in the same image.
    const int count = blocks && kBlockRows == 2 && row + 1 < end && row % j.out_h + 1 < j.out_h ? 2 : 1;
    output_rows<G>(c, row, count, blocks, y + (row - begin) * j.out_w * j.y_pitch);
    row += count;
  }
}

}  // namespace

void depthwise_rows(const Conv2dJob& j, int64_t begin, int64_t end, float* y) {
  switch (group_in(j.params)) {
    case 2:
      return rows<2>(j, begin, end, y);
    case 4:
      return rows<4>(j, begin, end, y);
    case 8:
      return rows<8>(j, begin, end, y);
    default:
      return rows<1>(j, begin, end, y);
  }
}

void conv2d_depthwise(const Conv2dJob& j) {
  const bool second_pass = epilogue_of(j).second_pass;
  const int64_t rows = j.out_w == 0 ? 0 : live_rows(j.live, j.batch) * j.out_h;
  const ThreadLimit limit(j.threads);
  parallel_for(rows, rows == 0 ? 1 : j.plan.block_pixels / j.out_w, [&](int64_t begin, int64_t end, int32_t) {
    // A few rows at a time, so that the second pass finds them in the cache.
    const int64_t step = second_pass ? 2 : end - begin;
    for (int64_t row = begin; row < end; row += step) {
      const int64_t last = row + step < end ? row + step : end;
      depthwise_rows(j, row, last, j.y + row * j.out_w * j.y_pitch);
      if (second_pass) finish(j, row * j.out_w, (last - row) * j.out_w, 0, j.params.out_channels);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
