// One class at a time. A box meets all groups of its class, a vector of them at a time; what a group gains by it is a few
// operations in double precision (weighted_nms.cc).
#include "ops/weighted_nms/weighted_nms.h"

#include "ops/nms/overlap_simd.h"
#include "ops/nms/rank_scan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

FOVEA_INLINE Boxes groups_at(const WeightedGroups& g, int64_t i) {
  return {load(g.x1 + i), load(g.y1 + i), load(g.x2 + i), load(g.y2 + i), load(g.area + i)};
}

// The lanes of a vector that begins at group i which hold groups.
FOVEA_INLINE uint32_t lanes_of(const WeightedGroups& g, int64_t i) {
  return g.count - i < kLanes ? (1u << (g.count - i)) - 1u : (1u << kLanes) - 1u;
}

// The first group from `begin` whose box meets this one over the threshold, or g.count.
int64_t first_group(const WeightedGroups& g, int64_t begin, const Boxes& box, float threshold, F one, F none) {
  if (threshold < 0.0f) return begin;  // no overlap at all is over it
  for (int64_t i = begin; i < g.count; i += kLanes) {
    const Boxes groups = groups_at(g, i);
    const F inter = intersection(groups, box, one, none);
    const uint32_t hits = bits(inter > set(threshold) * whole(FOVEA_OVERLAP_UNION, groups, box, inter)) & lanes_of(g, i);
    if (hits != 0) return i + __builtin_ctz(hits);
  }
  return g.count;
}

// The group with the highest IoU over the threshold, or g.count.
int64_t best_group(const WeightedGroups& g, int64_t begin, const Boxes& box, float threshold, F one, F none) {
  int64_t found = g.count;
  float best = threshold;
  for (int64_t i = begin; i < g.count; i += kLanes) {
    const F iou = overlap(FOVEA_OVERLAP_UNION, groups_at(g, i), box, one, none);
    uint32_t higher = bits(iou > set(best)) & lanes_of(g, i);
    if (higher == 0) continue;
    float values[kLanes];
    store(values, iou);
    for (; higher != 0; higher &= higher - 1) {
      const int lane = __builtin_ctz(higher);
      if (!(values[lane] > best)) continue;
      best = values[lane];
      found = i + lane;
    }
  }
  return found;
}

}  // namespace

void weighted_nms(const WeightedNmsJob& j) {
  WeightedGroups g{};
  if (j.workspace != nullptr && j.capacity > 0) {
    g = make_groups(j);
    const float pixel = j.params.plus_one != 0 ? 1.0f : 0.0f, threshold = j.params.iou_threshold;
    const F one = set(pixel), none = zero();
    const int64_t n = rank_scan(j.scores, j.scores_pitch, weighted_candidates(j), j.params.score_threshold, true, g.keys);
    sort_ranked(g.keys, g.scratch, n);
    order_by_class(j.classes, g.keys, n, g.order, g.scratch);
    int64_t begin = 0;  // of the groups of this class
    for (int64_t r = 0; r < n; ++r) {
      if (r > 0 && g.order[r] >> 32 != g.order[r - 1] >> 32) begin = g.count;
      const int64_t index = rank_index(g.keys[rank_index(g.order[r])]);
      const Boxes box = broadcast(nms_box(j.rows + index * j.rows_pitch, pixel));
      const int64_t group = j.params.method == FOVEA_WEIGHTED_NMS ? first_group(g, begin, box, threshold, one, none)
                                                                  : best_group(g, begin, box, threshold, one, none);
      g.join(j, group, index);
    }
  }
  g.finish(j);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
