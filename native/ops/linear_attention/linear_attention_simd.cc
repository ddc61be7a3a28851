// Per chunk of C positions and head, with decay(i, j) = exp(sum of log decays behind j up to i):
//   O = (q k^T * decay) v + decay(i, start) * (q S);  S = decay(end, start) * S + k^T (decay(end, j) * v)
// (Dao and Gu 2024, section 6). Products run on the register tiles of attention.
#include "core/thread_pool.h"
#include "ops/attention/attention_pack_simd.h"
#include "ops/attention/attention_tile_simd.h"
#include "ops/linear_attention/chunk_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = LinearAttentionJob;

inline constexpr float kMaskedDecay = -__builtin_inff();

// ---- one position
// ------------------------------------------------------------------------------------------------------------

// S = decay * S + k v^T and o = scale * q S for NV vectors of values, in one pass over the state.
template <int NV>
FOVEA_INLINE void step_columns(const Job& j, const float* q, const float* k, const float* v, float* s, float* o, float decay) {
  const F decays = set(decay);
  F x[NV], sum[NV];
#pragma GCC unroll 4
  for (int i = 0; i < NV; ++i) x[i] = load(v + i * kLanes), sum[i] = zero();
  for (int64_t d = 0; d < j.key_size; ++d, s += j.state_pitch) {
    const F ks = set(k[d]), qs = set(q[d]);
#pragma GCC unroll 4
    for (int i = 0; i < NV; ++i) {
      const F y = fma(ks, x[i], load(s + i * kLanes) * decays);
      store(s + i * kLanes, y);
      sum[i] = fma(qs, y, sum[i]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < NV; ++i) store(o + i * kLanes, sum[i] * set(j.scale));
}

void step(const Job& j, int64_t b, int64_t t, int64_t head) {
  const int64_t group = head / j.plan.heads_per_group, at = j.head_row(b, t, head);
  const float *q = j.q + j.group_row(b, t, group) * j.q_pitch, *k = j.k + j.group_row(b, t, group) * j.k_pitch;
  const float* v = j.v + at * j.v_pitch;
  float* o = j.o + at * j.o_pitch;
  const float decay = exp_of(j.decay_at(b, t, head));
  int64_t p = 0;
  for (; p + 4 * kLanes <= j.value_size; p += 4 * kLanes)
    step_columns<4>(j, q, k, v + p, j.state_row(b, head, 0) + p, o + p, decay);
  for (; p + kLanes <= j.value_size; p += kLanes) step_columns<1>(j, q, k, v + p, j.state_row(b, head, 0) + p, o + p, decay);
  if (p == j.value_size) return;
  const auto rest = static_cast<int>(j.value_size - p);
  const F x = load_partial(v + p, rest);
  F sum = zero();
  for (int64_t d = 0; d < j.key_size; ++d) {
    float* s = j.state_row(b, head, d) + p;
    const F y = fma(set(k[d]), x, load_partial(s, rest) * set(decay));
    store_partial(s, y, rest);
    sum = fma(set(q[d]), y, sum);
  }
  store_partial(o + p, sum * set(j.scale), rest);
}

// The first position without a state, or the only one.
void first_step(const Job& j, int64_t b, int64_t head) {
  const int64_t group = head / j.plan.heads_per_group, at = j.head_row(b, 0, head);
  const float *q = j.q + j.group_row(b, 0, group) * j.q_pitch, *k = j.k + j.group_row(b, 0, group) * j.k_pitch;
  F dot = zero();
  for (int64_t d = 0; d < j.key_size; d += kLanes)
    dot = fma(load_upto(q + d, j.key_size - d), load_upto(k + d, j.key_size - d), dot);
  const F score = set(sum(dot) * j.scale);
  for (int64_t p = 0; p < j.value_size; p += kLanes)
    store_upto(j.o + at * j.o_pitch + p, score * load_upto(j.v + at * j.v_pitch + p, j.value_size - p), j.value_size - p);
}

// ---- chunks
// ------------------------------------------------------------------------------------------------------------------

struct Task {
  const Job* job;
  int64_t batch, group, first_head, heads;
  float *key_panels, *keys, *queries;         // of the chunk
  float *scores, *weighted;                   // q k^T, times decay(i, j): [C][chunk_columns]
  float *values, *weighted_values, *outputs;  // v, decay(end, j) * v; a tile of o
  float *partial_sums, *weights, *decay_in;   // [C] each: log decay(i, j) and decay(i, j) of the current i; decay(i, start)
  float *tables, *states;                     // of each head
};

float* table_of(const Task& t, int64_t head) { return t.tables + (head - t.first_head) * 3 * t.job->plan.chunk_columns; }

// Behind the table of fill_decays: decay(n, start) for all n.
void fill_table(const Task& t, int64_t head) {
  const Job& j = *t.job;
  const int64_t c = j.plan.chunk_columns;
  float* table = table_of(t, head);
  const float a = j.decay_at(t.batch, 0, head);
  fill_decays(a, c, table);
  for (int64_t n = 0; n < c; ++n) table[2 * c + n] = exp_of(static_cast<float>(n + 1) * a);
}

// The chunk's weighted scores; returns decay(end, j). Entries of later positions, up to the end of a tile, are 0.
const float* weigh_scores(const Task& t, int64_t head, int64_t start, int64_t n) {
  const Job& j = *t.job;
  const int64_t c = j.plan.chunk_columns;
  const bool constant = j.log_decay == nullptr || j.constant_decay;
  const float* table = table_of(t, head);
  const float* weights = nullptr;
  float since_start = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    if (constant) {
      weights = table + c - 1 - i;
    } else {
      const float a = j.decay_at(t.batch, start + i, head);
      next_weights(i, a, t.partial_sums, t.weights);
      weights = t.weights;
      since_start += a;
      t.decay_in[i] = since_start;  // exponentials of the whole chunk come later
    }
    float* y = t.weighted + i * c;
    const float* x = t.scores + i * c;
    for (int64_t k = 0; k <= i; k += kLanes) store(y + k, load(x + k) * load(weights + k));
    for (int64_t k = i + 1; k < smaller(i + kTileRows, n); ++k) y[k] = 0.0f;
  }
  if (constant) {
    for (int64_t i = 0; i < n; i += kLanes) store(t.decay_in + i, load(table + 2 * c + i));
  } else {
    exp_all(t.decay_in, (n + kLanes - 1) / kLanes * kLanes);
  }
  return weights;
}

void head_chunk(const Task& t, int64_t head, int64_t start, int64_t n) {
  const Job& j = *t.job;
  const LinearAttentionPlan& p = j.plan;
  const int64_t c = p.chunk_columns, columns = p.value_columns;
  float* state = t.states + (head - t.first_head) * j.key_size * columns;
  const float* weights = weigh_scores(t, head, start, n);
  for (int64_t i = 0; i < n; ++i) {
    const float* v = j.v + j.head_row(t.batch, start + i, head) * j.v_pitch;
    pack_row(v, j.value_size, 1.0f, columns, t.values + i * columns);
    pack_row(v, j.value_size, weights[i], columns, t.weighted_values + i * columns);
  }
  in_tiles(n, [&](int64_t row, int64_t rows) {
    multiply({t.queries + row * p.key_columns, p.key_columns, state, columns, t.outputs, columns, j.key_size, false}, rows,
             columns);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t d = 0; d < columns; d += kLanes) {
        float* o = t.outputs + i * columns + d;
        store(o, load(o) * set(t.decay_in[row + i]));
      }
    multiply({t.weighted + row * c, c, t.values, columns, t.outputs, columns, row + rows, true}, rows, columns);
    for (int64_t i = 0; i < rows; ++i) {
      float* o = j.o + j.head_row(t.batch, start + row + i, head) * j.o_pitch;
      for (int64_t d = 0; d < j.value_size; d += kLanes)
        store_upto(o + d, load(t.outputs + i * columns + d) * set(j.scale), j.value_size - d);
    }
  });
  const float decay = t.decay_in[n - 1];
  in_tiles(j.key_size, [&](int64_t row, int64_t rows) {
    float* s = state + row * columns;
    for (int64_t i = 0; i < rows * columns; i += kLanes) store(s + i, load(s + i) * set(decay));
    multiply<true>({t.keys + row, p.key_columns, t.weighted_values, columns, s, columns, n, true}, rows, columns);
  });
}

