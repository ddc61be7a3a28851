// Attention in one pass over the keys with a running maximum (Dao et al., FlashAttention), f32 on CUDA cores: every head size
// and data type. A block owns 64 rows (16 where rows are few) and walks over the keys that they see, 64 at a time.
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/attention/attention_device.h"
#include "ops/attention/attention_mma.h"
#include "ops/attention/attention_tiles.h"

namespace fovea::cuda {
namespace {

template <int kRows>
struct Shared {
  float q[16 * kRows][kTilePitch];
  float kv[kTileKeys][kTilePitch];
  float p[16 * kRows][kTilePitch];
  int64_t q_row[16 * kRows];
};

// Sums and maxima of a row lie in the 16 lanes of one ty.
FOVEA_DEVICE float row_max(float x) {
  return warp_reduce<16>(x, [](float a, float b) { return fmaxf(a, b); });
}
FOVEA_DEVICE float row_sum(float x) { return warp_reduce<16>(x, Sum{}); }

// A thread's share of the running softmax and of the output: kRows rows, 4 columns of each 64.
template <int kRows, int kChunks>
struct Accumulators {
  float max[kRows], sum[kRows];  // the maximum in units of log2; the sum is this thread's part
  float o[kChunks][kRows][4];
};

// Scores of `keys` keys from key0 on, in units of log2, into probabilities in shared memory; what was accumulated before is
// scaled to the new maximum.
template <class T, int kRows, int kChunks>
FOVEA_DEVICE void softmax_step(const AttentionView<T>& v, Accumulators<kRows, kChunks>& acc, float (&s)[kRows][4],
                               const KeySpan (&span)[kRows], int64_t key0, Shared<kRows>& shared) {
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    float top = -INFINITY;
    bool seen[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int64_t key = key0 + tx + 16 * j;
      seen[j] = key >= span[i].begin && key < span[i].end;
      s[i][j] = v.softcap > 0 ? v.softcap * kAttentionLog2E * tanhf(s[i][j] * (v.scale / v.softcap))
                              : s[i][j] * (v.scale * kAttentionLog2E);
      if (seen[j]) top = fmaxf(top, s[i][j]);  // drops a NaN, which its probability then passes on
    }
    top = fmaxf(acc.max[i], row_max(top));
    const float shift = top == -INFINITY ? 0.0f : top;  // -inf - -inf would be NaN
    const float fade = exp2f(acc.max[i] - shift);
    acc.max[i] = top;
    acc.sum[i] *= fade;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float p = seen[j] ? exp2f(s[i][j] - shift) : 0.0f;
      acc.sum[i] += p;
      shared.p[ty * kRows + i][tx + 16 * j] = p;
    }
#pragma unroll
    for (int c = 0; c < kChunks; ++c)
#pragma unroll
      for (int j = 0; j < 4; ++j) acc.o[c][i][j] *= fade;
  }
}

template <class T, int kRows, int kChunks>
FOVEA_DEVICE void attend(const AttentionView<T>& v, const AttentionTask& task, Accumulators<kRows, kChunks>& acc,
                         Shared<kRows>& shared) {
  constexpr int kTileRows = 16 * kRows;
  const AttentionSequence& seq = task.sequence;
  const int64_t all_rows = seq.q_length * v.heads_per_group, row0 = task.tile * kTileRows;
  const int rows = int(all_rows - row0 < kTileRows ? all_rows - row0 : kTileRows);
  const int ty = int(threadIdx.x) / 16;
  for (int r = int(threadIdx.x); r < rows; r += kTileThreads) shared.q_row[r] = row_of(v, seq, task.group, row0 + r);

  KeySpan span[kRows];
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const int64_t r = row0 + ty * kRows + i;
    span[i] = r < all_rows ? keys_of(v, seq, r / v.heads_per_group) : KeySpan{0, 0};
    acc.max[i] = -INFINITY, acc.sum[i] = 0.0f;
  }
