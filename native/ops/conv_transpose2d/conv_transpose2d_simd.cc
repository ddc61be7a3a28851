// The phases of a transposed convolution on conv2d's register tiles: see conv_transpose2d.h.
#include "ops/conv_transpose2d/conv_transpose2d.h"

#include "core/thread_pool.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Widest block of pixels of a depthwise phase: enough independent sums to hide the latency of an FMA on two units.
constexpr int kBlockPixels = 8;

struct Context {
  const TransposedJob& j;
  const Conv2dJob& finishing;  // what finish() needs
  Epilogue epilogue;
  int64_t group_in, group_out, blocks;  // of channels, per group
};

// Where a block of work reads x: in place, or a copy that begins at another row and column.
struct Source {
  const float* data;
  int64_t first_row, first_column, row_stride, pitch;
};

// Rows m .. m + count of every phase.
Source source_of(const Context& c, int64_t n, int64_t m, int64_t count, float* scratch) {
  const TransposedJob& j = c.j;
  const float* image = j.x + n * j.in_h * j.in_w * j.x_pitch;
  if (!j.plan.copied) return {image, 0, 0, j.in_w * j.x_pitch, j.x_pitch};
  const int64_t channels = j.params.in_channels, left = j.plan.first_column, width = j.plan.last_column - left;
  const int64_t begin = m + j.plan.first_row < 0 ? 0 : m + j.plan.first_row;
  const int64_t end = m + count - 1 + j.plan.last_row < j.in_h ? m + count - 1 + j.plan.last_row : j.in_h;
  float* out = scratch;
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t column = left; column < left + width; ++column, out += channels) {
      const bool inside = column >= 0 && column < j.in_w;
      const float* x = inside ? image + (row * j.in_w + column) * j.x_pitch : nullptr;
      for (int64_t i = 0; i < channels; i += kLanes)
        store_upto(out + i, inside ? load_upto(x + i, channels - i) : zero(), channels - i);
    }
  }
  return {scratch, begin, left, width * channels, channels};
}

// Taps of the row class inside the image for row m of a phase, and the first row they read.
struct RowTaps {
  int64_t first, count;
  const float* x;  // of the phase's first pixel
};
FOVEA_INLINE RowTaps row_taps(const Context& c, const Source& s, const Phase& rows, const Phase& columns, int64_t m) {
  const int64_t top = m + rows.offset;
  int64_t first = top < 0 ? (-top + rows.step - 1) / rows.step : 0;
  int64_t end = top >= c.j.in_h ? 0 : (c.j.in_h - top + rows.step - 1) / rows.step;
  if (end > rows.taps) end = rows.taps;
  // Then nothing is read, and no address outside x is formed.
  if (first >= end || columns.taps == 0) return {0, 0, s.data};
  const int64_t row = top + first * rows.step - s.first_row, column = columns.offset - s.first_column;
  return {first, end - first, s.data + row * s.row_stride + column * s.pitch};
}

// One phase of one group: its rows m .. m_end, channels first .. last of the group.
void dense_phase(const Context& c, const Source& s, const Phase& rows, const Phase& columns, int64_t width, int64_t m,
                 int64_t m_end, int64_t group, int64_t first, int64_t last, const float* weights, float* y) {
  const TransposedJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t k = rows.taps * columns.taps * c.group_in;
  const TileShape shape = choose_tile(width, last - first, k, false);
  const bool merged = columns.step == 1 && s.pitch == c.group_in;
  const int64_t tiles = (width + shape.pixels - 1) / shape.pixels;
  Tile t{};
  t.runs.pixel_stride = s.pitch;
  t.runs.row_stride = rows.step * s.row_stride;
  t.runs.taps = merged ? 1 : columns.taps, t.runs.tap_stride = columns.step * s.pitch;
  t.runs.length = merged ? columns.taps * c.group_in : c.group_in;
  t.block_stride = k * kChannelBlock;
  t.alpha = p.activation.alpha;
  t.fused = c.epilogue.fused;
  t.y_pitch = p.stride_w * j.y_pitch;
  for (int64_t channel = first; channel < last; channel += shape.vectors * kLanes) {
    const int64_t out = group * c.group_out + channel;
    t.channels = last - channel < shape.vectors * kLanes ? last - channel : shape.vectors * kLanes;
    t.bias = j.bias == nullptr ? nullptr : j.bias + out;
    t.slope = j.slope == nullptr ? nullptr : j.slope + out;
    const int vectors = static_cast<int>((t.channels + kLanes - 1) / kLanes);
    const int most = kMaxPixels[vectors];
    const float* panel = weights + (group * c.blocks + channel / kChannelBlock) * t.block_stride + channel % kChannelBlock;
    for (int64_t row = m; row < m_end; ++row) {
      const RowTaps taps = row_taps(c, s, rows, columns, row);
      t.weights = panel + taps.first * columns.taps * c.group_in * kChannelBlock;
      t.runs.rows = taps.count;
      int64_t at = 0;
      for (int64_t i = 0; i < tiles; ++i) {
        int64_t left = width / tiles + (i < width % tiles);
        // The last panel may be narrower than the tiles were cut for, but never takes fewer pixels.
        while (left > 0) {
          const int64_t count = left < most ? left : most;
          t.runs.x = taps.count == 0 ? taps.x : taps.x + at * s.pitch + group * c.group_in;
          t.y = y + row * p.stride_h * j.out_w * j.y_pitch + at * t.y_pitch + out;
          // Lines of y are in no cache yet: fetched now, they are there when the tile is done.
          for (int64_t r = 0; r < count; ++r)
            for (int64_t v = 0; v < t.channels; v += 16) __builtin_prefetch(t.y + r * t.y_pitch + v, 1);
          run_tile(vectors, static_cast<int>(count), t);
          at += count, left -= count;
        }
      }
    }
  }
}

