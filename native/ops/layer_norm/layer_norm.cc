#include "ops/layer_norm/layer_norm.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(layer_norm, const LayerNormJob&)

void layer_norm_row(const LayerNormJob& j, const float* v, float* y, int64_t n) {
  double mean = 0, squares = 0;
  if (!j.rms) {
    for (int64_t i = 0; i < n; ++i) mean += static_cast<double>(v[i]);
    mean /= static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) squares += (static_cast<double>(v[i]) - mean) * (static_cast<double>(v[i]) - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(n) + static_cast<double>(j.epsilon));
  for (int64_t i = 0; i < n; ++i) {
    const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[i]);
    const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[i]);
    y[i] = static_cast<float>((static_cast<double>(v[i]) - mean) / deviation * gamma + beta);
  }
}

namespace {

void layer_norm_reference(const LayerNormJob& j) {
  const int64_t rows = live_outer(j.view), n = live_axis(j.view);
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = j.x + r * j.view.pitch;
    float* y = j.y + r * j.y_pitch;
    float* v = j.sum == nullptr ? y : j.sum + r * j.sum_pitch;
    for (int64_t i = 0; i < n; ++i) v[i] = j.residual == nullptr ? x[i] : x[i] + j.residual[r * j.residual_pitch + i];
    layer_norm_row(j, v, y, n);
  }
}

const float* data(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); }
int64_t pitch(const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; }

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_layer_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* residual,
                                         const fovea_tensor* gamma, const fovea_tensor* beta, const fovea_tensor* sum,
                                         const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "layer_norm";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->epsilon >= 0 && std::isfinite(params->epsilon), "%s: epsilon is %g, it must be finite and not negative",
              op, static_cast<double>(params->epsilon));
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_CHECK(x->rank >= 1, "%s: x is %s, there is no dimension to normalise over", op, describe(*x));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_channel_vector(op, "gamma", gamma, last(*x), stream));
  FOVEA_TRY(check_channel_vector(op, "beta", beta, last(*x), stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  if (gamma != nullptr) FOVEA_TRY(check_no_overlap(op, "gamma", *gamma, "y", *y, false));
  if (beta != nullptr) FOVEA_TRY(check_no_overlap(op, "beta", *beta, "y", *y, false));
  if (residual != nullptr) {
    FOVEA_TRY(check_tensor(op, "residual", residual, kAnyRank, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "x", *x, "residual", *residual));
    FOVEA_TRY(check_no_overlap(op, "residual", *residual, "y", *y, false));
  }
  if (sum != nullptr) {
    FOVEA_TRY(check_tensor(op, "sum", sum, kAnyRank, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "x", *x, "sum", *sum));
    FOVEA_TRY(check_no_overlap(op, "x", *x, "sum", *sum, false));
    FOVEA_TRY(check_no_overlap(op, "sum", *sum, "y", *y, false));
    if (residual != nullptr) FOVEA_TRY(check_no_overlap(op, "residual", *residual, "sum", *sum, true));
    if (gamma != nullptr) FOVEA_TRY(check_no_overlap(op, "gamma", *gamma, "sum", *sum, false));
    if (beta != nullptr) FOVEA_TRY(check_no_overlap(op, "beta", *beta, "sum", *sum, false));
  }
  FOVEA_FORWARD(stream, fovea_layer_norm, params, x, residual, gamma, beta, sum, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  const LayerNormJob job{data(x),
                         data(residual),
                         data(gamma),
                         data(beta),
                         sum == nullptr ? nullptr : static_cast<float*>(sum->data),
                         static_cast<float*>(y->data),
                         axis_view(*x, x->rank - 1),
                         pitch(residual),
                         pitch(sum),
                         y->pitch,
                         params->epsilon,
                         params->rms != 0};
  return enqueue(stream, select_isa(layer_norm_reference, scalar::layer_norm, avx2::layer_norm, avx512::layer_norm), job);
}
