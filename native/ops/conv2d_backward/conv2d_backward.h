// Gradients of conv2d. The data gradient is a transposed convolution (ops/conv_transpose2d). The weight gradient is, for every
// tap, the product dy^T [out][pixels] * x [pixels][in]: a register tile of outputs x inputs sums over the pixels of a chunk.
//
// A chunk is a few output rows, or a piece of a long one. Its dy and x are packed into panels that stay in the second-level
// cache while all tiles pass over them; x tap by tap, or a kernel row at once, never as a whole im2col. Sums of one thread's
// chunks run in order, in dw itself or, when pixels are shared between parts, in partial sums that are added in order at the
// end.
#pragma once

#include "core/tensor.h"
#include "ops/conv2d/conv2d.h"

namespace fovea {

inline constexpr int64_t kOutPanel = 14, kOutPitch = 16;  // outputs of a panel of dy, and floats per pixel in it
inline constexpr int64_t kInPanel = 32;                   // inputs (columns) of a panel of x
inline constexpr int64_t kInPanels = 4;                   // panels of x packed at a time

struct BackwardWeightsPlan {
  // Columns: x has few channels per group, so the inputs of all taps of a pixel are packed side by side.
  bool columns;
  // 1x1 layers of stride 1 read x in place, and dy too when few panels of x would share a packed one.
  bool x_in_place, dy_in_place;
  int64_t inputs;      // columns of the product: channels of a group, or of all its taps
  int64_t tap_run;     // taps of a kernel row that share one packed row of x; 1 packs x for every tap
  int64_t chunk_rows;  // output rows of a chunk
  int64_t chunk_columns;
  int64_t row_pieces;  // chunks along an output row; chunk_rows is 1 when there are several
  int64_t out_parts, in_parts;
  int64_t pixel_parts, part_chunks;  // chunks of a part
  int64_t partial_floats;            // of all parts; 0: sums are made in dw
  int64_t scratch_floats;            // per thread
};

struct BackwardWeightsJob {
  const float* x;
  const float* dy;
  float* dw;  // either may be NULL
  float* dbias;
  float* partial;  // [part][weights], then [part][out]
  float* scratch;
  const int32_t* live;
  int64_t batch, in_h, in_w, x_pitch;
  int64_t out_h, out_w, dy_pitch, dw_pitch;
  BackwardWeightsPlan plan;
  fovea_conv2d_params params;
  int32_t accumulate;
  int32_t threads;
};

FOVEA_CONV2D_INLINE int64_t out_panels(const fovea_conv2d_params& p) { return (group_out(p) + kOutPanel - 1) / kOutPanel; }
FOVEA_CONV2D_INLINE int64_t in_panels(const BackwardWeightsPlan& plan) { return (plan.inputs + kInPanel - 1) / kInPanel; }
// Packed pixels of x for `count` output pixels of a row.
FOVEA_CONV2D_INLINE int64_t packed_width(const fovea_conv2d_params& p, const BackwardWeightsPlan& plan, int64_t count) {
  return plan.tap_run == 1 ? count : (count - 1) * p.stride_w + (plan.tap_run - 1) * p.dilation_w + 1;
}
// Weights of a part of partial sums: as dw, or for depthwise layers [block of 16 channels][tap][16].
FOVEA_CONV2D_INLINE int64_t partial_weights(const fovea_conv2d_params& p) {
  return is_depthwise(p) ? direct_floats(p) : p.out_channels * depth(p);
}
FOVEA_CONV2D_INLINE int64_t partial_biases(const fovea_conv2d_params& p) {
  return channel_blocks(p.out_channels) * kChannelBlock;
}
FOVEA_CONV2D_INLINE int64_t chunk_count(const BackwardWeightsPlan& plan, int64_t rows) {
  return (rows + plan.chunk_rows - 1) / plan.chunk_rows * plan.row_pieces;
}

BackwardWeightsPlan backward_weights_plan(const fovea_conv2d_params& p, int64_t batch, int64_t out_h, int64_t out_w);

// Ranks, sizes, channels, and that dy is what the layer makes of x (dx).
fovea_status check_backward_shapes(const char* op, const fovea_conv2d_params& p, const char* x_name, const fovea_tensor& x,
                                   const fovea_tensor& dy);

}  // namespace fovea
