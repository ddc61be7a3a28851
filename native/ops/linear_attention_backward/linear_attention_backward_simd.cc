// Two kinds of tasks. A head of a batch entry runs through the chunks in one of the two directions and leaves the states, or
// the gradients behind the chunks, transposed: [P][D], the layout that dq and dk want and both passes can write by adding
// products of whole rows. Then every chunk of a group of heads is a task of its own: q k^T is computed once for all heads,
// whose parts of dq and dk are added in order. Products run on the register tiles of attention.
#include "core/thread_pool.h"
#include "ops/linear_attention/chunk_simd.h"
#include "ops/linear_attention_backward/linear_attention_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = LinearAttentionBackwardJob;

inline constexpr int64_t kWork = 65536;  // multiply-adds per chunk of the pool
inline constexpr int64_t kSumRows = 64;  // positions whose gradients are added up before they meet the rest

FOVEA_INLINE int64_t value_columns(const Job& j) { return (j.forward.value_size + kKeyPanel - 1) / kKeyPanel * kKeyPanel; }
FOVEA_INLINE bool constant_decay(const Job& j) { return j.forward.log_decay == nullptr || j.forward.constant_decay; }

// Of a chunk: decay(i, start) and decay(end, i), as exponentials of sums of their own.
void fill_ends(const Job& j, int64_t b, int64_t head, int64_t start, int64_t n, float* from_start, float* to_end) {
  float in = 0.0f, out = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    in += j.forward.decay_at(b, start + i, head);
    from_start[i] = in;
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    to_end[i] = out;
    out += j.forward.decay_at(b, start + i, head);
  }
  const int64_t lanes = (n + kLanes - 1) / kLanes * kLanes;
  for (int64_t i = n; i < lanes; ++i) from_start[i] = to_end[i] = 0.0f;
  exp_all(from_start, lanes);
  exp_all(to_end, lanes);
}

float* table_at(const Job& j, float* tables, int64_t b, int64_t head, int64_t chunk) {
  return tables + ((b * j.forward.heads + head) * j.chunks + chunk) * j.forward.value_size * j.forward.plan.key_columns;
}

// ---- states and their gradients -------------------------------------------------------------------------------------------

// [D][P] of the caller into a transposed table, or back; NULL stands for zeros.
void read_state(const Job& j, const float* state, int64_t pitch, float* table) {
  const int64_t keys = j.forward.plan.key_columns;
  for (int64_t p = 0; p < j.forward.value_size; ++p, table += keys)
    for (int64_t d = 0; d < keys; ++d) table[d] = state != nullptr && d < j.forward.key_size ? state[d * pitch + p] : 0.0f;
}
void write_state(const Job& j, const float* table, float* state, int64_t pitch) {
  for (int64_t p = 0; p < j.forward.value_size; ++p, table += j.forward.plan.key_columns)
    for (int64_t d = 0; d < j.forward.key_size; ++d) state[d * pitch + p] = table[d];
}

// to = decay * from + the outer products of n rows: x^T y with x [n][columns], y [n][key_columns].
void add_products(const Job& j, float decay, const float* from, const float* x, const float* y, int64_t n, float* to) {
  const int64_t keys = j.forward.plan.key_columns;
  for (int64_t i = 0; i < j.forward.value_size * keys; i += kLanes) store(to + i, load(from + i) * set(decay));
  in_tiles(j.forward.value_size, [&](int64_t row, int64_t rows) {
    multiply<true>({x + row, value_columns(j), y, keys, to + row * keys, keys, n, true}, rows, keys);
  });
}

