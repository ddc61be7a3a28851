// Gradients of attention in f32 on CUDA cores, without a sum that two blocks share: dq by blocks that own 64 rows and walk over
// the keys, dk and dv by blocks that own 64 keys and walk over the rows; both recompute the probabilities from lse.
//
// Values that a mask hides meet exact zeros: they must be finite. Keys behind key_lengths are not read.
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/attention/attention_device.h"
#include "ops/attention/attention_tiles.h"

namespace fovea::cuda {
namespace {

constexpr int kRows = 4;  // per thread: tiles are 64 x 64

template <class T>
struct BackwardView {
  AttentionView<T> f;  // q, k, v, o, lse and the masks; `tiles` of rows
  const T* d_o;
  T *dq, *dk, *dv;
  float* delta;  // [B][Lq][H]: sum of o * dO
  int64_t d_o_pitch, dq_pitch, dk_pitch, dv_pitch;
  int64_t key_tiles;
};

struct Shared {
  float a[kTileWidth][kTilePitch];
  float b[kTileWidth][kTilePitch];
  float p[kTileWidth][kTilePitch];
  // Of a tile's rows: where they are, what they see, lse in units of log2, delta.
  int64_t row[kTileWidth], begin[kTileWidth], end[kTileWidth];
  float lse[kTileWidth], delta[kTileWidth];
};

// One warp per row.
template <class T>
__global__ void __launch_bounds__(kTileThreads) delta_kernel(BackwardView<T> v) {
  constexpr int kWarps = kTileThreads / 32;
  const int lane = int(threadIdx.x) % 32;
  const int64_t rows = live_count(v.f.live, v.f.batch) * v.f.q_length * v.f.heads;
  for (int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; row < rows; row += int64_t{gridDim.x} * kWarps) {
    float sum = 0.0f;
    for (int64_t d = lane; d < v.f.head_size; d += 32)
      sum = fmaf(to_float(v.f.o[row * v.f.o_pitch + d]), to_float(v.d_o[row * v.d_o_pitch + d]), sum);
    sum = warp_reduce(sum, Sum{});
    if (lane == 0) v.delta[row] = sum;
  }
}

// What a tile of `rows` rows from row0 on needs, into shared memory; the rows behind it see nothing.
template <class T>
FOVEA_DEVICE void load_rows(const BackwardView<T>& v, const AttentionSequence& seq, int64_t group, int64_t row0, int rows,
                            Shared& shared) {
  const int r = int(threadIdx.x);
  if (r >= kTileWidth) return;
  KeySpan span{0, 0};
  int64_t row = 0;
  float lse = 0.0f, delta = 0.0f;
  if (r < rows) {
    span = keys_of(v.f, seq, (row0 + r) / v.f.heads_per_group);
    row = row_of(v.f, seq, group, row0 + r);
    lse = v.f.lse[lse_index(v.f, seq, group, row0 + r)] * kAttentionLog2E;
    delta = v.delta[row];
  }
  shared.row[r] = row, shared.begin[r] = span.begin, shared.end[r] = span.end;
  shared.lse[r] = lse, shared.delta[r] = delta;
}

// From the product q . k of a visible pair: its probability, and what the gradient by the score is multiplied with to become
// that by the product.
struct Pair {
  float p, slope;
};
template <class T>
FOVEA_DEVICE Pair pair_of(const AttentionView<T>& v, float product, float lse) {
  if (v.softcap > 0) {
    const float t = tanhf(product * (v.scale / v.softcap));
    return {exp2f(v.softcap * kAttentionLog2E * t - lse), v.scale * (1.0f - t * t)};
  }
  return {exp2f(fmaf(product, v.scale * kAttentionLog2E, -lse)), v.scale};
}

template <class T, int kChunks>
__global__ void __launch_bounds__(kTileThreads, 1) query_gradient_kernel(BackwardView<T> v) {
  auto& shared = *dynamic_shared<Shared>();
  const AttentionView<T>& f = v.f;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  const int64_t tasks = task_count(f);
  for (int64_t item = blockIdx.x; item < tasks; item += gridDim.x) {
    AttentionTask task;
    find_task(f, item, &task);
    const AttentionSequence& seq = task.sequence;
    const int64_t all_rows = seq.q_length * f.heads_per_group, row0 = task.tile * kTileWidth;
    const int rows = int(all_rows - row0 < kTileWidth ? all_rows - row0 : kTileWidth);
    __syncthreads();  // the task before may still be reading
    load_rows(v, seq, task.group, row0, rows, shared);
    float dq[kChunks][kRows][4] = {};
    const int64_t begin = keys_of(f, seq, row0 / f.heads_per_group).begin;
    const int64_t end = keys_of(f, seq, (row0 + rows - 1) / f.heads_per_group).end;
    for (int64_t key0 = begin; key0 < end; key0 += kTileKeys) {
      const int keys = int(end - key0 < kTileKeys ? end - key0 : kTileKeys);
      const auto key_row = [&](int r) { return (seq.k_begin + key0 + r) * f.groups + task.group; };
      const auto load_keys = [&](int64_t d) {
        load_tile<kTileKeys, T>(shared.b, keys, d, f.head_size, f.vector, [&](int r) { return f.k + key_row(r) * f.k_pitch; });
      };
      float s[kRows][4] = {}, dp[kRows][4] = {};
#pragma unroll 1
      for (int64_t d = 0; d < f.head_size; d += kTileWidth) {
        __syncthreads();
        load_tile<kTileWidth, T>(shared.a, rows, d, f.head_size, f.vector,
                                 [&](int r) { return f.q + shared.row[r] * f.q_pitch; });
        load_keys(d);
        __syncthreads();
        if (ty * kRows < rows) multiply_rows(s, shared.a, shared.b, tile_depth(f.head_size, d));
        __syncthreads();
        load_tile<kTileWidth, T>(shared.a, rows, d, f.head_size, f.vector,
                                 [&](int r) { return v.d_o + shared.row[r] * v.d_o_pitch; });
        load_tile<kTileKeys, T>(shared.b, keys, d, f.head_size, f.vector, [&](int r) { return f.v + key_row(r) * f.v_pitch; });
        __syncthreads();
        if (ty * kRows < rows) multiply_rows(dp, shared.a, shared.b, tile_depth(f.head_size, d));
      }
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const int r = ty * kRows + i;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int64_t key = key0 + tx + 16 * j;
          const Pair pair = pair_of(f, s[i][j], shared.lse[r]);
          const bool seen = key >= shared.begin[r] && key < shared.end[r];
          shared.p[r][tx + 16 * j] = seen ? pair.p * (dp[i][j] - shared.delta[r]) * pair.slope : 0.0f;
        }
      }
#pragma unroll
      for (int c = 0; c < kChunks; ++c) {
        const int64_t d = c * kTileWidth;
        if (d >= f.head_size) continue;
        __syncthreads();
        load_keys(d);
        __syncthreads();
        if (ty * kRows < rows && 4 * tx < tile_depth(f.head_size, d))
          multiply_columns<kRows, false>(dq[c], shared.p, shared.b, (keys + 3) / 4 * 4);
      }
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int r = ty * kRows + i;
      if (r >= rows) continue;
      T* out = v.dq + row_of(f, seq, task.group, row0 + r) * v.dq_pitch;
#pragma unroll
      for (int c = 0; c < kChunks; ++c) store4(out, c * kTileWidth + 4 * tx, f.head_size, f.vector, dq[c][i]);
    }
  }
}

