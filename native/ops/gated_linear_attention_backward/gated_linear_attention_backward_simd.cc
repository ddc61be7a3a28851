// Lanes are columns of the memory. A task is a head of one batch entry: forward through time, keeping the memory before every
// run of positions; then back over the runs, whose memories are computed again. Columns behind the last are zeros everywhere.
#include "core/thread_pool.h"
#include "ops/gated_linear_attention/decay_simd.h"
#include "ops/gated_linear_attention_backward/scratch.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSteps = kGatedBackwardSteps;
inline constexpr int kVectors =
    kLanes == 16 ? 4 : 2;  // of a block: five of each, a few operands, and no more registers than there are

template <int Count>
struct Columns {
  static constexpr int count = Count;
};

struct Head {
  const GatedAttentionBackwardJob& j;
  const GatedAttentionJob& f;
  int64_t b, head, columns, memory;           // floats of a row and of a memory
  float *runs, *steps, *g, *v, *d_o, *decay;  // see gated_thread_floats()

  Head(const GatedAttentionBackwardJob& job, int64_t task, int32_t worker)
      : j(job),
        f(job.forward),
        b(task / f.heads),
        head(task % f.heads),
        columns(gated_columns(f.values)),
        memory(f.keys * columns) {
    runs = static_cast<float*>(j.scratch) + worker * gated_thread_floats(f.length, f.keys, f.values);
    steps = runs + j.runs * memory, g = steps + (kSteps + 1) * memory;
    v = g + memory, d_o = v + columns, decay = d_o + columns;
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

  // body(Columns<Count>{}, p) for blocks of Count vectors from column p on, whose sums over keys stay in registers.
  template <class Body>
  FOVEA_INLINE void in_blocks(const Body& body) const {
    int64_t p = 0;
    for (; p + kVectors * kLanes <= columns; p += kVectors * kLanes) body(Columns<kVectors>{}, p);
    for (; p < columns; p += kLanes) body(Columns<1>{}, p);
  }

  // removal^T S.
  template <int Count>
  FOVEA_INLINE void remove(int64_t row, const float* s, F* r) const {
    const float* removal = f.removal + row * f.removal_pitch;
    for (int64_t d = 0; d < f.keys; ++d, s += columns)
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) r[i] = fma(set(removal[d]), load(s + i * kLanes), r[i]);
  }

  // From the memory before a position to that behind it, which may be the same place.
  template <int Count, bool Delta>
  void advance_block(int64_t row, int64_t p, const float* s, float* after) const {
    F value[Count], r[Count];
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) value[i] = load(v + p + i * kLanes), r[i] = zero();
    if constexpr (Delta) remove<Count>(row, s + p, r);
    const float *k = f.k + row * f.k_pitch, *replacement = Delta ? f.replacement + row * f.replacement_pitch : nullptr;
    s += p, after += p;
    for (int64_t d = 0; d < f.keys; ++d, s += columns, after += columns)
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) {
        F x = fma(set(decay[d]), load(s + i * kLanes), set(k[d]) * value[i]);
        if constexpr (Delta) x = fma(set(replacement[d]), r[i], x);
        store(after + i * kLanes, x);
      }
  }
  void advance(int64_t row, const float* s, float* after) const {
    prefetch_position(f, row + f.heads);
    copy_row(f.v + row * f.v_pitch, v);
    fill_decays(f, row, decay);
    in_blocks([&](auto block, int64_t p) {
      constexpr int kCount = decltype(block)::count;
      if (f.removal != nullptr)
        advance_block<kCount, true>(row, p, s, after);
      else
        advance_block<kCount, false>(row, p, s, after);
    });
  }

  // Everything at one position for a block of columns; `s` and `after` are the memories before and behind it. Sums over columns
  // begin with the first block and grow with the others.
  template <int Count, bool Delta>
  void block_back(int64_t row, int64_t p, const float* s, const float* after, float* decay_sum) const {
    const bool with_bonus = f.bonus != nullptr;
    const float *q = f.q + row * f.q_pitch, *k = f.k + row * f.k_pitch;
    const float* bonus = with_bonus ? f.bonus + head * f.bonus_pitch : nullptr;
    const float *removal = nullptr, *replacement = nullptr;
    if constexpr (Delta) removal = f.removal + row * f.removal_pitch, replacement = f.replacement + row * f.replacement_pitch;
    const auto add = [p](float* to, F x) { *to = p == 0 ? sum(x) : *to + sum(x); };
    F value[Count], out[Count], r[Count], dv_sum[Count], dr_sum[Count];
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) {
      value[i] = load(v + p + i * kLanes), out[i] = load(d_o + p + i * kLanes);
      r[i] = dv_sum[i] = dr_sum[i] = zero();
    }
    if constexpr (Delta) remove<Count>(row, s + p, r);
    for (int64_t d = 0; d < f.keys; ++d) {
      const float *s_row = s + d * columns + p, *read = with_bonus ? s_row : after + d * columns + p;
      float* g_row = g + d * columns + p;
      const F query = set(with_bonus ? 0.0f : q[d]), own = set(with_bonus ? q[d] * bonus[d] * k[d] : 0.0f);
      F dq = zero(), dk = zero(), slope = zero(), d_replacement = zero();
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) {
        const F x = fma(query, out[i], load(g_row + i * kLanes));
        store(g_row + i * kLanes, x);
        dq = fma(load(read + i * kLanes), out[i], dq);
        dk = fma(x, value[i], dk);
        slope = fma(x, load(s_row + i * kLanes), slope);
        dv_sum[i] = fma(set(k[d]), x, fma(own, out[i], dv_sum[i]));
        if constexpr (Delta) d_replacement = fma(x, r[i], d_replacement), dr_sum[i] = fma(set(replacement[d]), x, dr_sum[i]);
      }
      if (j.dq != nullptr) add(j.dq + row * j.dq_pitch + d, dq);
      if (j.dk != nullptr) add(j.dk + row * j.dk_pitch + d, dk);
      if (Delta && j.d_replacement != nullptr) add(j.d_replacement + row * j.d_replacement_pitch + d, d_replacement);
      if (j.d_log_decay == nullptr) continue;
      if (f.constant_decay)
        decay_sum[d] += decay[d] * sum(slope);
      else
        add(j.d_log_decay + row * j.d_log_decay_pitch + d, set(decay[d]) * slope);
    }
