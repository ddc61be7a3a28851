// The job of fovea_attention and fovea_attention_ragged, and the plan that its scratch memory follows. The plan depends on
// shapes only, never on the instruction set or the number of threads, so that results do not either.
//
// Dimensions: B sequences, Lq queries, Lk keys, H heads, G groups of heads that share keys and values, D head size. The rows of
// a group are its (query, head) pairs: row r is query r / (H/G) of head r % (H/G).
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kMaxHeadSize = 256;

// ---- few rows per group (a KV cache being read): keys and values are streamed where they are
// ---------------------------------

inline constexpr int64_t kDecodeRowsPerGroup = 16;  // above, the matrix tiles pay for packing the keys
inline constexpr int64_t kDecodeRows = 32;          // rows per task, which bounds the scores on the stack
inline constexpr int64_t kDecodeSplits = 16;        // most pieces of the keys of one sequence
inline constexpr int64_t kDecodeTasks = 16;         // tasks that splitting aims at
// A piece has at least kDecodeSplitKeys keys, or fewer that are kDecodeSplitFloats (1 MB) in all groups.
inline constexpr int64_t kDecodeSplitKeys = 256, kDecodeSplitFloats = 1 << 18;

// ---- many rows: tiles of rows against packed blocks of keys
// ------------------------------------------------------------------

// Rows per task: each block of keys is packed once for them. The larger number where that still leaves kChunkTasks tasks and
// the rows fit the second-level cache.
inline constexpr int64_t kChunkRows = 128, kLargeChunkRows = 512, kChunkTasks = 16;
inline constexpr int64_t kKeyPanel = 32;   // keys per packed panel [D][kKeyPanel]
inline constexpr int64_t kScoreRows = 16;  // at least the rows of the largest register tile

struct AttentionPlan {
  int64_t heads_per_group;
  int64_t tasks_per_sequence;  // when all sequences have the same shape
  // Few rows: partial results [B][decode_queries][H][splits] of D values, then the RowSum of each.
  int64_t decode_queries, splits, partial_floats;
  // Tiles, floats of one thread's scratch. `columns`: D in whole vectors of 16.
  int64_t chunk_rows, key_block, columns, scratch_floats;
};

// One sequence: its first query and key among all, how many of each.
struct AttentionSequence {
  int64_t q_begin, q_length, k_begin, keys;
  int64_t first_task;  // of a ragged batch's task list
};

struct AttentionJob {
  const float *q, *k, *v;
  float* o;
  float* lse;                                  // or NULL
  const int32_t* key_lengths;                  // [B] or NULL
  const int32_t *query_offsets, *key_offsets;  // [B+1], a ragged batch; else NULL
  AttentionSequence* list;                     // [B+1] of a ragged batch, filled by the kernel
  float* partials;                             // shared by all threads
  float* scratch;                              // of each thread
  const int32_t* live;                         // sequences (dense) or queries (ragged) that carry data
  int64_t batch, q_length, k_length;           // ragged: the lengths are all queries, all keys
  int64_t heads, groups, head_size;
  int64_t q_pitch, k_pitch, v_pitch, o_pitch, lse_pitch;  // pitch 0 for keys and values without elements
  int64_t window;                                         // 0: no limit
  bool causal;
  float scale, softcap;
  int32_t threads;  // that the workspace has scratch for
  AttentionPlan plan;
};

// Keys [begin, end) that a query sees.
struct KeySpan {
  int64_t begin, end;
};

FOVEA_ALWAYS_INLINE int64_t clamp_to(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }
FOVEA_ALWAYS_INLINE int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

FOVEA_ALWAYS_INLINE AttentionSequence dense_sequence(const AttentionJob& j, int64_t batch) {
  const int64_t keys = j.key_lengths == nullptr ? j.k_length : clamp_to(j.key_lengths[batch], 0, j.k_length);
  return {batch * j.q_length, j.q_length, batch * j.k_length, keys, batch * j.plan.tasks_per_sequence};
}

