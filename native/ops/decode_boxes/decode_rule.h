// The parts of the score rule and the box of a candidate that every backend computes alike, in double precision.
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "ops/box_deltas/box_deltas.h"
#include "ops/decode_boxes/decode_boxes.h"

namespace fovea {

FOVEA_HOST_DEVICE static inline float decode_sigmoid(float x) {
  return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
}

FOVEA_HOST_DEVICE static inline bool decode_is_class(const fovea_decode_params& p, int64_t column) {
  return p.score_mode != FOVEA_SCORE_SOFTMAX || column != p.background;
}

// The largest input, lowest column on ties; -1 when every input is NaN.
FOVEA_HOST_DEVICE static inline int64_t decode_best_column(const DecodeJob& j, const float* x) {
  int64_t best = -1;
  for (int64_t c = 0; c < j.classes; ++c)
    if (decode_is_class(j.params, c) && x[c] == x[c] && (best < 0 || x[c] > x[best])) best = c;
  return best;
}

// The mean bin under the softmax of the bins' logits.
FOVEA_HOST_DEVICE static inline double decode_expectation(const float* logits, int32_t bins) {
  float highest = logits[0];
  for (int32_t k = 1; k < bins; ++k) highest = highest < logits[k] ? logits[k] : highest;
  double sum = 0, weighted = 0;
  for (int32_t k = 0; k < bins; ++k) {
    const double e = std::exp(static_cast<double>(logits[k]) - static_cast<double>(highest));
    sum += e;
    weighted += e * k;
  }
  return weighted / sum;
}

// One axis (0: x, 1: y) of a row's box. d0, d1: what the regression says of it; a0, a1 the anchor, a2 its third column.
FOVEA_HOST_DEVICE static inline void decode_edges(const fovea_decode_params& p, int axis, double d0, double d1, double a0,
                                                  double a1, double a2, float* low, float* high) {
  double centre = d0, size = d1, first = d0, second = d1;
  const float low_weight = p.delta_weights[axis], high_weight = p.delta_weights[axis + 2];
  switch (p.box_mode) {
    case FOVEA_BOX_DISTANCES:
    case FOVEA_BOX_BINS:
      first = a0 - d0 * a2;
      second = a0 + d1 * a2;
      break;
    case FOVEA_BOX_DELTAS: {
      const double side = a1 - a0, growth = size / (high_weight == 0.0f ? 1.0 : static_cast<double>(high_weight));
      const double limit = static_cast<double>(kLargestLogGrowth);
      centre = a0 + 0.5 * side + centre / (low_weight == 0.0f ? 1.0 : static_cast<double>(low_weight)) * side;
      size = std::exp(growth > limit ? limit : growth) * side;
      break;
    }
    case FOVEA_BOX_GRID:
      centre = (centre + a0) * a2;
      size = std::exp(size) * a2;
      break;
    default:
      break;
  }
  if (p.box_mode == FOVEA_BOX_CENTRE || p.box_mode == FOVEA_BOX_DELTAS || p.box_mode == FOVEA_BOX_GRID) {
    first = centre - 0.5 * size;
    second = centre + 0.5 * size;
  }
  const double clip = static_cast<double>(axis == 0 ? p.clip_w : p.clip_h);
  if (clip > 0) {  // NaN stays
    first = first < 0 ? 0 : first > clip ? clip : first;
    second = second < 0 ? 0 : second > clip ? clip : second;
  }
  *low = static_cast<float>(first);
  *high = static_cast<float>(second);
}

FOVEA_HOST_DEVICE static inline void decode_box(const DecodeJob& j, int64_t row, float* out) {
  const fovea_decode_params& p = j.params;
  const float *regression = j.regression + row * j.regression_pitch, *anchor = j.anchors + row * j.anchors_pitch;
  const int columns = p.box_mode <= FOVEA_BOX_CENTRE ? 0 : p.box_mode == FOVEA_BOX_DELTAS ? 4 : 3;
  const double third = columns > 2 ? static_cast<double>(anchor[2]) : 0;
  for (int axis = 0; axis < 2; ++axis) {
    const bool bins = p.box_mode == FOVEA_BOX_BINS;
    const double d0 = bins ? decode_expectation(regression + axis * p.bins, p.bins) : static_cast<double>(regression[axis]);
    const double d1 =
        bins ? decode_expectation(regression + (axis + 2) * p.bins, p.bins) : static_cast<double>(regression[axis + 2]);
    const double a0 = columns > 0 ? static_cast<double>(anchor[axis]) : 0,
                 a1 = columns > axis + 2 ? static_cast<double>(anchor[axis + 2]) : 0;
    decode_edges(p, axis, d0, d1, a0, a1, third, out + axis, out + axis + 2);
  }
}

}  // namespace fovea