#pragma GCC unroll 4
    for (int i = 0; i < Count; ++i) {
      const int64_t at = p + i * kLanes, rest = f.values - at;
      if (j.dv != nullptr && rest > 0) store_upto(j.dv + row * j.dv_pitch + at, dv_sum[i], rest);
    }
    for (int64_t d = 0; d < f.keys; ++d) {
      float* g_row = g + d * columns + p;
      const F query = set(with_bonus ? q[d] : 0.0f);
      F d_removal = zero();
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) {
        F x = set(decay[d]) * load(g_row + i * kLanes);
        if (with_bonus) x = fma(query, out[i], x);
        if constexpr (Delta) {
          x = fma(set(removal[d]), dr_sum[i], x);
          d_removal = fma(load(s + d * columns + p + i * kLanes), dr_sum[i], d_removal);
        }
        store(g_row + i * kLanes, x);
      }
      if (Delta && j.d_removal != nullptr) add(j.d_removal + row * j.d_removal_pitch + d, d_removal);
    }
  }

  // The part of q's, k's and the bonus's gradients that the value of the position itself brings.
  void add_own(int64_t row, float* bonus_sum) const {
    const float value_gradient = dot(v, d_o);
    const float *q = f.q + row * f.q_pitch, *k = f.k + row * f.k_pitch, *bonus = f.bonus + head * f.bonus_pitch;
    for (int64_t d = 0; d < f.keys; ++d) {
      if (j.dq != nullptr) j.dq[row * j.dq_pitch + d] += bonus[d] * k[d] * value_gradient;
      if (j.dk != nullptr) j.dk[row * j.dk_pitch + d] += bonus[d] * q[d] * value_gradient;
      bonus_sum[d] += q[d] * k[d] * value_gradient;
    }
  }

  void step_back(int64_t row, const float* s, const float* after, float* decay_sum, float* bonus_sum) const {
    prefetch_position(f, row - f.heads);
    if (row >= f.heads) prefetch_row(j.d_o, j.d_o_pitch, row - f.heads, f.values);
    copy_row(f.v + row * f.v_pitch, v);
    copy_row(j.d_o + row * j.d_o_pitch, d_o);
    fill_decays(f, row, decay);
    in_blocks([&](auto block, int64_t p) {
      constexpr int kCount = decltype(block)::count;
      if (f.removal != nullptr)
        block_back<kCount, true>(row, p, s, after, decay_sum);
      else
        block_back<kCount, false>(row, p, s, after, decay_sum);
    });
    if (f.bonus != nullptr) add_own(row, bonus_sum);
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
