#include "ops/decode_boxes/decode_boxes.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/decode_boxes/decode_rule.h"
#include "ops/nms/ranking.h"

namespace fovea {

FOVEA_DECLARE_BODIES(decode_boxes, const DecodeJob&)

namespace {

void decode_boxes_reference(const DecodeJob& j) {
  Selection s = make_selection(j);
  const int64_t taken = live_rows(j.rows_count, j.capacity);
  for (int64_t row = 0; s.limit > 0 && row < live_rows(j.live, j.count); ++row) {
    const float objectness = objectness_of(j, row);
    if (j.objectness != nullptr && !(objectness > j.params.score_threshold)) continue;
    if (j.params.score_mode == FOVEA_SCORE_SOFTMAX)
      offer_softmax(j, &s, row, objectness);
    else if (j.params.best_class != 0)
      offer_best(j, &s, row, objectness);
    else
      for (int64_t c = 0; c < j.classes; ++c) offer_class(j, &s, row, c, objectness);
  }
  const int64_t found = s.finish();
  for (int64_t k = 0; k < found; ++k) {
    float* out = j.rows + (taken + k) * j.rows_pitch;
    const int64_t position = rank_index(s.keys[k]);
    decode_box(j, position / j.classes, out);
    out[4] = rank_score(s.keys[k]);
    out[5] = static_cast<float>(position % j.classes);
  }
  *j.rows_count = static_cast<int32_t>(taken + found);
}

fovea_status check_table(const char* op, const char* name, const fovea_tensor* t, int64_t count, int64_t columns,
                         const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 2, kF32, stream));
  FOVEA_CHECK(t->shape[0] == count && t->shape[1] == columns, "%s: %s is %s, expected [%lld][%lld]", op, name, describe(*t),
              static_cast<long long>(count), static_cast<long long>(columns));
  return FOVEA_OK;
}

fovea_status check_params(const char* op, const fovea_decode_params& p) {
  FOVEA_CHECK(p.score_mode >= FOVEA_SCORE_PLAIN && p.score_mode <= FOVEA_SCORE_SOFTMAX, "%s: unknown score mode %d", op,
              p.score_mode);
  FOVEA_CHECK(p.box_mode >= FOVEA_BOX_PLAIN && p.box_mode <= FOVEA_BOX_BINS, "%s: unknown box mode %d", op, p.box_mode);
  FOVEA_CHECK(p.box_mode != FOVEA_BOX_BINS || (p.bins >= 2 && p.bins <= 64), "%s: bins is %d, it must be 2 to 64", op, p.bins);
  FOVEA_CHECK(p.top_k >= 0, "%s: top_k is %d, it must not be negative", op, p.top_k);
  FOVEA_CHECK(!std::isnan(p.score_threshold), "%s: score_threshold is NaN", op);
  for (const float weight : p.delta_weights) FOVEA_CHECK(std::isfinite(weight), "%s: a delta weight is not finite", op);
  return FOVEA_OK;
}

}  // namespace

// At least twice the wanted, so that cutting a full buffer is rare.
int64_t decode_buffer(const fovea_decode_params& p, int64_t count, int64_t classes) noexcept {
  const int64_t all = p.best_class != 0 ? count : count * classes;
  return std::min(all, 2 * decode_candidates(p, count, classes) + 1024);
}

fovea_status check_decode_scores(const char* op, const fovea_decode_params& p, const fovea_tensor& scores) {
  FOVEA_TRY(check_params(op, p));
  FOVEA_CHECK(scores.rank == 2 && scores.shape[0] >= 0 && scores.shape[1] >= 1, "%s: scores must be [N][C], it is %s", op,
              describe(scores));
  // A position is 32 bits, and a class is written as a float.
  FOVEA_CHECK(scores.shape[1] <= (1 << 24) && scores.shape[0] <= INT32_MAX / scores.shape[1], "%s: scores are too many: %s", op,
              describe(scores));
  FOVEA_CHECK(p.score_mode != FOVEA_SCORE_SOFTMAX || (p.background >= -1 && p.background < scores.shape[1]),
              "%s: background is column %d of %lld", op, p.background, static_cast<long long>(scores.shape[1]));
  return FOVEA_OK;
}

