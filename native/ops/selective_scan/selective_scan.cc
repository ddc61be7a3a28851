#include "ops/selective_scan/selective_scan.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(selective_scan, const SelectiveScanJob&)

namespace {

double widen(float x) { return static_cast<double>(x); }

void scan_channel(const SelectiveScanJob& j, int64_t batch, int64_t d) {
  constexpr fovea_activation_params softplus{FOVEA_ACTIVATION_SOFTPLUS, 0, 0, 0}, silu{FOVEA_ACTIVATION_SILU, 0, 0, 0};
  const float* a = j.a + d * j.a_pitch;
  float* state = j.state == nullptr ? nullptr : j.state + (batch * j.channels + d) * j.state_pitch;
  double h[kMaxScanStates] = {};
  for (int64_t n = 0; state != nullptr && n < j.states; ++n) h[n] = widen(state[n]);
  for (int64_t t = 0; t < j.length; ++t) {
    const int64_t row = batch * j.length + t;
    const float *b = j.b + row * j.b_pitch, *c = j.c + row * j.c_pitch;
    const double u = widen(j.u[row * j.u_pitch + d]);
    double delta = widen(j.delta[row * j.delta_pitch + d]);
    if (j.delta_bias != nullptr) delta += widen(j.delta_bias[d]);
    if (j.delta_softplus) delta = reference_activation(softplus, delta, 0);
    double y = 0;
    for (int64_t n = 0; n < j.states; ++n) {
      h[n] = std::exp(delta * widen(a[n])) * h[n] + delta * widen(b[n]) * u;
      y += widen(c[n]) * h[n];
    }
    if (j.skip != nullptr) y += widen(j.skip[d]) * u;
    if (j.z != nullptr) y *= reference_activation(silu, widen(j.z[row * j.z_pitch + d]), 0);
    j.y[row * j.y_pitch + d] = static_cast<float>(y);
  }
  for (int64_t n = 0; state != nullptr && n < j.states; ++n) state[n] = static_cast<float>(h[n]);
}

void selective_scan_reference(const SelectiveScanJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t d = 0; d < j.channels; ++d) scan_channel(j, i, d);
}

const float* data_or_null(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); }
int64_t pitch_or_zero(const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; }

// [batch][length][states], one row of states per step.
fovea_status check_steps(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& u, const fovea_tensor& a,
                         const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 3, u.dtype, stream));
  FOVEA_CHECK(t->shape[0] == u.shape[0] && t->shape[1] == u.shape[1] && t->shape[2] == a.shape[1],
              "%s: %s is %s, but u is %s and A is %s", op, name, describe(*t), describe(u), describe(a));
  return FOVEA_OK;
}

}  // namespace

fovea_status check_scan_inputs(const char* op, const ScanInputs& in, const fovea_stream* stream, SelectiveScanJob* job) {
  FOVEA_CHECK(in.params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "u", in.u, 3, stream));
  FOVEA_TRY(check_tensor(op, "delta", in.delta, 3, in.u->dtype, stream));
  FOVEA_TRY(check_tensor(op, "A", in.A, 2, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "u", *in.u, "delta", *in.delta));
  const int64_t channels = in.u->shape[2], states = in.A->shape[1];
  FOVEA_CHECK(in.A->shape[0] == channels, "%s: A has %lld channels, u has %lld", op, static_cast<long long>(in.A->shape[0]),
              static_cast<long long>(channels));
  FOVEA_CHECK(states <= kMaxScanStates, "%s: A has %lld states, allowed are 0 to %lld", op, static_cast<long long>(states),
              static_cast<long long>(kMaxScanStates));
  FOVEA_TRY(check_steps(op, "Bm", in.Bm, *in.u, *in.A, stream));
  FOVEA_TRY(check_steps(op, "C", in.C, *in.u, *in.A, stream));
  FOVEA_TRY(check_channel_vector(op, "skip", in.skip, channels, stream));
  FOVEA_TRY(check_channel_vector(op, "delta_bias", in.delta_bias, channels, stream));
  if (in.z != nullptr) {
    FOVEA_TRY(check_tensor(op, "z", in.z, 3, in.u->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "u", *in.u, "z", *in.z));
  }
  FOVEA_TRY(check_scan_state(op, in.state_name, in.state, *in.u, *in.A, stream));

  *job = SelectiveScanJob{};
  job->u = data_or_null(in.u), job->u_pitch = in.u->pitch;
  job->delta = data_or_null(in.delta), job->delta_pitch = in.delta->pitch;
  job->a = data_or_null(in.A), job->a_pitch = in.A->pitch;
  job->b = data_or_null(in.Bm), job->b_pitch = in.Bm->pitch;
  job->c = data_or_null(in.C), job->c_pitch = in.C->pitch;
  job->skip = data_or_null(in.skip), job->delta_bias = data_or_null(in.delta_bias);
  job->z = data_or_null(in.z), job->z_pitch = pitch_or_zero(in.z);
  job->state = in.state == nullptr ? nullptr : static_cast<float*>(in.state->data), job->state_pitch = pitch_or_zero(in.state);
  job->batch = in.u->shape[0], job->length = in.u->shape[1], job->channels = channels, job->states = states;
  job->live = in.u->live;
  job->delta_softplus = in.params->delta_softplus != 0;
  return FOVEA_OK;
}

fovea_status check_scan_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& u,
                              const fovea_tensor& a, const fovea_stream* stream) {
  if (state == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, state, 3, kF32, stream));
  FOVEA_CHECK(state->shape[0] == u.shape[0] && state->shape[1] == u.shape[2] && state->shape[2] == a.shape[1],
              "%s: %s is %s, but u is %s and A is %s", op, name, describe(*state), describe(u), describe(a));
  return FOVEA_OK;
}

fovea_status check_scan_output(const char* op, const ScanInputs& in, const char* name, const fovea_tensor& output) {
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"u", in.u}, {"delta", in.delta}, {"A", in.A}, {"Bm", in.Bm},
                {"C", in.C}, {"skip", in.skip},   {"z", in.z}, {"delta_bias", in.delta_bias}};
  for (const auto& input : inputs)
    if (input.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, name, output, false));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_selective_scan(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                             const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                             const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                             const fovea_tensor* delta_bias, const fovea_tensor* state, const fovea_tensor* y,
                                             fovea_stream* stream) {
  constexpr const char* op = "selective_scan";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  const ScanInputs inputs{params, u, delta, A, Bm, C, skip, z, delta_bias, "state", state};
  SelectiveScanJob job;
  FOVEA_TRY(check_scan_inputs(op, inputs, stream, &job));
  FOVEA_TRY(check_tensor(op, "y", y, 3, u->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "u", *u, "y", *y));
  FOVEA_TRY(check_scan_output(op, inputs, "y", *y));
  if (state != nullptr) {
    FOVEA_TRY(check_scan_output(op, inputs, "state", *state));
    FOVEA_TRY(check_no_overlap(op, "state", *state, "y", *y, false));
  }
  FOVEA_FORWARD(stream, fovea_selective_scan, params, u, delta, A, Bm, C, skip, z, delta_bias, state, y, stream);
  if (elements(*u) == 0 || job.states == 0) return FOVEA_OK;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  return enqueue(
      stream, select_isa(selective_scan_reference, scalar::selective_scan, avx2::selective_scan, avx512::selective_scan), job);
}