// The sequence behind `previous` in a ragged batch. Offsets come from outside: each is clamped to [the one before, all rows].
FOVEA_ALWAYS_INLINE AttentionSequence ragged_sequence(const AttentionJob& j, int64_t index, const AttentionSequence& previous) {
  const int64_t queries = live_rows(j.live, j.q_length);
  AttentionSequence s{};
  s.q_begin = index == 0 ? clamp_to(j.query_offsets[0], 0, queries) : previous.q_begin + previous.q_length;
  s.k_begin = index == 0 ? clamp_to(j.key_offsets[0], 0, j.k_length) : previous.k_begin + previous.keys;
  s.q_length = clamp_to(j.query_offsets[index + 1], s.q_begin, queries) - s.q_begin;
  s.keys = clamp_to(j.key_offsets[index + 1], s.k_begin, j.k_length) - s.k_begin;
  return s;
}

// Both ends grow with the query.
FOVEA_ALWAYS_INLINE KeySpan visible_keys(const AttentionJob& j, const AttentionSequence& s, int64_t query) {
  const int64_t end = j.causal ? query + 1 + s.keys - s.q_length : s.keys;
  if (end <= 0) return {0, 0};
  return {j.window > 0 && end > j.window ? end - j.window : 0, end};
}

// Where lse of a (query, head) goes: [B][H][Lq], ragged [H][Tq].
FOVEA_ALWAYS_INLINE float* lse_at(const AttentionJob& j, const AttentionSequence& s, int64_t head, int64_t query) {
  const int64_t first = j.query_offsets != nullptr ? 0 : j.q_length == 0 ? 0 : s.q_begin / j.q_length * j.heads;
  return j.lse + (first + head) * j.lse_pitch + (j.query_offsets != nullptr ? s.q_begin : 0) + query;
}

// ---- how a sequence is cut into tasks
// ----------------------------------------------------------------------------------------

FOVEA_ALWAYS_INLINE bool has_few_rows(int64_t q_length, int64_t heads_per_group) {
  return q_length * heads_per_group <= kDecodeRowsPerGroup;
}
// A task reads up to 16 KB of neighbouring groups per key: where that is all of them, memory is read from front to back.
FOVEA_ALWAYS_INLINE int64_t decode_groups_per_task(int64_t groups, int64_t head_size, int64_t rows_per_group) {
  const int64_t page = 4096 / head_size < 1 ? 1 : 4096 / head_size, fitting = kDecodeRows / rows_per_group;
  const int64_t n = page < fitting ? page : fitting;
  return n < groups ? n : groups;
}
FOVEA_ALWAYS_INLINE int64_t tasks_of(const AttentionPlan& p, int64_t groups, int64_t head_size, int64_t q_length) {
  if (q_length == 0) return 0;
  const int64_t rows = q_length * p.heads_per_group;
  if (!has_few_rows(q_length, p.heads_per_group)) return groups * divide_up(rows, p.chunk_rows);
  return divide_up(groups, decode_groups_per_task(groups, head_size, rows)) * p.splits;
}

// Checks and plans shared by both entries (attention_plan.cc). `ragged`: q and k are [T][heads][D], `sequences` of them.
fovea_status check_attention_params(const char* op, const fovea_attention_params* p);
fovea_status make_attention_plan(const char* op, const fovea_tensor* q, const fovea_tensor* k, bool ragged, int64_t sequences,
                                 AttentionPlan* plan);
fovea_status check_attention_tensors(const char* op, const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v,
                                     const fovea_tensor* o, const fovea_tensor* lse, bool ragged, const fovea_stream* stream);
// What the job takes from the tensors alike for both entries.
AttentionJob make_attention_job(const fovea_attention_params& params, const fovea_tensor& q, const fovea_tensor& k,
                                const fovea_tensor& v, const fovea_tensor& o, const fovea_tensor* lse,
                                const AttentionPlan& plan);

}  // namespace fovea
