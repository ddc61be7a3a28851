// One pass over the scores, comparing with a bound in the space of the inputs: no exponential until something passes it. The
// exact rule (selection.cc) decides about what does; boxes are decoded for the selected rows only, a vector of them at a time.
// One thread: a head of 8400 x 80 is read in 30 microseconds.
#include "ops/decode_boxes/decode_boxes.h"

#include "core/simd.h"
#include "ops/box_deltas/box_deltas.h"
#include "ops/nms/ranking.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Offers the inputs of one run that reach the bound: a row, or all rows when nothing lies between them.
struct Run {
  const DecodeJob& j;
  Selection* s;
  float objectness;
  float bound, bar;       // bar: the one that `bound` belongs to
  int64_t last_row = -1;  // best class only: the row that has had its turn

  void reach(int64_t position) {
    const int64_t row = position / j.classes;
    if (j.params.best_class == 0) {
      offer_class(j, s, row, position - row * j.classes, objectness);
    } else if (row != last_row) {
      last_row = row;
      offer_best(j, s, row, objectness);
    }
    if (s->bar == bar) return;
    bar = s->bar;
    bound = lowest_input(j, bar, objectness);
  }

  FOVEA_INLINE void reach_all(uint32_t lanes, int64_t position) {
    for (; lanes != 0; lanes &= lanes - 1) reach(position + __builtin_ctz(lanes));
  }

  // n inputs from x, the first of which has this position
  FOVEA_INLINE void scan(const float* x, int64_t n, int64_t position) {
    constexpr int kVectors = 4;
    int64_t i = 0;
    for (; i + kVectors * kLanes <= n; i += kVectors * kLanes) {
      const F limit = set(bound);
      M any = load(x + i) >= limit;
      for (int v = 1; v < kVectors; ++v) any = any | (load(x + i + v * kLanes) >= limit);
      if (bits(any) == 0) continue;
      for (int v = 0; v < kVectors; ++v) reach_all(bits(load(x + i + v * kLanes) >= limit), position + i + v * kLanes);
    }
    for (; i < n; i += kLanes) {
      uint32_t lanes = bits(load_upto(x + i, n - i) >= set(bound));
      if (n - i < kLanes) lanes &= (1u << (n - i)) - 1u;
      reach_all(lanes, position + i);
    }
  }
};

// Rows whose objectness may be above the threshold: `least` is a bound of the inputs.
FOVEA_INLINE bool objectness_passes(const DecodeJob& j, int64_t row, float least, float* objectness) {
  if (j.objectness == nullptr) return true;
  if (!(j.objectness[row * j.objectness_pitch] >= least)) return false;
  *objectness = objectness_of(j, row);
  return *objectness > j.params.score_threshold;
}

float least_objectness(const DecodeJob& j) {
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? j.params.score_threshold
                                                  : lowest_logit(static_cast<double>(j.params.score_threshold));
}

void scan_columns(const DecodeJob& j, Selection* s, int64_t rows) {
  if (j.objectness == nullptr) {
    Run run{j, s, 1.0f, lowest_input(j, s->bar, 1.0f), s->bar};
    if (j.scores_pitch == j.classes) return run.scan(j.scores, rows * j.classes, 0);
    for (int64_t row = 0; row < rows; ++row) run.scan(j.scores + row * j.scores_pitch, j.classes, row * j.classes);
    return;
  }
  const float least = least_objectness(j);
  for (int64_t row = 0; row < rows; ++row) {
    float objectness = 1.0f;
    if (!objectness_passes(j, row, least, &objectness)) continue;
    Run run{j, s, objectness, lowest_input(j, s->bar, objectness), s->bar};
    run.scan(j.scores + row * j.scores_pitch, j.classes, row * j.classes);
  }
}

