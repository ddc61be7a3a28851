// Gradients of the causal depthwise convolution. With X the K - 1 inputs before x followed by x (input_row), z the sum that the
// activation takes and g[t] = dy[t] * activation'(z[t]), per channel:
//   dX[r] = sum over k of w[k] g[r - k],  dw[k] = sum over t of g[t] X[t + k],  dbias = sum over t of g[t]
// The state that the forward call left is the last K - 1 rows of X: its gradient is added to theirs.
#pragma once

#include "fovea/training.h"
#include "ops/causal_conv1d/causal_conv1d.h"

namespace fovea {

// Steps whose dw and dbias are summed at once; a second pass adds these sums in the order of batch entries and runs.
inline constexpr int64_t kCausalBackwardSteps = 64;

struct CausalConv1dBackwardJob {
  CausalConv1dJob conv;              // inputs; y is unused, state is read only
  const float *dy, *d_final;         // d_final may be NULL
  float *dx, *dw, *dbias, *d_state;  // may be NULL
  float* sums;                       // [batch][runs][kernel + 1][channels]: dw by tap, then dbias
  int64_t dy_pitch, d_final_pitch, dx_pitch, dw_pitch, d_state_pitch;
  int64_t runs;
};

// At least one, so that dw and d_state of an empty sequence are written too.
static constexpr int64_t causal_runs(int64_t length) {
  return length <= kCausalBackwardSteps ? 1 : (length + kCausalBackwardSteps - 1) / kCausalBackwardSteps;
}
static constexpr int64_t causal_backward_floats(int64_t batch, int64_t length, int64_t channels, int64_t kernel) {
  return batch * causal_runs(length) * (kernel + 1) * channels;
}

struct CausalGradients {
  const fovea_tensor *dx, *dw, *dbias, *d_state;  // may be NULL
};

// A backend whose x, dy and dx are not float takes their data from the tensors.
static inline CausalConv1dBackwardJob causal_conv1d_backward_job(const CausalConv1dJob& conv, const fovea_tensor& dy,
                                                                 const fovea_tensor* d_final_state, const CausalGradients& g,
                                                                 const fovea_workspace* workspace) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  const auto pitch = [](const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; };
  return {conv,
          static_cast<const float*>(dy.data),
          data(d_final_state),
          data(g.dx),
          data(g.dw),
          data(g.dbias),
          data(g.d_state),
          static_cast<float*>(workspace->data),
          dy.pitch,
          pitch(d_final_state),
          pitch(g.dx),
          pitch(g.dw),
          pitch(g.d_state),
          causal_runs(conv.length)};
}

}  // namespace fovea
