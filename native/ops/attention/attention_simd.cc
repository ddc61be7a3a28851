// A task is a chunk of rows of one group: row t is query t / heads_per_group of head t % heads_per_group, so that the heads of
// a group share packed keys and rows of a tile see nearly the same keys. For each block of keys: pack keys and values once,
// then per tile of rows
//   S = q k^T;  P = 2^(S - reference);  O = O * factor + P v
// Blocks that no row of a tile sees are skipped; so are key panels outside what it sees.
#include "core/thread_pool.h"
#include "ops/attention/attention.h"
#include "ops/attention/attention_pack_simd.h"
#include "ops/attention/attention_softmax_simd.h"
#include "ops/attention/attention_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void decode_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t task);
void join_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t head);

namespace {

static_assert(kTileRows <= kScoreRows && kKeyPanel % (2 * kLanes) == 0 && 16 % kLanes == 0);

struct Chunk {
  const AttentionJob* job;
  AttentionSequence sequence;
  int64_t group, begin, rows;
  float *key_panels, *values, *scores, *queries, *outputs;
  RowSum* sums;
  KeySpan* visible;    // of each row
  const float *k, *v;  // key 0 of the group
  int64_t k_stride, v_stride;

  int64_t query(int64_t row) const { return (begin + row) / job->plan.heads_per_group; }
  int64_t head(int64_t row) const { return group * job->plan.heads_per_group + (begin + row) % job->plan.heads_per_group; }
  // Row of q and o.
  int64_t position(int64_t row) const { return (sequence.q_begin + query(row)) * job->heads + head(row); }
};

struct Tile {
  int64_t row, rows;
  KeySpan some, all;  // keys that some row sees, that every row sees
};

Tile make_tile(const Chunk& c, int64_t row, int64_t rows) {
  const KeySpan first = c.visible[row], last = c.visible[row + rows - 1];
  return {row, rows, {first.begin, last.end}, {last.begin, first.end}};
}

FOVEA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
FOVEA_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
FOVEA_INLINE KeySpan overlap(KeySpan a, KeySpan b) { return {larger(a.begin, b.begin), smaller(a.end, b.end)}; }

// Keys `block`, a multiple of kKeyPanel at its begin, of which the chunk sees `used`.
void pack_block(const Chunk& c, KeySpan block, KeySpan used) {
  const AttentionPlan& p = c.job->plan;
  const int64_t head_size = c.job->head_size;
  for (int64_t key = used.begin / kKeyPanel * kKeyPanel; key < used.end; key += kKeyPanel)
    pack_key_panel(c.k + key * c.k_stride, c.k_stride, used.end - key, head_size,
                   c.key_panels + (key - block.begin) * head_size);
  for (int64_t key = used.begin; key < used.end; ++key) {
    const float* v = c.v + key * c.v_stride;
    for (int64_t d = 0; d < head_size; d += 16) __builtin_prefetch(v + kFewRowsAhead * c.v_stride + d);
    pack_row(v, head_size, 1.0f, p.columns, c.values + (key - block.begin) * p.columns);
  }
}

bool all_finite(const float* x, int64_t n) {
  F t = zero();
  for (int64_t i = 0; i < n; i += kLanes) t = fma(load(x + i), zero(), t);  // NaN from inf and NaN
  return bits(is_nan(t)) == 0;
}

// Keys outside [span.begin, span.end) of scores [begin, end) weigh nothing.
void mask(float* s, int64_t begin, int64_t end, KeySpan span) {
  for (int64_t i = begin; i < smaller(span.begin, end); ++i) s[i] = kMasked;
  for (int64_t i = larger(span.end, begin); i < end; ++i) s[i] = kMasked;
}

// O (+)= P v over the keys `used` of the block. Where only some rows see a key, the others weigh its value with an exact 0; but
// 0 times inf or NaN would leak it into them, and then each row sums its own keys alone.
void add_values(const Chunk& c, const Tile& t, KeySpan block, KeySpan used, bool accumulate) {
  const AttentionPlan& p = c.job->plan;
  const auto add = [&](int64_t row, int64_t rows, KeySpan span) {
    const int64_t begin = span.begin - block.begin, count = larger(span.end - span.begin, 0);
    multiply({c.scores + row * p.key_block + begin, p.key_block, c.values + begin * p.columns, p.columns,
              c.outputs + (t.row + row) * p.columns, p.columns, count, accumulate},
             rows, p.columns);
  };
  const int64_t ragged_low = smaller(larger(t.all.begin, used.begin), used.end);
  const int64_t ragged_high = larger(smaller(t.all.end, used.end), ragged_low);
  const float* low = c.values + (used.begin - block.begin) * p.columns;
  const float* high = c.values + (ragged_high - block.begin) * p.columns;
  if (all_finite(low, (ragged_low - used.begin) * p.columns) && all_finite(high, (used.end - ragged_high) * p.columns)) {
    add(0, t.rows, used);
    return;
  }
  for (int64_t row = 0; row < t.rows; ++row) {
    const KeySpan own = overlap(c.visible[t.row + row], used);
    add(row, 1, own.begin < own.end ? own : KeySpan{used.begin, used.begin});
  }
}

void attend(const Chunk& c, const Tile& t, KeySpan block) {
  const AttentionJob& j = *c.job;
  const AttentionPlan& p = j.plan;
  const KeySpan used = overlap(t.some, block);
  if (used.begin >= used.end) return;
  const bool first = t.some.begin >= block.begin;
  const int64_t begin = (used.begin - block.begin) / kKeyPanel * kKeyPanel;
  const int64_t end = (used.end - block.begin + 15) / 16 * 16;
  for (int64_t key = begin; key < end; key += kKeyPanel)
    multiply({c.queries + t.row * p.columns, p.columns, c.key_panels + key * j.head_size, kKeyPanel, c.scores + key,
              p.key_block, j.head_size, false},
             t.rows, smaller(kKeyPanel, end - key));
  // Two passes over the rows, so that no row waits for the horizontal maximum of its own.
  float shifts[kScoreRows];
  for (int64_t row = 0; row < t.rows; ++row) {
    float* s = c.scores + row * p.key_block;
    if (j.softcap > 0) cap_scores(s + begin, end - begin, j.softcap * kLog2E);
    const KeySpan span = c.visible[t.row + row];
    mask(s, begin, end, {span.begin - block.begin, span.end - block.begin});
    RowSum* sums = c.sums + t.row + row;
    const float factor = raise_reference(sums, largest(s + begin, end - begin));
    shifts[row] = finite_shift(sums->reference);
    if (first || factor == 1.0f) continue;
    float* o = c.outputs + (t.row + row) * p.columns;
    for (int64_t d = 0; d < p.columns; d += kLanes) store(o + d, load(o + d) * set(factor));
  }
  for (int64_t row = 0; row < t.rows; ++row)
    c.sums[t.row + row].sum += exponentials(c.scores + row * p.key_block + begin, end - begin, shifts[row]);
  add_values(c, t, block, used, !first);
}

void finish(const Chunk& c) {
  const AttentionJob& j = *c.job;
  for (int64_t row = 0; row < c.rows; ++row) {
    const int64_t ahead = c.position(smaller(row + kFewRowsAhead, c.rows - 1)) * j.o_pitch;
    for (int64_t d = 0; d < j.head_size; d += 16) __builtin_prefetch(j.o + ahead + d, 1);
    const KeySpan span = c.visible[row];
    const bool sees_nothing = span.begin >= span.end;
    const F scale = set(1.0f / c.sums[row].sum);
    const float* x = c.outputs + row * j.plan.columns;
    float* o = j.o + c.position(row) * j.o_pitch;
    for (int64_t d = 0; d < j.head_size; d += kLanes)
      store_upto(o + d, sees_nothing ? zero() : load(x + d) * scale, j.head_size - d);
    if (j.lse != nullptr) *lse_at(j, c.sequence, c.head(row), c.query(row)) = sees_nothing ? kMasked : log_sum_exp(c.sums[row]);
  }
}

void attention_chunk(const Chunk& c) {
  const AttentionJob& j = *c.job;
  const AttentionPlan& p = j.plan;
  const float scale = score_scale(j.scale, j.softcap);
  for (int64_t row = 0; row < c.rows; ++row) {
    const int64_t ahead = c.position(smaller(row + kFewRowsAhead, c.rows - 1)) * j.q_pitch;
    for (int64_t d = 0; d < j.head_size; d += 16) __builtin_prefetch(j.q + ahead + d);
    pack_row(j.q + c.position(row) * j.q_pitch, j.head_size, scale, p.columns, c.queries + row * p.columns);
    c.sums[row] = kNothingSeen;
    c.visible[row] = visible_keys(j, c.sequence, c.query(row));
  }
  const Tile whole = make_tile(c, 0, c.rows);
  const int64_t tiles = (c.rows + kTileRows - 1) / kTileRows;
  for (int64_t key = whole.some.begin / p.key_block * p.key_block; key < whole.some.end; key += p.key_block) {
    const KeySpan block{key, key + p.key_block};
    pack_block(c, block, overlap(whole.some, block));
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t rows = c.rows / tiles + (i < c.rows % tiles ? 1 : 0);
      attend(c, make_tile(c, row, rows), block);
      row += rows;
    }
  }
  finish(c);
}

