// A detector head's output to rows of boxes: the job of fovea_decode_boxes, the exact score rule, and the selection of the
// best.
//
// One rule for every instruction set, so that the same candidates are kept in the same order:
//   p      = x (PLAIN), 1/(1+exp(-x)) or softmax in double precision, rounded to f32
//   score  = p, or p*objectness in f32; kept when score > threshold
// A row whose objectness is not above the threshold has no candidates, which for probabilities follows from the product. The
// best class of a row is the one with the largest input: saturated sigmoids are equal, their logits are not.
// Vector bodies only look for what cannot fail by more than rounding (`lowest_*`) and offer it to the rule.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct DecodeJob {
  const float* scores;      // [count][classes]
  const float* objectness;  // [count][1] or NULL
  const float* regression;  // [count][4], BINS [count][4*bins]
  const float* anchors;     // [count][4] or [count][3], or NULL
  float* rows;              // [capacity][6]
  int32_t* rows_count;
  uint64_t* keys;  // 2*buffer keys
  int64_t count, classes, capacity, buffer;
  int64_t scores_pitch, objectness_pitch, regression_pitch, anchors_pitch, rows_pitch;
  const int32_t* live;
  fovea_decode_params params;
};

// The best `limit` candidates so far. Candidates are offered with ascending positions (row*classes + class), so that one equal
// to the bar loses. A full buffer is cut to the best, which raises the bar.
struct Selection {
  uint64_t *keys, *scratch;
  int64_t count, capacity, limit;
  float bar;  // only higher scores are wanted

  void offer(float score, int64_t position) noexcept;
  // Sorts what is left; returns its number.
  int64_t finish() noexcept;
};

Selection make_selection(const DecodeJob& job) noexcept;

// The probability that a row's objectness stands for; 1 without.
float objectness_of(const DecodeJob& job, int64_t row) noexcept;
// Offers one class of a row (not SOFTMAX).
void offer_class(const DecodeJob& job, Selection* selection, int64_t row, int64_t column, float objectness) noexcept;
// Offers the class of a row with the largest input (not SOFTMAX).
void offer_best(const DecodeJob& job, Selection* selection, int64_t row, float objectness) noexcept;
// Offers the classes of a row, or the best one.
void offer_softmax(const DecodeJob& job, Selection* selection, int64_t row, float objectness) noexcept;

// No x below it has a sigmoid above p; slightly below the exact bound.
float lowest_logit(double p) noexcept;
// No score input below it passes the bar in a row of this objectness.
float lowest_input(const DecodeJob& job, float bar, float objectness) noexcept;

// Anchor columns of a box mode.
[[gnu::always_inline]] inline int64_t anchor_columns(int32_t box_mode) {
  return box_mode <= FOVEA_BOX_CENTRE ? 0 : box_mode == FOVEA_BOX_DELTAS ? 4 : 3;
}
[[gnu::always_inline]] inline float delta_weight(const fovea_decode_params& p, int c) {
  return p.delta_weights[c] == 0.0f ? 1.0f : p.delta_weights[c];
}

// Most candidates that a call can yield, and the keys of its workspace.
[[gnu::always_inline]] inline int64_t decode_candidates(const fovea_decode_params& p, int64_t count, int64_t classes) {
  const int64_t all = p.best_class != 0 ? count : count * classes;
  return p.top_k > 0 && p.top_k < all ? p.top_k : all;
}
int64_t decode_buffer(const fovea_decode_params& params, int64_t count, int64_t classes) noexcept;

// The job of a validated call, without buffer, rows, count and keys.
static inline DecodeJob decode_job(const fovea_decode_params& params, const fovea_tensor& scores,
                                   const fovea_tensor* objectness, const fovea_tensor& regression,
                                   const fovea_tensor* anchors) {
  const bool anchored = anchor_columns(params.box_mode) > 0;
  return {static_cast<const float*>(scores.data),
          objectness == nullptr ? nullptr : static_cast<const float*>(objectness->data),
          static_cast<const float*>(regression.data),
          anchored ? static_cast<const float*>(anchors->data) : nullptr,
          nullptr,
          nullptr,
          nullptr,
          scores.shape[0],
          scores.shape[1],
          0,
          0,
          scores.pitch,
          objectness == nullptr ? 0 : objectness->pitch,
          regression.pitch,
          anchored ? anchors->pitch : 0,
          0,
          scores.live,
          params};
}

fovea_status check_decode_scores(const char* op, const fovea_decode_params& params, const fovea_tensor& scores);
// Checks everything but rows, count and workspace, and fills the job except for them.
fovea_status make_decode_job(const char* op, const fovea_decode_params* params, const fovea_tensor* scores,
                             const fovea_tensor* objectness, const fovea_tensor* regression, const fovea_tensor* anchors,
                             const fovea_stream* stream, DecodeJob* job);

using DecodeKernel = void(const DecodeJob&);
DecodeKernel* select_decode_boxes() noexcept;

}  // namespace fovea
