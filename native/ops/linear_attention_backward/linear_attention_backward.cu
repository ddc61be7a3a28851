// Gradients of linear attention on CUDA, in chunks of 64 positions as the forward kernel (the equations are in
// linear_attention_backward.h). A block takes 64 columns of v of a head through the chunks, in one of the two directions, and
// leaves the states before or the gradients behind each of them. Then a block for each chunk of each head: the two triangles of
// scores in registers, what they weigh in shared memory, and dq, dk and dv tile by tile. The heads of a group leave their parts
// of dq and dk in the workspace, and another kernel adds them in order.
#include "ops/linear_attention_backward/linear_attention_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/linear_attention/chunk_device.h"

namespace fovea::cuda {
namespace {

// The job's pointers to q, k, v, do and their gradients are not used: they are float. The tables of states and gradients are
// [batch][heads][chunks][P][D].
template <class T>
struct View {
  LinearAttentionBackwardJob j;
  const T *q, *k, *v, *d_o;
  T *dq, *dk, *dv;             // may be NULL
  float *dq_parts, *dk_parts;  // [batch][length][heads][D]
  bool vector, vector_tables;  // rows are aligned for loads of four

  FOVEA_DEVICE float* table(float* tables, int64_t b, int64_t head, int64_t chunk) const {
    const LinearAttentionJob& f = j.forward;
    return tables + ((b * f.heads + head) * j.chunks + chunk) * f.value_size * f.key_size;
  }
};

// One head of one batch entry, and a chunk of it.
template <class T>
struct Chunk {
  const View<T>& view;
  int64_t batch, head, group, start;
  int rows;

  FOVEA_DEVICE Chunk(const View<T>& v, int64_t b, int64_t h, int64_t chunk) : view(v), batch(b), head(h) {
    const LinearAttentionJob& f = v.j.forward;
    group = h / (f.heads / f.groups), start = chunk * kChunk;
    rows = int(f.length - start < kChunk ? f.length - start : kChunk);
  }
  FOVEA_DEVICE int64_t of_group(int r) const { return view.j.forward.group_row(batch, start + r, group); }
  FOVEA_DEVICE int64_t of_head(int r) const { return view.j.forward.head_row(batch, start + r, head); }

