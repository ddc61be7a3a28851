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
  float zero;  // 0, but not a constant to the compiler: GCC turns max(x, 0) of one lane into a branch, ten times slower here
};

constexpr int64_t kStep = 2 * kLanes;  // boxes per branch; the kept arrays end in a whole step

// An empty box overlaps nothing: lanes behind the list need no mask.
void append(Kept* kept, const NmsBox& box, int32_t label) {
  const int64_t at = kept->n++;
  if (at % kStep == 0)
    for (int64_t k = at; k < at + kStep; ++k) {
      kept->x1[k] = kept->y1[k] = __builtin_inff();
      kept->x2[k] = kept->y2[k] = -__builtin_inff();
      kept->area[k] = 0.0f;
      kept->label[k] = label;
    }
  kept->x1[at] = box.x1;
  kept->y1[at] = box.y1;
  kept->x2[at] = box.x2;
  kept->y2[at] = box.y2;
  kept->area[at] = box.area;
  kept->label[at] = label;
}

// Variants of the comparison, as bits of a template argument.
constexpr int kMinimum = 1, kInclusive = 2, kPlusOne = 4, kClasses = 8, kVariants = 16;

template <int kVariant>
struct Candidate {
  F x1, y1, x2, y2, area, threshold, none;
  I label;

  FOVEA_INLINE M hit(const Kept& kept, int64_t k) const {
    F w = min(load(kept.x2 + k), x2) - max(load(kept.x1 + k), x1);
    F h = min(load(kept.y2 + k), y2) - max(load(kept.y1 + k), y1);
    if constexpr ((kVariant & kPlusOne) != 0) {
      w = w + set(1.0f);
      h = h + set(1.0f);
    }
    const F inter = max(w, none) * max(h, none), kept_area = load(kept.area + k);
    const F limit = threshold * ((kVariant & kMinimum) != 0 ? min(area, kept_area) : area + kept_area - inter);
    M result = inter > limit;
    if constexpr ((kVariant & kInclusive) != 0) result = (inter >= limit) & (inter > zero()) & (inter < set(__builtin_inff()));
    if constexpr ((kVariant & kClasses) != 0) result = result & (loadi(kept.label + k) == label);
    return result;
  }
};

template <int kVariant>
bool suppressed(const Kept& kept, const NmsBox& box, int32_t label, float threshold) {
  const Candidate<kVariant> candidate{set(box.x1),   set(box.y1),    set(box.x2),    set(box.y2),
                                      set(box.area), set(threshold), set(kept.zero), seti(label)};
  for (int64_t k = 0; k < kept.n; k += kStep)
    if (bits(candidate.hit(kept, k) | candidate.hit(kept, k + kLanes)) != 0) return true;
  return false;
}

using Suppressed = bool (*)(const Kept&, const NmsBox&, int32_t, float);

template <int kVariant = 0>
Suppressed choose(int variant) {
  if constexpr (kVariant == kVariants)
    return nullptr;
  else
    return variant == kVariant ? suppressed<kVariant> : choose<kVariant + 1>(variant);
}

int64_t kept_of_class(const Kept& kept, int32_t label) {
  int64_t n = 0;
  for (int64_t k = 0; k < kept.n; ++k) n += kept.label[k] == label ? 1 : 0;
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
            0,
            0.0f};
    const int64_t n =
        rank_scan(j.scores + image * j.scores_stride, j.scores_pitch, nms_candidates(j, image), p.score_threshold, true, keys);
    sort_ranked(keys, keys + length, n);
    // A limit per class bounds what a whole class may keep; an overlap of 0 that suppresses is a limit of 1.
    const int64_t per_class = suppresses_all(p) ? 1 : p.max_per_class;
    const float pixel = p.plus_one != 0 ? 1.0f : 0.0f;
    const Suppressed test = choose((p.overlap == FOVEA_OVERLAP_MIN ? kMinimum : 0) | (p.inclusive != 0 ? kInclusive : 0) |
                                   (p.plus_one != 0 ? kPlusOne : 0) | (classes != nullptr ? kClasses : 0));
    for (int64_t r = 0; r < n && kept.n < j.capacity; ++r) {
      const int64_t candidate = rank_index(keys[r]);
      const int32_t label = classes == nullptr ? 0 : classes[candidate];
      if (per_class > 0 && classes == nullptr && kept.n >= per_class) break;
      const NmsBox box = nms_box(boxes + candidate * j.boxes_pitch, pixel);
      if (!suppresses_all(p) && test(kept, box, label, p.iou_threshold)) continue;
      if (per_class > 0 && classes != nullptr && kept_of_class(kept, label) >= per_class) continue;
      keep[kept.n] = static_cast<int32_t>(candidate);
      append(&kept, box, label);
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