// Packs q and k and leaves q k^T up to the diagonal.
void group_chunk(const Task& t, int64_t start, int64_t n) {
  const Job& j = *t.job;
  const LinearAttentionPlan& p = j.plan;
  const float* k = j.k + j.group_row(t.batch, start, t.group) * j.k_pitch;
  const float* q = j.q + j.group_row(t.batch, start, t.group) * j.q_pitch;
  for (int64_t i = 0; i < n; i += kKeyPanel)
    pack_key_panel(k + i * j.groups * j.k_pitch, j.groups * j.k_pitch, n - i, j.key_size, t.key_panels + i * j.key_size);
  for (int64_t i = 0; i < n; ++i) {
    pack_row(k + i * j.groups * j.k_pitch, j.key_size, 1.0f, p.key_columns, t.keys + i * p.key_columns);
    pack_row(q + i * j.groups * j.q_pitch, j.key_size, 1.0f, p.key_columns, t.queries + i * p.key_columns);
  }
  in_tiles(n, [&](int64_t row, int64_t rows) {
    for (int64_t i = 0; i < row + rows; i += kKeyPanel)
      multiply({t.queries + row * p.key_columns, p.key_columns, t.key_panels + i * j.key_size, kKeyPanel,
                t.scores + row * p.chunk_columns + i, p.chunk_columns, j.key_size, false},
               rows, kKeyPanel);
  });
}

