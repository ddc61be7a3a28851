#include "ops/soft_nms/soft_nms.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/nms/overlap.h"

namespace fovea {

FOVEA_DECLARE_BODIES(soft_nms, const SoftNmsJob&)

namespace {

// The boxes that take part, and their scores, lowered step by step.
struct Candidates {
  const SoftNmsJob& j;
  int32_t* index;
  double* score;
  int64_t n = 0;

  bool same_class(int64_t a, int64_t b) const { return j.classes == nullptr || j.classes[index[a]] == j.classes[index[b]]; }
  float rank_score(int64_t i) const {
    return j.localisation == nullptr ? j.scores[i * j.scores_pitch] : j.localisation[i * j.localisation_pitch];
  }
  bool drops(int64_t a, int64_t b) const {
    const Overlap<float> o = overlap(a, b);
    return same_class(a, b) && (j.params.iou_threshold < 0 || o.intersection > j.params.iou_threshold * o.whole);
  }
  Overlap<float> overlap(int64_t a, int64_t b) const {
    const float one = j.params.plus_one != 0 ? 1.0f : 0.0f;
    return overlap_of(FOVEA_OVERLAP_UNION, one, nms_box(j.boxes + index[a] * j.boxes_pitch, one),
                      nms_box(j.boxes + index[b] * j.boxes_pitch, one));
  }
};

// The best of the rest lowers the others of its class, again and again. Selected boxes move to the front.
void soft(Candidates& c) {
  const fovea_soft_nms_params& p = c.j.params;
  for (int64_t first = 0; first < c.n; ++first) {
    int64_t best = first;
    for (int64_t k = first + 1; k < c.n; ++k)
      if (c.score[k] > c.score[best] || (c.score[k] == c.score[best] && c.index[k] < c.index[best])) best = k;
    std::swap(c.index[first], c.index[best]);
    std::swap(c.score[first], c.score[best]);
    if (!(c.score[first] > static_cast<double>(p.score_threshold))) return;
    for (int64_t k = first + 1; k < c.n; ++k) {
      const float iou = c.same_class(first, k) ? c.overlap(first, k).value : 0.0f;
      const double o = static_cast<double>(iou);
      if (p.method == FOVEA_SOFT_NMS_LINEAR) {
        if (iou > p.iou_threshold) c.score[k] *= std::max(0.0, 1.0 - o);
      } else if (iou > 0) {
        c.score[k] *= std::exp(-o * o / static_cast<double>(p.sigma));
      }
    }
  }
}

// Candidates are ranked. `highest` [n]: the largest IoU with a better box, max_k IoU_ki.
void matrix(Candidates& c, double* highest) {
  const fovea_soft_nms_params& p = c.j.params;
  const double sigma = static_cast<double>(p.sigma);
  for (int64_t k = 0; k < c.n; ++k) {
    double decay = 1;
    highest[k] = 0;
    for (int64_t i = 0; i < k; ++i) {
      if (!c.same_class(i, k)) continue;
      const double iou = static_cast<double>(c.overlap(i, k).value);
      highest[k] = std::max(highest[k], iou);
      const double factor = p.method == FOVEA_MATRIX_NMS_LINEAR ? (1 - std::min(iou, 1.0)) / (1 - std::min(highest[i], 1.0))
                                                                : std::exp(-sigma * (iou * iou - highest[i] * highest[i]));
      if (factor < decay) decay = factor;  // not for 0/0: the box whose twin i is lowers k by itself
    }
    c.score[k] *= decay;
  }
}

void fast(Candidates& c) {
  for (int64_t k = 0; k < c.n; ++k)
    for (int64_t i = 0; i < k; ++i)
      if (c.drops(i, k)) c.score[k] = std::nan("");
}

// Candidates are ranked. Fast suppression by those that survived the round before, until the survivors stay the same.
// `survives` [2n].
void cluster(Candidates& c, char* survives) {
  char *now = survives, *next = survives + c.n;
  std::fill(now, now + c.n, char{1});
  for (bool changes = c.n > 0; changes;) {
    for (int64_t k = 0; k < c.n; ++k) {
      next[k] = 1;
      for (int64_t i = 0; i < k; ++i)
        if (now[i] != 0 && c.drops(i, k)) next[k] = 0;
    }
    changes = !std::equal(now, now + c.n, next);
    std::swap(now, next);
  }
  const fovea_soft_nms_params& p = c.j.params;
  for (int64_t k = 0; k < c.n; ++k) {
    if (p.method == FOVEA_CLUSTER_NMS && now[k] == 0) c.score[k] = std::nan("");
    for (int64_t i = 0; p.method == FOVEA_CLUSTER_NMS_SPM && i < k; ++i) {
      const double iou = now[i] != 0 && c.same_class(i, k) ? static_cast<double>(c.overlap(i, k).value) : 0;
      c.score[k] *= std::exp(-iou * iou / static_cast<double>(p.sigma));
    }
  }
}

// Candidates are ranked by localisation.
void guided(Candidates& c) {
  for (int64_t i = 0; i < c.n; ++i)
    for (int64_t k = i + 1; k < c.n && !std::isnan(c.score[i]); ++k) {
      if (std::isnan(c.score[k]) || !c.drops(i, k)) continue;
      c.score[i] = std::max(c.score[i], c.score[k]);
      c.score[k] = std::nan("");
    }
}

void soft_nms_reference(const SoftNmsJob& j) {
  const int64_t all = soft_nms_candidates(j), stride = SoftNmsWorkspace::padded(j.boxes_per_image);
  auto* const memory = reinterpret_cast<double*>(j.workspace);
  Candidates c{j, reinterpret_cast<int32_t*>(memory + 2 * stride), memory, 0};
  const auto given = [&](int32_t i) { return c.rank_score(i); };
  for (int64_t i = 0; i < all; ++i)
    if (j.localisation == nullptr ? given(static_cast<int32_t>(i)) > j.params.score_threshold : guided_candidate(j, i))
      c.index[c.n++] = static_cast<int32_t>(i);
  std::sort(c.index, c.index + c.n,
            [&](int32_t a, int32_t b) { return given(a) > given(b) || (given(a) == given(b) && a < b); });
  for (int64_t k = 0; k < c.n; ++k) c.score[k] = static_cast<double>(j.scores[c.index[k] * j.scores_pitch]);
  if (j.localisation != nullptr)
    guided(c);
  else if (j.params.method == FOVEA_FAST_NMS)
    fast(c);
  else if (j.params.method >= FOVEA_CLUSTER_NMS)
    cluster(c, reinterpret_cast<char*>(memory + stride));
  else if (j.params.method == FOVEA_SOFT_NMS_LINEAR || j.params.method == FOVEA_SOFT_NMS_GAUSSIAN)
    soft(c);
  else
    matrix(c, memory + stride);
  // The result by lowered score.
  auto* const lowered = reinterpret_cast<float*>(memory + stride);
  for (int64_t k = 0; k < c.n; ++k) lowered[c.index[k]] = static_cast<float>(c.score[k]);
  int32_t* const last =
      std::remove_if(c.index, c.index + c.n, [&](int32_t i) { return !(lowered[i] > j.params.score_threshold); });
  std::sort(c.index, last,
            [&](int32_t a, int32_t b) { return lowered[a] > lowered[b] || (lowered[a] == lowered[b] && a < b); });
  const int64_t kept = std::min<int64_t>(last - c.index, j.capacity);
  for (int64_t k = 0; k < j.capacity; ++k) {
    j.keep[k] = k < kept ? c.index[k] : -1;
    j.keep_scores[k] = k < kept ? lowered[c.index[k]] : 0.0f;
  }
  *j.count = static_cast<int32_t>(kept);
}

fovea_status workspace_bytes(const char* op, const fovea_tensor& boxes, int64_t* bytes) {
  FOVEA_CHECK(boxes.rank == 2 && boxes.shape[0] >= 0 && boxes.shape[1] == 4, "%s: boxes must be [N][4], it is %s", op,
              describe(boxes));
  FOVEA_CHECK(boxes.shape[0] <= INT32_MAX, "%s: too many boxes: %s", op, describe(boxes));
  *bytes = SoftNmsWorkspace::bytes(boxes.shape[0]);
  return FOVEA_OK;
}

fovea_status check_method(const fovea_soft_nms_params& p) {
  constexpr const char* op = "soft_nms";
  FOVEA_CHECK(p.method >= FOVEA_SOFT_NMS_LINEAR && p.method <= FOVEA_CLUSTER_NMS_SPM, "%s: unknown method %d", op, p.method);
  const bool gaussian =
      p.method == FOVEA_SOFT_NMS_GAUSSIAN || p.method == FOVEA_MATRIX_NMS_GAUSSIAN || p.method == FOVEA_CLUSTER_NMS_SPM;
  FOVEA_CHECK(!gaussian || (p.sigma > 0 && std::isfinite(p.sigma)), "%s: sigma is %g, it must be positive and finite", op,
              static_cast<double>(p.sigma));
  return FOVEA_OK;
}

fovea_status check_list(const char* op, const char* name, const fovea_tensor* t, fovea_dtype dtype, int64_t length,
                        const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 1, dtype, stream));
  FOVEA_CHECK(t->shape[0] == length, "%s: %s is %s, expected %lld entries", op, name, describe(*t),
              static_cast<long long>(length));
  return FOVEA_OK;
}

