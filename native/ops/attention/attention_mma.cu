// Attention of 16-bit types with mma.sync m16n8k16 and f32 accumulators (after Dao, "FlashAttention-2"): a block of 4 warps
// owns 64 rows, a warp 16 of them. Keys and values come 64 (or 32) at a time by cp.async, the next ones while these are worked
// on. Scores leave the first product as the fragments that the second one takes, rounded to the type.
//
// Fragments (lane = 4 g + c): an accumulator holds rows g and g + 8, columns 2c and 2c + 1 of its 16 x 8 tile.
#include "ops/attention/attention_mma.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128, kTileRows = 64;

// Rows of kHead elements in chunks of 16 bytes. Chunk c of row r lies at c ^ (r % 8), so that ldmatrix finds the 8 rows of a
// matrix in 8 different bank groups.
template <class T, int kHead>
FOVEA_DEVICE T* chunk_at(T (*tile)[kHead], int row, int chunk) {
  return &tile[row][(chunk ^ (row & 7)) * 8];
}

// kKeys per step: fewer for large heads, whose accumulators fill the registers.
template <class T, int kHead, int kKeys>
struct Shared {
  T q[kTileRows][kHead], k[2][kKeys][kHead], v[2][kKeys][kHead];
};

FOVEA_DEVICE void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __half) { mma_f16(d, a, b); }
FOVEA_DEVICE void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __nv_bfloat16) { mma_bf16(d, a, b); }
FOVEA_DEVICE uint32_t pack(float low, float high, __half) { return pack_f16(low, high); }
FOVEA_DEVICE uint32_t pack(float low, float high, __nv_bfloat16) { return pack_bf16(low, high); }

// kCount rows of `chunks`; zeros from `rows` on. `row_at(r)` is the first element of row r; `any` is a valid address.
template <int kCount, class T, int kHead, class RowAt>
FOVEA_DEVICE void copy_tile(T (*tile)[kHead], int rows, int chunks, const T* any, const RowAt& row_at) {
  for (int i = int(threadIdx.x); i < kCount * chunks; i += kThreads) {
    const int r = i / chunks, c = i % chunks;
    cp_async16(chunk_at(tile, r, c), r < rows ? row_at(r) + c * 8 : any, r < rows);
  }
}

// The two rows of a thread: what they see, the running maximum in units of log2, this thread's part of the sum.
struct Rows {
  KeySpan span[2];
  float max[2], sum[2];
};

// Sums and maxima of a row lie in the 4 lanes of one g.
FOVEA_DEVICE float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
FOVEA_DEVICE float quad_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// Products q . k of the tile into probabilities; returns by how much what was accumulated before fades.
template <class T, int kScoreTiles>
FOVEA_DEVICE void softmax_step(const AttentionView<T>& v, Rows& rows, float (&s)[kScoreTiles][4], int64_t key0, bool masked,
                               float (&fade)[2]) {
  const int c = int(threadIdx.x) % 4;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    float top = -INFINITY;
    uint32_t seen = 0xffffffffu;  // a bit per score
#pragma unroll
    for (int n = 0; n < kScoreTiles; ++n)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& x = s[n][2 * i + e];
        x = v.softcap > 0 ? v.softcap * kAttentionLog2E * tanhf(x * (v.scale / v.softcap)) : x * (v.scale * kAttentionLog2E);
        if (masked) {
          const int64_t key = key0 + 8 * n + 2 * c + e;
          if (key < rows.span[i].begin || key >= rows.span[i].end) {
            seen &= ~(1u << (2 * n + e));
            continue;
          }
        }
        top = fmaxf(top, x);  // drops a NaN, which its probability then passes on
      }
    top = fmaxf(rows.max[i], quad_max(top));
    const float shift = top == -INFINITY ? 0.0f : top;  // -inf - -inf would be NaN
    fade[i] = exp2f(rows.max[i] - shift);
    rows.max[i] = top;
    rows.sum[i] *= fade[i];
#pragma unroll
    for (int n = 0; n < kScoreTiles; ++n)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& x = s[n][2 * i + e];
        x = (seen >> (2 * n + e) & 1u) != 0 ? exp2f(x - shift) : 0.0f;
        rows.sum[i] += x;
      }
  }
}

template <int kKeys, class T, int kHead>
FOVEA_DEVICE bool holds_infinity_or_nan(T (*tile)[kHead], int chunks) {
  bool found = false;
  for (int i = int(threadIdx.x); i < kKeys * chunks; i += kThreads) {
    const T* chunk = chunk_at(tile, i / chunks, i % chunks);
#pragma unroll
    for (int e = 0; e < 8; ++e) found |= !(fabsf(to_float(chunk[e])) < INFINITY);
  }
  return found;
}

