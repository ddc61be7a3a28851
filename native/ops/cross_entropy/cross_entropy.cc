#include "ops/cross_entropy/cross_entropy.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(cross_entropy, const CrossEntropyJob&)
FOVEA_DECLARE_BODIES(cross_entropy_backward, const CrossEntropyJob&)

namespace {

double class_weight(const CrossEntropyJob& j, int64_t k) {
  return j.class_weights == nullptr ? 1 : static_cast<double>(j.class_weights[k]);
}

void cross_entropy_reference(const CrossEntropyJob& j) {
  const double smoothing = static_cast<double>(j.smoothing), classes = static_cast<double>(j.classes);
  for (int64_t n = 0; n < live_rows(j.live, j.rows); ++n) {
    const float* x = j.logits + n * j.pitch;
    double max = -INFINITY, sum = 0, smooth = 0;
    for (int64_t k = 0; k < j.classes; ++k) max = std::fmax(max, static_cast<double>(x[k]));
    for (int64_t k = 0; k < j.classes; ++k) sum += std::exp(static_cast<double>(x[k]) - max);
    const double lse = max + std::log(sum);
    for (int64_t k = 0; k < j.classes; ++k) smooth += class_weight(j, k) * (lse - static_cast<double>(x[k]));
    double loss = NAN, weight = NAN;
    const int64_t target = target_of(j, n);
    if (target == j.ignore_index) {
      loss = weight = 0;
    } else if (target >= 0 && target < j.classes) {
      weight = class_weight(j, target);
      loss = (1 - smoothing) * weight * (lse - static_cast<double>(x[target]));
      if (smoothing > 0) loss += smoothing / classes * smooth;
    }
    j.log_sum_exp[n] = static_cast<float>(lse);
    if (j.losses != nullptr) j.losses[n] = static_cast<float>(loss);
    if (j.weights != nullptr) j.weights[n] = static_cast<float>(weight);
  }
}

void cross_entropy_backward_reference(const CrossEntropyJob& j) {
  const double smoothing = static_cast<double>(j.smoothing), share = smoothing / static_cast<double>(j.classes);
  double all_weights = 0;
  for (int64_t k = 0; k < j.classes; ++k) all_weights += class_weight(j, k);
  for (int64_t n = 0; n < live_rows(j.live, j.rows); ++n) {
    const float* x = j.logits + n * j.pitch;
    const int64_t target = target_of(j, n);
    const bool ignored = target == j.ignore_index, known = target >= 0 && target < j.classes;
    const double own = known ? (1 - smoothing) * class_weight(j, target) : NAN;
    for (int64_t k = 0; k < j.classes; ++k) {
      const double p = std::exp(static_cast<double>(x[k]) - static_cast<double>(j.log_sum_exp[n]));
      const double d = (own + share * all_weights) * p - share * class_weight(j, k) - (k == target ? own : 0);
      j.d_logits[n * j.d_pitch + k] = ignored ? 0 : static_cast<float>(static_cast<double>(j.d_losses[n]) * d);
    }
  }
}

// A vector with an entry for each row.
fovea_status check_row_vector(const char* op, const char* name, const fovea_tensor* t, fovea_dtype dtype, int64_t rows,
                              const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 1, dtype, stream));
  FOVEA_CHECK(t->shape[0] == rows, "%s: %s has %lld rows, logits have %lld", op, name, static_cast<long long>(t->shape[0]),
              static_cast<long long>(rows));
  return FOVEA_OK;
}