// [N], or [N][1], a column of a table.
fovea_status check_column(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& boxes,
                          const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, kAnyRank, kF32, stream));
  const bool column = t->rank == 2 && t->shape[1] == 1;
  FOVEA_CHECK((t->rank == 1 || column) && t->shape[0] == boxes.shape[0], "%s: %s is %s, boxes is %s", op, name, describe(*t),
              describe(boxes));
  return FOVEA_OK;
}

struct Tensors {
  const fovea_tensor *boxes, *scores, *localisation, *classes, *valid, *keep, *keep_scores, *count;
};

// Everything that no backend could accept. localisation is NULL for soft NMS.
fovea_status check_call(const char* op, const fovea_soft_nms_params* params, const Tensors& t, const fovea_stream* stream,
                        int64_t* bytes) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(!std::isnan(params->iou_threshold) && !std::isnan(params->score_threshold), "%s: a threshold is NaN", op);
  FOVEA_TRY(check_tensor(op, "boxes", t.boxes, 2, kF32, stream));
  FOVEA_TRY(workspace_bytes(op, *t.boxes, bytes));
  const int64_t n = t.boxes->shape[0];
  FOVEA_TRY(check_column(op, "scores", t.scores, *t.boxes, stream));
  if (t.localisation != nullptr) FOVEA_TRY(check_column(op, "localisation", t.localisation, *t.boxes, stream));
  if (t.classes != nullptr) FOVEA_TRY(check_list(op, "classes", t.classes, kI32, n, stream));
  if (t.valid != nullptr) FOVEA_TRY(check_list(op, "valid", t.valid, kI32, 1, stream));
  FOVEA_TRY(check_tensor(op, "keep", t.keep, 1, kI32, stream));
  FOVEA_TRY(check_list(op, "keep_scores", t.keep_scores, kF32, t.keep->shape[0], stream));
  FOVEA_TRY(check_list(op, "count", t.count, kI32, 1, stream));
  const fovea_tensor* const inputs[] = {t.boxes, t.scores, t.localisation, t.classes, t.valid};
  const char* const input_names[] = {"boxes", "scores", "localisation", "classes", "valid"};
  const fovea_tensor* const outputs[] = {t.keep, t.keep_scores, t.count};
  const char* const names[] = {"keep", "keep_scores", "count"};
  for (int o = 0; o < 3; ++o) {
    for (int i = 0; i < 5; ++i)
      if (inputs[i] != nullptr) FOVEA_TRY(check_no_overlap(op, input_names[i], *inputs[i], names[o], *outputs[o], false));
    for (int other = 0; other < o; ++other)
      FOVEA_TRY(check_no_overlap(op, names[other], *outputs[other], names[o], *outputs[o], false));
  }
  return FOVEA_OK;
}

