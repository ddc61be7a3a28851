// The decays of a position, for the attention and its gradients.
#pragma once

#include "core/simd.h"
#include "ops/gated_linear_attention/gated_linear_attention.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// decay[d] = exp(log_decay[d]), or 1 without. `decay` has room for whole vectors. noipa, because inlined GCC 12 warns about its
// own intrinsics.
[[gnu::noipa]] void fill_decays(const GatedAttentionJob& j, int64_t row, float* decay) {
  for (int64_t d = 0; d < j.keys; d += kLanes)
    store(decay + d, j.log_decay == nullptr ? set(1.0f) : exp(load_upto(j.log_decay_of(row) + d, j.keys - d)));
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
