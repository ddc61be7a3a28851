// What the kernels of the selective scan and of its gradients share.
#pragma once

#include "cuda/elements.h"
#include "ops/activation/activation_device.h"
#include "ops/selective_scan/selective_scan.h"

namespace fovea::cuda {

inline constexpr float kLog2E = 1.44269504f;

// Element (batch, t, channel) of a sequence is at (batch * length + t) * pitch + channel, and so on for the others.
template <class T>
struct ScanView {
  const T *u, *delta, *b, *c;
  const T* z;                          // may be NULL
  const float *a, *skip, *delta_bias;  // the last two may be NULL
  float* state;                        // may be NULL
  int64_t u_pitch, delta_pitch, a_pitch, b_pitch, c_pitch, z_pitch, state_pitch;
  int64_t batch, length, channels, states;
  const int32_t* live;
  bool delta_softplus;
};

template <class T>
const T* data_of(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<const T*>(t->data);
}
inline int64_t pitch_of(const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; }

template <class T>
ScanView<T> scan_view(const ScanInputs& in) {
  return {data_of<T>(in.u),
          data_of<T>(in.delta),
          data_of<T>(in.Bm),
          data_of<T>(in.C),
          data_of<T>(in.z),
          data_of<float>(in.A),
          data_of<float>(in.skip),
          data_of<float>(in.delta_bias),
          in.state == nullptr ? nullptr : static_cast<float*>(in.state->data),
          in.u->pitch,
          in.delta->pitch,
          in.A->pitch,
          in.Bm->pitch,
          in.C->pitch,
          pitch_of(in.z),
          pitch_of(in.state),
          in.u->shape[0],
          in.u->shape[1],
          in.u->shape[2],
          in.A->shape[1],
          in.u->live,
          in.params->delta_softplus != 0};
}

// The step size before softplus, and what the recurrence uses.
template <class T>
FOVEA_DEVICE float raw_delta(const ScanView<T>& v, int64_t row, int64_t d) {
  const float delta = to_float(v.delta[row * v.delta_pitch + d]);
  return v.delta_bias == nullptr ? delta : delta + v.delta_bias[d];
}
template <class T>
FOVEA_DEVICE float step_size(const ScanView<T>& v, int64_t row, int64_t d) {
  const float raw = raw_delta(v, row, d);
  return v.delta_softplus ? softplus(raw) : raw;
}

}  // namespace fovea::cuda
