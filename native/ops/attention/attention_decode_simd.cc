// One query per batch entry: bound by reading keys and values once. A task takes neighbouring groups, whose rows of one key lie
// side by side in memory, and a piece of the keys; four keys at a time serve all heads of the task. Each piece leaves
// unnormalised sums in the workspace, and a second pass joins the pieces in order.
#include "core/thread_pool.h"
#include "ops/attention/attention.h"
#include "ops/attention/attention_softmax_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void attention_decode(const AttentionJob& j, int64_t batches);

namespace {

inline constexpr int64_t kBlock = 64;  // keys per softmax step: their scores stay in the first-level cache
inline constexpr int64_t kStep = 4;    // keys read side by side
inline constexpr int64_t kPrefetchFloats =
    4096;  // how far ahead of the arithmetic memory is asked for: 16 KB, half a microsecond

static_assert(kBlock % (2 * kLanes) == 0 && kDecodeHeadsPerGroup <= kDecodeRows);

struct Stream {
  const float* data;      // of the block's first key and the task's first group
  int64_t stride, pitch;  // from key to key, from group to group
  int64_t ahead;          // prefetch distance in floats
};

struct Block {
  int64_t keys, groups, heads_per_group, head_size;
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

// scores[row][key] = q[row] . k[key], rows kBlock apart.
void dot_block(const Block& b, const float* q, int64_t q_pitch, const Stream& k, float* scores) {
  for (int64_t key = 0; key < b.keys; key += kStep)
    for (int64_t group = 0; group < b.groups; ++group) {
      const float* row[kStep];
      four_rows(k, key, b.keys, group, row);
      for (int64_t d = 0; d < b.head_size; d += 16) prefetch_four(row, d + k.ahead);
      for (int64_t h = 0; h < b.heads_per_group; ++h) {
        const int64_t head = group * b.heads_per_group + h;
        const float* x = q + head * q_pitch;
        F acc[kStep];
#pragma GCC unroll 4
        for (int64_t u = 0; u < kStep; ++u) acc[u] = zero();
        int64_t d = 0;
        for (; d + kLanes <= b.head_size; d += kLanes) {
          const F xs = load(x + d);
#pragma GCC unroll 4
          for (int64_t u = 0; u < kStep; ++u) acc[u] = fma(xs, load(row[u] + d), acc[u]);
        }
        if (d < b.head_size) {
          const int rest = static_cast<int>(b.head_size - d);
          const F xs = load_partial(x + d, rest);
#pragma GCC unroll 4
          for (int64_t u = 0; u < kStep; ++u) acc[u] = fma(xs, load_partial(row[u] + d, rest), acc[u]);
        }
#pragma GCC unroll 4
        for (int64_t u = 0; u < kStep; ++u) scores[head * kBlock + key + u] = sum(acc[u]);
      }
    }
}

// o[row] += sum over keys of p[row][key] * v[key].
void weigh_block(const Block& b, const float* p, const Stream& v, float* o, int64_t o_stride) {
  for (int64_t key = 0; key < b.keys; key += kStep)
    for (int64_t group = 0; group < b.groups; ++group) {
      const float* row[kStep];
      four_rows(v, key, b.keys, group, row);
      for (int64_t d = 0; d < b.head_size; d += 16) prefetch_four(row, d + v.ahead);
      const int64_t first = group * b.heads_per_group;
      for (int64_t d = 0; d < b.head_size; d += kLanes) {
        const int64_t rest = b.head_size - d;
        F x[kStep];
#pragma GCC unroll 4
        for (int64_t u = 0; u < kStep; ++u) x[u] = load_upto(row[u] + d, rest);
        for (int64_t head = first; head < first + b.heads_per_group; ++head) {
          float* out = o + head * o_stride + d;
          F acc = load_upto(out, rest);
#pragma GCC unroll 4
          for (int64_t u = 0; u < kStep; ++u) acc = fma(set(p[head * kBlock + key + u]), x[u], acc);
          store_upto(out, acc, rest);
        }
      }
    }
}

// Scales and caps the dot products; keys behind the last, whose scores nobody computed, weigh nothing.
void finish_scores(const AttentionJob& j, float* s, int64_t keys) {
  for (int64_t i = keys; i < kBlock; ++i) s[i] = 0.0f;
  const F scale = set(score_scale(j.scale, j.softcap));
  for (int64_t i = 0; i < kBlock; i += kLanes) store(s + i, load(s + i) * scale);
  if (j.softcap > 0) cap_scores(s, kBlock, j.softcap * kLog2E);
  for (int64_t i = keys; i < kBlock; ++i) s[i] = kMasked;
}

struct Partial {
  float* o;  // [B][H][splits][D]
  RowSum* sums;
};

Partial partial_of(const AttentionJob& j) {
  const int64_t rows = j.batch * j.heads * j.plan.splits;
  return {j.workspace, reinterpret_cast<RowSum*>(j.workspace + rows * j.head_size)};
}

int64_t prefetch_distance(int64_t stride) {
  const int64_t keys = (kPrefetchFloats / (stride + 1) / kStep + 1) * kStep;
  return keys * stride;
}

void decode_piece(const AttentionJob& j, int64_t batch, int64_t first_group, int64_t split) {
  const AttentionPlan& p = j.plan;
  const KeySpan span = visible_keys(j, keys_of(j, batch), 0);
  // Pieces are cut from the visible keys, in whole blocks.
  const int64_t visible = span.end - span.begin;
  const int64_t length = ((visible + p.splits - 1) / p.splits + kBlock - 1) / kBlock * kBlock;
  const int64_t begin = span.begin + split * length, end = begin + length < span.end ? begin + length : span.end;
  const int64_t rest = j.groups - first_group, groups = rest < p.groups_per_task ? rest : p.groups_per_task;
  const int64_t heads = groups * p.heads_per_group, first_head = batch * j.heads + first_group * p.heads_per_group;

  const Partial partial = partial_of(j);
  float* o = partial.o + (first_head * p.splits + split) * j.head_size;
  RowSum* sums = partial.sums + first_head * p.splits + split;
  const int64_t o_stride = p.splits * j.head_size;
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t d = 0; d < j.head_size; d += kLanes) store_upto(o + head * o_stride + d, zero(), j.head_size - d);
    sums[head * p.splits] = kNothingSeen;
  }
  const float* q = j.q + first_head * j.q_pitch;
  const int64_t k_stride = j.groups * j.k_pitch, v_stride = j.groups * j.v_pitch;
  alignas(64) float scores[kDecodeRows * kBlock];
  for (int64_t key = begin; key < end; key += kBlock) {
    const Block block{end - key < kBlock ? end - key : kBlock, groups, p.heads_per_group, j.head_size};
    const int64_t row = (batch * j.k_length + key) * j.groups + first_group;
    const Stream k{j.k + row * j.k_pitch, k_stride, j.k_pitch, prefetch_distance(k_stride)};
    const Stream v{j.v + row * j.v_pitch, v_stride, j.v_pitch, prefetch_distance(v_stride)};
    dot_block(block, q, j.q_pitch, k, scores);
    for (int64_t head = 0; head < heads; ++head) {
      float* s = scores + head * kBlock;
      finish_scores(j, s, block.keys);
      const float factor = softmax_step(s, kBlock, sums + head * p.splits);
      if (factor == 1.0f) continue;
      float* out = o + head * o_stride;
      for (int64_t d = 0; d < j.head_size; d += kLanes)
        store_upto(out + d, load_upto(out + d, j.head_size - d) * set(factor), j.head_size - d);
    }
    weigh_block(block, scores, v, o, o_stride);
  }
}

