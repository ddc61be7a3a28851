// Three passes. First, rows (query, head) of a group are packed side by side: q times the scale of the scores, dO, delta =
// dO . o, and the log sum in units of log2. Then a task walks its blocks of keys, and per block of rows
//   P = 2^(S - log sum), S = q k^T;  dS = P * (dO v^T - delta);  dq += dS k;  dv += P^T dO;  dk += dS^T q
// skipping what no row of a tile sees. Last, the partial dq are summed.
#include "core/thread_pool.h"
#include "ops/attention/attention_pack_simd.h"
#include "ops/attention/attention_softmax_simd.h"
#include "ops/attention/attention_tile_simd.h"
#include "ops/attention_backward/attention_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = AttentionBackwardJob;

static_assert(kBackwardKeys % kKeyPanel == 0 && kKeyPanel % (2 * kLanes) == 0);

FOVEA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
FOVEA_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
FOVEA_INLINE KeySpan overlap(KeySpan a, KeySpan b) { return {larger(a.begin, b.begin), smaller(a.end, b.end)}; }

void clear(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(x + i, zero());
}

// ---- first pass
// --------------------------------------------------------------------------------------------------------------

// Query `query` of a group: its heads_per_group rows.
void pack_query(const Job& j, int64_t batch, int64_t group, int64_t query) {
  const AttentionJob& f = j.forward;
  const int64_t per_group = f.plan.heads_per_group, columns = j.plan.columns;
  const AttentionSequence s = dense_sequence(f, batch);
  const KeySpan span = visible_keys(f, s, query);
  for (int64_t i = 0; i < per_group; ++i) {
    const int64_t head = group * per_group + i, from = (s.q_begin + query) * f.heads + head;
    const int64_t to = ((batch * f.groups + group) * f.q_length + query) * per_group + i;
    const float *d_o = j.d_o + from * j.d_o_pitch, *o = f.o + from * f.o_pitch;
    pack_row(f.q + from * f.q_pitch, f.head_size, score_scale(f.scale, f.softcap), columns, j.q + to * columns);
    pack_row(d_o, f.head_size, 1.0f, columns, j.d_o_packed + to * columns);
    F delta = zero();
    for (int64_t d = 0; d < f.head_size; d += kLanes)
      delta = fma(load_upto(d_o + d, f.head_size - d), load_upto(o + d, f.head_size - d), delta);
    j.delta[to] = sum(delta);
    // A row without keys weighs nothing.
    j.log_sums[to] = span.begin >= span.end ? -kMasked : *lse_at(f, s, head, query) * kLog2E;
  }
}

// ---- second pass
// -------------------------------------------------------------------------------------------------------------

struct Task {
  const Job* job;
  AttentionSequence sequence;
  int64_t rows;
  const float *q, *d_o, *delta, *log_sums;  // of the group's first row
  float* dq;
  float *key_panels, *value_panels, *keys, *dk, *dv, *p, *ds;

  KeySpan visible(int64_t row) const { return visible_keys(job->forward, sequence, row / job->forward.plan.heads_per_group); }
};

// s: arguments of the exponential, or of tanh with a cap > 0 (in units of log2); ds: dO v^T. Leaves P and dS.
FOVEA_INLINE void finish(float* s, float* ds, int64_t n, float log_sum, float delta, float cap) {
  const F shift = set(log_sum), deltas = set(delta);
  for (int64_t i = 0; i < n; i += kLanes) {
    F x = load(s + i), slope = set(1.0f);
    if (cap > 0) {
      const F t = tanh(x);
      x = t * set(cap);
      slope = fnma(t, t, slope);
    }
    const F p = exp2_softmax(x - shift);
    F g = p * (load(ds + i) - deltas);
    if (cap > 0) g = g * slope;
    store(s + i, p);
    store(ds + i, g);
  }
}
void finish_scores(float* s, float* ds, int64_t n, float log_sum, float delta) { finish(s, ds, n, log_sum, delta, 0.0f); }
// Apart, because tanh is long and rare; noipa as cap_scores.
[[gnu::noipa]] void finish_capped(float* s, float* ds, int64_t n, float log_sum, float delta, float cap) {
  finish(s, ds, n, log_sum, delta, cap);
}

