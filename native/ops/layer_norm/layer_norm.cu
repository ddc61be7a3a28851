// A team per row.
#include "ops/layer_norm/layer_norm.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/layer_norm/moments_device.h"

namespace fovea::cuda {
namespace {

// The pointers of the job are not used: they are float.
template <class T>
struct Rows {
  const T* x;
  const T* residual;
  T* sum;
  T* y;
};

template <class T>
FOVEA_DEVICE float input(const LayerNormJob& j, const Rows<T>& r, int64_t row, int64_t i) {
  const float v = to_float(r.x[row * j.view.pitch + i]);
  return r.residual == nullptr ? v : v + to_float(r.residual[row * j.residual_pitch + i]);
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) layer_norm_kernel(LayerNormJob j, Rows<T> r) {
  __shared__ double scratch[8];
  const AxisView& v = j.view;
  const int64_t rows = v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_count(v.live, v.leading);
  const int64_t n = v.is_leading ? live_count(v.live, v.axis) : v.axis;
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const Moments m = moments<Row>(n, j.rms, j.epsilon, scratch, [&](int64_t i) { return input(j, r, row, i); });
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) {
      const float value = input(j, r, row, i), z = float((double(value) - m.mean) * m.rstd);
      if (r.sum != nullptr) r.sum[row * j.sum_pitch + i] = from_float<T>(value);
      const float gamma = j.gamma == nullptr ? 1.0f : j.gamma[i], beta = j.beta == nullptr ? 0.0f : j.beta[i];
      r.y[row * j.y_pitch + i] = from_float<T>(z * gamma + beta);
    }
  }
}

template <class T>
T* data(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<T*>(t->data);
}
int64_t pitch(const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_layer_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* residual,
                                         const fovea_tensor* gamma, const fovea_tensor* beta, const fovea_tensor* sum,
                                         const fovea_tensor* y, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const LayerNormJob job{
      nullptr,         nullptr,    data<float>(gamma), data<float>(beta), nullptr,         nullptr, axis_view(*x, x->rank - 1),
      pitch(residual), pitch(sum), y->pitch,           params->epsilon,   params->rms != 0};
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Rows<T> rows{data<T>(x), data<T>(residual), data<T>(sum), data<T>(y)};
    return submit(stream, "layer_norm", [&](cudaStream_t s) {
      return with_team(job.view.axis, [&](auto team) {
        using Row = decltype(team);
        return launch(layer_norm_kernel<T, Row>, Row::blocks(job.view.outer), Row::kThreads, 0, s, job, rows);
      });
    });
  });
}
