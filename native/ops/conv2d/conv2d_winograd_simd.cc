// Winograd F(T x T, 3x3): an output tile of T x T pixels from an input tile of T+2 squared, with one product per input pixel
// and pair of channels instead of nine per output pixel. Y = A^T [ (G g G^T) . (B^T d B) ] A; G g G^T is packed ahead of time,
// the middle is (T+2)^2 matrix products over the channels. A block of tiles passes through all three stages while it is in the
// second-level cache.
#include "ops/conv2d/conv2d_winograd_simd.h"

#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kPair = kWinogradPair * kChannelBlock;
// Register tile of the products: a pair of blocks at once where registers allow.
constexpr int kPairVectors = kMaxVectors < kPair / kLanes ? kMaxVectors : static_cast<int>(kPair / kLanes);

// About what a second-level cache holds twice. Smaller tensors need no help, and the instructions would cost up to 5 %.
constexpr int64_t kBackgroundFloats = 512 << 10;

struct Context {
  const Conv2dJob& j;
  Epilogue epilogue;
  WinogradScratch layout;
  WinogradGrid grid;
  int64_t row_step, column_step;  // floats of x between neighbours of one grid
  int64_t tiles, pairs;           // of the whole call
  bool background;                // x and y do not fit the second-level cache: prefetch them
};

// N vectors `step` floats apart, as two addresses and a stride: otherwise the compiler keeps an address for each of the N * N
// vectors of a tile, and spills them.
template <int N>
FOVEA_INLINE void load_line(const float* x, int64_t step, F (&d)[N]) {
  const float* far = x + 3 * step;
  asm("" : "+r"(x), "+r"(far));
#pragma GCC unroll 6
  for (int k = 0; k < N; ++k) d[k] = load(k < 3 ? x + k * step : far + (k - 3) * step);
}
template <int N>
FOVEA_INLINE void store_line(float* y, int64_t step, const F (&d)[N]) {
  float* far = y + 3 * step;
  asm("" : "+r"(y), "+r"(far));
#pragma GCC unroll 6
  for (int k = 0; k < N; ++k) store(k < 3 ? y + k * step : far + (k - 3) * step, d[k]);
}

// Rows are transformed: the columns, and the result to one vector of each plane.
template <int N>
FOVEA_INLINE void finish_input(const F (&d)[N][N], int64_t plane, float* out) {
#pragma GCC unroll 6
  for (int k = 0; k < N; ++k, out += plane) {
    F column[N];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) column[i] = d[i][k];
    transform_input(column);
    store_line(out, N * plane, column);
  }
}

// Vectors of channels of a tile that lies inside the image.
template <int N>
void whole_input(const float* x, int64_t row_step, int64_t column_step, int64_t channels, int64_t plane, float* out) {
  for (int64_t channel = 0; channel < channels; channel += kLanes) {
    const float* row = x + channel;
    F d[N][N];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i, row += row_step) {
      load_line(row, column_step, d[i]);
      transform_input(d[i]);
    }
    finish_input(d, plane, out + channel);
  }
}

// The same of a tile across the border, or of the last, partial vector of channels.
template <int N>
void partial_input(const float* x, int64_t row_step, int64_t column_step, Range rows, Range columns, int64_t channels,
                   int64_t plane, float* out) {
  F raw[N][N];
  for (int i = 0; i < N * N; ++i) raw[i / N][i % N] = zero();
  for (int64_t channel = 0; channel < channels; channel += kLanes) {
    for (int i = rows.first; i < rows.end; ++i)
      for (int k = columns.first; k < columns.end; ++k)
        raw[i][k] = load_upto(x + i * row_step + k * column_step + channel, channels - channel);
    F d[N][N];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) {
#pragma GCC unroll 6
      for (int k = 0; k < N; ++k) d[i][k] = raw[i][k];
      transform_input(d[i]);
    }
    finish_input(d, plane, out + channel);
  }
}

// Input tile -> planes v[position][tiles][channels]; `t` is its place in the block.
template <int T>
void input_tile(const Context& c, const Place& at, int64_t t, float* v) {
  constexpr int N = T + 2;
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t top = at.tile_y * T * p.dilation_h + at.grid_y - p.pad_top;
  const int64_t left = at.tile_x * T * p.dilation_w + at.grid_x - p.pad_left;
  const Range rows = inside(top, p.dilation_h, N, j.in_h), columns = inside(left, p.dilation_w, N, j.in_w);
  const int64_t first = ((at.n * j.in_h + top) * j.in_w + left) * j.x_pitch, plane = c.layout.input_plane;
  float* out = v + t * c.layout.input_pitch;
  int64_t done = 0;
  if (rows.end - rows.first == N && columns.end - columns.first == N) {
    done = p.in_channels / kLanes * kLanes;
    whole_input<N>(j.x + first, c.row_step, c.column_step, done, plane, out);
  }
  if (done < p.in_channels)
    partial_input<N>(j.x + first + done, c.row_step, c.column_step, rows, columns, p.in_channels - done, plane, out + done);
}

