#include "ops/batch_norm/batch_norm.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(batch_norm, const BatchNormJob&)

void batch_norm_save(const BatchNormJob& j, int64_t c, double mean, double variance, int64_t rows) {
  const double momentum = static_cast<double>(j.params.momentum), n = static_cast<double>(rows);
  const double unbiased = rows > 1 ? variance * n / (n - 1) : 0;
  j.saved_mean[c] = static_cast<float>(mean);
  j.saved_rstd[c] = static_cast<float>(1 / std::sqrt(variance + static_cast<double>(j.params.epsilon)));
  j.mean[c] = static_cast<float>((1 - momentum) * static_cast<double>(j.mean[c]) + momentum * mean);
  j.variance[c] = static_cast<float>((1 - momentum) * static_cast<double>(j.variance[c]) + momentum * unbiased);
}

void batch_norm_channel(const BatchNormJob& j, int64_t c) {
  const int64_t rows = batch_norm_rows(j);
  if (rows == 0) return;
  double mean = static_cast<double>(j.mean[c]), variance = static_cast<double>(j.variance[c]);
  if (j.params.training != 0) {
    mean = variance = 0;
    for (int64_t r = 0; r < rows; ++r) mean += static_cast<double>(j.x[r * j.x_pitch + c]);
    mean /= static_cast<double>(rows);
    for (int64_t r = 0; r < rows; ++r) {
      const double d = static_cast<double>(j.x[r * j.x_pitch + c]) - mean;
      variance += d * d;
    }
    variance /= static_cast<double>(rows);
    batch_norm_save(j, c, mean, variance, rows);
  }
  const double deviation = std::sqrt(variance + static_cast<double>(j.params.epsilon));
  const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[c]);
  const double beta = j.beta == nullptr ? 0 : static_cast<double>(j.beta[c]);
  for (int64_t r = 0; r < rows; ++r) {
    const double z = (static_cast<double>(j.x[r * j.x_pitch + c]) - mean) / deviation * gamma + beta;
    j.y[r * j.y_pitch + c] = static_cast<float>(reference_activation(j.params.activation, z, 0));
  }
}

namespace {

void batch_norm_reference(const BatchNormJob& j) {
  for (int64_t c = 0; c < j.channels; ++c) batch_norm_channel(j, c);
}

float* data(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); }

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_batch_norm(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                         const fovea_tensor* gamma, const fovea_tensor* beta, const fovea_tensor* mean,
                                         const fovea_tensor* variance, const fovea_tensor* saved_mean,
                                         const fovea_tensor* saved_rstd, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "batch_norm";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->epsilon >= 0 && std::isfinite(params->epsilon), "%s: epsilon is %g, it must be finite and not negative",
              op, static_cast<double>(params->epsilon));
  FOVEA_CHECK(std::isfinite(params->momentum), "%s: momentum is %g, it must be finite", op,
              static_cast<double>(params->momentum));
  FOVEA_CHECK(params->activation.kind != FOVEA_ACTIVATION_PRELU, "%s: PReLU is not an activation of this kernel", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_CHECK(x->rank >= 2, "%s: x must be [N][..][C], it is %s", op, describe(*x));
  FOVEA_TRY(check_activation(op, params->activation, nullptr, last(*x), stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  const bool training = params->training != 0;
  FOVEA_CHECK(mean != nullptr && variance != nullptr, "%s: mean or variance is NULL", op);
  FOVEA_CHECK(!training || (saved_mean != nullptr && saved_rstd != nullptr),
              "%s: training needs saved_mean and saved_rstd, one is NULL", op);
  struct Vector {
    const char* name;
    const fovea_tensor* tensor;
    bool written;
  };
  const Vector vectors[] = {{"gamma", gamma, false},
                            {"beta", beta, false},
                            {"mean", mean, training},
                            {"variance", variance, training},
                            {"saved_mean", training ? saved_mean : nullptr, true},
                            {"saved_rstd", training ? saved_rstd : nullptr, true}};
  for (const Vector& v : vectors) {
    FOVEA_TRY(check_channel_vector(op, v.name, v.tensor, last(*x), stream));
    if (v.tensor == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, v.name, *v.tensor, "y", *y, false));
    if (!v.written) continue;
    FOVEA_TRY(check_no_overlap(op, "x", *x, v.name, *v.tensor, false));
    for (const Vector& other : vectors)
      if (other.tensor != nullptr && &other != &v)
        FOVEA_TRY(check_no_overlap(op, other.name, *other.tensor, v.name, *v.tensor, false));
  }
  FOVEA_FORWARD(stream, fovea_batch_norm, params, x, gamma, beta, mean, variance, saved_mean, saved_rstd, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  const BatchNormJob job{static_cast<const float*>(x->data),
                         data(gamma),
                         data(beta),
                         data(mean),
                         data(variance),
                         training ? data(saved_mean) : nullptr,
                         training ? data(saved_rstd) : nullptr,
                         static_cast<float*>(y->data),
                         x->shape[0],
                         rows(*x) / x->shape[0],
                         last(*x),
                         x->pitch,
                         y->pitch,
                         x->live,
                         *params};
  return enqueue(stream, select_isa(batch_norm_reference, scalar::batch_norm, avx2::batch_norm, avx512::batch_norm), job);
}