// P and dS of a tile of rows, and what the tile adds to dq. `all`: keys that some row of the whole block of rows sees.
void row_tile(const Task& t, int64_t first, int64_t row, int64_t rows, int64_t key, KeySpan block, KeySpan all) {
  const Job& j = *t.job;
  const AttentionJob& f = j.forward;
  const int64_t columns = j.plan.columns;
  const KeySpan used = overlap({t.visible(row).begin, t.visible(row + rows - 1).end}, block);
  float *p = t.p + (row - first) * kBackwardPitch, *ds = t.ds + (row - first) * kBackwardPitch;
  const int64_t begin = (used.begin - key) / kKeyPanel * kKeyPanel, end = (used.end - key + 15) / 16 * 16;
  for (int64_t k = begin; k < end; k += kKeyPanel) {
    const int64_t width = smaller(kKeyPanel, end - k), size = f.head_size;
    multiply({t.q + row * columns, columns, t.key_panels + k * size, kKeyPanel, p + k, kBackwardPitch, size, false}, rows,
             width);
    multiply({t.d_o + row * columns, columns, t.value_panels + k * size, kKeyPanel, ds + k, kBackwardPitch, size, false}, rows,
             width);
  }
  for (int64_t i = 0; i < rows; ++i, p += kBackwardPitch, ds += kBackwardPitch) {
    const float log_sum = t.log_sums[row + i], delta = t.delta[row + i];
    if (begin < end) {
      if (f.softcap > 0)
        finish_capped(p + begin, ds + begin, end - begin, log_sum, delta, f.softcap * kLog2E);
      else
        finish_scores(p + begin, ds + begin, end - begin, log_sum, delta);
    }
    // The products over rows read all columns of the block.
    const KeySpan own = overlap(t.visible(row + i), block);
    const int64_t low = own.begin < own.end ? own.begin : all.end, high = own.begin < own.end ? own.end : all.end;
    for (int64_t k = all.begin; k < smaller(low, all.end); ++k) p[k - key] = ds[k - key] = 0.0f;
    for (int64_t k = high; k < all.end; ++k) p[k - key] = ds[k - key] = 0.0f;
  }
  if (used.begin >= used.end) return;
  multiply({t.ds + (row - first) * kBackwardPitch + used.begin - key, kBackwardPitch, t.keys + (used.begin - key) * columns,
            columns, t.dq + row * columns, columns, used.end - used.begin, true},
           rows, columns);
}

// dv += P^T dO and dk += dS^T q for keys [begin, begin + count) of the block at `key`, over the rows that see one of them: both
// ends of what a row sees grow with the row.
void key_tile(const Task& t, int64_t first, int64_t rows, int64_t key, int64_t begin, int64_t count) {
  const int64_t columns = t.job->plan.columns;
  int64_t low = first, high = first + rows;
  while (low < high && t.visible(low).end <= begin) ++low;
  while (low < high && t.visible(high - 1).begin >= begin + count) --high;
  const int64_t at = (low - first) * kBackwardPitch + begin - key, out = (begin - key) * columns;
  multiply<true>({t.p + at, kBackwardPitch, t.d_o + low * columns, columns, t.dv + out, columns, high - low, true}, count,
                 columns);
  multiply<true>({t.ds + at, kBackwardPitch, t.q + low * columns, columns, t.dk + out, columns, high - low, true}, count,
                 columns);
}

// Even pieces of at most kTileRows: body(first, count).
template <class Body>
FOVEA_INLINE void in_tiles(int64_t begin, int64_t count, const Body& body) {
  const int64_t tiles = divide_up(count, kTileRows);
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t size = count / tiles + (i < count % tiles ? 1 : 0);
    body(begin, size);
    begin += size;
  }
}

void key_block(const Task& t, int64_t group, int64_t key, int64_t count) {
  const Job& j = *t.job;
  const AttentionJob& f = j.forward;
  const int64_t columns = j.plan.columns, k_stride = f.groups * f.k_pitch, v_stride = f.groups * f.v_pitch;
  const int64_t at = (t.sequence.k_begin + key) * f.groups + group;
  const float *k = f.k + at * f.k_pitch, *v = f.v + at * f.v_pitch;
  for (int64_t i = 0; i < count; i += kKeyPanel) {
    pack_key_panel(k + i * k_stride, k_stride, count - i, f.head_size, t.key_panels + i * f.head_size);
    pack_key_panel(v + i * v_stride, v_stride, count - i, f.head_size, t.value_panels + i * f.head_size);
  }
  for (int64_t i = 0; i < count; ++i) pack_row(k + i * k_stride, f.head_size, 1.0f, columns, t.keys + i * columns);
  const KeySpan block{key, key + count};
  for (int64_t first = 0; first < t.rows; first += kBackwardRows) {
    const int64_t rows = smaller(kBackwardRows, t.rows - first);
    const KeySpan all = overlap({t.visible(first).begin, t.visible(first + rows - 1).end}, block);
    if (all.begin >= all.end) continue;
    in_tiles(first, rows, [&](int64_t row, int64_t n) { row_tile(t, first, row, n, key, block, all); });
    in_tiles(all.begin, all.end - all.begin, [&](int64_t begin, int64_t n) { key_tile(t, first, rows, key, begin, n); });
  }
}

void write_row(float* y, const float* x, float factor, int64_t size) {
  for (int64_t d = 0; d < size; d += kLanes) store_upto(y + d, load(x + d) * set(factor), size - d);
}