// Rows [begin, end) of a group that may see a key of [key0, key0 + 64).
template <class T>
FOVEA_DEVICE KeySpan rows_of(const AttentionView<T>& f, const AttentionSequence& seq, int64_t key0) {
  if (key0 >= seq.keys) return {0, 0};
  if (!f.causal) return {0, seq.q_length * f.heads_per_group};
  const int64_t before = seq.q_length - seq.keys;  // query i sees key j <= i - before
  const int64_t first = clamp_index(key0 + before, 0, seq.q_length);
  const int64_t past = f.window > 0 ? clamp_index(key0 + kTileKeys - 1 + f.window + before, first, seq.q_length) : seq.q_length;
  return {first * f.heads_per_group, past * f.heads_per_group};
}

template <class T, int kChunks>
__global__ void __launch_bounds__(kTileThreads, 1) key_gradient_kernel(BackwardView<T> v) {
  constexpr int kUnroll = kChunks > 2 ? 1 : 2;
  auto& shared = *dynamic_shared<Shared>();
  const AttentionView<T>& f = v.f;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  const int64_t tasks = live_count(f.live, f.batch) * v.key_tiles * f.groups;
  for (int64_t item = blockIdx.x; item < tasks; item += gridDim.x) {
    const int64_t group = item % f.groups, key0 = item / f.groups % v.key_tiles * kTileKeys;
    const AttentionSequence seq = sequence_of(f, item / f.groups / v.key_tiles);
    const int keys = int(clamp_index(seq.keys - key0, 0, kTileKeys));
    const KeySpan span = rows_of(f, seq, key0);
    const auto key_row = [&](int r) { return (seq.k_begin + key0 + r) * f.groups + group; };
    float dk[kChunks][kRows][4] = {}, dv[kChunks][kRows][4] = {};
    for (int64_t row0 = span.begin; row0 < span.end; row0 += kTileWidth) {
      const int rows = int(span.end - row0 < kTileWidth ? span.end - row0 : kTileWidth);
      const auto load_queries = [&](int64_t d) {
        load_tile<kTileWidth, T>(shared.b, rows, d, f.head_size, f.vector,
                                 [&](int r) { return f.q + shared.row[r] * f.q_pitch; });
      };
      __syncthreads();
      load_rows(v, seq, group, row0, rows, shared);
      // By key and row: the product q . k, later the probability times its slope; the gradient by the probability.
      float s[kRows][4] = {}, dp[kRows][4] = {};
#pragma unroll 1
      for (int64_t d = 0; d < f.head_size; d += kTileWidth) {
        __syncthreads();
        load_tile<kTileKeys, T>(shared.a, keys, d, f.head_size, f.vector, [&](int r) { return f.k + key_row(r) * f.k_pitch; });
        load_queries(d);
        __syncthreads();
        if (ty * kRows < keys) multiply_rows<kRows, kUnroll>(s, shared.a, shared.b, tile_depth(f.head_size, d));
      }
#pragma unroll
      for (int i = 0; i < kRows; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int64_t key = key0 + ty * kRows + i;
          const int r = tx + 16 * j;
          const Pair pair = pair_of(f, s[i][j], shared.lse[r]);
          const bool seen = key >= shared.begin[r] && key < shared.end[r];
          s[i][j] = seen ? pair.p * pair.slope : 0.0f;
          shared.p[ty * kRows + i][r] = seen ? pair.p : 0.0f;
        }
#pragma unroll
      for (int c = 0; c < kChunks; ++c) {
        const int64_t d = c * kTileWidth;
        if (d >= f.head_size) continue;
        __syncthreads();
        load_tile<kTileKeys, T>(shared.a, keys, d, f.head_size, f.vector, [&](int r) { return f.v + key_row(r) * f.v_pitch; });
        load_tile<kTileWidth, T>(shared.b, rows, d, f.head_size, f.vector,
                                 [&](int r) { return v.d_o + shared.row[r] * v.d_o_pitch; });
        __syncthreads();
        if (ty * kRows >= keys) continue;
        multiply_rows<kRows, kUnroll>(dp, shared.a, shared.b, tile_depth(f.head_size, d));
        if (4 * tx < tile_depth(f.head_size, d))
          multiply_columns<kRows, false, kUnroll>(dv[c], shared.p, shared.b, (rows + 3) / 4 * 4);
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < kRows; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int r = tx + 16 * j;
          shared.p[ty * kRows + i][r] = s[i][j] * (dp[i][j] - shared.delta[r]);
        }
#pragma unroll
      for (int c = 0; c < kChunks; ++c) {
        const int64_t d = c * kTileWidth;
        if (d >= f.head_size) continue;
        __syncthreads();
        load_queries(d);
        __syncthreads();
        if (ty * kRows < keys && 4 * tx < tile_depth(f.head_size, d))
          multiply_columns<kRows, false, kUnroll>(dk[c], shared.p, shared.b, (rows + 3) / 4 * 4);
      }
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int r = ty * kRows + i;
      if (key0 + r >= f.k_length) continue;
#pragma unroll
      for (int c = 0; c < kChunks; ++c) {
        const int64_t d = c * kTileWidth + 4 * tx;
        store4(v.dk + key_row(r) * v.dk_pitch, d, f.head_size, f.vector, dk[c][i]);
        store4(v.dv + key_row(r) * v.dv_pitch, d, f.head_size, f.vector, dv[c][i]);
      }
    }
  }
}

