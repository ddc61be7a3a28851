// Gradients of causal linear attention. With S_t = decay_t S_{t-1} + k_t v_t^T, o_t = scale q_t S_t, G_t the gradient of S_t:
//   G_t = scale q_t do_t^T + decay_{t+1} G_{t+1};  dq_t = scale S_t do_t,  dk_t = G_t v_t,  dv_t = G_t^T k_t
// In chunks: the states before and the gradients behind each chunk come from two passes over the chunks, forward and back,
// which are kept in the workspace; after that all chunks are independent. Inside one, for i >= j and w the decay between them,
//   dq_i += scale w (do_i v_j) k_j,  dk_j += scale w (do_i v_j) q_i,  dv_j += scale w (q_i k_j) do_i
// A log decay multiplies everything that passes it: its gradient at t is the sum over i >= t > j of w (q_i k_j) (do_i v_j) and
// of the like terms from the state before to i, from j to the state behind and between the states. Only terms that pass t are
// ever added: nothing is a difference, and nothing is divided by a decay.
#pragma once

#include "core/host_device.h"
#include "fovea/training.h"
#include "ops/linear_attention/linear_attention.h"

namespace fovea {

struct LinearAttentionBackwardJob {
  LinearAttentionJob forward;                 // inputs; state is the initial one, read only; o and scratch are unused
  const float *d_o, *d_final;                 // d_final may be NULL
  float *dq, *dk, *dv, *d_decay, *d_initial;  // may be NULL
  int64_t d_o_pitch, d_final_pitch, dq_pitch, dk_pitch, dv_pitch, d_decay_pitch, d_initial_pitch;
  int64_t chunks;
  // In the workspace: [batch][heads][chunks][P][key_columns], states before and gradients behind the chunks, transposed; then
  // d_log_decay of each position, [batch][length][heads], which a constant decay's are sums of; then the threads' scratch.
  float *states, *carries, *steps, *scratch;
  int64_t scratch_floats;  // of a thread

  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE int64_t state_row(int64_t b, int64_t head, int64_t d) const {
    return (b * forward.heads + head) * forward.key_size + d;
  }
};

// The caller's tensors. A backend whose q, k, v, do and their gradients are not float takes their data from the tensors.
static inline void bind_linear_backward(LinearAttentionBackwardJob& job, const fovea_tensor& d_o,
                                        const fovea_tensor* d_final_state, const fovea_linear_attention_gradients& g) {
  const auto bind = [](const fovea_tensor* t, auto& data, int64_t& pitch) {
    if (t != nullptr) data = static_cast<float*>(t->data), pitch = t->pitch;
  };
  bind(&d_o, job.d_o, job.d_o_pitch), bind(d_final_state, job.d_final, job.d_final_pitch);
  bind(g.dq, job.dq, job.dq_pitch), bind(g.dk, job.dk, job.dk_pitch), bind(g.dv, job.dv, job.dv_pitch);
  bind(g.d_log_decay, job.d_decay, job.d_decay_pitch), bind(g.d_initial_state, job.d_initial, job.d_initial_pitch);
}

}  // namespace fovea
