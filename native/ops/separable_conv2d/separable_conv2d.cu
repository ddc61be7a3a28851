// Two kernels: the depthwise layer into the workspace, in the data type of x, then the 1x1 layer over it.
#include "cuda/elements.h"
#include "ops/conv2d/conv2d_device.h"

namespace fovea::cuda {
namespace {

fovea_conv2d_params pointwise_of(const fovea_separable_conv2d_params& params) {
  fovea_conv2d_params p{};
  p.in_channels = params.depthwise.in_channels, p.out_channels = params.out_channels;
  p.kernel_h = p.kernel_w = p.stride_h = p.stride_w = p.dilation_h = p.dilation_w = p.groups = 1;
  p.activation = params.activation;
  return p;
}

// The depthwise result.
fovea_tensor middle_of(const fovea_conv2d_params& d, const fovea_tensor& x) {
  fovea_tensor t = x;
  t.shape[1] = conv2d_output(x.shape[1], int64_t{d.pad_top} + d.pad_bottom, d.kernel_h, d.stride_h, d.dilation_h);
  t.shape[2] = conv2d_output(x.shape[2], int64_t{d.pad_left} + d.pad_right, d.kernel_w, d.stride_w, d.dilation_w);
  t.pitch = t.shape[3];
  return t;
}
int64_t bytes_of(const fovea_tensor& t) { return elements(t) * (t.dtype.bits / 8); }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_separable_conv2d_prepared_bytes(fovea_device*, const fovea_separable_conv2d_params* params,
                                                              int64_t* bytes) {
  *bytes = conv_packed_bytes(params->depthwise) + conv_packed_bytes(pointwise_of(*params));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_separable_conv2d_prepare(const fovea_separable_conv2d_params* params,
                                                       const fovea_tensor* depthwise_weights,
                                                       const fovea_tensor* pointwise_weights, const fovea_tensor* prepared,
                                                       fovea_stream* stream) {
  constexpr const char* op = "separable_conv2d_prepare";
  const fovea_conv2d_params p = pointwise_of(*params);
  const int64_t first = conv_packed_bytes(params->depthwise);
  FOVEA_TRY(check_conv_prepared(op, *prepared, first + conv_packed_bytes(p)));
  const ConvSource depthwise{float_data(depthwise_weights), depthwise_weights->pitch, 1};
  const ConvSource pointwise{float_data(pointwise_weights), pointwise_weights->pitch, 1};
  return submit(stream, op, [&](cudaStream_t s) {
    const cudaError_t error = conv_pack(params->depthwise, ConvWeights::kOutputsFirst, depthwise, prepared->data, s);
    if (error != cudaSuccess) return error;
    return conv_pack(p, ConvWeights::kOutputsFirst, pointwise, static_cast<char*>(prepared->data) + first, s);
  });
}

extern "C" fovea_status fovea_separable_conv2d_workspace(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                                         int64_t* bytes) {
  *bytes = bytes_of(middle_of(params->depthwise, *x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_separable_conv2d(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                               const fovea_tensor* prepared, const fovea_tensor* depthwise_bias,
                                               const fovea_tensor* bias, const fovea_tensor* slope,
                                               const fovea_tensor* residual, const fovea_tensor* y,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "separable_conv2d";
  const fovea_conv2d_params p = pointwise_of(*params);
  const int64_t first = conv_packed_bytes(params->depthwise);
  FOVEA_TRY(check_conv_prepared(op, *prepared, first + conv_packed_bytes(p)));
  fovea_tensor middle = middle_of(params->depthwise, *x);
  FOVEA_TRY(check_workspace(op, workspace, bytes_of(middle)));
  if (elements(middle) == 0) return FOVEA_OK;  // y has no pixels either
  middle.data = workspace->data;
  ConvJob depthwise{}, pointwise{};
  FOVEA_TRY(make_conv_job(op, params->depthwise, false, *x, prepared->data, middle, &depthwise));
  FOVEA_TRY(make_conv_job(op, p, false, middle, static_cast<const char*>(prepared->data) + first, *y, &pointwise));
  depthwise.bias = float_data(depthwise_bias);
  pointwise.bias = float_data(bias), pointwise.slope = float_data(slope);
  if (residual != nullptr) pointwise.residual = residual->data, pointwise.residual_pitch = residual->pitch;
  return submit(stream, op, [&](cudaStream_t s) {
    const cudaError_t error = conv_launch(depthwise, x->dtype, stream->f32_products, s);
    return error != cudaSuccess ? error : conv_launch(pointwise, x->dtype, stream->f32_products, s);
  });
}
