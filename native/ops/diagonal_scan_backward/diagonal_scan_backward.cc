#include "ops/diagonal_scan_backward/diagonal_scan_backward.h"

#include <complex>

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(diagonal_scan_backward, const DiagonalScanBackwardJob&)

namespace {

using Number = std::complex<double>;

// Real recurrences are complex ones whose imaginary parts are 0.
void diagonal_scan_backward_reference(const DiagonalScanBackwardJob& j) {
  const DiagonalScanJob& s = j.scan;
  const int64_t batch = live_rows(s.live, s.batch), floats = s.is_complex ? 2 : 1;
  const auto number = [&](const float* base, int64_t offset) {
    if (base == nullptr) return Number(0);
    return Number(static_cast<double>(base[offset]), s.is_complex ? static_cast<double>(base[offset + 1]) : 0.0);
  };
  const auto put = [&](float* base, int64_t offset, Number v) {
    if (base == nullptr) return;
    base[offset] = static_cast<float>(v.real());
    if (s.is_complex) base[offset + 1] = static_cast<float>(v.imag());
  };
  for (int64_t d = 0; d < s.channels; d += floats) {
    Number sum = 0;
    for (int64_t i = 0; i < batch; ++i) {
      Number carry = number(j.d_final, i * j.d_final_pitch + d);  // conj(a) g of the step after
      for (int64_t t = s.length - 1; t >= 0; --t) {
        const int64_t row = i * s.length + t;
        const Number g = number(j.dy, row * j.dy_pitch + d) + carry;
        const Number before = t == 0 ? number(s.state, i * s.state_pitch + d) : number(s.y, (row - 1) * s.y_pitch + d);
        put(j.dx, row * j.dx_pitch + d, g);
        if (!s.constant) put(j.da, row * j.da_pitch + d, std::conj(before) * g);
        sum += std::conj(before) * g;
        carry = std::conj(number(s.a, row * s.a_pitch + d)) * g;
      }
      put(j.d_initial, i * j.d_initial_pitch + d, carry);
    }
    if (s.constant) put(j.da, d, sum);
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_diagonal_scan_backward_workspace(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                               int64_t* bytes) {
  constexpr const char* op = "diagonal_scan_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_diagonal_shape(op, params, x));
  FOVEA_FORWARD_TENSOR(x, fovea_diagonal_scan_backward_workspace, params, x, bytes);
  *bytes = x->shape[0] * x->shape[2] * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_diagonal_scan_backward(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* a, const fovea_tensor* initial_state,
                                                     const fovea_tensor* y, const fovea_tensor* dy,
                                                     const fovea_tensor* d_final_state, const fovea_tensor* dx,
                                                     const fovea_tensor* da, const fovea_tensor* d_initial_state,
                                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "diagonal_scan_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_diagonal_inputs(op, params, x, a, stream));
  FOVEA_TRY(check_diagonal_state(op, "initial_state", initial_state, *x, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_tensor(op, "dy", dy, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  FOVEA_TRY(check_diagonal_state(op, "d_final_state", d_final_state, *x, stream));
  const NamedTensor inputs[] = {{"x", x}, {"a", a},   {"initial_state", initial_state},
                                {"y", y}, {"dy", dy}, {"d_final_state", d_final_state}};
  const NamedTensor gradients[] = {{"dx", dx}, {"da", da}, {"d_initial_state", d_initial_state}};
  FOVEA_TRY(check_gradients(op, inputs, gradients, stream));
  FOVEA_FORWARD(stream, fovea_diagonal_scan_backward, params, x, a, initial_state, y, dy, d_final_state, dx, da,
                d_initial_state, workspace, stream);
  if (x->shape[2] == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, x->shape[0] * x->shape[2] * static_cast<int64_t>(sizeof(float))));
  DiagonalScanBackwardJob job = diagonal_scan_backward_job(diagonal_scan_job(*params, *x, *a), initial_state, *y, *dy,
                                                           d_final_state, {dx, da, d_initial_state});
  job.sums = workspace == nullptr ? nullptr : static_cast<float*>(workspace->data);
  return enqueue(stream,
                 select_isa(diagonal_scan_backward_reference, scalar::diagonal_scan_backward, avx2::diagonal_scan_backward,
                            avx512::diagonal_scan_backward),
                 job);
}
