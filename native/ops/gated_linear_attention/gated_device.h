// What the kernels of gated linear attention and of its gradients share: a block of 8 warps holds 32 columns of the memory, a
// lane each; warp w has keys w, w + 8, ..
#pragma once

#include "cuda/elements.h"
#include "ops/gated_linear_attention/gated_linear_attention.h"

namespace fovea::cuda {

inline constexpr int kGatedWarps = 8, kGatedThreads = 32 * kGatedWarps;

// The vectors of a position in shared memory, zeros behind the last key. Without log decays the decay is 1.
struct GatedKeys {
  float q[kMaxGatedKeys], k[kMaxGatedKeys], decay[kMaxGatedKeys];
  float removal[kMaxGatedKeys], replacement[kMaxGatedKeys];

  // The block calls it together, with __syncthreads() before and behind.
  FOVEA_DEVICE void load(const GatedAttentionJob& j, int64_t row) {
    for (int d = int(threadIdx.x); d < kMaxGatedKeys; d += kGatedThreads) {
      const bool real = d < j.keys;
      q[d] = real ? j.q[row * j.q_pitch + d] : 0.0f;
      k[d] = real ? j.k[row * j.k_pitch + d] : 0.0f;
      decay[d] = real && j.log_decay != nullptr ? expf(j.log_decay_of(row)[d]) : 1.0f;
      removal[d] = real && j.removal != nullptr ? j.removal[row * j.removal_pitch + d] : 0.0f;
      replacement[d] = real && j.removal != nullptr ? j.replacement[row * j.replacement_pitch + d] : 0.0f;
    }
  }
};

// Sums over the warps of a block, in their order; every thread gets that of its lane. Holds one __syncthreads(): two calls on
// the same table need another between them.
FOVEA_DEVICE float sum_warps(float v, float (*table)[32]) {
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  table[warp][lane] = v;
  __syncthreads();
  float sum = table[0][lane];
#pragma unroll
  for (int w = 1; w < kGatedWarps; ++w) sum += table[w][lane];
  return sum;
}

// The keys of a thread in its column.
template <int kOwn>
struct GatedColumn {
  float s[kOwn];

  FOVEA_DEVICE static int key(int i) { return int(threadIdx.x) / 32 + i * kGatedWarps; }

  FOVEA_DEVICE float removed(const GatedKeys& at, float (*table)[32]) const {
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) sum = fmaf(at.removal[key(i)], s[i], sum);
    return sum_warps(sum, table);
  }
  // What key i becomes at a position with the value v.
  FOVEA_DEVICE float next(const GatedKeys& at, int i, float v, float removed) const {
    return fmaf(at.replacement[key(i)], removed, fmaf(at.decay[key(i)], s[i], at.k[key(i)] * v));
  }
  FOVEA_DEVICE void advance(const GatedKeys& at, float v, float removed) {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) s[i] = next(at, i, v, removed);
  }
};

// body(KeysPerThread<N>{}) with the fewest keys per thread that hold all of them.
template <int kCount>
struct KeysPerThread {
  static constexpr int value = kCount;
};
template <class Body>
auto with_keys_per_thread(int64_t keys, Body&& body) {
  if (keys <= 4 * kGatedWarps) return body(KeysPerThread<4>{});
  if (keys <= 8 * kGatedWarps) return body(KeysPerThread<8>{});
  if (keys <= 16 * kGatedWarps) return body(KeysPerThread<16>{});
  return body(KeysPerThread<32>{});
}

}  // namespace fovea::cuda
