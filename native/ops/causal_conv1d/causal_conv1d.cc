#include "ops/causal_conv1d/causal_conv1d.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(causal_conv1d, const CausalConv1dJob&)

namespace {

void causal_conv1d_reference(const CausalConv1dJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t i = 0; i < batch; ++i) {
    for (int64_t t = 0; t < j.length; ++t)
      for (int64_t d = 0; d < j.channels; ++d) {
        double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[d]);
        for (int64_t k = 0; k < j.kernel; ++k) {
          const float* x = input_row(j, i, t + k);
          sum += static_cast<double>(j.w[d * j.w_pitch + k]) * (x == nullptr ? 0.0 : static_cast<double>(x[d]));
        }
        j.y[(i * j.length + t) * j.y_pitch + d] = static_cast<float>(reference_activation(j.activation, sum, 0));
      }
    advance_state(j, i, 0, j.channels);
  }
}

}  // namespace

fovea_status check_causal_inputs(const char* op, const fovea_activation_params* activation, const fovea_tensor* x,
                                 const fovea_tensor* w, const fovea_tensor* bias, const fovea_stream* stream) {
  FOVEA_CHECK(activation != nullptr, "%s: activation is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, 3, stream));
  FOVEA_TRY(check_tensor(op, "w", w, 2, kF32, stream));
  const int64_t channels = x->shape[2], kernel = w->shape[1];
  FOVEA_CHECK(w->shape[0] == channels, "%s: w has %lld channels, x has %lld", op, static_cast<long long>(w->shape[0]),
              static_cast<long long>(channels));
  FOVEA_CHECK(kernel >= 1 && kernel <= kMaxCausalKernel, "%s: w has %lld taps, allowed are 1 to %lld", op,
              static_cast<long long>(kernel), static_cast<long long>(kMaxCausalKernel));
  FOVEA_TRY(check_channel_vector(op, "bias", bias, channels, stream));
  return check_activation(op, *activation, nullptr, channels, stream);
}

fovea_status check_causal_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& x,
                                const fovea_tensor& w, const fovea_stream* stream) {
  if (state == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, state, 3, kF32, stream));
  FOVEA_CHECK(state->shape[0] == x.shape[0] && state->shape[1] == w.shape[1] - 1 && state->shape[2] == x.shape[2],
              "%s: %s is %s, but x is %s and w is %s", op, name, describe(*state), describe(x), describe(w));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_causal_conv1d(const fovea_activation_params* activation, const fovea_tensor* x,
                                            const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                            const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "causal_conv1d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_causal_inputs(op, activation, x, w, bias, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 3, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_causal_state(op, "state", state, *x, *w, stream));
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"x", x}, {"w", w}, {"bias", bias}, {"state", state}};
  for (const auto& input : inputs) {
    if (input.tensor == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "y", *y, false));
    if (state != nullptr && input.tensor != state)
      FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "state", *state, false));
  }
  FOVEA_FORWARD(stream, fovea_causal_conv1d, activation, x, w, bias, state, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  return enqueue(stream, select_isa(causal_conv1d_reference, scalar::causal_conv1d, avx2::causal_conv1d, avx512::causal_conv1d),
                 causal_conv1d_job(*activation, *x, *w, bias, state, *y));
}