// o += p v without tensor cores, for tiles where a mask hides an infinity or NaN: zero times it must stay zero. The
// probabilities go through shared memory that the tile's keys no longer need.
template <class T, int kHead, int kScoreTiles>
FOVEA_DEVICE void add_values_one_by_one(float (&o)[kHead / 8][4], const float (&s)[kScoreTiles][4], T (*scratch)[kHead],
                                        T (*values)[kHead], int head_size) {
  constexpr int kKeys = 8 * kScoreTiles;
  T(*p)[kKeys] = reinterpret_cast<T(*)[kKeys]>(scratch);
  const int lane = int(threadIdx.x) % 32, g = lane / 4, c = lane % 4, row = int(threadIdx.x) / 32 * 16 + g;
#pragma unroll
  for (int n = 0; n < kScoreTiles; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) p[row + e / 2 * 8][8 * n + 2 * c + e % 2] = from_float<T>(s[n][e]);
  __syncwarp();
#pragma unroll 1
  for (int key = 0; key < kKeys; ++key) {
    const float weights[2] = {to_float(p[row][key]), to_float(p[row + 8][key])};
#pragma unroll
    for (int n = 0; n < kHead / 8; ++n) {
      if (8 * n >= head_size) continue;
      const T* v = chunk_at(values, key, n) + 2 * c;
#pragma unroll
      for (int e = 0; e < 4; ++e)
        if (weights[e / 2] != 0.0f) o[n][e] = fmaf(weights[e / 2], to_float(v[e % 2]), o[n][e]);
    }
  }
}

