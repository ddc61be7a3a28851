// The sums over the rows, then dx elementwise from the totals.
#include "ops/batch_norm_backward/batch_norm_backward.h"

#include "cuda/rows.h"
#include "ops/layer_norm_backward/channel_sums_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct MomentsOfChannel {
  const float* mean;
  const float* rstd;
  FOVEA_DEVICE Moments operator()(int64_t, int64_t channel) const { return {double(mean[channel]), double(rstd[channel])}; }
};

// x, dy and dx of the job are not used: they are float.
template <class T>
__global__ void __launch_bounds__(kThreads) batch_norm_backward_kernel(BatchNormBackwardJob j, const T* x, const T* dy, T* dx) {
  const int64_t rows = live_count(j.live, j.leading) * j.inner, n = rows * j.channels;
  const double share = 1.0 / double(rows);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, j.channels), c = i - row * j.channels;
    const double rstd = double(j.rstd[c]), gamma = j.gamma == nullptr ? 1.0 : double(j.gamma[c]);
    double v = double(to_float(dy[row * j.dy_pitch + c]));
    if (j.training) {
      const double z = (double(to_float(x[row * j.x_pitch + c])) - double(j.mean[c])) * rstd;
      v -= (j.sums.sums[c] + z * j.sums.sums[j.sums.columns + c]) * share;
    }
    dx[row * j.dx_pitch + c] = from_float<T>(float(gamma * rstd * v));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_batch_norm_backward_workspace(const fovea_batch_norm_params*, const fovea_tensor* x,
                                                            int64_t* bytes) {
  *bytes = channel_sums_bytes(batch_norm_sums(*x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_batch_norm_backward(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* mean, const fovea_tensor* rstd,
                                                  const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                  const fovea_tensor* dbeta, const fovea_workspace* workspace,
                                                  fovea_stream* stream) {
  constexpr const char* op = "batch_norm_backward";
  if (last(*x) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, channel_sums_bytes(batch_norm_sums(*x))));
  const BatchNormBackwardJob job =
      batch_norm_backward_job(*params, *x, gamma, *mean, *rstd, *dy, dx, dgamma, dbeta, workspace->data);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const auto *from_x = static_cast<const T*>(x->data), *from_dy = static_cast<const T*>(dy->data);
      if (needs_sums(job)) {
        const ChannelSumsView<T> sums{from_x,      from_dy,   x->pitch, dy->pitch, job.channels,
                                      job.leading, job.inner, x->live,  nullptr,   job.sums};
        const cudaError_t error = launch_channel_sums(sums, MomentsOfChannel{job.mean, job.rstd}, job.dgamma, job.dbeta, s);
        if (error != cudaSuccess) return error;
      }
      if (dx == nullptr || elements(*x) == 0) return cudaSuccess;
      return launch(batch_norm_backward_kernel<T>, grid_for(elements(*x), kThreads), kThreads, 0, s, job, from_x, from_dy,
                    static_cast<T*>(dx->data));
    });
  });
}
