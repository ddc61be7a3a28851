#include "ops/causal_conv1d_backward/causal_conv1d_backward.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/derivative.h"

namespace fovea {

FOVEA_DECLARE_BODIES(causal_conv1d_backward, const CausalConv1dBackwardJob&)

namespace {

using Job = CausalConv1dBackwardJob;

double widen(float x) { return static_cast<double>(x); }

double input(const Job& j, int64_t batch, int64_t row, int64_t d) {
  const float* x = input_row(j.conv, batch, row);
  return x == nullptr ? 0.0 : widen(x[d]);
}

// Of the sum before the activation, at one step.
double sum_gradient(const Job& j, int64_t batch, int64_t t, int64_t d) {
  const CausalConv1dJob& c = j.conv;
  double sum = c.bias == nullptr ? 0.0 : widen(c.bias[d]);
  for (int64_t k = 0; k < c.kernel; ++k) sum += widen(c.w[d * c.w_pitch + k]) * input(j, batch, t + k, d);
  return widen(j.dy[(batch * c.length + t) * j.dy_pitch + d]) * reference_activation_derivative(c.activation, sum, 0);
}

// Of input row r.
double input_gradient(const Job& j, int64_t batch, int64_t r, int64_t d) {
  const CausalConv1dJob& c = j.conv;
  double sum = 0;
  for (int64_t k = 0; k < c.kernel; ++k)
    if (r - k >= 0 && r - k < c.length) sum += widen(c.w[d * c.w_pitch + k]) * sum_gradient(j, batch, r - k, d);
  if (j.d_final != nullptr && r >= c.length)
    sum += widen(j.d_final[(batch * (c.kernel - 1) + r - c.length) * j.d_final_pitch + d]);
  return sum;
}

void causal_conv1d_backward_reference(const Job& j) {
  const CausalConv1dJob& c = j.conv;
  const int64_t batch = live_rows(c.live, c.batch), before = c.kernel - 1;
  for (int64_t d = 0; d < c.channels; ++d) {
    double dw[kMaxCausalKernel] = {}, dbias = 0;
    for (int64_t i = 0; i < batch; ++i) {
      for (int64_t t = 0; t < c.length; ++t) {
        const double g = sum_gradient(j, i, t, d);
        dbias += g;
        for (int64_t k = 0; k < c.kernel; ++k) dw[k] += g * input(j, i, t + k, d);
        if (j.dx != nullptr)
          j.dx[(i * c.length + t) * j.dx_pitch + d] = static_cast<float>(input_gradient(j, i, before + t, d));
      }
      for (int64_t r = 0; j.d_state != nullptr && r < before; ++r)
        j.d_state[(i * before + r) * j.d_state_pitch + d] = static_cast<float>(input_gradient(j, i, r, d));
    }
    for (int64_t k = 0; j.dw != nullptr && k < c.kernel; ++k) j.dw[d * j.dw_pitch + k] = static_cast<float>(dw[k]);
    if (j.dbias != nullptr) j.dbias[d] = static_cast<float>(dbias);
  }
}

fovea_status workspace_bytes(const char* op, const fovea_tensor& x, int64_t kernel, int64_t* bytes) {
  // In floating point the test cannot overflow.
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  const double size =
      wide(x.shape[0]) * (wide(x.shape[1]) / wide(kCausalBackwardSteps) + 1) * wide(kernel + 1) * wide(x.shape[2]);
  FOVEA_CHECK(size < 1125899906842624.0, "%s: too large (x is %s, %lld taps)", op, describe(x), static_cast<long long>(kernel));
  *bytes = causal_backward_floats(x.shape[0], x.shape[1], x.shape[2], kernel) * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

// Every backend needs the same: runs are cut alike.
extern "C" fovea_status fovea_causal_conv1d_backward_workspace(const fovea_activation_params* activation, const fovea_tensor* x,
                                                               const fovea_tensor* w, int64_t* bytes) {
  constexpr const char* op = "causal_conv1d_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_CHECK(activation != nullptr, "%s: activation is NULL", op);
  FOVEA_CHECK(x != nullptr && x->rank == 3 && x->shape[0] >= 0 && x->shape[1] >= 0 && x->shape[2] >= 0,
              "%s: x must have rank 3", op);
  FOVEA_CHECK(w != nullptr && w->rank == 2, "%s: w must have rank 2", op);
  FOVEA_CHECK(w->shape[1] >= 1 && w->shape[1] <= kMaxCausalKernel, "%s: w has %lld taps, allowed are 1 to %lld", op,
              static_cast<long long>(w->shape[1]), static_cast<long long>(kMaxCausalKernel));
  return workspace_bytes(op, *x, w->shape[1], bytes);
}

extern "C" fovea_status fovea_causal_conv1d_backward(const fovea_activation_params* activation, const fovea_tensor* x,
                                                     const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                                     const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                     const fovea_tensor* dx, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                     const fovea_tensor* d_state, const fovea_workspace* workspace,
                                                     fovea_stream* stream) {
  constexpr const char* op = "causal_conv1d_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_causal_inputs(op, activation, x, w, bias, stream));
  FOVEA_TRY(check_causal_state(op, "state", state, *x, *w, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, 3, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  FOVEA_TRY(check_causal_state(op, "d_final_state", d_final_state, *x, *w, stream));
  struct Named {
    const char* name;
    const fovea_tensor* tensor;
  };
  const Named inputs[] = {{"x", x}, {"w", w}, {"bias", bias}, {"state", state}, {"dy", dy}, {"d_final_state", d_final_state}};
  const struct {
    Named gradient, of;  // a gradient has the shape and type of what it is the gradient of
  } outputs[] = {
      {{"dx", dx}, inputs[0]}, {{"dw", dw}, inputs[1]}, {{"dbias", dbias}, inputs[2]}, {{"d_state", d_state}, inputs[3]}};
  for (const auto& [gradient, of] : outputs) {
    if (gradient.tensor == nullptr) continue;
    FOVEA_CHECK(of.tensor != nullptr, "%s: %s is given without %s", op, gradient.name, of.name);
    FOVEA_TRY(check_tensor(op, gradient.name, gradient.tensor, of.tensor->rank, of.tensor->dtype, stream));
    FOVEA_TRY(check_same_shape(op, of.name, *of.tensor, gradient.name, *gradient.tensor));
    for (const Named& input : inputs)
      if (input.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, gradient.name, *gradient.tensor, false));
    for (const auto& before : outputs) {
      if (before.gradient.name == gradient.name) break;
      if (before.gradient.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, before.gradient.name, *before.gradient.tensor, gradient.name, *gradient.tensor, false));
    }
  }
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(op, *x, w->shape[1], &bytes));
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  FOVEA_FORWARD(stream, fovea_causal_conv1d_backward, activation, x, w, bias, state, dy, d_final_state, dx, dw, dbias, d_state,
                workspace, stream);
  if (x->shape[2] == 0) return FOVEA_OK;
  const CausalConv1dJob conv = causal_conv1d_job(*activation, *x, *w, bias, state, *x);
  return enqueue(stream,
                 select_isa(causal_conv1d_backward_reference, scalar::causal_conv1d_backward, avx2::causal_conv1d_backward,
                            avx512::causal_conv1d_backward),
                 causal_conv1d_backward_job(conv, *dy, d_final_state, {dx, dw, dbias, d_state}, workspace));
}