template <class T, int kChunks>
cudaError_t launch_backward(const BackwardView<T>& v, cudaStream_t s) {
  const int64_t rows = v.f.batch * v.f.q_length * v.f.heads, row_tasks = v.f.batch * v.f.tiles * v.f.groups;
  const int64_t key_tasks = v.f.batch * v.key_tiles * v.f.groups;
  cudaError_t e = cudaSuccess;
  if (rows > 0) e = launch(delta_kernel<T>, grid_for(rows, kTileThreads / 32), kTileThreads, 0, s, v);
  if (e == cudaSuccess && row_tasks > 0)
    e = launch(query_gradient_kernel<T, kChunks>, grid_of(row_tasks), kTileThreads, sizeof(Shared), s, v);
  if (e == cudaSuccess && key_tasks > 0)
    e = launch(key_gradient_kernel<T, kChunks>, grid_of(key_tasks), kTileThreads, sizeof(Shared), s, v);
  return e;
}

int64_t delta_bytes(const fovea_tensor& q) { return q.shape[0] * q.shape[1] * q.shape[2] * int64_t{sizeof(float)}; }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_attention_backward_workspace(const fovea_attention_params*, const fovea_tensor* q,
                                                           const fovea_tensor*, int64_t* bytes) {
  *bytes = delta_bytes(*q);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention_backward(const fovea_attention_params* params, const fovea_tensor* q,
                                                 const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* key_lengths,
                                                 const fovea_tensor* o, const fovea_tensor* lse, const fovea_tensor* d_o,
                                                 const fovea_tensor* dq, const fovea_tensor* dk, const fovea_tensor* dv,
                                                 const fovea_workspace* workspace, fovea_stream* stream) {
  if (elements(*dq) == 0 && elements(*dk) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace("attention_backward", workspace, delta_bytes(*q)));
  return with_float_type(q->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    BackwardView<T> view{};
    AttentionView<T>& f = view.f;
    f = attention_view<T>(*params, *q, *k, *v, *o, lse);
    if (key_lengths != nullptr) f.key_lengths = static_cast<const int32_t*>(key_lengths->data);
    view.d_o = static_cast<const T*>(d_o->data), view.d_o_pitch = d_o->pitch;
    view.dq = static_cast<T*>(dq->data), view.dq_pitch = dq->pitch;
    view.dk = static_cast<T*>(dk->data), view.dk_pitch = dk->pitch;
    view.dv = static_cast<T*>(dv->data), view.dv_pitch = dv->pitch;
    view.delta = static_cast<float*>(workspace->data);
    for (const fovea_tensor* t : {d_o, dq, dk, dv}) f.vector = f.vector && aligned_for_vectors(*t);
    f.tiles = (f.q_length * f.heads_per_group + kTileWidth - 1) / kTileWidth;
    view.key_tiles = (f.k_length + kTileKeys - 1) / kTileKeys;
    return submit(stream, "attention_backward", [&](cudaStream_t s) {
      if (f.head_size <= 64) return launch_backward<T, 1>(view, s);
      if (f.head_size <= 128) return launch_backward<T, 2>(view, s);
      return launch_backward<T, 4>(view, s);
    });
  });
}
