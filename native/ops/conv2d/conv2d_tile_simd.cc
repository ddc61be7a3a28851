// Register tiles: see conv2d_tile_simd.h.
#include "ops/conv2d/conv2d_tile_simd.h"

#include "ops/activation/activation_simd.h"
#include "ops/conv2d/conv2d_tile_body_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int kForms = kLanes == kChannelBlock ? 2 : 1;  // whole vectors, and the last one half

template <int R, int NV, bool kHalf>
void tile(const Tile& t) {
  tile_body<R, NV, 0, kHalf>(t);
}

// at[form][NV][R], filled for 1 <= R <= kMaxPixels[NV].
struct Table {
  TileFunction at[kForms][kMaxVectors + 1][kMaxTilePixels + 1] = {};

  template <int NV, int R>
  constexpr void fill() {
    at[0][NV][R] = tile<R, NV, false>;
    if constexpr (kForms > 1) at[1][NV][R] = tile<R, NV, true>;
    if constexpr (R < kMaxPixels[NV])
      fill<NV, R + 1>();
    else if constexpr (NV < kMaxVectors)
      fill<NV + 1, 1>();
  }
  constexpr Table() { fill<1, 1>(); }
};
constexpr Table table;

}  // namespace

void run_tile(int vectors, int pixels, const Tile& t) { table.at[ends_in_half(t.channels)][vectors][pixels](t); }

TileShape choose_tile(int64_t pixels, int64_t channels, int64_t k, bool narrow) {
  // Quarter cycles of one step of K on a core with two FMA units and two loads a cycle: FMAs, loads of weights and broadcasts,
  // and at least the latency of an FMA (4 cycles). A tile costs about 24 cycles more, and 1.5 per result.
  const int64_t vectors = (channels + kLanes - 1) / kLanes;
  const bool half = ends_in_half(channels);
  TileShape best{1, 1};
  int64_t best_cost = INT64_MAX;
  for (int nv = 1; nv <= kMaxVectors && nv <= vectors; ++nv) {
    if (kLanes < kChannelBlock && nv == 3) continue;  // such a panel would straddle two blocks
    for (int limit = 1; limit <= (narrow && nv <= kNarrowVectors ? kNarrowMost[nv] : kMaxPixels[nv]); ++limit) {
      if (limit > pixels) break;
      // Tiles are cut evenly, so all but a few have the mean size; panels are full but the last.
      const int64_t tiles = (pixels + limit - 1) / limit;
      const int64_t r = (pixels + tiles - 1) / tiles;
      const auto panel = [&](int64_t n, bool ends_half) {
        const int64_t multiply = r * (n * 2 - ends_half), loads = (n + r) * 2;
        int64_t step = multiply > loads ? multiply : loads;
        if (step < 16) step = 16;
        return k * step + 96 + 6 * r * n;
      };
      const int64_t rest = vectors % nv == 0 ? nv : vectors % nv;
      const int64_t cost = tiles * ((vectors - rest) / nv * panel(nv, false) + panel(rest, half));
      if (cost < best_cost) best_cost = cost, best = {nv, limit};
    }
  }
  return best;
}

void finish(const Conv2dJob& j, int64_t first_pixel, int64_t pixels, int64_t first_channel, int64_t channels) {
  const int64_t whole = channels / kLanes * kLanes, y_pitch = j.y_pitch, residual_pitch = j.residual_pitch;
  float* y = j.y + first_pixel * y_pitch + first_channel;
  const float* residual = j.residual == nullptr ? nullptr : j.residual + first_pixel * residual_pitch + first_channel;
  const float* slopes = j.slope == nullptr ? nullptr : j.slope + first_channel;
  const fovea_activation_params p = j.params.activation;
  // A loop for each activation: chosen for each vector, the choice would cost as much as the cheap ones themselves.
  for_activation(
      p, [&](auto kind) __attribute__((always_inline)) {
        constexpr int32_t kKind = decltype(kind)::value;
        const auto result = [&](F v, int64_t channel, int64_t n) __attribute__((always_inline)) {
          if (residual != nullptr) v = v + load_upto(residual + channel, n);
          const F slope = kKind == FOVEA_ACTIVATION_PRELU ? load_upto(slopes + channel, n) : zero();
          return activation<kKind>(p, v, slope);
        };
        for (int64_t q = 0; q < pixels; ++q) {
          for (int64_t c = 0; c < whole; c += kLanes) store(y + c, result(load(y + c), c, kLanes));
          if (whole < channels) {
            const int rest = static_cast<int>(channels - whole);
            store_partial(y + whole, result(load_partial(y + whole, rest), whole, rest), rest);
          }
          y += y_pitch;
          if (residual != nullptr) residual += residual_pitch;
        }
      });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
