// Regression losses of pairs of boxes: the jobs of fovea_box_loss and its gradient.
#pragma once

#include "fovea/training.h"
#include "ops/box_overlaps/overlap_terms.h"

namespace fovea {

struct BoxLossJob {
  const float* boxes;     // [rows][4]
  const float* targets;   // [rows][4]
  float* losses;          // [rows]; forward
  const float* d_losses;  // [rows]; backward
  float* d_boxes;         // [rows][4]; backward
  int64_t rows, boxes_pitch, targets_pitch, d_pitch;
  const int32_t* live;
  fovea_box_loss_params params;
};

// losses, or d_losses and d_boxes, are NULL.
inline BoxLossJob box_loss_job(const fovea_box_loss_params& params, const fovea_tensor& boxes, const fovea_tensor& targets,
                               const fovea_tensor* losses, const fovea_tensor* d_losses, const fovea_tensor* d_boxes) {
  return {static_cast<const float*>(boxes.data),
          static_cast<const float*>(targets.data),
          losses == nullptr ? nullptr : static_cast<float*>(losses->data),
          d_losses == nullptr ? nullptr : static_cast<const float*>(d_losses->data),
          d_boxes == nullptr ? nullptr : static_cast<float*>(d_boxes->data),
          boxes.shape[0],
          boxes.pitch,
          targets.pitch,
          d_boxes == nullptr ? 0 : d_boxes->pitch,
          boxes.live,
          params};
}

// Corners in any order; the slopes follow them. A box without width keeps its order, so that it can grow.
template <class T>
FOVEA_FORMULA Corners<T> ordered(const T& x1, const T& y1, const T& x2, const T& y2) {
  using namespace numbers;
  const auto in_x = x1 > x2, in_y = y1 > y2;
  return {select(in_x, x2, x1), select(in_y, y2, y1), select(in_x, x1, x2), select(in_y, y1, y2)};
}

template <class T>
FOVEA_FORMULA T box_loss_of(const fovea_box_loss_params& p, const Corners<T>& box, const Corners<T>& target) {
  using namespace numbers;
  const T one = Number<T>::of(1);
  const OverlapTerms<T> t = overlap_terms(p.overlap, p.detach_alpha != 0, Number<T>::of(0), box, target);
  if (p.power == 0 || p.power == 1) return one - t.iou + t.terms[0] + t.terms[1] + t.terms[2];
  const auto exponent = static_cast<double>(p.power);
  T loss = one - power(t.iou, exponent) + power(t.terms[0], exponent);
  if (p.overlap == FOVEA_OVERLAP_CIOU || p.overlap == FOVEA_OVERLAP_EIOU) loss = loss + power(t.terms[1], exponent);
  if (p.overlap == FOVEA_OVERLAP_EIOU) loss = loss + power(t.terms[2], exponent);
  return loss;
}

// The coordinates of a pair of boxes, as numbers of any kind.
template <class T>
struct BoxPair {
  T box[4], target[4];
};

// 0, or NaN for coordinates that are not finite, which minima and maxima would lose.
template <class T>
FOVEA_FORMULA T poison(const BoxPair<T>& p) {
  const T boxes = p.box[0] + p.box[1] + p.box[2] + p.box[3], targets = p.target[0] + p.target[1] + p.target[2] + p.target[3];
  return (boxes + targets) * numbers::Number<T>::of(0);
}

template <class T>
FOVEA_FORMULA T box_loss_value(const fovea_box_loss_params& params, const BoxPair<T>& p) {
  const Corners<T> box = ordered(p.box[0], p.box[1], p.box[2], p.box[3]);
  const Corners<T> target = ordered(p.target[0], p.target[1], p.target[2], p.target[3]);
  return box_loss_of(params, box, target) + poison(p);
}

}  // namespace fovea
