// One thread per batch entry and channel, as wkv_backward_simd.cc: forward, keeping the state before every run of positions,
// then back over the runs, whose states are computed again into shared memory.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/wkv/wkv_device.h"
#include "ops/wkv_backward/wkv_backward.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 32;  // small blocks: there are few channels
constexpr int kSteps = int(kWkvBackwardSteps);

__global__ void __launch_bounds__(kThreads) wkv_backward_kernel(WkvBackwardJob j) {
  __shared__ float table[3][kSteps][kThreads];  // a thread reads what it wrote
  const WkvJob& m = j.mix;
  const int x = int(threadIdx.x);
  const int64_t n = live_count(m.live, m.batch) * m.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t c = i % m.channels, batch = i / m.channels, first = batch * m.length;
    const float decay = m.decay[c], bonus = m.bonus[c];
    float* kept = j.states + batch * j.runs * 3 * m.channels + c;
    WkvState state{0.0f, 0.0f, kWkvStart};
    for (int64_t t = 0; t < m.length; ++t) {
      if (t % kSteps == 0) {
        float* to = kept + t / kSteps * 3 * m.channels;
        to[0] = state.p, to[m.channels] = state.q, to[2 * m.channels] = state.o;
      }
      state.advance(decay, m.k[(first + t) * m.k_pitch + c], m.v[(first + t) * m.v_pitch + c]);
    }
    float g = 0.0f, h = 0.0f, s = kWkvStart, d_decay = 0.0f, d_bonus = 0.0f;  // G = e^s g, H = e^s h
    for (int64_t run = j.runs - 1; run >= 0; --run) {
      const int64_t begin = run * kSteps, end = begin + kSteps < m.length ? begin + kSteps : m.length;
      const float* from = kept + run * 3 * m.channels;
      state = {from[0], from[m.channels], from[2 * m.channels]};
      for (int64_t t = begin; t < end; ++t) {
        table[0][t - begin][x] = state.p, table[1][t - begin][x] = state.q, table[2][t - begin][x] = state.o;
        state.advance(decay, m.k[(first + t) * m.k_pitch + c], m.v[(first + t) * m.v_pitch + c]);
      }
      for (int64_t t = end - 1; t >= begin; --t) {
        state = {table[0][t - begin][x], table[1][t - begin][x], table[2][t - begin][x]};
        const int64_t row = first + t;
        const float k = m.k[row * m.k_pitch + c], v = m.v[row * m.v_pitch + c];
        const WkvMixed mixed = wkv_mix(state, bonus, k, v);
        const float a = j.dy[row * j.dy_pitch + c] / mixed.denominator, own = a * mixed.now, from_bonus = own * (v - mixed.y);
        const float later = expf(k + s), past = expf(decay + s + state.o);
        if (j.dk != nullptr) j.dk[row * j.dk_pitch + c] = fmaf(later, fmaf(v, g, -h), from_bonus);
        if (j.dv != nullptr) j.dv[row * j.dv_pitch + c] = fmaf(later, g, own);
        d_bonus += from_bonus;
        d_decay = fmaf(past, fmaf(g, state.p, -h * state.q), d_decay);
        const WkvShares shares = wkv_shares(decay + s, -mixed.top);
        g = fmaf(shares.a, g, shares.b * a);
        h = fmaf(shares.a, h, shares.b * (a * mixed.y));
        s = shares.top;
      }
    }
    float* sums = j.sums + batch * 2 * m.channels + c;
    sums[0] = d_decay, sums[m.channels] = d_bonus;
  }
}

// The sums of the batch entries, in their order.
__global__ void __launch_bounds__(kThreads) wkv_backward_sums_kernel(WkvBackwardJob j) {
  const WkvJob& m = j.mix;
  const int64_t batch = live_count(m.live, m.batch);
  for (int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x; c < m.channels; c += int64_t{gridDim.x} * kThreads) {
    float d_decay = 0.0f, d_bonus = 0.0f;
    for (int64_t b = 0; b < batch; ++b) {
      d_decay += j.sums[b * 2 * m.channels + c];
      d_bonus += j.sums[(b * 2 + 1) * m.channels + c];
    }
    if (j.d_decay != nullptr) j.d_decay[c] = d_decay;
    if (j.d_bonus != nullptr) j.d_bonus[c] = d_bonus;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_wkv_backward(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                           const fovea_tensor* v, const fovea_tensor* dy, const fovea_tensor* d_decay,
                                           const fovea_tensor* d_bonus, const fovea_tensor* dk, const fovea_tensor* dv,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  if (k->shape[2] == 0) return FOVEA_OK;
  const WkvBackwardJob job = wkv_backward_job(wkv_job(*decay, *bonus, *k, *v), *dy, {d_decay, d_bonus, dk, dv}, *workspace);
  return submit(stream, "wkv_backward", [&](cudaStream_t s) {
    const cudaError_t error =
        launch(wkv_backward_kernel, grid_for(job.mix.batch * job.mix.channels, kThreads), kThreads, 0, s, job);
    if (error != cudaSuccess) return error;
    return launch(wkv_backward_sums_kernel, grid_for(job.mix.channels, kThreads), kThreads, 0, s, job);
  });
}