#pragma unroll
  for (int c = 0; c < kChunks; ++c)
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) acc.o[c][i][j] = 0.0f;

  const KeySpan first = keys_of(v, seq, row0 / v.heads_per_group);
  const KeySpan last = keys_of(v, seq, (row0 + rows - 1) / v.heads_per_group);
  // This piece of the keys that any row sees, in whole tiles.
  const int64_t piece = ((last.end - first.begin + v.splits - 1) / v.splits + kTileKeys - 1) / kTileKeys * kTileKeys;
  const int64_t begin = first.begin + task.split * piece, end = begin + piece < last.end ? begin + piece : last.end;

  for (int64_t key0 = begin; key0 < end; key0 += kTileKeys) {
    const int keys = int(end - key0 < kTileKeys ? end - key0 : kTileKeys);
    const auto key_row = [&](int r) { return (seq.k_begin + key0 + r) * v.groups + task.group; };
    float s[kRows][4] = {};
#pragma unroll 1
    for (int64_t d = 0; d < v.head_size; d += kTileWidth) {
      __syncthreads();  // shared memory is free again; the rows' addresses are there
      if (kChunks > 1 || key0 == begin)
        load_tile<kTileRows, T>(shared.q, rows, d, v.head_size, v.vector,
                                [&](int r) { return v.q + shared.q_row[r] * v.q_pitch; });
      load_tile<kTileKeys, T>(shared.kv, keys, d, v.head_size, v.vector, [&](int r) { return v.k + key_row(r) * v.k_pitch; });
      __syncthreads();
      if (ty * kRows < rows) multiply_rows(s, shared.q, shared.kv, tile_depth(v.head_size, d));
    }
    softmax_step(v, acc, s, span, key0, shared);
    const bool masked = key0 < last.begin || key0 + keys > first.end;
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      const int64_t d = c * kTileWidth;
      if (d >= v.head_size) continue;
      __syncthreads();
      load_tile<kTileKeys, T>(shared.kv, keys, d, v.head_size, v.vector, [&](int r) { return v.v + key_row(r) * v.v_pitch; });
      __syncthreads();
      if (ty * kRows >= rows || 4 * (int(threadIdx.x) % 16) >= tile_depth(v.head_size, d)) continue;  // nothing there
      if (masked)
        multiply_columns<kRows, true>(acc.o[c], shared.p, shared.kv, (keys + 3) / 4 * 4);
      else
        multiply_columns<kRows, false>(acc.o[c], shared.p, shared.kv, (keys + 3) / 4 * 4);
    }
  }
#pragma unroll
  for (int i = 0; i < kRows; ++i) acc.sum[i] = row_sum(acc.sum[i]);
}

// Partial results of a row: per piece of the keys head_size values, then the maximum and the sum.
FOVEA_DEVICE float* partial_of(float* partials, int64_t row, int64_t split, int64_t splits, int64_t head_size) {
  return partials + (row * splits + split) * (head_size + 2);
}

template <class T, int kRows, int kChunks>
FOVEA_DEVICE void store(const AttentionView<T>& v, const AttentionTask& task, const Accumulators<kRows, kChunks>& acc) {
  const AttentionSequence& seq = task.sequence;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  const int64_t all_rows = seq.q_length * v.heads_per_group;
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const int64_t r = task.tile * 16 * kRows + ty * kRows + i;
    if (r >= all_rows) continue;
    const int64_t row = row_of(v, seq, task.group, r);
    if (v.splits > 1) {
      float* partial = partial_of(v.partials, row, task.split, v.splits, v.head_size);
#pragma unroll
      for (int c = 0; c < kChunks; ++c) store4(partial, c * kTileWidth + 4 * tx, v.head_size, false, acc.o[c][i]);
      if (tx == 0) partial[v.head_size] = acc.max[i], partial[v.head_size + 1] = acc.sum[i];
      continue;
    }
    const KeySpan span = keys_of(v, seq, r / v.heads_per_group);
    const bool sees_nothing = span.begin >= span.end;
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      float values[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) values[j] = sees_nothing ? 0.0f : acc.o[c][i][j] / acc.sum[i];
      store4(v.o + row * v.o_pitch, c * kTileWidth + 4 * tx, v.head_size, v.vector, values);
    }
    if (v.lse == nullptr || tx != 0) continue;
    const float shift = acc.max[i] == -INFINITY ? 0.0f : acc.max[i];
    v.lse[lse_index(v, seq, task.group, r)] = sees_nothing ? -INFINITY : fmaf(shift, kAttentionLn2, logf(acc.sum[i]));
  }
}

template <class T, int kRows, int kChunks>
__global__ void __launch_bounds__(kTileThreads) attention_kernel(AttentionView<T> v) {
  auto& shared = *dynamic_shared<Shared<kRows>>();
  const int64_t tasks = task_count(v);
  for (int64_t item = blockIdx.x; item < tasks; item += gridDim.x) {
    AttentionTask task;
    if (!find_task(v, item, &task)) continue;
    Accumulators<kRows, kChunks> acc;
    __syncthreads();  // the task before may still be reading
    attend(v, task, acc, shared);
    store(v, task, acc);
  }
}

