// Overlaps of many boxes with one: the same operations in the same order as overlap.h, without fma, so that the scalar, AVX2
// and AVX-512 bodies and the f32 reference agree bit for bit.
#pragma once

#include "core/simd.h"
#include "ops/nms/nms.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

struct Boxes {
  F x1, y1, x2, y2, area;
};

FOVEA_INLINE Boxes broadcast(const NmsBox& b) { return {set(b.x1), set(b.y1), set(b.x2), set(b.y2), set(b.area)}; }

// `none` is 0, but not a constant to the compiler: GCC turns max(x, 0) of one lane into a branch, ten times slower here.
FOVEA_INLINE F intersection(const Boxes& a, const Boxes& b, F one, F none) {
  const F w = min(a.x2, b.x2) - max(a.x1, b.x1) + one, h = min(a.y2, b.y2) - max(a.y1, b.y1) + one;
  return max(w, none) * max(h, none);
}

FOVEA_INLINE F whole(int32_t kind, const Boxes& a, const Boxes& b, F inter) {
  return kind == FOVEA_OVERLAP_MIN ? min(a.area, b.area) : a.area + b.area - inter;
}

FOVEA_INLINE F overlap(int32_t kind, const Boxes& a, const Boxes& b, F one, F none) {
  const F inter = intersection(a, b, one, none), all = whole(kind, a, b, inter);
  F value = inter / all;
  if (kind == FOVEA_OVERLAP_DIOU || kind == FOVEA_OVERLAP_GIOU) {
    const F w = max(a.x2, b.x2) - min(a.x1, b.x1) + one, h = max(a.y2, b.y2) - min(a.y1, b.y1) + one;
    if (kind == FOVEA_OVERLAP_DIOU) {
      const F dx = (a.x1 - b.x1) + (a.x2 - b.x2), dy = (a.y1 - b.y1) + (a.y2 - b.y2);
      value = value - set(0.25f) * (dx * dx + dy * dy) / (w * w + h * h);
    } else {
      value = value - max(none, (w * h - all) / (w * h));  // keeps NaN
    }
  }
  return select(is_nan(value), zero(), value);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
