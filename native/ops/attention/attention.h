// The job of fovea_attention, and the plan that its scratch memory follows. The plan depends on shapes only, never on the
// instruction set or the number of threads, so that results do not either.
//
// Dimensions: B batch, Lq queries, Lk keys, H heads, G groups of heads that share keys and values, D head size.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kMaxHeadSize = 256;

// ---- one query per batch entry (a KV cache being read), few heads per group: keys and values are streamed where they are ----

inline constexpr int64_t kDecodeHeadsPerGroup = 8;  // above, the matrix tiles pay for packing the keys
inline constexpr int64_t kDecodeRows = 32;          // heads per task, which bounds the scores on the stack
inline constexpr int64_t kDecodeSplits = 16;        // most pieces of the keys of one batch entry
inline constexpr int64_t kDecodeTasks = 16;         // tasks that splitting aims at
inline constexpr int64_t kDecodeSplitKeys = 256;    // fewer keys are not worth a piece of their own

// ---- many queries: tiles of queries against packed blocks of keys
// ------------------------------------------------------------

// (query, head of the group) rows per task: each block of keys is packed once for them. The larger number where that still
// leaves kChunkTasks tasks and the rows fit the second-level cache.
inline constexpr int64_t kChunkRows = 128, kLargeChunkRows = 256, kChunkTasks = 16;
inline constexpr int64_t kKeyPanel = 32;   // keys per packed panel [D][kKeyPanel]
inline constexpr int64_t kScoreRows = 16;  // at least the rows of the largest register tile

struct AttentionPlan {
  bool decode;
  int64_t heads_per_group;
  int64_t tasks_per_batch;  // decode: task = groups_per_task groups; tiles: chunk of one group
  // Decode: partial results [B][H][splits] of D values, then (maximum, sum) of each.
  int64_t groups_per_task, splits, partial_floats;
  // Tiles, floats of one thread's scratch. `columns`: D in whole vectors of 16.
  int64_t chunks, chunk_rows, key_block, columns, scratch_floats;
};

struct AttentionJob {
  const float *q, *k, *v;
  float* o;
  float* lse;                  // or NULL
  const int32_t* key_lengths;  // [batch] or NULL
  float* workspace;
  const int32_t* live;  // batch entries that carry data
  int64_t batch, q_length, k_length, heads, groups, head_size;
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

FOVEA_ALWAYS_INLINE int64_t keys_of(const AttentionJob& j, int64_t batch) {
  if (j.key_lengths == nullptr) return j.k_length;
  const int64_t n = j.key_lengths[batch];
  return n < 0 ? 0 : n > j.k_length ? j.k_length : n;
}

// Both ends grow with the query.
FOVEA_ALWAYS_INLINE KeySpan visible_keys(const AttentionJob& j, int64_t keys, int64_t query) {
  const int64_t end = j.causal ? query + 1 + keys - j.q_length : keys;
  if (end <= 0) return {0, 0};
  return {j.window > 0 && end > j.window ? end - j.window : 0, end};
}

}  // namespace fovea
