#include "ops/selective_scan_backward/selective_scan_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(selective_scan_backward, const SelectiveScanBackwardJob&)

namespace {

double widen(float x) { return static_cast<double>(x); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// Doubles of the reference loops, see scan_backward_doubles. Only these carry sums: outputs are rounded once.
struct Doubles {
  double *h, *db, *dc;  // [length][states]
  double *da, *d_skip, *d_bias;
};

// One channel of one batch entry; d.db and d.dc add up over the channels.
void channel_backward(const SelectiveScanBackwardJob& j, const Doubles& d, int64_t batch, int64_t channel) {
  constexpr fovea_activation_params softplus{FOVEA_ACTIVATION_SOFTPLUS, 0, 0, 0};
  const SelectiveScanJob& s = j.scan;
  const int64_t n_all = s.states, entry = batch * s.channels + channel;
  const float* a = s.a + channel * s.a_pitch;
  const auto raw_delta = [&](int64_t row) {
    return widen(s.delta[row * s.delta_pitch + channel]) + (s.delta_bias == nullptr ? 0.0 : widen(s.delta_bias[channel]));
  };
  const auto delta_at = [&](int64_t row) {
    return s.delta_softplus ? reference_activation(softplus, raw_delta(row), 0) : raw_delta(row);
  };
  const auto initial = [&](int64_t n) { return s.state == nullptr ? 0.0 : widen(s.state[entry * s.state_pitch + n]); };
  for (int64_t t = 0; t < s.length; ++t) {
    const int64_t row = batch * s.length + t;
    const double delta = delta_at(row), input = delta * widen(s.u[row * s.u_pitch + channel]);
    for (int64_t n = 0; n < n_all; ++n)
      d.h[t * n_all + n] = std::exp(delta * widen(a[n])) * (t == 0 ? initial(n) : d.h[(t - 1) * n_all + n]) +
                           input * widen(s.b[row * s.b_pitch + n]);
  }

  double carry[kMaxScanStates] = {};
  for (int64_t n = 0; j.d_final != nullptr && n < n_all; ++n) carry[n] = widen(j.d_final[entry * j.d_final_pitch + n]);
  for (int64_t t = s.length - 1; t >= 0; --t) {
    const int64_t row = batch * s.length + t;
    const float *b = s.b + row * s.b_pitch, *c = s.c + row * s.c_pitch;
    const double u = widen(s.u[row * s.u_pitch + channel]), delta = delta_at(row);
    double dy = widen(j.dy[row * j.dy_pitch + channel]);
    if (s.z != nullptr) {
      const double z = widen(s.z[row * s.z_pitch + channel]), gate = logistic(z);
      double y = s.skip == nullptr ? 0.0 : widen(s.skip[channel]) * u;
      for (int64_t n = 0; n < n_all; ++n) y += widen(c[n]) * d.h[t * n_all + n];
      if (j.dz != nullptr) j.dz[row * j.dz_pitch + channel] = static_cast<float>(dy * y * gate * (1 + z * (1 - gate)));
      dy *= z * gate;
    }
    double sum_b = 0, d_delta = 0;
    for (int64_t n = 0; n < n_all; ++n) {
      const double decay = std::exp(delta * widen(a[n])), g = carry[n] + widen(c[n]) * dy;
      const double left = decay * (t == 0 ? initial(n) : d.h[(t - 1) * n_all + n]);
      d.dc[t * n_all + n] += dy * d.h[t * n_all + n];
      d.db[t * n_all + n] += g * delta * u;
      d.da[channel * n_all + n] += delta * g * left;
      sum_b += g * widen(b[n]);
      d_delta += g * left * widen(a[n]);
      carry[n] = g * decay;
    }
    d_delta += u * sum_b;
    if (s.delta_softplus) d_delta *= logistic(raw_delta(row));
    const double du = delta * sum_b + (s.skip == nullptr ? 0.0 : widen(s.skip[channel]) * dy);
    d.d_skip[channel] += dy * u;
    d.d_bias[channel] += d_delta;
    if (j.du != nullptr) j.du[row * j.du_pitch + channel] = static_cast<float>(du);
    if (j.d_delta != nullptr) j.d_delta[row * j.d_delta_pitch + channel] = static_cast<float>(d_delta);
  }
  for (int64_t n = 0; j.d_initial != nullptr && n < n_all; ++n)
    j.d_initial[entry * j.d_initial_pitch + n] = static_cast<float>(carry[n]);
}

void selective_scan_backward_reference(const SelectiveScanBackwardJob& j) {
  const SelectiveScanJob& s = j.scan;
  const int64_t steps = s.length * s.states, batch = live_rows(s.live, s.batch);
  auto* const h = static_cast<double*>(j.scratch);
  const Doubles d{h,
                  h + steps,
                  h + 2 * steps,
                  h + 3 * steps,
                  h + 3 * steps + s.channels * s.states,
                  h + 3 * steps + s.channels * (s.states + 1)};
  for (int64_t i = 0; i < s.channels * (s.states + 2); ++i) d.da[i] = 0;
  for (int64_t entry = 0; entry < batch; ++entry) {
    for (int64_t i = 0; i < steps; ++i) d.db[i] = d.dc[i] = 0;
    for (int64_t channel = 0; channel < s.channels; ++channel) channel_backward(j, d, entry, channel);
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t row = entry * s.length + i / s.states, n = i % s.states;
      if (j.db != nullptr) j.db[row * j.db_pitch + n] = static_cast<float>(d.db[i]);
      if (j.dc != nullptr) j.dc[row * j.dc_pitch + n] = static_cast<float>(d.dc[i]);
    }
  }
  for (int64_t c = 0; c < s.channels; ++c) {
    for (int64_t n = 0; j.da != nullptr && n < s.states; ++n)
      j.da[c * j.da_pitch + n] = static_cast<float>(d.da[c * s.states + n]);
    if (j.d_skip != nullptr) j.d_skip[c] = static_cast<float>(d.d_skip[c]);
    if (j.d_bias != nullptr) j.d_bias[c] = static_cast<float>(d.d_bias[c]);
  }
}

// Bytes for `threads` threads or the reference loops, whichever is more.
fovea_status workspace_bytes(const char* op, const fovea_tensor& u, int64_t states, int32_t threads, int64_t* bytes) {
  const int64_t batch = u.shape[0], length = u.shape[1], channels = u.shape[2];
  // The scratch is below 2^10 times the padded product of all sizes and threads; in floating point the test cannot overflow.
  const auto wide = [](int64_t x) { return static_cast<double>(x); };
  const double size = (wide(batch) + wide(threads)) * (wide(length) + wide(kBackwardSteps)) *
                      (wide(channels) + wide(kBackwardChannels)) * (wide(states) + wide(kStateGroup));
  FOVEA_CHECK(size < 4503599627370496.0, "%s: too large (u is %s, %lld states)", op, describe(u),
              static_cast<long long>(states));
  const int64_t fast =
      scan_backward_scratch(batch, length, channels, states, threads).size * static_cast<int64_t>(sizeof(float));
  const int64_t slow = scan_backward_doubles(length, channels, states) * static_cast<int64_t>(sizeof(double));
  *bytes = fast > slow ? fast : slow;
  return FOVEA_OK;
}

struct Gradient {
  const char* name;
  const fovea_tensor* tensor;
};

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_selective_scan_backward_workspace(const fovea_selective_scan_params* params,
                                                                const fovea_tensor* u, const fovea_tensor* A, int64_t* bytes) {
  constexpr const char* op = "selective_scan_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(u != nullptr && u->rank == 3 && u->shape[0] >= 0 && u->shape[1] >= 0 && u->shape[2] >= 0,
              "%s: u must have rank 3", op);
  FOVEA_CHECK(A != nullptr && A->rank == 2, "%s: A must have rank 2", op);
  FOVEA_CHECK(A->shape[1] >= 0 && A->shape[1] <= kMaxScanStates, "%s: A has %lld states, allowed are 0 to %lld", op,
              static_cast<long long>(A->shape[1]), static_cast<long long>(kMaxScanStates));
  FOVEA_TRY(workspace_bytes(op, *u, A->shape[1], pool_threads(), bytes));
  FOVEA_FORWARD_TENSOR(u, fovea_selective_scan_backward_workspace, params, u, A, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_selective_scan_backward(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                                      const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                                      const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                                      const fovea_tensor* delta_bias, const fovea_tensor* initial_state,
                                                      const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                      const fovea_selective_scan_gradients* gradients,
                                                      const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "selective_scan_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  const ScanInputs inputs{params, u, delta, A, Bm, C, skip, z, delta_bias, "initial_state", initial_state};
  SelectiveScanBackwardJob job{};
  FOVEA_TRY(check_scan_inputs(op, inputs, stream, &job.scan));
  FOVEA_TRY(check_tensor(op, "dy", dy, 3, u->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "u", *u, "dy", *dy));
  FOVEA_TRY(check_scan_state(op, "d_final_state", d_final_state, *u, *A, stream));
  FOVEA_CHECK(gradients != nullptr, "%s: gradients is NULL", op);
  const fovea_selective_scan_gradients& g = *gradients;
  const int64_t channels = job.scan.channels, states = job.scan.states;

  const struct {
    Gradient gradient;
    const fovea_tensor* like;  // has its shape; NULL: the input is absent
    const char* input;
    float** data;
    int64_t* pitch;
  } outputs[] = {
      {{"du", g.du}, u, "u", &job.du, &job.du_pitch},
      {{"d_delta", g.d_delta}, delta, "delta", &job.d_delta, &job.d_delta_pitch},
      {{"dA", g.dA}, A, "A", &job.da, &job.da_pitch},
      {{"dB", g.dB}, Bm, "Bm", &job.db, &job.db_pitch},
      {{"dC", g.dC}, C, "C", &job.dc, &job.dc_pitch},
      {{"d_skip", g.d_skip}, skip, "skip", &job.d_skip, nullptr},
      {{"dz", g.dz}, z, "z", &job.dz, &job.dz_pitch},
      {{"d_delta_bias", g.d_delta_bias}, delta_bias, "delta_bias", &job.d_bias, nullptr},
      {{"d_initial_state", g.d_initial_state}, initial_state, "initial_state", &job.d_initial, &job.d_initial_pitch}};
  for (const auto& output : outputs) {
    const auto [name, tensor] = output.gradient;
    if (tensor == nullptr) continue;
    FOVEA_CHECK(output.like != nullptr, "%s: %s is given without %s", op, name, output.input);
    FOVEA_TRY(check_tensor(op, name, tensor, output.like->rank, output.like->dtype, stream));
    FOVEA_TRY(check_same_shape(op, output.input, *output.like, name, *tensor));
    FOVEA_TRY(check_scan_output(op, inputs, name, *tensor));
    const Gradient others[] = {{"initial_state", initial_state}, {"dy", dy}, {"d_final_state", d_final_state}};
    for (const Gradient& other : others)
      if (other.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, other.name, *other.tensor, name, *tensor, false));
    for (const auto& before : outputs) {
      if (before.gradient.name == name) break;
      if (before.gradient.tensor == nullptr) continue;
      FOVEA_TRY(check_no_overlap(op, before.gradient.name, *before.gradient.tensor, name, *tensor, false));
    }
    *output.data = static_cast<float*>(tensor->data);
    if (output.pitch != nullptr) *output.pitch = tensor->pitch;
  }
  job.threads = pool_threads();
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(op, *u, states, job.threads, &bytes));
  FOVEA_FORWARD(stream, fovea_selective_scan_backward, params, u, delta, A, Bm, C, skip, z, delta_bias, initial_state, dy,
                d_final_state, gradients, workspace, stream);
  if (channels == 0 || states == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  job.scratch = workspace->data;
  job.dy = static_cast<const float*>(dy->data), job.dy_pitch = dy->pitch;
  job.d_final = d_final_state == nullptr ? nullptr : static_cast<const float*>(d_final_state->data);
  job.d_final_pitch = d_final_state == nullptr ? 0 : d_final_state->pitch;
  return enqueue(stream,
                 select_isa(selective_scan_backward_reference, scalar::selective_scan_backward, avx2::selective_scan_backward,
                            avx512::selective_scan_backward),
                 job);
}
