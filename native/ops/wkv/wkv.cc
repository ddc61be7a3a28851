#include "ops/wkv/wkv.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(wkv, const WkvJob&)

namespace {

double widen(float x) { return static_cast<double>(x); }

// The larger one; NaN if either is.
double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

void mix_channel(const WkvJob& j, int64_t batch, int64_t c) {
  float* state = j.state == nullptr ? nullptr : j.state + batch * 3 * j.state_pitch + c;
  double p = 0, q = 0, o = widen(kWkvStart);
  if (state != nullptr) p = widen(state[0]), q = widen(state[j.state_pitch]), o = widen(state[2 * j.state_pitch]);
  const double decay = widen(j.decay[c]), bonus = widen(j.bonus[c]);
  for (int64_t t = 0; t < j.length; ++t) {
    const int64_t row = batch * j.length + t;
    const double k = widen(j.k[row * j.k_pitch + c]), v = widen(j.v[row * j.v_pitch + c]);
    const double top = larger(o, bonus + k), before = std::exp(o - top), now = std::exp(bonus + k - top);
    j.y[row * j.y_pitch + c] = static_cast<float>((before * p + now * v) / (before * q + now));
    const double next = larger(decay + o, k), kept = std::exp(decay + o - next), added = std::exp(k - next);
    p = kept * p + added * v, q = kept * q + added, o = next;
  }
  if (state == nullptr) return;
  state[0] = static_cast<float>(p), state[j.state_pitch] = static_cast<float>(q);
  state[2 * j.state_pitch] = static_cast<float>(o);
}

void wkv_reference(const WkvJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t c = 0; c < j.channels; ++c) mix_channel(j, i, c);
}

fovea_status check_channels(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& k,
                            const fovea_stream* stream) {
  FOVEA_CHECK(t != nullptr, "%s: %s is NULL", op, name);
  return check_channel_vector(op, name, t, k.shape[2], stream);
}

}  // namespace

fovea_status check_wkv_inputs(const char* op, const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                              const fovea_tensor* v, const fovea_stream* stream, WkvJob* job) {
  FOVEA_TRY(check_tensor(op, "k", k, 3, kF32, stream));
  FOVEA_TRY(check_tensor(op, "v", v, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "k", *k, "v", *v));
  FOVEA_TRY(check_channels(op, "decay", decay, *k, stream));
  FOVEA_TRY(check_channels(op, "bonus", bonus, *k, stream));
  *job = wkv_job(*decay, *bonus, *k, *v);
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_wkv(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                  const fovea_tensor* v, const fovea_tensor* state, const fovea_tensor* y,
                                  fovea_stream* stream) {
  constexpr const char* op = "wkv";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  WkvJob job{};
  FOVEA_TRY(check_wkv_inputs(op, decay, bonus, k, v, stream, &job));
  FOVEA_TRY(check_tensor(op, "y", y, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "k", *k, "y", *y));
  if (state != nullptr) {
    FOVEA_TRY(check_tensor(op, "state", state, 3, kF32, stream));
    FOVEA_CHECK(state->shape[0] == k->shape[0] && state->shape[1] == 3 && state->shape[2] == k->shape[2],
                "%s: state is %s, expected [B][3][C] of k %s", op, describe(*state), describe(*k));
  }
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"state", state}, {"decay", decay}, {"bonus", bonus}, {"k", k}, {"v", v}};
  for (const auto& input : inputs) {
    if (input.tensor == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "y", *y, false));
    if (state != nullptr && input.tensor != state)
      FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "state", *state, false));
  }
  FOVEA_FORWARD(stream, fovea_wkv, decay, bonus, k, v, state, y, stream);
  if (elements(*k) == 0) return FOVEA_OK;
  if (state != nullptr) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  return enqueue(stream, select_isa(wkv_reference, scalar::wkv, avx2::wkv, avx512::wkv), job);
}
