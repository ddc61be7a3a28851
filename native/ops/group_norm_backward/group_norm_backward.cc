#include "ops/group_norm_backward/group_norm_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/layer_norm_backward/norm_checks.h"

namespace fovea {

FOVEA_DECLARE_BODIES(group_norm_backward, const GroupNormBackwardJob&)

void group_norm_backward_group(const GroupNormBackwardJob& j, int64_t image, int64_t group) {
  const int64_t first = group * j.width, row = image * j.positions;
  const double count = static_cast<double>(j.positions * j.width);
  const auto x = [&](int64_t p, int64_t c) { return static_cast<double>(j.x[(row + p) * j.x_pitch + first + c]); };
  const auto dy = [&](int64_t p, int64_t c) { return static_cast<double>(j.dy[(row + p) * j.dy_pitch + first + c]); };
  const auto gamma = [&](int64_t c) { return j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[first + c]); };
  double mean = 0, squares = 0;
  for (int64_t p = 0; p < j.positions && !j.rms; ++p)
    for (int64_t c = 0; c < j.width; ++c) mean += x(p, c) / count;
  for (int64_t p = 0; p < j.positions; ++p)
    for (int64_t c = 0; c < j.width; ++c) squares += (x(p, c) - mean) * (x(p, c) - mean);
  const double rstd = 1 / std::sqrt(squares / count + static_cast<double>(j.epsilon));
  double mean_g = 0, mean_gz = 0;
  for (int64_t c = 0; c < j.width; ++c) {
    double plain = 0, weighted = 0;
    for (int64_t p = 0; p < j.positions; ++p) plain += dy(p, c), weighted += dy(p, c) * (x(p, c) - mean) * rstd;
    for (int64_t stripe = 0; stripe < j.stripes; ++stripe) {
      double* const sums = block_sums(j.sums, image * j.stripes + stripe) + first + c;
      sums[0] = stripe == 0 ? plain : 0;
      sums[j.sums.columns] = stripe == 0 ? weighted : 0;
    }
    if (!j.rms) mean_g += gamma(c) * plain / count;
    mean_gz += gamma(c) * weighted / count;
  }
  for (int64_t p = 0; p < j.positions && j.dx != nullptr; ++p)
    for (int64_t c = 0; c < j.width; ++c)
      j.dx[(row + p) * j.dx_pitch + first + c] =
          static_cast<float>(rstd * (dy(p, c) * gamma(c) - mean_g - (x(p, c) - mean) * rstd * mean_gz));
}

namespace {

void group_norm_backward_reference(const GroupNormBackwardJob& j) {
  const int64_t images = live_rows(j.live, j.images);
  for (int64_t i = 0; i < images; ++i)
    for (int64_t g = 0; g < j.groups; ++g) group_norm_backward_group(j, i, g);
  add_blocks(j.sums, images * j.stripes, 0, j.groups * j.width, j.dgamma, j.dbeta);
}

fovea_status check_shape(const char* op, const fovea_norm_params* params, const fovea_tensor* x) {
  FOVEA_TRY(check_norm_params(op, params));
  FOVEA_TRY(check_norm_shape(op, x));
  FOVEA_CHECK(x->rank >= 2, "%s: x must be [N][..][C], it is %s", op, describe(*x));
  FOVEA_CHECK(params->groups >= 1 && last(*x) % params->groups == 0, "%s: %d groups do not divide the channels of %s", op,
              params->groups, describe(*x));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_group_norm_backward_workspace(const fovea_norm_params* params, const fovea_tensor* x,
                                                            int64_t* bytes) {
  constexpr const char* op = "group_norm_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_shape(op, params, x));
  FOVEA_FORWARD_TENSOR(x, fovea_group_norm_backward_workspace, params, x, bytes);
  *bytes = channel_sums_bytes(stripe_sums(*x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_group_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                  const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                  const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "group_norm_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_shape(op, params, x));
  FOVEA_TRY(check_norm_tensors(op, x, gamma, dy, dx, dgamma, dbeta, stream));
  FOVEA_FORWARD(stream, fovea_group_norm_backward, params, x, gamma, dy, dx, dgamma, dbeta, workspace, stream);
  if (last(*x) == 0) return FOVEA_OK;
  GroupNormBackwardJob job = group_norm_backward_job(*params, *x, gamma, *dy, dx, dgamma, dbeta);
  job.sums = stripe_sums(*x);
  job.stripes = job.sums.blocks / (job.images < 1 ? 1 : job.images);
  FOVEA_TRY(check_workspace(op, workspace, channel_sums_bytes(job.sums)));
  job.sums.sums = static_cast<double*>(workspace->data);
  if (job.positions == 0) job.images = 0;  // the sums over nothing
  return enqueue(stream,
                 select_isa(group_norm_backward_reference, scalar::group_norm_backward, avx2::group_norm_backward,
                            avx512::group_norm_backward),
                 job);
}
