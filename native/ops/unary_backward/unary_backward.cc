#include "ops/unary_backward/unary_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(unary_backward, const UnaryBackwardJob&)

namespace {

double derivative(const fovea_unary_params& p, double x) {
  switch (p.op) {
    case FOVEA_UNARY_ABS:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case FOVEA_UNARY_NEG:
      return -1;
    case FOVEA_UNARY_EXP:
      return std::exp(x);
    case FOVEA_UNARY_LOG:
      return 1 / x;
    case FOVEA_UNARY_SQRT:
      return 0.5 / std::sqrt(x);
    case FOVEA_UNARY_RSQRT:
      return -0.5 / (x * std::sqrt(x));
    case FOVEA_UNARY_RECIPROCAL:
      return -1 / (x * x);
    case FOVEA_UNARY_SQUARE:
      return 2 * x;
    case FOVEA_UNARY_SIN:
      return std::cos(x);
    case FOVEA_UNARY_COS:
      return -std::sin(x);
    case FOVEA_UNARY_ERF:
      return 1.1283791670955126 * std::exp(-x * x);
    case FOVEA_UNARY_AFFINE:
      return static_cast<double>(p.alpha);
    default:
      return 0;  // sign, floor, ceil, round
  }
}

void unary_backward_reference(const UnaryBackwardJob& j) {
  const int64_t count = live_rows(j.live, j.layout.leading) * j.layout.inner;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < j.layout.width; ++c) {
      const auto x = static_cast<double>(j.x[r * j.x_pitch + c]), dy = static_cast<double>(j.dy[r * j.dy_pitch + c]);
      j.dx[r * j.dx_pitch + c] = static_cast<float>(dy * derivative(j.params, x));
    }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_unary_backward(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                             const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "unary_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->op >= FOVEA_UNARY_ABS && params->op <= FOVEA_UNARY_AFFINE, "%s: unknown operation %d", op, params->op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, true));
  FOVEA_FORWARD(stream, fovea_unary_backward, params, x, dy, dx, stream);
  const UnaryBackwardJob job{static_cast<const float*>(x->data),
                             static_cast<const float*>(dy->data),
                             static_cast<float*>(dx->data),
                             row_layout(*x),
                             row_pitch(*x),
                             row_pitch(*dy),
                             row_pitch(*dx),
                             row_live(*x),
                             *params};
  return enqueue(
      stream, select_isa(unary_backward_reference, scalar::unary_backward, avx2::unary_backward, avx512::unary_backward), job);
}
