#include "ops/optimizer_step/optimizer_step.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(optimizer_step, const OptimizerJob&)

bool optimizer_scales(const OptimizerJob& j, OptimizerScales* s) {
  const fovea_optimizer_params& p = j.params;
  const double rate = static_cast<double>(j.schedule[0]), step = static_cast<double>(j.schedule[1]);
  const double decay = static_cast<double>(p.weight_decay), beta1 = static_cast<double>(p.beta1),
               beta2 = static_cast<double>(p.beta2);
  const bool adam = p.kind == FOVEA_OPTIMIZER_ADAM || p.kind == FOVEA_OPTIMIZER_ADAMW;
  const bool decoupled = p.kind == FOVEA_OPTIMIZER_ADAMW || p.kind == FOVEA_OPTIMIZER_LION;
  const bool momentum = p.kind == FOVEA_OPTIMIZER_MOMENTUM || p.kind == FOVEA_OPTIMIZER_NESTEROV;
  s->factor = j.schedule[2];
  s->decay = decoupled ? 0.0f : p.weight_decay;
  s->keep = decoupled ? static_cast<float>(1 - rate * decay) : 1.0f;
  s->rate = static_cast<float>(adam ? rate / (1 - std::pow(beta1, step)) : rate);
  s->beta1 = p.beta1;
  s->beta2 = p.beta2;
  s->rest1 = static_cast<float>(1 - (momentum ? static_cast<double>(p.dampening) : beta1));
  s->rest2 = static_cast<float>(1 - beta2);
  s->unbias = adam ? static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, step))) : 1.0f;
  s->epsilon = p.epsilon;
  s->first_step = step <= 1;
  return std::isfinite(s->factor);
}

namespace {

// The formulas of optim.h in double, one element at a time.
void optimizer_step_reference(const OptimizerJob& j) {
  const auto wide = [](float x) { return static_cast<double>(x); };
  const fovea_optimizer_params& params = j.params;
  const double rate = wide(j.schedule[0]), step = wide(j.schedule[1]), factor = wide(j.schedule[2]);
  if (!std::isfinite(factor)) return;
  const double decay = wide(params.weight_decay), beta1 = wide(params.beta1), beta2 = wide(params.beta2);
  const int64_t n = optimizer_count(j);
  for (int64_t i = 0; i < n; ++i) {
    double p = wide(j.parameter[i]), g = wide(j.gradient[i]) * factor;
    switch (params.kind) {
      case FOVEA_OPTIMIZER_SGD:
        p -= rate * (g + decay * p);
        break;
      case FOVEA_OPTIMIZER_MOMENTUM:
      case FOVEA_OPTIMIZER_NESTEROV: {
        g += decay * p;
        const double m = step <= 1 ? g : beta1 * wide(j.first[i]) + (1 - wide(params.dampening)) * g;
        j.first[i] = static_cast<float>(m);
        p -= rate * (params.kind == FOVEA_OPTIMIZER_NESTEROV ? g + beta1 * m : m);
        break;
      }
      case FOVEA_OPTIMIZER_ADAM:
      case FOVEA_OPTIMIZER_ADAMW: {
        if (params.kind == FOVEA_OPTIMIZER_ADAM)
          g += decay * p;
        else
          p *= 1 - rate * decay;
        const double m = beta1 * wide(j.first[i]) + (1 - beta1) * g, v = beta2 * wide(j.second[i]) + (1 - beta2) * g * g;
        j.first[i] = static_cast<float>(m);
        j.second[i] = static_cast<float>(v);
        p -= rate * m / (1 - std::pow(beta1, step)) / (std::sqrt(v / (1 - std::pow(beta2, step))) + wide(params.epsilon));
        break;
      }
      default: {
        const double m = wide(j.first[i]), direction = beta1 * m + (1 - beta1) * g;
        p = p * (1 - rate * decay) - rate * (direction > 0 ? 1 : direction < 0 ? -1 : direction);
        j.first[i] = static_cast<float>(beta2 * m + (1 - beta2) * g);
        break;
      }
    }
    j.parameter[i] = static_cast<float>(p);
  }
}

// A moment buffer that the kind needs, or NULL where it does not.
fovea_status check_moment(const char* op, const char* name, const fovea_tensor* moment, bool needed,
                          const fovea_tensor& parameter, const fovea_stream* stream) {
  FOVEA_CHECK(needed == (moment != nullptr), "%s: %s", op,
              needed ? "this optimizer keeps a moment that is NULL" : "this optimizer keeps no such moment, it must be NULL");
  if (!needed) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, moment, kAnyRank, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "parameter", parameter, name, *moment));
  FOVEA_CHECK(contiguous(*moment), "%s: %s must be contiguous", op, name);
  return check_no_overlap(op, "parameter", parameter, name, *moment, false);
}

