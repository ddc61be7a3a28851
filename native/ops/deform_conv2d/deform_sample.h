// Where a tap of a deformable convolution samples x. The same f32 arithmetic for the reference, the vector bodies and GPUs: on
// which side of a cell's border a sample lies decides its derivative.
#pragma once

#include "ops/conv2d/conv2d.h"

#ifdef __CUDACC__
#define FOVEA_DEFORM_INLINE __host__ __device__ __forceinline__
#else
#define FOVEA_DEFORM_INLINE [[gnu::always_inline]] inline
#endif

namespace fovea {

// A layer and what it reads. Positions are the pixels of y, of all images; a column is a tap and a channel of a group, in the
// order of the weights, and a position has a row of columns for every group: [group][tap][in/groups].
struct DeformLayer {
  const float* offsets;
  const float* mask;  // may be NULL
  const int32_t* live;
  int64_t batch, in_h, in_w, out_h, out_w;
  int64_t x_pitch, offsets_pitch, mask_pitch;
  fovea_conv2d_params params;
  int32_t offset_groups;
};

// Positions below 2^32, nearly all, take a fifth of the time of a 64-bit division.
FOVEA_DEFORM_INLINE int64_t deform_quotient(int64_t a, int64_t b) {
  return ((a | b) >> 32) == 0 ? int64_t{static_cast<uint32_t>(a) / static_cast<uint32_t>(b)} : a / b;
}

struct DeformPosition {
  int64_t image, y, x;  // y and x that the first tap would meet
};
FOVEA_DEFORM_INLINE DeformPosition deform_position(const DeformLayer& j, int64_t position) {
  const int64_t line = deform_quotient(position, j.out_w), image = deform_quotient(line, j.out_h);
  return {image, (line - image * j.out_h) * j.params.stride_h - j.params.pad_top,
          (position - line * j.out_w) * j.params.stride_w - j.params.pad_left};
}

// The four cells around a sample: (y, x) and the shares of its lower and right neighbours. A sample that no cell of the image
// touches is outside; so is one whose offset is NaN.
struct DeformSample {
  int64_t y, x;
  float down, right;
  bool inside;
};
FOVEA_DEFORM_INLINE DeformSample deform_sample(const DeformLayer& j, const DeformPosition& p, int64_t tap, float offset_y,
                                               float offset_x) {
  const int64_t tap_y = deform_quotient(tap, j.params.kernel_w), tap_x = tap - tap_y * j.params.kernel_w;
  const float y = static_cast<float>(p.y + tap_y * j.params.dilation_h) + offset_y;
  const float x = static_cast<float>(p.x + tap_x * j.params.dilation_w) + offset_x;
  if (!(y > -1 && y < static_cast<float>(j.in_h) && x > -1 && x < static_cast<float>(j.in_w))) return {0, 0, 0, 0, false};
  const int64_t low_y = y < 0 ? -1 : static_cast<int64_t>(y), low_x = x < 0 ? -1 : static_cast<int64_t>(x);  // rounded down
  return {low_y, low_x, y - static_cast<float>(low_y), x - static_cast<float>(low_x), true};
}

// Corner 0..3 of a sample: its cell in the image or -1 outside, its share, and the derivatives of the share.
struct DeformCorner {
  int64_t cell;
  float weight, by_y, by_x;
};
FOVEA_DEFORM_INLINE DeformCorner deform_corner(const DeformLayer& j, const DeformSample& s, int corner) {
  const bool lower = corner >= 2, right = corner % 2 == 1;
  const int64_t y = s.y + (lower ? 1 : 0), x = s.x + (right ? 1 : 0);
  const float along_y = lower ? s.down : 1 - s.down, along_x = right ? s.right : 1 - s.right;
  return {y >= 0 && y < j.in_h && x >= 0 && x < j.in_w ? y * j.in_w + x : -1, along_y * along_x, lower ? along_x : -along_x,
          right ? along_y : -along_y};
}

}  // namespace fovea
