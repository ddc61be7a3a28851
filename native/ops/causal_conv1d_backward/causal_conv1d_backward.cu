// One thread per batch entry, run of steps and channel, neighbouring threads on neighbouring channels. A thread walks back in
// time with the taps' inputs and the gradients of the sums in registers; the gradients behind its run it computes itself.
#include "ops/causal_conv1d_backward/causal_conv1d_backward.h"

#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/activation/derivative_device.h"
#include "ops/causal_conv1d/causal_conv1d_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// x, dy and dx of the job are not used: they are float. dx may be NULL.
template <class T>
struct Typed {
  const T *x, *dy;
  T* dx;
};

// Loops over taps are unrolled to kTaps, at least K, so that no register is indexed at run time.
template <class T, int kTaps>
struct Run {
  const CausalConv1dBackwardJob& j;
  const Typed<T>& data;
  int64_t batch, d;
  float weight[kTaps], reversed[kTaps];           // reversed: of tap K - 1 - k
  float input[kTaps] = {}, gradient[kTaps] = {};  // of the inputs t + k and the sums of the steps t + k
  float dw[kTaps] = {}, dbias = 0.0f;

  FOVEA_DEVICE Run(const CausalConv1dBackwardJob& job, const Typed<T>& typed, int64_t entry, int64_t channel)
      : j(job), data(typed), batch(entry), d(channel) {
    const CausalConv1dJob& c = j.conv;
#pragma unroll
    for (int k = 0; k < kTaps; ++k) {
      weight[k] = k < c.kernel ? c.w[d * c.w_pitch + k] : 0.0f;
      reversed[k] = k < c.kernel ? c.w[d * c.w_pitch + c.kernel - 1 - k] : 0.0f;
    }
  }

  FOVEA_DEVICE float final_gradient(int64_t r) const {
    const CausalConv1dJob& c = j.conv;
    if (j.d_final == nullptr || r < c.length) return 0.0f;
    return j.d_final[(batch * (c.kernel - 1) + r - c.length) * j.d_final_pitch + d];
  }

  // Before the first step, t: the inputs behind it.
  FOVEA_DEVICE void start(int64_t t) {
#pragma unroll
    for (int k = 0; k + 1 < kTaps; ++k)
      if (k + 1 < j.conv.kernel) input[k] = causal_input(j.conv, data.x, batch, t + k + 1, d);
  }

  FOVEA_DEVICE void step(int64_t t, bool own) {
    const CausalConv1dJob& c = j.conv;
    const int64_t row = batch * c.length + t;
#pragma unroll
    for (int k = kTaps - 1; k > 0; --k) input[k] = input[k - 1], gradient[k] = gradient[k - 1];
    input[0] = causal_input(c, data.x, batch, t, d);
    float sum = c.bias == nullptr ? 0.0f : c.bias[d];
#pragma unroll
    for (int k = 0; k < kTaps; ++k)
      if (k < c.kernel) sum = fmaf(weight[k], input[k], sum);
    gradient[0] = to_float(data.dy[row * j.dy_pitch + d]) * activation_derivative(c.activation, sum, 0.0f);
    if (!own) return;
    float dx = final_gradient(t + c.kernel - 1);
#pragma unroll
    for (int k = 0; k < kTaps; ++k)
      if (k < c.kernel) {
        dx = fmaf(reversed[k], gradient[k], dx);
        dw[k] = fmaf(gradient[0], input[k], dw[k]);
      }
    dbias += gradient[0];
    if (data.dx != nullptr) data.dx[row * j.dx_pitch + d] = from_float<T>(dx);
  }

  // When step 0 is done: the inputs before x.
  FOVEA_DEVICE void store_state_gradient() const {
    const int64_t before = j.conv.kernel - 1;
#pragma unroll
    for (int r = 0; r + 1 < kTaps; ++r) {
      if (r >= before) continue;
      float sum = final_gradient(r);
#pragma unroll
      for (int k = 0; k <= r; ++k) sum = fmaf(weight[k], gradient[r - k], sum);
      j.d_state[(batch * before + r) * j.d_state_pitch + d] = sum;
    }
  }

