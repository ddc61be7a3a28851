// The data gradient is the transposed layer from dy to dx with the forward layer's weights.
#include <utility>

#include "ops/conv2d/conv2d_device.h"

namespace fovea::cuda {
namespace {

fovea_conv2d_params backward_layer(const fovea_conv2d_params& forward) {
  fovea_conv2d_params p = forward;
  std::swap(p.in_channels, p.out_channels);
  p.activation = {};
  return p;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_conv2d_backward_data_prepared_bytes(fovea_device*, const fovea_conv2d_params* params,
                                                                  int64_t* bytes) {
  *bytes = conv_packed_bytes(backward_layer(*params));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_backward_data_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                                           const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_data_prepare";
  const fovea_conv2d_params p = backward_layer(*params);
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(p)));
  return submit(stream, op, [&](cudaStream_t s) {
    return conv_pack(p, ConvWeights::kInputsFirst, conv_source(*weights), prepared->data, s);
  });
}

extern "C" fovea_status fovea_conv2d_backward_data_workspace(const fovea_conv2d_params*, const fovea_tensor*,
                                                             const fovea_tensor*, int64_t* bytes) {
  *bytes = 0;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_backward_data(const fovea_conv2d_params* params, const fovea_tensor* dy,
                                                   const fovea_tensor* prepared, const fovea_tensor* dx, const fovea_workspace*,
                                                   fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_data";
  const fovea_conv2d_params p = backward_layer(*params);
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(p)));
  ConvJob job{};
  FOVEA_TRY(make_conv_job(op, p, true, *dy, prepared->data, *dx, &job));
  return submit(stream, op, [&](cudaStream_t s) { return conv_launch(job, dy->dtype, stream->f32_products, s); });
}
