// A block takes a head of one batch entry, 32 columns of its memory at a time (see gated_device.h): forward through time,
// keeping the memory before every run of positions; then back over the runs, whose memories are computed again. Gradients that
// are sums over columns grow in their outputs from one set of columns to the next; each element belongs to one thread.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/gated_linear_attention/gated_device.h"
#include "ops/gated_linear_attention_backward/gated_linear_attention_backward.h"

namespace fovea::cuda {
namespace {

constexpr int kSteps = int(kGatedBackwardSteps);
constexpr int kThreads = 256;

// Floats of a block: memories of 32 columns, before every run and before every position of a run.
int64_t block_floats(int64_t length, int64_t keys) { return (gated_runs(length) + kSteps) * keys * 32; }

struct Tables {
  GatedKeys at;
  float removed[kGatedWarps][32], dr[kGatedWarps][32], dv[kGatedWarps][32];
};

// Sums of kCount values over the lanes of a warp at once: lanes exchange halves of the values until each has one, value
// lane / (32 / kCount), and then add up what is left. Fewer shuffles than kCount sums, in a fixed order.
template <int kCount, int kStep, int kSize>
FOVEA_DEVICE float scatter_sums(float (&v)[kSize]) {
  if constexpr (kCount > 1) {
    const bool upper = (threadIdx.x & kStep) != 0;
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      const float low = v[i], high = v[i + kCount / 2];
      v[i] = (upper ? high : low) + __shfl_xor_sync(~0u, upper ? low : high, kStep);
    }
    return scatter_sums<kCount / 2, kStep / 2>(v);
  } else if constexpr (kStep > 0) {
    v[0] += __shfl_xor_sync(~0u, v[0], kStep);
    return scatter_sums<1, kStep / 2>(v);
  } else {
    return v[0];
  }
}

template <int kOwn>
struct Columns {
  const GatedAttentionBackwardJob& j;
  const GatedAttentionJob& f;
  Tables& tables;
  int64_t b, head, first;  // the first of 32 columns
  float* scratch;
  GatedColumn<kOwn> memory;
  float g[kOwn];

  FOVEA_DEVICE static int lane() { return int(threadIdx.x) % 32; }
  FOVEA_DEVICE bool real() const { return first + lane() < f.values; }
  FOVEA_DEVICE float value(const float* x, int64_t pitch, int64_t row) const {
    return real() ? x[row * pitch + first + lane()] : 0.0f;
  }

  FOVEA_DEVICE void keep(int64_t slot) const {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int d = memory.key(i);
      if (d < f.keys) scratch[(slot * f.keys + d) * 32 + lane()] = memory.s[i];
    }
  }
  FOVEA_DEVICE void restore(int64_t slot) {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int d = memory.key(i);
      memory.s[i] = d < f.keys ? scratch[(slot * f.keys + d) * 32 + lane()] : 0.0f;
    }
  }

  // Brings the vectors of a position and gives what is removed there.
  FOVEA_DEVICE float enter(int64_t row) {
    __syncthreads();  // the position before has been read
    tables.at.load(f, row);
    __syncthreads();
    return f.removal == nullptr ? 0.0f : memory.removed(tables.at, tables.removed);
  }

  FOVEA_DEVICE void advance(int64_t t) {
    const int64_t row = f.row(b, t, head);
    const float removed = enter(row);
    memory.advance(tables.at, value(f.v, f.v_pitch, row), removed);
  }

  // to[key] += the sum of term(i) over the columns, for each key i of this thread; the first set of columns begins unless the
  // sum goes on from elsewhere.
  template <class Term>
  FOVEA_DEVICE void add(float* to, bool begins, const Term& term) const {
    float x[kOwn];
#pragma unroll
    for (int i = 0; i < kOwn; ++i) x[i] = term(i);
    const float total = scatter_sums<kOwn, 16>(x);
    constexpr int kShare = 32 / kOwn;  // lanes that have the same sum
    const int d = memory.key(lane() / kShare);
    if (lane() % kShare == 0 && d < f.keys) to[d] = begins ? total : to[d] + total;
  }

  FOVEA_DEVICE void step_back(int64_t t, float* decay_sum, float* bonus_sum) {
    const int64_t row = f.row(b, t, head);
    const GatedKeys& at = tables.at;
    const float removed = enter(row), v = value(f.v, f.v_pitch, row), d_o = value(j.d_o, j.d_o_pitch, row);
    const bool begins = first == 0;
    const auto bonus = [&](int i) {
      const int d = memory.key(i);
      return f.bonus != nullptr && d < f.keys ? f.bonus[head * f.bonus_pitch + d] : 0.0f;
    };
    float dv = 0.0f, dr = 0.0f;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int d = memory.key(i);
      if (f.bonus == nullptr)
        g[i] = fmaf(at.q[d], d_o, g[i]);
      else
        dv = fmaf(bonus(i) * at.q[d] * at.k[d], d_o, dv);
      dv = fmaf(g[i], at.k[d], dv);
      dr = fmaf(g[i], at.replacement[d], dr);
    }
    dv = sum_warps(dv, tables.dv);
    if (j.dv != nullptr && threadIdx.x < 32 && real()) j.dv[row * j.dv_pitch + first + lane()] = dv;
    if (f.removal != nullptr) dr = sum_warps(dr, tables.dr);

    if (j.dq != nullptr)
      add(j.dq + row * j.dq_pitch, begins, [&](int i) {
        const float read =
            f.bonus == nullptr ? memory.next(at, i, v, removed) : fmaf(bonus(i) * at.k[memory.key(i)], v, memory.s[i]);
        return read * d_o;
      });
    if (j.dk != nullptr)
      add(j.dk + row * j.dk_pitch, begins,
          [&](int i) { return fmaf(g[i], v, f.bonus == nullptr ? 0.0f : bonus(i) * at.q[memory.key(i)] * v * d_o); });
    if (j.d_bonus != nullptr) add(bonus_sum, false, [&](int i) { return at.q[memory.key(i)] * at.k[memory.key(i)] * v * d_o; });
    if (j.d_log_decay != nullptr)
      add(f.constant_decay ? decay_sum : j.d_log_decay + row * j.d_log_decay_pitch, begins && !f.constant_decay,
          [&](int i) { return at.decay[memory.key(i)] * g[i] * memory.s[i]; });
    if (j.d_replacement != nullptr)
      add(j.d_replacement + row * j.d_replacement_pitch, begins, [&](int i) { return g[i] * removed; });
    if (j.d_removal != nullptr) add(j.d_removal + row * j.d_removal_pitch, begins, [&](int i) { return memory.s[i] * dr; });
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      const int d = memory.key(i);
      g[i] = fmaf(at.removal[d], dr, at.decay[d] * g[i]);
      if (f.bonus != nullptr) g[i] = fmaf(at.q[d], d_o, g[i]);
    }
  }

  FOVEA_DEVICE void run(float* decay_sum, float* bonus_sum) {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) memory.s[i] = g[i] = 0.0f;
    for (int64_t t = 0; t < f.length; ++t) {
      if (t % kSteps == 0) keep(kSteps + t / kSteps);
      advance(t);
    }
    for (int64_t run = j.runs - 1; run >= 0; --run) {
      const int64_t begin = run * kSteps, end = begin + kSteps < f.length ? begin + kSteps : f.length;
      restore(kSteps + run);
      for (int64_t t = begin; t < end; ++t) {
        keep(t - begin);
        if (t + 1 < end) advance(t);
      }
      for (int64_t t = end - 1; t >= begin; --t) {
        restore(t - begin);
        step_back(t, decay_sum, bonus_sum);
      }
    }
  }
};

