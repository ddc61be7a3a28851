// ABI entries of conv_transpose2d: the checks of its own, then the shared transposed product.
#include "ops/conv_transpose2d/conv_transpose2d.h"

#include <algorithm>

#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {
namespace {

fovea_status make_layer(const char* op, const fovea_conv_transpose2d_params* params, TransposedLayer* layer) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_conv2d_params& p = params->conv;
  FOVEA_TRY(check_conv2d_params(op, &p));
  FOVEA_CHECK(p.algorithm == FOVEA_CONV2D_AUTO, "%s: algorithm is %d, only AUTO (0) is allowed", op, p.algorithm);
  FOVEA_CHECK(params->output_pad_h >= 0 && params->output_pad_h < std::max(p.stride_h, p.dilation_h),
              "%s: output_pad_h is %d, it must be in [0, max(stride %d, dilation %d))", op, params->output_pad_h, p.stride_h,
              p.dilation_h);
  FOVEA_CHECK(params->output_pad_w >= 0 && params->output_pad_w < std::max(p.stride_w, p.dilation_w),
              "%s: output_pad_w is %d, it must be in [0, max(stride %d, dilation %d))", op, params->output_pad_w, p.stride_w,
              p.dilation_w);
  *layer = {op, p, params->output_pad_h, params->output_pad_w, Conv2dWeightOrder::kFlipped};
  return FOVEA_OK;
}

// Shape of x alone, also for the workspace question, which comes without a stream.
fovea_status check_input(const TransposedLayer& layer, const fovea_tensor& x, int64_t* out_h, int64_t* out_w) {
  const fovea_conv2d_params& p = layer.params;
  constexpr int64_t kMaxElements = int64_t{1} << 46;
  FOVEA_CHECK(x.rank == 4, "%s: x must have rank 4, it has %d", layer.op, x.rank);
  int64_t n = 1;
  for (int i = 0; i < 4; ++i) {
    FOVEA_CHECK(x.shape[i] >= 0 && x.shape[i] <= kMaxElements && (x.shape[i] == 0 || n <= kMaxElements / x.shape[i]),
                "%s: x is too large or negative: %s", layer.op, describe(x));
    n *= std::max<int64_t>(x.shape[i], 1);
  }
  FOVEA_CHECK(x.shape[3] == p.in_channels, "%s: weight has %d input channels, x has %lld", layer.op, p.in_channels,
              static_cast<long long>(x.shape[3]));
  const auto size = [](int64_t in, int64_t stride, int64_t pads, int64_t kernel, int64_t dilation, int64_t extra) {
    return std::max<int64_t>((in - 1) * stride - pads + dilation * (kernel - 1) + 1 + extra, 0);
  };
  *out_h = size(x.shape[1], p.stride_h, int64_t{p.pad_top} + p.pad_bottom, p.kernel_h, p.dilation_h, layer.output_pad_h);
  *out_w = size(x.shape[2], p.stride_w, int64_t{p.pad_left} + p.pad_right, p.kernel_w, p.dilation_w, layer.output_pad_w);
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_conv_transpose2d_prepared_bytes(fovea_device* device, const fovea_conv_transpose2d_params* params,
                                                              int64_t* bytes) {
  constexpr const char* op = "conv_transpose2d_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_FORWARD(device, fovea_conv_transpose2d_prepared_bytes, device, params, bytes);
  return transposed_prepared_bytes(layer, bytes);
}

extern "C" fovea_status fovea_conv_transpose2d_prepare(const fovea_conv_transpose2d_params* params, const fovea_tensor* weights,
                                                       const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv_transpose2d_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_TRY(check_transposed_weights(layer, weights, prepared, stream));
  FOVEA_FORWARD(stream, fovea_conv_transpose2d_prepare, params, weights, prepared, stream);
  return transposed_prepare(layer, weights, prepared, stream);
}

extern "C" fovea_status fovea_conv_transpose2d_workspace(const fovea_conv_transpose2d_params* params, const fovea_tensor* x,
                                                         int64_t* bytes) {
  constexpr const char* op = "conv_transpose2d_workspace";
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  int64_t out_h = 0, out_w = 0;
  FOVEA_TRY(check_input(layer, *x, &out_h, &out_w));
  FOVEA_FORWARD_TENSOR(x, fovea_conv_transpose2d_workspace, params, x, bytes);
  return transposed_workspace(layer, *x, out_h, out_w, bytes);
}

extern "C" fovea_status fovea_conv_transpose2d(const fovea_conv_transpose2d_params* params, const fovea_tensor* x,
                                               const fovea_tensor* prepared, const fovea_tensor* bias,
                                               const fovea_tensor* slope, const fovea_tensor* y,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "conv_transpose2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_TRY(check_float_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, x->dtype, stream));
  int64_t out_h = 0, out_w = 0;
  FOVEA_TRY(check_input(layer, *x, &out_h, &out_w));
  FOVEA_CHECK(
      y->shape[0] == x->shape[0] && y->shape[1] == out_h && y->shape[2] == out_w && y->shape[3] == layer.params.out_channels,
      "%s: y is %s, expected [%lld, %lld, %lld, %d] for x %s", op, describe(*y), static_cast<long long>(x->shape[0]),
      static_cast<long long>(out_h), static_cast<long long>(out_w), layer.params.out_channels, describe(*x));
  FOVEA_TRY(check_transposed(layer, x, prepared, bias, slope, y, stream));
  FOVEA_FORWARD(stream, fovea_conv_transpose2d, params, x, prepared, bias, slope, y, workspace, stream);
  return transposed_run(layer, x, prepared, bias, slope, y, workspace, stream);
}
