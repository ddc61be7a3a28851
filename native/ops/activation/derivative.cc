#include "ops/activation/derivative.h"

#include <cmath>

namespace fovea {

double reference_activation_derivative(const fovea_activation_params& p, double x, double slope) {
  if (p.kind == FOVEA_ACTIVATION_NONE) return 1;
  if (std::isnan(x)) return x;
  // sigmoid and its derivative from exp(-|v|), which neither overflows nor cancels.
  const auto sigmoid = [](double v) { return v >= 0 ? 1 / (1 + std::exp(-v)) : std::exp(v) / (1 + std::exp(v)); };
  const auto sigmoid_slope = [](double v) { return std::exp(-std::fabs(v)) / std::pow(1 + std::exp(-std::fabs(v)), 2); };
  const double alpha = static_cast<double>(p.alpha), beta = static_cast<double>(p.beta);
  // What is multiplied with x below vanishes faster than x grows: a large number instead of infinity gives the limit.
  const double c = std::fmin(std::fmax(x, -1e30), 1e30);
  switch (p.kind) {
    case FOVEA_ACTIVATION_RELU:
      return x > 0;
    case FOVEA_ACTIVATION_RELU6:
      return x > 0 && x < 6;
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return x > 0 ? 1 : alpha;
    case FOVEA_ACTIVATION_PRELU:
      return x > 0 ? 1 : slope;
    case FOVEA_ACTIVATION_SIGMOID:
      return sigmoid_slope(x);
    case FOVEA_ACTIVATION_TANH:
      return 4 * sigmoid_slope(2 * x);
    case FOVEA_ACTIVATION_SILU:
      return sigmoid(x) + c * sigmoid_slope(x);
    case FOVEA_ACTIVATION_MISH: {
      const double t = std::tanh(std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))));
      return t + c * (1 - t * t) * sigmoid(x);
    }
    case FOVEA_ACTIVATION_GELU:
      return 0.5 * std::erfc(-x * 0.70710678118654752) + c * 0.39894228040143268 * std::exp(-0.5 * x * x);
    case FOVEA_ACTIVATION_GELU_TANH: {
      const double u = 1.5957691216057307 * (x + 0.044715 * x * x * x);  // (1 + tanh(u / 2)) / 2 = sigmoid(u)
      return sigmoid(u) + c * 1.5957691216057307 * (1 + 0.134145 * c * c) * sigmoid_slope(u);
    }
    case FOVEA_ACTIVATION_HARD_SIGMOID:
      return alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0;
    case FOVEA_ACTIVATION_HARD_SWISH:
      return x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1;
    case FOVEA_ACTIVATION_ELU:
      return x > 0 ? 1 : alpha * std::exp(x);
    case FOVEA_ACTIVATION_SELU:
      return beta * (x > 0 ? 1 : alpha * std::exp(x));
    case FOVEA_ACTIVATION_SOFTPLUS:
      return sigmoid(x);
    case FOVEA_ACTIVATION_SOFTSIGN:
      return 1 / ((1 + std::fabs(x)) * (1 + std::fabs(x)));
    default:
      return x >= alpha && x <= beta;  // CLAMP
  }
}

}  // namespace fovea
