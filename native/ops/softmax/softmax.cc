#include "ops/softmax/softmax.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(softmax, const SoftmaxJob&)

namespace {

// One line of n elements, `stride` apart.
void softmax_line(const float* x, int64_t x_stride, float* y, int64_t y_stride, int64_t n, bool log) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; ++i) max = std::fmax(max, static_cast<double>(x[i * x_stride]));
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i * x_stride]) - max);
  for (int64_t i = 0; i < n; ++i) {
    const double shifted = static_cast<double>(x[i * x_stride]) - max;
    y[i * y_stride] = static_cast<float>(log ? shifted - std::log(sum) : std::exp(shifted) / sum);
  }
}

void softmax_reference(const SoftmaxJob& j) {
  const AxisView& v = j.view;
  const int64_t outer = live_outer(v), axis = live_axis(v);
  for (int64_t o = 0; o < outer; ++o) {
    if (v.is_last) {
      softmax_line(j.x + o * v.pitch, 1, j.y + o * j.y_pitch, 1, axis, j.log);
      continue;
    }
    for (int64_t r = 0; r < v.inner_rows; ++r)
      for (int64_t c = 0; c < v.columns; ++c)
        softmax_line(j.x + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch, j.y + axis_start(v, o, r, j.y_pitch) + c,
                     v.inner_rows * j.y_pitch, axis, j.log);
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_softmax(const fovea_softmax_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                      fovea_stream* stream) {
  constexpr const char* op = "softmax";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_CHECK(params->axis >= -x->rank && params->axis < x->rank, "%s: axis %d is outside of %s", op, params->axis,
              describe(*x));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_softmax, params, x, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  const int axis = params->axis < 0 ? params->axis + x->rank : params->axis;
  SoftmaxJob job{static_cast<const float*>(x->data), static_cast<float*>(y->data), axis_view(*x, axis), y->pitch,
                 params->log != 0};
  if (!job.view.is_last && contiguous(*x) && contiguous(*y)) {
    // One long row behind the axis: fuller vectors.
    job.view.columns *= job.view.inner_rows;
    job.view.inner_rows = 1;
    job.view.pitch = job.y_pitch = job.view.columns;
  }
  return enqueue(stream, select_isa(softmax_reference, scalar::softmax, avx2::softmax, avx512::softmax), job);
}
