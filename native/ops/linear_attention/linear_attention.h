// The job of fovea_linear_attention. A task owns a few heads of one group of one batch entry, walks through time in chunks and
// keeps their states in scratch memory; q k^T of a chunk is computed once for all of them. A single step, and chunks of one
// position, update the states where they are.
//
// Dimensions: L positions, H heads, G groups of heads that share q and k, D size of q and k, P size of v, C chunk.
// Values behind a position meet exact zeros within a chunk: they must be finite.
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kLinearChunk = 64;      // when the caller leaves it to us
inline constexpr int64_t kLinearMaxChunk = 256;  // scratch grows with C squared
inline constexpr int64_t kLinearTasks = 8;       // that dividing the heads of a group aims at

struct LinearAttentionPlan {
  int64_t chunk, heads_per_group, heads_per_task, tasks_per_group;
  int64_t key_columns, value_columns;  // D and P in whole vectors of 16
  int64_t chunk_columns;               // C in whole panels of keys
  int64_t scratch_floats;              // of one thread
};

struct LinearAttentionJob {
  const float *q, *k, *v, *log_decay;  // log_decay may be NULL
  float *state, *o, *scratch;          // state may be NULL
  const int32_t* live;
  int64_t batch, length, groups, heads, key_size, value_size;
  int64_t q_pitch, k_pitch, v_pitch, o_pitch, decay_pitch, state_pitch;
  bool constant_decay;  // [H] instead of [B][L][H]
  float scale;
  int32_t threads;  // that the workspace has scratch for
  LinearAttentionPlan plan;

  // First element of a row of q, k (group), v, o (head), state.
  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE int64_t group_row(int64_t b, int64_t t, int64_t group) const {
    return (b * length + t) * groups + group;
  }
  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE int64_t head_row(int64_t b, int64_t t, int64_t head) const {
    return (b * length + t) * heads + head;
  }
  FOVEA_ALWAYS_INLINE float* state_row(int64_t b, int64_t head, int64_t d) const {
    return state + ((b * heads + head) * key_size + d) * state_pitch;
  }
  FOVEA_ALWAYS_INLINE float decay_at(int64_t b, int64_t t, int64_t head) const {
    if (log_decay == nullptr) return 0.0f;
    return constant_decay ? log_decay[head] : log_decay[(b * length + t) * decay_pitch + head];
  }
};

// Checks the shapes of q and v alone: the workspace query sees no stream.
fovea_status linear_attention_plan(const char* op, const fovea_linear_attention_params* params, const fovea_tensor* q,
                                   const fovea_tensor* v, LinearAttentionPlan* plan);
// What linear attention and its gradients read.
fovea_status check_linear_inputs(const char* op, const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v,
                                 const fovea_tensor* log_decay, const fovea_stream* stream);
// f32 [B][H][D][P] of q and v, or NULL.
fovea_status check_linear_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& q,
                                const fovea_tensor& v, const fovea_stream* stream);
// Everything of the job but o, the plan and the scratch. A backend whose q, k and v are not float takes their data from the
// tensors.
static inline void bind_linear_inputs(LinearAttentionJob& job, const fovea_linear_attention_params& params,
                                      const fovea_tensor& q, const fovea_tensor& k, const fovea_tensor& v,
                                      const fovea_tensor* log_decay, const fovea_tensor* state) {
  job.q = static_cast<const float*>(q.data), job.q_pitch = q.pitch;
  job.k = static_cast<const float*>(k.data), job.k_pitch = k.pitch;
  job.v = static_cast<const float*>(v.data), job.v_pitch = v.pitch;
  if (q.shape[3] == 0) job.q_pitch = job.k_pitch = 0;  // their data may be NULL: no offset is ever added to it
  if (log_decay != nullptr) {
    job.log_decay = static_cast<const float*>(log_decay->data), job.decay_pitch = log_decay->pitch;
    job.constant_decay = log_decay->rank == 1;
  }
  if (state != nullptr && q.shape[3] > 0) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.live = q.live;
  job.batch = q.shape[0], job.length = q.shape[1], job.groups = q.shape[2], job.key_size = q.shape[3];
  job.heads = v.shape[2], job.value_size = v.shape[3];
  job.scale = params.scale == 0 ? 1.0f : params.scale;
}

}  // namespace fovea
