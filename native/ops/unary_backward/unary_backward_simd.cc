// Lanes are elements; the tail of a row is a partial vector. Contiguous tensors are one long row.
#include "ops/unary_backward/unary_backward.h"

#include "core/exp_simd.h"
#include "ops/copy/row_pieces_simd.h"
#include "ops/unary/by_lane_simd.h"
#include "ops/unary/unary.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int32_t kOp>
FOVEA_INLINE F derivative(const fovea_unary_params& p, F x) {
  const F one = set(1.0f);
  if constexpr (kOp == FOVEA_UNARY_ABS) return select(x > zero(), one, select(x < zero(), set(-1.0f), x));
  if constexpr (kOp == FOVEA_UNARY_NEG) return set(-1.0f);
  if constexpr (kOp == FOVEA_UNARY_EXP) return exp(x);
  if constexpr (kOp == FOVEA_UNARY_LOG) return one / x;
  if constexpr (kOp == FOVEA_UNARY_SQRT) return set(0.5f) / sqrt(x);
  if constexpr (kOp == FOVEA_UNARY_RSQRT) return set(-0.5f) / x / sqrt(x);
  if constexpr (kOp == FOVEA_UNARY_RECIPROCAL) return set(-1.0f) / x / x;  // x * x may leave the range
  if constexpr (kOp == FOVEA_UNARY_SQUARE) return x + x;
  if constexpr (kOp == FOVEA_UNARY_SIN) return by_lane<cos_values>(x);
  if constexpr (kOp == FOVEA_UNARY_COS) return set(-1.0f) * by_lane<sin_values>(x);
  if constexpr (kOp == FOVEA_UNARY_ERF) return set(1.12837917f) * exp_negative(set(-1.0f) * x * x);
  if constexpr (kOp == FOVEA_UNARY_AFFINE) return set(p.alpha);
  return zero();  // FLOOR stands for all that are constant almost everywhere
}

template <int32_t kOp>
void all(const UnaryBackwardJob& j) {
  const int64_t width = j.layout.width;
  const bool dense = j.x_pitch == width && j.dy_pitch == width && j.dx_pitch == width;
  for_row_runs(j.layout, j.live, dense, 8192, [&](int64_t row, int64_t column, int64_t n) {
    const fovea_unary_params p = j.params;
    const float* x = j.x + row * j.x_pitch + column;
    const float* dy = j.dy + row * j.dy_pitch + column;
    float* dx = j.dx + row * j.dx_pitch + column;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(dx + i, load(dy + i) * derivative<kOp>(p, load(x + i)));
    if (i < n) store_upto(dx + i, load_upto(dy + i, n - i) * derivative<kOp>(p, load_upto(x + i, n - i)), n - i);
  });
}

}  // namespace

void unary_backward(const UnaryBackwardJob& j) {
  switch (j.params.op) {
    case FOVEA_UNARY_ABS:
      return all<FOVEA_UNARY_ABS>(j);
    case FOVEA_UNARY_NEG:
      return all<FOVEA_UNARY_NEG>(j);
    case FOVEA_UNARY_EXP:
      return all<FOVEA_UNARY_EXP>(j);
    case FOVEA_UNARY_LOG:
      return all<FOVEA_UNARY_LOG>(j);
    case FOVEA_UNARY_SQRT:
      return all<FOVEA_UNARY_SQRT>(j);
    case FOVEA_UNARY_RSQRT:
      return all<FOVEA_UNARY_RSQRT>(j);
    case FOVEA_UNARY_RECIPROCAL:
      return all<FOVEA_UNARY_RECIPROCAL>(j);
    case FOVEA_UNARY_SQUARE:
      return all<FOVEA_UNARY_SQUARE>(j);
    case FOVEA_UNARY_SIN:
      return all<FOVEA_UNARY_SIN>(j);
    case FOVEA_UNARY_COS:
      return all<FOVEA_UNARY_COS>(j);
    case FOVEA_UNARY_ERF:
      return all<FOVEA_UNARY_ERF>(j);
    case FOVEA_UNARY_AFFINE:
      return all<FOVEA_UNARY_AFFINE>(j);
    default:
      return all<FOVEA_UNARY_FLOOR>(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
