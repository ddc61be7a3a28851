// A row at a time, lanes are classes; the scalars of a row are double.
#include "ops/cross_entropy/cross_entropy.h"

#include "core/thread_pool.h"
#include "ops/softmax/row_sums_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 8192;  // elements per chunk of the pool

// Sum over the classes of w[k] * (lse - x[k]), w = 1 without weights.
double smooth_loss(const float* x, const float* weights, int64_t n, float lse) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 64 * kLanes) {  // 64 additions deep in f32
    const int64_t end = begin + 64 * kLanes < n ? begin + 64 * kLanes : n;
    F part = zero();
    for (int64_t i = begin; i < end; i += kLanes) {
      const F distance = keep_first(set(lse) - load_upto(x + i, end - i), end - i);
      part = weights == nullptr ? part + distance : fma(load_upto(weights + i, end - i), distance, part);
    }
    total += static_cast<double>(sum(part));
  }
  return total;
}

void forward_row(const CrossEntropyJob& j, int64_t row) {
  const float* x = j.logits + row * j.pitch;
  const int64_t n = j.classes, target = target_of(j, row);
  const F lowest = set(-__builtin_inff());
  const float highest =
      n >= kLanes ? row_max(x, n) : max_lanes(select(to_float(iota()) < set(static_cast<float>(n)), load_upto(x, n), lowest));
  const double rest = __builtin_log(static_cast<double>(row_exponentials<true>(x, nullptr, n, highest)));
  const auto lse = static_cast<float>(static_cast<double>(highest) + rest);
  double loss = static_cast<double>(__builtin_nanf("")), weight = loss;
  if (target == j.ignore_index) {
    loss = weight = 0;
  } else if (target >= 0 && target < n) {
    const double smoothing = static_cast<double>(j.smoothing);
    weight = j.class_weights == nullptr ? 1 : static_cast<double>(j.class_weights[target]);
    // The difference of the logits first: near the maximum it is small, and lse may be large.
    loss = (1 - smoothing) * weight * (static_cast<double>(highest) - static_cast<double>(x[target]) + rest);
    if (smoothing > 0) loss += smoothing / static_cast<double>(n) * smooth_loss(x, j.class_weights, n, lse);
  }
  j.log_sum_exp[row] = lse;
  if (j.losses != nullptr) j.losses[row] = static_cast<float>(loss);
  if (j.weights != nullptr) j.weights[row] = static_cast<float>(weight);
}

// all_weights: the sum of the class weights.
void backward_row(const CrossEntropyJob& j, int64_t row, double all_weights) {
  const float* x = j.logits + row * j.pitch;
  float* dx = j.d_logits + row * j.d_pitch;
  const int64_t n = j.classes, target = target_of(j, row);
  const bool known = target >= 0 && target < n;
  if (!known) {
    const F value = set(target == j.ignore_index ? 0.0f : __builtin_nanf(""));
    for (int64_t i = 0; i < n; i += kLanes) store_upto(dx + i, value, n - i);
    return;
  }
  const double smoothing = static_cast<double>(j.smoothing), share = smoothing / static_cast<double>(n);
  const double gradient = static_cast<double>(j.d_losses[row]);
  const double own = (1 - smoothing) * (j.class_weights == nullptr ? 1 : static_cast<double>(j.class_weights[target]));
  const F lse = set(j.log_sum_exp[row]), scale = set(static_cast<float>(gradient * (own + share * all_weights)));
  const F part = set(static_cast<float>(gradient * share));
  for (int64_t i = 0; i < n; i += kLanes) {
    const F weights = j.class_weights == nullptr ? set(1.0f) : load_upto(j.class_weights + i, n - i);
    store_upto(dx + i, fnma(part, weights, exp(load_upto(x + i, n - i) - lse) * scale), n - i);
  }
  dx[target] -= static_cast<float>(gradient * own);
}

}  // namespace

void cross_entropy(const CrossEntropyJob& j) {
  parallel_for(live_rows(j.live, j.rows), kWork / j.classes + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) forward_row(j, row);
  });
}

void cross_entropy_backward(const CrossEntropyJob& j) {
  double all_weights = 0;
  for (int64_t k = 0; k < j.classes; ++k)
    all_weights += j.class_weights == nullptr ? 1 : static_cast<double>(j.class_weights[k]);
  parallel_for(live_rows(j.live, j.rows), kWork / j.classes + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) backward_row(j, row, all_weights);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
