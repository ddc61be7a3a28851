// Causal depthwise convolution over time, see fovea/sequence.h.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kMaxCausalKernel = 16;

struct CausalConv1dJob {
  const float *x, *w, *bias;  // bias may be NULL
  float* state;               // may be NULL
  float* y;
  int64_t x_pitch, w_pitch, state_pitch, y_pitch;
  int64_t batch, length, channels, kernel;
  const int32_t* live;  // batch entries that carry data
  fovea_activation_params activation;
};

// bias and state may be NULL. A backend whose x and y are not float takes their data from the tensors.
static inline CausalConv1dJob causal_conv1d_job(const fovea_activation_params& activation, const fovea_tensor& x,
                                                const fovea_tensor& w, const fovea_tensor* bias, const fovea_tensor* state,
                                                const fovea_tensor& y) {
  return {static_cast<const float*>(x.data),
          static_cast<const float*>(w.data),
          bias == nullptr ? nullptr : static_cast<const float*>(bias->data),
          state == nullptr ? nullptr : static_cast<float*>(state->data),
          static_cast<float*>(y.data),
          x.pitch,
          w.pitch,
          state == nullptr ? 0 : state->pitch,
          y.pitch,
          x.shape[0],
          x.shape[1],
          x.shape[2],
          w.shape[1],
          x.live,
          activation};
}

// What the convolution and its gradients read: activation, x [B][L][D], w [D][K], bias [D] or NULL.
fovea_status check_causal_inputs(const char* op, const fovea_activation_params* activation, const fovea_tensor* x,
                                 const fovea_tensor* w, const fovea_tensor* bias, const fovea_stream* stream);
// [B][K-1][D], or NULL.
fovea_status check_causal_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& x,
                                const fovea_tensor& w, const fovea_stream* stream);

// The inputs of one batch entry in time order: row 0 is the oldest of the K - 1 before x, row K - 1 the first of x. NULL stands
// for a row of zeros. Static: every instruction set keeps its own copy (see core/simd.h).
static inline const float* input_row(const CausalConv1dJob& j, int64_t batch, int64_t row) {
  const int64_t before = j.kernel - 1;
  if (row >= before) return j.x + (batch * j.length + row - before) * j.x_pitch;
  return j.state == nullptr ? nullptr : j.state + (batch * before + row) * j.state_pitch;
}

// Replaces the state by the last K - 1 inputs, for channels [begin, end). Rows move towards the front, oldest first, so no row
// is overwritten before it is read.
static inline void advance_state(const CausalConv1dJob& j, int64_t batch, int64_t begin, int64_t end) {
  if (j.state == nullptr) return;
  for (int64_t k = 0; k < j.kernel - 1; ++k) {
    const float* from = input_row(j, batch, j.length + k);
    float* to = j.state + (batch * (j.kernel - 1) + k) * j.state_pitch;
    for (int64_t d = begin; d < end; ++d) to[d] = from[d];
  }
}

}  // namespace fovea
