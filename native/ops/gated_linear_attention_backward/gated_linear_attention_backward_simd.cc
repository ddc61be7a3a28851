// Lanes are columns of the memory. A task is a head of one batch entry: forward through time, keeping the memory before every
// run of positions; then back over the runs, whose memories are computed again. Columns behind the last are zeros everywhere.
#include "core/thread_pool.h"
#include "ops/gated_linear_attention/decay_simd.h"
#include "ops/gated_linear_attention_backward/scratch.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSteps = kGatedBackwardSteps;

struct Head {
  const GatedAttentionBackwardJob& j;
  const GatedAttentionJob& f;
  int64_t b, head, columns, memory;                         // floats of a row and of a memory
  float *runs, *steps, *g, *v, *d_o, *r, *dr, *dv, *decay;  // see gated_thread_floats()

  Head(const GatedAttentionBackwardJob& job, int64_t task, int32_t worker)
      : j(job),
        f(job.forward),
        b(task / f.heads),
        head(task % f.heads),
        columns(gated_columns(f.values)),
        memory(f.keys * columns) {
    runs = static_cast<float*>(j.scratch) + worker * gated_thread_floats(f.length, f.keys, f.values);
    steps = runs + j.runs * memory, g = steps + (kSteps + 1) * memory;
    v = g + memory, d_o = v + columns, r = d_o + columns, dr = r + columns, dv = dr + columns, decay = dv + columns;
  }

  FOVEA_INLINE void clear(float* x, int64_t n) const {
    for (int64_t i = 0; i < n; i += kLanes) store(x + i, zero());
  }
  FOVEA_INLINE void copy_row(const float* from, float* to) const {
    for (int64_t p = 0; p < columns; p += kLanes) {
      const int64_t rest = f.values - p;
      store(to + p, rest > 0 ? load_upto(from + p, rest) : zero());
    }
  }
  FOVEA_INLINE float dot(const float* x, const float* y) const {
    F total = zero();
    for (int64_t p = 0; p < columns; p += kLanes) total = fma(load(x + p), load(y + p), total);
    return sum(total);
  }
  // y += a * x.
  FOVEA_INLINE void add(float* y, float a, const float* x) const {
    for (int64_t p = 0; p < columns; p += kLanes) store(y + p, fma(set(a), load(x + p), load(y + p)));
  }

  // r = removal^T S.
  void remove(int64_t row, const float* s) const {
    clear(r, columns);
    for (int64_t d = 0; d < f.keys; ++d) add(r, f.removal[row * f.removal_pitch + d], s + d * columns);
  }

  // From the memory before a position to that behind it, which may be the same place. Leaves v and the decays.
  void advance(int64_t row, const float* s, float* after) const {
    copy_row(f.v + row * f.v_pitch, v);
    fill_decays(f, row, decay);
    if (f.removal != nullptr) remove(row, s);
    for (int64_t d = 0; d < f.keys; ++d) {
      const F keep = set(decay[d]), key = set(f.k[row * f.k_pitch + d]);
      const F replacement = f.removal == nullptr ? zero() : set(f.replacement[row * f.replacement_pitch + d]);
      for (int64_t p = 0; p < columns; p += kLanes) {
        F x = fma(keep, load(s + d * columns + p), key * load(v + p));
        if (f.removal != nullptr) x = fma(replacement, load(r + p), x);
        store(after + d * columns + p, x);
      }
    }
  }