  FOVEA_DEVICE void store_sums(float* sums) const {
    const CausalConv1dJob& c = j.conv;
#pragma unroll
    for (int k = 0; k < kTaps; ++k)
      if (k < c.kernel) sums[k * c.channels] = dw[k];
    sums[c.kernel * c.channels] = dbias;
  }
};

template <class T, int kTaps>
__global__ void __launch_bounds__(kThreads) causal_conv1d_backward_kernel(CausalConv1dBackwardJob j, Typed<T> data) {
  const CausalConv1dJob& c = j.conv;
  const int64_t n = live_count(c.live, c.batch) * j.runs * c.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t d = i % c.channels, run = i / c.channels % j.runs, batch = i / c.channels / j.runs;
    const int64_t begin = run * kCausalBackwardSteps;
    const int64_t end = begin + kCausalBackwardSteps < c.length ? begin + kCausalBackwardSteps : c.length;
    const int64_t last = end + c.kernel - 1 < c.length ? end + c.kernel - 1 : c.length;
    Run<T, kTaps> steps(j, data, batch, d);
    if (last > begin) steps.start(last - 1);
    for (int64_t t = last - 1; t >= begin; --t) steps.step(t, t < end);
    if (run == 0 && j.d_state != nullptr) steps.store_state_gradient();
    steps.store_sums(j.sums + (batch * j.runs + run) * (c.kernel + 1) * c.channels + d);
  }
}

// dw and dbias: the batch entries and their runs in order, a thread for each tap and channel.
__global__ void __launch_bounds__(kThreads) causal_conv1d_backward_sum_kernel(CausalConv1dBackwardJob j) {
  const CausalConv1dJob& c = j.conv;
  const int64_t values = (c.kernel + 1) * c.channels, parts = live_count(c.live, c.batch) * j.runs;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < values; i += int64_t{gridDim.x} * kThreads) {
    const int64_t d = i % c.channels, k = i / c.channels;
    float sum = 0.0f;
    for (int64_t p = 0; p < parts; ++p) sum += j.sums[p * values + i];
    if (k < c.kernel && j.dw != nullptr) j.dw[d * j.dw_pitch + k] = sum;
    if (k == c.kernel && j.dbias != nullptr) j.dbias[d] = sum;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_causal_conv1d_backward(const fovea_activation_params* activation, const fovea_tensor* x,
                                                     const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                                     const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                     const fovea_tensor* dx, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                     const fovea_tensor* d_state, const fovea_workspace* workspace,
                                                     fovea_stream* stream) {
  if (x->shape[2] == 0) return FOVEA_OK;
  const CausalConv1dJob conv = causal_conv1d_job(*activation, *x, *w, bias, state, *x);
  const CausalConv1dBackwardJob job = causal_conv1d_backward_job(conv, *dy, d_final_state, {dx, dw, dbias, d_state}, workspace);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Typed<T> data{static_cast<const T*>(x->data), static_cast<const T*>(dy->data),
                        dx == nullptr ? nullptr : static_cast<T*>(dx->data)};
    const auto kernel =
        conv.kernel <= 4 ? causal_conv1d_backward_kernel<T, 4> : causal_conv1d_backward_kernel<T, kMaxCausalKernel>;
    return submit(stream, "causal_conv1d_backward", [&](cudaStream_t s) {
      const cudaError_t e =
          launch(kernel, grid_for(conv.batch * job.runs * conv.channels, kThreads), kThreads, 0, s, job, data);
      if (e != cudaSuccess || (dw == nullptr && dbias == nullptr)) return e;
      return launch(causal_conv1d_backward_sum_kernel, grid_for((conv.kernel + 1) * conv.channels, kThreads), kThreads, 0, s,
                    job);
    });
  });
}
