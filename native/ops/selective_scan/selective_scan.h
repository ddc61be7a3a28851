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

// The inputs that the scan and its gradients share; skip, z, delta_bias and state may be NULL.
struct ScanInputs {
  const fovea_selective_scan_params* params;
  const fovea_tensor *u, *delta, *A, *Bm, *C, *skip, *z, *delta_bias;
  const char* state_name;
  const fovea_tensor* state;
};

// Checks them and fills in the job but for y.
fovea_status check_scan_inputs(const char* op, const ScanInputs& inputs, const fovea_stream* stream, SelectiveScanJob* job);
// [batch][channels][states], or NULL.
fovea_status check_scan_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& u,
                              const fovea_tensor& a, const fovea_stream* stream);
// Refuses an output that overlaps any input but the state.
fovea_status check_scan_output(const char* op, const ScanInputs& inputs, const char* name, const fovea_tensor& output);

}  // namespace fovea
