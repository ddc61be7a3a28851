// Linear attention with a decay per key and the delta rule, see fovea/sequence.h. Columns of the memory S [D][P] do not depend
// on each other.
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kMaxGatedKeys = 256;  // D: a column of S fits registers (CUDA) or a table on the stack

// Row (batch, t, head) of a sequence is (batch * length + t) * heads + head.
struct GatedAttentionJob {
  const float *q, *k, *v;
  const float *log_decay, *bonus, *removal, *replacement;  // may be NULL
  float* state;                                            // row (batch * heads + head) * keys + d; may be NULL
  float* o;
  int64_t q_pitch, k_pitch, v_pitch, log_decay_pitch, bonus_pitch, removal_pitch, replacement_pitch, state_pitch, o_pitch;
  int64_t batch, length, heads, keys, values;
  const int32_t* live;  // batch entries that carry data
  bool constant_decay;  // log_decay is [H][D]

  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE int64_t row(int64_t b, int64_t t, int64_t head) const {
    return (b * length + t) * heads + head;
  }
  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE const float* log_decay_of(int64_t row) const {
    return log_decay + (constant_decay ? row % heads : row) * log_decay_pitch;
  }
};

// Checks what the attention and its gradients read, and fills in that part of the job.
fovea_status check_gated_inputs(const char* op, const fovea_gated_linear_attention_inputs* inputs, const fovea_stream* stream,
                                GatedAttentionJob* job);

static inline GatedAttentionJob gated_attention_job(const fovea_gated_linear_attention_inputs& in) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); };
  const auto pitch = [](const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; };
  GatedAttentionJob j{};
  j.q = data(in.q), j.q_pitch = pitch(in.q);
  j.k = data(in.k), j.k_pitch = pitch(in.k);
  j.v = data(in.v), j.v_pitch = pitch(in.v);
  j.log_decay = data(in.log_decay), j.log_decay_pitch = pitch(in.log_decay);
  j.bonus = data(in.bonus), j.bonus_pitch = pitch(in.bonus);
  j.removal = data(in.removal), j.removal_pitch = pitch(in.removal);
  j.replacement = data(in.replacement), j.replacement_pitch = pitch(in.replacement);
  j.batch = in.q->shape[0], j.length = in.q->shape[1], j.heads = in.q->shape[2], j.keys = in.q->shape[3];
  j.values = in.v->shape[3], j.live = in.q->live;
  j.constant_decay = in.log_decay != nullptr && in.log_decay->rank == 2;
  return j;
}

}  // namespace fovea