// The share of one pair in the input of the block that begins with tile `begin`. Of a tile T columns are new, the others are
// its neighbour's.
template <int T>
Prefetch<T> next_input(const Context& c, int64_t begin, int64_t pair) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t left = c.tiles - begin, tiles = left < j.plan.block_pixels ? left : j.plan.block_pixels;
  const int64_t first = tiles * pair / c.pairs, end = tiles * (pair + 1) / c.pairs;
  if (first >= end) return {};
  return {j.x,          j.in_h,        j.in_w,
          j.x_pitch,    p.in_channels, p.dilation_h,
          p.dilation_w, p.pad_top,     p.pad_left - p.dilation_w,
          T + 2,        end - first,   place_of(c.grid, begin + first)};
}

template <int T>
Prefetch<T> own_output(const Context& c, int64_t begin, int64_t tiles, int64_t pair) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t rest = p.out_channels - pair * kPair;
  return {j.y + pair * kPair,
          j.out_h,
          j.out_w,
          j.y_pitch,
          rest < kPair ? rest : kPair,
          p.dilation_h,
          p.dilation_w,
          0,
          0,
          T,
          tiles,
          place_of(c.grid, begin)};
}

// m[position][tiles][32] for one pair of channel blocks: a product of [tiles][in] and [in][32] per position.
// The block's first tile is `begin`.
template <int T>
void products(const Context& c, int64_t pair, int64_t begin, int64_t tiles, const float* v, float* m) {
  const Conv2dJob& j = c.j;
  const int64_t in = j.params.in_channels, block_floats = in * kChannelBlock;
  const int64_t all_blocks = channel_blocks(j.params.out_channels), first = pair * kWinogradPair;
  const int64_t blocks = all_blocks - first < kWinogradPair ? all_blocks - first : kWinogradPair;
  const float* weights = j.weights + winograd_offset(j.params, T) + first * winograd_positions(T) * block_floats;
  constexpr int vectors = kPairVectors;
  constexpr int64_t most = kMaxPixels[vectors];
  const int64_t calls = (tiles + most - 1) / most;
  Tile t{};
  t.block_stride = block_floats;
  t.y_pitch = kPair;
  const bool stream = winograd_form_floats(j.params, T) > 1 << 18;
  // The weights of the next position come while this one's are used: its lines are shared among the calls, per 4 steps of K.
  const int64_t panels = (blocks * kChannelBlock + vectors * kLanes - 1) / (vectors * kLanes);
  const int64_t lines = blocks * 4 / (calls * panels);
  t.ahead_step = (lines < 1 ? 1 : lines < 4 ? lines : 4) * 64;
  // Between products, this pair's output and its share of the next block's input. Both walks end with the pair.
  Prefetch<T> input{}, output{};
  if (c.background) {
    input = next_input<T>(c, begin + tiles, pair);
    output = own_output<T>(c, begin, tiles, pair);
  }
  const int64_t all_calls = winograd_positions(T) * calls * panels;
  const int64_t input_steps = (input.steps() + all_calls - 1) / all_calls;
  const int64_t output_steps = (output.steps() + all_calls - 1) / all_calls;
  for (int64_t position = 0; position < winograd_positions(T); ++position, weights += blocks * block_floats) {
    const char* next = reinterpret_cast<const char*>(weights + blocks * block_floats);
    for (int64_t channel = 0; channel < blocks * kChannelBlock; channel += vectors * kLanes) {
      const int64_t rest = blocks * kChannelBlock - channel;
      t.channels = rest < vectors * kLanes ? rest : vectors * kLanes;
      t.weights = weights + channel / kChannelBlock * block_floats + channel % kChannelBlock;
      int64_t at = 0;
      for (int64_t call = 0; call < calls; ++call) {
        if (stream) t.ahead = next + (channel / (vectors * kLanes) * calls + call) * (in / 4) * t.ahead_step;
        const int64_t count = tiles / calls + (call < tiles % calls);
        t.runs = {v + position * c.layout.input_plane + at * c.layout.input_pitch, c.layout.input_pitch, 1, 0, 1, 0, in};
        t.y = m + position * c.layout.output_plane + at * kPair + channel;
        if (c.background) {
          input.step(c.grid, input_steps);
          output.step(c.grid, output_steps);
        }
        run_tile(static_cast<int>(t.channels / kLanes), static_cast<int>(count), t);
        at += count;
      }
    }
  }
}

// Adds the bias and applies what the tile of products would have.
template <int T>
FOVEA_INLINE void apply(Fused fused, F bias, F slope, F (&o)[T]) {
#pragma GCC unroll 4
  for (int k = 0; k < T; ++k) o[k] = o[k] + bias;
  if (fused == Fused::kRelu) {
#pragma GCC unroll 4
    for (int k = 0; k < T; ++k) o[k] = max(zero(), o[k]);
  } else if (fused != Fused::kNone) {
#pragma GCC unroll 4
    for (int k = 0; k < T; ++k) o[k] = select(o[k] >= zero(), o[k], o[k] * slope);
  }
}

