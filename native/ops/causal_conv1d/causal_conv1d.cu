// One thread per batch entry, channel and segment of time, neighbouring threads on neighbouring channels.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/activation/activation_device.h"
#include "ops/causal_conv1d/causal_conv1d_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;
// Steps per segment. More than the 15 inputs that the longest kernel looks back, so that only the thread of the first segment
// reads a state, and may replace it when it is done.
constexpr int64_t kSegment = 32;

// kTaps: the kernel's size where the window is held in registers, or 0 where every tap is read again (from the L1 cache).
template <class T, int kTaps>
FOVEA_DEVICE void run_segment(const CausalConv1dJob& j, const T* x, T* y, int64_t batch, int64_t begin, int64_t end,
                              int64_t d) {
  constexpr int kWindow = kTaps == 0 ? 1 : kTaps;
  float window[kWindow], weight[kWindow];
  if constexpr (kTaps > 0) {
#pragma unroll
    for (int k = 0; k < kTaps; ++k) {
      weight[k] = j.w[d * j.w_pitch + k];
      window[k] = k == 0 ? 0.0f : causal_input(j, x, batch, begin + k - 1, d);
    }
  }
  const float bias = j.bias == nullptr ? 0.0f : j.bias[d];
  for (int64_t t = begin; t < end; ++t) {
    float sum = bias;
    if constexpr (kTaps > 0) {
#pragma unroll
      for (int k = 0; k + 1 < kTaps; ++k) window[k] = window[k + 1];
      window[kTaps - 1] = causal_input(j, x, batch, t + kTaps - 1, d);
#pragma unroll
      for (int k = 0; k < kTaps; ++k) sum = fmaf(weight[k], window[k], sum);
    } else {
      for (int64_t k = 0; k < j.kernel; ++k) sum = fmaf(j.w[d * j.w_pitch + k], causal_input(j, x, batch, t + k, d), sum);
    }
    y[(batch * j.length + t) * j.y_pitch + d] = from_float<T>(activate(j.activation, sum, 0.0f));
  }
}

template <class T, int kTaps>
__global__ void __launch_bounds__(kThreads) causal_conv1d_kernel(CausalConv1dJob j, const T* x, T* y) {
  const int64_t segments = (j.length + kSegment - 1) / kSegment;
  const int64_t n = live_count(j.live, j.batch) * segments * j.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t d = i % j.channels, segment = i / j.channels % segments, batch = i / j.channels / segments;
    const int64_t begin = segment * kSegment, end = begin + kSegment < j.length ? begin + kSegment : j.length;
    run_segment<T, kTaps>(j, x, y, batch, begin, end, d);
    if (segment > 0 || j.state == nullptr) continue;
    // Rows move towards the front, oldest first, so none is overwritten before it is read.
    for (int64_t k = 0; k < j.kernel - 1; ++k)
      j.state[(batch * (j.kernel - 1) + k) * j.state_pitch + d] = causal_input(j, x, batch, j.length + k, d);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_causal_conv1d(const fovea_activation_params* activation, const fovea_tensor* x,
                                            const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                            const fovea_tensor* y, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const CausalConv1dJob job = causal_conv1d_job(*activation, *x, *w, bias, state, *y);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t n = job.batch * ((job.length + kSegment - 1) / kSegment) * job.channels;
    const auto kernel = job.kernel == 4   ? causal_conv1d_kernel<T, 4>
                        : job.kernel == 3 ? causal_conv1d_kernel<T, 3>
                                          : causal_conv1d_kernel<T, 0>;
    return submit(stream, "causal_conv1d", [&](cudaStream_t s) {
      return launch(kernel, grid_for(n, kThreads), kThreads, 0, s, job, static_cast<const T*>(x->data),
                    static_cast<T*>(y->data));
    });
  });
}