  FOVEA_DEVICE void load_decays(ChunkDecays& decays) const {
    const LinearAttentionJob& f = view.j.forward;
    const int r = int(threadIdx.x);
    if (r >= kChunk) return;
    decays.log_decay[r] = f.log_decay == nullptr || r >= rows ? 0.0f
                          : f.constant_decay                  ? f.log_decay[head]
                                             : f.log_decay[(batch * f.length + start + r) * f.decay_pitch + head];
  }
  // 64 columns from d or p on.
  FOVEA_DEVICE void load_q(TileRow* tile, int64_t d) const { load_keys(tile, view.q, view.j.forward.q_pitch, d); }
  FOVEA_DEVICE void load_k(TileRow* tile, int64_t d) const { load_keys(tile, view.k, view.j.forward.k_pitch, d); }
  FOVEA_DEVICE void load_v(TileRow* tile, int64_t p) const { load_values(tile, view.v, view.j.forward.v_pitch, p); }
  FOVEA_DEVICE void load_do(TileRow* tile, int64_t p) const { load_values(tile, view.d_o, view.j.d_o_pitch, p); }
  FOVEA_DEVICE void load_keys(TileRow* tile, const T* data, int64_t pitch, int64_t d) const {
    load_tile<kChunk, T>(tile, rows, d, view.j.forward.key_size, view.vector,
                         [&](int r) { return data + of_group(r) * pitch; });
  }
  FOVEA_DEVICE void load_values(TileRow* tile, const T* data, int64_t pitch, int64_t p) const {
    load_tile<kChunk, T>(tile, rows, p, view.j.forward.value_size, view.vector,
                         [&](int r) { return data + of_head(r) * pitch; });
  }
};

// Rows p .. p + 64 of a table, 64 columns from d on.
template <class T>
FOVEA_DEVICE void load_table(const View<T>& v, TileRow* tile, const float* table, int64_t p, int64_t d) {
  const LinearAttentionJob& f = v.j.forward;
  const int rows = int(f.value_size - p < kTileWidth ? f.value_size - p : kTileWidth);
  load_tile<kTileWidth, float>(tile, rows, d, f.key_size, v.vector_tables, [&](int r) { return table + (p + r) * f.key_size; });
}
// The same transposed: rows are d.
template <class T>
FOVEA_DEVICE void load_transposed(const View<T>& v, TileRow* tile, const float* table, int64_t p, int64_t d) {
  const LinearAttentionJob& f = v.j.forward;
  for (int i = int(threadIdx.x); i < kTileWidth * kTileWidth; i += kTileThreads) {
    const int row = i % kTileWidth, column = i / kTileWidth;
    const bool exists = d + row < f.key_size && p + column < f.value_size;
    tile[row][column] = exists ? table[(p + column) * f.key_size + d + row] : 0.0f;
  }
}

// ---- states and their gradients ----------------------------------------------------------------------------------------

struct StateShared : ChunkDecays {
  float a[kChunk][kTilePitch];
  float b[kChunk][kTilePitch];
};

template <class T>
__global__ void __launch_bounds__(kTileThreads, 1) linear_attention_backward_states_kernel(View<T> v, int64_t tiles) {
  auto& shared = *dynamic_shared<StateShared>();
  const LinearAttentionBackwardJob& j = v.j;
  const LinearAttentionJob& f = j.forward;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  const int64_t work = live_count(f.live, f.batch) * f.heads * tiles * 2;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const bool forward = item % 2 == 0;
    const int64_t p0 = item / 2 % tiles * kTileWidth, head = item / 2 / tiles % f.heads, batch = item / 2 / tiles / f.heads;
    const int64_t columns = f.value_size - p0 < kTileWidth ? f.value_size - p0 : kTileWidth;
    float* const tables = forward ? j.states : j.carries;
    const float* const given = forward ? f.state : j.d_final;
    const int64_t given_pitch = forward ? f.state_pitch : j.d_final_pitch, first_row = j.state_row(batch, head, 0);
    // What the caller brings, and for an empty sequence hands on.
    for (int64_t i = threadIdx.x; i < columns * f.key_size; i += kTileThreads) {
      const int64_t p = p0 + i % columns, d = i / columns;
      const float x = given == nullptr ? 0.0f : given[(first_row + d) * given_pitch + p];
      if (j.chunks > 0)
        v.table(tables, batch, head, forward ? 0 : j.chunks - 1)[p * f.key_size + d] = x;
      else if (!forward && j.d_initial != nullptr)
        j.d_initial[(first_row + d) * j.d_initial_pitch + p] = x;
    }
    for (int64_t step = 0; step < j.chunks; ++step) {
      const bool is_last = step + 1 == j.chunks;
      if (is_last && (forward || j.d_initial == nullptr)) break;
      const int64_t chunk = forward ? step : j.chunks - 1 - step;
      const Chunk<T> c(v, batch, head, chunk);
      __syncthreads();  // the table is there, and the tiles have been read
      c.load_decays(shared);
      __syncthreads();
      fill_weights(shared, c.rows);
      if (forward)
        c.load_v(shared.a, p0);
      else
        c.load_do(shared.a, p0);
      __syncthreads();
      for (int i = int(threadIdx.x); i < c.rows * kTileWidth; i += kTileThreads) {
        const int r = i / kTileWidth, p = i % kTileWidth;
        if (p < columns) shared.a[r][p] *= forward ? shared.to_end[r] : f.scale * shared.from_start[r];
      }
      const float decay = shared.from_start[c.rows - 1];
      const float* const from = v.table(tables, batch, head, chunk);
      float* const to = is_last ? nullptr : v.table(tables, batch, head, forward ? chunk + 1 : chunk - 1);
#pragma unroll 1
      for (int64_t d0 = 0; d0 < f.key_size; d0 += kTileWidth) {
        __syncthreads();
        if (forward)
          c.load_k(shared.b, d0);
        else
          c.load_q(shared.b, d0);
        __syncthreads();
        if (ty * kRows >= columns || d0 + 4 * tx >= f.key_size) continue;
        float added[kRows][4] = {};
        multiply_outer(added, shared.a, shared.b, c.rows);
#pragma unroll
        for (int i = 0; i < kRows; ++i)
#pragma unroll
          for (int k = 0; k < 4; ++k) {
            const int64_t p = p0 + ty * kRows + i, d = d0 + 4 * tx + k;
            if (p >= f.value_size || d >= f.key_size) continue;
            const float x = fmaf(decay, from[p * f.key_size + d], added[i][k]);
            if (is_last)
              j.d_initial[(first_row + d) * j.d_initial_pitch + p] = x;
            else
              to[p * f.key_size + d] = x;
          }
      }
    }
  }
}

// ---- chunks --------------------------------------------------------------------------------------------------------------

// `weights` become what passes between two positions: scale * decay * both scores.
struct ChunkShared : ChunkDecays {
  float a[kChunk][kTilePitch];
  float b[kChunk][kTilePitch];
  float by_values[kChunk][kTilePitch], by_keys[kChunk][kTilePitch];  // scale * decay * do v^T, and * q k^T
  float from_state[kChunk], to_state[kChunk];  // what passes from the state before to a position, from it to the state behind
  float sums[kTileThreads / kChunk][kChunk];
  float between;  // what passes from state to state
};

// The triangles of scores, and what is made of them.
template <class T>
FOVEA_DEVICE void fill_scores(const Chunk<T>& c, ChunkShared& shared) {
  const LinearAttentionJob& f = c.view.j.forward;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  float scores[kRows][4] = {}, value_scores[kRows][4] = {};
#pragma unroll 1
  for (int64_t d = 0; d < f.key_size; d += kTileWidth) {
    __syncthreads();
    c.load_q(shared.a, d), c.load_k(shared.b, d);
    __syncthreads();
    if (ty * kRows < c.rows) multiply_rows(scores, shared.a, shared.b, tile_depth(f.key_size, d));
  }
#pragma unroll 1
  for (int64_t p = 0; p < f.value_size; p += kTileWidth) {
    __syncthreads();
    c.load_do(shared.a, p), c.load_v(shared.b, p);
    __syncthreads();
    if (ty * kRows < c.rows) multiply_rows(value_scores, shared.a, shared.b, tile_depth(f.value_size, p));
  }
  __syncthreads();  // the weights are there also of a chunk without any columns
#pragma unroll
  for (int i = 0; i < kRows; ++i)
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int t = ty * kRows + i, at = tx + 16 * k;
      const float weight = f.scale * shared.weights[t][at];
      shared.by_keys[t][at] = weight * scores[i][k];
      shared.by_values[t][at] = weight * value_scores[i][k];
      shared.weights[t][at] = weight * scores[i][k] * value_scores[i][k];
    }
}

