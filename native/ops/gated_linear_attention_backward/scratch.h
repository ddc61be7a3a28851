// What a thread of the gradients of gated linear attention works in.
#pragma once

#include <cstdint>

#include "ops/gated_linear_attention_backward/gated_linear_attention_backward.h"

namespace fovea {

// Rows of the memory are padded to whole vectors of every instruction set, one at least: without values gradients are zeros.
static constexpr int64_t gated_columns(int64_t values) { return values < 1 ? 16 : (values + 15) / 16 * 16; }

// Memories [keys][columns]: before every run, before every position of a run and behind it, and the gradient. Rows: v and do.
// The decays.
static constexpr int64_t gated_thread_floats(int64_t length, int64_t keys, int64_t values) {
  return (gated_runs(length) + kGatedBackwardSteps + 2) * keys * gated_columns(values) + 2 * gated_columns(values) +
         (keys + 15) / 16 * 16;
}

}  // namespace fovea