void move_state(const Task& t, int64_t head, bool read) {
  const Job& j = *t.job;
  const int64_t columns = j.plan.value_columns;
  float* state = t.states + (head - t.first_head) * j.key_size * columns;
  for (int64_t d = 0; d < j.key_size; ++d, state += columns) {
    for (int64_t i = 0; read && j.state == nullptr && i < columns; i += kLanes) store(state + i, zero());
    if (j.state == nullptr) continue;
    float* s = j.state_row(t.batch, head, d);
    if (read) {
      pack_row(s, j.value_size, 1.0f, columns, state);
    } else {
      for (int64_t i = 0; i < j.value_size; i += kLanes) store_upto(s + i, load(state + i), j.value_size - i);
    }
  }
}

void run_task(const Job& j, int64_t task, float* scratch) {
  const LinearAttentionPlan& p = j.plan;
  const int64_t c = p.chunk_columns;
  Task t{};
  t.job = &j;
  t.batch = task / p.tasks_per_group / j.groups;
  t.group = task / p.tasks_per_group % j.groups;
  t.first_head = t.group * p.heads_per_group + task % p.tasks_per_group * p.heads_per_task;
  t.heads = smaller(p.heads_per_task, (t.group + 1) * p.heads_per_group - t.first_head);
  float* next = scratch;
  const auto take = [&next](int64_t floats) {
    float* x = next;
    next += floats;
    return x;
  };
  t.key_panels = take(c * p.key_columns), t.keys = take(c * p.key_columns), t.queries = take(c * p.key_columns);
  t.scores = take(c * c), t.weighted = take(c * c);
  t.values = take(c * p.value_columns), t.weighted_values = take(c * p.value_columns), t.outputs = take(16 * p.value_columns);
  t.partial_sums = take(c), t.weights = take(c), t.decay_in = take(c);
  t.tables = take((p.heads_per_task * 3 + 1) * c), t.states = take(p.heads_per_task * j.key_size * p.value_columns);
  for (int64_t i = 0; i < c; i += kLanes) store(t.partial_sums + i, zero());
  for (int64_t head = t.first_head; head < t.first_head + t.heads; ++head) {
    if (j.log_decay == nullptr || j.constant_decay) fill_table(t, head);
    move_state(t, head, true);
  }
  for (int64_t start = 0; start < j.length; start += p.chunk) {
    const int64_t n = smaller(p.chunk, j.length - start);
    group_chunk(t, start, n);
    for (int64_t head = t.first_head; head < t.first_head + t.heads; ++head) head_chunk(t, head, start, n);
  }
  for (int64_t head = t.first_head; head < t.first_head + t.heads; ++head) move_state(t, head, false);
}

}  // namespace

void linear_attention(const LinearAttentionJob& j) {
  const LinearAttentionPlan& p = j.plan;
  const int64_t batch = live_rows(j.live, j.batch);
  if (j.length == 1 || (p.chunk == 1 && j.state != nullptr)) {
    parallel_for(batch * j.heads, 32768 / (smaller(j.length, 32768) * (j.key_size * j.value_size + 1)) + 1,
                 [&](int64_t begin, int64_t end, int32_t) {
                   for (int64_t i = begin; i < end; ++i) {
                     if (j.state == nullptr) first_step(j, i / j.heads, i % j.heads);
                     for (int64_t t = 0; j.state != nullptr && t < j.length; ++t) step(j, i / j.heads, t, i % j.heads);
                   }
                 });
    return;
  }
  const ThreadLimit limit(j.threads);  // the scratch is per thread
  const int64_t work = smaller(j.length, 65536) * p.heads_per_task * (j.key_size + 1) * j.value_size;
  parallel_for(batch * j.groups * p.tasks_per_group, 65536 / work + 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t task = begin; task < end; ++task) run_task(j, task, j.scratch + worker * p.scratch_floats);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
