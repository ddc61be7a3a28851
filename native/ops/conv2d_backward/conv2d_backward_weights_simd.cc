// Weight gradient of dense and grouped layers: see conv2d_backward.h. Lanes are input channels, which lie side by side in x and
// in dw; the outputs of a pixel of dy are broadcast one by one.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/conv2d_backward/conv2d_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Accumulators plus NV inputs plus one broadcast fill the registers.
#if defined(__AVX512F__)
constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(__AVX2__)
constexpr int kTileRows = 6, kTileVectors = 2;
#else
constexpr int kTileRows = 2, kTileVectors = 4;
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSteps = 1;  // sanitizers check every load; unrolled they would take minutes to compile
#else
constexpr int kSteps = 2;
#endif

// dw[r][c] += sum over rows and pixels of dy[pixel][r] * x[pixel][c].
struct OuterTile {
  const float* x;
  const float* dy;  // rows one behind the other
  int64_t rows, pixels;
  int64_t x_row, x_pixel, dy_pixel;  // floats
  float* dw;
  int64_t dw_row;   // floats between outputs
  int64_t columns;  // valid ones
  bool start;       // true: from zero, what dw holds is not read
};

template <int R, int NV>
void outer_tile(const OuterTile& t) {
  F acc[R][NV];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v)
      acc[r][v] = t.start ? zero() : load_upto(t.dw + r * t.dw_row + v * kLanes, t.columns - v * kLanes);
  // The first sums of a large dw go to lines that are not in any cache: fetched now, they are there when the tile is done.
  if (t.start)
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < NV * kLanes; v += 16) __builtin_prefetch(t.dw + r * t.dw_row + v, 1);
  const float* dy = t.dy;
  const int64_t x_pixel = t.x_pixel, dy_pixel = t.dy_pixel;
  for (int64_t row = 0; row < t.rows; ++row) {
    const float* x = t.x + row * t.x_row;
    const auto step = [&]() __attribute__((always_inline)) {
      F b[NV];
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) b[v] = load(x + v * kLanes);
#pragma GCC unroll 14
      for (int r = 0; r < R; ++r) {
        const F value = set(dy[r]);
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) acc[r][v] = fma(value, b[v], acc[r][v]);
      }
      x += x_pixel;
      dy += dy_pixel;
    };
    int64_t left = t.pixels;
    for (; left >= kSteps; left -= kSteps) {
      step();
      if constexpr (kSteps > 1) step();
    }
    if constexpr (kSteps > 1)
      if (left > 0) step();
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) store_upto(t.dw + r * t.dw_row + v * kLanes, acc[r][v], t.columns - v * kLanes);
}

using TileFunction = void (*)(const OuterTile&);
struct Table {
  TileFunction at[kTileVectors + 1][kTileRows + 1] = {};
  template <int NV, int R>
  constexpr void fill() {
    at[NV][R] = outer_tile<R, NV>;
    if constexpr (R < kTileRows)
      fill<NV, R + 1>();
    else if constexpr (NV < kTileVectors)
      fill<NV + 1, 1>();
  }
  constexpr Table() { fill<1, 1>(); }
};
constexpr Table table;

// A panel of dy times a panel of x, in as many register tiles as it takes.
void run_panels(const OuterTile& panels, int64_t outputs) {
  const int64_t parts = (outputs + kTileRows - 1) / kTileRows;
  for (int64_t column = 0; column < panels.columns; column += kTileVectors * kLanes) {
    OuterTile t = panels;
    t.x += column;
    t.columns = panels.columns - column < kTileVectors * kLanes ? panels.columns - column : kTileVectors * kLanes;
    t.dw += column;
    const int vectors = static_cast<int>((t.columns + kLanes - 1) / kLanes);
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t rows = outputs / parts + (i < outputs % parts);
      table.at[vectors][rows](t);
      t.dy += rows;
      t.dw += rows * t.dw_row;
    }
  }
}

struct Range {
  int64_t begin, end;
};
// Part i of `parts` even ones.
FOVEA_INLINE Range part_of(int64_t count, int64_t parts, int64_t i) {
  const int64_t size = count / parts, more = count % parts;
  const int64_t begin = i * size + (i < more ? i : more);
  return {begin, begin + size + (i < more)};
}

struct Chunk {
  int64_t row, rows, column, columns;  // output rows of the whole batch, columns of each
};

// One part of the work and its place for sums.
struct Context {
  const BackwardWeightsJob& j;
  int64_t group;
  Range out_panels, in_panels;
  float* dw;  // of the whole layer, [out][taps] rows dw_pitch apart
  int64_t dw_pitch;
  float* dbias;  // NULL: another part's, or nobody's
  float* dy_panels;
  float* x_panels;
};