// One tile of m -> up to T x T pixels of y.
template <int T>
void output_tile(const Context& c, const Place& at, int64_t t, int64_t pair, const float* m) {
  constexpr int N = T + 2;
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t oy = at.tile_y * T * p.dilation_h + at.grid_y, ox = at.tile_x * T * p.dilation_w + at.grid_x;
  const int height = inside(oy, p.dilation_h, T, j.out_h).end, width = inside(ox, p.dilation_w, T, j.out_w).end;
  if (height == 0 || width == 0) return;
  const int64_t first = pair * kPair, end = p.out_channels < first + kPair ? p.out_channels : first + kPair;
  const int64_t pixel = (at.n * j.out_h + oy) * j.out_w + ox, row_pixels = p.dilation_h * j.out_w;
  // Copies: stores through float vectors may alias anything, and would make the compiler read these again.
  const int64_t plane = c.layout.output_plane, row_step = row_pixels * j.y_pitch, column_step = p.dilation_w * j.y_pitch;
  const Fused fused = c.epilogue.fused;
  for (int64_t channel = first; channel < end; channel += kLanes) {
    const int64_t valid = end - channel;
    const float* source = m + t * kPair + channel - first;
    F half[T][N];
#pragma GCC unroll 6
    for (int k = 0; k < N; ++k, source += plane) {
      F column[N], o[T];
      load_line(source, N * plane, column);
      transform_output(column, o);
#pragma GCC unroll 4
      for (int i = 0; i < T; ++i) half[i][k] = o[i];
    }
    const F bias = j.bias == nullptr ? zero() : load_upto(j.bias + channel, valid);
    const F slope = fused == Fused::kPrelu ? load_upto(j.slope + channel, valid) : set(p.activation.alpha);
    float* y = j.y + pixel * j.y_pitch + channel;
    const bool whole = height == T && width == T && valid >= kLanes;
#pragma GCC unroll 4
    for (int i = 0; i < T; ++i, y += row_step) {
      F o[T];
      transform_output(half[i], o);
      apply<T>(fused, bias, slope, o);
      if (whole) {
        store_line(y, column_step, o);
      } else if (i < height) {
#pragma GCC unroll 4
        for (int k = 0; k < T; ++k)
          if (k < width) store_upto(y + k * column_step, o[k], valid);
      }
    }
  }
  if (!c.epilogue.second_pass) return;
  for (int i = 0; i < height; ++i) {
    if (p.dilation_w == 1)
      finish(j, pixel + i * row_pixels, width, first, end - first);
    else
      for (int k = 0; k < width; ++k) finish(j, pixel + i * row_pixels + k * p.dilation_w, 1, first, end - first);
  }
}

template <int T>
void convolve(const Conv2dJob& j) {
  const fovea_conv2d_params& p = j.params;
  const int64_t block = j.plan.block_pixels;
  const WinogradGrid grid = winograd_grid(p, T, j.out_h, j.out_w);
  const int64_t images = live_rows(j.live, j.batch);
  const int64_t pairs = (channel_blocks(p.out_channels) + kWinogradPair - 1) / kWinogradPair;
  const int64_t floats = images * (j.in_h * j.in_w * j.x_pitch + j.out_h * j.out_w * j.y_pitch);
  const Context c{j,
                  epilogue_of(j),
                  winograd_scratch(p, block),
                  grid,
                  p.dilation_h * j.in_w * j.x_pitch,
                  p.dilation_w * j.x_pitch,
                  images * grid.tiles,
                  pairs,
                  floats > kBackgroundFloats};
  const ThreadLimit limit(j.threads);
  // Threads share blocks of tiles, and the inner loops run inline then, as worker 0. A layer with a single block runs its inner
  // loops in parallel instead, each thread with its own products.
  const auto run = [&](int64_t begin, int64_t end, int32_t outer) {
    float* v = j.scratch + outer * j.plan.scratch_floats;
    float* m = v + winograd_positions(T) * c.layout.input_plane;
    parallel_for(end - begin, 4, [&](int64_t from, int64_t to, int32_t) {
      Place at = place_of(c.grid, begin + from);
      for (int64_t t = from; t < to; ++t, advance(c.grid, &at)) input_tile<T>(c, at, t, v);
    });
    const Place first = place_of(c.grid, begin);
    parallel_for(pairs, 1, [&](int64_t from, int64_t to, int32_t inner) {
      float* own = m + inner * j.plan.scratch_floats;
      for (int64_t pair = from; pair < to; ++pair) {
        products<T>(c, pair, begin, end - begin, v, own);
        Place at = first;
        for (int64_t t = 0; t < end - begin; ++t, advance(c.grid, &at)) output_tile<T>(c, at, t, pair, own);
      }
    });
  };
  if (c.tiles > 0 && c.tiles <= block)
    run(0, c.tiles, 0);
  else
    parallel_for(c.tiles, block, run);
}

}  // namespace

void conv2d_winograd(const Conv2dJob& j) {
  if (j.plan.tile == 2)
    convolve<2>(j);
  else
    convolve<4>(j);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
