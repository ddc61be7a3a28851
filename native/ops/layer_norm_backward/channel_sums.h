// What the gradients of gamma and beta are made of: per channel, the sums over rows of dy and of dy * z, z being what the
// normalisation made of x. Rows are cut into blocks; each block leaves its sums in the workspace, as doubles, and they are
// added in the order of the blocks. Functions have internal linkage: the header is compiled for several instruction sets and
// for GPUs.
#pragma once

#include "core/tensor.h"

namespace fovea {

struct ChannelSums {
  double* sums;  // [blocks][2][columns]
  int64_t blocks, block_rows;
  int64_t columns;  // channels, padded to whole vectors
};

// The cut depends on the shape alone: at most `most` blocks, of 8 rows at least, so that a block's sums are little beside its
// rows.
static inline ChannelSums channel_sums(int64_t rows, int64_t channels, int64_t most) {
  constexpr int64_t kLeastRows = 8, kWidestVector = 16;
  const int64_t share = (rows + most - 1) / most, block_rows = share < kLeastRows ? kLeastRows : share;
  const int64_t blocks = (rows + block_rows - 1) / block_rows;
  return {nullptr, blocks < 1 ? 1 : blocks, block_rows, (channels + kWidestVector - 1) / kWidestVector * kWidestVector};
}

static inline int64_t channel_sums_bytes(const ChannelSums& s) { return s.blocks * 2 * s.columns * int64_t{sizeof(double)}; }

static inline double* block_sums(const ChannelSums& s, int64_t block) { return s.sums + block * 2 * s.columns; }

static inline void clear_block(const ChannelSums& s, int64_t block) {
  double* const sums = block_sums(s, block);
  for (int64_t c = 0; c < 2 * s.columns; ++c) sums[c] = 0;
}

// Adds the first `blocks` blocks up, for channels begin .. end: the totals take the first block's place. dgamma and dbeta may
// be NULL.
static inline void add_blocks(const ChannelSums& s, int64_t blocks, int64_t begin, int64_t end, float* dgamma, float* dbeta) {
  double *const plain = block_sums(s, 0), *const weighted = plain + s.columns;
  for (int64_t c = begin; c < end; ++c) {
    double a = 0, b = 0;
    for (int64_t block = 0; block < blocks; ++block) a += block_sums(s, block)[c], b += block_sums(s, block)[s.columns + c];
    plain[c] = a, weighted[c] = b;
    if (dgamma != nullptr) dgamma[c] = static_cast<float>(b);
    if (dbeta != nullptr) dbeta[c] = static_cast<float>(a);
  }
}

}  // namespace fovea