template <class T, int kHead, int kKeys>
__global__ void __launch_bounds__(kThreads, 2) attention_mma_kernel(AttentionView<T> v) {
  auto& shared = *dynamic_shared<Shared<T, kHead, kKeys>>();
  const int lane = int(threadIdx.x) % 32, warp_row = int(threadIdx.x) / 32 * 16, g = lane / 4, c = lane % 4;
  const int head_size = int(v.head_size), chunks = head_size / 8;
  const int64_t tasks = task_count(v);
  for (int64_t item = blockIdx.x; item < tasks; item += gridDim.x) {
    AttentionTask task;
    if (!find_task(v, item, &task)) continue;
    const AttentionSequence& seq = task.sequence;
    const int64_t all_rows = seq.q_length * v.heads_per_group, row0 = task.tile * kTileRows;
    const int rows_here = int(all_rows - row0 < kTileRows ? all_rows - row0 : kTileRows);
    const bool idle = warp_row >= rows_here;  // the whole warp
    const KeySpan first = keys_of(v, seq, row0 / v.heads_per_group);
    const KeySpan last = keys_of(v, seq, (row0 + rows_here - 1) / v.heads_per_group);
    const int64_t tiles = (last.end - first.begin + kKeys - 1) / kKeys;

    const auto copy_keys = [&](int64_t tile, int stage) {
      const int64_t key0 = first.begin + tile * kKeys;
      const int keys = int(last.end - key0 < kKeys ? last.end - key0 : kKeys);
      const int64_t row = (seq.k_begin + key0) * v.groups + task.group;
      copy_tile<kKeys>(shared.k[stage], keys, chunks, v.k, [&](int r) { return v.k + (row + r * v.groups) * v.k_pitch; });
      copy_tile<kKeys>(shared.v[stage], keys, chunks, v.v, [&](int r) { return v.v + (row + r * v.groups) * v.v_pitch; });
    };
    __syncthreads();  // the task before may still be reading
    copy_tile<kTileRows>(shared.q, rows_here, chunks, v.q,
                         [&](int r) { return v.q + row_of(v, seq, task.group, row0 + r) * v.q_pitch; });
    if (tiles > 0) copy_keys(0, 0);
    cp_async_commit();

    Rows rows;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int r = warp_row + g + 8 * i;
      rows.span[i] = r < rows_here ? keys_of(v, seq, (row0 + r) / v.heads_per_group) : KeySpan{0, 0};
      rows.max[i] = -INFINITY, rows.sum[i] = 0.0f;
    }
    float o[kHead / 8][4] = {};

#pragma unroll 1
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int stage = int(tile % 2);
      if (tile + 1 < tiles) copy_keys(tile + 1, 1 - stage);
      cp_async_commit();
      cp_async_wait<1>();
      __syncthreads();
      const int64_t key0 = first.begin + tile * kKeys;
      const bool masked = key0 < last.begin || key0 + kKeys > first.end;

      float s[kKeys / 8][4] = {};
      if (!idle) {
#pragma unroll
        for (int k = 0; k < kHead / 16; ++k) {
          if (16 * k >= head_size) continue;
          uint32_t a[4];
          ldmatrix_x4(a, chunk_at(shared.q, warp_row + lane % 16, 2 * k + lane / 16));
#pragma unroll
          for (int n = 0; n < kKeys / 8; n += 2) {
            uint32_t b[4];
            ldmatrix_x4(b, chunk_at(shared.k[stage], 8 * n + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
            multiply(s[n], a, {b[0], b[1]}, T{});
            multiply(s[n + 1], a, {b[2], b[3]}, T{});
          }
        }
        float fade[2];
        softmax_step(v, rows, s, key0, masked, fade);
#pragma unroll
        for (int n = 0; n < kHead / 8; ++n)
#pragma unroll
          for (int e = 0; e < 4; ++e) o[n][e] *= fade[e / 2];
      }
      const bool hides = masked && holds_infinity_or_nan<kKeys>(shared.v[stage], chunks);
      if (masked && __syncthreads_or(hides)) {
        if (!idle) add_values_one_by_one<T, kHead>(o, s, shared.k[stage], shared.v[stage], head_size);
      } else if (!idle) {
#pragma unroll
        for (int k = 0; k < kKeys / 16; ++k) {
          const uint32_t a[4] = {pack(s[2 * k][0], s[2 * k][1], T{}), pack(s[2 * k][2], s[2 * k][3], T{}),
                                 pack(s[2 * k + 1][0], s[2 * k + 1][1], T{}), pack(s[2 * k + 1][2], s[2 * k + 1][3], T{})};
#pragma unroll
          for (int n = 0; n < kHead / 8; n += 2) {
            if (8 * n >= head_size) continue;
            uint32_t b[4];
            ldmatrix_x4_trans(b, chunk_at(shared.v[stage], 16 * k + lane % 16, n + lane / 16));
            multiply(o[n], a, {b[0], b[1]}, T{});
            multiply(o[n + 1], a, {b[2], b[3]}, T{});
          }
        }
      }
      __syncthreads();  // the stage is free
    }
    cp_async_wait<0>();

#pragma unroll
    for (int i = 0; i < 2; ++i) {
      rows.sum[i] = quad_sum(rows.sum[i]);
      const int r = warp_row + g + 8 * i;
      if (r >= rows_here) continue;
      const bool sees_nothing = rows.span[i].begin >= rows.span[i].end;
      T* out = v.o + row_of(v, seq, task.group, row0 + r) * v.o_pitch + 2 * c;
#pragma unroll
      for (int n = 0; n < kHead / 8; ++n) {
        if (8 * n >= head_size) continue;
        const float x = sees_nothing ? 0.0f : o[n][2 * i] / rows.sum[i];
        const float y = sees_nothing ? 0.0f : o[n][2 * i + 1] / rows.sum[i];
        *reinterpret_cast<uint32_t*>(out + 8 * n) = pack(x, y, T{});
      }
      if (v.lse == nullptr || c != 0) continue;
      const float shift = rows.max[i] == -INFINITY ? 0.0f : rows.max[i];
      v.lse[lse_index(v, seq, task.group, row0 + r)] = sees_nothing ? -INFINITY : fmaf(shift, kAttentionLn2, logf(rows.sum[i]));
    }
  }
}

template <class T, int kHead, int kKeys>
cudaError_t launch_tiles(const AttentionView<T>& v, cudaStream_t stream) {
  const int64_t tasks = (v.list != nullptr ? 1 : v.batch) * v.tiles * v.groups;
  return launch(attention_mma_kernel<T, kHead, kKeys>, grid_of(tasks), kThreads, sizeof(Shared<T, kHead, kKeys>), stream, v);
}

// Shared memory: 40, 80 and 96 KB.
template <class T>
cudaError_t launch_by_head(const AttentionView<T>& v, cudaStream_t stream) {
  if (v.head_size <= 64) return launch_tiles<T, 64, 64>(v, stream);
  if (v.head_size <= 128) return launch_tiles<T, 128, 64>(v, stream);
  return launch_tiles<T, 256, 32>(v, stream);
}

}  // namespace

cudaError_t launch_attention_mma(const AttentionView<__half>& v, cudaStream_t stream) { return launch_by_head(v, stream); }
cudaError_t launch_attention_mma(const AttentionView<__nv_bfloat16>& v, cudaStream_t stream) {
  return launch_by_head(v, stream);
}

}  // namespace fovea::cuda