// Rows of x [64][P] times a table, for the columns from d on, each times its row's factor.
template <class T, class LoadX>
FOVEA_DEVICE void state_part(const Chunk<T>& c, ChunkShared& shared, const float* table, int64_t d, const float* factors,
                             const LoadX& load_x, float (&acc)[kRows][4]) {
  const LinearAttentionJob& f = c.view.j.forward;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll 1
  for (int64_t p = 0; p < f.value_size; p += kTileWidth) {
    __syncthreads();
    load_x(shared.a, p), load_table(c.view, shared.b, table, p, d);
    __syncthreads();
    if (d + 4 * tx < f.key_size) multiply_columns<kRows, false>(acc, shared.a, shared.b, tile_depth(f.value_size, p));
  }
#pragma unroll
  for (int i = 0; i < kRows; ++i)
#pragma unroll
    for (int k = 0; k < 4; ++k) acc[i][k] *= factors[ty * kRows + i];
}

// A thread's part of the products of its rows of acc with those of q or k in `tile`.
FOVEA_DEVICE void add_dots(const float (&acc)[kRows][4], const TileRow* tile, float (&dots)[kRows]) {
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll
  for (int i = 0; i < kRows; ++i)
#pragma unroll
    for (int k = 0; k < 4; ++k) dots[i] = fmaf(acc[i][k], tile[ty * kRows + i][4 * tx + k], dots[i]);
}
FOVEA_DEVICE void store_dots(const float (&dots)[kRows], float* to) {
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const float sum = warp_reduce<16>(dots[i], Sum{});
    if (threadIdx.x % 16 == 0) to[int(threadIdx.x) / 16 * kRows + i] = sum;
  }
}

