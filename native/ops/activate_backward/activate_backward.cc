#include "ops/activate_backward/activate_backward.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/activation.h"
#include "ops/activation/derivative.h"

namespace fovea {

FOVEA_DECLARE_BODIES(activate_backward, const ActivateBackwardJob&)

namespace {

void activate_backward_reference(const ActivateBackwardJob& j) {
  const int64_t rows = live_rows_of(j), width = live_channels_of(j);
  for (int64_t c = 0; c < j.channels; ++c) {
    double sum = 0;
    for (int64_t r = 0; r < rows && c < width; ++r) {
      const auto x = static_cast<double>(j.x[r * j.x_pitch + c]), dy = static_cast<double>(j.dy[r * j.dy_pitch + c]);
      const double slope = j.slope == nullptr ? 0 : static_cast<double>(j.slope[c]);
      sum += x >= 0 ? 0 * dy : dy * x;  // a NaN of either reaches the sum
      if (j.dx != nullptr)
        j.dx[r * j.dx_pitch + c] = static_cast<float>(dy * reference_activation_derivative(j.params, x, slope));
    }
    if (j.d_slope != nullptr) j.d_slope[c] = static_cast<float>(sum);
  }
}

float* data(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); }

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_activate_backward_workspace(const fovea_activation_params* params, const fovea_tensor* x,
                                                          int64_t* bytes) {
  constexpr const char* op = "activate_backward_workspace";
  FOVEA_CHECK(params != nullptr && bytes != nullptr, "%s: params or bytes is NULL", op);
  FOVEA_CHECK(x != nullptr && x->rank >= 0 && x->rank <= FOVEA_MAX_RANK, "%s: x is NULL or has a bad rank", op);
  int64_t n = 1;  // below 2^46, as in every call: no product of sizes overflows
  for (int i = 0; i < x->rank; ++i) {
    FOVEA_CHECK(x->shape[i] >= 0 && (x->shape[i] == 0 || n <= (int64_t{1} << 46) / x->shape[i]), "%s: x has a bad size: %s", op,
                describe(*x));
    n *= x->shape[i] == 0 ? 1 : x->shape[i];
  }
  *bytes = activate_backward_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_activate_backward(const fovea_activation_params* params, const fovea_tensor* x,
                                                const fovea_tensor* slope, const fovea_tensor* dy, const fovea_tensor* dx,
                                                const fovea_tensor* d_slope, const fovea_workspace* workspace,
                                                fovea_stream* stream) {
  constexpr const char* op = "activate_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  FOVEA_TRY(check_activation(op, *params, slope, last(*x), stream));
  FOVEA_CHECK(d_slope == nullptr || slope != nullptr, "%s: d_slope without a slope", op);
  FOVEA_TRY(check_channel_vector(op, "d_slope", d_slope, last(*x), stream));
  if (dx != nullptr) {
    FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
    FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, false));
    FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, true));
    if (slope != nullptr) FOVEA_TRY(check_no_overlap(op, "slope", *slope, "dx", *dx, false));
  }
  if (d_slope != nullptr) {
    FOVEA_TRY(check_no_overlap(op, "x", *x, "d_slope", *d_slope, false));
    FOVEA_TRY(check_no_overlap(op, "dy", *dy, "d_slope", *d_slope, false));
    FOVEA_TRY(check_no_overlap(op, "slope", *slope, "d_slope", *d_slope, false));
    if (dx != nullptr) FOVEA_TRY(check_no_overlap(op, "dx", *dx, "d_slope", *d_slope, false));
  }
  FOVEA_FORWARD(stream, fovea_activate_backward, params, x, slope, dy, dx, d_slope, workspace, stream);
  if (d_slope != nullptr) FOVEA_TRY(check_workspace(op, workspace, activate_backward_bytes(*params, *x)));
  ActivateBackwardJob job = plan_activate_backward(*params, *x, *dy, dx);
  job.x = data(x);
  job.slope = data(slope);
  job.dy = data(dy);
  job.dx = data(dx);
  job.d_slope = data(d_slope);
  job.sums = d_slope == nullptr || workspace == nullptr ? nullptr : static_cast<float*>(workspace->data);
  return enqueue(
      stream,
      select_isa(activate_backward_reference, scalar::activate_backward, avx2::activate_backward, avx512::activate_backward),
      job);
}
