// One class at a time, its boxes as columns, so that classes never meet. Lanes are boxes.
//   soft NMS    one pass a step: lowers the scores by the box just selected and finds the next best
//   matrix NMS  one pass over the pairs i < j, lanes are j: IoU_ij raises max_k IoU_kj and lowers the decay by max_k IoU_ki,
//   which
//               is final once i has been passed. The Gaussian needs one exp a box: the least of exp(-sigma*d) is that of the
//               largest d = IoU_ij^2 - (max_k IoU_ki)^2
//   fast NMS    lanes are the better boxes, stopping at the first that overlaps
//   cluster NMS what its rounds end with: lanes are the boxes behind a kept one, which it strikes out and whose squared IoUs
//               it adds up
//   guided      the same in the order of the localisation, and a kept box takes the highest score of those it strikes out
// Boxes that do not meet change nothing in any of them: a vector without an intersection costs no division.
#include "ops/soft_nms/soft_nms.h"

#include "ops/nms/overlap_simd.h"
#include "ops/nms/rank_scan.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Columns {
  float *x1, *y1, *x2, *y2, *area, *score, *first, *second;
  int32_t* index;
  int64_t n;

  FOVEA_INLINE Boxes boxes(int64_t k) const { return {load(x1 + k), load(y1 + k), load(x2 + k), load(y2 + k), load(area + k)}; }
  FOVEA_INLINE Boxes broadcast(int64_t k) const { return {set(x1[k]), set(y1[k]), set(x2[k]), set(y2[k]), set(area[k])}; }
};

constexpr float kGone = -__builtin_inff();  // score of a box that takes no part any more; real ones are above the threshold

// Empty boxes fill the last vector.
void end_columns(const Columns& c) {
  for (int64_t k = c.n; k < c.n + kLanes; ++k) {
    c.x1[k] = c.y1[k] = __builtin_inff();
    c.x2[k] = c.y2[k] = -__builtin_inff();
    c.area[k] = 0.0f;
    c.score[k] = kGone;
  }
}

void compact(Columns* c, float threshold) {
  int64_t kept = 0;
  for (int64_t k = 0; k < c->n; ++k) {
    if (!(c->score[k] > threshold)) continue;
    float* const columns[] = {c->x1, c->y1, c->x2, c->y2, c->area, c->score};
    for (float* column : columns) column[kept] = column[k];
    c->index[kept++] = c->index[k];
  }
  c->n = kept;
  end_columns(*c);
}

struct Best {
  F score;
  I at;
};

FOVEA_INLINE void better(Best* best, F score, int64_t k) {
  const M higher = score > best->score;
  best->at = as_int(select(higher, as_float(seti(static_cast<int32_t>(k)) + iota()), as_float(best->at)));
  best->score = select(higher, score, best->score);
}

// Position of the highest score, the lowest index on ties: indices ascend with the position. -1 when nothing is left.
FOVEA_INLINE int64_t position(const Best& best) {
  float score[kLanes];
  int32_t at[kLanes];
  store(score, best.score);
  storei(at, best.at);
  int found = 0;
  for (int lane = 1; lane < kLanes; ++lane)
    if (score[lane] > score[found] || (score[lane] == score[found] && at[lane] < at[found])) found = lane;
  return score[found] == kGone ? -1 : at[found];
}

// Lowers the scores of c by its box `selected` and returns the position of the next best.
template <bool kGaussian>
int64_t lower(const Columns& c, int64_t selected, const fovea_soft_nms_params& p, F one, F none) {
  const Boxes box = c.broadcast(selected);
  const F threshold = set(p.iou_threshold), scale = set(-1.0f / p.sigma);
  Best best{set(kGone), seti(0)};
  for (int64_t k = 0; k < c.n; k += kLanes) {
    const Boxes boxes = c.boxes(k);
    const F inter = intersection(boxes, box, one, none);
    F score = load(c.score + k);
    if (bits(inter > zero()) != 0) {
      const F ratio = inter / whole(FOVEA_OVERLAP_UNION, boxes, box, inter), iou = select(is_nan(ratio), zero(), ratio);
      const M hit = (kGaussian ? iou > zero() : iou > threshold) & (score > set(kGone));
      const F factor = kGaussian ? exp(iou * iou * scale) : max(set(1.0f) - iou, zero());
      score = select(hit, score * factor, score);
      store(c.score + k, score);
    }
    better(&best, score, k);
  }
  return position(best);
}

template <bool kGaussian>
void soft(Columns* c, const SoftNmsJob& j, F one, F none, float* lowered) {
  const fovea_soft_nms_params& p = j.params;
  Best best{set(kGone), seti(0)};
  for (int64_t k = 0; k < c->n; k += kLanes) better(&best, load(c->score + k), k);
  int64_t at = position(best);
  // Scores of a class are selected in descending order as long as they are positive, and only the first `capacity` are wanted.
  // Negative scores rise when they are multiplied.
  for (int64_t selected = 1, steps = 1; at >= 0 && c->score[at] > p.score_threshold; ++selected, ++steps) {
    lowered[c->index[at]] = c->score[at];
    if (selected >= j.capacity && c->score[at] > 0.0f) return;
    c->score[at] = kGone;
    if (steps > c->n / 4 + 32) {
      const int64_t index = c->index[at];
      c->score[at] = __builtin_inff();  // keep it for one more step
      compact(c, p.score_threshold);
      steps = 0;
      for (at = 0; c->index[at] != index;) ++at;
      c->score[at] = kGone;
    }
    at = lower<kGaussian>(*c, at, p, one, none);
  }
}

