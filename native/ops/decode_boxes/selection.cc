// The exact score rule and the selection of the best; shared by the reference and the vector bodies.
#include <algorithm>
#include <cmath>

#include "ops/decode_boxes/decode_rule.h"
#include "ops/nms/ranking.h"

namespace fovea {
Selection make_selection(const DecodeJob& j) noexcept {
  const int64_t taken = live_rows(j.rows_count, j.capacity), room = j.capacity - taken;
  const int64_t most = decode_candidates(j.params, j.count, j.classes);
  return {j.keys, j.keys + j.buffer, 0, j.buffer, std::min(room, most), j.params.score_threshold};
}

void Selection::offer(float score, int64_t position) noexcept {
  if (!(score > bar)) return;
  keys[count++] = rank_key(score, static_cast<uint32_t>(position));
  if (count < capacity || capacity == limit) return;
  select_ranked(keys, scratch, count, limit);
  count = limit;
  bar = std::max(bar, rank_score(*std::max_element(keys, keys + limit)));
}

int64_t Selection::finish() noexcept {
  const int64_t best = std::min(count, limit);
  select_ranked(keys, scratch, count, best);
  sort_ranked(keys, scratch, best);
  return best;
}

float objectness_of(const DecodeJob& j, int64_t row) noexcept {
  if (j.objectness == nullptr) return 1.0f;
  const float x = j.objectness[row * j.objectness_pitch];
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x);
}

void offer_class(const DecodeJob& j, Selection* s, int64_t row, int64_t column, float objectness) noexcept {
  const float x = j.scores[row * j.scores_pitch + column], p = j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x);
  s->offer(p * objectness, row * j.classes + column);
}

void offer_best(const DecodeJob& j, Selection* s, int64_t row, float objectness) noexcept {
  const int64_t column = decode_best_column(j, j.scores + row * j.scores_pitch);
  if (column >= 0) offer_class(j, s, row, column, objectness);
}

void offer_softmax(const DecodeJob& j, Selection* s, int64_t row, float objectness) noexcept {
  const float* x = j.scores + row * j.scores_pitch;
  const double highest = static_cast<double>(*std::max_element(x, x + j.classes));
  double sum = 0;
  for (int64_t c = 0; c < j.classes; ++c) sum += std::exp(static_cast<double>(x[c]) - highest);
  if (std::isnan(sum)) return;  // a NaN, or two infinities
  const auto offer = [&](int64_t c) {
    const auto p = static_cast<float>(std::exp(static_cast<double>(x[c]) - highest) / sum);
    s->offer(p * objectness, row * j.classes + c);
  };
  if (j.params.best_class != 0) {
    const int64_t column = decode_best_column(j, x);
    if (column >= 0) offer(column);
    return;
  }
  // p > bar/objectness  <=>  x > highest + log(sum*bar/objectness): spares most columns their exponential.
  const double least = static_cast<double>(s->bar) / static_cast<double>(objectness);
  const double bound = least > 0 ? highest + std::log(sum * least) - 1e-5 : -HUGE_VAL;
  for (int64_t c = 0; c < j.classes; ++c)
    if (decode_is_class(j.params, c) && static_cast<double>(x[c]) >= bound) offer(c);
}

float lowest_logit(double p) noexcept {
  if (p < 0) return -HUGE_VALF;
  if (p >= 1) return HUGE_VALF;
  p *= 1 - 1e-6;  // f32 rounds sigmoid and product, 2^-24 each
  const double logit = std::log(p) - std::log1p(-p);
  return static_cast<float>(logit - 1e-5 * (1 + std::fabs(logit)));
}

float lowest_input(const DecodeJob& j, float bar, float objectness) noexcept {
  if (j.objectness == nullptr && j.params.score_mode == FOVEA_SCORE_PLAIN) return bar;
  if (bar < 0 || !(objectness > 0)) return -HUGE_VALF;
  const double least = static_cast<double>(bar) / static_cast<double>(objectness);
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? static_cast<float>(least * (1 - 1e-6)) : lowest_logit(least);
}

}  // namespace fovea
