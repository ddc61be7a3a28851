// Implicit GEMM, shared by the f32 and the tensor-core kernels: a block computes kPixels output pixels x kChannels outputs of a
// group, k = (tap row, tap column, input) ascending in steps of 64 bytes of x. While a step is multiplied, the next one is on
// its way through registers into the other half of shared memory; x is gathered as it is staged, so no im2col is ever stored.
#pragma once

#include "cuda/kernel.h"
#include "cuda/pack.h"
#include "ops/activation/activation_device.h"
#include "ops/conv2d/conv2d_axis.h"

namespace fovea::cuda {
namespace {

// An output pixel of a block's tile.
struct ConvPixel {
  int64_t output;  // its row of y, -1 beyond the last
  int64_t line;    // first line of its image in x
  int32_t y, x;    // input that the first tap meets; may lie outside x
};

// A position along k.
struct TapCursor {
  int32_t row, column, channel;

  FOVEA_DEVICE static TapCursor at(int32_t k, int32_t column_taps, int32_t channels) {
    const int32_t tap = k / channels;
    return {tap / column_taps, tap % column_taps, k - tap * channels};
  }
  FOVEA_DEVICE void advance(int32_t n, int32_t column_taps, int32_t channels) {
    channel += n;
    while (channel >= channels) {
      channel -= channels;
      if (++column == column_taps) column = 0, ++row;
    }
  }
};

// What a block works on.
struct ConvTile {
  AxisPhase rows, columns;
  int32_t group, first_output;  // of the group
  int32_t depth;                // products per output
  int64_t first_pixel, pixels;  // of the phase, `pixels` being all live ones
};

// A thread's share of one step of x on its way to shared memory: 16 bytes of channels of every 32nd pixel or, where rows are
// not aligned, one k of every few pixels.
template <class Tile, bool kPacked>
struct InputStage {
  using T = typename Tile::Element;
  static constexpr int kWidth = kPacked ? kPack<T> : 1, kAcross = Tile::kDepth / kWidth;
  static constexpr int kDown = kConvThreads / kAcross, kCount = Tile::kPixels / kDown;
  Pack<T, kWidth> values[kCount];
  TapCursor cursor;

  FOVEA_DEVICE InputStage(const ConvJob& j, const ConvTile& t) {
    // Without any tap there is no step to load either.
    cursor = TapCursor::at(int(threadIdx.x) % kAcross * kWidth, t.columns.taps > 0 ? t.columns.taps : 1, j.group_in);
  }
  FOVEA_DEVICE void load(const ConvJob& j, const ConvTile& t, const ConvPixel* pixels) {
    const bool inside = cursor.row < t.rows.taps;
    const int32_t dy = cursor.row * t.rows.offset_step, dx = cursor.column * t.columns.offset_step;
    const T* x = static_cast<const T*>(j.x) + t.group * j.group_in + cursor.channel;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const ConvPixel& p = pixels[int(threadIdx.x) / kAcross + i * kDown];
      const int32_t iy = p.y + dy, ix = p.x + dx;
      if (inside && uint32_t(iy) < uint32_t(j.rows.in) && uint32_t(ix) < uint32_t(j.columns.in))
        values[i] = load_pack<kWidth>(x + ((p.line + iy) * j.columns.in + ix) * j.x_pitch);
      else
        for (T& v : values[i].v) v = from_float<T>(0.0f);
    }
    cursor.advance(Tile::kDepth, t.columns.taps, j.group_in);
  }
  FOVEA_DEVICE void store(typename Tile::Shared& shared) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i)
      Tile::put_x(shared, int(threadIdx.x) / kAcross + i * kDown, int(threadIdx.x) % kAcross * kWidth, values[i]);
  }
};

// The same for the weights: 4 outputs of a few k.
template <class Tile>
struct WeightStage {
  static constexpr int kAcross = Tile::kChannels / 4, kDown = kConvThreads / kAcross;
  static constexpr int kCount = (Tile::kDepth + kDown - 1) / kDown;
  Pack<float, 4> values[kCount];

