// Register tiles: see conv2d_tile_simd.h.
#include "ops/conv2d/conv2d_tile_simd.h"

#include "ops/activation/activation_simd.h"
#include "ops/conv2d/conv2d_tile_body_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int R, int NV>
void tile(const Tile& t) {
  tile_body<R, NV, 0>(t);
}

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

TileShape choose_tile(int64_t pixels, int64_t channels, int64_t k, bool narrow) {
  // Quarter cycles of one step of K on a core with two FMA units and two loads a cycle: FMAs, loads of weights and broadcasts,
  // and at least the latency of an FMA (4 cycles). A tile costs about 24 cycles more, and 1.5 per result.
  const int64_t vectors = (channels + kLanes - 1) / kLanes;
  TileShape best{1, 1};
  int64_t best_cost = INT64_MAX;
  for (int nv = 1; nv <= kMaxVectors && nv <= vectors; ++nv) {
    if (kLanes < kChannelBlock && nv == 3) continue;  // such a panel would straddle two blocks
    for (int limit = 1; limit <= (narrow && nv <= kNarrowVectors ? kNarrowMost[nv] : kMaxPixels[nv]); ++limit) {
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