template <class T>
FOVEA_DEVICE void store_part(const Chunk<T>& c, const float (&acc)[kRows][4], int64_t d, float* parts) {
  const int64_t size = c.view.j.forward.key_size;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll
  for (int i = 0; i < kRows; ++i)
    if (ty * kRows + i < c.rows)
      store4(parts + c.of_head(ty * kRows + i) * size, d + 4 * tx, size, c.view.vector_tables, acc[i]);
}

// The head's parts of dq and dk.
template <class T>
FOVEA_DEVICE void write_keys(const Chunk<T>& c, ChunkShared& shared, const float* state, const float* carry) {
  const View<T>& v = c.view;
  const LinearAttentionJob& f = v.j.forward;
  float q_dots[kRows] = {}, k_dots[kRows] = {};
#pragma unroll 1
  for (int64_t d = 0; d < f.key_size; d += kTileWidth) {
    float dq[kRows][4] = {}, dk[kRows][4] = {};
    state_part(
        c, shared, state, d, shared.from_start, [&](TileRow* tile, int64_t p) { c.load_do(tile, p); }, dq);
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int k = 0; k < 4; ++k) dq[i][k] *= f.scale;
    state_part(
        c, shared, carry, d, shared.to_end, [&](TileRow* tile, int64_t p) { c.load_v(tile, p); }, dk);
    __syncthreads();
    c.load_q(shared.a, d), c.load_k(shared.b, d);
    __syncthreads();
    if (d + 4 * int(threadIdx.x % 16) < f.key_size) {
      add_dots(dq, shared.a, q_dots), add_dots(dk, shared.b, k_dots);
      multiply_columns<kRows, false>(dq, shared.by_values, shared.b, (c.rows + 3) / 4 * 4);
      multiply_outer(dk, shared.by_values, shared.a, c.rows);
    }
    if (v.dq != nullptr) store_part(c, dq, d, v.dq_parts);
    if (v.dk != nullptr) store_part(c, dk, d, v.dk_parts);
  }
  store_dots(q_dots, shared.from_state), store_dots(k_dots, shared.to_state);
}

template <class T>
FOVEA_DEVICE void write_values(const Chunk<T>& c, ChunkShared& shared, const float* carry) {
  const View<T>& v = c.view;
  const LinearAttentionJob& f = v.j.forward;
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll 1
  for (int64_t p = 0; p < f.value_size; p += kTileWidth) {
    float dv[kRows][4] = {};
#pragma unroll 1
    for (int64_t d = 0; d < f.key_size; d += kTileWidth) {
      __syncthreads();
      c.load_k(shared.a, d), load_transposed(v, shared.b, carry, p, d);
      __syncthreads();
      multiply_columns<kRows, false>(dv, shared.a, shared.b, tile_depth(f.key_size, d));
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int k = 0; k < 4; ++k) dv[i][k] *= shared.to_end[ty * kRows + i];
    __syncthreads();
    c.load_do(shared.b, p);
    __syncthreads();
    if (p + 4 * tx < f.value_size) multiply_outer(dv, shared.by_keys, shared.b, c.rows);
#pragma unroll
    for (int i = 0; i < kRows; ++i)
      if (ty * kRows + i < c.rows)
        store4(v.dv + c.of_head(ty * kRows + i) * v.j.dv_pitch, p + 4 * tx, f.value_size, v.vector, dv[i]);
  }
}

// What passes position t: from keys before it to positions from it on, from the state before, to the state behind.
template <class T>
FOVEA_DEVICE void write_decays(const Chunk<T>& c, ChunkShared& shared, const float* state, const float* carry) {
  const LinearAttentionBackwardJob& j = c.view.j;
  const LinearAttentionJob& f = j.forward;
  float sum = 0.0f;
  for (int64_t i = threadIdx.x; i < f.value_size * f.key_size; i += kTileThreads) sum = fmaf(state[i], carry[i], sum);
  __syncthreads();  // all dots are there
  sum = Team<8>::reduce(sum, &shared.a[0][0], Sum{});
  constexpr int kPart = kChunk / (kTileThreads / kChunk);
  const int t = int(threadIdx.x) % kChunk, part = int(threadIdx.x) / kChunk;
  float passing = 0.0f;
  for (int i = part * kPart; i < (part + 1) * kPart; ++i)
    for (int k = 0; i >= t && k < t; ++k) passing += shared.weights[i][k];
  shared.sums[part][t] = passing;
  __syncthreads();
  if (part > 0 || t >= c.rows) return;
  float total = sum * shared.from_start[c.rows - 1];
  for (int k = 0; k < kTileThreads / kChunk; ++k) total += shared.sums[k][t];
  for (int i = t; i < c.rows; ++i) total += shared.from_state[i];
  for (int k = 0; k < t; ++k) total += shared.to_state[k];
  float* const to = f.constant_decay ? j.steps : j.d_decay;
  to[(c.batch * f.length + c.start + t) * (f.constant_decay ? f.heads : j.d_decay_pitch) + c.head] = total;
}

