#include "ops/unary/unary.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(unary, const UnaryJob&)

void sin_values(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::sin(x[i]);
}
void cos_values(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::cos(x[i]);
}

namespace {

double value(const fovea_unary_params& p, double x) {
  switch (p.op) {
    case FOVEA_UNARY_ABS:
      return std::fabs(x);
    case FOVEA_UNARY_NEG:
      return -x;
    case FOVEA_UNARY_EXP:
      return std::exp(x);
    case FOVEA_UNARY_LOG:
      return std::log(x);
    case FOVEA_UNARY_SQRT:
      return std::sqrt(x);
    case FOVEA_UNARY_RSQRT:
      return 1 / std::sqrt(x);
    case FOVEA_UNARY_RECIPROCAL:
      return 1 / x;
    case FOVEA_UNARY_SQUARE:
      return x * x;
    case FOVEA_UNARY_FLOOR:
      return std::floor(x);
    case FOVEA_UNARY_CEIL:
      return std::ceil(x);
    case FOVEA_UNARY_ROUND:
      return std::nearbyint(x);
    case FOVEA_UNARY_SIGN:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case FOVEA_UNARY_SIN:
      return std::sin(x);
    case FOVEA_UNARY_COS:
      return std::cos(x);
    case FOVEA_UNARY_ERF:
      return std::erf(x);
    default:
      return static_cast<double>(p.alpha) * x + static_cast<double>(p.beta);
  }
}

void unary_reference(const UnaryJob& j) {
  const int64_t count = live_rows(j.live, j.layout.leading) * j.layout.inner;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < j.layout.width; ++c)
      j.y[r * j.y_pitch + c] = static_cast<float>(value(j.params, static_cast<double>(j.x[r * j.x_pitch + c])));
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_unary(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                    fovea_stream* stream) {
  constexpr const char* op = "unary";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->op >= FOVEA_UNARY_ABS && params->op <= FOVEA_UNARY_AFFINE, "%s: unknown operation %d", op, params->op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_unary, params, x, y, stream);
  const UnaryJob job{static_cast<const float*>(x->data),
                     static_cast<float*>(y->data),
                     row_layout(*x),
                     row_pitch(*x),
                     row_pitch(*y),
                     row_live(*x),
                     *params};
  return enqueue(stream, select_isa(unary_reference, scalar::unary, avx2::unary, avx512::unary), job);
}
