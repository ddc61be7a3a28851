// One thread per element.
#include "ops/pointwise_loss/pointwise_loss.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/pointwise_loss/loss_formulas.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE LossAt<float> loss_at(const fovea_pointwise_loss_params& params, float x, float t) {
  if (params.kind > FOVEA_LOSS_HEAT_MAP) return distance_loss(params, x, t);
  const float e = expf(-fabsf(x)), small = log1pf(e), divisor = 1.0f + e;
  const Probability<float> s{(x < 0 ? e : 1.0f) / divisor, (x < 0 ? 1.0f : e) / divisor, small + (x < 0 ? -x : 0.0f),
                             small + (x > 0 ? x : 0.0f)};
  return logit_loss(params, s, t);
}

// rows: of x, target, d_losses and y.
template <bool kBackward>
__global__ void __launch_bounds__(kThreads) pointwise_loss_kernel(PointwiseLossJob j, RowSet<4> rows) {
  const int64_t n = live_count(rows.live, rows.leading) * rows.inner * rows.width;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, rows.width), c = i - row * rows.width;
    const LossAt<float> at = loss_at(j.params, j.x[row * rows.pitch[0] + c], j.target[row * rows.pitch[1] + c]);
    j.y[row * rows.pitch[3] + c] = kBackward ? j.d_losses[row * rows.pitch[2] + c] * at.slope : at.loss;
  }
}

template <bool kBackward>
fovea_status enqueue_rows(fovea_stream* stream, const char* op, const PointwiseLossJob& j) {
  const RowLayout& l = j.layout;
  const int64_t n = l.leading * l.inner * l.width;
  if (n == 0) return FOVEA_OK;
  const RowSet<4> rows =
      merged(RowSet<4>{l.leading, l.inner, l.width, {j.x_pitch, j.target_pitch, j.d_pitch, j.y_pitch}, j.live});
  return submit(stream, op, [&](cudaStream_t s) {
    return launch(pointwise_loss_kernel<kBackward>, grid_for(n, kThreads), kThreads, 0, s, j, rows);
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_pointwise_loss(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                             const fovea_tensor* target, const fovea_tensor* losses, fovea_stream* stream) {
  return enqueue_rows<false>(stream, "pointwise_loss", pointwise_loss_job(*params, *x, *target, nullptr, *losses));
}

extern "C" fovea_status fovea_pointwise_loss_backward(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                                      const fovea_tensor* target, const fovea_tensor* d_losses,
                                                      const fovea_tensor* dx, fovea_stream* stream) {
  return enqueue_rows<true>(stream, "pointwise_loss_backward", pointwise_loss_job(*params, *x, *target, d_losses, *dx));
}