  // Everything at one position; `s` and `after` are the memories before and behind it.
  void step_back(int64_t row, const float* s, const float* after, float* decay_sum, float* bonus_sum) const {
    const float *q = f.q + row * f.q_pitch, *k = f.k + row * f.k_pitch;
    const float* bonus = f.bonus == nullptr ? nullptr : f.bonus + head * f.bonus_pitch;
    copy_row(f.v + row * f.v_pitch, v);
    copy_row(j.d_o + row * j.d_o_pitch, d_o);
    fill_decays(f, row, decay);
    if (f.removal != nullptr) remove(row, s);
    clear(dr, columns), clear(dv, columns);
    const float value_gradient = dot(v, d_o);
    for (int64_t d = 0; d < f.keys; ++d) {
      const float* s_row = s + d * columns;
      float *g_row = g + d * columns, dk = 0;
      if (bonus == nullptr) {
        add(g_row, q[d], d_o);
        if (j.dq != nullptr) j.dq[row * j.dq_pitch + d] = dot(after + d * columns, d_o);
      } else {
        if (j.dq != nullptr) j.dq[row * j.dq_pitch + d] = dot(s_row, d_o) + bonus[d] * k[d] * value_gradient;
        dk = bonus[d] * q[d] * value_gradient;
        bonus_sum[d] += q[d] * k[d] * value_gradient;
        add(dv, q[d] * bonus[d] * k[d], d_o);
      }
      add(dv, k[d], g_row);
      if (j.dk != nullptr) j.dk[row * j.dk_pitch + d] = dk + dot(g_row, v);
      if (j.d_log_decay != nullptr) {
        const float slope = decay[d] * dot(g_row, s_row);
        if (f.constant_decay)
          decay_sum[d] += slope;
        else
          j.d_log_decay[row * j.d_log_decay_pitch + d] = slope;
      }
      if (f.removal == nullptr) continue;
      add(dr, f.replacement[row * f.replacement_pitch + d], g_row);
      if (j.d_replacement != nullptr) j.d_replacement[row * j.d_replacement_pitch + d] = dot(g_row, r);
    }
    for (int64_t p = 0; j.dv != nullptr && p < f.values; p += kLanes)
      store_upto(j.dv + row * j.dv_pitch + p, load(dv + p), f.values - p);
    for (int64_t d = 0; d < f.keys; ++d) {
      float* g_row = g + d * columns;
      for (int64_t p = 0; p < columns; p += kLanes) store(g_row + p, set(decay[d]) * load(g_row + p));
      if (bonus != nullptr) add(g_row, q[d], d_o);
      if (f.removal == nullptr) continue;
      if (j.d_removal != nullptr) j.d_removal[row * j.d_removal_pitch + d] = dot(s + d * columns, dr);
      add(g_row, f.removal[row * f.removal_pitch + d], dr);
    }
  }

  void run() const {
    clear(steps, memory);
    for (int64_t t = 0; t < f.length; ++t) {
      if (t % kSteps == 0)
        for (int64_t i = 0; i < memory; i += kLanes) store(runs + t / kSteps * memory + i, load(steps + i));
      advance(f.row(b, t, head), steps, steps);
    }
    clear(g, memory);
    float *decay_sum = j.sums + (b * f.heads + head) * 2 * f.keys, *bonus_sum = decay_sum + f.keys;
    for (int64_t d = 0; d < f.keys; ++d) decay_sum[d] = bonus_sum[d] = 0;
    for (int64_t run = j.runs - 1; run >= 0; --run) {
      const int64_t begin = run * kSteps, end = begin + kSteps < f.length ? begin + kSteps : f.length;
      for (int64_t i = 0; i < memory; i += kLanes) store(steps + i, load(runs + run * memory + i));
      for (int64_t t = begin; t < end; ++t) {
        float* s = steps + (t - begin) * memory;
        advance(f.row(b, t, head), s, s + memory);
      }
      for (int64_t t = end - 1; t >= begin; --t) {
        const float* s = steps + (t - begin) * memory;
        step_back(f.row(b, t, head), s, s + memory, decay_sum, bonus_sum);
      }
    }
  }
};

// The sums of the batch entries, in their order.
void add_batch(const GatedAttentionJob& f, int64_t batch, const float* sums, float* to, int64_t pitch) {
  for (int64_t i = 0; i < f.heads * f.keys; ++i) {
    const int64_t head = i / f.keys, d = i % f.keys;
    float total = 0;
    for (int64_t b = 0; b < batch; ++b) total += sums[(b * f.heads + head) * 2 * f.keys + d];
    to[head * pitch + d] = total;
  }
}

}  // namespace

void gated_linear_attention_backward(const GatedAttentionBackwardJob& j) {
  const GatedAttentionJob& f = j.forward;
  const int64_t batch = live_rows(f.live, f.batch);
  const ThreadLimit limit(j.threads);
  parallel_for(batch * f.heads, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t task = begin; task < end; ++task) Head(j, task, worker).run();
  });
  if (j.d_log_decay != nullptr && f.constant_decay) add_batch(f, batch, j.sums, j.d_log_decay, j.d_log_decay_pitch);
  if (j.d_bonus != nullptr) add_batch(f, batch, j.sums + f.keys, j.d_bonus, j.d_bonus_pitch);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
