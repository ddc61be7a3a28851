// Overlap of two boxes, in the plain form that references use. For <op>.cc files.
#pragma once

#include <algorithm>
#include <cmath>

#include "ops/nms/nms.h"

namespace fovea {

template <class T>
struct Overlap {
  T intersection, whole, value;
};

// `whole` is what the intersection is divided by: the union, or the smaller area. 0 where the formula has no value, as for two
// points. The penalties of DIoU and GIoU are not negative; rounding must not make them so, or the overlap would exceed the IoU.
template <class T>
Overlap<T> overlap_of(int32_t kind, T one, const NmsBox& a, const NmsBox& b) {
  const auto side = [&](float low, float high) { return static_cast<T>(high) - static_cast<T>(low) + one; };
  const auto area = [&](const NmsBox& box) {
    const T product = side(box.x1, box.x2) * side(box.y1, box.y2);
    return box.x1 > box.x2 || std::isnan(product) ? T(0) : product;  // as nms_box does
  };
  const T w = side(std::max(a.x1, b.x1), std::min(a.x2, b.x2)), h = side(std::max(a.y1, b.y1), std::min(a.y2, b.y2));
  const T intersection = (w > 0 ? w : T(0)) * (h > 0 ? h : T(0));
  const T whole = kind == FOVEA_OVERLAP_MIN ? std::min(area(a), area(b)) : area(a) + area(b) - intersection;
  T value = intersection / whole;
  if (kind == FOVEA_OVERLAP_DIOU || kind == FOVEA_OVERLAP_GIOU) {
    const T width = side(std::min(a.x1, b.x1), std::max(a.x2, b.x2)), height = side(std::min(a.y1, b.y1), std::max(a.y2, b.y2));
    T penalty;
    if (kind == FOVEA_OVERLAP_DIOU) {
      // Twice the distance of the centres; small boxes far from the origin lose nothing in these differences.
      const auto twice = [](float p1, float p2, float q1, float q2) {
        return (static_cast<T>(p1) - static_cast<T>(q1)) + (static_cast<T>(p2) - static_cast<T>(q2));
      };
      const T dx = twice(a.x1, a.x2, b.x1, b.x2), dy = twice(a.y1, a.y2, b.y1, b.y2);
      penalty = T(0.25) * (dx * dx + dy * dy) / (width * width + height * height);
    } else {
      penalty = (width * height - whole) / (width * height);
      if (penalty < 0) penalty = 0;
    }
    value = value - penalty;
  }
  return {intersection, whole, std::isnan(value) ? T(0) : value};
}

}  // namespace fovea
