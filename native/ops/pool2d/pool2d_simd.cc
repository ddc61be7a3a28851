// Lanes are channels. The last vector of a pixel overlaps the one before it (10 channels on 8 lanes: 0..7 and 2..9). Pixels
// narrower than a vector are read and written whole, spilling into the next pixel, which is written next; only where there is
// no such neighbour are loads and stores partial. 2x2 and 3x3 windows inside the image are unrolled.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/pool2d/pool2d.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kChannelTile = 64;  // a unit of work when there are few output pixels (global pooling)

enum class Lanes { kWhole, kSpill, kPartial };  // how the lanes of one vector relate to the channels of a pixel

template <bool kAverage>
FOVEA_INLINE F combine(F a, F x) {
  if constexpr (kAverage) return a + x;
  return select(is_nan(x), x, max(x, a));  // max alone keeps a NaN in `a` and drops one in x
}

template <Lanes kMode>
FOVEA_INLINE F load_lanes(const float* p, int n) {
  if constexpr (kMode == Lanes::kPartial) return load_partial(p, n);
  return load(p);
}

// The windows of one output pixel: `p` is the first cell, strides are in floats. Sums go row by row, which keeps the rounding
// error of large windows near that of a row plus that of a column.
template <bool kAverage, Lanes kMode, int kSize>
FOVEA_INLINE F pool_window_lanes(const float* p, int64_t rows, int64_t row_stride, int64_t columns, int64_t column_stride,
                                 int n) {
  if constexpr (kSize > 0) rows = columns = kSize;
  F total = kAverage ? zero() : set(-__builtin_inff());
#pragma GCC unroll 3
  for (int64_t iy = 0; iy < rows; ++iy, p += row_stride) {
    F row = load_lanes<kMode>(p, n);
#pragma GCC unroll 3
    for (int64_t ix = 1; ix < columns; ++ix) row = combine<kAverage>(row, load_lanes<kMode>(p + ix * column_stride, n));
    total = combine<kAverage>(total, row);
  }
  return total;
}

template <bool kAverage, Lanes kMode, int kSize>
FOVEA_INLINE void pool_pixel(const PoolJob& j, const float* x, float* y, const PoolWindow& rows, const PoolWindow& columns,
                             int64_t channel, int64_t channel_end) {
  const int64_t row_stride = rows.step * j.columns.in * j.x_pitch, column_stride = columns.step * j.x_pitch;
  const int64_t height = (rows.end - rows.begin + rows.step - 1) / rows.step;
  const int64_t width = (columns.end - columns.begin + columns.step - 1) / columns.step;
  const F cells = set(static_cast<float>(static_cast<double>(rows.cells) * static_cast<double>(columns.cells)));
  for (int64_t c = channel; c < channel_end; c += kLanes) {
    const int64_t at = kMode != Lanes::kWhole || c + kLanes <= channel_end ? c : channel_end - kLanes;
    const int n = static_cast<int>(channel_end - c);
    F v = set(-__builtin_inff());  // a dilated window may fall between the image's cells
    if (kSize > 0 || (height > 0 && width > 0))
      v = pool_window_lanes<kAverage, kMode, kSize>(x + at, height, row_stride, width, column_stride, n);
    if constexpr (kAverage) v = v / cells;
    if constexpr (kMode == Lanes::kPartial)
      store_partial(y + at, v, n);
    else
      store(y + at, v);
  }
}

template <bool kAverage, Lanes kMode>
FOVEA_INLINE void pool_pixel_sized(const PoolJob& j, const float* x, float* y, const PoolWindow& rows,
                                   const PoolWindow& columns, int64_t channel, int64_t channel_end) {
  const int64_t height = rows.end - rows.begin, width = columns.end - columns.begin;
  if (rows.step == 1 && columns.step == 1 && height == 2 && width == 2)
    pool_pixel<kAverage, kMode, 2>(j, x, y, rows, columns, channel, channel_end);
  else if (rows.step == 1 && columns.step == 1 && height == 3 && width == 3)
    pool_pixel<kAverage, kMode, 3>(j, x, y, rows, columns, channel, channel_end);
  else
    pool_pixel<kAverage, kMode, 0>(j, x, y, rows, columns, channel, channel_end);
}

// Maxima of large windows: first over the rows of each input column, then over the columns, which each window would otherwise
// go through again. A vector of channels at a time, so that the columns fit a buffer in the first-level cache.
constexpr int64_t kMostColumns = 128, kLeastCells = 16;