// Joins the pieces of each row's keys, in their order. A warp per row.
template <class T>
__global__ void __launch_bounds__(kTileThreads) join_pieces_kernel(AttentionView<T> v) {
  constexpr int kWarps = kTileThreads / 32;
  const int lane = int(threadIdx.x) % 32;
  const int64_t rows_each = v.q_length * v.heads, rows = live_count(v.live, v.batch) * rows_each;
  for (int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; row < rows; row += int64_t{gridDim.x} * kWarps) {
    const int64_t batch = row / rows_each, query = row % rows_each / v.heads, head = row % v.heads;
    const KeySpan span = keys_of(v, sequence_of(v, batch), query);
    const bool sees_nothing = span.begin >= span.end;
    const float* partial = partial_of(v.partials, row, 0, v.splits, v.head_size);
    const int64_t stride = v.head_size + 2;
    float top = -INFINITY, sum = 0.0f;
    for (int64_t i = 0; i < v.splits; ++i) top = fmaxf(top, partial[i * stride + v.head_size]);
    const float shift = top == -INFINITY ? 0.0f : top;
    for (int64_t i = 0; i < v.splits; ++i)
      sum = fmaf(partial[i * stride + v.head_size + 1], exp2f(partial[i * stride + v.head_size] - shift), sum);
    for (int64_t d = lane; d < v.head_size; d += 32) {
      float value = 0.0f;
      for (int64_t i = 0; i < v.splits; ++i)
        value = fmaf(partial[i * stride + d], exp2f(partial[i * stride + v.head_size] - shift), value);
      v.o[row * v.o_pitch + d] = from_float<T>(sees_nothing ? 0.0f : value / sum);
    }
    if (v.lse != nullptr && lane == 0)
      v.lse[(batch * v.heads + head) * v.lse_pitch + query] = sees_nothing ? -INFINITY : fmaf(shift, kAttentionLn2, logf(sum));
  }
}

// Fills the list of a ragged batch: offsets are clamped to ascending values inside [0, T], which is a running maximum, and
// each sequence gets its first tile. One block; a thread takes `per` neighbouring sequences.
__global__ void __launch_bounds__(kTileThreads)
    list_sequences_kernel(AttentionSequence* list, const int32_t* query_offsets, const int32_t* key_offsets,
                          const int32_t* live, int64_t batch, int64_t queries, int64_t keys, int64_t heads_per_group,
                          int tile_rows) {
  __shared__ int32_t q_top[kTileThreads], k_top[kTileThreads];
  __shared__ int64_t tiles[kTileThreads];
  const int64_t per = (batch + kTileThreads - 1) / kTileThreads, first = int64_t{threadIdx.x} * per;
  const int64_t past = first + per < batch ? first + per : batch, q_limit = live_count(live, queries);
  int32_t q_max = query_offsets[0], k_max = key_offsets[0];
  for (int64_t i = first; i < past; ++i) q_max = max(q_max, query_offsets[i + 1]), k_max = max(k_max, key_offsets[i + 1]);
  q_top[threadIdx.x] = q_max, k_top[threadIdx.x] = k_max;
  __syncthreads();
  q_max = query_offsets[0], k_max = key_offsets[0];
  for (unsigned t = 0; t < threadIdx.x; ++t) q_max = max(q_max, q_top[t]), k_max = max(k_max, k_top[t]);
  int64_t q_begin = clamp_index(q_max, 0, q_limit), k_begin = clamp_index(k_max, 0, keys), count = 0;
  for (int64_t i = first; i < past; ++i) {
    const int64_t q_end = clamp_index(query_offsets[i + 1], q_begin, q_limit);
    const int64_t k_end = clamp_index(key_offsets[i + 1], k_begin, keys);
    list[i] = {q_begin, q_end - q_begin, k_begin, k_end - k_begin, count};
    count += ((q_end - q_begin) * heads_per_group + tile_rows - 1) / tile_rows;
    q_begin = q_end, k_begin = k_end;
  }
  tiles[threadIdx.x] = count;
  __syncthreads();
  int64_t before = 0;
  for (unsigned t = 0; t < threadIdx.x; ++t) before += tiles[t];
  for (int64_t i = first; i < past; ++i) list[i].first_task += before;
  if (threadIdx.x == kTileThreads - 1) list[batch] = {0, 0, 0, 0, before + count};
}

template <class T, int kRows>
cudaError_t launch_attention(const AttentionView<T>& v, cudaStream_t s) {
  if constexpr (kRows == 4 && sizeof(T) == 2)
    if (mma_serves(v)) return launch_attention_mma(v, s);
  const auto kernel = v.head_size <= 64    ? attention_kernel<T, kRows, 1>
                      : v.head_size <= 128 ? attention_kernel<T, kRows, 2>
                                           : attention_kernel<T, kRows, 4>;
  const int64_t tasks = (v.list != nullptr ? 1 : v.batch) * v.tiles * v.groups * v.splits;
  if (const cudaError_t e = launch(kernel, grid_of(tasks), kTileThreads, sizeof(Shared<kRows>), s, v); e != cudaSuccess)
    return e;
  if (v.splits == 1) return cudaSuccess;
  const int64_t rows = v.batch * v.q_length * v.heads;
  return launch(join_pieces_kernel<T>, grid_for(rows, kTileThreads / 32), kTileThreads, 0, s, v);
}

