// A block takes 32 columns of one head through time and keeps them in registers.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/gated_linear_attention/gated_device.h"

namespace fovea::cuda {
namespace {

template <int kOwn>
__global__ void __launch_bounds__(kGatedThreads, 1) gated_linear_attention_kernel(GatedAttentionJob j) {
  __shared__ GatedKeys at;
  __shared__ float removed_table[kGatedWarps][32], o_table[kGatedWarps][32];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int64_t blocks = (j.values + 31) / 32, tasks = live_count(j.live, j.batch) * j.heads * blocks;
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const int64_t p = task % blocks * 32 + lane, head = task / blocks % j.heads, b = task / blocks / j.heads;
    const bool real = p < j.values;
    float* state = j.state == nullptr || !real ? nullptr : j.state + (b * j.heads + head) * j.keys * j.state_pitch + p;
    GatedColumn<kOwn> column;
    float bonus[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int d = column.key(i);
      column.s[i] = state != nullptr && d < j.keys ? state[d * j.state_pitch] : 0.0f;
      bonus[i] = j.bonus != nullptr && d < j.keys ? j.bonus[head * j.bonus_pitch + d] : 0.0f;
    }
    for (int64_t t = 0; t < j.length; ++t) {
      const int64_t row = j.row(b, t, head);
      __syncthreads();  // the position before has been read
      at.load(j, row);
      __syncthreads();
      const float v = real ? j.v[row * j.v_pitch + p] : 0.0f;
      const float removed = j.removal == nullptr ? 0.0f : column.removed(at, removed_table);
      float o = 0.0f;
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        const int d = column.key(i);
        const float before = column.s[i];
        column.s[i] = column.next(at, i, v, removed);
        o = fmaf(at.q[d], j.bonus == nullptr ? column.s[i] : fmaf(bonus[i], at.k[d] * v, before), o);
      }
      o = sum_warps(o, o_table);
      if (warp == 0 && real) j.o[row * j.o_pitch + p] = o;
    }
#pragma unroll
    for (int i = 0; i < kOwn; ++i)
      if (state != nullptr && column.key(i) < j.keys) state[column.key(i) * j.state_pitch] = column.s[i];
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_gated_linear_attention(const fovea_gated_linear_attention_inputs* inputs,
                                                     const fovea_tensor* state, const fovea_tensor* o, fovea_stream* stream) {
  if (elements(*o) == 0) return FOVEA_OK;
  GatedAttentionJob job = gated_attention_job(*inputs);
  if (state != nullptr) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.o = static_cast<float*>(o->data), job.o_pitch = o->pitch;
  const int64_t tasks = job.batch * job.heads * ((job.values + 31) / 32);
  return with_keys_per_thread(job.keys, [&](auto own) {
    constexpr int kOwn = decltype(own)::value;
    return submit(stream, "gated_linear_attention", [&](cudaStream_t s) {
      return launch(gated_linear_attention_kernel<kOwn>, unsigned(tasks < INT32_MAX ? tasks : INT32_MAX), kGatedThreads, 0, s,
                    job);
    });
  });
}