template <bool kGaussian>
void matrix(const Columns& c, const fovea_soft_nms_params& p, F one, F none, float* lowered) {
  float *const term = c.first, *const highest =
                                   c.second;  // term: what the IoU of a pair is compared with, a function of `highest`
  const F lane = to_float(iota());
  for (int64_t k = 0; k < c.n; k += kLanes) {
    const Boxes boxes = c.boxes(k);
    F top = zero(), decay = set(kGaussian ? 0.0f : 1.0f);
    const int64_t end = k + kLanes < c.n ? k + kLanes : c.n;
    for (int64_t i = 0; i < end; ++i) {
      if (i >= k) {  // the maximum of a box of this vector is final now
        store(highest + k, top);
        const float maximum = highest[i];
        term[i] = kGaussian ? maximum * maximum : maximum < 1.0f ? 1.0f / (1.0f - maximum) : __builtin_inff();
      }
      const Boxes box = c.broadcast(i);
      F inter = intersection(box, boxes, one, none);
      if (i >= k) inter = select(lane > set(static_cast<float>(i - k)), inter, zero());
      if (bits(inter > zero()) == 0) continue;
      const F ratio = inter / whole(FOVEA_OVERLAP_UNION, box, boxes, inter), iou = select(is_nan(ratio), zero(), ratio);
      top = max(iou, top);
      if constexpr (kGaussian)
        decay = max(iou * iou - set(term[i]), decay);
      else
        decay = min(max(set(1.0f) - iou, zero()) * set(term[i]), decay);  // not for NaN, 0 times infinity
    }
    if constexpr (kGaussian) decay = exp(decay * set(-p.sigma));
    store(c.score + k, load(c.score + k) * decay);
    for (int64_t i = k; i < end; ++i) lowered[c.index[i]] = c.score[i];
  }
}

void fast(const Columns& c, const fovea_soft_nms_params& p, F one, F none, float* lowered) {
  const F threshold = set(p.iou_threshold);
  for (int64_t k = 0; k < c.n; ++k) {
    const Boxes box = c.broadcast(k);
    bool dropped = p.iou_threshold < 0.0f && k > 0;
    for (int64_t i = 0; i < k && !dropped; i += kLanes) {
      const Boxes boxes = c.boxes(i);
      const F inter = intersection(boxes, box, one, none);
      uint32_t hits = bits(inter > threshold * whole(FOVEA_OVERLAP_UNION, boxes, box, inter));
      if (k - i < kLanes) hits &= (1u << (k - i)) - 1u;
      dropped = hits != 0;
    }
    if (!dropped) lowered[c.index[k]] = c.score[k];
  }
}

enum Strike { kDrop, kPenalty, kGuided };

// Every box that no better kept one overlaps is kept. `first`: not 0 for a box that is struck out; `second`: the sum of its
// squared IoUs with kept boxes, in their order.
template <Strike kStrike>
void strike(const Columns& c, const SoftNmsJob& j, F one, F none, float* lowered) {
  const fovea_soft_nms_params& p = j.params;
  const F threshold = set(p.iou_threshold), lane = to_float(iota());
  for (int64_t k = 0; k < c.n; k += kLanes) {
    store(c.first + k, zero());
    store(c.second + k, zero());
  }
  for (int64_t i = 0, kept = 0; i < c.n; ++i) {
    if (c.first[i] != 0.0f) continue;
    const Boxes box = c.broadcast(i);
    F highest = set(c.score[i]);
    for (int64_t k = i / kLanes * kLanes; k < c.n; k += kLanes) {
      const Boxes boxes = c.boxes(k);
      F inter = intersection(box, boxes, one, none);
      const M behind = lane > set(static_cast<float>(i - k));  // all lanes of the vectors after the box's own
      inter = select(behind, inter, zero());
      if (p.iou_threshold >= 0.0f && bits(inter > zero()) == 0) continue;
      const F all = whole(FOVEA_OVERLAP_UNION, box, boxes, inter), struck = load(c.first + k);
      M hit = p.iou_threshold < 0.0f ? behind : inter > threshold * all;
      if constexpr (kStrike == kGuided) {
        hit = hit & (struck == zero());
        highest = max(select(hit, load(c.score + k), highest), highest);
      }
      store(c.first + k, select(hit, set(1.0f), struck));
      if constexpr (kStrike == kPenalty) {
        const F ratio = inter / all, iou = select(is_nan(ratio), zero(), ratio);
        store(c.second + k, load(c.second + k) + iou * iou);
      }
    }
    if constexpr (kStrike == kPenalty) continue;
    lowered[c.index[i]] = kStrike == kGuided ? max_lanes(highest) : c.score[i];
    if (kStrike == kDrop && ++kept == j.capacity) return;
  }
  if constexpr (kStrike == kPenalty)
    for (int64_t k = 0; k < c.n; k += kLanes) {
      store(c.score + k, load(c.score + k) * exp(load(c.second + k) * set(-1.0f / p.sigma)));
      for (int64_t i = k; i < c.n && i < k + kLanes; ++i) lowered[c.index[i]] = c.score[i];
    }
}

