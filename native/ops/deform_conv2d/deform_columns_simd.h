// Runs of channels that a tap samples alike; lanes are channels.
#pragma once

#include "core/simd.h"
#include "ops/deform_conv2d/deform_conv2d.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// body(tap, first channel, end, index in mask, position, sample, mask) for channels begin .. end - 1, cut where offset groups
// meet.
template <class Body>
FOVEA_INLINE void each_run(const DeformLayer& j, int64_t position, int64_t begin, int64_t end, const Body& body) {
  const DeformPosition p = deform_position(j, position);
  const int64_t count = taps(j.params), width = j.params.in_channels / j.offset_groups;
  for (int64_t first = begin; first < end;) {
    const int64_t group = first / width, last = (group + 1) * width < end ? (group + 1) * width : end;
    for (int64_t tap = 0; tap < count; ++tap) {
      const int64_t at = group * count + tap;
      const float* offset = j.offsets + position * j.offsets_pitch + 2 * at;
      const float mask = j.mask == nullptr ? 1.0f : j.mask[position * j.mask_pitch + at];
      body(tap, first, last, at, p, deform_sample(j, p, tap, offset[0], offset[1]), mask);
    }
    first = last;
  }
}

// The corners of a sample that lie inside the image.
struct Corners {
  int count;
  int64_t cell[4];
  float weight[4], by_y[4], by_x[4];
};
FOVEA_INLINE Corners corners_of(const DeformLayer& j, const DeformSample& s) {
  Corners c;
  c.count = 0;
  for (int corner = 0; corner < 4 && s.inside; ++corner) {
    const DeformCorner d = deform_corner(j, s, corner);
    if (d.cell < 0) continue;
    c.cell[c.count] = d.cell, c.weight[c.count] = d.weight, c.by_y[c.count] = d.by_y, c.by_x[c.count] = d.by_x;
    ++c.count;
  }
  return c;
}

// out[0 .. channels) = scale * the sample, `x` being the run's first channel of the image's first cell.
FOVEA_INLINE void sample_run(const Corners& corners, const float* x, int64_t pitch, float scale, int64_t channels, float* out) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    F sum = zero();
    for (int i = 0; i < corners.count; ++i)
      sum = fma(load_upto(x + corners.cell[i] * pitch + c, channels - c), set(corners.weight[i] * scale), sum);
    store_upto(out + c, sum, channels - c);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
