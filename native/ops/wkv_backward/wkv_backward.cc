#include "ops/wkv_backward/wkv_backward.h"

#include <cmath>

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(wkv_backward, const WkvBackwardJob&)

namespace {

using Job = WkvBackwardJob;

double widen(float x) { return static_cast<double>(x); }

struct Channel {
  const Job& j;
  int64_t batch, c;

  double k(int64_t t) const { return widen(j.mix.k[(batch * j.mix.length + t) * j.mix.k_pitch + c]); }
  double v(int64_t t) const { return widen(j.mix.v[(batch * j.mix.length + t) * j.mix.v_pitch + c]); }
  double dy(int64_t t) const { return widen(j.dy[(batch * j.mix.length + t) * j.dy_pitch + c]); }
  double decay() const { return widen(j.mix.decay[c]); }
  double bonus() const { return widen(j.mix.bonus[c]); }

  // Exponent of position i in the sums of y[t], i <= t.
  double exponent(int64_t t, int64_t i) const {
    return i == t ? bonus() + k(t) : static_cast<double>(t - 1 - i) * decay() + k(i);
  }
};

// Straight from the definition, one y[t] at a time: its weights are a softmax over the positions up to t.
void channel_backward(const Channel& at, double* d_decay, double* d_bonus) {
  const Job& j = at.j;
  const int64_t length = j.mix.length;
  // Outputs are rounded once: position i is summed over all t alone.
  for (int64_t i = 0; i < length; ++i) {
    double dk = 0, dv = 0;
    for (int64_t t = i; t < length; ++t) {
      double top = at.exponent(t, t), numerator = 0, denominator = 0;
      for (int64_t n = 0; n < t; ++n) top = std::fmax(top, at.exponent(t, n));
      for (int64_t n = 0; n <= t; ++n) {
        const double weight = std::exp(at.exponent(t, n) - top);
        numerator += weight * at.v(n), denominator += weight;
      }
      const double share = std::exp(at.exponent(t, i) - top) / denominator;
      const double slope = at.dy(t) * share * (at.v(i) - numerator / denominator);  // with respect to the exponent
      dv += at.dy(t) * share;
      dk += slope;
      if (i == t)
        *d_bonus += slope;
      else
        *d_decay += static_cast<double>(t - 1 - i) * slope;
    }
    const int64_t row = at.batch * length + i;
    if (j.dk != nullptr) j.dk[row * j.dk_pitch + at.c] = static_cast<float>(dk);
    if (j.dv != nullptr) j.dv[row * j.dv_pitch + at.c] = static_cast<float>(dv);
  }
}

void wkv_backward_reference(const Job& j) {
  const int64_t batch = live_rows(j.mix.live, j.mix.batch);
  for (int64_t c = 0; c < j.mix.channels; ++c) {
    double d_decay = 0, d_bonus = 0;
    for (int64_t i = 0; i < batch; ++i) channel_backward({j, i, c}, &d_decay, &d_bonus);
    if (j.d_decay != nullptr) j.d_decay[c] = static_cast<float>(d_decay);
    if (j.d_bonus != nullptr) j.d_bonus[c] = static_cast<float>(d_bonus);
  }
}

fovea_status workspace_bytes(const char* op, const fovea_tensor& k, int64_t* bytes) {
  // In floating point the test cannot overflow.
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  FOVEA_CHECK(wide(k.shape[0]) * (wide(k.shape[1]) + 2) * wide(k.shape[2]) < 1125899906842624.0, "%s: too large (k is %s)", op,
              describe(k));
  *bytes = wkv_backward_floats(k.shape[0], k.shape[1], k.shape[2]) * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

// Every backend needs the same: positions are cut alike.
extern "C" fovea_status fovea_wkv_backward_workspace(const fovea_tensor* k, int64_t* bytes) {
  constexpr const char* op = "wkv_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_CHECK(k != nullptr && k->rank == 3 && k->shape[0] >= 0 && k->shape[1] >= 0 && k->shape[2] >= 0,
              "%s: k must have rank 3", op);
  return workspace_bytes(op, *k, bytes);
}

extern "C" fovea_status fovea_wkv_backward(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                           const fovea_tensor* v, const fovea_tensor* dy, const fovea_tensor* d_decay,
                                           const fovea_tensor* d_bonus, const fovea_tensor* dk, const fovea_tensor* dv,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "wkv_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  WkvJob mix{};
  FOVEA_TRY(check_wkv_inputs(op, decay, bonus, k, v, stream, &mix));
  FOVEA_TRY(check_tensor(op, "dy", dy, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "k", *k, "dy", *dy));
  const NamedTensor inputs[] = {{"decay", decay}, {"bonus", bonus}, {"k", k}, {"v", v}, {"dy", dy}};
  const NamedTensor outputs[] = {{"d_decay", d_decay}, {"d_bonus", d_bonus}, {"dk", dk}, {"dv", dv}};
  FOVEA_TRY(check_gradients(op, inputs, outputs, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(op, *k, &bytes));
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  FOVEA_FORWARD(stream, fovea_wkv_backward, decay, bonus, k, v, dy, d_decay, d_bonus, dk, dv, workspace, stream);
  if (mix.channels == 0) return FOVEA_OK;
  return enqueue(stream, select_isa(wkv_backward_reference, scalar::wkv_backward, avx2::wkv_backward, avx512::wkv_backward),
                 wkv_backward_job(mix, *dy, {d_decay, d_bonus, dk, dv}, *workspace));
}
