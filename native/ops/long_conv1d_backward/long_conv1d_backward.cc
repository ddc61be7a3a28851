#include "ops/long_conv1d_backward/long_conv1d_backward.h"

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(long_conv1d_backward, const LongConv1dBackwardJob&)

namespace {

void long_conv1d_backward_reference(const LongConv1dBackwardJob& j) {
  const LongConv1dJob& c = j.conv;
  const auto widen = [](float v) { return static_cast<double>(v); };
  const int64_t rows = live_rows(c.live, c.batch) * c.length;
  for (int64_t d = 0; d < c.channels; ++d) {
    const auto dy = [&](int64_t row) { return widen(j.dy[row * j.dy_pitch + d]); };
    const auto x = [&](int64_t row) { return widen(c.x[row * c.x_pitch + d]); };
    for (int64_t row = 0; j.dx != nullptr && row < rows; ++row) {
      double sum = c.skip == nullptr ? 0.0 : widen(c.skip[d]) * dy(row);
      for (int64_t k = 0; k < c.taps && row % c.length + k < c.length; ++k)
        sum += widen(c.kernel[d * c.kernel_pitch + k]) * dy(row + k);
      j.dx[row * j.dx_pitch + d] = static_cast<float>(sum);
    }
    for (int64_t k = 0; j.d_kernel != nullptr && k < j.kernel_size; ++k) {
      double sum = 0;
      for (int64_t row = 0; row < rows; ++row)
        if (row % c.length >= k) sum += dy(row) * x(row - k);
      j.d_kernel[d * j.d_kernel_pitch + k] = static_cast<float>(sum);
    }
    double sum = 0;
    for (int64_t row = 0; row < rows; ++row) sum += dy(row) * x(row);
    if (j.d_skip != nullptr) j.d_skip[d] = static_cast<float>(sum);
  }
}

int64_t workspace_bytes(const LongConv1dJob& conv) {
  const LongConv1dScratch scratch = long_conv1d_backward_scratch(conv);
  return (scratch.shared + conv.threads * scratch.each) * static_cast<int64_t>(sizeof(float));
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_long_conv1d_backward_workspace(const fovea_tensor* x, const fovea_tensor* kernel,
                                                             int64_t* bytes) {
  constexpr const char* op = "long_conv1d_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_long_conv1d_shapes(op, x, kernel));
  FOVEA_FORWARD_TENSOR(x, fovea_long_conv1d_backward_workspace, x, kernel, bytes);
  LongConv1dJob job = long_conv1d_job(*x, *kernel, nullptr, *x);
  job.threads = pool_threads();
  *bytes = workspace_bytes(job);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_long_conv1d_backward(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                                   const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* d_kernel,
                                                   const fovea_tensor* d_skip, const fovea_workspace* workspace,
                                                   fovea_stream* stream) {
  constexpr const char* op = "long_conv1d_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_long_conv1d_inputs(op, x, kernel, skip, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  const NamedTensor inputs[] = {{"x", x}, {"kernel", kernel}, {"skip", skip}, {"dy", dy}};
  const NamedTensor gradients[] = {{"dx", dx}, {"d_kernel", d_kernel}, {"d_skip", d_skip}};
  FOVEA_TRY(check_gradients(op, inputs, gradients, stream));
  FOVEA_FORWARD(stream, fovea_long_conv1d_backward, x, kernel, skip, dy, dx, d_kernel, d_skip, workspace, stream);
  if (x->shape[2] == 0) return FOVEA_OK;
  LongConv1dJob conv = long_conv1d_job(*x, *kernel, skip, *x);
  conv.threads = pool_threads();
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(conv)));
  conv.scratch = workspace == nullptr ? nullptr : static_cast<float*>(workspace->data);
  return enqueue(stream,
                 select_isa(long_conv1d_backward_reference, scalar::long_conv1d_backward, avx2::long_conv1d_backward,
                            avx512::long_conv1d_backward),
                 long_conv1d_backward_job(conv, *kernel, *dy, {dx, d_kernel, d_skip}));
}
