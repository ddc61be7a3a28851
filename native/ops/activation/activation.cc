#include "ops/activation/activation.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(activate, const ActivateJob&)

double reference_activation(const fovea_activation_params& p, double x, double slope) {
  const auto sigmoid = [](double v) { return v >= 0 ? 1 / (1 + std::exp(-v)) : std::exp(v) / (1 + std::exp(v)); };
  const auto softplus = [](double v) { return std::fmax(v, 0.0) + std::log1p(std::exp(-std::fabs(v))); };
  const double alpha = static_cast<double>(p.alpha), beta = static_cast<double>(p.beta);
  if (std::isnan(x)) return x;
  switch (p.kind) {
    case FOVEA_ACTIVATION_RELU:
      return std::fmax(x, 0.0);
    case FOVEA_ACTIVATION_RELU6:
      return std::fmin(std::fmax(x, 0.0), 6.0);
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return x >= 0 ? x : alpha * x;
    case FOVEA_ACTIVATION_PRELU:
      return x >= 0 ? x : slope * x;
    case FOVEA_ACTIVATION_SIGMOID:
      return sigmoid(x);
    case FOVEA_ACTIVATION_TANH:
      return std::tanh(x);
    case FOVEA_ACTIVATION_SILU:
      return x * sigmoid(x);
    case FOVEA_ACTIVATION_MISH:
      return x * std::tanh(softplus(x));
    case FOVEA_ACTIVATION_GELU:
      return 0.5 * x * (1 + std::erf(x * 0.70710678118654752));
    case FOVEA_ACTIVATION_GELU_TANH:
      return 0.5 * x * (1 + std::tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    case FOVEA_ACTIVATION_HARD_SIGMOID:
      return std::fmin(std::fmax(alpha * x + beta, 0.0), 1.0);
    case FOVEA_ACTIVATION_HARD_SWISH:
      return x * std::fmin(std::fmax(x / 6 + 0.5, 0.0), 1.0);
    case FOVEA_ACTIVATION_ELU:
      return x > 0 ? x : alpha * std::expm1(x);
    case FOVEA_ACTIVATION_SELU:
      return beta * (x > 0 ? x : alpha * std::expm1(x));
    case FOVEA_ACTIVATION_SOFTPLUS:
      return softplus(x);
    case FOVEA_ACTIVATION_SOFTSIGN:
      return x / (1 + std::fabs(x));
    case FOVEA_ACTIVATION_CLAMP:
      return std::fmin(std::fmax(x, alpha), beta);
    default:
      return x;
  }
}

fovea_status check_activation(const char* op, const fovea_activation_params& p, const fovea_tensor* slope, int64_t channels,
                              const fovea_stream* stream) {
  FOVEA_CHECK(p.kind >= FOVEA_ACTIVATION_NONE && p.kind <= FOVEA_ACTIVATION_CLAMP, "%s: unknown activation %d", op, p.kind);
  FOVEA_CHECK((p.kind == FOVEA_ACTIVATION_PRELU) == (slope != nullptr), "%s: %s", op,
              slope == nullptr ? "PReLU needs a slope per channel" : "only PReLU takes a slope");
  return check_channel_vector(op, "slope", slope, channels, stream);
}

namespace {

void activate_reference(const ActivateJob& j) {
  const int64_t rows = live_activation_rows(j), channels = live_activation_channels(j);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c)
      j.y[r * j.y_pitch + c] = static_cast<float>(reference_activation(
          j.params, static_cast<double>(j.x[r * j.x_pitch + c]), j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[c])));
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_activate(const fovea_activation_params* params, const fovea_tensor* x, const fovea_tensor* slope,
                                       const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "activate";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_activation(op, *params, slope, last(*x), stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_activate, params, x, slope, y, stream);
  const ActivateJob job{static_cast<const float*>(x->data),
                        slope == nullptr ? nullptr : static_cast<const float*>(slope->data),
                        static_cast<float*>(y->data),
                        rows(*x),
                        last(*x),
                        x->pitch,
                        y->pitch,
                        x->live,
                        x->rank > 0 ? x->shape[0] : 1,
                        x->rank == 1,
                        *params};
  return enqueue(stream, select_isa(activate_reference, scalar::activate, avx2::activate, avx512::activate), job);
}
