// The losses and their slopes by x, for vectors and GPUs. Everything is built from softplus(x) = -log(1 - p) and softplus(-x) =
// -log p with p = sigmoid(x): these keep their digits where p is so near 0 or 1 that 1 - p has none, and a power of p or 1 - p
// is exp of a multiple of them.
#pragma once

#include "core/numbers.h"
#include "fovea/training.h"

namespace fovea {

template <class T>
struct LossAt {
  T loss, slope;
};

// p, 1 - p and their negative logarithms.
template <class T>
struct Probability {
  T p, q, minus_log_p, minus_log_q;
};

// q^exponent * -log p and its slope by x; with p and q exchanged, the same of the logit -x and the slope by -x.
template <class T>
FOVEA_FORMULA LossAt<T> focal_half(const T& exponent, const T& p, const T& q, const T& minus_log_p, const T& minus_log_q) {
  using namespace numbers;
  const T none = Number<T>::of(0), power = exp(none - exponent * minus_log_q);
  return {power * minus_log_p, none - power * (exponent * p * minus_log_p + q)};
}

// positive * the half of p + negative * the half of 1 - p.
template <class T>
FOVEA_FORMULA LossAt<T> focal(const T& exponent, const T& positive, const T& negative, const Probability<T>& s) {
  const LossAt<T> yes = focal_half(exponent, s.p, s.q, s.minus_log_p, s.minus_log_q);
  const LossAt<T> no = focal_half(exponent, s.q, s.p, s.minus_log_q, s.minus_log_p);
  return {positive * yes.loss + negative * no.loss, positive * yes.slope - negative * no.slope};
}

// The kinds that take logits; t in [0, 1].
template <class T>
FOVEA_FORMULA LossAt<T> logit_loss(const fovea_pointwise_loss_params& params, const Probability<T>& s, const T& t) {
  using namespace numbers;
  const T none = Number<T>::of(0), one = Number<T>::of(1), rest = one - t;
  const T alpha = Number<T>::of(static_cast<double>(params.alpha)), gamma = Number<T>::of(static_cast<double>(params.gamma));
  const T bce = t * s.minus_log_p + rest * s.minus_log_q, away = rest * s.p - t * s.q;  // away = p - t
  switch (params.kind) {
    case FOVEA_LOSS_BCE:
      return {bce, away};
    case FOVEA_LOSS_FOCAL:
      return params.alpha < 0 ? focal(gamma, t, rest, s) : focal(gamma, t * alpha, rest * (one - alpha), s);
    case FOVEA_LOSS_QUALITY_FOCAL: {
      // |p - t|^gamma; its slope at p = t is 0, also where an exponent below 1 has none.
      const T distance = abs(away), weight = params.gamma == 0 ? one : power(distance, static_cast<double>(params.gamma));
      const T slope = gamma * weight * ratio(s.p * s.q, distance);
      return {weight * bce, weight * away + select(away > none, slope, none - slope) * bce};
    }
    case FOVEA_LOSS_VARIFOCAL: {
      const T weight = alpha * exp(none - gamma * s.minus_log_p);
      const auto positive = t > none;
      return {select(positive, t, weight) * bce, select(positive, t * away, weight * (gamma * s.q * bce + away))};
    }
    default: {  // HEAT_MAP
      const auto peak = t == one;
      const T negative = select(peak, none, power(rest, static_cast<double>(params.beta)));
      return focal(alpha, select(peak, one, none), negative, s);
    }
  }
}

// SMOOTH_L1 and SQUARED. A NaN stays one, also as sign.
template <class T>
FOVEA_FORMULA LossAt<T> distance_loss(const fovea_pointwise_loss_params& params, const T& x, const T& t) {
  using namespace numbers;
  const T none = Number<T>::of(0), one = Number<T>::of(1), half = Number<T>::of(0.5), d = x - t;
  if (params.kind == FOVEA_LOSS_SQUARED) return {d * d, d + d};
  const T beta = Number<T>::of(static_cast<double>(params.beta)), size = abs(d);
  const T sign = select(d > none, one, select(none > d, none - one, d));
  const auto near = beta > size;
  return {select(near, half * d * d / beta, size - half * beta), select(near, d / beta, sign)};
}

}  // namespace fovea
