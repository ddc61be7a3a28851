// Gradients of RWKV-4's mixer from a zero state. With A[t], B[t] the numerator and the denominator of y[t], a[t] = dy[t] /
// B[t]:
//   dv[i] = e^k[i] G[i] + a[i] e^(bonus+k[i]),   G[i] = sum over t > i of a[t] e^((t-1-i) decay)
//   dk[i] = e^k[i] (v[i] G[i] - H[i]) + a[i] e^(bonus+k[i]) (v[i] - y[i]),   H as G with a[t] y[t]
//   d_bonus = sum of a[i] e^(bonus+k[i]) (v[i] - y[i]),   d_decay = sum of e^decay (G[i] P[i] - H[i] Q[i])
// with P, Q the sums over earlier positions that the forward pass carries. G and H are carried backwards with a common exponent
// too; every product of a G or H with e^k or with P, Q is at most of the size of dy.
#pragma once

#include "fovea/training.h"
#include "ops/wkv/wkv.h"

namespace fovea {

// Positions between two states that are kept; those between are computed again.
inline constexpr int64_t kWkvBackwardSteps = 32;

struct WkvBackwardJob {
  WkvJob mix;  // inputs; state and y are unused
  const float* dy;
  float *d_decay, *d_bonus, *dk, *dv;  // may be NULL
  float* states;                       // [batch][runs][3][channels]: before each run of positions
  float* sums;                         // [batch][2][channels]: d_decay, d_bonus
  int64_t dy_pitch, dk_pitch, dv_pitch;
  int64_t runs;
};

static constexpr int64_t wkv_runs(int64_t length) { return (length + kWkvBackwardSteps - 1) / kWkvBackwardSteps; }
static constexpr int64_t wkv_backward_floats(int64_t batch, int64_t length, int64_t channels) {
  return batch * channels * (3 * wkv_runs(length) + 2);
}

struct WkvGradients {
  const fovea_tensor *d_decay, *d_bonus, *dk, *dv;  // may be NULL
};

static inline WkvBackwardJob wkv_backward_job(const WkvJob& mix, const fovea_tensor& dy, const WkvGradients& g,
                                              const fovea_workspace& workspace) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  const auto pitch = [](const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; };
  WkvBackwardJob j{};
  j.mix = mix, j.runs = wkv_runs(mix.length);
  j.dy = static_cast<const float*>(dy.data), j.dy_pitch = dy.pitch;
  j.d_decay = data(g.d_decay), j.d_bonus = data(g.d_bonus);
  j.dk = data(g.dk), j.dk_pitch = pitch(g.dk);
  j.dv = data(g.dv), j.dv_pitch = pitch(g.dv);
  j.states = static_cast<float*>(workspace.data);
  j.sums = j.states + mix.batch * j.runs * 3 * mix.channels;
  return j;
}

}  // namespace fovea