// Keys of the boxes that take part, by localisation.
int64_t rank_guided(const SoftNmsJob& j, int64_t all, uint64_t* keys) {
  int64_t found = 0;
  for (int64_t i = 0; i < all; ++i)
    if (guided_candidate(j, i)) keys[found++] = rank_key(j.localisation[i * j.localisation_pitch], static_cast<uint32_t>(i));
  return found;
}

Columns make_columns(float* memory, int64_t stride) {
  return {memory,
          memory + stride,
          memory + 2 * stride,
          memory + 3 * stride,
          memory + 4 * stride,
          memory + 5 * stride,
          memory + 6 * stride,
          memory + 7 * stride,
          reinterpret_cast<int32_t*>(memory + 8 * stride),
          0};
}

void one_class(Columns* c, const SoftNmsJob& j, float* lowered) {
  const fovea_soft_nms_params& p = j.params;
  const F one = set(p.plus_one != 0 ? 1.0f : 0.0f), none = zero();
  if (j.localisation != nullptr) return strike<kGuided>(*c, j, one, none, lowered);
  switch (p.method) {
    case FOVEA_SOFT_NMS_LINEAR:
      return soft<false>(c, j, one, none, lowered);
    case FOVEA_SOFT_NMS_GAUSSIAN:
      return soft<true>(c, j, one, none, lowered);
    case FOVEA_MATRIX_NMS_LINEAR:
      return matrix<false>(*c, p, one, none, lowered);
    case FOVEA_MATRIX_NMS_GAUSSIAN:
      return matrix<true>(*c, p, one, none, lowered);
    case FOVEA_CLUSTER_NMS:
      return strike<kDrop>(*c, j, one, none, lowered);
    case FOVEA_CLUSTER_NMS_SPM:
      return strike<kPenalty>(*c, j, one, none, lowered);
    default:
      return fast(*c, p, one, none, lowered);
  }
}

}  // namespace

void soft_nms(const SoftNmsJob& j) {
  const fovea_soft_nms_params& p = j.params;
  int64_t kept = 0;
  if (j.workspace != nullptr && j.capacity > 0) {
    const int64_t stride = SoftNmsWorkspace::padded(j.boxes_per_image), all = soft_nms_candidates(j);
    auto *const keys = reinterpret_cast<uint64_t*>(j.workspace), *const scratch = keys + stride,
                *const order = scratch + stride;
    auto* const lowered = reinterpret_cast<float*>(order + stride);
    for (int64_t i = 0; i < all; ++i) lowered[i] = __builtin_nanf("");  // never passes a threshold
    const bool guided = j.localisation != nullptr;
    const int64_t n =
        guided ? rank_guided(j, all, keys) : rank_scan(j.scores, j.scores_pitch, all, p.score_threshold, true, keys);
    // Soft NMS ranks anew at every step and wants ascending indices for its ties.
    if (guided || p.method >= FOVEA_MATRIX_NMS_LINEAR) sort_ranked(keys, scratch, n);
    order_by_class(j.classes, keys, n, order, scratch);
    const float pixel = p.plus_one != 0 ? 1.0f : 0.0f;
    Columns c = make_columns(lowered + stride, stride);
    for (int64_t begin = 0, end = 0; begin < n; begin = end) {
      for (c.n = 0; end < n && order[end] >> 32 == order[begin] >> 32; ++end, ++c.n) {
        const int64_t index = rank_index(keys[rank_index(order[end])]);
        const NmsBox box = nms_box(j.boxes + index * j.boxes_pitch, pixel);
        c.x1[c.n] = box.x1;
        c.y1[c.n] = box.y1;
        c.x2[c.n] = box.x2;
        c.y2[c.n] = box.y2;
        c.area[c.n] = box.area;
        c.score[c.n] = j.scores[index * j.scores_pitch];
        c.index[c.n] = static_cast<int32_t>(index);
      }
      end_columns(c);
      one_class(&c, j, lowered);
    }
    const int64_t left = rank_scan(lowered, 1, all, p.score_threshold, true, keys);
    kept = left < j.capacity ? left : j.capacity;
    select_ranked(keys, scratch, left, kept);
    sort_ranked(keys, scratch, kept);
    for (int64_t k = 0; k < kept; ++k) {
      j.keep[k] = static_cast<int32_t>(rank_index(keys[k]));
      j.keep_scores[k] = lowered[j.keep[k]];
    }
  }
  *j.count = static_cast<int32_t>(kept);
  for (int64_t k = kept; k < j.capacity; ++k) {
    j.keep[k] = -1;
    j.keep_scores[k] = 0.0f;
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
