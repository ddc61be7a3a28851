#include "ops/nms/nms.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/nms/nms_job.h"
#include "ops/nms/overlap.h"

namespace fovea {

FOVEA_DECLARE_BODIES(nms, const NmsJob&)

namespace {

bool suppresses(const fovea_nms_params& p, const NmsBox& kept, const NmsBox& box) {
  if (suppresses_all(p)) return true;
  const Overlap<float> o = overlap_of(p.overlap, p.plus_one != 0 ? 1.0f : 0.0f, kept, box);
  if (p.overlap == FOVEA_OVERLAP_DIOU || p.overlap == FOVEA_OVERLAP_GIOU)
    return p.inclusive != 0 ? o.value >= p.iou_threshold : o.value > p.iou_threshold;
  // 0/0 and inf/inf count as no overlap; the strict comparison rejects both by itself.
  const float limit = p.iou_threshold * o.whole;
  if (p.inclusive != 0) return o.intersection > 0 && std::isfinite(o.intersection) && o.intersection >= limit;
  return o.intersection > limit;
}

void nms_reference(const NmsJob& j) {
  const fovea_nms_params& p = j.params;
  const int64_t images = j.batched ? live_rows(j.live, j.images) : j.images;
  for (int64_t image = 0; image < images; ++image) {
    const float* boxes = j.boxes + image * j.boxes_per_image * j.boxes_pitch;
    const auto score = [&](uint64_t i) { return j.scores[image * j.scores_stride + static_cast<int64_t>(i) * j.scores_pitch]; };
    const auto class_of = [&](int64_t i) { return j.classes == nullptr ? 0 : j.classes[image * j.classes_stride + i]; };
    const auto box = [&](int64_t i) { return nms_box(boxes + i * j.boxes_pitch, p.plus_one != 0 ? 1.0f : 0.0f); };
    auto* ranked = reinterpret_cast<uint64_t*>(j.workspace + image * j.workspace_stride);
    int64_t n = 0;
    for (int64_t i = 0; i < nms_candidates(j, image); ++i)
      if (score(static_cast<uint64_t>(i)) > p.score_threshold) ranked[n++] = static_cast<uint64_t>(i);
    std::sort(ranked, ranked + n,
              [&](uint64_t a, uint64_t b) { return score(a) > score(b) || (score(a) == score(b) && a < b); });
    int32_t* keep = j.keep + image * j.keep_stride;
    int64_t kept = 0;
    for (int64_t r = 0; r < n && kept < j.capacity; ++r) {
      const auto candidate = static_cast<int64_t>(ranked[r]);
      int64_t same_class = 0;
      bool suppressed = false;
      for (int64_t k = 0; k < kept; ++k) {
        if (class_of(keep[k]) != class_of(candidate)) continue;
        ++same_class;
        suppressed = suppressed || suppresses(p, box(keep[k]), box(candidate));
      }
      if (!suppressed && (p.max_per_class == 0 || same_class < p.max_per_class)) keep[kept++] = static_cast<int32_t>(candidate);
    }
    j.count[image] = static_cast<int32_t>(kept);
    for (int64_t k = kept; k < j.capacity; ++k) keep[k] = -1;
  }
}

fovea_status workspace_bytes(const fovea_tensor& boxes, int64_t* bytes) {
  constexpr const char* op = "nms";
  FOVEA_CHECK(boxes.rank == 2 || boxes.rank == 3, "%s: boxes must be [N][4] or [B][N][4], it is %s", op, describe(boxes));
  const int64_t images = boxes.rank == 3 ? boxes.shape[0] : 1, n = boxes.shape[boxes.rank - 2];
  FOVEA_CHECK(boxes.shape[boxes.rank - 1] == 4 && images >= 0 && n >= 0, "%s: boxes must be [N][4] or [B][N][4], it is %s", op,
              describe(boxes));
  // Indices are i32, and 2^31 boxes of some 50 bytes in 2^20 images are far from overflow.
  FOVEA_CHECK(n <= INT32_MAX && images <= (1 << 20), "%s: too many boxes or images: %s", op, describe(boxes));
  *bytes = images * NmsWorkspace::bytes(n);
  return FOVEA_OK;
}

// `t` must be [length], batched [images][length].
fovea_status check_list(const char* name, const fovea_tensor* t, fovea_dtype dtype, bool batched, int64_t images,
                        int64_t length, const fovea_stream* stream) {
  constexpr const char* op = "nms";
  FOVEA_TRY(check_tensor(op, name, t, batched ? 2 : 1, dtype, stream));
  FOVEA_CHECK(last(*t) == length && (!batched || t->shape[0] == images), "%s: %s is %s, expected %lld entries for %lld images",
              op, name, describe(*t), static_cast<long long>(length), static_cast<long long>(images));
  return FOVEA_OK;
}

}  // namespace

fovea_status check_nms_params(const char* op, const fovea_nms_params& p) {
  FOVEA_CHECK(!std::isnan(p.iou_threshold) && !std::isnan(p.score_threshold), "%s: a threshold is NaN", op);
  FOVEA_CHECK(p.overlap >= FOVEA_OVERLAP_UNION && p.overlap <= FOVEA_OVERLAP_SIOU, "%s: unknown overlap %d", op, p.overlap);
  FOVEA_CHECK(p.overlap <= FOVEA_OVERLAP_GIOU, "%s: overlap %d does not suppress, only UNION, MIN, DIOU and GIOU do", op,
              p.overlap);
  FOVEA_CHECK(p.max_per_class >= 0, "%s: max_per_class is %d, it must not be negative", op, p.max_per_class);
  return FOVEA_OK;
}

NmsKernel* select_nms() noexcept { return select_isa(nms_reference, scalar::nms, avx2::nms, avx512::nms); }

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_nms_workspace(const fovea_nms_params* params, const fovea_tensor* boxes, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr && boxes != nullptr && bytes != nullptr, "nms: params, boxes or bytes is NULL");
  FOVEA_TRY(workspace_bytes(*boxes, bytes));
  FOVEA_FORWARD_TENSOR(boxes, fovea_nms_workspace, params, boxes, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_nms(const fovea_nms_params* params, const fovea_tensor* boxes, const fovea_tensor* scores,
                                  const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                  const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "nms";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_nms_params(op, *params));
  FOVEA_TRY(check_tensor(op, "boxes", boxes, kAnyRank, kF32, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(*boxes, &bytes));
  const bool batched = boxes->rank == 3;
  const int64_t images = batched ? boxes->shape[0] : 1, n = boxes->shape[boxes->rank - 2];
  FOVEA_TRY(check_tensor(op, "scores", scores, kAnyRank, kF32, stream));
  const bool column = !batched && scores->rank == 2;  // [N][1], a column of a table
  if (column)
    FOVEA_CHECK(scores->shape[0] == n && scores->shape[1] == 1, "%s: scores is %s, boxes is %s", op, describe(*scores),
                describe(*boxes));
  else
    FOVEA_TRY(check_list("scores", scores, kF32, batched, images, n, stream));
  if (classes != nullptr) FOVEA_TRY(check_list("classes", classes, kI32, batched, images, n, stream));
  if (valid != nullptr) FOVEA_TRY(check_list("valid", valid, kI32, false, images, images, stream));
  FOVEA_TRY(check_tensor(op, "keep", keep, batched ? 2 : 1, kI32, stream));
  FOVEA_CHECK(!batched || keep->shape[0] == images, "%s: keep is %s, boxes is %s", op, describe(*keep), describe(*boxes));
  FOVEA_TRY(check_list("count", count, kI32, false, images, images, stream));
  for (const fovea_tensor* output : {keep, count}) {
    const char* name = output == keep ? "keep" : "count";
    FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "scores", *scores, name, *output, false));
    if (classes != nullptr) FOVEA_TRY(check_no_overlap(op, "classes", *classes, name, *output, false));
    if (valid != nullptr) FOVEA_TRY(check_no_overlap(op, "valid", *valid, name, *output, false));
  }
  FOVEA_TRY(check_no_overlap(op, "keep", *keep, "count", *count, false));
  FOVEA_FORWARD(stream, fovea_nms, params, boxes, scores, classes, valid, keep, count, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  NmsJob job = nms_job(*params, *boxes, *scores, classes, valid, *keep, *count);
  job.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  job.workspace_stride = NmsWorkspace::bytes(n);
  return enqueue(stream, select_nms(), job);
}
