#include "ops/softmax_backward/softmax_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(softmax_backward, const SoftmaxBackwardJob&)

namespace {

// One line of n elements.
void line(const SoftmaxBackwardJob& j, const float* y, int64_t y_stride, const float* dy, int64_t dy_stride, float* dx,
          int64_t dx_stride, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += static_cast<double>(dy[i * dy_stride]) * (j.log ? 1 : static_cast<double>(y[i * y_stride]));
  for (int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<double>(y[i * y_stride]), gradient = static_cast<double>(dy[i * dy_stride]);
    dx[i * dx_stride] = static_cast<float>(j.log ? gradient - std::exp(value) * sum : value * (gradient - sum));
  }
}

void softmax_backward_reference(const SoftmaxBackwardJob& j) {
  const AxisView& v = j.view;
  const int64_t outer = live_outer(v), axis = live_axis(v), rows = v.is_last ? 1 : v.inner_rows;
  const int64_t columns = v.is_last ? 1 : v.columns;
  const auto stride = [&](int64_t pitch) { return v.is_last ? 1 : rows * pitch; };
  const auto start = [&](int64_t o, int64_t r, int64_t pitch) { return v.is_last ? o * pitch : axis_start(v, o, r, pitch); };
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        line(j, j.y + start(o, r, v.pitch) + c, stride(v.pitch), j.dy + start(o, r, j.dy_pitch) + c, stride(j.dy_pitch),
             j.dx + start(o, r, j.dx_pitch) + c, stride(j.dx_pitch), axis);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_softmax_backward(const fovea_softmax_params* params, const fovea_tensor* y,
                                               const fovea_tensor* dy, const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "softmax_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "y", y, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, y->dtype, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, y->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "y", *y, "dy", *dy));
  FOVEA_TRY(check_same_shape(op, "y", *y, "dx", *dx));
  FOVEA_CHECK(params->axis >= -y->rank && params->axis < y->rank, "%s: axis %d is outside of %s", op, params->axis,
              describe(*y));
  FOVEA_TRY(check_no_overlap(op, "y", *y, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, true));
  FOVEA_FORWARD(stream, fovea_softmax_backward, params, y, dy, dx, stream);
  if (elements(*y) == 0) return FOVEA_OK;
  SoftmaxBackwardJob job = plan_softmax_backward(*params, *y, *dy, *dx);
  job.y = static_cast<const float*>(y->data);
  job.dy = static_cast<const float*>(dy->data);
  job.dx = static_cast<float*>(dx->data);
  return enqueue(
      stream,
      select_isa(softmax_backward_reference, scalar::softmax_backward, avx2::softmax_backward, avx512::softmax_backward), job);
}
