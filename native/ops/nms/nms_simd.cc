// Candidates in ranked order, each against the list of kept boxes: lanes are kept boxes, kLanes per step, stopping at the
// first step that suppresses. Images of a batch run in parallel; one image is sequential by nature.
#include "ops/nms/nms.h"

#include "core/thread_pool.h"
#include "ops/nms/rank_scan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Kept {
  float *x1, *y1, *x2, *y2, *area;
  int32_t* label;
  int64_t n;
};

FOVEA_INLINE uint32_t lanes_upto(int64_t n) { return n >= kLanes ? ~0u : (1u << n) - 1u; }

template <bool kMinimum, bool kInclusive, bool kClasses>
bool suppressed(const Kept& kept, const NmsBox& box, int32_t label, float iou_threshold, float pixel) {
  const F x1 = set(box.x1), y1 = set(box.y1), x2 = set(box.x2), y2 = set(box.y2), area = set(box.area);
  const F one = set(pixel), threshold = set(iou_threshold);
  for (int64_t k = 0; k < kept.n; k += kLanes) {
    const F w = min(load(kept.x2 + k), x2) - max(load(kept.x1 + k), x1) + one;
    const F h = min(load(kept.y2 + k), y2) - max(load(kept.y1 + k), y1) + one;
    const F inter = max(w, zero()) * max(h, zero());
    const F whole = kMinimum ? min(area, load(kept.area + k)) : area + load(kept.area + k) - inter;
    const F limit = threshold * whole;
    M hit = kInclusive ? (inter >= limit) & (whole > zero()) & (inter < set(__builtin_inff())) : inter > limit;
    if (kClasses) hit = hit & (loadi(kept.label + k) == seti(label));
    if ((bits(hit) & lanes_upto(kept.n - k)) != 0) return true;
  }
  return false;
}

using Suppressed = bool (*)(const Kept&, const NmsBox&, int32_t, float, float);

template <bool kMinimum, bool kInclusive>
Suppressed choose(bool classes) {
  return classes ? suppressed<kMinimum, kInclusive, true> : suppressed<kMinimum, kInclusive, false>;
}
Suppressed choose(const fovea_nms_params& p, bool classes) {
  if (p.overlap == FOVEA_OVERLAP_MIN) return p.inclusive != 0 ? choose<true, true>(classes) : choose<true, false>(classes);
  return p.inclusive != 0 ? choose<false, true>(classes) : choose<false, false>(classes);
}

int64_t kept_of_class(const Kept& kept, int32_t label) {
  int64_t n = 0;
  for (int64_t k = 0; k < kept.n; k += kLanes)
    n += __builtin_popcount(bits(loadi(kept.label + k) == seti(label)) & lanes_upto(kept.n - k));
  return n;
}

void nms_image(const NmsJob& j, int64_t image) {
  const fovea_nms_params& p = j.params;
  const float* boxes = j.boxes + image * j.boxes_per_image * j.boxes_pitch;
  const int32_t* classes = j.classes == nullptr ? nullptr : j.classes + image * j.classes_stride;
  int32_t* keep = j.keep + image * j.keep_stride;
  Kept kept{};
  if (j.workspace != nullptr) {
    const int64_t length = NmsWorkspace::array_length(j.boxes_per_image);
    auto* const keys = reinterpret_cast<uint64_t*>(j.workspace + image * j.workspace_stride);
    auto* const columns = reinterpret_cast<float*>(keys + 2 * length);
    kept = {columns,
            columns + length,
            columns + 2 * length,
            columns + 3 * length,
            columns + 4 * length,
            reinterpret_cast<int32_t*>(columns + 5 * length),
            0};
    const int64_t n =
        rank_scan(j.scores + image * j.scores_stride, j.scores_pitch, nms_candidates(j, image), p.score_threshold, true, keys);
    sort_ranked(keys, keys + length, n);
    // A limit per class bounds what a whole class may keep; an overlap of 0 that suppresses is a limit of 1.
    const int64_t per_class = suppresses_all(p) ? 1 : p.max_per_class;
    const float pixel = p.plus_one != 0 ? 1.0f : 0.0f;
    const Suppressed test = choose(p, classes != nullptr);
    for (int64_t r = 0; r < n && kept.n < j.capacity; ++r) {
      const int64_t candidate = rank_index(keys[r]);
      const int32_t label = classes == nullptr ? 0 : classes[candidate];
      if (per_class > 0 && classes == nullptr && kept.n >= per_class) break;
      const NmsBox box = nms_box(boxes + candidate * j.boxes_pitch, pixel);
      if (test(kept, box, label, p.iou_threshold, pixel)) continue;
      if (per_class > 0 && classes != nullptr && kept_of_class(kept, label) >= per_class) continue;
      kept.x1[kept.n] = box.x1;
      kept.y1[kept.n] = box.y1;
      kept.x2[kept.n] = box.x2;
      kept.y2[kept.n] = box.y2;
      kept.area[kept.n] = box.area;
      kept.label[kept.n] = label;
      keep[kept.n++] = static_cast<int32_t>(candidate);
    }
  }
  j.count[image] = static_cast<int32_t>(kept.n);
  for (int64_t k = kept.n; k < j.capacity; ++k) keep[k] = -1;
}

}  // namespace

void nms(const NmsJob& j) {
  const int64_t images = j.batched ? live_rows(j.live, j.images) : j.images;
  parallel_for(images, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t image = begin; image < end; ++image) nms_image(j, image);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
