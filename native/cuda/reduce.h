// Reductions in a fixed order: over a warp, and over the threads that share a row.
#pragma once

#include "cuda/base.h"

namespace fovea::cuda {

struct Sum {
  template <class T>
  FOVEA_DEVICE T operator()(T a, T b) const {
    return a + b;
  }
};
// NaN if either is NaN.
struct Maximum {
  template <class T>
  FOVEA_DEVICE T operator()(T a, T b) const {
    return a != a || a > b ? a : b;
  }
};
struct Minimum {
  template <class T>
  FOVEA_DEVICE T operator()(T a, T b) const {
    return a != a || a < b ? a : b;
  }
};

// Over each kLanes neighbours of a warp, a power of two. Every lane gets the result; op is commutative, so all lanes combine
// alike. The whole warp takes part.
template <int kLanes = 32, class T, class Op>
FOVEA_DEVICE T warp_reduce(T v, Op op) {
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) v = op(v, __shfl_xor_sync(~0u, v, step));
  return v;
}

// A block of 256 threads cut into teams of `kWarps` warps (1 or 8) that each work on a row.
template <int kWarps>
struct Team {
  static constexpr int kThreads = 256, kLanes = 32 * kWarps, kTeams = 8 / kWarps;
  static_assert(kWarps == 1 || kWarps == 8);

  FOVEA_DEVICE static int lane() { return int(threadIdx.x) % kLanes; }
  // The first row of this team, and the distance to its next.
  FOVEA_DEVICE static int64_t first() { return int64_t{blockIdx.x} * kTeams + int(threadIdx.x) / kLanes; }
  FOVEA_DEVICE static int64_t stride() { return int64_t{gridDim.x} * kTeams; }
  static unsigned blocks(int64_t rows) {
    const int64_t n = (rows + kTeams - 1) / kTeams;
    return static_cast<unsigned>(n < 1 ? 1 : n < 132 * 64 ? n : 132 * 64);
  }

  // Every thread of the team gets the result. `scratch` is shared memory of 8 T; all threads of the block call with it when a
  // team is the block.
  template <class T, class Op>
  FOVEA_DEVICE static T reduce(T v, T* scratch, Op op) {
    v = warp_reduce(v, op);
    if constexpr (kWarps > 1) {
      __syncthreads();  // the results of the call before have been read
      if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = v;
      __syncthreads();
      v = scratch[0];
#pragma unroll
      for (int i = 1; i < kWarps; ++i) v = op(v, scratch[i]);
    }
    return v;
  }
};

// to[c] = the sum of column c over `rows` rows, a pitch apart. A block of 256 threads takes 32 columns at a time, a lane each,
// and a warp every eighth row; `scratch` is shared memory of 256 floats.
FOVEA_DEVICE void sum_columns(const float* table, int64_t rows, int64_t pitch, int64_t columns, float (*scratch)[32],
                              float* to) {
  constexpr int kWarps = 8;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  for (int64_t first = int64_t{blockIdx.x} * 32; first < columns; first += int64_t{gridDim.x} * 32) {
    float sum = 0.0f;
    if (first + lane < columns)
      for (int64_t r = warp; r < rows; r += kWarps) sum += table[r * pitch + first + lane];
    __syncthreads();  // the sums before have been read
    scratch[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || first + lane >= columns) continue;
    for (int w = 1; w < kWarps; ++w) sum += scratch[w][lane];
    to[first + lane] = sum;
  }
}

// Rows of up to this many elements are a warp's work.
inline constexpr int64_t kWarpRow = 1024;

// body(Team<1>{}) or body(Team<8>{}), by the length of a row.
template <class Body>
auto with_team(int64_t length, Body&& body) {
  return length <= kWarpRow ? body(Team<1>{}) : body(Team<8>{});
}

}  // namespace fovea::cuda
