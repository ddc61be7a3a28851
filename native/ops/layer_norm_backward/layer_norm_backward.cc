#include "ops/layer_norm_backward/layer_norm_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/layer_norm_backward/norm_checks.h"

namespace fovea {

FOVEA_DECLARE_BODIES(layer_norm_backward, const LayerNormBackwardJob&)

void layer_norm_backward_rows(const LayerNormBackwardJob& j, int64_t begin, int64_t end, int64_t block) {
  const int64_t n = live_axis(j.view);
  const double count = static_cast<double>(n);
  double *const plain = block_sums(j.sums, block), *const weighted = plain + j.sums.columns;
  for (int64_t r = begin; r < end; ++r) {
    const float *const x = j.x + r * j.view.pitch, *const dy = j.dy + r * j.dy_pitch;
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < n && !j.rms; ++i) mean += static_cast<double>(x[i]) / count;
    for (int64_t i = 0; i < n; ++i) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
    const double rstd = 1 / std::sqrt(squares / count + static_cast<double>(j.epsilon));
    const auto z = [&](int64_t i) { return (static_cast<double>(x[i]) - mean) * rstd; };
    const auto g = [&](int64_t i) {
      return static_cast<double>(dy[i]) * (j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[i]));
    };
    double mean_g = 0, mean_gz = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (!j.rms) mean_g += g(i) / count;
      mean_gz += g(i) * z(i) / count;
      plain[i] += static_cast<double>(dy[i]);
      weighted[i] += static_cast<double>(dy[i]) * z(i);
    }
    if (j.dx == nullptr) continue;
    for (int64_t i = 0; i < n; ++i) j.dx[r * j.dx_pitch + i] = static_cast<float>(rstd * (g(i) - mean_g - z(i) * mean_gz));
  }
}

namespace {

void layer_norm_backward_reference(const LayerNormBackwardJob& j) {
  clear_block(j.sums, 0);
  layer_norm_backward_rows(j, 0, live_outer(j.view), 0);
  add_blocks(j.sums, 1, 0, j.channels, j.dgamma, j.dbeta);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_layer_norm_backward_workspace(const fovea_norm_params* params, const fovea_tensor* x,
                                                            int64_t* bytes) {
  constexpr const char* op = "layer_norm_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_norm_params(op, params));
  FOVEA_TRY(check_norm_shape(op, x));
  FOVEA_FORWARD_TENSOR(x, fovea_layer_norm_backward_workspace, params, x, bytes);
  *bytes = channel_sums_bytes(layer_norm_sums(*x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_layer_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                  const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                  const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "layer_norm_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_norm_params(op, params));
  FOVEA_TRY(check_norm_tensors(op, x, gamma, dy, dx, dgamma, dbeta, stream));
  FOVEA_CHECK(x->rank >= 1, "%s: x is %s, there is no dimension to normalise over", op, describe(*x));
  FOVEA_FORWARD(stream, fovea_layer_norm_backward, params, x, gamma, dy, dx, dgamma, dbeta, workspace, stream);
  if (last(*x) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, channel_sums_bytes(layer_norm_sums(*x))));
  return enqueue(stream,
                 select_isa(layer_norm_backward_reference, scalar::layer_norm_backward, avx2::layer_norm_backward,
                            avx512::layer_norm_backward),
                 layer_norm_backward_job(*params, *x, gamma, *dy, dx, dgamma, dbeta, workspace->data));
}
