// What the CUDA kernels of attention and of its gradients share: the tensors, which keys a query sees, how blocks find work.
//
// The rows of a group are its (query, head) pairs, as on the CPU: row r is query r / (H/G) of head r % (H/G). A tile of rows
// shares every key and value that it loads.
#pragma once

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "ops/attention/attention.h"

namespace fovea::cuda {

inline constexpr float kAttentionLog2E = 1.44269504f, kAttentionLn2 = 0.693147181f;
inline constexpr int kTileKeys = 64;  // keys per step of every kernel

template <class T>
struct AttentionView {
  const T *q, *k, *v;
  T* o;
  float* lse;                     // or NULL
  const int32_t* key_lengths;     // [B] or NULL
  const AttentionSequence* list;  // [B + 1] of a ragged batch, filled by an earlier kernel; else NULL
  const int32_t* live;            // sequences (dense) that carry data
  float* partials;                // of split keys
  int64_t batch, q_length, k_length, heads, groups, heads_per_group, head_size;
  int64_t q_pitch, k_pitch, v_pitch, o_pitch, lse_pitch;
  int64_t window;
  int64_t tiles;   // of rows, per sequence (dense) or of all sequences at most (ragged)
  int64_t splits;  // pieces of the keys of a tile; results of pieces go to `partials` when there are several
  float scale, softcap;
  bool causal;
  bool chunks;  // rows of q, k, v and o start at multiples of 16 bytes
  bool vector;  // four elements may be read or written at once in q, k, v and o
};

inline bool rows_aligned(const fovea_tensor& t, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(t.data) % uint64_t(bytes) == 0 && t.pitch * t.dtype.bits / 8 % bytes == 0;
}
inline bool aligned_for_vectors(const fovea_tensor& t) { return rows_aligned(t, 4 * t.dtype.bits / 8); }

// Of dense tensors [B][L][heads][D], and of ragged ones [T][heads][D] (then `batch` is the caller's to set).
template <class T>
AttentionView<T> attention_view(const fovea_attention_params& params, const fovea_tensor& q, const fovea_tensor& k,
                                const fovea_tensor& v, const fovea_tensor& o, const fovea_tensor* lse) {
  const int64_t *qs = q.shape + q.rank - 3, *ks = k.shape + k.rank - 3;
  AttentionView<T> view{};
  view.q = static_cast<const T*>(q.data), view.q_pitch = q.pitch;
  view.k = static_cast<const T*>(k.data), view.k_pitch = k.pitch;
  view.v = static_cast<const T*>(v.data), view.v_pitch = v.pitch;
  view.o = static_cast<T*>(o.data), view.o_pitch = o.pitch;
  if (lse != nullptr) view.lse = static_cast<float*>(lse->data), view.lse_pitch = lse->pitch;
  view.live = q.live;
  view.batch = q.shape[0];
  view.q_length = qs[0], view.heads = qs[1], view.head_size = qs[2];
  view.k_length = ks[0], view.groups = ks[1];
  view.heads_per_group = view.groups == 0 ? 0 : view.heads / view.groups;
  view.splits = 1;
  view.window = params.window, view.causal = params.causal != 0;
  view.scale = params.softmax_scale == 0 ? 1.0f / sqrtf(static_cast<float>(qs[2])) : params.softmax_scale;
  view.softcap = params.softcap;
  view.vector = aligned_for_vectors(q) && aligned_for_vectors(o) &&
                (elements(k) == 0 || (aligned_for_vectors(k) && aligned_for_vectors(v)));
  view.chunks = rows_aligned(q, 16) && rows_aligned(k, 16) && rows_aligned(v, 16) && rows_aligned(o, 16);
  return view;
}

FOVEA_DEVICE int64_t clamp_index(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

template <class T>
FOVEA_DEVICE AttentionSequence sequence_of(const AttentionView<T>& v, int64_t batch) {
  const int64_t keys = v.key_lengths == nullptr ? v.k_length : clamp_index(v.key_lengths[batch], 0, v.k_length);
  return {batch * v.q_length, v.q_length, batch * v.k_length, keys, 0};
}

// Keys [begin, end) that a query sees; both ends grow with the query.
template <class T>
FOVEA_DEVICE KeySpan keys_of(const AttentionView<T>& v, const AttentionSequence& s, int64_t query) {
  const int64_t end = v.causal ? query + 1 + s.keys - s.q_length : s.keys;
  if (end <= 0) return {0, 0};
  return {v.window > 0 && end > v.window ? end - v.window : 0, end};
}

// First element of row r of a group in q and o is row_of() pitches in.
template <class T>
FOVEA_DEVICE int64_t row_of(const AttentionView<T>& v, const AttentionSequence& s, int64_t group, int64_t r) {
  return (s.q_begin + r / v.heads_per_group) * v.heads + group * v.heads_per_group + r % v.heads_per_group;
}

// Where lse of a row goes: [B][H][Lq], ragged [H][Tq].
template <class T>
FOVEA_DEVICE int64_t lse_index(const AttentionView<T>& v, const AttentionSequence& s, int64_t group, int64_t r) {
  const int64_t query = r / v.heads_per_group, head = group * v.heads_per_group + r % v.heads_per_group;
  if (v.list != nullptr) return head * v.lse_pitch + s.q_begin + query;
  return (s.q_begin / v.q_length * v.heads + head) * v.lse_pitch + query;
}

// A block's share: one tile of one group's rows in one sequence, one piece of its keys.
struct AttentionTask {
  AttentionSequence sequence;
  int64_t group, tile, split;
};

template <class T>
FOVEA_DEVICE int64_t task_count(const AttentionView<T>& v) {
  return (v.list != nullptr ? v.tiles : live_count(v.live, v.batch) * v.tiles) * v.groups * v.splits;
}

// False: no such tile (a ragged batch has a grid for the most tiles that its sizes allow). Later tiles come first: with a
// causal mask they are the longer ones.
template <class T>
FOVEA_DEVICE bool find_task(const AttentionView<T>& v, int64_t item, AttentionTask* task) {
  task->split = item % v.splits, item /= v.splits;
  task->group = item % v.groups, item /= v.groups;
  if (v.list == nullptr) {
    task->tile = v.tiles - 1 - item % v.tiles;
    task->sequence = sequence_of(v, item / v.tiles);
    return true;
  }
  if (item >= v.list[v.batch].first_task) return false;
  int64_t low = 0, high = v.batch;  // the last sequence whose first task is at most `item` holds it
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (v.list[middle].first_task <= item)
      low = middle;
    else
      high = middle;
  }
  task->sequence = v.list[low];
  task->tile = item - task->sequence.first_task;
  return true;
}

inline unsigned grid_of(int64_t tasks) { return static_cast<unsigned>(tasks < INT32_MAX ? tasks : INT32_MAX); }

}  // namespace fovea::cuda
