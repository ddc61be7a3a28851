// Few rows per group: bound by reading keys and values once. A task takes neighbouring groups, whose rows of one key lie side
// by side in memory, and a piece of the keys; a few keys at a time serve all rows of the task. Each piece leaves unnormalised
// sums in the workspace, and a second pass joins the pieces in order.
#include "ops/attention/attention.h"
#include "ops/attention/attention_softmax_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void decode_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t task);
void join_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t head);

namespace {

inline constexpr int64_t kBlock = 64;  // keys per softmax step: their scores stay in the first-level cache
inline constexpr int64_t kStep = 4;    // keys read side by side
// How far ahead of the arithmetic memory is asked for: 16 KB, half a microsecond.
inline constexpr int64_t kPrefetchFloats = 4096;

static_assert(kBlock % 16 == 0 && kDecodeRowsPerGroup <= kDecodeRows);

struct Stream {
  const float* data;      // of the block's first key and the task's first group
  int64_t stride, pitch;  // from key to key, from group to group
  int64_t ahead;          // prefetch distance in floats
};

// The rows of a task, group by group, and the keys of its current block.
struct Block {
  int64_t keys, groups, rows_per_group, head_size;
  const float* q[kDecodeRows];
  float* o[kDecodeRows];
  alignas(64) float scores[kDecodeRows * kBlock];
};

// Keys behind the last repeat it: readable, and their weight is 0.
FOVEA_INLINE void four_rows(const Stream& x, int64_t key, int64_t keys, int64_t group, const float* (&row)[kStep]) {
#pragma GCC unroll 4
  for (int64_t u = 0; u < kStep; ++u) row[u] = x.data + (key + u < keys ? key + u : keys - 1) * x.stride + group * x.pitch;
}

FOVEA_INLINE void prefetch_four(const float* const (&row)[kStep], int64_t offset) {
#pragma GCC unroll 4
  for (int64_t u = 0; u < kStep; ++u) __builtin_prefetch(row[u] + offset);
}

// The sums of four vectors, each in the same order as sum().
FOVEA_INLINE void store_sums(const F (&x)[kStep], float* out) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const auto half = [](F a) { return _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1)); };
#else
  const auto half = [](F a) { return a.v; };
#endif
  const auto quarter = [&](F a) {
    const __m256 h = half(a);
    return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  };
  __m128 a = quarter(x[0]), b = quarter(x[1]), c = quarter(x[2]), d = quarter(x[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(out, _mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d)));
#else
  for (int u = 0; u < kStep; ++u) out[u] = sum(x[u]);
#endif
}

// Scores of Rows rows with four keys.
template <int Rows>
FOVEA_INLINE void dot_rows(const Block& b, const float* const (&k)[kStep], int64_t row, float* scores) {
  F acc[Rows][kStep];
  const float* q[Rows];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    q[r] = b.q[row + r];
#pragma GCC unroll 4
    for (int u = 0; u < kStep; ++u) acc[r][u] = zero();
  }
  const auto add = [&](int64_t d, const auto& read) {
    F x[kStep];
#pragma GCC unroll 4
    for (int u = 0; u < kStep; ++u) x[u] = read(k[u] + d);
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      const F y = read(q[r] + d);
#pragma GCC unroll 4
      for (int u = 0; u < kStep; ++u) acc[r][u] = fma(y, x[u], acc[r][u]);
    }
  };
  int64_t d = 0;
  for (; d + kLanes <= b.head_size; d += kLanes) add(d, [](const float* p) { return load(p); });
  if (d < b.head_size) {
    const int rest = static_cast<int>(b.head_size - d);
    add(d, [rest](const float* p) { return load_partial(p, rest); });
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) store_sums(acc[r], scores + (row + r) * kBlock);
}

// scores[row][key] = q[row] . k[key].
void dot_block(Block& b, const Stream& k) {
  constexpr int kRows = kLanes == 16 ? 4 : 2;  // accumulators for them and four keys fit the registers
  for (int64_t key = 0; key < b.keys; key += kStep)
    for (int64_t group = 0; group < b.groups; ++group) {
      const float* keys[kStep];
      four_rows(k, key, b.keys, group, keys);
      for (int64_t d = 0; d < b.head_size; d += 16) prefetch_four(keys, d + k.ahead);
      int64_t row = group * b.rows_per_group;
      const int64_t end = row + b.rows_per_group;
      for (; row + kRows <= end; row += kRows) dot_rows<kRows>(b, keys, row, b.scores + key);
      for (; row < end; ++row) dot_rows<1>(b, keys, row, b.scores + key);
    }
}

