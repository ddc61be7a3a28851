// Transposed layers run conv2d's kernels in their transposed geometry: every output gathers the taps that meet it.
#include "ops/conv2d/conv2d_device.h"

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_conv_transpose2d_prepared_bytes(fovea_device*, const fovea_conv_transpose2d_params* params,
                                                              int64_t* bytes) {
  *bytes = conv_packed_bytes(params->conv);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv_transpose2d_prepare(const fovea_conv_transpose2d_params* params, const fovea_tensor* weights,
                                                       const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv_transpose2d_prepare";
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(params->conv)));
  return submit(stream, op, [&](cudaStream_t s) {
    return conv_pack(params->conv, ConvWeights::kOutputsFirst, conv_source(*weights), prepared->data, s);
  });
}

extern "C" fovea_status fovea_conv_transpose2d_workspace(const fovea_conv_transpose2d_params*, const fovea_tensor*,
                                                         int64_t* bytes) {
  *bytes = 0;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv_transpose2d(const fovea_conv_transpose2d_params* params, const fovea_tensor* x,
                                               const fovea_tensor* prepared, const fovea_tensor* bias,
                                               const fovea_tensor* slope, const fovea_tensor* y, const fovea_workspace*,
                                               fovea_stream* stream) {
  constexpr const char* op = "conv_transpose2d";
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(params->conv)));
  ConvJob job{};
  FOVEA_TRY(make_conv_job(op, params->conv, true, *x, prepared->data, *y, &job));
  job.bias = float_data(bias), job.slope = float_data(slope);
  return submit(stream, op, [&](cudaStream_t s) { return conv_launch(job, x->dtype, stream->f32_products, s); });
}
