// Lanes are elements; the tail of a row is a partial vector. Contiguous tensors are one long row.
#include "ops/unary/unary.h"

#include "core/simd.h"
#include "ops/activation/activation_simd.h"
#include "ops/copy/row_pieces_simd.h"
#include "ops/unary/by_lane_simd.h"
#include "ops/unary/log_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int32_t kOp>
FOVEA_INLINE F value(const fovea_unary_params& p, F x) {
  if constexpr (kOp == FOVEA_UNARY_ABS) return abs(x);
  if constexpr (kOp == FOVEA_UNARY_NEG) return x * set(-1.0f);  // 0 - x would lose the sign of zero
  if constexpr (kOp == FOVEA_UNARY_EXP) return exp(x);
  if constexpr (kOp == FOVEA_UNARY_LOG) return log(x);
  if constexpr (kOp == FOVEA_UNARY_SQRT) return sqrt(x);
  if constexpr (kOp == FOVEA_UNARY_RSQRT) return set(1.0f) / sqrt(x);
  if constexpr (kOp == FOVEA_UNARY_RECIPROCAL) return set(1.0f) / x;
  if constexpr (kOp == FOVEA_UNARY_SQUARE) return x * x;
  if constexpr (kOp == FOVEA_UNARY_FLOOR) return floor(x);
  if constexpr (kOp == FOVEA_UNARY_CEIL) return ceil(x);
  if constexpr (kOp == FOVEA_UNARY_ROUND) return round(x);
  if constexpr (kOp == FOVEA_UNARY_SIGN) return select(x > zero(), set(1.0f), select(x < zero(), set(-1.0f), x));
  if constexpr (kOp == FOVEA_UNARY_SIN) return by_lane<sin_values>(x);
  if constexpr (kOp == FOVEA_UNARY_COS) return by_lane<cos_values>(x);
  if constexpr (kOp == FOVEA_UNARY_ERF) return erf(x);
  if constexpr (kOp == FOVEA_UNARY_AFFINE) return fma(x, set(p.alpha), set(p.beta));
}

template <int32_t kOp>
void all(const UnaryJob& j) {
  for_row_pieces(j.layout, j.live, j.x_pitch, j.y_pitch, 8192, [&](int64_t x_offset, int64_t y_offset, int64_t n) {
    const fovea_unary_params p = j.params;
    const float* x = j.x + x_offset;
    float* y = j.y + y_offset;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(y + i, value<kOp>(p, load(x + i)));
    if (i < n) store_partial(y + i, value<kOp>(p, load_partial(x + i, static_cast<int>(n - i))), static_cast<int>(n - i));
  });
}

}  // namespace

void unary(const UnaryJob& j) {
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
    case FOVEA_UNARY_FLOOR:
      return all<FOVEA_UNARY_FLOOR>(j);
    case FOVEA_UNARY_CEIL:
      return all<FOVEA_UNARY_CEIL>(j);
    case FOVEA_UNARY_ROUND:
      return all<FOVEA_UNARY_ROUND>(j);
    case FOVEA_UNARY_SIGN:
      return all<FOVEA_UNARY_SIGN>(j);
    case FOVEA_UNARY_SIN:
      return all<FOVEA_UNARY_SIN>(j);
    case FOVEA_UNARY_COS:
      return all<FOVEA_UNARY_COS>(j);
    case FOVEA_UNARY_ERF:
      return all<FOVEA_UNARY_ERF>(j);
    default:
      return all<FOVEA_UNARY_AFFINE>(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
