#include "ops/group_norm/group_norm.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(group_norm, const GroupNormJob&)

void group_norm_group(const GroupNormJob& j, int64_t image, int64_t group) {
  const int64_t first = group * j.width;
  const float* x = j.x + image * j.positions * j.x_pitch + first;
  float* y = j.y + image * j.positions * j.y_pitch + first;
  const double count = static_cast<double>(j.positions * j.width);
  double mean = 0, squares = 0;
  if (!j.rms)
    for (int64_t p = 0; p < j.positions; ++p)
      for (int64_t c = 0; c < j.width; ++c) mean += static_cast<double>(x[p * j.x_pitch + c]);
  mean /= count;
  for (int64_t p = 0; p < j.positions; ++p)
    for (int64_t c = 0; c < j.width; ++c) {
      const double d = static_cast<double>(x[p * j.x_pitch + c]) - mean;
      squares += d * d;
    }
  const double deviation = std::sqrt(squares / count + static_cast<double>(j.epsilon));
  for (int64_t p = 0; p < j.positions; ++p)
    for (int64_t c = 0; c < j.width; ++c) {
      const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[first + c]);
      const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[first + c]);
      y[p * j.y_pitch + c] = static_cast<float>((static_cast<double>(x[p * j.x_pitch + c]) - mean) / deviation * gamma + beta);
    }
}

namespace {

void group_norm_reference(const GroupNormJob& j) {
  const int64_t images = live_rows(j.live, j.images);
  for (int64_t i = 0; i < images; ++i)
    for (int64_t g = 0; g < j.groups; ++g) group_norm_group(j, i, g);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_group_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* gamma,
                                         const fovea_tensor* beta, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "group_norm";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->epsilon >= 0 && std::isfinite(params->epsilon), "%s: epsilon is %g, it must be finite and not negative",
              op, static_cast<double>(params->epsilon));
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_CHECK(x->rank >= 2, "%s: x must be [N][..][C], it is %s", op, describe(*x));
  FOVEA_CHECK(params->groups >= 1 && last(*x) % params->groups == 0, "%s: %d groups do not divide the channels of %s", op,
              params->groups, describe(*x));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_channel_vector(op, "gamma", gamma, last(*x), stream));
  FOVEA_TRY(check_channel_vector(op, "beta", beta, last(*x), stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  if (gamma != nullptr) FOVEA_TRY(check_no_overlap(op, "gamma", *gamma, "y", *y, false));
  if (beta != nullptr) FOVEA_TRY(check_no_overlap(op, "beta", *beta, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_group_norm, params, x, gamma, beta, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  return enqueue(stream, select_isa(group_norm_reference, scalar::group_norm, avx2::group_norm, avx512::group_norm),
                 group_norm_job(*params, *x, gamma, beta, *y));
}