  FOVEA_DEVICE void load(const ConvJob& j, const ConvTile& t, int32_t step) {
    const int32_t output = t.first_output + int(threadIdx.x) % kAcross * 4;
    const int64_t group = int64_t{t.group} * j.rows.kernel * j.columns.kernel * j.group_in;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int32_t row = int(threadIdx.x) / kAcross + i * kDown, k = step * Tile::kDepth + row;
      values[i] = {};
      if (row >= Tile::kDepth || k >= t.depth || output >= j.padded_out) continue;
      int64_t index = k;  // forward layers meet all taps in order
      if (j.transposed) {
        const TapCursor c = TapCursor::at(k, t.columns.taps, j.group_in);
        const int64_t kh = t.rows.first_tap + c.row * t.rows.tap_step, kw = t.columns.first_tap + c.column * t.columns.tap_step;
        index = (kh * j.columns.kernel + kw) * j.group_in + c.channel;
      }
      values[i] = load_pack<4>(j.weights + (group + index) * j.padded_out + output);
    }
  }
  FOVEA_DEVICE void store(typename Tile::Shared& shared) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int row = int(threadIdx.x) / kAcross + i * kDown;
      if (row < Tile::kDepth) Tile::put_w(shared, row, int(threadIdx.x) % kAcross * 4, values[i]);
    }
  }
};

FOVEA_DEVICE ConvPixel locate(const ConvJob& j, const ConvTile& t, int64_t pixel) {
  if (pixel >= t.pixels) return {-1, 0, INT32_MIN / 2, 0};  // outside x with every tap
  const int64_t row = pixel / t.columns.count, image = row / t.rows.count;
  const int32_t column = int32_t(pixel - row * t.columns.count), line = int32_t(row - image * t.rows.count);
  const int64_t oy = int64_t{line} * t.rows.out_step + t.rows.phase,
                ox = int64_t{column} * t.columns.out_step + t.columns.phase;
  return {(image * j.rows.out + oy) * j.columns.out + ox, image * j.rows.in, line * t.rows.in_step + t.rows.offset,
          column * t.columns.in_step + t.columns.offset};
}

// Bias, residual and activation; neighbouring threads store neighbouring outputs.
template <class Tile>
FOVEA_DEVICE void finish(const ConvJob& j, const ConvTile& t, const ConvPixel* pixels,
                         const float (&sums)[Tile::kPixels][Tile::kChannels + 4]) {
  using T = typename Tile::Element;
#pragma unroll 1  // the activations' code is long
  for (int i = int(threadIdx.x); i < Tile::kPixels * Tile::kChannels; i += kConvThreads) {
    const int pixel = i / Tile::kChannels, channel = i % Tile::kChannels;
    const int64_t q = pixels[pixel].output;
    if (q < 0 || t.first_output + channel >= j.group_out) continue;
    const int32_t o = t.group * j.group_out + t.first_output + channel;
    float v = sums[pixel][channel];
    if (j.bias != nullptr) v += j.bias[o];
    if (j.residual != nullptr) v += to_float(static_cast<const T*>(j.residual)[q * j.residual_pitch + o]);
    static_cast<T*>(j.y)[q * j.y_pitch + o] = from_float<T>(activate(j.activation, v, j.slope == nullptr ? 0.0f : j.slope[o]));
  }
}

template <class Tile>
struct ConvShared {
  union {
    typename Tile::Shared steps[2];
    float sums[Tile::kPixels][Tile::kChannels + 4];
  };
  ConvPixel pixels[Tile::kPixels];
};