// P pixels of a depthwise phase, one vector of channels.
template <int P>
FOVEA_INLINE void depthwise_pixels(const Context& c, const Source& s, const Phase& rows, const Phase& columns,
                                   const RowTaps& taps, int64_t channel, const float* weights, const float* x, float* y) {
  const TransposedJob& j = c.j;
  const int64_t valid = j.params.out_channels - channel;
  const float* w =
      weights + (channel / kChannelBlock * rows.taps + taps.first) * columns.taps * kChannelBlock + channel % kChannelBlock;
  F acc[P];
  const F bias = j.bias == nullptr ? zero() : load_upto(j.bias + channel, valid);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) acc[i] = bias;
  for (int64_t row = 0; row < taps.count; ++row, x += rows.step * s.row_stride) {
    const float* source = x;
    for (int64_t column = 0; column < columns.taps; ++column, source += columns.step * s.pitch, w += kChannelBlock) {
      const F weight = load(w);
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i) acc[i] = fma(load_upto(source + i * s.pitch, valid), weight, acc[i]);
    }
  }
  const Fused fused = c.epilogue.fused;
  const F slope = fused == Fused::kPrelu ? load_upto(j.slope + channel, valid) : set(j.params.activation.alpha);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) {
    F v = acc[i];
    if (fused == Fused::kRelu)
      v = max(zero(), v);
    else if (fused != Fused::kNone)
      v = select(v >= zero(), v, v * slope);
    store_upto(y + i * j.params.stride_w * j.y_pitch, v, valid);
  }
}

void depthwise_phase(const Context& c, const Source& s, const Phase& rows, const Phase& columns, int64_t width, int64_t m,
                     int64_t m_end, const float* weights, float* y) {
  const TransposedJob& j = c.j;
  for (int64_t row = m; row < m_end; ++row) {
    const RowTaps taps = row_taps(c, s, rows, columns, row);
    for (int64_t at = 0; at < width;) {
      const int64_t step = width - at >= kBlockPixels ? kBlockPixels : 1;
      float* out = y + (row * j.params.stride_h * j.out_w + at * j.params.stride_w) * j.y_pitch;
      for (int64_t channel = 0; channel < j.params.out_channels; channel += kLanes) {
        const float* x = taps.count == 0 ? taps.x : taps.x + at * s.pitch + channel;
        if (step == kBlockPixels)
          depthwise_pixels<kBlockPixels>(c, s, rows, columns, taps, channel, weights, x, out + channel);
        else
          depthwise_pixels<1>(c, s, rows, columns, taps, channel, weights, x, out + channel);
      }
      at += step;
    }
  }
}

// Rows m .. m_end of every phase of image n.
void block(const Context& c, int64_t n, int64_t m, int64_t m_end, int64_t first, int64_t last, float* scratch) {
  const TransposedJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const Source s = source_of(c, n, m, m_end - m, scratch);
  const bool depthwise = is_depthwise(p);
  float* image = j.y + n * j.out_h * j.out_w * j.y_pitch;
  for (int64_t group = 0; group < (depthwise ? 1 : p.groups); ++group) {
    for (int64_t ry = 0; ry < p.stride_h && ry < j.out_h; ++ry) {
      const Phase rows = phase_of(axis_h(j), ry);
      const int64_t height = phase_size(j.out_h, p.stride_h, ry), end = m_end < height ? m_end : height;
      for (int64_t rx = 0; rx < p.stride_w && rx < j.out_w; ++rx) {
        const Phase columns = phase_of(axis_w(j), rx);
        const int64_t width = phase_size(j.out_w, p.stride_w, rx);
        const float* weights = j.weights + class_floats(p, rows.first, columns.first);
        float* y = image + (ry * j.out_w + rx) * j.y_pitch;
        if (depthwise)
          depthwise_phase(c, s, rows, columns, width, m, end, weights, y);
        else
          dense_phase(c, s, rows, columns, width, m, end, group, first, last, weights, y);
      }
    }
    if (!c.epilogue.second_pass) continue;
    const int64_t begin_row = m * p.stride_h, end_row = m_end * p.stride_h < j.out_h ? m_end * p.stride_h : j.out_h;
    finish(c.finishing, (n * j.out_h + begin_row) * j.out_w, (end_row - begin_row) * j.out_w, group * c.group_out + first,
           last - first);
  }
}

}  // namespace

void conv_transpose2d(const TransposedJob& j) {
  const fovea_conv2d_params& p = j.params;
  const int64_t batch = live_rows(j.live, j.batch);
  if (batch * j.out_h * j.out_w == 0) return;
  Conv2dJob finishing{};
  finishing.slope = j.slope;
  finishing.y = j.y;
  finishing.y_pitch = j.y_pitch;
  finishing.params = p;
  const int64_t group_channels = is_depthwise(p) ? p.out_channels : group_out(p);
  const Context c{j, finishing, epilogue_of(finishing), group_in(p), group_channels, channel_blocks(group_channels)};
  const int64_t height = (j.out_h + p.stride_h - 1) / p.stride_h, blocks = (height + j.plan.block - 1) / j.plan.block;
  const int64_t splits = j.plan.splits, part = (c.blocks + splits - 1) / splits * kChannelBlock;
  const ThreadLimit limit(j.threads);
  parallel_for(batch * blocks * splits, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* scratch = j.scratch + worker * j.plan.scratch_floats;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t m = i / splits % blocks * j.plan.block, n = i / splits / blocks;
      const int64_t first = i % splits * part, last = first + part < group_channels ? first + part : group_channels;
      if (first < last) block(c, n, m, m + j.plan.block < height ? m + j.plan.block : height, first, last, scratch);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