// The arguments that forward and backward share.
fovea_status check_common(const char* op, const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                          const fovea_tensor* targets, const fovea_tensor* class_weights, const fovea_tensor* log_sum_exp,
                          const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->label_smoothing >= 0 && params->label_smoothing < 1, "%s: label_smoothing is %g, it must be in [0, 1)",
              op, static_cast<double>(params->label_smoothing));
  FOVEA_TRY(check_float_tensor(op, "logits", logits, 2, stream));
  const int64_t rows = logits->shape[0], classes = logits->shape[1];
  FOVEA_CHECK(params->ignore_index < 0 || params->ignore_index >= classes,
              "%s: ignore_index is %lld, which is one of the %lld classes", op, static_cast<long long>(params->ignore_index),
              static_cast<long long>(classes));
  FOVEA_TRY(check_any_tensor(op, "targets", targets, 1, stream));
  FOVEA_CHECK(same(targets->dtype, kI32) || same(targets->dtype, kI64), "%s: targets must be i32 or i64, they are %s", op,
              describe(*targets));
  FOVEA_TRY(check_row_vector(op, "targets", targets, targets->dtype, rows, stream));
  FOVEA_TRY(check_channel_vector(op, "class_weights", class_weights, classes, stream));
  return check_row_vector(op, "log_sum_exp", log_sum_exp, kF32, rows, stream);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_cross_entropy(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                            const fovea_tensor* targets, const fovea_tensor* class_weights,
                                            const fovea_tensor* losses, const fovea_tensor* weights,
                                            const fovea_tensor* log_sum_exp, fovea_stream* stream) {
  constexpr const char* op = "cross_entropy";
  FOVEA_TRY(check_common(op, params, logits, targets, class_weights, log_sum_exp, stream));
  struct Named {
    const char* name;
    const fovea_tensor* tensor;
  };
  const Named outputs[] = {{"losses", losses}, {"weights", weights}, {"log_sum_exp", log_sum_exp}};
  for (const Named& out : outputs) {
    if (out.tensor == nullptr) continue;
    FOVEA_TRY(check_row_vector(op, out.name, out.tensor, kF32, logits->shape[0], stream));
    for (const Named& in : {Named{"logits", logits}, Named{"targets", targets}, Named{"class_weights", class_weights}})
      if (in.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, in.name, *in.tensor, out.name, *out.tensor, false));
    for (const Named& other : outputs)
      if (&other < &out && other.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, other.name, *other.tensor, out.name, *out.tensor, false));
  }
  FOVEA_FORWARD(stream, fovea_cross_entropy, params, logits, targets, class_weights, losses, weights, log_sum_exp, stream);
  if (elements(*logits) == 0) return FOVEA_OK;
  CrossEntropyJob job = plan_cross_entropy(*params, *logits, *targets, class_weights, *log_sum_exp);
  job.logits = static_cast<const float*>(logits->data);
  job.losses = losses == nullptr ? nullptr : static_cast<float*>(losses->data);
  job.weights = weights == nullptr ? nullptr : static_cast<float*>(weights->data);
  return enqueue(stream, select_isa(cross_entropy_reference, scalar::cross_entropy, avx2::cross_entropy, avx512::cross_entropy),
                 job);
}

extern "C" fovea_status fovea_cross_entropy_backward(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                                     const fovea_tensor* targets, const fovea_tensor* class_weights,
                                                     const fovea_tensor* log_sum_exp, const fovea_tensor* d_losses,
                                                     const fovea_tensor* d_logits, fovea_stream* stream) {
  constexpr const char* op = "cross_entropy_backward";
  FOVEA_TRY(check_common(op, params, logits, targets, class_weights, log_sum_exp, stream));
  FOVEA_TRY(check_row_vector(op, "d_losses", d_losses, kF32, logits->shape[0], stream));
  FOVEA_TRY(check_tensor(op, "d_logits", d_logits, 2, logits->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "logits", *logits, "d_logits", *d_logits));
  FOVEA_TRY(check_no_overlap(op, "logits", *logits, "d_logits", *d_logits, true));
  FOVEA_TRY(check_no_overlap(op, "targets", *targets, "d_logits", *d_logits, false));
  FOVEA_TRY(check_no_overlap(op, "log_sum_exp", *log_sum_exp, "d_logits", *d_logits, false));
  FOVEA_TRY(check_no_overlap(op, "d_losses", *d_losses, "d_logits", *d_logits, false));
  if (class_weights != nullptr) FOVEA_TRY(check_no_overlap(op, "class_weights", *class_weights, "d_logits", *d_logits, false));
  FOVEA_FORWARD(stream, fovea_cross_entropy_backward, params, logits, targets, class_weights, log_sum_exp, d_losses, d_logits,
                stream);
  if (elements(*logits) == 0) return FOVEA_OK;
  CrossEntropyJob job = plan_cross_entropy(*params, *logits, *targets, class_weights, *log_sum_exp);
  job.logits = static_cast<const float*>(logits->data);
  job.d_losses = static_cast<const float*>(d_losses->data);
  job.d_logits = static_cast<float*>(d_logits->data);
  job.d_pitch = d_logits->pitch;
  return enqueue(stream,
                 select_isa(cross_entropy_backward_reference, scalar::cross_entropy_backward, avx2::cross_entropy_backward,
                            avx512::cross_entropy_backward),
                 job);
}