// One direction of one head: states forward, from k and v, or gradients backward, from scale * q and do.
void run_states(const Job& j, int64_t b, int64_t head, bool forward, float* scratch) {
  const LinearAttentionJob& f = j.forward;
  const int64_t c = f.plan.chunk_columns, keys = f.plan.key_columns, columns = value_columns(j);
  const int64_t group = head / f.plan.heads_per_group;
  float *from_start = scratch, *to_end = scratch + c, *y = to_end + c, *x = y + c * keys, *last = x + c * columns;
  float* const tables = forward ? j.states : j.carries;
  const float* state = f.state == nullptr ? nullptr : f.state_row(b, head, 0);
  if (!forward) state = j.d_final == nullptr ? nullptr : j.d_final + j.state_row(b, head, 0) * j.d_final_pitch;
  read_state(j, state, forward ? f.state_pitch : j.d_final_pitch, table_at(j, tables, b, head, forward ? 0 : j.chunks - 1));
  for (int64_t step = 0; step < j.chunks; ++step) {
    const int64_t chunk = forward ? step : j.chunks - 1 - step, start = chunk * f.plan.chunk;
    if (step + 1 == j.chunks && (forward || j.d_initial == nullptr)) break;
    const int64_t n = smaller(f.plan.chunk, f.length - start);
    fill_ends(j, b, head, start, n, from_start, to_end);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t of_group = f.group_row(b, start + i, group), of_head = f.head_row(b, start + i, head);
      pack_row(forward ? f.k + of_group * f.k_pitch : f.q + of_group * f.q_pitch, f.key_size, 1.0f, keys, y + i * keys);
      pack_row(forward ? f.v + of_head * f.v_pitch : j.d_o + of_head * j.d_o_pitch, f.value_size,
               forward ? to_end[i] : f.scale * from_start[i], columns, x + i * columns);
    }
    const float* from = table_at(j, tables, b, head, chunk);
    float* to = step + 1 == j.chunks ? last : table_at(j, tables, b, head, forward ? chunk + 1 : chunk - 1);
    add_products(j, from_start[n - 1], from, x, y, n, to);
    if (to == last) write_state(j, last, j.d_initial + j.state_row(b, head, 0) * j.d_initial_pitch, j.d_initial_pitch);
  }
}

// ---- chunks
// ------------------------------------------------------------------------------------------------------------------

// A chunk of n positions from `start` on of a group of heads, and the scratch of its thread; c rows each unless it says more.
struct Chunk {
  const Job& j;
  int64_t batch, group, index, start, n;
  int64_t c, keys, columns;                                     // rows of tables; D and P padded
  float *q, *k, *key_panels, *dq, *dk;                          // [keys]
  float* part;                                                  // 16 rows of [keys]: products with a state
  float *v, *d_o, *value_panels;                                // [columns]
  float* weighted;                                              // rows of v, do or k times decays
  float *carry_panels, *dv;                                     // [D][columns]; 16 rows of [columns]
  float *scores, *value_scores, *by_values, *by_keys;           // [c]: q k^T, do v^T, and scale * decay times either
  float *from_start, *to_end, *partial_sums, *weights, *table;  // see chunk_simd.h
  float *from_state, *passing;                                  // of each position, see decay_gradients

  Chunk(const Job& job, int64_t task, float* scratch) : j(job) {
    const LinearAttentionJob& f = j.forward;
    group = task % f.groups, index = task / f.groups % j.chunks, batch = task / f.groups / j.chunks;
    start = index * f.plan.chunk, n = smaller(f.plan.chunk, f.length - start);
    c = f.plan.chunk_columns, keys = f.plan.key_columns, columns = value_columns(j);
    const auto take = [&scratch](int64_t floats) {
      float* x = scratch;
      scratch += floats;
      return x;
    };
    q = take(c * keys), k = take(c * keys), key_panels = take(c * keys), dq = take(c * keys), dk = take(c * keys);
    part = take(16 * keys);
    v = take(c * columns), d_o = take(c * columns), value_panels = take(c * columns);
    weighted = take(c * (keys > columns ? keys : columns));
    carry_panels = take(keys * columns), dv = take(16 * columns);
    scores = take(c * c), value_scores = take(c * c), by_values = take(c * c), by_keys = take(c * c);
    from_start = take(c), to_end = take(c), partial_sums = take(c), weights = take(c);
    table = take(3 * c), from_state = take(c), passing = take(c);
  }

  // The lower triangle of x y^T, whose rows y come in panels.
  void triangle(const float* x, int64_t x_pitch, const float* panels, int64_t size, float* to) const {
    in_tiles(n, [&](int64_t row, int64_t rows) {
      for (int64_t i = 0; i < row + rows; i += kKeyPanel)
        multiply({x + row * x_pitch, x_pitch, panels + i * size, kKeyPanel, to + row * c + i, c, size, false}, rows, kKeyPanel);
    });
  }

  void begin() const {
    const LinearAttentionJob& f = j.forward;
    const int64_t first = f.group_row(batch, start, group);
    for (int64_t i = 0; i < n; ++i) {
      pack_row(f.q + (first + i * f.groups) * f.q_pitch, f.key_size, 1.0f, keys, q + i * keys);
      pack_row(f.k + (first + i * f.groups) * f.k_pitch, f.key_size, 1.0f, keys, k + i * keys);
    }
    for (int64_t i = 0; i < n; i += kKeyPanel)
      pack_key_panel(k + i * keys, keys, n - i, f.key_size, key_panels + i * f.key_size);
    triangle(q, keys, key_panels, f.key_size, scores);
    for (int64_t i = 0; i < n * keys; i += kLanes) store(dq + i, zero()), store(dk + i, zero());
    for (int64_t i = 0; i < c; i += kLanes) store(partial_sums + i, zero());
  }