fovea_status check_coefficients(const char* op, const fovea_optimizer_params& p) {
  FOVEA_CHECK(p.kind >= FOVEA_OPTIMIZER_SGD && p.kind <= FOVEA_OPTIMIZER_LION, "%s: unknown optimizer %d", op, p.kind);
  for (const float beta : {p.beta1, p.beta2})
    FOVEA_CHECK(beta >= 0 && beta <= 1, "%s: beta is %g, allowed are 0 to 1", op, static_cast<double>(beta));
  FOVEA_CHECK(p.epsilon >= 0 && std::isfinite(p.epsilon), "%s: epsilon is %g, it must be finite and not negative", op,
              static_cast<double>(p.epsilon));
  FOVEA_CHECK(std::isfinite(p.weight_decay) && std::isfinite(p.dampening),
              "%s: weight decay %g and dampening %g must be finite", op, static_cast<double>(p.weight_decay),
              static_cast<double>(p.dampening));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_optimizer_step(const fovea_optimizer_params* params, const fovea_tensor* parameter,
                                             const fovea_tensor* gradient, const fovea_tensor* first,
                                             const fovea_tensor* second, const fovea_tensor* schedule, fovea_stream* stream) {
  constexpr const char* op = "optimizer_step";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_coefficients(op, *params));
  FOVEA_TRY(check_tensor(op, "parameter", parameter, kAnyRank, kF32, stream));
  FOVEA_TRY(check_tensor(op, "gradient", gradient, kAnyRank, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "parameter", *parameter, "gradient", *gradient));
  FOVEA_CHECK(contiguous(*parameter), "%s: parameter must be contiguous", op);
  FOVEA_CHECK(contiguous(*gradient), "%s: gradient must be contiguous", op);
  FOVEA_TRY(check_no_overlap(op, "parameter", *parameter, "gradient", *gradient, false));
  const bool adam = params->kind == FOVEA_OPTIMIZER_ADAM || params->kind == FOVEA_OPTIMIZER_ADAMW;
  FOVEA_TRY(check_moment(op, "first", first, params->kind != FOVEA_OPTIMIZER_SGD, *parameter, stream));
  FOVEA_TRY(check_moment(op, "second", second, adam, *parameter, stream));
  if (first != nullptr) FOVEA_TRY(check_no_overlap(op, "gradient", *gradient, "first", *first, false));
  if (second != nullptr) {
    FOVEA_TRY(check_no_overlap(op, "gradient", *gradient, "second", *second, false));
    FOVEA_TRY(check_no_overlap(op, "first", *first, "second", *second, false));
  }
  FOVEA_TRY(check_tensor(op, "schedule", schedule, 1, kF32, stream));
  FOVEA_CHECK(schedule->shape[0] == 3, "%s: schedule must be [3], it is %s", op, describe(*schedule));
  for (const fovea_tensor* written : {parameter, first, second})
    if (written != nullptr) FOVEA_TRY(check_no_overlap(op, "schedule", *schedule, "a tensor that is written", *written, false));
  FOVEA_FORWARD(stream, fovea_optimizer_step, params, parameter, gradient, first, second, schedule, stream);
  if (elements(*parameter) == 0) return FOVEA_OK;
  const int64_t leading = parameter->rank == 0 ? 1 : parameter->shape[0];
  const OptimizerJob job{static_cast<float*>(parameter->data),
                         static_cast<const float*>(gradient->data),
                         first == nullptr ? nullptr : static_cast<float*>(first->data),
                         second == nullptr ? nullptr : static_cast<float*>(second->data),
                         static_cast<const float*>(schedule->data),
                         leading,
                         elements(*parameter) / leading,
                         parameter->live,
                         *params};
  return enqueue(
      stream, select_isa(optimizer_step_reference, scalar::optimizer_step, avx2::optimizer_step, avx512::optimizer_step), job);
}