// Joins the pieces of one head of one batch entry.
void join_pieces(const AttentionJob& j, int64_t batch, int64_t head) {
  const AttentionPlan& p = j.plan;
  const int64_t row = batch * j.heads + head;
  const KeySpan span = visible_keys(j, keys_of(j, batch), 0);
  const bool sees_nothing = span.begin >= span.end;
  const Partial partial = partial_of(j);
  const float* x = partial.o + row * p.splits * j.head_size;
  const RowSum* sums = partial.sums + row * p.splits;
  RowSum total = sums[0];
  for (int64_t s = 1; s < p.splits; ++s) total.max = total.max > sums[s].max ? total.max : sums[s].max;
  float weights[kDecodeSplits];
  total.sum = 0.0f;
  for (int64_t s = 0; s < p.splits; ++s) {
    weights[s] = rescale(sums[s].max, total.max);
    total.sum += weights[s] * sums[s].sum;
  }
  const F scale = set(1.0f / total.sum);
  float* o = j.o + row * j.o_pitch;
  for (int64_t d = 0; d < j.head_size; d += kLanes) {
    const int64_t rest = j.head_size - d;
    F acc = zero();
    for (int64_t s = 0; s < p.splits; ++s) acc = fma(load_upto(x + s * j.head_size + d, rest), set(weights[s]), acc);
    store_upto(o + d, sees_nothing ? zero() : acc * scale, rest);
  }
  if (j.lse != nullptr) j.lse[row * j.lse_pitch] = sees_nothing ? kMasked : log_sum_exp(total);
}

}  // namespace

void attention_decode(const AttentionJob& j, int64_t batches) {
  const AttentionPlan& p = j.plan;
  const int64_t tasks = batches * p.tasks_per_batch * p.splits;
  const int64_t work = j.k_length / p.splits * p.groups_per_task * p.heads_per_group * j.head_size + 1;
  parallel_for(tasks, 65536 / work + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task)
      decode_piece(j, task / (p.tasks_per_batch * p.splits), task / p.splits % p.tasks_per_batch * p.groups_per_task,
                   task % p.splits);
  });
  parallel_for(batches * j.heads, 65536 / (p.splits * j.head_size) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) join_pieces(j, row / j.heads, row % j.heads);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
