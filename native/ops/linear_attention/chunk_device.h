// What the kernels of linear attention and of its gradients share: decays within a chunk, and products of its tiles.
#pragma once

#include "ops/attention/attention_tiles.h"

namespace fovea::cuda {

inline constexpr int kChunk = kTileWidth, kRows = 4;  // positions; of them per thread

struct ChunkDecays {
  float weights[kChunk][kTilePitch];  // decay from position i (column) to t (row)
  float log_decay[kChunk];
  float from_start[kChunk], to_end[kChunk];  // decays from before the chunk to a position, from it to the chunk's end
};

// acc[i][j] += a[k][row ty * kRows + i] * b[k][column 4 tx + j], over `depth` rows k of both.
FOVEA_DEVICE void multiply_outer(float (&acc)[kRows][4], const TileRow* a, const TileRow* b, int depth) {
  const int ty = int(threadIdx.x) / 16, tx = int(threadIdx.x) % 16;
#pragma unroll 4
  for (int k = 0; k < depth; ++k) {
    const Float4 as = read4(&a[k][kRows * ty]), bs = read4(&b[k][4 * tx]);
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) acc[i][j] = fmaf(as.x[i], bs.x[j], acc[i][j]);
  }
}

// Decays between the positions of a chunk. Each is the exponential of a partial sum of its own, so that a huge one costs its
// neighbours no digits. A thread sums one column, or a quarter of it.
FOVEA_DEVICE void fill_weights(ChunkDecays& decays, int rows) {
  constexpr int kPart = kChunk / (kTileThreads / kChunk);
  const int i = int(threadIdx.x) % kChunk, part = int(threadIdx.x) / kChunk;
  float sum = 0.0f;
  for (int t = i + 1; t < part * kPart; ++t) sum += decays.log_decay[t];
  for (int t = part * kPart; t < (part + 1) * kPart; ++t) {
    if (t > i) sum += decays.log_decay[t];
    const float weight = t < i || t >= rows ? 0.0f : expf(sum);
    decays.weights[t][i] = weight;
    if (t == rows - 1) decays.to_end[i] = weight;
  }
  if (part > 0) return;
  float all = 0.0f;
  for (int t = 0; t <= i; ++t) all += decays.log_decay[t];
  decays.from_start[i] = expf(all);
}

}  // namespace fovea::cuda
