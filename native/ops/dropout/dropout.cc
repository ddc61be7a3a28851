#include "ops/dropout/dropout.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/dropout/philox.h"

namespace fovea {

FOVEA_DECLARE_BODIES(dropout, const DropoutJob&)

namespace {

void dropout_reference(const DropoutJob& j) {
  const auto seed = static_cast<uint64_t>(j.state[0]), offset = static_cast<uint64_t>(j.state[1]);
  const int64_t n = live_rows(j.live, j.layout.leading) * j.layout.inner * j.layout.width;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t row = i / j.layout.width, c = i % j.layout.width;
    const uint32_t word = philox(offset + static_cast<uint64_t>(i / 4), static_cast<uint64_t>(j.sequence), seed).word[i % 4];
    const bool stays = static_cast<double>(word >> kDropoutShift) >= static_cast<double>(j.threshold);
    const double x = static_cast<double>(j.x[row * j.x_pitch + c]);
    j.y[row * j.y_pitch + c] = stays ? static_cast<float>(x / static_cast<double>(j.keep)) : 0;
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_dropout(const fovea_dropout_params* params, const fovea_tensor* state, const fovea_tensor* x,
                                      const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "dropout";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->rate >= 0 && params->rate < 1, "%s: rate is %g, it must be in [0, 1)", op,
              static_cast<double>(params->rate));
  FOVEA_TRY(check_tensor(op, "state", state, 1, kI64, stream));
  FOVEA_CHECK(state->shape[0] == 2, "%s: state must be [2], it is %s", op, describe(*state));
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  FOVEA_TRY(check_no_overlap(op, "state", *state, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_dropout, params, state, x, y, stream);
  DropoutJob job = plan_dropout(*params, *state, *x, *y);
  job.x = static_cast<const float*>(x->data);
  job.y = static_cast<float*>(y->data);
  return enqueue(stream, select_isa(dropout_reference, scalar::dropout, avx2::dropout, avx512::dropout), job);
}
