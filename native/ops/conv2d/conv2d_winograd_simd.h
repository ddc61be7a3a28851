// One-dimensional transforms of Winograd's convolution, and the walk over tiles.
#pragma once

#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// B^T d of F(2, 3).
FOVEA_INLINE void transform_input(F (&d)[4]) {
  const F t0 = d[0] - d[2], t3 = d[1] - d[3], sum = d[1] + d[2], difference = d[2] - d[1];
  d[0] = t0, d[1] = sum, d[2] = difference, d[3] = t3;
}

// B^T d of F(4, 3).
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

// A^T m of F(2, 3).
FOVEA_INLINE void transform_output(const F (&m)[4], F (&o)[2]) {
  o[0] = m[0] + (m[1] + m[2]);
  o[1] = (m[1] - m[2]) - m[3];
}

// A^T m of F(4, 3).
FOVEA_INLINE void transform_output(const F (&m)[6], F (&o)[4]) {
  const F sum12 = m[1] + m[2], difference12 = m[1] - m[2], sum34 = m[3] + m[4], difference34 = m[3] - m[4];
  o[0] = m[0] + sum12 + sum34;
  o[1] = fma(set(2.0f), difference34, difference12);
  o[2] = fma(set(4.0f), sum34, sum12);
  o[3] = fma(set(8.0f), difference34, difference12) + m[5];
}

// A tile: its image, the grid it belongs to, and its place there. Grids of a dilated layer lie innermost, so that neighbouring
// tiles read neighbouring memory.
struct Place {
  int64_t n, tile_y, tile_x, grid_y, grid_x;
};
FOVEA_INLINE Place place_of(const WinogradGrid& g, int64_t tile) {
  const int64_t grids = g.grids_y * g.grids_x, in_image = tile % g.tiles, group = in_image / grids;
  return {tile / g.tiles, group / g.tiles_x, group % g.tiles_x, in_image % grids / g.grids_x, in_image % grids % g.grids_x};
}
FOVEA_INLINE void advance(const WinogradGrid& g, Place* p) {
  if (++p->grid_x < g.grids_x) return;
  p->grid_x = 0;
  if (++p->grid_y < g.grids_y) return;
  p->grid_y = 0;
  if (++p->tile_x < g.tiles_x) return;
  p->tile_x = 0;
  if (++p->tile_y < g.tiles_y) return;
  p->tile_y = 0;
  ++p->n;
}

// Members first .. end of `start + i * step`, 0 <= i < count, that lie in [0, size). Most tiles are whole, so counting is cheaper
// than dividing.
struct Range {
  int first, end;
};
FOVEA_INLINE Range inside(int64_t start, int64_t step, int count, int64_t size) {
  Range r{0, count};
  while (r.end > 0 && start + (r.end - 1) * step >= size) --r.end;
  while (r.first < r.end && start + r.first * step < 0) ++r.first;
  return r;
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
