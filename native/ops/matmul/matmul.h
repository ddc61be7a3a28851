// y[..][m][n] = alpha * sum over k of op(a)[..][m][k] * op(b)[..][k][n], batch dimensions broadcast.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

inline constexpr int kMaxBatchRank = FOVEA_MAX_RANK - 2;

// Most rows of the dot-product body.
inline constexpr int64_t kDotRows = 6;

// What `live` of a limits, by the role of a's leading dimension.
enum class MatmulLive { kNothing, kRows, kTerms, kBatches };

// One operand: element (i, j) of op(matrix) at data[matrix * matrix_stride + i * pitch + j], i and j exchanged if transposed.
struct MatmulOperand {
  const float* data;
  int64_t matrices, matrix_stride, pitch;
  bool transposed;
  int64_t batch_step[kMaxBatchRank];  // matrices per step of the batch dimension, 0 where broadcast
};

struct MatmulJob {
  MatmulOperand a, b;
  float* y;
  float* packed_a;  // [a.matrices][m][a_pitch] for the dot products of a transposed a, else NULL
  float* panels;    // [b.matrices][panels_stride]
  int64_t a_pitch, panels_stride;
  int64_t m, n, k, y_pitch;
  int64_t batches;
  int64_t batch_size[kMaxBatchRank];  // of y
  int32_t batch_rank;
  bool dot;       // few rows and a transposed b: dot products along k, b is not packed
  bool direct_b;  // few rows otherwise: b is read in place but for a last, partial panel
  MatmulLive live_role;
  const int32_t* live;
  int64_t leading;  // size of a's leading dimension
  float alpha;
};

// Matrix of an operand that belongs to batch `batch` of y.
[[gnu::always_inline]] inline int64_t matrix_of(const MatmulJob& j, const MatmulOperand& operand, int64_t batch) {
  int64_t matrix = 0;
  for (int32_t i = j.batch_rank; i-- > 0; batch /= j.batch_size[i]) matrix += batch % j.batch_size[i] * operand.batch_step[i];
  return matrix;
}

// Matrices of a from here on carry no data.
[[gnu::always_inline]] inline int64_t live_matrices(const MatmulJob& j) {
  if (j.live_role != MatmulLive::kBatches) return j.a.matrices;
  return j.a.matrices / j.leading * live_rows(j.live, j.leading);
}

}  // namespace fovea
