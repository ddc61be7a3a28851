// Register tiles: see conv2d_tile_simd.h.
#include "ops/conv2d/conv2d_tile_simd.h"

#include "ops/activation/activation_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int R, int NV>
void tile(const Tile& t) {
  // Addresses base, base + stride, base + 2*stride need one register for three pixels.
  constexpr int kBases = (R + 2) / 3;
  constexpr int kBlock = static_cast<int>(kChannelBlock);
  F acc[R][NV];
#pragma GCC unroll 4
  for (int n = 0; n < NV; ++n) {
    const F bias = t.bias == nullptr ? zero() : load_upto(t.bias + n * kLanes, t.channels - n * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) acc[r][n] = bias;
  }
  const int64_t pixel_bytes = t.runs.pixel_stride * int64_t{sizeof(float)};
  const int64_t block_stride = t.block_stride;
  const float* w = t.weights;
  for (int64_t row = 0; row < t.runs.rows; ++row) {
    for (int64_t tap = 0; tap < t.runs.taps; ++tap) {
      const char* base[kBases];
#pragma GCC unroll 6
      for (int i = 0; i < kBases; ++i)
        base[i] =
            reinterpret_cast<const char*>(t.runs.x + row * t.runs.row_stride + tap * t.runs.tap_stride) + 3 * i * pixel_bytes;
      const auto step = [&](int k) __attribute__((always_inline)) {
        F b[NV];
#pragma GCC unroll 4
        for (int n = 0; n < NV; ++n) b[n] = load(w + n * kLanes / kBlock * block_stride + n * kLanes % kBlock + k * kBlock);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
          const F x = set(*reinterpret_cast<const float*>(base[r / 3] + r % 3 * pixel_bytes + k * 4));
#pragma GCC unroll 4
          for (int n = 0; n < NV; ++n) acc[r][n] = fma(x, b[n], acc[r][n]);
        }
      };
      int64_t length = t.runs.length;
      for (; length >= 4; length -= 4) {
        step(0);
        step(1);
        step(2);
        step(3);
        w += 4 * kBlock;
#pragma GCC unroll 6
        for (int i = 0; i < kBases; ++i) {
          base[i] += 16;
          asm("" : "+r"(base[i]));  // or the compiler keeps one induction variable per pixel and spills them
        }
      }
      for (; length > 0; --length) {
        step(0);
        w += kBlock;
#pragma GCC unroll 6
        for (int i = 0; i < kBases; ++i) base[i] += 4;
      }
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < NV; ++n) {
    if (t.fused == Fused::kRelu) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][n] = max(zero(), acc[r][n]);
    } else if (t.fused != Fused::kNone) {
      const F slope = t.fused == Fused::kLeaky ? set(t.alpha) : load_upto(t.slope + n * kLanes, t.channels - n * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][n] = select(acc[r][n] >= zero(), acc[r][n], acc[r][n] * slope);
    }
    const int64_t valid = t.channels - n * kLanes;
    float* y = t.y + n * kLanes;
    if (valid >= kLanes) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store(y + r * t.y_pitch, acc[r][n]);
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store_partial(y + r * t.y_pitch, acc[r][n], static_cast<int>(valid));
    }
  }
}

using TileFunction = void (*)(const Tile&);

// table[NV][R], filled for 1 <= R <= kMaxPixels[NV].
struct Table {
  TileFunction at[kMaxVectors + 1][kMaxTilePixels + 1] = {};

  template <int NV, int R>
  constexpr void fill() {
    at[NV][R] = tile<R, NV>;
    if constexpr (R < kMaxPixels[NV])
      fill<NV, R + 1>();
    else if constexpr (NV < kMaxVectors)
      fill<NV + 1, 1>();
  }
  constexpr Table() { fill<1, 1>(); }
};
constexpr Table table;

}  // namespace

void run_tile(int vectors, int pixels, const Tile& t) { table.at[vectors][pixels](t); }

TileShape choose_tile(int64_t pixels, int64_t channels, int64_t k) {
  // Quarter cycles of one step of K on a core with two FMA units and two loads a cycle: FMAs, loads of weights and broadcasts,
  // and at least the latency of an FMA (4 cycles). A tile costs about 24 cycles more, and 1.5 per result.
  const int64_t vectors = (channels + kLanes - 1) / kLanes;
  TileShape best{1, 1};
  int64_t best_cost = INT64_MAX;
  for (int nv = 1; nv <= kMaxVectors && nv <= vectors; ++nv) {
    if (kLanes < kChannelBlock && nv == 3) continue;  // such a panel would straddle two blocks
    for (int limit = 1; limit <= kMaxPixels[nv]; ++limit) {
      if (limit > pixels) break;
      // Tiles are cut evenly, so all but a few have the mean size; panels are full but the last.
      const int64_t tiles = (pixels + limit - 1) / limit;
      const int64_t r = (pixels + tiles - 1) / tiles;
      const auto panel = [&](int64_t n) {
        const int64_t multiply = r * n * 2, loads = (n + r) * 2;
        int64_t step = multiply > loads ? multiply : loads;
        if (step < 16) step = 16;
        return k * step + 96 + 6 * r * n;
      };
      const int64_t rest = vectors % nv;
      const int64_t cost = tiles * (vectors / nv * panel(nv) + (rest == 0 ? 0 : panel(rest)));
      if (cost < best_cost) best_cost = cost, best = {nv, limit};
    }
  }
  return best;
}

void finish(const Conv2dJob& j, int64_t first_pixel, int64_t pixels, int64_t first_channel, int64_t channels) {
  for (int64_t q = first_pixel; q < first_pixel + pixels; ++q) {
    float* y = j.y + q * j.y_pitch + first_channel;
    for (int64_t c = 0; c < channels; c += kLanes) {
      F v = load_upto(y + c, channels - c);
      if (j.residual != nullptr) v = v + load_upto(j.residual + q * j.residual_pitch + first_channel + c, channels - c);
      const F slope = j.slope == nullptr ? zero() : load_upto(j.slope + first_channel + c, channels - c);
      store_upto(y + c, activation(j.params.activation, v, slope), channels - c);
    }
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
