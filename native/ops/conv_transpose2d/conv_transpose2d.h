// Transposed convolution, shared by conv_transpose2d and conv2d_backward_data:
//   y[iy*stride - pad + kh*dilation][..][o] += x[iy][ix][i] * w[o][kh][kw][i]
// params are those of this product: in_channels is the depth of x, out_channels that of y.
//
// With stride 1 it is a forward convolution of flipped taps, and conv2d does the work. Otherwise every phase, the output rows
// and columns of one remainder modulo the stride, is a small dense convolution of stride 1 over x: it reads the taps that hit
// it, which are every stride/gcd(stride, dilation)th, and writes pixels `stride` apart. No output is written twice.
//
// Prepared weights: a header, then those of conv2d, or per pair (first row tap, first column tap) of a phase conv2d's direct
// (or depthwise) form of its taps in reverse order.
#pragma once

#include "core/tensor.h"
#include "ops/conv2d/conv2d.h"

namespace fovea {

// The taps of an axis that hit the outputs of one phase.
struct Phase {
  int64_t first;   // lowest tap, which identifies the class of taps
  int64_t taps;    // 0: nothing but the bias reaches the phase
  int64_t offset;  // output `phase + m*stride` reads x at m + offset + j*step, j = 0 .. taps, highest tap first
  int64_t step;
};

struct TransposedAxis {
  int64_t in, out, kernel, stride, dilation, pad;
};

FOVEA_CONV2D_INLINE int64_t greatest_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b, b = rest;
  }
  return a;
}

// Classes of taps of an axis, numbered by their first tap: taps of a class lie this far apart.
FOVEA_CONV2D_INLINE int64_t class_step(int64_t stride, int64_t dilation) { return stride / greatest_divisor(stride, dilation); }
FOVEA_CONV2D_INLINE int64_t class_taps(int64_t kernel, int64_t step, int64_t first) { return (kernel - 1 - first) / step + 1; }

FOVEA_CONV2D_INLINE Phase phase_of(const TransposedAxis& a, int64_t phase) {
  const int64_t step = class_step(a.stride, a.dilation), x_step = a.dilation / (a.stride / step);
  const int64_t wanted = (phase + a.pad) % a.stride;
  for (int64_t first = 0; first < step && first < a.kernel; ++first) {
    if (first * a.dilation % a.stride != wanted) continue;
    const int64_t count = class_taps(a.kernel, step, first);
    return {first, count, (phase + a.pad - first * a.dilation) / a.stride - (count - 1) * x_step, x_step};
  }
  return {0, 0, 0, x_step};
}
// Outputs of a phase.
FOVEA_CONV2D_INLINE int64_t phase_size(int64_t out, int64_t stride, int64_t phase) {
  return phase < out ? (out - phase + stride - 1) / stride : 0;
}

// Where the weights of a pair of classes begin, in floats.
FOVEA_CONV2D_INLINE int64_t class_floats(const fovea_conv2d_params& p, int64_t first_row, int64_t first_column) {
  const int64_t step_h = class_step(p.stride_h, p.dilation_h), step_w = class_step(p.stride_w, p.dilation_w);
  const auto before = [](int64_t kernel, int64_t step, int64_t first) {
    const int64_t more = first < kernel % step ? first : kernel % step;
    return first * (kernel / step) + more;
  };
  const int64_t earlier = before(p.kernel_h, step_h, first_row) * p.kernel_w +
                          class_taps(p.kernel_h, step_h, first_row) * before(p.kernel_w, step_w, first_column);
  return direct_floats(p) / taps(p) * earlier;
}

struct TransposedPlan {
  int64_t block;   // rows of every phase in one block of work; output rows are stride_h times as many
  int64_t splits;  // parts in which the output channels are cut
  // Columns of x that phases read, [first, last): when some lie outside x, blocks of rows are copied with zeros around them.
  int64_t first_column, last_column;
  // Rows of x that a block starting at m reads: m + first_row .. m + block - 1 + last_row.
  int64_t first_row, last_row;
  bool copied;
  int64_t scratch_floats;  // per thread
};

struct TransposedJob {
  const float* x;
  const float* weights;  // packed, behind the header
  const float* bias;     // may be NULL
  const float* slope;
  float* y;
  float* scratch;
  const int32_t* live;
  int64_t batch, in_h, in_w, x_pitch;
  int64_t out_h, out_w, y_pitch;
  TransposedPlan plan;
  fovea_conv2d_params params;
  int32_t threads;
};

FOVEA_CONV2D_INLINE TransposedAxis axis_h(const TransposedJob& j) {
  return {j.in_h, j.out_h, j.params.kernel_h, j.params.stride_h, j.params.dilation_h, j.params.pad_top};
}
FOVEA_CONV2D_INLINE TransposedAxis axis_w(const TransposedJob& j) {
  return {j.in_w, j.out_w, j.params.kernel_w, j.params.stride_w, j.params.dilation_w, j.params.pad_left};
}

// One layer as the entries describe it.
struct TransposedLayer {
  const char* op;
  fovea_conv2d_params params;
  int32_t output_pad_h, output_pad_w;
  Conv2dWeightOrder order;  // kFlipped or kBackward
};

// False when the layer is not a forward convolution: stride, or a padding that cuts more than the kernel adds.
bool forward_params(const TransposedLayer& layer, fovea_conv2d_params* forward);

struct TransposedPrepareJob {
  Conv2dPrepareJob conv;  // params of the layer; prepared behind the header
  void* header;
  bool forward;
};

struct alignas(64) TransposedHeader {
  uint32_t magic;
  int32_t in_channels, out_channels, kernel_h, kernel_w, groups, stride_h, stride_w, dilation_h, dilation_w, backward, forward;
};

// Checks of both entries that hold for every backend. Sizes and data types of x and y are checked by the caller.
fovea_status check_transposed_weights(const TransposedLayer& layer, const fovea_tensor* weights, const fovea_tensor* prepared,
                                      const fovea_stream* stream);
fovea_status check_transposed(const TransposedLayer& layer, const fovea_tensor* x, const fovea_tensor* prepared,
                              const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                              const fovea_stream* stream);
// Their steps on the CPU behind these checks.
fovea_status transposed_prepared_bytes(const TransposedLayer& layer, int64_t* bytes);
fovea_status transposed_prepare(const TransposedLayer& layer, const fovea_tensor* weights, const fovea_tensor* prepared,
                                fovea_stream* stream);
fovea_status transposed_workspace(const TransposedLayer& layer, const fovea_tensor& x, int64_t out_h, int64_t out_w,
                                  int64_t* bytes);
fovea_status transposed_run(const TransposedLayer& layer, const fovea_tensor* x, const fovea_tensor* prepared,
                            const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                            const fovea_workspace* workspace, fovea_stream* stream);

TransposedPlan transposed_plan(const fovea_conv2d_params& p, int64_t batch, int64_t in_h, int64_t in_w, int64_t out_h,
                               int64_t out_w);
void transposed_pack(const TransposedPrepareJob& job);

}  // namespace fovea
