// Softmax cross-entropy of rows of logits and its gradient: the job of fovea_cross_entropy and fovea_cross_entropy_backward.
// With w the class weights (1 without them), t the target of a row, e the smoothing, K the number of classes:
//   loss       = (1-e) w[t] (lse - x[t]) + e/K sum over k of w[k] (lse - x[k])
//   d_logits_k = d_loss (((1-e) w[t] + e/K W) exp(x[k] - lse) - e/K w[k] - (k == t) (1-e) w[t]),   W = sum of w
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/training.h"

namespace fovea {

struct CrossEntropyJob {
  const float* logits;
  const void* targets;         // i64 where `wide`, else i32
  const float* class_weights;  // or NULL
  float* log_sum_exp;          // of the gradient: only read
  float* losses;               // or NULL; the forward job's
  float* weights;              // or NULL; the forward job's
  const float* d_losses;       // the gradient's
  float* d_logits;             // the gradient's; may be logits
  int64_t rows, classes, pitch, d_pitch;
  const int32_t* live;
  int64_t ignore_index;
  float smoothing;
  bool wide;
};

FOVEA_HOST_DEVICE FOVEA_ALWAYS_INLINE int64_t target_of(const CrossEntropyJob& j, int64_t row) {
  return j.wide ? static_cast<const int64_t*>(j.targets)[row] : static_cast<const int32_t*>(j.targets)[row];
}

// What both jobs have in common, but the data of the logits.
inline CrossEntropyJob plan_cross_entropy(const fovea_cross_entropy_params& params, const fovea_tensor& logits,
                                          const fovea_tensor& targets, const fovea_tensor* class_weights,
                                          const fovea_tensor& log_sum_exp) {
  CrossEntropyJob job{};
  job.targets = targets.data;
  job.class_weights = class_weights == nullptr ? nullptr : static_cast<const float*>(class_weights->data);
  job.log_sum_exp = static_cast<float*>(log_sum_exp.data);
  job.rows = logits.shape[0];
  job.classes = logits.shape[1];
  job.pitch = logits.pitch;
  job.live = logits.live;
  job.ignore_index = params.ignore_index;
  job.smoothing = params.label_smoothing;
  job.wide = targets.dtype.bits == 64;
  return job;
}

}  // namespace fovea
