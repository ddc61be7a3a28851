// ABI entries of conv2d_backward_data: dx is the transposed convolution of dy with the forward layer's weights.
#include <algorithm>

#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/conv2d_backward/conv2d_backward.h"
#include "ops/conv_transpose2d/conv_transpose2d.h"

namespace fovea {
namespace {

fovea_status make_layer(const char* op, const fovea_conv2d_params* params, TransposedLayer* layer) {
  FOVEA_TRY(check_conv2d_params(op, params));
  fovea_conv2d_params p = *params;
  std::swap(p.in_channels, p.out_channels);
  p.activation = {};
  FOVEA_TRY(check_conv2d_params(op, &p));
  *layer = {op, p, 0, 0, Conv2dWeightOrder::kBackward};
  return FOVEA_OK;
}

}  // namespace

fovea_status check_backward_shapes(const char* op, const fovea_conv2d_params& p, const char* x_name, const fovea_tensor& x,
                                   const fovea_tensor& dy) {
  constexpr int64_t kMaxElements = int64_t{1} << 46;
  for (const fovea_tensor* t : {&x, &dy}) {
    const char* name = t == &x ? x_name : "dy";
    FOVEA_CHECK(t->rank == 4, "%s: %s must have rank 4, it has %d", op, name, t->rank);
    int64_t n = 1;
    for (int i = 0; i < 4; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0 && t->shape[i] <= kMaxElements && (t->shape[i] == 0 || n <= kMaxElements / t->shape[i]),
                  "%s: %s is too large or negative: %s", op, name, describe(*t));
      n *= std::max<int64_t>(t->shape[i], 1);
    }
  }
  FOVEA_CHECK(x.shape[3] == p.in_channels, "%s: weight has %d input channels, %s has %lld", op, p.in_channels, x_name,
              static_cast<long long>(x.shape[3]));
  const int64_t height = conv2d_output(x.shape[1], int64_t{p.pad_top} + p.pad_bottom, p.kernel_h, p.stride_h, p.dilation_h);
  const int64_t width = conv2d_output(x.shape[2], int64_t{p.pad_left} + p.pad_right, p.kernel_w, p.stride_w, p.dilation_w);
  FOVEA_CHECK(dy.shape[0] == x.shape[0] && dy.shape[1] == height && dy.shape[2] == width && dy.shape[3] == p.out_channels,
              "%s: dy is %s, expected [%lld, %lld, %lld, %d] for %s %s", op, describe(dy), static_cast<long long>(x.shape[0]),
              static_cast<long long>(height), static_cast<long long>(width), p.out_channels, x_name, describe(x));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_conv2d_backward_data_prepared_bytes(fovea_device* device, const fovea_conv2d_params* params,
                                                                  int64_t* bytes) {
  constexpr const char* op = "conv2d_backward_data_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_FORWARD(device, fovea_conv2d_backward_data_prepared_bytes, device, params, bytes);
  return transposed_prepared_bytes(layer, bytes);
}

extern "C" fovea_status fovea_conv2d_backward_data_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                                           const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_data_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_TRY(check_transposed_weights(layer, weights, prepared, stream));
  FOVEA_FORWARD(stream, fovea_conv2d_backward_data_prepare, params, weights, prepared, stream);
  return transposed_prepare(layer, weights, prepared, stream);
}

extern "C" fovea_status fovea_conv2d_backward_data_workspace(const fovea_conv2d_params* params, const fovea_tensor* dy,
                                                             const fovea_tensor* dx, int64_t* bytes) {
  constexpr const char* op = "conv2d_backward_data_workspace";
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_CHECK(dy != nullptr, "%s: dy is NULL", op);
  FOVEA_CHECK(dx != nullptr, "%s: dx is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_backward_shapes(op, *params, "dx", *dx, *dy));
  FOVEA_FORWARD_TENSOR(dy, fovea_conv2d_backward_data_workspace, params, dy, dx, bytes);
  return transposed_workspace(layer, *dy, dx->shape[1], dx->shape[2], bytes);
}

extern "C" fovea_status fovea_conv2d_backward_data(const fovea_conv2d_params* params, const fovea_tensor* dy,
                                                   const fovea_tensor* prepared, const fovea_tensor* dx,
                                                   const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_data";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  TransposedLayer layer;
  FOVEA_TRY(make_layer(op, params, &layer));
  FOVEA_TRY(check_float_tensor(op, "dy", dy, 4, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, 4, dy->dtype, stream));
  FOVEA_TRY(check_backward_shapes(op, *params, "dx", *dx, *dy));
  FOVEA_TRY(check_transposed(layer, dy, prepared, nullptr, nullptr, dx, stream));
  FOVEA_FORWARD(stream, fovea_conv2d_backward_data, params, dy, prepared, dx, workspace, stream);
  return transposed_run(layer, dy, prepared, nullptr, nullptr, dx, workspace, stream);
}
