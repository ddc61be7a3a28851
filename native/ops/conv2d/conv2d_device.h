// The convolution that CUDA kernels compute, forward and transposed, and the packed weights they read. Host code only.
//
// Packed weights, f32, 64-byte aligned:
//   [group][tap][in/groups][padded out/groups]   outputs padded with zeros to whole groups of 4 (16 bytes)
//   [tap][channels]                              depthwise layers
// One form serves all data types, since prepare does not know that of x; kernels for f16 and bf16 round the weights on their
// way to shared memory, which costs a conversion per weight and block but no second and third copy of them.
#pragma once

#include "cuda/runtime.h"
#include "ops/conv2d/conv2d.h"

namespace fovea::cuda {

struct ConvAxis {
  int32_t in, out, kernel, stride, dilation, pad;
  int32_t period;  // transposed: an output meets every period-th tap, stride / gcd(stride, dilation)
};

// forward:    y[oy] = sum over taps of x[oy * stride - pad + tap * dilation]
// transposed: y[oy] = sum over taps of x[(oy + pad - tap * dilation) / stride], where that is a whole number
struct ConvJob {
  const void* x;
  const float* weights;
  const float* bias;  // may be NULL, as slope and residual
  const float* slope;
  const void* residual;
  void* y;
  const int32_t* live;
  int64_t batch, x_pitch, y_pitch, residual_pitch;
  ConvAxis rows, columns;
  bool transposed;
  int32_t groups, group_in, group_out, padded_out;
  fovea_activation_params activation;
};

// Where a weight comes from: forward and transposed layers are stored [out][kh][kw][in/groups]; the data gradient reads the
// forward layer's with inputs and outputs swapped.
enum class ConvWeights : int32_t { kOutputsFirst, kInputsFirst };

// Weight [a][kh][kw][b] lies at (a * kernel_h + kh) * row + kw * column + b.
struct ConvSource {
  const float* data;
  int64_t row, column;
};

// Sizes are those of the layer computed: in_channels is the depth of its x. Packed bytes are whole 64s.
int64_t conv_packed_bytes(const fovea_conv2d_params& p);
cudaError_t conv_pack(const fovea_conv2d_params& p, ConvWeights order, ConvSource weights, void* packed, cudaStream_t stream);
// Of a tensor [a][kh][kw][b].
inline ConvSource conv_source(const fovea_tensor& weights) {
  return {static_cast<const float*>(weights.data), weights.shape[2] * weights.pitch, weights.pitch};
}

// Prepared weights of the right size and alignment.
fovea_status check_conv_prepared(const char* op, const fovea_tensor& prepared, int64_t bytes);

// Fills everything but bias, slope and residual; refuses images that the kernels' 32-bit coordinates cannot
// hold.
fovea_status make_conv_job(const char* op, const fovea_conv2d_params& p, bool transposed, const fovea_tensor& x,
                           const void* packed, const fovea_tensor& y, ConvJob* job);
inline const float* float_data(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); }

// Enqueues the layer; x, residual and y are of `dtype`, and only where that is f32 `products` matters.
cudaError_t conv_launch(const ConvJob& job, fovea_dtype dtype, fovea_f32_products products, cudaStream_t stream);

inline bool is_depthwise(const ConvJob& j) { return j.groups > 1 && j.group_in == 1 && j.group_out == 1; }

// Rows of 16 bytes: channels of x may be staged in packs of count elements without straddling a tap or a group.
inline bool packs_x(const ConvJob& j, int64_t count) {
  return reinterpret_cast<uintptr_t>(j.x) % 16 == 0 && j.x_pitch % count == 0 && j.group_in % count == 0;
}

// One file per kernel.
cudaError_t conv_launch_f32(const ConvJob& job, cudaStream_t stream);
cudaError_t conv_launch_tf32(const ConvJob& job, fovea_f32_products products, cudaStream_t stream);
cudaError_t conv_launch_f16(const ConvJob& job, cudaStream_t stream);
cudaError_t conv_launch_bf16(const ConvJob& job, cudaStream_t stream);
cudaError_t conv_launch_depthwise(const ConvJob& job, fovea_dtype dtype, cudaStream_t stream);

}  // namespace fovea::cuda
