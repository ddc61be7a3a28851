#include "ops/grid_proposals/grid_proposals.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/nms/ranking.h"

namespace fovea {

FOVEA_DECLARE_BODIES(grid_proposals, const GridProposalsJob&)

namespace {

// The scale arrives as a float, up to 2^-24 off the number that was meant: 18/0.6f is 29.9999988, and plain truncation
// would move that edge by a pixel. A quotient within that doubt of an integer is the integer.
float image_coordinate(double map_coordinate, float scale, int32_t rounding) {
  const double v = map_coordinate / static_cast<double>(scale);
  if (rounding == FOVEA_ROUNDING_NONE) return static_cast<float>(v);
  const double nearest = std::nearbyint(v);
  if (rounding == FOVEA_ROUNDING_NEAREST) return static_cast<float>(nearest);
  return static_cast<float>(std::fabs(v - nearest) <= std::fabs(v) * 0x1p-23 ? nearest : std::trunc(v));
}

void grid_proposals_reference(const GridProposalsJob& j) {
  const int64_t cells = live_rows(j.live, j.height) * j.width;
  int64_t n = 0;
  for (int64_t i = 0; i < cells; ++i)
    if (j.score[i * j.score_pitch] >= j.params.threshold) j.keys[n++] = static_cast<uint64_t>(i);
  std::sort(j.keys, j.keys + n, [&](uint64_t a, uint64_t b) {
    const float score_a = j.score[static_cast<int64_t>(a) * j.score_pitch],
                score_b = j.score[static_cast<int64_t>(b) * j.score_pitch];
    return score_a > score_b || (score_a == score_b && a < b);
  });
  write_proposals(j, j.keys, n);
}

// Keys and the sort's scratch.
fovea_status workspace_bytes(const fovea_tensor& score, int64_t* bytes) {
  constexpr const char* op = "grid_proposals";
  FOVEA_CHECK(score.rank == 3, "%s: score must have rank 3 ([H][W][1]), it is %s", op, describe(score));
  FOVEA_CHECK(score.shape[0] >= 0 && score.shape[1] >= 0 && score.shape[2] == 1, "%s: score must be [H][W][1], it is %s", op,
              describe(score));
  FOVEA_CHECK(score.shape[1] == 0 || score.shape[0] <= INT32_MAX / score.shape[1], "%s: score has more than 2^31-1 cells: %s",
              op, describe(score));
  *bytes = score.shape[0] * score.shape[1] * 2 * static_cast<int64_t>(sizeof(uint64_t));
  return FOVEA_OK;
}

}  // namespace

void write_proposals(const GridProposalsJob& j, const uint64_t* ranked, int64_t n) {
  const fovea_grid_proposals_params& p = j.params;
  const int64_t kept = n < j.capacity ? n : j.capacity;
  const double origin = static_cast<double>(p.origin), side = static_cast<double>(p.cell) - (p.plus_one != 0 ? 1.0 : 0.0);
  for (int64_t k = 0; k < kept; ++k) {
    const int64_t cell = rank_index(ranked[k]);
    const double left = static_cast<double>(p.stride) * static_cast<double>(cell % j.width) + origin;
    const double top = static_cast<double>(p.stride) * static_cast<double>(cell / j.width) + origin;
    float* row = j.rows + k * j.rows_pitch;
    row[0] = image_coordinate(left, p.scale_x, p.rounding);
    row[1] = image_coordinate(top, p.scale_y, p.rounding);
    row[2] = image_coordinate(left + side, p.scale_x, p.rounding);
    row[3] = image_coordinate(top + side, p.scale_y, p.rounding);
    row[4] = j.score[cell * j.score_pitch];
    if (j.deltas != nullptr)
      for (int64_t c = 0; c < 4; ++c) row[5 + c] = j.deltas[cell * j.deltas_pitch + c];
  }
  *j.count = static_cast<int32_t>(kept);
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_grid_proposals_workspace(const fovea_grid_proposals_params* params, const fovea_tensor* score,
                                                       int64_t* bytes) {
  constexpr const char* op = "grid_proposals";
  FOVEA_CHECK(params != nullptr && score != nullptr && bytes != nullptr, "%s: params, score or bytes is NULL", op);
  FOVEA_TRY(workspace_bytes(*score, bytes));
  FOVEA_FORWARD_TENSOR(score, fovea_grid_proposals_workspace, params, score, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_grid_proposals(const fovea_grid_proposals_params* params, const fovea_tensor* score,
                                             const fovea_tensor* deltas, const fovea_tensor* rows, const fovea_tensor* count,
                                             const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "grid_proposals";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_grid_proposals_params& p = *params;
  FOVEA_CHECK(!std::isnan(p.threshold), "%s: threshold is NaN", op);
  FOVEA_CHECK(p.stride > 0 && p.cell > 0, "%s: stride %d and cell %d must be positive", op, p.stride, p.cell);
  FOVEA_CHECK(p.rounding >= FOVEA_ROUNDING_NONE && p.rounding <= FOVEA_ROUNDING_NEAREST, "%s: unknown rounding %d", op,
              p.rounding);
  FOVEA_CHECK(std::isfinite(p.origin), "%s: origin is not finite", op);
  FOVEA_CHECK(p.scale_x > 0 && p.scale_y > 0 && std::isfinite(p.scale_x) && std::isfinite(p.scale_y),
              "%s: scales %g and %g must be positive and finite", op, static_cast<double>(p.scale_x),
              static_cast<double>(p.scale_y));
  FOVEA_TRY(check_tensor(op, "score", score, 3, kF32, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(*score, &bytes));
  if (deltas != nullptr) {
    FOVEA_TRY(check_tensor(op, "deltas", deltas, 3, kF32, stream));
    FOVEA_CHECK(deltas->shape[0] == score->shape[0] && deltas->shape[1] == score->shape[1] && deltas->shape[2] == 4,
                "%s: deltas is %s, score is %s", op, describe(*deltas), describe(*score));
  }
  FOVEA_TRY(check_tensor(op, "rows", rows, 2, kF32, stream));
  const int64_t columns = deltas == nullptr ? 5 : 9;
  FOVEA_CHECK(rows->shape[1] == columns, "%s: rows must have %lld columns %s deltas, it is %s", op,
              static_cast<long long>(columns), deltas == nullptr ? "without" : "with", describe(*rows));
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  FOVEA_TRY(check_no_overlap(op, "score", *score, "rows", *rows, false));
  if (deltas != nullptr) FOVEA_TRY(check_no_overlap(op, "deltas", *deltas, "rows", *rows, false));
  FOVEA_TRY(check_no_overlap(op, "count", *count, "rows", *rows, false));
  FOVEA_FORWARD(stream, fovea_grid_proposals, params, score, deltas, rows, count, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  const int64_t cells = score->shape[0] * score->shape[1];
  uint64_t* keys = bytes == 0 ? nullptr : static_cast<uint64_t*>(workspace->data);
  GridProposalsJob job = grid_proposals_job(p, *score, deltas, *rows, *count);
  job.keys = keys;
  job.scratch = keys == nullptr ? nullptr : keys + cells;
  return enqueue(
      stream, select_isa(grid_proposals_reference, scalar::grid_proposals, avx2::grid_proposals, avx512::grid_proposals), job);
}
