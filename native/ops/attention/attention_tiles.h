// Products of 64-wide f32 tiles in shared memory on CUDA cores, by blocks of 16 x 16 threads: thread (ty, tx) owns rows
// ty * kRows .. + kRows. Rows are 68 floats apart: reading four floats of 8 neighbouring rows then meets every bank once.
#pragma once

#include "cuda/elements.h"

namespace fovea::cuda {

inline constexpr int kTileThreads = 256, kTileWidth = 64, kTilePitch = kTileWidth + 4;

using TileRow = float[kTilePitch];

struct alignas(16) Float4 {
  float x[4];
};
FOVEA_DEVICE Float4 read4(const float* p) { return *reinterpret_cast<const Float4*>(p); }
FOVEA_DEVICE void write4(float* p, const Float4& v) { *reinterpret_cast<Float4*>(p) = v; }

// Four elements as one load or store: 16 bytes of floats, 8 of the narrow types.
template <class T>
struct alignas(4 * sizeof(T)) Packed4 {
  T x[4];
};

// Elements [d, d + 4) of a row of `size`; zeros behind its end.
template <class T>
FOVEA_DEVICE Float4 load4(const T* row, int64_t d, int64_t size, bool vector) {
  Float4 r;
  if (vector && d + 4 <= size) {
    const Packed4<T> packed = *reinterpret_cast<const Packed4<T>*>(row + d);
#pragma unroll
    for (int i = 0; i < 4; ++i) r.x[i] = to_float(packed.x[i]);
  } else {
#pragma unroll
    for (int i = 0; i < 4; ++i) r.x[i] = d + i < size ? to_float(row[d + i]) : 0.0f;
  }
  return r;
}
template <class T>
FOVEA_DEVICE void store4(T* row, int64_t d, int64_t size, bool vector, const float (&values)[4]) {
  if (vector && d + 4 <= size) {
    Packed4<T> packed;
#pragma unroll
    for (int i = 0; i < 4; ++i) packed.x[i] = from_float<T>(values[i]);
    *reinterpret_cast<Packed4<T>*>(row + d) = packed;
  } else {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (d + i < size) row[d + i] = from_float<T>(values[i]);
  }
}

// Columns [d, d + 64) of `rows` rows into a tile of kCount; `row_at(r)` is the first element of row r. Zeros elsewhere.
template <int kCount, class T, class RowAt>
FOVEA_DEVICE void load_tile(TileRow* tile, int rows, int64_t d, int64_t size, bool vector, const RowAt& row_at) {
  const int quads = int(size - d < kTileWidth ? (size - d + 3) / 4 : kTileWidth / 4);  // that products read
  for (int i = int(threadIdx.x); i < kCount * quads; i += kTileThreads) {
    const int r = i / quads, c = i % quads * 4;
    write4(&tile[r][c], r < rows ? load4<T>(row_at(r), d + c, size, vector) : Float4{});
  }
}

// Of a product's inner dimension that starts at d: whole quads, at most a tile.
FOVEA_DEVICE int tile_depth(int64_t size, int64_t d) {
  return int(size - d < kTileWidth ? (size - d + 3) / 4 * 4 : int64_t{kTileWidth});
}

// acc[i][j] += row (ty * kRows + i) of a times row (tx + 16 j) of b, over `depth` columns.
// kUnroll: steps of 4 in flight; 1 where a kernel's accumulators leave few registers.
template <int kRows, int kUnroll = 2>
FOVEA_DEVICE void multiply_rows(float (&acc)[kRows][4], const TileRow* a, const TileRow* b, int depth) {
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll kUnroll
  for (int d = 0; d < depth; d += 4) {
    Float4 bs[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) bs[j] = read4(&b[tx + 16 * j][d]);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const Float4 as = read4(&a[ty * kRows + i][d]);
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) acc[i][j] = fmaf(as.x[e], bs[j].x[e], acc[i][j]);
    }
  }
}

// acc[i][j] += row (ty * kRows + i) of a times column (4 tx + j) of b, over `depth` rows of b. kSkipZeros: a zero in `a` keeps
// what b holds out of the sum, also when that is NaN: for probabilities of masked keys.
template <int kRows, bool kSkipZeros, int kUnroll = 2>
FOVEA_DEVICE void multiply_columns(float (&acc)[kRows][4], const TileRow* a, const TileRow* b, int depth) {
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll kUnroll
  for (int k = 0; k < depth; k += 4) {
    Float4 bs[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) bs[e] = read4(&b[k + e][4 * tx]);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const Float4 as = read4(&a[ty * kRows + i][k]);
#pragma unroll
      for (int e = 0; e < 4; ++e)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          if (!kSkipZeros || as.x[e] != 0.0f) acc[i][j] = fmaf(as.x[e], bs[e].x[j], acc[i][j]);
    }
  }
}

}  // namespace fovea::cuda
