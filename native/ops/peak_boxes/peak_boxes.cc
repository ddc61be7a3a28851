#include "ops/peak_boxes/peak_boxes.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/decode_boxes/decode_rule.h"
#include "ops/nms/ranking.h"

namespace fovea {

FOVEA_DECLARE_BODIES(peak_boxes, const PeakJob&)

namespace {

float peak_score(const PeakJob& j, int64_t cell, int64_t column) {
  const float x = j.heat[cell * j.heat_pitch + column];
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x);
}

void peak_boxes_reference(const PeakJob& j) {
  Selection s = begin_peaks(j);
  const int64_t height = live_rows(j.live, j.height);
  for (int64_t cell = 0; s.limit > 0 && cell < height * j.width; ++cell)
    for (int64_t c = 0; c < j.classes; ++c) offer_peak(j, &s, height, cell, c);
  finish_peaks(j, &s);
}

// At least twice the wanted, so that cutting a full buffer is rare.
int64_t peak_buffer(const fovea_peak_params& p, const fovea_tensor& heat) {
  const int64_t values = heat.shape[0] * heat.shape[1] * heat.shape[2];
  return std::min(values, 2 * peak_candidates(p, values) + 1024);
}

fovea_status check_params(const fovea_peak_params& p) {
  constexpr const char* op = "peak_boxes";
  FOVEA_CHECK(p.score_mode == FOVEA_SCORE_PLAIN || p.score_mode == FOVEA_SCORE_SIGMOID,
              "%s: score mode %d is neither plain nor sigmoid", op, p.score_mode);
  FOVEA_CHECK(p.size_mode == FOVEA_PEAK_EXTENT || p.size_mode == FOVEA_PEAK_DISTANCES, "%s: unknown size mode %d", op,
              p.size_mode);
  FOVEA_CHECK(p.window >= 1 && p.window % 2 == 1, "%s: window is %d, it must be odd and positive", op, p.window);
  FOVEA_CHECK(p.top_k >= 0, "%s: top_k is %d, it must not be negative", op, p.top_k);
  FOVEA_CHECK(!std::isnan(p.score_threshold), "%s: score_threshold is NaN", op);
  FOVEA_CHECK(std::isfinite(p.stride) && std::isfinite(p.size_scale), "%s: stride %g and size_scale %g must be finite", op,
              static_cast<double>(p.stride), static_cast<double>(p.size_scale));
  return FOVEA_OK;
}

fovea_status check_heat(const fovea_tensor& heat) {
  constexpr const char* op = "peak_boxes";
  FOVEA_CHECK(heat.rank == 3 && heat.shape[0] >= 0 && heat.shape[1] >= 0 && heat.shape[2] >= 1,
              "%s: heat must be [H][W][C], it is %s", op, describe(heat));
  // A position is 32 bits, and a class is written as a float.
  const int64_t most = INT32_MAX / std::max<int64_t>(heat.shape[2], 1);
  FOVEA_CHECK(heat.shape[2] <= (1 << 24) && (heat.shape[1] == 0 || heat.shape[0] <= most / heat.shape[1]),
              "%s: heat has too many values: %s", op, describe(heat));
  return FOVEA_OK;
}

fovea_status check_map(const char* name, const fovea_tensor* t, const fovea_tensor& heat, int64_t columns,
                       const fovea_stream* stream) {
  constexpr const char* op = "peak_boxes";
  FOVEA_TRY(check_tensor(op, name, t, 3, kF32, stream));
  FOVEA_CHECK(t->shape[0] == heat.shape[0] && t->shape[1] == heat.shape[1] && t->shape[2] == columns,
              "%s: %s is %s, heat is %s: expected %lld columns", op, name, describe(*t), describe(heat),
              static_cast<long long>(columns));
  return FOVEA_OK;
}

}  // namespace

