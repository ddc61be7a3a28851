// Register tiles of first layers: x has three channels, and few steps of K must pay for a tile. Pixels 3 or 6 floats apart are
// constants in the instructions, which frees the registers and set-up that a runtime stride costs; an AVX-512 tile of one
// vector then has room for 24 pixels. Narrower instruction sets gain nothing: their tiles have few pixels anyway.
#include "ops/conv2d/conv2d_tile_body_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

#if defined(__AVX512F__)
namespace {

template <int R, int NV, int S, bool kHalf>
void narrow_tile(const Tile& t) {
  tile_body<R, NV, S, kHalf>(t);
}

// at[half][S / 6][NV][R], filled for kNarrowLeast <= R <= kNarrowMost.
struct Table {
  TileFunction at[2][2][kNarrowVectors + 1][kMaxTilePixels + 1] = {};

  template <int NV, int R>
  constexpr void fill() {
    at[0][0][NV][R] = narrow_tile<R, NV, 3, false>;
    at[0][1][NV][R] = narrow_tile<R, NV, 6, false>;
    at[1][0][NV][R] = narrow_tile<R, NV, 3, true>;
    at[1][1][NV][R] = narrow_tile<R, NV, 6, true>;
    if constexpr (R < kNarrowMost[NV])
      fill<NV, R + 1>();
    else if constexpr (NV < kNarrowVectors)
      fill<NV + 1, kNarrowLeast[NV + 1]>();
  }
  constexpr Table() { fill<1, kNarrowLeast[1]>(); }
};
constexpr Table table;

}  // namespace

bool run_narrow_tile(int vectors, int pixels, const Tile& t) {
  const Runs& runs = t.runs;
  if (runs.pixel_stride != 3 && runs.pixel_stride != 6) return false;
  if (runs.length % 3 != 0 || vectors > kNarrowVectors || pixels < kNarrowLeast[vectors]) return false;
  table.at[ends_in_half(t.channels)][runs.pixel_stride / 6][vectors][pixels](t);
  return true;
}
#else
bool run_narrow_tile(int, int, const Tile&) { return false; }
#endif

}  // namespace fovea::FOVEA_ISA_NAMESPACE
