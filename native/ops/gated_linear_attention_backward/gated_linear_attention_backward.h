// Gradients of gated linear attention from a zero memory. With S the memory before a position, S' behind it, G the gradient of
// S', r = removal^T S, and sums over the columns p of the memory:
//   without bonus G += q do^T, dq = S' do; with bonus dq = S do + bonus*k (v . do), dk += bonus*q (v . do), d_bonus += q*k (v .
//   do) dk += G v,  dv = G^T k (+ (q . bonus*k) do),  d_replacement = G r,  dr = G^T replacement,  d_removal = S dr d_log_decay
//   = decay * (rows of G . rows of S),  G before the position = decay * G + removal dr^T (+ q do^T with bonus)
#pragma once

#include "fovea/training.h"
#include "ops/gated_linear_attention/gated_linear_attention.h"

namespace fovea {

// Positions between two memories that are kept; those between are computed again.
inline constexpr int64_t kGatedBackwardSteps = 16;

struct GatedAttentionBackwardJob {
  GatedAttentionJob forward;  // inputs; state and o are unused
  const float* d_o;
  float *dq, *dk, *dv, *d_log_decay, *d_bonus, *d_removal, *d_replacement;  // may be NULL
  int64_t d_o_pitch, dq_pitch, dk_pitch, dv_pitch, d_log_decay_pitch, d_bonus_pitch, d_removal_pitch, d_replacement_pitch;
  float* sums;    // [batch][heads][2][keys]: d_log_decay of constant decays, d_bonus
  void* scratch;  // of the threads or blocks, or the reference's doubles
  int64_t runs;
  int32_t threads;
};

static constexpr int64_t gated_runs(int64_t length) { return (length + kGatedBackwardSteps - 1) / kGatedBackwardSteps; }
static constexpr int64_t gated_sums(int64_t batch, int64_t heads, int64_t keys) { return batch * heads * 2 * keys; }

static inline GatedAttentionBackwardJob gated_backward_job(const GatedAttentionJob& forward, const fovea_tensor& d_o,
                                                           const fovea_gated_linear_attention_gradients& g,
                                                           const fovea_workspace& workspace) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  const auto pitch = [](const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; };
  GatedAttentionBackwardJob j{};
  j.forward = forward, j.runs = gated_runs(forward.length);
  j.d_o = static_cast<const float*>(d_o.data), j.d_o_pitch = d_o.pitch;
  j.dq = data(g.dq), j.dq_pitch = pitch(g.dq);
  j.dk = data(g.dk), j.dk_pitch = pitch(g.dk);
  j.dv = data(g.dv), j.dv_pitch = pitch(g.dv);
  j.d_log_decay = data(g.d_log_decay), j.d_log_decay_pitch = pitch(g.d_log_decay);
  j.d_bonus = data(g.d_bonus), j.d_bonus_pitch = pitch(g.d_bonus);
  j.d_removal = data(g.d_removal), j.d_removal_pitch = pitch(g.d_removal);
  j.d_replacement = data(g.d_replacement), j.d_replacement_pitch = pitch(g.d_replacement);
  j.sums = static_cast<float*>(workspace.data);
  j.scratch = j.sums + gated_sums(forward.batch, forward.heads, forward.keys);
  return j;
}

}  // namespace fovea
