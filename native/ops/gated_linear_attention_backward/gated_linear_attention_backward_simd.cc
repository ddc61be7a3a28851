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

  // Key d at one position: its row of the gradient takes what the output says, and everything that is a sum over columns is
  // summed in one pass. Adds to dv and dr.
  FOVEA_INLINE void key_back(int64_t row, int64_t d, const float* s, const float* after, float value_gradient, float* decay_sum,
                             float* bonus_sum) const {
    const bool with_bonus = f.bonus != nullptr, with_delta = f.removal != nullptr;
    const float q = f.q[row * f.q_pitch + d], k = f.k[row * f.k_pitch + d];
    const float bonus = with_bonus ? f.bonus[head * f.bonus_pitch + d] : 0.0f;
    const F query = set(with_bonus ? 0.0f : q), key = set(k), own = set(q * bonus * k);
    const F replacement = set(with_delta ? f.replacement[row * f.replacement_pitch + d] : 0.0f);
    const float *s_row = s + d * columns, *read = with_bonus ? s_row : after + d * columns;
    float* g_row = g + d * columns;
    F dq = zero(), dk = zero(), slope = zero(), d_replacement = zero();
    for (int64_t p = 0; p < columns; p += kLanes) {
      const F out = load(d_o + p), x = fma(query, out, load(g_row + p));
      store(g_row + p, x);
      dq = fma(load(read + p), out, dq);
      dk = fma(x, load(v + p), dk);
      slope = fma(x, load(s_row + p), slope);
      store(dv + p, fma(key, x, fma(own, out, load(dv + p))));
      if (!with_delta) continue;
      d_replacement = fma(x, load(r + p), d_replacement);
      store(dr + p, fma(replacement, x, load(dr + p)));
    }
    if (j.dq != nullptr) j.dq[row * j.dq_pitch + d] = sum(dq) + bonus * k * value_gradient;
    if (j.dk != nullptr) j.dk[row * j.dk_pitch + d] = sum(dk) + bonus * q * value_gradient;
    bonus_sum[d] += q * k * value_gradient;
    if (j.d_replacement != nullptr) j.d_replacement[row * j.d_replacement_pitch + d] = sum(d_replacement);
    if (j.d_log_decay == nullptr) return;
    const float decay_slope = decay[d] * sum(slope);
    if (f.constant_decay)
      decay_sum[d] += decay_slope;
    else
      j.d_log_decay[row * j.d_log_decay_pitch + d] = decay_slope;
  }

  // Key d of the gradient, from behind the position to before it.
  FOVEA_INLINE void key_before(int64_t row, int64_t d, const float* s) const {
    const F keep = set(decay[d]), query = set(f.bonus == nullptr ? 0.0f : f.q[row * f.q_pitch + d]);
    const F removal = set(f.removal == nullptr ? 0.0f : f.removal[row * f.removal_pitch + d]);
    const float* s_row = s + d * columns;
    float* g_row = g + d * columns;
    F d_removal = zero();
    for (int64_t p = 0; p < columns; p += kLanes) {
      const F change = load(dr + p);
      d_removal = fma(load(s_row + p), change, d_removal);
      store(g_row + p, fma(keep, load(g_row + p), fma(query, load(d_o + p), removal * change)));
    }
    if (j.d_removal != nullptr) j.d_removal[row * j.d_removal_pitch + d] = sum(d_removal);
  }

  // Everything at one position; `s` and `after` are the memories before and behind it.
  void step_back(int64_t row, const float* s, const float* after, float* decay_sum, float* bonus_sum) const {
    copy_row(f.v + row * f.v_pitch, v);
    copy_row(j.d_o + row * j.d_o_pitch, d_o);
    fill_decays(f, row, decay);
    if (f.removal != nullptr) remove(row, s);
    clear(dr, columns), clear(dv, columns);
    const float value_gradient = f.bonus == nullptr ? 0.0f : dot(v, d_o);
    for (int64_t d = 0; d < f.keys; ++d) key_back(row, d, s, after, value_gradient, decay_sum, bonus_sum);
    for (int64_t p = 0; j.dv != nullptr && p < f.values; p += kLanes)
      store_upto(j.dv + row * j.dv_pitch + p, load(dv + p), f.values - p);
    for (int64_t d = 0; d < f.keys; ++d) key_before(row, d, s);
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