void backward_task(const Job& j, int64_t batch, int64_t group, int64_t split, float* scratch) {
  const AttentionJob& f = j.forward;
  const int64_t columns = j.plan.columns, block_floats = kBackwardKeys * columns;
  Task t{};
  t.job = &j;
  t.sequence = dense_sequence(f, batch);
  t.rows = f.q_length * f.plan.heads_per_group;
  const int64_t first_row = (batch * f.groups + group) * t.rows;
  t.q = j.q + first_row * columns;
  t.d_o = j.d_o_packed + first_row * columns;
  t.delta = j.delta + first_row;
  t.log_sums = j.log_sums + first_row;
  t.dq = j.partial_dq + split * j.plan.packed_floats + first_row * columns;
  t.key_panels = scratch;
  t.value_panels = t.key_panels + block_floats;
  t.keys = t.value_panels + block_floats;
  t.dk = t.keys + block_floats;
  t.dv = t.dk + block_floats;
  t.p = t.dv + block_floats;
  t.ds = t.p + kBackwardRows * kBackwardPitch;
  clear(t.dq, t.rows * columns);
  const int64_t begin = split * j.plan.blocks_per_split * kBackwardKeys;
  const int64_t end = smaller(begin + j.plan.blocks_per_split * kBackwardKeys, f.k_length);
  // q was multiplied by score_scale; what is left of the derivative by q . k is scale / score_scale.
  const float dk_factor = f.softcap > 0 ? f.softcap : kLn2;
  for (int64_t key = begin; key < end; key += kBackwardKeys) {
    const int64_t keys = smaller(kBackwardKeys, end - key), valid = clamp_to(t.sequence.keys - key, 0, keys);
    clear(t.dk, keys * columns);
    clear(t.dv, keys * columns);
    if (valid > 0) key_block(t, group, key, valid);
    for (int64_t i = 0; i < keys; ++i) {
      const int64_t row = (t.sequence.k_begin + key + i) * f.groups + group;
      write_row(j.dk + row * j.dk_pitch, t.dk + i * columns, dk_factor, f.head_size);
      write_row(j.dv + row * j.dv_pitch, t.dv + i * columns, 1.0f, f.head_size);
    }
  }
}

// ---- third pass
// --------------------------------------------------------------------------------------------------------------

void sum_partials(const Job& j, int64_t batch, int64_t group, int64_t query) {
  const AttentionJob& f = j.forward;
  const int64_t per_group = f.plan.heads_per_group;
  for (int64_t i = 0; i < per_group; ++i) {
    const int64_t from = ((batch * f.groups + group) * f.q_length + query) * per_group + i;
    float* dq = j.dq + ((batch * f.q_length + query) * f.heads + group * per_group + i) * j.dq_pitch;
    for (int64_t d = 0; d < f.head_size; d += kLanes) {
      F sum = zero();
      for (int64_t split = 0; split < j.plan.splits; ++split)
        sum = sum + load(j.partial_dq + split * j.plan.packed_floats + from * j.plan.columns + d);
      store_upto(dq + d, sum * set(f.scale), f.head_size - d);
    }
  }
}

}  // namespace

void attention_backward(const AttentionBackwardJob& j) {
  const AttentionJob& f = j.forward;
  const int64_t batches = live_rows(f.live, f.batch), per_batch = f.groups * f.q_length;
  if (j.plan.splits == 0) {  // no queries: gradients of keys are 0
    for (int64_t row = 0; row < batches * f.k_length * f.groups; ++row)
      for (int64_t d = 0; d < f.head_size; ++d) j.dk[row * j.dk_pitch + d] = j.dv[row * j.dv_pitch + d] = 0.0f;
    return;
  }
  const int64_t row_grain = 16384 / (f.plan.heads_per_group * j.plan.columns) + 1;
  const auto each_query = [&](auto body) {
    parallel_for(batches * per_batch, row_grain, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t i = begin; i < end; ++i) body(j, i / per_batch, i / f.q_length % f.groups, i % f.q_length);
    });
  };
  each_query(pack_query);
  {
    const ThreadLimit limit(f.threads);  // the scratch is per thread
    const int64_t tasks = batches * f.groups * j.plan.splits;
    const int64_t work = f.q_length * f.plan.heads_per_group * (f.k_length / j.plan.splits + 1) * f.head_size;
    parallel_for(tasks, 65536 / work + 1, [&](int64_t begin, int64_t end, int32_t worker) {
      for (int64_t i = begin; i < end; ++i)
        backward_task(j, i / j.plan.splits / f.groups, i / j.plan.splits % f.groups, i % j.plan.splits,
                      j.scratch + worker * j.plan.scratch_floats);
    });
  }
  each_query(sum_partials);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