fovea_status enqueue_checked(const char* op, const fovea_soft_nms_params& params, const Tensors& t, int64_t bytes,
                             const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  SoftNmsJob job =
      soft_nms_job(params, *t.boxes, *t.scores, t.localisation, t.classes, t.valid, *t.keep, *t.keep_scores, *t.count);
  job.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  return enqueue(stream, select_isa(soft_nms_reference, scalar::soft_nms, avx2::soft_nms, avx512::soft_nms), job);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_soft_nms_workspace(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                                 int64_t* bytes) {
  FOVEA_CHECK(params != nullptr && boxes != nullptr && bytes != nullptr, "soft_nms: params, boxes or bytes is NULL");
  FOVEA_TRY(workspace_bytes("soft_nms", *boxes, bytes));
  FOVEA_FORWARD_TENSOR(boxes, fovea_soft_nms_workspace, params, boxes, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_soft_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                       const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                       const fovea_tensor* keep, const fovea_tensor* keep_scores, const fovea_tensor* count,
                                       const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "soft_nms";
  const Tensors tensors{boxes, scores, nullptr, classes, valid, keep, keep_scores, count};
  int64_t bytes = 0;
  FOVEA_TRY(check_call(op, params, tensors, stream, &bytes));
  FOVEA_TRY(check_method(*params));
  FOVEA_FORWARD(stream, fovea_soft_nms, params, boxes, scores, classes, valid, keep, keep_scores, count, workspace, stream);
  return enqueue_checked(op, *params, tensors, bytes, workspace, stream);
}

extern "C" fovea_status fovea_guided_nms_workspace(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                                   int64_t* bytes) {
  FOVEA_CHECK(params != nullptr && boxes != nullptr && bytes != nullptr, "guided_nms: params, boxes or bytes is NULL");
  FOVEA_TRY(workspace_bytes("guided_nms", *boxes, bytes));
  FOVEA_FORWARD_TENSOR(boxes, fovea_guided_nms_workspace, params, boxes, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_guided_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* scores, const fovea_tensor* localisation,
                                         const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                         const fovea_tensor* keep_scores, const fovea_tensor* count,
                                         const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "guided_nms";
  FOVEA_CHECK(localisation != nullptr, "%s: localisation is NULL", op);
  const Tensors tensors{boxes, scores, localisation, classes, valid, keep, keep_scores, count};
  int64_t bytes = 0;
  FOVEA_TRY(check_call(op, params, tensors, stream, &bytes));
  FOVEA_FORWARD(stream, fovea_guided_nms, params, boxes, scores, localisation, classes, valid, keep, keep_scores, count,
                workspace, stream);
  return enqueue_checked(op, *params, tensors, bytes, workspace, stream);
}
