// Which box of a greedy suppression dropped another one.
#pragma once

#include "cuda/kernel.h"
#include "ops/nms/overlap_device.h"

namespace fovea::cuda {

// What greedy suppression by IoU kept, in the order of the ranking.
struct KeptBoxes {
  const int32_t* boxes;
  int64_t count;
};

// The boxes and the rule it went by; NULL classes: one class.
struct GreedyRule {
  const float* boxes;
  const int32_t* classes;
  int64_t pitch;
  float threshold, one;
};

// The position in `kept` of the box that candidate i fell to: the first that overlaps it, as an earlier one would have dropped
// it before. A kept box's own position; -1 never for a candidate.
FOVEA_DEVICE int64_t first_kept(const GreedyRule& rule, const KeptBoxes& kept, int64_t i) {
  const NmsBox box = load_box(rule.boxes + i * rule.pitch, rule.one);
  const int32_t label = rule.classes == nullptr ? 0 : rule.classes[i];
  for (int64_t k = 0; k < kept.count; ++k) {
    const int64_t other = kept.boxes[k];
    if (rule.classes != nullptr && rule.classes[other] != label) continue;
    if (other == i || rule.threshold < 0.0f) return k;
    const NmsBox better = load_box(rule.boxes + other * rule.pitch, rule.one);
    const float intersection = intersection_of(rule.one, better, box);
    const float whole = whole_of(FOVEA_OVERLAP_UNION, better, box, intersection);
    if (intersection > __fmul_rn(rule.threshold, whole)) return k;
  }
  return -1;
}

}  // namespace fovea::cuda
