// One thread per batch entry, channel and segment of time, neighbouring threads on neighbouring channels.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "fovea/sequence.h"
#include "ops/activation/activation_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;
// Steps per segment. More than the 15 inputs that the longest kernel looks back, so that only the thread of the first segment
// reads a state, and may replace it when it is done.
constexpr int64_t kSegment = 32;

template <class T>
struct View {
  const T* x;
  const float *w, *bias;  // bias may be NULL
  float* state;           // [batch][kernel - 1][channels] or NULL
  T* y;
  int64_t x_pitch, w_pitch, state_pitch, y_pitch;
  int64_t batch, length, channels, kernel;
  const int32_t* live;
};

// Input `row` of a batch entry: 0 is the oldest of the kernel - 1 before x.
template <class T>
FOVEA_DEVICE float input(const View<T>& v, int64_t batch, int64_t row, int64_t d) {
  const int64_t before = v.kernel - 1;
  if (row >= before) return to_float(v.x[(batch * v.length + row - before) * v.x_pitch + d]);
  return v.state == nullptr ? 0.0f : v.state[(batch * before + row) * v.state_pitch + d];
}

// kTaps: the kernel's size where the window is held in registers, or 0 where every tap is read again (from the L1 cache).
template <class T, int kTaps>
FOVEA_DEVICE void run_segment(const fovea_activation_params& activation, const View<T>& v, int64_t batch, int64_t begin,
                              int64_t end, int64_t d) {
  constexpr int kWindow = kTaps == 0 ? 1 : kTaps;
  float window[kWindow], weight[kWindow];
  if constexpr (kTaps > 0) {
#pragma unroll
    for (int k = 0; k < kTaps; ++k) {
      weight[k] = v.w[d * v.w_pitch + k];
      window[k] = k == 0 ? 0.0f : input(v, batch, begin + k - 1, d);
    }
  }
  const float bias = v.bias == nullptr ? 0.0f : v.bias[d];
  for (int64_t t = begin; t < end; ++t) {
    float sum = bias;
    if constexpr (kTaps > 0) {
#pragma unroll
      for (int k = 0; k + 1 < kTaps; ++k) window[k] = window[k + 1];
      window[kTaps - 1] = input(v, batch, t + kTaps - 1, d);
#pragma unroll
      for (int k = 0; k < kTaps; ++k) sum = fmaf(weight[k], window[k], sum);
    } else {
      for (int64_t k = 0; k < v.kernel; ++k) sum = fmaf(v.w[d * v.w_pitch + k], input(v, batch, t + k, d), sum);
    }
    v.y[(batch * v.length + t) * v.y_pitch + d] = from_float<T>(activate(activation, sum, 0.0f));
  }
}

template <class T, int kTaps>
__global__ void __launch_bounds__(kThreads) causal_conv1d_kernel(fovea_activation_params activation, View<T> v) {
  const int64_t segments = (v.length + kSegment - 1) / kSegment;
  const int64_t n = live_count(v.live, v.batch) * segments * v.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t d = i % v.channels, segment = i / v.channels % segments, batch = i / v.channels / segments;
    const int64_t begin = segment * kSegment, end = begin + kSegment < v.length ? begin + kSegment : v.length;
    run_segment<T, kTaps>(activation, v, batch, begin, end, d);
    if (segment > 0 || v.state == nullptr) continue;
    // Rows move towards the front, oldest first, so none is overwritten before it is read.
    for (int64_t k = 0; k < v.kernel - 1; ++k)
      v.state[(batch * (v.kernel - 1) + k) * v.state_pitch + d] = input(v, batch, v.length + k, d);
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
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const View<T> view{static_cast<const T*>(x->data),
                       static_cast<const float*>(w->data),
                       bias == nullptr ? nullptr : static_cast<const float*>(bias->data),
                       state == nullptr ? nullptr : static_cast<float*>(state->data),
                       static_cast<T*>(y->data),
                       x->pitch,
                       w->pitch,
                       state == nullptr ? 0 : state->pitch,
                       y->pitch,
                       x->shape[0],
                       x->shape[1],
                       x->shape[2],
                       w->shape[1],
                       x->live};
    const int64_t n = x->shape[0] * ((x->shape[1] + kSegment - 1) / kSegment) * x->shape[2];
    const auto kernel = view.kernel == 4   ? causal_conv1d_kernel<T, 4>
                        : view.kernel == 3 ? causal_conv1d_kernel<T, 3>
                                           : causal_conv1d_kernel<T, 0>;
    return submit(stream, "causal_conv1d",
                  [&](cudaStream_t s) { return launch(kernel, grid_for(n, kThreads), kThreads, 0, s, *activation, view); });
  });
}