bool separates(const PoolJob& j) {
  return j.average == 0 && j.adaptive == 0 && j.rows.dilation == 1 && j.columns.dilation == 1 && j.columns.stride <= 2 &&
         j.rows.kernel * j.columns.kernel >= kLeastCells && j.columns.in <= kMostColumns;
}

void max_row(const PoolJob& j, int64_t n, int64_t oy, int64_t channel, int64_t channel_end) {
  const PoolWindow rows = pool_window(j.rows, false, false, oy);
  const float* x = j.x + (n * j.rows.in + rows.begin) * j.columns.in * j.x_pitch;
  float* y_row = j.y + (n * j.rows.out + oy) * j.columns.out * j.y_pitch;
  const int64_t row_stride = j.columns.in * j.x_pitch;
  F column[kMostColumns];
  for (int64_t c = channel; c < channel_end; c += kLanes) {
    const int64_t at = c + kLanes <= channel_end ? c : channel_end - kLanes;
    for (int64_t ix = 0; ix < j.columns.in; ++ix) {
      const float* p = x + ix * j.x_pitch + at;
      F most = set(-__builtin_inff());
      for (int64_t iy = rows.begin; iy < rows.end; ++iy, p += row_stride) most = combine<false>(most, load(p));
      column[ix] = most;
    }
    float* y = y_row + at;
    for (int64_t ox = 0; ox < j.columns.out; ++ox, y += j.y_pitch) {
      const PoolWindow columns = pool_window(j.columns, false, false, ox);
      F most = set(-__builtin_inff());
      for (int64_t ix = columns.begin; ix < columns.end; ++ix) most = combine<false>(most, column[ix]);
      store(y, most);
    }
  }
}

template <bool kAverage>
void pool_row(const PoolJob& j, int64_t n, int64_t oy, int64_t channel, int64_t channel_end) {
  const bool adaptive = j.adaptive != 0, count_pad = j.count_include_pad != 0;
  const PoolWindow rows = pool_window(j.rows, adaptive, count_pad, oy);
  const float* x_rows = j.x + (n * j.rows.in + rows.begin) * j.columns.in * j.x_pitch;
  float* y = j.y + (n * j.rows.out + oy) * j.columns.out * j.y_pitch;
  const bool narrow = channel_end - channel < kLanes, packed = j.x_pitch == j.channels && j.y_pitch == j.channels;
  // Floats from the window's first row to the end of x, and from its first row to its last.
  const int64_t x_left = (((j.batch - n) * j.rows.in - rows.begin) * j.columns.in) * j.channels;
  const int64_t reach = (rows.end - 1 - rows.begin) * j.columns.in * j.channels + kLanes;
  for (int64_t ox = 0; ox < j.columns.out; ++ox, y += j.y_pitch) {
    const PoolWindow columns = pool_window(j.columns, adaptive, count_pad, ox);
    const float* x = x_rows + columns.begin * j.x_pitch;
    if (!narrow)
      pool_pixel_sized<kAverage, Lanes::kWhole>(j, x, y, rows, columns, channel, channel_end);
    else if (packed && (j.columns.out - ox) * j.channels >= kLanes && (columns.end - 1) * j.channels + reach <= x_left)
      pool_pixel_sized<kAverage, Lanes::kSpill>(j, x, y, rows, columns, channel, channel_end);
    else
      pool_pixel_sized<kAverage, Lanes::kPartial>(j, x, y, rows, columns, channel, channel_end);
  }
}

}  // namespace

void pool2d(const PoolJob& j) {
  const int64_t rows = live_rows(j.live, j.batch) * j.rows.out;
  // The cut depends on the shape alone. A tail tile of fewer than kLanes channels joins the tile before it.
  const bool few = j.batch * j.rows.out * j.columns.out < 64 && j.channels >= 2 * kChannelTile;
  const int64_t tiles = few ? j.channels / kChannelTile : 1;
  const bool separate = separates(j) && j.channels >= kLanes;
  const int64_t row_cost = j.columns.out * j.channels * 8 + 1;
  parallel_for(rows * tiles, few || row_cost >= 65536 ? 1 : 65536 / row_cost, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / tiles, tile = i % tiles, n = row / j.rows.out, oy = row % j.rows.out;
      const int64_t channel = tile * kChannelTile, channel_end = tile == tiles - 1 ? j.channels : channel + kChannelTile;
      if (separate)
        max_row(j, n, oy, channel, channel_end);
      else if (j.average != 0)
        pool_row<true>(j, n, oy, channel, channel_end);
      else
        pool_row<false>(j, n, oy, channel, channel_end);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