// Channels of panel i of dy.
FOVEA_INLINE Range outputs_of(const Context& c, int64_t i) { return part_of(group_out(c.j.params), out_panels(c.j.params), i); }

// Outputs of this part.
FOVEA_INLINE Range all_outputs(const Context& c) {
  return {outputs_of(c, c.out_panels.begin).begin, outputs_of(c, c.out_panels.end - 1).end};
}

// The first output of this part at the chunk's first pixel.
FOVEA_INLINE const float* first_dy(const Context& c, const Chunk& chunk) {
  return c.j.dy + (chunk.row * c.j.out_w + chunk.column) * c.j.dy_pitch + c.group * group_out(c.j.params) +
         all_outputs(c).begin;
}

// dy of the chunk in panels [panel][pixel][kOutPitch]. A pixel at a time: memory is read in order.
void pack_dy(const Context& c, const Chunk& chunk) {
  const BackwardWeightsJob& j = c.j;
  const int64_t pixels = chunk.rows * chunk.columns, panel_floats = pixels * kOutPitch;
  // The first `more` panels have one output more than the others.
  const int64_t size = group_out(j.params) / out_panels(j.params);
  const int64_t more = group_out(j.params) % out_panels(j.params) - c.out_panels.begin;
  const int64_t panels = c.out_panels.end - c.out_panels.begin;
  const float* pixel = first_dy(c, chunk);
  float* out = c.dy_panels;
  for (int64_t i = 0; i < pixels; ++i, pixel += j.dy_pitch, out += kOutPitch) {
    const float* dy = pixel;
    float* to = out;
    for (int64_t panel = 0; panel < panels; ++panel, to += panel_floats) {
      const int64_t valid = size + (panel < more);
      for (int64_t k = 0; k < valid; k += kLanes) store(to + k, load_upto(dy + k, valid - k));
      dy += valid;
    }
  }
}

void add_biases(const Context& c, const Chunk& chunk, bool start) {
  const Range outputs = all_outputs(c);
  const int64_t count = outputs.end - outputs.begin, pixels = chunk.rows * chunk.columns;
  const float* dy = first_dy(c, chunk);
  float* bias = c.dbias + c.group * group_out(c.j.params) + outputs.begin;
  for (int64_t k = 0; k < count; k += kLanes) {
    F sum = start ? zero() : load_upto(bias + k, count - k);
    for (int64_t i = 0; i < pixels; ++i) sum = sum + load_upto(dy + i * c.j.dy_pitch + k, count - k);
    store_upto(bias + k, sum, count - k);
  }
}

// `channels` of the pixels ix = first + i*step, i < count, of one input row, zeros outside [0, in_w), `pitch` floats apart.
void pack_row(const BackwardWeightsJob& j, const float* x, int64_t first, int64_t step, int64_t count, int64_t channels,
              float* out, int64_t pitch) {
  int64_t begin = first < 0 ? (-first + step - 1) / step : 0, end = first >= j.in_w ? 0 : (j.in_w - first + step - 1) / step;
  if (x == nullptr) end = 0;
  if (end > count) end = count;
  if (begin > end) begin = end;
  const int64_t whole = channels / kLanes * kLanes, padded = channels < pitch ? channels : pitch;
  const auto clear = [&](int64_t from, int64_t to) __attribute__((always_inline)) {
    for (int64_t i = from; i < to; ++i)
      for (int64_t k = 0; k < padded; k += kLanes) store_upto(out + i * pitch + k, zero(), padded - k);
  };
  clear(0, begin);
  const float* from = x == nullptr ? x : x + (first + begin * step) * j.x_pitch;
  for (int64_t i = begin; i < end; ++i, from += step * j.x_pitch) {
    float* to = out + i * pitch;
    for (int64_t k = 0; k < whole; k += kLanes) store(to + k, load(from + k));
    if (whole < channels)
      store_partial(to + whole, load_partial(from + whole, static_cast<int>(channels - whole)),
                    static_cast<int>(channels - whole));
  }
  clear(end, count);
}

// The input row of kernel row kh for an output row, NULL outside.
FOVEA_INLINE const float* input_row(const Context& c, int64_t row, int64_t kh) {
  const BackwardWeightsJob& j = c.j;
  const int64_t iy = row % j.out_h * j.params.stride_h - j.params.pad_top + kh * j.params.dilation_h;
  if (iy < 0 || iy >= j.in_h) return nullptr;
  return j.x + (row / j.out_h * j.in_h + iy) * j.in_w * j.x_pitch + c.group * group_in(j.params);
}