  // scale * decay times both kinds of scores. Entries of later positions, up to the end of a tile, are 0.
  void weigh(int64_t head) const {
    const bool constant = constant_decay(j);
    if (constant) fill_decays(j.forward.decay_at(batch, start, head), c, table);
    for (int64_t i = 0; i < n; ++i) {
      if (!constant) next_weights(i, j.forward.decay_at(batch, start + i, head), partial_sums, weights);
      const float* w = constant ? table + c - 1 - i : weights;
      for (int64_t t = 0; t <= i; t += kLanes) {
        const F weight = set(j.forward.scale) * load(w + t);
        store(by_values + i * c + t, weight * load(value_scores + i * c + t));
        store(by_keys + i * c + t, weight * load(scores + i * c + t));
      }
      for (int64_t t = i + 1; t < smaller(i + kTileRows, n); ++t) by_values[i * c + t] = by_keys[i * c + t] = 0.0f;
    }
  }

  // Adds `weighted` times a transposed table to the gradient of q or k, and leaves each row's product with `rows_of` in `dots`.
  void add_state_part(const float* table_of_states, const float* rows_of, float* gradient, float* dots) const {
    in_tiles(n, [&](int64_t row, int64_t rows) {
      multiply({weighted + row * columns, columns, table_of_states, keys, part, keys, j.forward.value_size, false}, rows, keys);
      for (int64_t i = 0; i < rows; ++i) {
        F dot = zero();
        for (int64_t d = 0; d < keys; d += kLanes) {
          const F x = load(part + i * keys + d);
          float* to = gradient + (row + i) * keys + d;
          store(to, load(to) + x);
          dot = fma(x, load(rows_of + (row + i) * keys + d), dot);
        }
        dots[row + i] = sum(dot);
      }
    });
  }

  void add_dq(const float* state) const {
    for (int64_t i = 0; i < n; ++i)
      pack_row(d_o + i * columns, columns, j.forward.scale * from_start[i], columns, weighted + i * columns);
    add_state_part(state, q, dq, from_state);
    in_tiles(n, [&](int64_t row, int64_t rows) {
      multiply({by_values + row * c, c, k, keys, dq + row * keys, keys, row + rows, true}, rows, keys);
    });
  }
  void add_dk(const float* carry) const {
    for (int64_t i = 0; i < n; ++i) pack_row(v + i * columns, columns, to_end[i], columns, weighted + i * columns);
    add_state_part(carry, k, dk, passing);
    in_tiles(n, [&](int64_t row, int64_t rows) {
      multiply<true>({by_values + row * c + row, c, q + row * keys, keys, dk + row * keys, keys, n - row, true}, rows, keys);
    });
  }
  void write_dv(int64_t head, const float* carry) const {
    const LinearAttentionJob& f = j.forward;
    for (int64_t p = 0; p < f.value_size; p += kKeyPanel)
      pack_key_panel(carry + p * keys, keys, f.value_size - p, f.key_size, carry_panels + p * f.key_size);
    for (int64_t i = 0; i < n; ++i) pack_row(k + i * keys, keys, to_end[i], keys, weighted + i * keys);
    in_tiles(n, [&](int64_t row, int64_t rows) {
      for (int64_t p = 0; p < columns; p += kKeyPanel)
        multiply({weighted + row * keys, keys, carry_panels + p * f.key_size, kKeyPanel, dv + p, columns, f.key_size, false},
                 rows, kKeyPanel);
      multiply<true>({by_keys + row * c + row, c, d_o + row * columns, columns, dv, columns, n - row, true}, rows, columns);
      for (int64_t i = 0; i < rows; ++i) {
        float* to = j.dv + f.head_row(batch, start + row + i, head) * j.dv_pitch;
        for (int64_t p = 0; p < f.value_size; p += kLanes) store_upto(to + p, load(dv + i * columns + p), f.value_size - p);
      }
    });
  }