// o[row] += sum over keys [begin, end) of p[row][key] * v[key], for `rows` rows of one group, four keys at a time.
FOVEA_INLINE void weigh_rows(Block& b, const Stream& v, int64_t group, int64_t row, int64_t rows, int64_t key, int64_t keys) {
  const float* x[kStep];
  four_rows(v, key, keys, group, x);
  for (int64_t d = 0; d < b.head_size; d += 16) prefetch_four(x, d + v.ahead);
  for (int64_t d = 0; d < b.head_size; d += kLanes) {
    const int64_t rest = b.head_size - d;
    F values[kStep];
#pragma GCC unroll 4
    for (int64_t u = 0; u < kStep; ++u) values[u] = load_upto(x[u] + d, rest);
    for (int64_t r = row; r < row + rows; ++r) {
      const float* p = b.scores + r * kBlock + key;
      float* out = b.o[r] + d;
      F acc = load_upto(out, rest);
#pragma GCC unroll 4
      for (int64_t u = 0; u < kStep; ++u) acc = fma(set(p[u]), values[u], acc);
      store_upto(out, acc, rest);
    }
  }
}

void weigh_block(Block& b, const Stream& v) {
  for (int64_t key = 0; key < b.keys; key += kStep)
    for (int64_t group = 0; group < b.groups; ++group)
      weigh_rows(b, v, group, group * b.rows_per_group, b.rows_per_group, key, b.keys);
}

// Scales and caps dot products and masks keys outside [begin, end) of the block: nobody computed the scores behind the last.
void finish_scores(const AttentionJob& j, float* s, int64_t keys, int64_t begin, int64_t end) {
  for (int64_t i = keys; i < kBlock; ++i) s[i] = 0.0f;
  const F scale = set(score_scale(j.scale, j.softcap));
  for (int64_t i = 0; i < kBlock; i += kLanes) store(s + i, load(s + i) * scale);
  if (j.softcap > 0) cap_scores(s, kBlock, j.softcap * kLog2E);
  for (int64_t i = 0; i < begin; ++i) s[i] = kMasked;
  for (int64_t i = end; i < kBlock; ++i) s[i] = kMasked;
}

struct Partial {
  float* o;  // [B][decode_queries][H][splits][D]
  RowSum* sums;
};

Partial partial_of(const AttentionJob& j) {
  const int64_t rows = j.batch * j.plan.decode_queries * j.heads * j.plan.splits;
  return {j.partials, reinterpret_cast<RowSum*>(j.partials + rows * j.head_size)};
}

// Index of a row among the partial results.
int64_t partial_row(const AttentionJob& j, int64_t sequence, int64_t query, int64_t head) {
  return ((sequence * j.plan.decode_queries + query) * j.heads + head) * j.plan.splits;
}

int64_t prefetch_distance(int64_t stride) {
  const int64_t keys = (kPrefetchFloats / (stride + 1) / kStep + 1) * kStep;
  return keys * stride;
}

}  // namespace