// Panels [panel][row][pixel][kInPanel] of x for taps kw .. kw + tap_run of kernel row kh.
void pack_taps(const Context& c, const Chunk& chunk, Range panels, int64_t kh, int64_t kw) {
  const BackwardWeightsJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t width = packed_width(p, j.plan, chunk.columns), step = j.plan.tap_run == 1 ? p.stride_w : 1;
  const int64_t first = chunk.column * p.stride_w - p.pad_left + kw * p.dilation_w;
  float* out = c.x_panels;
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int64_t channel = panel * kInPanel, rest = group_in(p) - channel;
    for (int64_t row = chunk.row; row < chunk.row + chunk.rows; ++row, out += width * kInPanel) {
      const float* x = input_row(c, row, kh);
      pack_row(j, x == nullptr ? x : x + channel, first, step, width, rest < kInPanel ? rest : kInPanel, out, kInPanel);
    }
  }
}

// Columns: panels [panel][pixel][kInPanel] whose columns are (tap, channel). Few layers of a network have so few channels, and
// then few outputs per panel: plain copies.
void pack_columns(const Context& c, const Chunk& chunk, Range panels) {
  const BackwardWeightsJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t pixels = chunk.rows * chunk.columns, channels = group_in(p), end = panels.end * kInPanel;
  const int64_t last = end < j.plan.inputs ? end : j.plan.inputs;
  int64_t q = 0;
  for (int64_t row = chunk.row; row < chunk.row + chunk.rows; ++row)
    for (int64_t i = 0; i < chunk.columns; ++i, ++q) {
      float* out = c.x_panels + q * kInPanel;
      const int64_t left = (chunk.column + i) * p.stride_w - p.pad_left;
      int64_t column = panels.begin * kInPanel, place = 0;
      while (column < last) {
        const int64_t tap = column / channels, ix = left + tap % p.kernel_w * p.dilation_w;
        const float* x = ix < 0 || ix >= j.in_w ? nullptr : input_row(c, row, tap / p.kernel_w);
        for (int64_t k = column % channels; k < channels && column < last; ++k, ++column) {
          out[place] = x == nullptr ? 0.0f : x[ix * j.x_pitch + k];
          if (++place == kInPanel) place = 0, out += pixels * kInPanel;
        }
      }
    }
}

void multiply(const Context& c, const Chunk& chunk, Range panels, bool start) {
  const BackwardWeightsJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t pixels = chunk.rows * chunk.columns, all_taps = taps(p);
  const int64_t runs = j.plan.columns ? 1 : all_taps / j.plan.tap_run;
  const int64_t width = packed_width(p, j.plan, chunk.columns);
  const bool merged = j.plan.columns || j.plan.tap_run == 1;  // all rows are one run
  const int64_t pixel = chunk.row * j.out_w + chunk.column;
  OuterTile t{};
  t.rows = merged ? 1 : chunk.rows, t.pixels = merged ? pixels : chunk.columns;
  t.x_row = width * kInPanel;
  t.x_pixel = merged ? kInPanel : p.stride_w * kInPanel;
  t.dy_pixel = j.plan.dy_in_place ? j.dy_pitch : kOutPitch;
  t.dw_row = all_taps * c.dw_pitch;
  t.start = start;
  for (int64_t run = 0; run < runs; ++run) {
    const int64_t first_tap = run * j.plan.tap_run;
    if (j.plan.columns)
      pack_columns(c, chunk, panels);
    else if (!j.plan.x_in_place)
      pack_taps(c, chunk, panels, first_tap / p.kernel_w, first_tap % p.kernel_w);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const int64_t rest = j.plan.inputs - panel * kInPanel;
      t.columns = rest < kInPanel ? rest : kInPanel;
      // Whole vectors of x are read, which in place must not reach beyond the tensor.
      const bool in_place = j.plan.x_in_place && t.columns % kLanes == 0;
      if (j.plan.x_in_place) {
        if (!in_place) pack_taps(c, chunk, {panel, panel + 1}, 0, 0);
        t.x_pixel = in_place ? j.x_pitch : kInPanel;
      }
      for (int64_t tap = 0; tap < j.plan.tap_run; ++tap) {
        t.x = c.x_panels + (panel - panels.begin) * chunk.rows * width * kInPanel + tap * p.dilation_w * kInPanel;
        if (j.plan.x_in_place) t.x = in_place ? j.x + pixel * j.x_pitch + c.group * group_in(p) + panel * kInPanel : c.x_panels;
        for (int64_t out = c.out_panels.begin; out < c.out_panels.end; ++out) {
          const Range outputs = outputs_of(c, out);
          t.dy = j.plan.dy_in_place ? j.dy + pixel * j.dy_pitch + c.group * group_out(p) + outputs.begin
                                    : c.dy_panels + (out - c.out_panels.begin) * pixels * kOutPitch;
          t.dw = c.dw + ((c.group * group_out(p) + outputs.begin) * all_taps + first_tap + tap) * c.dw_pitch + panel * kInPanel;
          run_panels(t, outputs.end - outputs.begin);
        }
      }
    }
  }
}