template <class Tile, bool kPacked>
__global__ void __launch_bounds__(kConvThreads, Tile::kBlocks) conv_kernel(ConvJob j, int64_t tiles, int64_t pixel_tiles) {
  ConvShared<Tile>& shared = *dynamic_shared<ConvShared<Tile>>();
  ConvPixel* const pixels = shared.pixels;
  const int64_t batch = live_count(j.live, j.batch);
  const int32_t channel_tiles = (j.group_out + Tile::kChannels - 1) / Tile::kChannels;
  const int32_t column_phases = axis_phases(j.columns, j.transposed);

  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    // Tiles of the same pixels are neighbours: they run together and share x in the second-level cache.
    int64_t rest = tile / channel_tiles;
    ConvTile t;
    t.first_output = int32_t(tile - rest * channel_tiles) * Tile::kChannels;
    t.group = int32_t(rest % j.groups), rest /= j.groups;
    const int32_t phase = int32_t(rest / pixel_tiles);
    t.rows = axis_phase(j.rows, j.transposed, phase / column_phases);
    t.columns = axis_phase(j.columns, j.transposed, phase % column_phases);
    t.depth = t.rows.taps * t.columns.taps * j.group_in;
    t.first_pixel = rest % pixel_tiles * Tile::kPixels;
    t.pixels = batch * t.rows.count * t.columns.count;
    if (t.first_pixel >= t.pixels) continue;  // the whole block agrees

    __syncthreads();  // the tile before has left shared memory
    for (int i = int(threadIdx.x); i < Tile::kPixels; i += kConvThreads) pixels[i] = locate(j, t, t.first_pixel + i);
    __syncthreads();

    Tile product;
    InputStage<Tile, kPacked> x(j, t);
    WeightStage<Tile> w;
    const int32_t steps = (t.depth + Tile::kDepth - 1) / Tile::kDepth;
    if (steps > 0) {
      x.load(j, t, pixels), w.load(j, t, 0);
      x.store(shared.steps[0]), w.store(shared.steps[0]);
    }
#pragma unroll 1
    for (int32_t step = 0; step < steps; ++step) {
      __syncthreads();  // this step has arrived, and nobody reads the other half any more
      const bool more = step + 1 < steps;
      if (more) x.load(j, t, pixels), w.load(j, t, step + 1);
      product.multiply(shared.steps[step % 2]);
      if (more) x.store(shared.steps[(step + 1) % 2]), w.store(shared.steps[(step + 1) % 2]);
    }
    __syncthreads();
    product.write(shared.sums);
    __syncthreads();
    finish<Tile>(j, t, pixels, shared.sums);
  }
}

template <class Tile>
cudaError_t launch_tiles(const ConvJob& j, cudaStream_t stream) {
  const auto phases = [&](const ConvAxis& a) { return j.transposed ? std::min(a.stride, a.out) : 1; };
  const auto outputs = [&](const ConvAxis& a) { return j.transposed ? (a.out - 1) / a.stride + 1 : a.out; };
  // Every phase has as many tiles as the first, the largest.
  const int64_t pixels = j.batch * outputs(j.rows) * outputs(j.columns);
  const int64_t pixel_tiles = (pixels + Tile::kPixels - 1) / Tile::kPixels;
  const int64_t channel_tiles = (j.group_out + Tile::kChannels - 1) / Tile::kChannels;
  const int64_t tiles = pixel_tiles * phases(j.rows) * phases(j.columns) * j.groups * channel_tiles;
  const auto grid = static_cast<unsigned>(std::min<int64_t>(tiles, INT32_MAX));
  return packs_x(j, kPack<typename Tile::Element>)
             ? launch(conv_kernel<Tile, true>, grid, kConvThreads, sizeof(ConvShared<Tile>), stream, j, tiles, pixel_tiles)
             : launch(conv_kernel<Tile, false>, grid, kConvThreads, sizeof(ConvShared<Tile>), stream, j, tiles, pixel_tiles);
}

// Few outputs would leave most of a wide tile idle.
template <template <int, int> class Tile>
cudaError_t launch_convolution(const ConvJob& j, cudaStream_t stream) {
  return j.group_out <= 32 ? launch_tiles<Tile<128, 16>>(j, stream) : launch_tiles<Tile<64, 64>>(j, stream);
}

}  // namespace
}  // namespace fovea::cuda