  // The terms that pass position t: from the state before to i >= t (from_state), from a key before t to the state behind
  // (`passing`, to begin with), from a key before t to i >= t (added to `passing` as t goes down), and between the states.
  void write_decay_gradients(int64_t head, const float* state, const float* carry) const {
    const LinearAttentionJob& f = j.forward;
    F states = zero();
    for (int64_t i = 0; i < f.value_size * keys; i += kLanes) states = fma(load(state + i), load(carry + i), states);
    float always = sum(states) * from_start[n - 1];
    float* const to = f.constant_decay ? j.steps : j.d_decay;
    const int64_t pitch = f.constant_decay ? f.heads : j.d_decay_pitch;
    for (int64_t t = n - 1; t >= 0; --t) {
      always += from_state[t];
      F before = zero();
      for (int64_t i = 0; i < t; i += kLanes) {
        const F all = fma(load(by_values + t * c + i), load(scores + t * c + i), load(passing + i));
        store(passing + i, all);
        before = before + (t - i >= kLanes ? all : load_upto(passing + i, t - i));
      }
      to[(batch * f.length + start + t) * pitch + head] = always + sum(before);
    }
  }

  void run_head(int64_t head) const {
    const LinearAttentionJob& f = j.forward;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = f.head_row(batch, start + i, head);
      pack_row(f.v + row * f.v_pitch, f.value_size, 1.0f, columns, v + i * columns);
      pack_row(j.d_o + row * j.d_o_pitch, f.value_size, 1.0f, columns, d_o + i * columns);
    }
    for (int64_t i = 0; i < n; i += kKeyPanel)
      pack_key_panel(v + i * columns, columns, n - i, f.value_size, value_panels + i * f.value_size);
    triangle(d_o, columns, value_panels, f.value_size, value_scores);
    fill_ends(j, batch, head, start, n, from_start, to_end);
    weigh(head);
    const float *state = table_at(j, j.states, batch, head, index), *carry = table_at(j, j.carries, batch, head, index);
    add_dq(state);
    add_dk(carry);
    if (j.dv != nullptr) write_dv(head, carry);
    if (j.d_decay != nullptr) write_decay_gradients(head, state, carry);
  }

  void end() const {
    const LinearAttentionJob& f = j.forward;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t d = 0; d < f.key_size; d += kLanes) {
        const int64_t row = f.group_row(batch, start + i, group), rest = f.key_size - d;
        if (j.dq != nullptr) store_upto(j.dq + row * j.dq_pitch + d, load(dq + i * keys + d), rest);
        if (j.dk != nullptr) store_upto(j.dk + row * j.dk_pitch + d, load(dk + i * keys + d), rest);
      }
  }
};

// A constant decay's gradient: all positions in order, runs of kSumRows at a time.
void sum_steps(const Job& j, int64_t rows, int64_t head) {
  const int64_t heads = j.forward.heads, rest = heads - head;
  F total = zero();
  for (int64_t first = 0; first < rows; first += kSumRows) {
    F sum = zero();
    for (int64_t i = first; i < smaller(first + kSumRows, rows); ++i) sum = sum + load_upto(j.steps + i * heads + head, rest);
    total = total + sum;
  }
  store_upto(j.d_decay + head, total, rest);
}

}  // namespace

void linear_attention_backward(const LinearAttentionBackwardJob& j) {
  const LinearAttentionJob& f = j.forward;
  const int64_t batch = live_rows(f.live, f.batch);
  const ThreadLimit limit(f.threads);  // the scratch is per thread
  // Multiply-adds of a head in a chunk; a direction of a head has about a fifth of them in each.
  const int64_t work = f.plan.chunk * 5 * (f.key_size + 1) * f.value_size;
  parallel_for(2 * batch * f.heads, kWork / (work / 5 * smaller(j.chunks, 65536)) + 1,
               [&](int64_t begin, int64_t end, int32_t worker) {
                 for (int64_t i = begin; i < end; ++i)
                   run_states(j, i / 2 / f.heads, i / 2 % f.heads, i % 2 == 0, j.scratch + worker * j.scratch_floats);
               });
  parallel_for(batch * j.chunks * f.groups, kWork / (work * f.plan.heads_per_group) + 1,
               [&](int64_t begin, int64_t end, int32_t worker) {
                 for (int64_t task = begin; task < end; ++task) {
                   const Chunk chunk(j, task, j.scratch + worker * j.scratch_floats);
                   chunk.begin();
                   for (int64_t head = chunk.group * f.plan.heads_per_group; head < (chunk.group + 1) * f.plan.heads_per_group;
                        ++head)
                     chunk.run_head(head);
                   chunk.end();
                 }
               });
  if (j.d_decay == nullptr || !f.constant_decay) return;
  for (int64_t head = 0; head < f.heads; head += kLanes) sum_steps(j, batch * f.length, head);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
