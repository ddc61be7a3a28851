// The selective scan of Mamba: per batch entry and channel a linear recurrence over time with N states, see fovea/sequence.h.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kMaxScanStates = 256;

// Element (batch, t, channel) of a sequence is at (batch * length + t) * pitch + channel, and so on for the others.
struct SelectiveScanJob {
  const float *u, *delta, *a, *b, *c;
  const float *skip, *z, *delta_bias;  // may be NULL
  float* state;                        // may be NULL
  float* y;
  int64_t u_pitch, delta_pitch, a_pitch, b_pitch, c_pitch, z_pitch, state_pitch, y_pitch;
  int64_t batch, length, channels, states;
  const int32_t* live;  // batch entries that carry data
  bool delta_softplus;
};

}  // namespace fovea