// Sums of the parts in order. With columns dw's rows of taps need not be neighbours, so the sums always pass through here.
void reduce(const BackwardWeightsJob& j, int64_t parts) {
  const fovea_conv2d_params& p = j.params;
  const int64_t weights = partial_weights(p), channels = group_in(p);
  const auto add = [&](float* to, const float* from, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < count; i += kLanes) {
      F sum = j.accumulate != 0 ? load_upto(to + i, count - i) : zero();
      for (int64_t part = 0; part < parts; ++part) sum = sum + load_upto(from + part * stride + i, count - i);
      store_upto(to + i, sum, count - i);
    }
  };
  if (j.dw != nullptr)
    parallel_for(p.out_channels * taps(p), 32768 / (channels * (parts + 1)) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t row = begin; row < end; ++row) add(j.dw + row * j.dw_pitch, j.partial + row * channels, weights, channels);
    });
  if (j.dbias != nullptr) add(j.dbias, j.partial + j.plan.pixel_parts * weights, partial_biases(p), p.out_channels);
}

// Nothing to sum: zeros.
void clear(const BackwardWeightsJob& j) {
  if (j.accumulate != 0) return;
  const fovea_conv2d_params& p = j.params;
  for (int64_t row = 0; j.dw != nullptr && row < p.out_channels * taps(p); ++row)
    for (int64_t i = 0; i < group_in(p); ++i) j.dw[row * j.dw_pitch + i] = 0.0f;
  for (int64_t o = 0; j.dbias != nullptr && o < p.out_channels; ++o) j.dbias[o] = 0.0f;
}

}  // namespace

void conv2d_backward_weights(const BackwardWeightsJob& j) {
  const fovea_conv2d_params& p = j.params;
  const BackwardWeightsPlan& plan = j.plan;
  const int64_t rows = j.out_w == 0 ? 0 : live_rows(j.live, j.batch) * j.out_h, chunks = chunk_count(plan, rows);
  if (rows == 0) return clear(j);
  const ThreadLimit limit(j.threads);
  const bool direct = plan.partial_floats == 0;
  const int64_t parts = (chunks + plan.part_chunks - 1) / plan.part_chunks;  // fewer than planned when few rows are live
  const int64_t dy_floats =
      (out_panels(p) + plan.out_parts - 1) / plan.out_parts * plan.chunk_rows * plan.chunk_columns * kOutPitch;
  parallel_for(p.groups * plan.out_parts * plan.in_parts * parts, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* scratch = j.scratch + worker * plan.scratch_floats;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t part = i % parts, in_part = i / parts % plan.in_parts;
      const int64_t out_part = i / parts / plan.in_parts % plan.out_parts;
      float* biases = direct ? j.dbias : j.partial + plan.pixel_parts * partial_weights(p) + part * partial_biases(p);
      const Context c{j,
                      i / parts / plan.in_parts / plan.out_parts,
                      part_of(out_panels(p), plan.out_parts, out_part),
                      part_of(in_panels(plan), plan.in_parts, in_part),
                      direct ? j.dw : j.partial + part * partial_weights(p),
                      direct ? j.dw_pitch : group_in(p),
                      j.dbias == nullptr || in_part != 0 ? nullptr : biases,
                      scratch,
                      scratch + dy_floats};
      const int64_t first = part * plan.part_chunks;
      const int64_t last = first + plan.part_chunks < chunks ? first + plan.part_chunks : chunks;
      for (int64_t at = first; at < last; ++at) {
        const bool start = at == first && !(direct && j.accumulate != 0);
        Chunk chunk{at / plan.row_pieces * plan.chunk_rows, plan.chunk_rows, at % plan.row_pieces * plan.chunk_columns,
                    plan.chunk_columns};
        if (chunk.row + chunk.rows > rows) chunk.rows = rows - chunk.row;
        if (chunk.column + chunk.columns > j.out_w) chunk.columns = j.out_w - chunk.column;
        if (c.dbias != nullptr) add_biases(c, chunk, start);
        if (j.dw == nullptr) continue;
        if (!plan.dy_in_place) pack_dy(c, chunk);
        for (int64_t panel = c.in_panels.begin; panel < c.in_panels.end; panel += kInPanels)
          multiply(c, chunk, {panel, panel + kInPanels < c.in_panels.end ? panel + kInPanels : c.in_panels.end}, start);
      }
    }
  });
  if (!direct) reduce(j, parts);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
