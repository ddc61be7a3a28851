// What the attention and its gradients need of a position: its decays, and its rows in the cache.
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

FOVEA_INLINE void prefetch_row(const float* rows, int64_t pitch, int64_t row, int64_t n) {
  for (int64_t i = 0; rows != nullptr && i < n; i += 16) __builtin_prefetch(rows + row * pitch + i);
}

// Rows of neighbouring positions are heads * pitch apart, which hardware prefetchers do not follow, and the loops over the keys
// between them are longer than what a processor looks ahead.
FOVEA_INLINE void prefetch_position(const GatedAttentionJob& j, int64_t row) {
  if (row < 0 || row >= j.batch * j.length * j.heads) return;
  prefetch_row(j.q, j.q_pitch, row, j.keys);
  prefetch_row(j.k, j.k_pitch, row, j.keys);
  prefetch_row(j.v, j.v_pitch, row, j.values);
  if (!j.constant_decay) prefetch_row(j.log_decay, j.log_decay_pitch, row, j.keys);
  prefetch_row(j.removal, j.removal_pitch, row, j.keys);
  prefetch_row(j.replacement, j.replacement_pitch, row, j.keys);
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
