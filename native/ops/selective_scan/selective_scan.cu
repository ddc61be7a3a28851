// The recurrence runs serially over time; channels and states are parallel. A channel's states lie in the registers of
// neighbouring lanes; the channels of a block share the B and C of a tile of steps through shared memory.
#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/selective_scan/scan_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// kLanes lanes per channel with kOwn states each hold up to kLanes * kOwn states.
template <class T, int kOwn, int kLanes, int kSteps>
__global__ void __launch_bounds__(kThreads, 4) selective_scan_kernel(ScanView<T> v, T* y, int64_t y_pitch) {
  constexpr int kChannels = kThreads / kLanes, kStates = kOwn * kLanes;
  __shared__ float b_tile[kSteps][kStates], c_tile[kSteps][kStates];
  __shared__ float u_tile[kSteps][kChannels], delta_tile[kSteps][kChannels], sum_tile[kSteps][kChannels];

  const int lane = int(threadIdx.x) % kLanes, channel = int(threadIdx.x) / kLanes, first = lane * kOwn;
  const int64_t groups = (v.channels + kChannels - 1) / kChannels, work = live_count(v.live, v.batch) * groups;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t batch = item / groups, d0 = item % groups * kChannels, d = d0 + channel;
    const bool exists = d < v.channels;
    // States that do not exist are left out, not computed with zeros: an infinite step would make them NaN.
    const int64_t rest = exists ? v.states - first : 0;
    float a[kOwn], h[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      a[i] = i < rest ? v.a[d * v.a_pitch + first + i] * kLog2E : 0.0f;
      h[i] = i < rest && v.state != nullptr ? v.state[(batch * v.channels + d) * v.state_pitch + first + i] : 0.0f;
    }
    for (int64_t t0 = 0; t0 < v.length; t0 += kSteps) {
      const int steps = int(v.length - t0 < kSteps ? v.length - t0 : kSteps);
      const int64_t row0 = batch * v.length + t0;
      for (int i = int(threadIdx.x); i < steps * kStates; i += kThreads) {
        const int t = i / kStates, n = i % kStates;
        b_tile[t][n] = n < v.states ? to_float(v.b[(row0 + t) * v.b_pitch + n]) : 0.0f;
        c_tile[t][n] = n < v.states ? to_float(v.c[(row0 + t) * v.c_pitch + n]) : 0.0f;
      }
      for (int i = int(threadIdx.x); i < steps * kChannels; i += kThreads) {
        const int t = i / kChannels, c = i % kChannels;
        const bool in = d0 + c < v.channels;
        u_tile[t][c] = in ? to_float(v.u[(row0 + t) * v.u_pitch + d0 + c]) : 0.0f;
        delta_tile[t][c] = in ? step_size(v, row0 + t, d0 + c) : 0.0f;
      }
      __syncthreads();
      for (int t = 0; t < steps; ++t) {
        const float delta = delta_tile[t][channel], u = u_tile[t][channel];
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
          if (i >= rest) continue;
          h[i] = fmaf(exp2f(delta * a[i]), h[i], delta * b_tile[t][first + i] * u);
          sum = fmaf(c_tile[t][first + i], h[i], sum);
        }
        sum = warp_reduce<kLanes>(sum, Sum{});
        if (lane == 0) sum_tile[t][channel] = sum;
      }
      __syncthreads();
      for (int i = int(threadIdx.x); i < steps * kChannels; i += kThreads) {
        const int t = i / kChannels, c = i % kChannels;
        if (d0 + c >= v.channels) continue;
        float value = sum_tile[t][c];
        if (v.skip != nullptr) value = fmaf(v.skip[d0 + c], u_tile[t][c], value);
        if (v.z != nullptr) {
          const float z = to_float(v.z[(row0 + t) * v.z_pitch + d0 + c]);
          value *= z * sigmoid(z);
        }
        y[(row0 + t) * y_pitch + d0 + c] = from_float<T>(value);
      }
      __syncthreads();  // before the next tile overwrites what was read
    }
    if (v.state == nullptr) continue;
#pragma unroll
    for (int i = 0; i < kOwn; ++i)
      if (i < rest) v.state[(batch * v.channels + d) * v.state_pitch + first + i] = h[i];
  }
}

template <class T, int kOwn, int kLanes, int kSteps>
cudaError_t launch_scan(const ScanView<T>& v, T* y, int64_t y_pitch, cudaStream_t s) {
  constexpr int64_t kChannels = kThreads / kLanes;
  const int64_t blocks = v.batch * ((v.channels + kChannels - 1) / kChannels);
  return launch(selective_scan_kernel<T, kOwn, kLanes, kSteps>, unsigned(blocks < INT32_MAX ? blocks : INT32_MAX), kThreads, 0,
                s, v, y, y_pitch);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_selective_scan(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                             const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                             const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                             const fovea_tensor* delta_bias, const fovea_tensor* state, const fovea_tensor* y,
                                             fovea_stream* stream) {
  if (elements(*u) == 0 || A->shape[1] == 0) return FOVEA_OK;
  return with_float_type(u->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const ScanView<T> view = scan_view<T>({params, u, delta, A, Bm, C, skip, z, delta_bias, "state", state});
    auto* out = static_cast<T*>(y->data);
    return submit(stream, "selective_scan", [&](cudaStream_t s) {
      if (view.states <= 4) return launch_scan<T, 4, 1, 16>(view, out, y->pitch, s);
      if (view.states <= 16) return launch_scan<T, 4, 4, 32>(view, out, y->pitch, s);
      if (view.states <= 64) return launch_scan<T, 4, 16, 32>(view, out, y->pitch, s);
      return launch_scan<T, 8, 32, 16>(view, out, y->pitch, s);
    });
  });
}
