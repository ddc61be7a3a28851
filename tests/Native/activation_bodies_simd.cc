#include "activation_bodies.h"

#include "ops/activation/activation_simd.h"

namespace fovea_test::FOVEA_ISA_NAMESPACE {

using namespace fovea::FOVEA_ISA_NAMESPACE;

namespace {

template <class Function>
void map(const float* x, float* y, int64_t n, const Function& function) {
  for (int64_t k = 0; k < n; k += kLanes) store_upto(y + k, function(load_upto(x + k, n - k)), n - k);
}

template <int32_t kKind>
F activate(F x) {
  return activation<kKind>(fovea_activation_params{}, x, zero());
}

}  // namespace

void elementary(Elementary function, const float* x, float* y, int64_t n) {
  switch (function) {
    case Elementary::kExp:
      return map(x, y, n, [](F v) { return exp(v); });
    case Elementary::kExpBounded:
      return map(x, y, n, [](F v) { return exp_bounded(v); });
    case Elementary::kExpNegative:
      return map(x, y, n, [](F v) { return exp_negative(v); });
    case Elementary::kExp2Bounded:
      return map(x, y, n, [](F v) { return exp2_bounded(v); });
    case Elementary::kLog:
      return map(x, y, n, [](F v) { return log_positive(v); });
    case Elementary::kSoftplus:
      return map(x, y, n, [](F v) { return softplus(v); });
    case Elementary::kExpm1:
      return map(x, y, n, [](F v) { return expm1_negative(v); });
    case Elementary::kErf:
      return map(x, y, n, [](F v) { return erf(v); });
    case Elementary::kSigmoid:
      return map(x, y, n, activate<FOVEA_ACTIVATION_SIGMOID>);
    case Elementary::kTanh:
      return map(x, y, n, activate<FOVEA_ACTIVATION_TANH>);
    case Elementary::kSilu:
      return map(x, y, n, activate<FOVEA_ACTIVATION_SILU>);
    case Elementary::kGelu:
      return map(x, y, n, activate<FOVEA_ACTIVATION_GELU>);
    case Elementary::kGeluTanh:
      return map(x, y, n, activate<FOVEA_ACTIVATION_GELU_TANH>);
    default:
      return map(x, y, n, activate<FOVEA_ACTIVATION_MISH>);
  }
}

}  // namespace fovea_test::FOVEA_ISA_NAMESPACE