Selection begin_peaks(const PeakJob& j) noexcept {
  const int64_t room = j.capacity - live_rows(j.rows_count, j.capacity);
  const int64_t most = peak_candidates(j.params, j.height * j.width * j.classes);
  return {j.keys, j.keys + j.buffer, 0, j.buffer, std::min(room, most), j.params.score_threshold};
}

void offer_peak(const PeakJob& j, Selection* s, int64_t height, int64_t cell, int64_t column) noexcept {
  if (is_peak(j, height, cell, column)) s->offer(peak_score(j, cell, column), cell * j.classes + column);
}

void finish_peaks(const PeakJob& j, Selection* s) noexcept {
  const int64_t found = s->limit > 0 ? s->finish() : 0, taken = live_rows(j.rows_count, j.capacity);
  for (int64_t k = 0; k < found; ++k) {
    float* const row = j.rows + (taken + k) * j.rows_pitch;
    const int64_t position = rank_index(s->keys[k]);
    peak_box(j, position / j.classes, row);
    row[4] = rank_score(s->keys[k]);
    row[5] = static_cast<float>(position % j.classes);
  }
  *j.rows_count = static_cast<int32_t>(taken + found);
}

float lowest_heat(const PeakJob& j, float bar) noexcept {
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? bar : lowest_logit(static_cast<double>(bar));
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_peak_boxes_workspace(const fovea_peak_params* params, const fovea_tensor* heat, int64_t* bytes) {
  constexpr const char* op = "peak_boxes";
  FOVEA_CHECK(params != nullptr && heat != nullptr && bytes != nullptr, "%s: params, heat or bytes is NULL", op);
  FOVEA_TRY(check_params(*params));
  FOVEA_TRY(check_heat(*heat));
  FOVEA_FORWARD_TENSOR(heat, fovea_peak_boxes_workspace, params, heat, bytes);
  *bytes = 2 * peak_buffer(*params, *heat) * static_cast<int64_t>(sizeof(uint64_t));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_peak_boxes(const fovea_peak_params* params, const fovea_tensor* heat, const fovea_tensor* size,
                                         const fovea_tensor* offset, const fovea_tensor* rows, const fovea_tensor* count,
                                         const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "peak_boxes";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_params(*params));
  FOVEA_TRY(check_tensor(op, "heat", heat, 3, kF32, stream));
  FOVEA_TRY(check_heat(*heat));
  FOVEA_TRY(check_map("size", size, *heat, params->size_mode == FOVEA_PEAK_EXTENT ? 2 : 4, stream));
  if (offset != nullptr) FOVEA_TRY(check_map("offset", offset, *heat, 2, stream));
  FOVEA_TRY(check_tensor(op, "rows", rows, 2, kF32, stream));
  FOVEA_CHECK(rows->shape[1] == 6, "%s: rows must be [capacity][6], it is %s", op, describe(*rows));
  FOVEA_CHECK(rows->shape[0] <= INT32_MAX, "%s: rows has more than 2^31-1 rows: %s", op, describe(*rows));
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  for (const fovea_tensor* output : {rows, count}) {
    const char* name = output == rows ? "rows" : "count";
    FOVEA_TRY(check_no_overlap(op, "heat", *heat, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "size", *size, name, *output, false));
    if (offset != nullptr) FOVEA_TRY(check_no_overlap(op, "offset", *offset, name, *output, false));
  }
  FOVEA_TRY(check_no_overlap(op, "rows", *rows, "count", *count, false));
  FOVEA_FORWARD(stream, fovea_peak_boxes, params, heat, size, offset, rows, count, workspace, stream);
  PeakJob job = peak_job(*params, *heat, *size, offset, *rows, *count);
  job.buffer = peak_buffer(*params, *heat);
  const int64_t bytes = 2 * job.buffer * static_cast<int64_t>(sizeof(uint64_t));
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  job.keys = bytes == 0 ? nullptr : static_cast<uint64_t*>(workspace->data);
  return enqueue(stream, select_isa(peak_boxes_reference, scalar::peak_boxes, avx2::peak_boxes, avx512::peak_boxes), job);
}
