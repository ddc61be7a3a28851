// Deformable convolution: the jobs, and the checks that forward and backward share.
//
// Forward, a task samples the columns of a chunk of positions into scratch and multiplies them with the packed weights (the
// dense product of ops/linear). Backward goes through the positions in blocks, so that the columns and their gradients take
// bounded space: d(columns) = dy * w, from which everything but dw comes, then dw += dy^T * columns.
#pragma once

#include "fovea/vision.h"
#include "ops/deform_conv2d/deform_sample.h"
#include "ops/linear/panels.h"

namespace fovea {

inline constexpr int64_t kDeformChunk = 84;    // positions of a task, as many rows as the product takes at a time
inline constexpr int64_t kDeformBlock = 1008;  // positions of a block of the gradient: 12 tasks

struct DeformConvJob {
  DeformLayer layer;
  const float* x;
  const float* weights;
  const float* bias;
  float* y;
  float* panels;   // packed weights of all groups
  float* scratch;  // kDeformChunk rows of columns of one group, for each of `threads`
  int64_t y_pitch;
  int32_t threads;
};

struct DeformBackwardJob {
  DeformLayer layer;
  const float* x;
  const float* weights;
  const float* dy;
  float* dx;  // any of these may be NULL
  float* d_offsets;
  float* d_mask;
  float* dw;
  float* dbias;
  float* panels;     // weights packed for dy * w
  float* columns;    // kDeformBlock rows of all groups, with a panel of slack
  float* d_columns;  // the same without slack
  float* products;   // dw of a block
  int64_t dy_pitch, dx_pitch, d_offsets_pitch, d_mask_pitch;
};

// Columns of all groups.
FOVEA_CONV2D_INLINE int64_t deform_columns(const fovea_conv2d_params& p) { return taps(p) * p.in_channels; }
FOVEA_DEFORM_INLINE int64_t deform_positions(const DeformLayer& j, int64_t images) { return images * j.out_h * j.out_w; }

// Height (axis 0) or width (1) of y.
FOVEA_ALWAYS_INLINE int64_t deform_output(const fovea_conv2d_params& p, const fovea_tensor& x, int axis) {
  return axis == 0 ? conv2d_output(x.shape[1], int64_t{p.pad_top} + p.pad_bottom, p.kernel_h, p.stride_h, p.dilation_h)
                   : conv2d_output(x.shape[2], int64_t{p.pad_left} + p.pad_right, p.kernel_w, p.stride_w, p.dilation_w);
}

// What a forward and a backward call have in common; `y` is dy for the latter.
struct DeformTensors {
  const fovea_tensor* x;
  const fovea_tensor* offsets;
  const fovea_tensor* mask;  // may be NULL
  const fovea_tensor* weights;
  const fovea_tensor* y;
};
fovea_status check_deform_params(const char* op, const fovea_deform_conv2d_params* params);
// Of x alone, also for the workspace question, which comes without a stream.
fovea_status check_deform_input(const char* op, const fovea_deform_conv2d_params& params, const fovea_tensor* x);
fovea_status check_deform(const char* op, const fovea_deform_conv2d_params& params, const DeformTensors& t, const char* y_name,
                          const fovea_stream* stream);

FOVEA_ALWAYS_INLINE DeformLayer deform_layer(const fovea_deform_conv2d_params& params, const DeformTensors& t) {
  return {static_cast<const float*>(t.offsets->data),
          t.mask == nullptr ? nullptr : static_cast<const float*>(t.mask->data),
          t.x->live,
          t.x->shape[0],
          t.x->shape[1],
          t.x->shape[2],
          t.y->shape[1],
          t.y->shape[2],
          t.x->pitch,
          t.offsets->pitch,
          t.mask == nullptr ? 0 : t.mask->pitch,
          params.conv,
          params.offset_groups};
}

}  // namespace fovea
