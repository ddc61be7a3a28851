// y = x / (1 - rate) where the element's random number is at least rate, else 0: the job of fovea_dropout.
#pragma once

#include "fovea/training.h"
#include "ops/copy/row_layout.h"

namespace fovea {

struct DropoutJob {
  const int64_t* state;  // seed, offset: read when the job runs
  const float* x;
  float* y;  // may be x
  RowLayout layout;
  int64_t x_pitch, y_pitch;
  const int32_t* live;
  float threshold;  // rate * 2^24: an element stays when the upper 24 bits of its word are at least that. Exact.
  float keep;       // 1 - rate
  int64_t sequence;
};

inline constexpr int kDropoutShift = 8;  // a word's lower bits, which are not used

// Everything of the job but the tensors' data. The live elements of x come first in row-major order, so that an element's
// number does not depend on the count.
inline DropoutJob plan_dropout(const fovea_dropout_params& params, const fovea_tensor& state, const fovea_tensor& x,
                               const fovea_tensor& y) {
  DropoutJob job{};
  job.state = static_cast<const int64_t*>(state.data);
  job.layout = row_layout(x);
  job.x_pitch = row_pitch(x);
  job.y_pitch = row_pitch(y);
  job.live = row_live(x);
  job.threshold = params.rate * 0x1p24f;
  job.keep = 1 - params.rate;
  job.sequence = params.sequence;
  return job;
}

}  // namespace fovea
