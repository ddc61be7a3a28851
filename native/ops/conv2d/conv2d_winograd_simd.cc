// Winograd F(4x4, 3x3): an output tile of 4x4 pixels from an input tile of 6x6 with 36 products per pair of channels instead of
// 144. Y = A^T [ (G g G^T) . (B^T d B) ] A; G g G^T is packed ahead of time, the middle is 36 matrix products over the
// channels. A block of tiles passes through all three stages while it is in the second-level cache.
#include "core/thread_pool.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kPair = kWinogradPair * kChannelBlock;
// Register tile of the products: a pair of blocks at once where registers allow.
constexpr int kVectors = kMaxVectors < kPair / kLanes ? kMaxVectors : static_cast<int>(kPair / kLanes);

struct Context {
  const Conv2dJob& j;
  Epilogue epilogue;
  WinogradScratch layout;
  int64_t tiles_x, tiles_y;
};

// B^T d for one row or column of six.
FOVEA_INLINE void transform_input(F (&d)[6]) {
  const F four = set(4.0f), two = set(2.0f), five = set(5.0f);
  const F even = fnma(four, d[2], d[4]), odd = fnma(four, d[1], d[3]);  // d4 - 4 d2, d3 - 4 d1
  const F even2 = d[4] - d[2], odd2 = d[3] - d[1];
  const F t0 = fma(four, d[0], fnma(five, d[2], d[4]));
  const F t5 = fma(four, d[1], fnma(five, d[3], d[5]));
  d[0] = t0;
  d[1] = even + odd;
  d[2] = even - odd;
  d[3] = fma(two, odd2, even2);
  d[4] = fnma(two, odd2, even2);
  d[5] = t5;
}

// A^T m: six to four.
FOVEA_INLINE void transform_output(const F (&m)[6], F (&o)[4]) {
  const F sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
  o[0] = m[0] + sum12 + sum34;
  o[1] = fma(set(2.0f), difference34, difference12);
  o[2] = fma(set(4.0f), sum34, sum12);
  o[3] = fma(set(8.0f), difference34, difference12) + m[5];
}

struct Place {
  int64_t n, y, x;  // image, and the tile's first output pixel
};
FOVEA_INLINE Place place_of(const Context& c, int64_t tile) {
  const int64_t per_image = c.tiles_x * c.tiles_y;
  return {tile / per_image, tile % per_image / c.tiles_x * 4, tile % c.tiles_x * 4};
}

// Input tile -> planes v[36][tiles][channels]; `t` is its place in the block.
void input_tile(const Context& c, int64_t tile, int64_t t, float* v) {
  const Conv2dJob& j = c.j;
  const Place at = place_of(c, tile);
  const int64_t top = at.y - j.params.pad_top, left = at.x - j.params.pad_left, channels = j.params.in_channels;
  const bool inside = top >= 0 && left >= 0 && top + 6 <= j.in_h && left + 6 <= j.in_w;
  const float* image = j.x + at.n * j.in_h * j.in_w * j.x_pitch;
  float* out = v + t * c.layout.input_pitch;
  F rows[6][6];
  for (int64_t channel = 0; channel < channels; channel += kLanes) {
    if (inside && channel + kLanes <= channels) {
      const float* x = image + (top * j.in_w + left) * j.x_pitch + channel;
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
#pragma GCC unroll 6
        for (int k = 0; k < 6; ++k) rows[i][k] = load(x + (i * j.in_w + k) * j.x_pitch);
        transform_input(rows[i]);
      }
    } else {
      for (int i = 0; i < 6; ++i) {
        for (int k = 0; k < 6; ++k) {
          const bool valid = top + i >= 0 && top + i < j.in_h && left + k >= 0 && left + k < j.in_w;
          rows[i][k] =
              valid ? load_upto(image + ((top + i) * j.in_w + left + k) * j.x_pitch + channel, channels - channel) : zero();
        }
        transform_input(rows[i]);
      }
    }
#pragma GCC unroll 6
    for (int k = 0; k < 6; ++k) {
      F column[6] = {rows[0][k], rows[1][k], rows[2][k], rows[3][k], rows[4][k], rows[5][k]};
      transform_input(column);
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) store(out + (i * 6 + k) * c.layout.input_plane + channel, column[i]);
    }
  }
}

