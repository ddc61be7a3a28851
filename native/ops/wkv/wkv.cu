// One thread per batch entry and channel, neighbouring threads on neighbouring channels.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/wkv/wkv_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 64;  // small blocks: there are few channels

__global__ void __launch_bounds__(kThreads) wkv_kernel(WkvJob j) {
  const int64_t n = live_count(j.live, j.batch) * j.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t c = i % j.channels, batch = i / j.channels;
    float* carried = j.state == nullptr ? nullptr : j.state + batch * 3 * j.state_pitch + c;
    WkvState state{0.0f, 0.0f, kWkvStart};
    if (carried != nullptr) state = {carried[0], carried[j.state_pitch], carried[2 * j.state_pitch]};
    const float decay = j.decay[c], bonus = j.bonus[c];
    for (int64_t row = batch * j.length; row < (batch + 1) * j.length; ++row) {
      const float k = j.k[row * j.k_pitch + c], v = j.v[row * j.v_pitch + c];
      j.y[row * j.y_pitch + c] = wkv_mix(state, bonus, k, v).y;
      state.advance(decay, k, v);
    }
    if (carried == nullptr) continue;
    carried[0] = state.p, carried[j.state_pitch] = state.q, carried[2 * j.state_pitch] = state.o;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_wkv(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                  const fovea_tensor* v, const fovea_tensor* state, const fovea_tensor* y,
                                  fovea_stream* stream) {
  if (elements(*k) == 0) return FOVEA_OK;
  WkvJob job = wkv_job(*decay, *bonus, *k, *v);
  if (state != nullptr) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  return submit(stream, "wkv", [&](cudaStream_t s) {
    return launch(wkv_kernel, grid_for(job.batch * job.channels, kThreads), kThreads, 0, s, job);
  });
}
