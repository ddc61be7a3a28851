#include "ops/batch_norm_backward/batch_norm_backward.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/layer_norm_backward/norm_checks.h"

namespace fovea {

FOVEA_DECLARE_BODIES(batch_norm_backward, const BatchNormBackwardJob&)

namespace {

void batch_norm_backward_reference(const BatchNormBackwardJob& j) {
  const int64_t rows = live_rows(j.live, j.leading) * j.inner;
  for (int64_t c = 0; c < j.channels; ++c) {
    const double rstd = static_cast<double>(j.rstd[c]), gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[c]);
    const auto dy = [&](int64_t r) { return static_cast<double>(j.dy[r * j.dy_pitch + c]); };
    const auto z = [&](int64_t r) {
      return (static_cast<double>(j.x[r * j.x_pitch + c]) - static_cast<double>(j.mean[c])) * rstd;
    };
    double plain = 0, weighted = 0;
    for (int64_t r = 0; r < rows; ++r) plain += dy(r), weighted += dy(r) * z(r);
    if (j.dgamma != nullptr) j.dgamma[c] = static_cast<float>(weighted);
    if (j.dbeta != nullptr) j.dbeta[c] = static_cast<float>(plain);
    for (int64_t r = 0; r < rows && j.dx != nullptr; ++r) {
      const double count = static_cast<double>(rows), v = j.training ? dy(r) - plain / count - z(r) * weighted / count : dy(r);
      j.dx[r * j.dx_pitch + c] = static_cast<float>(gamma * rstd * v);
    }
  }
}

fovea_status check_shape(const char* op, const fovea_batch_norm_params* params, const fovea_tensor* x) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->activation.kind == FOVEA_ACTIVATION_NONE,
              "%s: the gradient of a fused activation comes first; activation must be NONE, it is %d", op,
              params->activation.kind);
  FOVEA_TRY(check_norm_shape(op, x));
  FOVEA_CHECK(x->rank >= 2, "%s: x must be [N][..][C], it is %s", op, describe(*x));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_batch_norm_backward_workspace(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                                            int64_t* bytes) {
  constexpr const char* op = "batch_norm_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_shape(op, params, x));
  FOVEA_FORWARD_TENSOR(x, fovea_batch_norm_backward_workspace, params, x, bytes);
  *bytes = channel_sums_bytes(batch_norm_sums(*x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_batch_norm_backward(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* mean, const fovea_tensor* rstd,
                                                  const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                  const fovea_tensor* dbeta, const fovea_workspace* workspace,
                                                  fovea_stream* stream) {
  constexpr const char* op = "batch_norm_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_shape(op, params, x));
  FOVEA_TRY(check_norm_tensors(op, x, gamma, dy, dx, dgamma, dbeta, stream));
  FOVEA_CHECK(mean != nullptr && rstd != nullptr, "%s: mean or rstd is NULL", op);
  FOVEA_TRY(check_channel_vector(op, "mean", mean, last(*x), stream));
  FOVEA_TRY(check_channel_vector(op, "rstd", rstd, last(*x), stream));
  for (const fovea_tensor* output : {dx, dgamma, dbeta})
    if (output != nullptr) {
      const char* name = output == dx ? "dx" : output == dgamma ? "dgamma" : "dbeta";
      FOVEA_TRY(check_no_overlap(op, "mean", *mean, name, *output, false));
      FOVEA_TRY(check_no_overlap(op, "rstd", *rstd, name, *output, false));
    }
  FOVEA_FORWARD(stream, fovea_batch_norm_backward, params, x, gamma, mean, rstd, dy, dx, dgamma, dbeta, workspace, stream);
  if (last(*x) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, channel_sums_bytes(batch_norm_sums(*x))));
  return enqueue(stream,
                 select_isa(batch_norm_backward_reference, scalar::batch_norm_backward, avx2::batch_norm_backward,
                            avx512::batch_norm_backward),
                 batch_norm_backward_job(*params, *x, gamma, *mean, *rstd, *dy, dx, dgamma, dbeta, workspace->data));
}
