// Columns of a deformable convolution as a source of CoreTile (gemm_tile.h): sampled while a tile is staged, so that no im2col
// is ever stored. Sums are f32 for every type of x.
#pragma once

#include "cuda/gemm_tile.h"
#include "cuda/rows.h"
#include "ops/deform_conv2d/deform_conv2d.h"

namespace fovea::cuda {
namespace {

using DeformTile = CoreTile<FloatMath, 4, 4>;

FOVEA_DEVICE int64_t live_positions(const DeformLayer& j) { return deform_positions(j, live_count(j.live, j.batch)); }

// Offsets and mask of one tap, in the terms of deform_sample.h.
FOVEA_DEVICE DeformSample sample_at(const DeformLayer& j, const DeformPosition& p, int64_t position, int64_t tap, int64_t at) {
  const float* offset = j.offsets + position * j.offsets_pitch + 2 * at;
  return deform_sample(j, p, tap, offset[0], offset[1]);
}
FOVEA_DEVICE float mask_at(const DeformLayer& j, int64_t position, int64_t at) {
  return j.mask == nullptr ? 1.0f : j.mask[position * j.mask_pitch + at];
}

// One column of a position: a tap and a channel of `group`.
template <class T>
FOVEA_DEVICE float sampled(const DeformLayer& j, const T* x, int64_t position, int32_t group, int32_t column) {
  const int32_t in = j.params.in_channels / j.params.groups, tap = column / in, channel = group * in + column - tap * in;
  const int32_t at = channel / (j.params.in_channels / j.offset_groups) * (j.params.kernel_h * j.params.kernel_w) + tap;
  const DeformPosition p = deform_position(j, position);
  const DeformSample s = sample_at(j, p, position, tap, at);
  if (!s.inside) return 0.0f;
  const T* image = x + p.image * j.in_h * j.in_w * j.x_pitch + channel;
  float sum = 0.0f;
#pragma unroll
  for (int corner = 0; corner < 4; ++corner) {
    const DeformCorner c = deform_corner(j, s, corner);
    if (c.cell >= 0) sum = fmaf(to_float(image[c.cell * j.x_pitch]), c.weight, sum);
  }
  return sum * mask_at(j, position, at);
}

// (position, column): rows of the product with the weights.
template <class T>
struct SampledRows {
  static constexpr bool kAlongK = true;
  const DeformLayer& layer;
  const T* x;
  int64_t first, positions;
  int32_t group;
  int64_t depth;

  FOVEA_DEVICE float operator()(int row, int64_t k) const {
    return first + row < positions && k < depth ? sampled(layer, x, first + row, group, int32_t(k)) : 0.0f;
  }
};
// (column, position): rows of the product with dy.
template <class T>
struct SampledColumns {
  static constexpr bool kAlongK = false;
  const DeformLayer& layer;
  const T* x;
  int64_t first, positions;
  int32_t group;
  int64_t depth;

  FOVEA_DEVICE float operator()(int row, int64_t k) const {
    return first + row < depth && k < positions ? sampled(layer, x, k, group, int32_t(first + row)) : 0.0f;
  }
};

// Any matrix: element (row, k) at row * row_step + k * k_step, zero outside.
template <class T, bool kTogether>
struct MatrixSource {
  static constexpr bool kAlongK = kTogether;
  const T* data;
  int64_t row_step, k_step, rows, depth;

  FOVEA_DEVICE float operator()(int row, int64_t k) const {
    return row < rows && k < depth ? to_float(data[row * row_step + k * k_step]) : 0.0f;
  }
};

}  // namespace
}  // namespace fovea::cuda