// The largest of n inputs; NaN is passed over.
FOVEA_INLINE float largest(const float* x, int64_t n) {
  const float low = -__builtin_inff();
  float result = low;
  int64_t i = 0;
  if (n >= kLanes) {
    F m = load(x);
    m = select(is_nan(m), set(low), m);
    for (i = kLanes; i + kLanes <= n; i += kLanes) m = max(load(x + i), m);
    result = max_lanes(m);
  }
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// False when no class of the row can pass: the best one's probability is at most the sigmoid of its lead over the background,
// and then exp(best - highest) / sum, with the f32 sum a thousand times more exact than the margin.
bool softmax_passes(const DecodeJob& j, const float* x, double least, float least_lead) {
  const int64_t background = j.params.background;
  float best, highest;
  if (background < 0) {
    best = highest = largest(x, j.classes);
  } else {
    const float before = largest(x, background), behind = largest(x + background + 1, j.classes - background - 1);
    best = before > behind ? before : behind;
    highest = best > x[background] ? best : x[background];
    if (best - highest < 0.0f && best - highest < least_lead) return false;
  }
  constexpr int64_t kSummable = 1 << 16;
  if (j.classes > kSummable) return true;
  F sums = zero();
  for (int64_t c = 0; c < j.classes; c += kLanes)
    sums = sums + keep_first(exp(load_upto(x + c, j.classes - c) - set(highest)), j.classes - c);
  float lead[kLanes];
  store(lead, exp(set(best - highest)));
  return !(static_cast<double>(lead[0]) < least * 0.999 * static_cast<double>(sum(sums)));
}

void scan_softmax(const DecodeJob& j, Selection* s, int64_t rows) {
  const float floor = least_objectness(j);
  float bar = -__builtin_inff(), lead = -__builtin_inff();
  for (int64_t row = 0; row < rows; ++row) {
    float objectness = 1.0f;
    if (!objectness_passes(j, row, floor, &objectness)) continue;
    // Without objectness the bound is the same until the bar rises.
    const double least = static_cast<double>(s->bar) / static_cast<double>(objectness);
    if (j.objectness != nullptr || s->bar != bar) {
      bar = s->bar;
      lead = bar < 0.0f || !(objectness > 0.0f) ? -__builtin_inff() : lowest_logit(least);
    }
    if (bar >= 0.0f && objectness > 0.0f && !softmax_passes(j, j.scores + row * j.scores_pitch, least, lead)) continue;
    offer_softmax(j, s, row, objectness);
  }
}

// The mean bin under the softmax of the bins' logits.
FOVEA_INLINE float expectation(const float* logits, int64_t bins) {
  const F highest = set(largest(logits, bins)), lane = to_float(iota());
  F sums = zero(), weighted = zero();
  for (int64_t k = 0; k < bins; k += kLanes) {
    const F e = keep_first(exp(load_upto(logits + k, bins - k) - highest), bins - k);
    sums = sums + e;
    weighted = weighted + e * (lane + set(static_cast<float>(k)));
  }
  return sum(weighted) / sum(sums);
}

// One axis of kLanes boxes: the low and the high edge from two regressed numbers and the anchor's.
FOVEA_INLINE void decode_axis(const fovea_decode_params& p, int axis, F d0, F d1, F a0, F a1, F stride, F* low, F* high) {
  const F half = set(0.5f);
  F centre = d0, size = d1;
  switch (p.box_mode) {
    case FOVEA_BOX_PLAIN:
      *low = d0;
      *high = d1;
      return;
    case FOVEA_BOX_DISTANCES:
    case FOVEA_BOX_BINS:
      *low = a0 - d0 * stride;
      *high = a0 + d1 * stride;
      return;
    case FOVEA_BOX_DELTAS: {
      const F side = a1 - a0;
      centre = a0 + half * side + d0 / set(delta_weight(p, axis)) * side;
      size = exp(min(set(kLargestLogGrowth), d1 / set(delta_weight(p, axis + 2)))) * side;
      break;
    }
    case FOVEA_BOX_GRID:
      centre = (d0 + a0) * stride;
      size = exp(d1) * stride;
      break;
    default:
      break;
  }
  *low = centre - half * size;
  *high = centre + half * size;
}

FOVEA_INLINE F clipped(F edge, float clip) { return clip > 0.0f ? min(set(clip), max(zero(), edge)) : edge; }  // NaN stays

void write_rows(const DecodeJob& j, const uint64_t* keys, int64_t found, float* rows) {
  const fovea_decode_params& p = j.params;
  const int64_t columns = anchor_columns(p.box_mode);
  for (int64_t k = 0; k < found; k += kLanes) {
    const int64_t n = found - k < kLanes ? found - k : kLanes;
    float d[4][kLanes] = {}, a[4][kLanes] = {};
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = rank_index(keys[k + i]) / j.classes;
      const float* regression = j.regression + row * j.regression_pitch;
      for (int c = 0; c < 4; ++c)
        d[c][i] = p.box_mode == FOVEA_BOX_BINS ? expectation(regression + c * p.bins, p.bins) : regression[c];
      for (int64_t c = 0; c < columns; ++c) a[c][i] = j.anchors[row * j.anchors_pitch + c];
    }
    for (int axis = 0; axis < 2; ++axis) {
      F low = zero(), high = zero();
      decode_axis(p, axis, load(d[axis]), load(d[axis + 2]), load(a[axis]), load(a[axis + 2]), load(a[2]), &low, &high);
      const float clip = axis == 0 ? p.clip_w : p.clip_h;
      store(d[axis], clipped(low, clip));
      store(d[axis + 2], clipped(high, clip));
    }
    for (int64_t i = 0; i < n; ++i) {
      float* out = rows + (k + i) * j.rows_pitch;
      for (int c = 0; c < 4; ++c) out[c] = d[c][i];
      out[4] = rank_score(keys[k + i]);
      out[5] = static_cast<float>(rank_index(keys[k + i]) % j.classes);
    }
  }
}

}  // namespace

void decode_boxes(const DecodeJob& j) {
  Selection s = make_selection(j);
  const int64_t taken = live_rows(j.rows_count, j.capacity), rows = live_rows(j.live, j.count);
  int64_t found = 0;
  if (s.limit > 0) {
    if (j.params.score_mode == FOVEA_SCORE_SOFTMAX)
      scan_softmax(j, &s, rows);
    else
      scan_columns(j, &s, rows);
    found = s.finish();
    if (found > 0) write_rows(j, s.keys, found, j.rows + taken * j.rows_pitch);
  }
  *j.rows_count = static_cast<int32_t>(taken + found);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
