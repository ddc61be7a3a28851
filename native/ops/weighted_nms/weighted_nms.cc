#include "ops/weighted_nms/weighted_nms.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/nms/overlap.h"
#include "ops/nms/ranking.h"

namespace fovea {

FOVEA_DECLARE_BODIES(weighted_nms, const WeightedNmsJob&)

namespace {

float pixel(const WeightedNmsJob& j) { return j.params.plus_one != 0 ? 1.0f : 0.0f; }

// The group that a box joins, as the rules at the top of weighted_nms.h say.
int64_t find_group(const WeightedNmsJob& j, const WeightedGroups& g, int64_t box) {
  const NmsBox b = nms_box(j.rows + box * j.rows_pitch, pixel(j));
  int64_t found = g.count;
  float best = j.params.iou_threshold;
  for (int64_t i = 0; i < g.count; ++i) {
    if (j.classes != nullptr && j.classes[g.first[i]] != j.classes[box]) continue;
    const Overlap<float> o =
        overlap_of(FOVEA_OVERLAP_UNION, pixel(j), NmsBox{g.x1[i], g.y1[i], g.x2[i], g.y2[i], g.area[i]}, b);
    if (j.params.method == FOVEA_WEIGHTED_NMS) {
      if (best < 0 || o.intersection > best * o.whole) return i;
    } else if (o.value > best) {
      best = o.value;
      found = i;
    }
  }
  return found;
}

void weighted_nms_reference(const WeightedNmsJob& j) {
  WeightedGroups groups{};
  if (j.workspace != nullptr) {
    groups = make_groups(j);
    const auto score = [&](uint64_t i) { return j.scores[static_cast<int64_t>(i) * j.scores_pitch]; };
    int64_t n = 0;
    for (int64_t i = 0; i < weighted_candidates(j); ++i)
      if (score(static_cast<uint64_t>(i)) > j.params.score_threshold) groups.order[n++] = static_cast<uint64_t>(i);
    std::sort(groups.order, groups.order + n,
              [&](uint64_t a, uint64_t b) { return score(a) > score(b) || (score(a) == score(b) && a < b); });
    for (int64_t r = 0; r < n; ++r) {
      const auto box = static_cast<int64_t>(groups.order[r]);
      groups.join(j, find_group(j, groups, box), box);
    }
  }
  groups.finish(j);
}

fovea_status workspace_bytes(const fovea_tensor& rows, int64_t* bytes) {
  constexpr const char* op = "weighted_nms";
  FOVEA_CHECK(rows.rank == 2 && rows.shape[0] >= 0 && rows.shape[1] >= 4, "%s: rows must be [N][C] with C >= 4, it is %s", op,
              describe(rows));
  FOVEA_CHECK(rows.shape[0] <= INT32_MAX, "%s: too many boxes: %s", op, describe(rows));
  *bytes = WeightedGroups::bytes(rows.shape[0]);
  return FOVEA_OK;
}

fovea_status check_params(const fovea_weighted_nms_params& p) {
  constexpr const char* op = "weighted_nms";
  FOVEA_CHECK(p.method == FOVEA_WEIGHTED_NMS || p.method == FOVEA_BOX_FUSION, "%s: unknown method %d", op, p.method);
  FOVEA_CHECK(!std::isnan(p.iou_threshold) && !std::isnan(p.score_threshold), "%s: a threshold is NaN", op);
  FOVEA_CHECK(p.method != FOVEA_BOX_FUSION || p.models >= 1, "%s: models is %d, it must be positive", op, p.models);
  return FOVEA_OK;
}

fovea_status check_list(const char* name, const fovea_tensor* t, fovea_dtype dtype, int64_t length,
                        const fovea_stream* stream) {
  constexpr const char* op = "weighted_nms";
  FOVEA_TRY(check_tensor(op, name, t, 1, dtype, stream));
  FOVEA_CHECK(t->shape[0] == length, "%s: %s is %s, expected %lld entries", op, name, describe(*t),
              static_cast<long long>(length));
  return FOVEA_OK;
}

}  // namespace

WeightedGroups make_groups(const WeightedNmsJob& j) noexcept {
  const int64_t n = WeightedGroups::padded(j.boxes);
  WeightedGroups g{};
  g.keys = reinterpret_cast<uint64_t*>(j.workspace);
  g.scratch = g.keys + n;
  g.order = g.scratch + n;
  g.sums = reinterpret_cast<double*>(g.order + n);
  g.x1 = reinterpret_cast<float*>(g.sums + WeightedGroups::kSums * n);
  g.y1 = g.x1 + n;
  g.x2 = g.y1 + n;
  g.y2 = g.x2 + n;
  g.area = g.y2 + n;
  g.first = reinterpret_cast<int32_t*>(g.area + n);
  g.last = g.first + n;
  g.size = g.last + n;
  g.group = g.size + n;
  g.next = g.group + n;
  std::fill(g.group, g.group + j.boxes, -1);
  return g;
}

void WeightedGroups::join(const WeightedNmsJob& j, int64_t g, int64_t box) noexcept {
  const float* row = j.rows + box * j.rows_pitch;
  double* const sum = sums + kSums * g;
  const bool opens = g == count;
  if (opens) {
    first[g] = static_cast<int32_t>(box);
    size[g] = 0;
    std::fill(sum, sum + kSums, 0.0);
    ++count;
  } else {
    next[last[g]] = static_cast<int32_t>(box);
  }
  group[box] = static_cast<int32_t>(g);
  next[box] = -1;
  last[g] = static_cast<int32_t>(box);
  ++size[g];
  float mean[4] = {row[0], row[1], row[2], row[3]};
  if (j.params.method == FOVEA_BOX_FUSION) {
    const double score = static_cast<double>(j.scores[box * j.scores_pitch]);
    for (int c = 0; c < 4; ++c) sum[c] += score * static_cast<double>(row[c]);
    sum[4] += score;
    const float* best = j.rows + first[g] * j.rows_pitch;
    for (int c = 0; c < 4; ++c) mean[c] = sum[4] > 0 && sum[4] < HUGE_VAL ? static_cast<float>(sum[c] / sum[4]) : best[c];
  } else if (!opens) {
    return;  // the best box stays what others meet
  }
  const NmsBox b = nms_box(mean, pixel(j));
  x1[g] = b.x1;
  y1[g] = b.y1;
  x2[g] = b.x2;
  y2[g] = b.y2;
  area[g] = b.area;
}

void WeightedGroups::finish(const WeightedNmsJob& j) noexcept {
  const auto score_at = [&](int64_t box) { return static_cast<double>(j.scores[box * j.scores_pitch]); };
  int64_t n = 0;
  for (int64_t box = 0; count > 0 && box < j.boxes; ++box) {
    const int64_t g = group[box];
    if (g < 0 || first[g] != box) continue;
    double score = score_at(box);
    if (j.params.method == FOVEA_BOX_FUSION) {
      const double members = size[g], models = j.params.models;
      score = sums[kSums * g + 4] / members * (members < models ? members : models) / models;
    }
    keys[n++] = rank_key(static_cast<float>(score), static_cast<uint32_t>(box));
  }
  const int64_t kept = std::min(n, j.capacity);
  select_ranked(keys, scratch, n, kept);
  sort_ranked(keys, scratch, kept);
  for (int64_t k = 0; k < j.capacity; ++k) {
    float* const out = j.y + k * j.y_pitch;
    const int64_t best = k < kept ? rank_index(keys[k]) : -1;
    j.y_scores[k] = best < 0 ? 0.0f : rank_score(keys[k]);
    if (j.y_classes != nullptr) j.y_classes[k] = best < 0 ? -1 : j.classes[best];
    double total = 0;
    for (int64_t box = best; box >= 0; box = next[box]) total += score_at(box);
    for (int64_t c = 0; c < j.columns; ++c) {
      if (best < 0 || !(total > 0 && total < HUGE_VAL)) {
        out[c] = best < 0 ? 0.0f : j.rows[best * j.rows_pitch + c];
        continue;
      }
      double sum = 0;
      for (int64_t box = best; box >= 0; box = next[box])
        sum += score_at(box) * static_cast<double>(j.rows[box * j.rows_pitch + c]);
      out[c] = static_cast<float>(sum / total);
    }
  }
  *j.count = static_cast<int32_t>(kept);
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_weighted_nms_workspace(const fovea_weighted_nms_params* params, const fovea_tensor* rows,
                                                     int64_t* bytes) {
  FOVEA_CHECK(params != nullptr && rows != nullptr && bytes != nullptr, "weighted_nms: params, rows or bytes is NULL");
  FOVEA_TRY(check_params(*params));
  FOVEA_TRY(workspace_bytes(*rows, bytes));
  FOVEA_FORWARD_TENSOR(rows, fovea_weighted_nms_workspace, params, rows, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_weighted_nms(const fovea_weighted_nms_params* params, const fovea_tensor* rows,
                                           const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                           const fovea_tensor* y, const fovea_tensor* y_scores, const fovea_tensor* y_classes,
                                           const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "weighted_nms";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_params(*params));
  FOVEA_TRY(check_tensor(op, "rows", rows, 2, kF32, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(*rows, &bytes));
  const int64_t n = rows->shape[0];
  FOVEA_TRY(check_tensor(op, "scores", scores, kAnyRank, kF32, stream));
  const bool column = scores->rank == 2 && scores->shape[1] == 1;  // [N][1], a column of a table
  FOVEA_CHECK((scores->rank == 1 || column) && scores->shape[0] == n, "%s: scores is %s, rows is %s", op, describe(*scores),
              describe(*rows));
  if (classes != nullptr) FOVEA_TRY(check_list("classes", classes, kI32, n, stream));
  if (valid != nullptr) FOVEA_TRY(check_list("valid", valid, kI32, 1, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(y->shape[1] == rows->shape[1], "%s: y is %s, rows is %s", op, describe(*y), describe(*rows));
  FOVEA_CHECK(y->shape[0] <= INT32_MAX, "%s: y has more than 2^31-1 rows: %s", op, describe(*y));
  FOVEA_TRY(check_list("y_scores", y_scores, kF32, y->shape[0], stream));
  FOVEA_CHECK((y_classes == nullptr) == (classes == nullptr), "%s: classes and y_classes go together", op);
  if (y_classes != nullptr) FOVEA_TRY(check_list("y_classes", y_classes, kI32, y->shape[0], stream));
  FOVEA_TRY(check_list("count", count, kI32, 1, stream));
  const fovea_tensor* const inputs[] = {rows, scores, classes, valid};
  const char* const input_names[] = {"rows", "scores", "classes", "valid"};
  const fovea_tensor* const outputs[] = {y, y_scores, y_classes, count};
  const char* const names[] = {"y", "y_scores", "y_classes", "count"};
  for (int o = 0; o < 4; ++o) {
    if (outputs[o] == nullptr) continue;
    for (int i = 0; i < 4; ++i)
      if (inputs[i] != nullptr) FOVEA_TRY(check_no_overlap(op, input_names[i], *inputs[i], names[o], *outputs[o], false));
    for (int other = 0; other < o; ++other)
      if (outputs[other] != nullptr)
        FOVEA_TRY(check_no_overlap(op, names[other], *outputs[other], names[o], *outputs[o], false));
  }
  FOVEA_FORWARD(stream, fovea_weighted_nms, params, rows, scores, classes, valid, y, y_scores, y_classes, count, workspace,
                stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  WeightedNmsJob job = weighted_nms_job(*params, *rows, *scores, classes, valid, *y, *y_scores, y_classes, *count);
  job.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  return enqueue(stream, select_isa(weighted_nms_reference, scalar::weighted_nms, avx2::weighted_nms, avx512::weighted_nms),
                 job);
}