fovea_status make_decode_job(const char* op, const fovea_decode_params* params, const fovea_tensor* scores,
                             const fovea_tensor* objectness, const fovea_tensor* regression, const fovea_tensor* anchors,
                             const fovea_stream* stream, DecodeJob* job) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_tensor(op, "scores", scores, 2, kF32, stream));
  FOVEA_TRY(check_decode_scores(op, *params, *scores));
  const int64_t n = scores->shape[0];
  if (objectness != nullptr) FOVEA_TRY(check_table(op, "objectness", objectness, n, 1, stream));
  const int64_t sides = params->box_mode == FOVEA_BOX_BINS ? 4 * int64_t{params->bins} : 4;
  FOVEA_TRY(check_table(op, "regression", regression, n, sides, stream));
  const int64_t columns = anchor_columns(params->box_mode);
  FOVEA_CHECK(columns == 0 || anchors != nullptr, "%s: box mode %d needs anchors [N][%lld]", op, params->box_mode,
              static_cast<long long>(columns));
  if (columns > 0) FOVEA_TRY(check_table(op, "anchors", anchors, n, columns, stream));
  *job = decode_job(*params, *scores, objectness, *regression, anchors);
  job->buffer = decode_buffer(*params, n, scores->shape[1]);
  return FOVEA_OK;
}

DecodeKernel* select_decode_boxes() noexcept {
  return select_isa(decode_boxes_reference, scalar::decode_boxes, avx2::decode_boxes, avx512::decode_boxes);
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_decode_boxes_workspace(const fovea_decode_params* params, const fovea_tensor* scores,
                                                     int64_t* bytes) {
  constexpr const char* op = "decode_boxes";
  FOVEA_CHECK(params != nullptr && scores != nullptr && bytes != nullptr, "%s: params, scores or bytes is NULL", op);
  FOVEA_TRY(check_decode_scores(op, *params, *scores));
  FOVEA_FORWARD_TENSOR(scores, fovea_decode_boxes_workspace, params, scores, bytes);
  *bytes = 2 * decode_buffer(*params, scores->shape[0], scores->shape[1]) * static_cast<int64_t>(sizeof(uint64_t));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_decode_boxes(const fovea_decode_params* params, const fovea_tensor* scores,
                                           const fovea_tensor* objectness, const fovea_tensor* regression,
                                           const fovea_tensor* anchors, const fovea_tensor* rows, const fovea_tensor* count,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "decode_boxes";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  DecodeJob job{};
  FOVEA_TRY(make_decode_job(op, params, scores, objectness, regression, anchors, stream, &job));
  FOVEA_TRY(check_tensor(op, "rows", rows, 2, kF32, stream));
  FOVEA_CHECK(rows->shape[1] == 6, "%s: rows must be [capacity][6], it is %s", op, describe(*rows));
  FOVEA_CHECK(rows->shape[0] <= INT32_MAX, "%s: rows has more than 2^31-1 rows: %s", op, describe(*rows));
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  for (const fovea_tensor* output : {rows, count}) {
    const char* name = output == rows ? "rows" : "count";
    FOVEA_TRY(check_no_overlap(op, "scores", *scores, name, *output, false));
    if (objectness != nullptr) FOVEA_TRY(check_no_overlap(op, "objectness", *objectness, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "regression", *regression, name, *output, false));
    if (job.anchors != nullptr) FOVEA_TRY(check_no_overlap(op, "anchors", *anchors, name, *output, false));
  }
  FOVEA_TRY(check_no_overlap(op, "rows", *rows, "count", *count, false));
  FOVEA_FORWARD(stream, fovea_decode_boxes, params, scores, objectness, regression, anchors, rows, count, workspace, stream);
  const int64_t bytes = 2 * job.buffer * static_cast<int64_t>(sizeof(uint64_t));
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  job.rows = static_cast<float*>(rows->data);
  job.rows_count = static_cast<int32_t*>(count->data);
  job.keys = bytes == 0 ? nullptr : static_cast<uint64_t*>(workspace->data);
  job.capacity = rows->shape[0];
  job.rows_pitch = rows->pitch;
  return enqueue(stream, select_decode_boxes(), job);
}