// Rows of a group that a small tile holds.
constexpr int64_t kFewRows = 16;

// Keys are split where sequences and groups leave most of a GPU idle (a KV cache being read).
int64_t splits_of(int64_t batch, int64_t groups, int64_t rows, int64_t keys) {
  constexpr int64_t kBlocks = 264, kLeastKeys = 128, kMost = 16;
  if (rows > kFewRows || batch >= kBlocks || groups >= kBlocks) return 1;
  const int64_t wanted = kBlocks / (batch * groups), most = keys / kLeastKeys < kMost ? keys / kLeastKeys : kMost;
  return wanted < 1 || most < 1 ? 1 : wanted < most ? wanted : most;
}
int64_t splits_of(const fovea_tensor& q, const fovea_tensor& k) {
  if (elements(q) == 0) return 1;
  return splits_of(q.shape[0], k.shape[2], q.shape[1] * (q.shape[2] / k.shape[2]), k.shape[1]);
}
int64_t partial_bytes(const fovea_tensor& q, int64_t splits) {
  return splits == 1 ? 0 : q.shape[0] * q.shape[1] * q.shape[2] * splits * (q.shape[3] + 2) * int64_t{sizeof(float)};
}
int64_t list_bytes(int64_t sequences) { return (sequences + 1) * int64_t{sizeof(AttentionSequence)}; }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_attention_workspace(const fovea_attention_params*, const fovea_tensor* q, const fovea_tensor* k,
                                                  int64_t* bytes) {
  *bytes = partial_bytes(*q, splits_of(*q, *k));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention(const fovea_attention_params* params, const fovea_tensor* q, const fovea_tensor* k,
                                        const fovea_tensor* v, const fovea_tensor* key_lengths, const fovea_tensor* o,
                                        const fovea_tensor* lse, const fovea_workspace* workspace, fovea_stream* stream) {
  if (elements(*o) == 0) return FOVEA_OK;
  const int64_t splits = splits_of(*q, *k);
  FOVEA_TRY(check_workspace("attention", workspace, partial_bytes(*q, splits)));
  return with_float_type(q->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    AttentionView<T> view = attention_view<T>(*params, *q, *k, *v, *o, lse);
    if (key_lengths != nullptr) view.key_lengths = static_cast<const int32_t*>(key_lengths->data);
    const int64_t rows = view.q_length * view.heads_per_group;
    view.splits = splits;
    if (splits > 1) view.partials = static_cast<float*>(workspace->data);
    return submit(stream, "attention", [&](cudaStream_t s) {
      if (rows <= kFewRows) {
        view.tiles = 1;
        return launch_attention<T, 1>(view, s);
      }
      view.tiles = (rows + kTileWidth - 1) / kTileWidth;
      return launch_attention<T, 4>(view, s);
    });
  });
}

extern "C" fovea_status fovea_attention_ragged_workspace(const fovea_attention_params*, const fovea_tensor*,
                                                         const fovea_tensor*, int64_t sequences, int64_t* bytes) {
  *bytes = list_bytes(sequences);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention_ragged(const fovea_attention_params* params, const fovea_tensor* q,
                                               const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* query_offsets,
                                               const fovea_tensor* key_offsets, const fovea_tensor* o, const fovea_tensor* lse,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  const int64_t sequences = query_offsets->shape[0] - 1;
  if (elements(*o) == 0 || sequences == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace("attention_ragged", workspace, list_bytes(sequences)));
  return with_float_type(q->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    AttentionView<T> view = attention_view<T>(*params, *q, *k, *v, *o, lse);
    auto* list = static_cast<AttentionSequence*>(workspace->data);
    view.list = list;
    view.batch = sequences;
    const int64_t rows = view.q_length * view.heads_per_group;
    const bool few = rows <= kFewRows * sequences;  // on average: the lengths are not known here
    const int64_t tile_rows = few ? kFewRows : kTileWidth;
    view.tiles = rows / tile_rows + sequences;
    return submit(stream, "attention_ragged", [&](cudaStream_t s) {
      const cudaError_t e =
          launch(list_sequences_kernel, 1, kTileThreads, 0, s, list, static_cast<const int32_t*>(query_offsets->data),
                 static_cast<const int32_t*>(key_offsets->data), q->live, sequences, view.q_length, view.k_length,
                 view.heads_per_group, int(tile_rows));
      if (e != cudaSuccess) return e;
      return few ? launch_attention<T, 1>(view, s) : launch_attention<T, 4>(view, s);
    });
  });
}
