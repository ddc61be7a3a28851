// RWKV-4's mixer, see fovea/sequence.h. Per channel, with (p, q) the sums over earlier positions times e^-o:
//   y = (e^o p + e^(bonus+k) v) / (e^o q + e^(bonus+k)),  then  e^o (p, q) <- e^(decay+o) (p, q) + e^k (v, 1)
// Whichever exponent of the two terms is larger becomes the new o, so that nothing overflows and no denominator is 0.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr float kWkvStart = -1e38f;  // o before the first position

// Element (batch, t, channel) is at (batch * length + t) * pitch + channel; p, q, o at (batch * 3 + 0, 1, 2) * state_pitch.
struct WkvJob {
  const float *decay, *bonus, *k, *v;
  float* state;  // may be NULL
  float* y;
  int64_t k_pitch, v_pitch, state_pitch, y_pitch;
  int64_t batch, length, channels;
  const int32_t* live;  // batch entries that carry data
};

// Checks what the mixer and its gradients read, and fills in that part of the job.
fovea_status check_wkv_inputs(const char* op, const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                              const fovea_tensor* v, const fovea_stream* stream, WkvJob* job);

static inline WkvJob wkv_job(const fovea_tensor& decay, const fovea_tensor& bonus, const fovea_tensor& k,
                             const fovea_tensor& v) {
  WkvJob j{};
  j.decay = static_cast<const float*>(decay.data), j.bonus = static_cast<const float*>(bonus.data);
  j.k = static_cast<const float*>(k.data), j.k_pitch = k.pitch;
  j.v = static_cast<const float*>(v.data), j.v_pitch = v.pitch;
  j.batch = k.shape[0], j.length = k.shape[1], j.channels = k.shape[2], j.live = k.live;
  return j;
}

}  // namespace fovea
