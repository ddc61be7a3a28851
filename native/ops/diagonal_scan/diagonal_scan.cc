#include "ops/diagonal_scan/diagonal_scan.h"

#include <complex>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(diagonal_scan, const DiagonalScanJob&)

namespace {

using Number = std::complex<double>;

// Real recurrences are complex ones whose imaginary parts are 0.
void diagonal_scan_reference(const DiagonalScanJob& j) {
  const int64_t batch = live_rows(j.live, j.batch), floats = j.is_complex ? 2 : 1;
  const auto number = [&](const float* p) {
    return Number(static_cast<double>(p[0]), j.is_complex ? static_cast<double>(p[1]) : 0.0);
  };
  const auto put = [&](float* p, Number v) {
    p[0] = static_cast<float>(v.real());
    if (j.is_complex) p[1] = static_cast<float>(v.imag());
  };
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t d = 0; d < j.channels; d += floats) {
      float* state = j.state == nullptr ? nullptr : j.state + i * j.state_pitch + d;
      Number y = state == nullptr ? Number(0) : number(state);
      for (int64_t row = i * j.length; row < (i + 1) * j.length; ++row) {
        y = number(j.a + row * j.a_pitch + d) * y + number(j.x + row * j.x_pitch + d);
        put(j.y + row * j.y_pitch + d, y);
      }
      if (state != nullptr) put(state, y);
    }
}

}  // namespace

fovea_status check_diagonal_inputs(const char* op, const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                   const fovea_tensor* a, const fovea_stream* stream) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_tensor(op, "x", x, 3, kF32, stream));
  FOVEA_TRY(check_tensor(op, "a", a, kAnyRank, kF32, stream));
  const int64_t channels = x->shape[2];
  FOVEA_CHECK(params->is_complex == 0 || channels % 2 == 0, "%s: x has %lld channels, complex numbers need an even number", op,
              static_cast<long long>(channels));
  FOVEA_TRY(check_diagonal_shape(op, params, x));
  if (a->rank == 1) return check_channel_vector(op, "a", a, channels, stream);
  return check_same_shape(op, "x", *x, "a", *a);
}

fovea_status check_diagonal_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& x,
                                  const fovea_stream* stream) {
  if (state == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, state, 2, kF32, stream));
  FOVEA_CHECK(state->shape[0] == x.shape[0] && state->shape[1] == x.shape[2], "%s: %s is %s, but x is %s", op, name,
              describe(*state), describe(x));
  return FOVEA_OK;
}

fovea_status check_diagonal_shape(const char* op, const fovea_diagonal_scan_params* params, const fovea_tensor* x) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(x != nullptr && x->rank == 3 && x->shape[0] >= 0 && x->shape[1] >= 0 && x->shape[2] >= 0,
              "%s: x must have rank 3", op);
  // In floating point the test cannot overflow.
  const auto wide = [](int64_t n) { return static_cast<double>(n) + 1; };
  FOVEA_CHECK(wide(x->shape[0]) * wide(x->shape[1]) * wide(x->shape[2]) < 1125899906842624.0, "%s: too large (x is %s)", op,
              describe(*x));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

// The CPU runs through time in one piece.
extern "C" fovea_status fovea_diagonal_scan_workspace(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                      int64_t* bytes) {
  constexpr const char* op = "diagonal_scan_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_diagonal_shape(op, params, x));
  FOVEA_FORWARD_TENSOR(x, fovea_diagonal_scan_workspace, params, x, bytes);
  *bytes = 0;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_diagonal_scan(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                            const fovea_tensor* a, const fovea_tensor* state, const fovea_tensor* y,
                                            const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "diagonal_scan";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_diagonal_inputs(op, params, x, a, stream));
  FOVEA_TRY(check_diagonal_state(op, "state", state, *x, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "a", *a, "y", *y, false));
  if (state != nullptr) {
    FOVEA_TRY(check_no_overlap(op, "x", *x, "state", *state, false));
    FOVEA_TRY(check_no_overlap(op, "a", *a, "state", *state, false));
    FOVEA_TRY(check_no_overlap(op, "y", *y, "state", *state, false));
  }
  FOVEA_FORWARD(stream, fovea_diagonal_scan, params, x, a, state, y, workspace, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  DiagonalScanJob job = diagonal_scan_job(*params, *x, *a);
  job.state = state == nullptr ? nullptr : static_cast<float*>(state->data);
  job.state_pitch = state == nullptr ? 0 : state->pitch;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  return enqueue(stream, select_isa(diagonal_scan_reference, scalar::diagonal_scan, avx2::diagonal_scan, avx512::diagonal_scan),
                 job);
}