void decode_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t task) {
  const AttentionPlan& p = j.plan;
  const int64_t per_group = s.q_length * p.heads_per_group;
  const int64_t most = decode_groups_per_task(j.groups, j.head_size, per_group);
  const int64_t first_group = task / p.splits * most, split = task % p.splits;
  // Pieces are cut, in whole blocks, from the keys that some row sees.
  const int64_t first = visible_keys(j, s, 0).begin, last = visible_keys(j, s, s.q_length - 1).end;
  const int64_t length = divide_up(divide_up(last - first, p.splits), kBlock) * kBlock;
  const int64_t begin = first + split * length, end = begin + length < last ? begin + length : last;

  Block b;
  b.groups = j.groups - first_group < most ? j.groups - first_group : most;
  b.rows_per_group = per_group;
  b.head_size = j.head_size;
  const Partial partial = partial_of(j);
  RowSum sums[kDecodeRows];
  KeySpan visible[kDecodeRows];
  const int64_t rows = b.groups * per_group;
  const auto query_of = [&](int64_t row) { return row % per_group / p.heads_per_group; };
  const auto head_of = [&](int64_t row) {
    return (first_group + row / per_group) * p.heads_per_group + row % p.heads_per_group;
  };
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t query = query_of(row), head = head_of(row);
    b.q[row] = j.q + ((s.q_begin + query) * j.heads + head) * j.q_pitch;
    b.o[row] = partial.o + (partial_row(j, index, query, head) + split) * j.head_size;
    for (int64_t d = 0; d < j.head_size; d += kLanes) store_upto(b.o[row] + d, zero(), j.head_size - d);
    sums[row] = kNothingSeen;
    visible[row] = visible_keys(j, s, query);
  }
  const int64_t k_stride = j.groups * j.k_pitch, v_stride = j.groups * j.v_pitch;
  for (int64_t key = begin; key < end; key += kBlock) {
    b.keys = end - key < kBlock ? end - key : kBlock;
    const int64_t at = (s.k_begin + key) * j.groups + first_group;
    const Stream k{j.k + at * j.k_pitch, k_stride, j.k_pitch, prefetch_distance(k_stride)};
    const Stream v{j.v + at * j.v_pitch, v_stride, j.v_pitch, prefetch_distance(v_stride)};
    dot_block(b, k);
    bool all_visible = true;
    float shifts[kDecodeRows];
    for (int64_t row = 0; row < rows; ++row) {
      float* scores = b.scores + row * kBlock;
      const int64_t low = clamp_to(visible[row].begin - key, 0, kBlock), high = clamp_to(visible[row].end - key, 0, b.keys);
      if (low > 0 || high < b.keys) all_visible = false;
      finish_scores(j, scores, b.keys, low, high);
      const float factor = raise_reference(sums + row, largest(scores, kBlock));
      shifts[row] = finite_shift(sums[row].reference);
      if (factor == 1.0f) continue;
      for (int64_t d = 0; d < j.head_size; d += kLanes)
        store_upto(b.o[row] + d, load_upto(b.o[row] + d, j.head_size - d) * set(factor), j.head_size - d);
    }
    for (int64_t row = 0; row < rows; ++row) sums[row].sum += exponentials(b.scores + row * kBlock, kBlock, shifts[row]);
    if (all_visible) {
      weigh_block(b, v);
      continue;
    }
    // A value that a row must not see may be inf or NaN, and 0 times that is NaN: each row sums its own keys alone.
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t low = clamp_to(visible[row].begin - key, 0, b.keys), high = clamp_to(visible[row].end - key, 0, b.keys);
      for (int64_t i = low; i < high; i += kStep) weigh_rows(b, v, row / per_group, row, 1, i, high);
    }
  }
  for (int64_t row = 0; row < rows; ++row) partial.sums[partial_row(j, index, query_of(row), head_of(row)) + split] = sums[row];
}

// Joins the pieces of all queries of one head.
void join_task(const AttentionJob& j, const AttentionSequence& s, int64_t index, int64_t head) {
  const AttentionPlan& p = j.plan;
  const Partial partial = partial_of(j);
  for (int64_t query = 0; query < s.q_length; ++query) {
    const KeySpan span = visible_keys(j, s, query);
    const bool sees_nothing = span.begin >= span.end;
    const int64_t row = partial_row(j, index, query, head);
    const float* x = partial.o + row * j.head_size;
    const RowSum* sums = partial.sums + row;
    RowSum total{sums[0].reference, 0.0f};
    for (int64_t i = 1; i < p.splits; ++i)
      total.reference = total.reference > sums[i].reference ? total.reference : sums[i].reference;
    float weights[kDecodeSplits];
    for (int64_t i = 0; i < p.splits; ++i) {
      weights[i] = rescale(sums[i].reference, total.reference);
      total.sum += weights[i] * sums[i].sum;
    }
    const F scale = set(1.0f / total.sum);
    float* o = j.o + ((s.q_begin + query) * j.heads + head) * j.o_pitch;
    for (int64_t d = 0; d < j.head_size; d += kLanes) {
      const int64_t rest = j.head_size - d;
      F acc = zero();
      for (int64_t i = 0; i < p.splits; ++i) acc = fma(load_upto(x + i * j.head_size + d, rest), set(weights[i]), acc);
      store_upto(o + d, sees_nothing ? zero() : acc * scale, rest);
    }
    if (j.lse != nullptr) *lse_at(j, s, head, query) = sees_nothing ? kMasked : log_sum_exp(total);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