template <class T>
__global__ void __launch_bounds__(kTileThreads, 1) linear_attention_backward_chunk_kernel(View<T> v) {
  auto& shared = *dynamic_shared<ChunkShared>();
  const LinearAttentionBackwardJob& j = v.j;
  const LinearAttentionJob& f = j.forward;
  const int64_t work = live_count(f.live, f.batch) * f.heads * j.chunks;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t chunk = item % j.chunks, head = item / j.chunks % f.heads, batch = item / j.chunks / f.heads;
    const Chunk<T> c(v, batch, head, chunk);
    const float *const state = v.table(j.states, batch, head, chunk), *const carry = v.table(j.carries, batch, head, chunk);
    __syncthreads();  // the chunk before has been read
    c.load_decays(shared);
    __syncthreads();
    fill_weights(shared, c.rows);
    fill_scores(c, shared);
    write_keys(c, shared, state, carry);
    if (v.dv != nullptr) write_values(c, shared, carry);
    if (j.d_decay != nullptr) write_decays(c, shared, state, carry);
  }
}

// ---- sums ------------------------------------------------------------------------------------------------------------------

template <class T>
__global__ void __launch_bounds__(kTileThreads)
    linear_attention_backward_heads_kernel(LinearAttentionJob f, const float* parts, T* to, int64_t pitch) {
  const int64_t per_group = f.heads / f.groups, size = f.key_size;
  const int64_t values = live_count(f.live, f.batch) * f.length * f.groups * size;
  for (int64_t i = int64_t{blockIdx.x} * kTileThreads + threadIdx.x; i < values; i += int64_t{gridDim.x} * kTileThreads) {
    const int64_t row = quotient(i, size), d = i - row * size;  // row: of a position and group
    float sum = 0.0f;
    for (int64_t head = 0; head < per_group; ++head) sum += parts[(row * per_group + head) * size + d];
    to[row * pitch + d] = from_float<T>(sum);
  }
}

__global__ void __launch_bounds__(kTileThreads) linear_attention_backward_steps_kernel(LinearAttentionBackwardJob j) {
  __shared__ float scratch[8][32];
  const LinearAttentionJob& f = j.forward;
  sum_columns(j.steps, live_count(f.live, f.batch) * f.length, f.heads, f.heads, scratch, j.d_decay);
}

// ---- launch
// ------------------------------------------------------------------------------------------------------------------

// Floats of the workspace: two tables, the steps' gradients of the decays, two lots of parts.
struct Sizes {
  int64_t chunks, table, steps, parts;
  int64_t bytes() const { return (2 * table + steps + 2 * parts) * int64_t{sizeof(float)}; }
};
fovea_status make_sizes(const fovea_tensor& q, const fovea_tensor& v, Sizes* sizes) {
  const int64_t batch = v.shape[0], length = v.shape[1], heads = v.shape[2], keys = q.shape[3], values = v.shape[3];
  const int64_t chunks = (length + kChunk - 1) / kChunk;
  const double rows = double(batch) * double(heads), table = double(chunks) * double(values) * double(keys);
  FOVEA_CHECK(rows * (table + double(length) * double(keys + 1)) < 140737488355328.0,
              "linear_attention_backward: too large (q is %s, v is %s)", describe(q), describe(v));
  const auto whole = [](int64_t n) { return (n + 15) / 16 * 16; };  // the next part stays aligned
  *sizes = {chunks, whole(batch * heads * chunks * values * keys), whole(batch * length * heads),
            whole(batch * length * heads * keys)};
  return FOVEA_OK;
}

