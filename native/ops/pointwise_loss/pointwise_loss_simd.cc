// Lanes are elements; the tail of a row is a partial vector. Contiguous tensors are one long row.
#include "ops/pointwise_loss/pointwise_loss.h"

#include "ops/box_overlaps/numbers_simd.h"
#include "ops/copy/row_pieces_simd.h"
#include "ops/pointwise_loss/loss_formulas.h"
#include "ops/selective_scan/scan_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// From one exponential of -|x|.
FOVEA_INLINE Probability<F> probability(F x) {
  const F e = exp_relative(zero() - abs(x)), one = set(1.0f), small = e * log1p_ratio(e), divisor = one + e;
  const M negative = x < zero();
  return {select(negative, e, one) / divisor, select(negative, one, e) / divisor, small + max(zero(), zero() - x),
          small + max(zero(), x)};
}

template <bool kLogits>
FOVEA_INLINE LossAt<F> loss_at(const fovea_pointwise_loss_params& params, F x, F t) {
  if constexpr (kLogits) return logit_loss(params, probability(x), t);
  return distance_loss(params, x, t);
}

template <bool kLogits, bool kBackward>
void rows(const PointwiseLossJob& j) {
  const int64_t width = j.layout.width;
  const bool dense = j.x_pitch == width && j.target_pitch == width && j.d_pitch == width && j.y_pitch == width;
  for_row_runs(j.layout, j.live, dense, 4096, [&](int64_t row, int64_t column, int64_t n) {
    const fovea_pointwise_loss_params params = j.params;
    const float *x = j.x + row * j.x_pitch + column, *t = j.target + row * j.target_pitch + column;
    const float* d = kBackward ? j.d_losses + row * j.d_pitch + column : nullptr;
    float* y = j.y + row * j.y_pitch + column;
    for (int64_t i = 0; i < n; i += kLanes) {
      const LossAt<F> at = loss_at<kLogits>(params, load_upto(x + i, n - i), load_upto(t + i, n - i));
      if constexpr (kBackward)
        store_upto(y + i, load_upto(d + i, n - i) * at.slope, n - i);
      else
        store_upto(y + i, at.loss, n - i);
    }
  });
}

bool takes_logits(const PointwiseLossJob& j) { return j.params.kind <= FOVEA_LOSS_HEAT_MAP; }

}  // namespace

void pointwise_loss(const PointwiseLossJob& j) { takes_logits(j) ? rows<true, false>(j) : rows<false, false>(j); }

void pointwise_loss_backward(const PointwiseLossJob& j) { takes_logits(j) ? rows<true, true>(j) : rows<false, true>(j); }

}  // namespace fovea::FOVEA_ISA_NAMESPACE
