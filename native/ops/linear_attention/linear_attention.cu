// Linear attention in chunks of 64 positions, f32 on CUDA cores. A block owns a head's state for 64 columns of v and walks
// through time: inside a chunk the quadratic form, between chunks the state, which lies in global memory (the caller's, or the
// workspace) because nobody else reads those columns. The caller's chunk size would change the result by rounding only.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "fovea/sequence.h"
#include "ops/linear_attention/chunk_device.h"

namespace fovea::cuda {
namespace {

template <class T>
struct View {
  const T *q, *k, *v;
  T* o;
  const float* log_decay;  // may be NULL
  float* state;            // NULL when nothing has to be carried
  int64_t q_pitch, k_pitch, v_pitch, o_pitch, decay_pitch, state_pitch;
  int64_t batch, length, groups, heads, key_size, value_size, tiles;
  const int32_t* live;
  bool constant_decay;   // [H] instead of [B][L][H]
  bool starts_at_state;  // else at zeros
  bool keeps_state;      // after the last chunk
  bool vector;
  float scale;
};

// The weights become those of the values: times the scores.
struct Shared : ChunkDecays {
  float a[kChunk][kTilePitch];
  float b[kChunk][kTilePitch];
};

template <class T>
__global__ void __launch_bounds__(kTileThreads, 1) linear_attention_kernel(View<T> v) {
  auto& shared = *dynamic_shared<Shared>();
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
  const int64_t work = live_count(v.live, v.batch) * v.heads * v.tiles;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t column0 = item % v.tiles * kTileWidth, head = item / v.tiles % v.heads, batch = item / v.tiles / v.heads;
    const int64_t group = head / (v.heads / v.groups), columns = v.value_size - column0;
    float* state = v.state == nullptr ? nullptr : v.state + (batch * v.heads + head) * v.key_size * v.state_pitch + column0;
    for (int64_t t0 = 0; t0 < v.length; t0 += kChunk) {
      const int rows = int(v.length - t0 < kChunk ? v.length - t0 : kChunk);
      const bool is_last = t0 + kChunk >= v.length, has_state = t0 > 0 || v.starts_at_state;
      const auto position = [&](int r) { return batch * v.length + t0 + r; };
      const auto load_keys = [&](TileRow* tile, int64_t d) {
        load_tile<kChunk, T>(tile, rows, d, v.key_size, v.vector,
                             [&](int r) { return v.k + (position(r) * v.groups + group) * v.k_pitch; });
      };
      __syncthreads();  // the chunk before may still be reading
      if (threadIdx.x < kChunk) {
        const int r = int(threadIdx.x);
        float log_decay = 0.0f;
        if (v.log_decay != nullptr && r < rows)
          log_decay = v.constant_decay ? v.log_decay[head] : v.log_decay[position(r) * v.decay_pitch + head];
        shared.log_decay[r] = log_decay;
      }
      __syncthreads();
      fill_weights(shared, rows);

      float acc[kRows][4] = {}, scores[kRows][4] = {};
#pragma unroll 1
      for (int64_t d = 0; d < v.key_size; d += kTileWidth) {
        const int depth = tile_depth(v.key_size, d);
        __syncthreads();
        load_tile<kChunk, T>(shared.a, rows, d, v.key_size, v.vector,
                             [&](int r) { return v.q + (position(r) * v.groups + group) * v.q_pitch; });
        load_keys(shared.b, d);
        __syncthreads();
        if (ty * kRows < rows) multiply_rows(scores, shared.a, shared.b, depth);
        if (!has_state) continue;
        __syncthreads();
        const int state_rows = int(v.key_size - d < kTileWidth ? v.key_size - d : kTileWidth);
        load_tile<kTileWidth, float>(shared.b, state_rows, 0, columns, false,
                                     [&](int r) { return state + (d + r) * v.state_pitch; });
        __syncthreads();
        if (ty * kRows < rows && 4 * tx < columns) multiply_columns<kRows, false>(acc, shared.a, shared.b, depth);
      }
      __syncthreads();  // the weights are there, and b is free
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const int t = ty * kRows + i;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          acc[i][j] *= shared.from_start[t];
          shared.weights[t][tx + 16 * j] *= scores[i][j];
        }
      }
      load_tile<kChunk, T>(shared.b, rows, column0, v.value_size, v.vector,
                           [&](int r) { return v.v + (position(r) * v.heads + head) * v.v_pitch; });
      __syncthreads();
      if (ty * kRows < rows && 4 * tx < columns)
        multiply_columns<kRows, false>(acc, shared.weights, shared.b, (rows + 3) / 4 * 4);
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const int t = ty * kRows + i;
        if (t >= rows) continue;
        float values[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) values[j] = v.scale * acc[i][j];
        store4(v.o + (position(t) * v.heads + head) * v.o_pitch, column0 + 4 * tx, v.value_size, v.vector, values);
      }
      if (state == nullptr || (is_last && !v.keeps_state)) continue;

