#include "ops/pointwise_loss/pointwise_loss.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(pointwise_loss, const PointwiseLossJob&)
FOVEA_DECLARE_BODIES(pointwise_loss_backward, const PointwiseLossJob&)

namespace {

double softplus(double x) { return std::isnan(x) ? x : std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double sigmoid(double x) { return std::exp(-softplus(-x)); }

// (1 - t)^beta for t < 1; unlike pow it makes no 1 of a NaN.
double distance_from_peak(double t, double beta) { return std::exp(beta * std::log(1 - t)); }

struct Params {
  int32_t kind;
  double alpha, beta, gamma;
};

double loss_of(const Params& k, double x, double t) {
  const double p = sigmoid(x), q = sigmoid(-x), bce = t * softplus(-x) + (1 - t) * softplus(x), d = std::fabs(x - t);
  const double yes = k.alpha < 0 ? 1 : k.alpha, no = k.alpha < 0 ? 1 : 1 - k.alpha;
  switch (k.kind) {
    case FOVEA_LOSS_BCE:
      return bce;
    case FOVEA_LOSS_FOCAL:
      return t * yes * std::pow(q, k.gamma) * softplus(-x) + (1 - t) * no * std::pow(p, k.gamma) * softplus(x);
    case FOVEA_LOSS_QUALITY_FOCAL:
      return std::pow(std::fabs((1 - t) * p - t * q), k.gamma) * bce;
    case FOVEA_LOSS_VARIFOCAL:
      return (t > 0 ? t : k.alpha * std::pow(p, k.gamma)) * bce;
    case FOVEA_LOSS_HEAT_MAP:
      return t == 1 ? std::pow(q, k.alpha) * softplus(-x) : distance_from_peak(t, k.beta) * std::pow(p, k.alpha) * softplus(x);
    case FOVEA_LOSS_SMOOTH_L1:
      return d < k.beta ? 0.5 * d * d / k.beta : d - 0.5 * k.beta;
    default:  // SQUARED
      return d * d;
  }
}

// By the product rule; d p / dx = p q, d softplus(x) / dx = p, d softplus(-x) / dx = -q.
double slope_of(const Params& k, double x, double t) {
  const double p = sigmoid(x), q = sigmoid(-x), bce = t * softplus(-x) + (1 - t) * softplus(x), away = (1 - t) * p - t * q;
  const double yes = k.alpha < 0 ? 1 : k.alpha, no = k.alpha < 0 ? 1 : 1 - k.alpha, d = x - t;
  const auto rising = [&](double e) { return std::pow(p, e) * (e * q * softplus(x) + p); };     // of p^e softplus(x)
  const auto falling = [&](double e) { return -std::pow(q, e) * (e * p * softplus(-x) + q); };  // of q^e softplus(-x)
  switch (k.kind) {
    case FOVEA_LOSS_BCE:
      return away;
    case FOVEA_LOSS_FOCAL:
      return t * yes * falling(k.gamma) + (1 - t) * no * rising(k.gamma);
    case FOVEA_LOSS_QUALITY_FOCAL: {
      if (away == 0 && k.gamma > 0) return 0;
      const double weight = std::pow(std::fabs(away), k.gamma);
      return weight * away + (k.gamma == 0 ? 0 : k.gamma * weight / away * p * q * bce);
    }
    case FOVEA_LOSS_VARIFOCAL:
      return t > 0 ? t * away : k.alpha * std::pow(p, k.gamma) * (k.gamma * q * bce + away);
    case FOVEA_LOSS_HEAT_MAP:
      return t == 1 ? falling(k.alpha) : distance_from_peak(t, k.beta) * rising(k.alpha);
    case FOVEA_LOSS_SMOOTH_L1:
      return std::fabs(d) < k.beta ? d / k.beta : d > 0 ? 1 : d < 0 ? -1 : d;
    default:  // SQUARED
      return 2 * d;
  }
}

template <bool kBackward>
void pointwise_loss_reference(const PointwiseLossJob& j) {
  const Params params{j.params.kind, static_cast<double>(j.params.alpha), static_cast<double>(j.params.beta),
                      static_cast<double>(j.params.gamma)};
  const int64_t count = live_rows(j.live, j.layout.leading) * j.layout.inner;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < j.layout.width; ++c) {
      const auto x = static_cast<double>(j.x[r * j.x_pitch + c]), t = static_cast<double>(j.target[r * j.target_pitch + c]);
      const double y =
          kBackward ? static_cast<double>(j.d_losses[r * j.d_pitch + c]) * slope_of(params, x, t) : loss_of(params, x, t);
      j.y[r * j.y_pitch + c] = static_cast<float>(y);
    }
}

// A parameter that the kind reads: finite, and not negative unless `any_sign`.
fovea_status check_param(const char* op, const char* name, float value, bool any_sign) {
  const auto v = static_cast<double>(value);
  FOVEA_CHECK(std::isfinite(v) && (any_sign || v >= 0), "%s: %s is %g, it must %s", op, name, v,
              any_sign ? "be finite" : "not be negative");
  return FOVEA_OK;
}

// The arguments that forward and backward share.
fovea_status check_common(const char* op, const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                          const fovea_tensor* target, const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const int32_t kind = params->kind;
  FOVEA_CHECK(kind >= FOVEA_LOSS_BCE && kind <= FOVEA_LOSS_SQUARED, "%s: unknown loss %d", op, kind);
  if (kind >= FOVEA_LOSS_FOCAL && kind <= FOVEA_LOSS_VARIFOCAL) FOVEA_TRY(check_param(op, "gamma", params->gamma, false));
  if (kind == FOVEA_LOSS_FOCAL || kind == FOVEA_LOSS_VARIFOCAL || kind == FOVEA_LOSS_HEAT_MAP)
    FOVEA_TRY(check_param(op, "alpha", params->alpha, kind == FOVEA_LOSS_FOCAL));
  if (kind == FOVEA_LOSS_HEAT_MAP || kind == FOVEA_LOSS_SMOOTH_L1) FOVEA_TRY(check_param(op, "beta", params->beta, false));
  FOVEA_TRY(check_tensor(op, "x", x, kAnyRank, kF32, stream));
  FOVEA_TRY(check_tensor(op, "target", target, kAnyRank, kF32, stream));
  return check_same_shape(op, "x", *x, "target", *target);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_pointwise_loss(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                             const fovea_tensor* target, const fovea_tensor* losses, fovea_stream* stream) {
  constexpr const char* op = "pointwise_loss";
  FOVEA_TRY(check_common(op, params, x, target, stream));
  FOVEA_TRY(check_tensor(op, "losses", losses, kAnyRank, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "losses", *losses));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "losses", *losses, false));
  FOVEA_TRY(check_no_overlap(op, "target", *target, "losses", *losses, false));
  FOVEA_FORWARD(stream, fovea_pointwise_loss, params, x, target, losses, stream);
  return enqueue(
      stream, select_isa(pointwise_loss_reference<false>, scalar::pointwise_loss, avx2::pointwise_loss, avx512::pointwise_loss),
      pointwise_loss_job(*params, *x, *target, nullptr, *losses));
}

extern "C" fovea_status fovea_pointwise_loss_backward(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                                      const fovea_tensor* target, const fovea_tensor* d_losses,
                                                      const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "pointwise_loss_backward";
  FOVEA_TRY(check_common(op, params, x, target, stream));
  FOVEA_TRY(check_tensor(op, "d_losses", d_losses, kAnyRank, kF32, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "d_losses", *d_losses));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, true));
  FOVEA_TRY(check_no_overlap(op, "target", *target, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "d_losses", *d_losses, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_pointwise_loss_backward, params, x, target, d_losses, dx, stream);
  return enqueue(stream,
                 select_isa(pointwise_loss_reference<true>, scalar::pointwise_loss_backward, avx2::pointwise_loss_backward,
                            avx512::pointwise_loss_backward),
                 pointwise_loss_job(*params, *x, *target, d_losses, *dx));
}
