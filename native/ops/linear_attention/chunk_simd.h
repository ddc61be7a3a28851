// What the vector bodies of linear attention and of its gradients share: decays between the positions of a chunk, and the cut
// of rows into register tiles.
#pragma once

#include "core/exp_simd.h"
#include "ops/attention/attention_pack_simd.h"
#include "ops/attention/attention_tile_simd.h"
#include "ops/linear_attention/linear_attention.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

FOVEA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Even pieces of at most kTileRows: body(first, count).
template <class Body>
FOVEA_INLINE void in_tiles(int64_t count, const Body& body) {
  const int64_t tiles = (count + kTileRows - 1) / kTileRows;
  for (int64_t i = 0, begin = 0; i < tiles; ++i) {
    const int64_t size = count / tiles + (i < count % tiles ? 1 : 0);
    body(begin, size);
    begin += size;
  }
}

// exp of n values, a multiple of kLanes, in place. noipa, because inlined GCC 12 warns about its own intrinsics.
[[gnu::noipa]] void exp_all(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(x + i, exp(load(x + i)));
}

float exp_of(float x) {
  float lanes[kLanes];
  store(lanes, set(x));
  exp_all(lanes, kLanes);
  return lanes[0];
}

// Row i of the matrix decay(i, k) of a constant log decay `a` starts at table[c - 1 - i]: [0, c) is decay(i, i - (c-1)) ..
// decay(i, i), the c floats behind are the zeros of later positions.
void fill_decays(float a, int64_t c, float* table) {
  for (int64_t n = 0; n < c; ++n) table[c - 1 - n] = n == 0 ? 1.0f : exp_of(static_cast<float>(n) * a);
  for (int64_t n = c; n < 2 * c; ++n) table[n] = 0.0f;
}

// Row i of that matrix for log decays that change, in `weights`: every partial sum grows by the decay of i, so that none is a
// difference. The sums are zeros before row 0.
void next_weights(int64_t i, float a, float* partial_sums, float* weights) {
  for (int64_t k = 0; k < i; k += kLanes) store(partial_sums + k, load(partial_sums + k) + set(a));
  partial_sums[i] = 0.0f;
  for (int64_t k = 0; k <= i; k += kLanes) store(weights + k, exp(load(partial_sums + k)));
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