      __syncthreads();
      for (int i = int(threadIdx.x); i < rows * kTileWidth; i += kTileThreads)
        if (i % kTileWidth < columns) shared.b[i / kTileWidth][i % kTileWidth] *= shared.to_end[i / kTileWidth];
      const float decay = shared.from_start[rows - 1];
#pragma unroll 1
      for (int64_t d = 0; d < v.key_size; d += kTileWidth) {
        __syncthreads();
        load_keys(shared.a, d);
        __syncthreads();
        if (4 * ty >= v.key_size - d || 4 * tx >= columns) continue;
        float added[kRows][4] = {};
        multiply_outer(added, shared.a, shared.b, rows);
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
          if (d + ty * kRows + i >= v.key_size) continue;
          float* row = state + (d + ty * kRows + i) * v.state_pitch + 4 * tx;
#pragma unroll
          for (int j = 0; j < 4; ++j)
            if (4 * tx + j < columns) row[j] = has_state ? fmaf(decay, row[j], added[i][j]) : added[i][j];
        }
      }
    }
  }
}

// States of calls that bring none; a single chunk carries nothing.
int64_t state_bytes(const fovea_tensor& q, const fovea_tensor& v) {
  if (v.shape[1] <= kChunk) return 0;
  return v.shape[0] * v.shape[2] * q.shape[3] * v.shape[3] * int64_t{sizeof(float)};
}
fovea_status check_size(const fovea_tensor& q, const fovea_tensor& v) {
  const double size = double(v.shape[0]) * double(v.shape[2]) * double(q.shape[3]) * double(v.shape[3]);
  FOVEA_CHECK(size < 1125899906842624.0, "linear_attention: too large states: q is %s, v is %s", describe(q), describe(v));
  return FOVEA_OK;
}

template <class Tensor>
bool is_aligned(const Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data) % (4 * t.dtype.bits / 8) == 0 && t.pitch % 4 == 0;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_linear_attention_workspace(const fovea_linear_attention_params*, const fovea_tensor* q,
                                                         const fovea_tensor* v, int64_t* bytes) {
  FOVEA_TRY(check_size(*q, *v));
  *bytes = state_bytes(*q, *v);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_attention(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                               const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* log_decay,
                                               const fovea_tensor* state, const fovea_tensor* o,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  if (elements(*o) == 0) return FOVEA_OK;
  FOVEA_TRY(check_size(*q, *v));
  FOVEA_TRY(check_workspace("linear_attention", workspace, state_bytes(*q, *v)));
  return with_float_type(q->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    View<T> view{};
    view.q = static_cast<const T*>(q->data), view.q_pitch = q->pitch;
    view.k = static_cast<const T*>(k->data), view.k_pitch = k->pitch;
    view.v = static_cast<const T*>(v->data), view.v_pitch = v->pitch;
    view.o = static_cast<T*>(o->data), view.o_pitch = o->pitch;
    view.batch = v->shape[0], view.length = v->shape[1], view.groups = q->shape[2], view.heads = v->shape[2];
    view.key_size = q->shape[3], view.value_size = v->shape[3];
    view.tiles = (view.value_size + kTileWidth - 1) / kTileWidth;
    if (log_decay != nullptr) {
      view.log_decay = static_cast<const float*>(log_decay->data), view.decay_pitch = log_decay->pitch;
      view.constant_decay = log_decay->rank == 1;
    }
    view.starts_at_state = view.keeps_state = state != nullptr;
    if (state != nullptr) {
      view.state = static_cast<float*>(state->data), view.state_pitch = state->pitch;
    } else if (view.length > kChunk) {
      view.state = static_cast<float*>(workspace->data), view.state_pitch = view.value_size;
    }
    view.live = q->live;
    view.vector = is_aligned(*v) && is_aligned(*o) && (view.key_size == 0 || (is_aligned(*q) && is_aligned(*k)));
    view.scale = params->scale == 0 ? 1.0f : params->scale;
    const int64_t blocks = view.batch * view.heads * view.tiles;
    return submit(stream, "linear_attention", [&](cudaStream_t s) {
      return launch(linear_attention_kernel<T>, unsigned(blocks < INT32_MAX ? blocks : INT32_MAX), kTileThreads, sizeof(Shared),
                    s, view);
    });
  });
}
