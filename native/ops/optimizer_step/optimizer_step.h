// One optimiser step of one flat parameter buffer: p, and the moments the kind keeps, updated in place.
#pragma once

#include "core/tensor.h"
#include "fovea/optim.h"

namespace fovea {

struct OptimizerJob {
  float* parameter;
  const float* gradient;
  float* first;           // NULL for SGD
  float* second;          // Adam and AdamW
  const float* schedule;  // rate, step number from 1, factor of the gradient
  int64_t leading, inner;
  const int32_t* live;
  fovea_optimizer_params params;
};

// What is the same for every element, from the schedule: computed in double, then rounded once.
struct OptimizerScales {
  float factor;  // of the gradient
  float decay;   // added to the gradient times p (SGD family and Adam)
  float keep;    // 1 - rate*decay: multiplies p first (AdamW, Lion), else 1
  float rate;    // Adam: divided by 1 - beta1^step
  float beta1, beta2;
  float rest1, rest2;  // 1 - beta1 (momentum: 1 - dampening), 1 - beta2
  float unbias;        // 1 / sqrt(1 - beta2^step)
  float epsilon;
  bool first_step;  // momentum starts with the gradient itself
};

// False when the step is to be skipped.
bool optimizer_scales(const OptimizerJob& job, OptimizerScales* scales);

FOVEA_ALWAYS_INLINE int64_t optimizer_count(const OptimizerJob& j) { return live_rows(j.live, j.leading) * j.inner; }

}  // namespace fovea
