// The overlap kinds from CIoU on, and the losses of all: IoU less up to three terms, each a number that is not negative.
//
//   GIoU  share of the hull that neither box covers
//   DIoU  d = (distance of the centres / diagonal of the hull)^2
//   CIoU  d, alpha * v;  v = 4/pi^2 * (difference of the diagonals' angles)^2, alpha = v / (1 - IoU + v)
//   EIoU  d, (difference of the widths / width of the hull)^2, the same of the heights
//   SIoU  half of the sum over x and y of 1 - exp(-(2 - s) * (centre distance / side of the hull)^2) and
//         (1 - exp(-difference of the sides / larger side))^4, where s = sin(2 * angle of the line between the centres)
//
// A quotient without a value counts as 0.
#pragma once

#include "core/numbers.h"
#include "fovea/vision.h"

namespace fovea {

template <class T>
struct Corners {
  T x1, y1, x2, y2;  // x1 <= x2, y1 <= y2
};

template <class T>
struct OverlapTerms {
  T iou, terms[3];
};

template <class T>
FOVEA_FORMULA T siou_cost(const T& centre, const T& sine, const T& hull, const T& a, const T& b) {
  using namespace numbers;
  const T one = Number<T>::of(1), part = ratio(centre, hull);
  const T shape = one - exp(ratio(abs(a - b), max(a, b)) * Number<T>::of(-1)), squared = shape * shape;
  return one - exp((sine - Number<T>::of(2)) * part * part) + squared * squared;
}

// Sides are longer by `one`. detach_alpha: the derivatives see alpha as a constant.
template <class T>
FOVEA_FORMULA OverlapTerms<T> overlap_terms(int32_t kind, bool detach_alpha, const T& one, const Corners<T>& a,
                                            const Corners<T>& b) {
  using namespace numbers;
  const T none = Number<T>::of(0), half = Number<T>::of(0.5);
  const T a_width = a.x2 - a.x1 + one, a_height = a.y2 - a.y1 + one, b_width = b.x2 - b.x1 + one, b_height = b.y2 - b.y1 + one;
  const T w = min(a.x2, b.x2) - max(a.x1, b.x1) + one, h = min(a.y2, b.y2) - max(a.y1, b.y1) + one;
  const T intersection = select(w > none, w, none) * select(h > none, h, none);
  const T whole = a_width * a_height + b_width * b_height - intersection;
  OverlapTerms<T> r{ratio(intersection, whole), {none, none, none}};
  if (kind == FOVEA_OVERLAP_UNION) return r;
  const T width = max(a.x2, b.x2) - min(a.x1, b.x1) + one, height = max(a.y2, b.y2) - min(a.y1, b.y1) + one;
  if (kind == FOVEA_OVERLAP_GIOU) {
    const T hull = width * height;
    r.terms[0] = ratio(Number<T>::at_least_zero(hull - whole), hull);
    return r;
  }
  // Small boxes far from the origin lose nothing in these differences.
  const T dx = ((a.x1 - b.x1) + (a.x2 - b.x2)) * half, dy = ((a.y1 - b.y1) + (a.y2 - b.y2)) * half;
  const T distance = dx * dx + dy * dy;
  if (kind == FOVEA_OVERLAP_SIOU) {
    const T product = abs(dx * dy), sine = ratio(product + product, distance);
    r.terms[0] = (siou_cost(dx, sine, width, a_width, b_width) + siou_cost(dy, sine, height, a_height, b_height)) * half;
    return r;
  }
  r.terms[0] = ratio(distance, width * width + height * height);
  if (kind == FOVEA_OVERLAP_CIOU) {
    const T turn = angle(b_width, b_height) - angle(a_width, a_height), v = turn * turn * Number<T>::of(0.40528473456935109);
    const T alpha = ratio(v, Number<T>::at_least_zero(Number<T>::of(1) - r.iou) + v);
    r.terms[1] = (detach_alpha ? Number<T>::detached(alpha) : alpha) * v;
  } else if (kind == FOVEA_OVERLAP_EIOU) {
    const T wider = ratio(a_width - b_width, width), higher = ratio(a_height - b_height, height);
    r.terms[1] = wider * wider;
    r.terms[2] = higher * higher;
  }
  return r;
}

// The overlap of two boxes with the corners of an NmsBox; 0 where the formula has no value. areas: the sum of the two.
template <class T>
FOVEA_FORMULA T shaped_overlap(int32_t kind, const T& one, const Corners<T>& a, const Corners<T>& b, const T& areas) {
  using namespace numbers;
  const OverlapTerms<T> t = overlap_terms(kind, true, one, a, b);
  const T none = Number<T>::of(0), value = t.iou - t.terms[0] - t.terms[1] - t.terms[2];
  return select((areas > none) & (value == value), value, none);
}

}  // namespace fovea