// m[36][tiles][32] for one pair of channel blocks: 36 products of [tiles][in] and [in][32].
void products(const Context& c, int64_t pair, int64_t tiles, const float* v, float* m) {
  const Conv2dJob& j = c.j;
  const int64_t in = j.params.in_channels, block_floats = in * kChannelBlock;
  const int64_t all_blocks = channel_blocks(j.params.out_channels), first = pair * kWinogradPair;
  const int64_t blocks = all_blocks - first < kWinogradPair ? all_blocks - first : kWinogradPair;
  const float* weights = j.weights + direct_floats(j.params) + first * 36 * block_floats;
  const int64_t most = kMaxPixels[kVectors], calls = (tiles + most - 1) / most;
  Tile t{};
  t.block_stride = block_floats;
  t.y_pitch = kPair;
  for (int64_t position = 0; position < 36; ++position, weights += blocks * block_floats) {
    for (int64_t channel = 0; channel < blocks * kChannelBlock; channel += kVectors * kLanes) {
      const int64_t rest = blocks * kChannelBlock - channel;
      t.channels = rest < kVectors * kLanes ? rest : kVectors * kLanes;
      t.weights = weights + channel / kChannelBlock * block_floats + channel % kChannelBlock;
      int64_t at = 0;
      for (int64_t call = 0; call < calls; ++call) {
        const int64_t count = tiles / calls + (call < tiles % calls);
        t.runs = {v + position * c.layout.input_plane + at * c.layout.input_pitch, c.layout.input_pitch, 1, 0, 1, 0, in};
        t.y = m + position * c.layout.output_plane + at * kPair + channel;
        run_tile(static_cast<int>(t.channels / kLanes), static_cast<int>(count), t);
        at += count;
      }
    }
  }
}

// One tile of m -> up to 4x4 pixels of y.
void output_tile(const Context& c, int64_t tile, int64_t t, int64_t pair, const float* m) {
  const Conv2dJob& j = c.j;
  const Place at = place_of(c, tile);
  const int64_t height = j.out_h - at.y < 4 ? j.out_h - at.y : 4, width = j.out_w - at.x < 4 ? j.out_w - at.x : 4;
  const int64_t first = pair * kPair, end = j.params.out_channels < first + kPair ? j.params.out_channels : first + kPair;
  const int64_t pixel = (at.n * j.out_h + at.y) * j.out_w + at.x;
  for (int64_t channel = first; channel < end; channel += kLanes) {
    const int64_t valid = end - channel;
    const float* source = m + t * kPair + channel - first;
    F half[4][6];
#pragma GCC unroll 6
    for (int k = 0; k < 6; ++k) {
      F column[6], o[4];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) column[i] = load(source + (i * 6 + k) * c.layout.output_plane);
      transform_output(column, o);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) half[i][k] = o[i];
    }
    const F bias = j.bias == nullptr ? zero() : load_upto(j.bias + channel, valid);
    const Fused fused = c.epilogue.fused;
    const F slope = fused == Fused::kPrelu ? load_upto(j.slope + channel, valid) : set(j.params.activation.alpha);
    float* y = j.y + pixel * j.y_pitch + channel;
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      if (i >= height) break;
      F o[4];
      transform_output(half[i], o);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        F value = o[k] + bias;
        if (fused == Fused::kRelu)
          value = max(zero(), value);
        else if (fused != Fused::kNone)
          value = select(value >= zero(), value, value * slope);
        if (k < width) store_upto(y + (i * j.out_w + k) * j.y_pitch, value, valid);
      }
    }
  }
  if (c.epilogue.second_pass)
    for (int64_t i = 0; i < height; ++i) finish(j, pixel + i * j.out_w, width, first, end - first);
}

}  // namespace

void conv2d_winograd(const Conv2dJob& j) {
  const int64_t block = j.plan.block_pixels;
  const Context c{j, epilogue_of(j), winograd_scratch(j.params, block), (j.out_w + 3) / 4, (j.out_h + 3) / 4};
  const int64_t tiles = live_rows(j.live, j.batch) * c.tiles_x * c.tiles_y;
  const int64_t pairs = (channel_blocks(j.params.out_channels) + kWinogradPair - 1) / kWinogradPair;
  const ThreadLimit limit(j.threads);
  // Threads share blocks of tiles. A layer with a single block runs its inner loops in parallel instead (nested ones run
  // inline, as worker 0), each thread with its own products.
  parallel_for(tiles, block, [&](int64_t begin, int64_t end, int32_t outer) {
    float* v = j.scratch + outer * j.plan.scratch_floats;
    float* m = v + 36 * c.layout.input_plane;
    parallel_for(end - begin, 4, [&](int64_t from, int64_t to, int32_t) {
      for (int64_t t = from; t < to; ++t) input_tile(c, begin + t, t, v);
    });
    parallel_for(pairs, 1, [&](int64_t from, int64_t to, int32_t inner) {
      float* own = m + inner * j.plan.scratch_floats;
      for (int64_t pair = from; pair < to; ++pair) {
        products(c, pair, end - begin, v, own);
        for (int64_t t = 0; t < end - begin; ++t) output_tile(c, begin + t, t, pair, own);
      }
    });
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