template <int kOwn>
__global__ void __launch_bounds__(kGatedThreads, 1) gated_backward_kernel(GatedAttentionBackwardJob j) {
  __shared__ Tables tables;
  const GatedAttentionJob& f = j.forward;
  const int64_t tasks = live_count(f.live, f.batch) * f.heads;
  float* scratch = static_cast<float*>(j.scratch) + int64_t{blockIdx.x} * (j.runs + kSteps) * f.keys * 32;
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    float *decay_sum = j.sums + task * 2 * f.keys, *bonus_sum = decay_sum + f.keys;
    for (int d = int(threadIdx.x); d < f.keys; d += kGatedThreads) decay_sum[d] = bonus_sum[d] = 0.0f;
    __syncthreads();
    // Once also without columns, for the zeros.
    for (int64_t first = 0; first == 0 || first < f.values; first += 32) {
      Columns<kOwn> columns{j, f, tables, task / f.heads, task % f.heads, first, scratch, {}, {}};
      columns.run(decay_sum, bonus_sum);
    }
  }
}

// The sums of the batch entries, in their order.
__global__ void __launch_bounds__(kThreads) gated_backward_sums_kernel(GatedAttentionBackwardJob j) {
  const GatedAttentionJob& f = j.forward;
  const int64_t batch = live_count(f.live, f.batch), n = f.heads * f.keys;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t head = i / f.keys, d = i % f.keys;
    float decay = 0.0f, bonus = 0.0f;
    for (int64_t b = 0; b < batch; ++b) {
      const float* sums = j.sums + (b * f.heads + head) * 2 * f.keys;
      decay += sums[d], bonus += sums[f.keys + d];
    }
    if (j.d_log_decay != nullptr && f.constant_decay) j.d_log_decay[head * j.d_log_decay_pitch + d] = decay;
    if (j.d_bonus != nullptr) j.d_bonus[head * j.d_bonus_pitch + d] = bonus;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_gated_linear_attention_backward_workspace(const fovea_tensor* q, const fovea_tensor* v,
                                                                        int64_t* bytes) {
  (void)v;
  const int64_t batch = q->shape[0], heads = q->shape[2], keys = q->shape[3];
  *bytes = (gated_sums(batch, heads, keys) + batch * heads * block_floats(q->shape[1], keys)) * int64_t{sizeof(float)};
  return FOVEA_OK;
}

extern "C" fovea_status fovea_gated_linear_attention_backward(const fovea_gated_linear_attention_inputs* inputs,
                                                              const fovea_tensor* d_o,
                                                              const fovea_gated_linear_attention_gradients* gradients,
                                                              const fovea_workspace* workspace, fovea_stream* stream) {
  const GatedAttentionJob forward = gated_attention_job(*inputs);
  if (forward.heads == 0) return FOVEA_OK;
  int64_t bytes = 0;
  FOVEA_TRY(fovea_gated_linear_attention_backward_workspace(inputs->q, inputs->v, &bytes));
  FOVEA_TRY(check_workspace("gated_linear_attention_backward", workspace, bytes));
  const GatedAttentionBackwardJob job = gated_backward_job(forward, *d_o, *gradients, *workspace);
  const int64_t tasks = forward.batch * forward.heads;
  return with_keys_per_thread(forward.keys, [&](auto own) {
    constexpr int kOwn = decltype(own)::value;
    return submit(stream, "gated_linear_attention_backward", [&](cudaStream_t s) {
      if (tasks > 0) {
        const cudaError_t error =
            launch(gated_backward_kernel<kOwn>, unsigned(tasks < INT32_MAX ? tasks : INT32_MAX), kGatedThreads, 0, s, job);
        if (error != cudaSuccess) return error;
      }
      return launch(gated_backward_sums_kernel, grid_for(forward.heads * forward.keys, kThreads), kThreads, 0, s, job);
    });
  });
}