template <class T>
cudaError_t launch_all(const View<T>& view, cudaStream_t s) {
  const LinearAttentionBackwardJob& j = view.j;
  const LinearAttentionJob& f = j.forward;
  const auto blocks = [](int64_t n) { return unsigned(n < 1 ? 1 : n < INT32_MAX ? n : INT32_MAX); };
  const int64_t tiles = (f.value_size + kTileWidth - 1) / kTileWidth;
  cudaError_t e = cudaSuccess;
  if (tiles > 0)
    e = launch(linear_attention_backward_states_kernel<T>, blocks(2 * f.batch * f.heads * tiles), kTileThreads,
               sizeof(StateShared), s, view, tiles);
  if (e == cudaSuccess)
    e = launch(linear_attention_backward_chunk_kernel<T>, blocks(f.batch * f.heads * j.chunks), kTileThreads,
               sizeof(ChunkShared), s, view);
  const auto sum_heads = [&](const float* parts, T* to, int64_t pitch) {
    if (to == nullptr || e != cudaSuccess) return;
    e = launch(linear_attention_backward_heads_kernel<T>, grid_for(f.batch * f.length * f.groups * f.key_size, kTileThreads),
               kTileThreads, 0, s, f, parts, to, pitch);
  };
  sum_heads(view.dq_parts, view.dq, j.dq_pitch);
  sum_heads(view.dk_parts, view.dk, j.dk_pitch);
  if (e != cudaSuccess || j.d_decay == nullptr || !f.constant_decay) return e;
  return launch(linear_attention_backward_steps_kernel, grid_for(f.heads, 32), kTileThreads, 0, s, j);
}

bool is_aligned(const fovea_tensor* t) {
  return t == nullptr || elements(*t) == 0 ||
         (reinterpret_cast<uintptr_t>(t->data) % (4 * t->dtype.bits / 8) == 0 && t->pitch % 4 == 0);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_linear_attention_backward_workspace(const fovea_linear_attention_params*, const fovea_tensor* q,
                                                                  const fovea_tensor* v, int64_t* bytes) {
  Sizes sizes{};
  FOVEA_TRY(make_sizes(*q, *v, &sizes));
  *bytes = sizes.bytes();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_attention_backward(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                                        const fovea_tensor* k, const fovea_tensor* v,
                                                        const fovea_tensor* log_decay, const fovea_tensor* initial_state,
                                                        const fovea_tensor* d_o, const fovea_tensor* d_final_state,
                                                        const fovea_linear_attention_gradients* gradients,
                                                        const fovea_workspace* workspace, fovea_stream* stream) {
  Sizes sizes{};
  FOVEA_TRY(make_sizes(*q, *v, &sizes));
  FOVEA_TRY(check_workspace("linear_attention_backward", workspace, sizes.bytes()));
  const fovea_linear_attention_gradients& g = *gradients;
  return with_float_type(q->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    View<T> view{};
    LinearAttentionBackwardJob& job = view.j;
    bind_linear_inputs(job.forward, *params, *q, *k, *v, log_decay, initial_state);
    bind_linear_backward(job, *d_o, d_final_state, g);
    job.chunks = sizes.chunks;
    if (sizes.bytes() > 0) job.states = static_cast<float*>(workspace->data);
    job.carries = job.states + sizes.table, job.steps = job.carries + sizes.table;
    view.dq_parts = job.steps + sizes.steps, view.dk_parts = view.dq_parts + sizes.parts;
    view.q = static_cast<const T*>(q->data), view.k = static_cast<const T*>(k->data);
    view.v = static_cast<const T*>(v->data), view.d_o = static_cast<const T*>(d_o->data);
    const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<T*>(t->data); };
    view.dq = data(g.dq), view.dk = data(g.dk), view.dv = data(g.dv);
    view.vector = is_aligned(q) && is_aligned(k) && is_aligned(v) && is_aligned(d_o) && is_aligned(g.dv);
    view.vector_tables = q->shape[3] % 4 == 0;
    return submit(stream, "linear_attention_backward", [&](cudaStream_t s) { return launch_all<T>(view, s); });
  });
}