// Task `task` of a sequence with many rows.
void chunk_task(const AttentionJob& j, const AttentionSequence& s, int64_t task, float* scratch) {
  const AttentionPlan& p = j.plan;
  const int64_t rows = s.q_length * p.heads_per_group, chunks = divide_up(rows, p.chunk_rows);
  const int64_t chunk_rows = divide_up(rows, chunks);
  Chunk c{};
  c.job = &j;
  c.sequence = s;
  c.group = task / chunks;
  c.begin = task % chunks * chunk_rows;
  c.rows = smaller(chunk_rows, rows - c.begin);
  c.key_panels = scratch;
  c.values = c.key_panels + p.key_block * p.columns;
  c.scores = c.values + p.key_block * p.columns;
  c.queries = c.scores + kScoreRows * p.key_block;
  c.outputs = c.queries + p.chunk_rows * p.columns;
  c.sums = reinterpret_cast<RowSum*>(c.outputs + p.chunk_rows * p.columns);
  c.visible = reinterpret_cast<KeySpan*>(c.outputs + p.chunk_rows * p.columns + divide_up(2 * p.chunk_rows, 16) * 16);
  c.k_stride = j.groups * j.k_pitch;
  c.v_stride = j.groups * j.v_pitch;
  c.k = j.k + (s.k_begin * j.groups + c.group) * j.k_pitch;
  c.v = j.v + (s.k_begin * j.groups + c.group) * j.v_pitch;
  attention_chunk(c);
}

// Fills the list of a ragged batch; its last entry holds the number of tasks.
int64_t list_sequences(const AttentionJob& j) {
  AttentionSequence s{};
  int64_t tasks = 0;
  for (int64_t i = 0; i < j.batch; ++i) {
    s = ragged_sequence(j, i, s);
    s.first_task = tasks;
    tasks += tasks_of(j.plan, j.groups, j.head_size, s.q_length);
    j.list[i] = s;
  }
  j.list[j.batch] = {0, 0, 0, 0, tasks};
  return tasks;
}

// The sequence of a ragged batch that a task belongs to: the last that begins at or before it.
int64_t sequence_of(const AttentionJob& j, int64_t task) {
  int64_t low = 0, high = j.batch;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (j.list[middle].first_task <= task ? low : high) = middle;
  }
  return low;
}

}  // namespace

void attention(const AttentionJob& j) {
  const bool ragged = j.query_offsets != nullptr;
  const AttentionPlan& p = j.plan;
  const int64_t sequences = ragged ? j.batch : live_rows(j.live, j.batch);
  const int64_t tasks = ragged ? list_sequences(j) : sequences * p.tasks_per_sequence;
  if (tasks == 0) return;
  const ThreadLimit limit(j.threads);  // the scratch is per thread
  // A quarter of a million multiply-adds per chunk of the pool: well above the price of waking a thread. Of a ragged batch only
  // the totals are known.
  const int64_t rows = (ragged ? j.q_length : j.q_length * sequences) * j.heads;
  const int64_t keys = ragged ? j.k_length / j.batch : j.k_length;
  const int64_t work = rows * (keys + 1) / tasks * j.head_size + 1;
  parallel_for(tasks, 262144 / work + 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t index = ragged ? sequence_of(j, task) : task / p.tasks_per_sequence;
      const AttentionSequence s = ragged ? j.list[index] : dense_sequence(j, index);
      if (has_few_rows(s.q_length, p.heads_per_group))
        decode_task(j, s, index, task - s.first_task);
      else
        chunk_task(j, s, task - s.first_task, j.scratch + worker * p.scratch_floats);
    }
  });
  if (p.partial_floats == 0) return;
  parallel_for(sequences * j.heads, 65536 / (p.splits * j.head_size) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t index = i / j.heads;
      const AttentionSequence s = ragged ? j.list[index] : dense_sequence(j, index);
      if (has_few_rows(s.q_length, p.heads_per_group)) join_task(j, s, index, i % j.heads);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
