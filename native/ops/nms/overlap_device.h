// Overlap of two boxes on a GPU: the operations of overlap.h in the same order. A product that a sum follows is __fmul_rn, so
// that nvcc cannot fuse the two: the emulated build, the GPU and the CPU (-ffp-contract=off) agree bit for bit.
#pragma once

#include "cuda/kernel.h"
#include "ops/nms/nms.h"

namespace fovea::cuda {

// As nms_box of nms.h.
FOVEA_DEVICE NmsBox load_box(const float* box, float one) {
  const float x1 = box[0], y1 = box[1], x2 = box[2], y2 = box[3];
  if (x1 != x1 || y1 != y1 || x2 != x2 || y2 != y2) {
    const float inf = __builtin_inff();
    return {inf, inf, -inf, -inf, 0.0f};
  }
  NmsBox b{fminf(x1, x2), fminf(y1, y2), fmaxf(x1, x2), fmaxf(y1, y2), 0.0f};
  b.area = __fmul_rn(b.x2 - b.x1 + one, b.y2 - b.y1 + one);
  if (b.area != b.area) b.area = 0.0f;  // a line to infinity, or a point there
  return b;
}

FOVEA_DEVICE float intersection_of(float one, const NmsBox& a, const NmsBox& b) {
  const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1) + one, h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1) + one;
  return __fmul_rn(fmaxf(w, 0.0f), fmaxf(h, 0.0f));  // fmaxf makes 0 of a NaN, as the CPU does
}

// What the intersection is divided by.
FOVEA_DEVICE float whole_of(int32_t kind, const NmsBox& a, const NmsBox& b, float intersection) {
  return kind == FOVEA_OVERLAP_MIN ? fminf(a.area, b.area) : a.area + b.area - intersection;
}

// 0 where the formula has no value.
FOVEA_DEVICE float overlap_value(int32_t kind, float one, const NmsBox& a, const NmsBox& b) {
  const float intersection = intersection_of(one, a, b), whole = whole_of(kind, a, b, intersection);
  float value = intersection / whole;
  if (kind == FOVEA_OVERLAP_DIOU || kind == FOVEA_OVERLAP_GIOU) {
    const float w = fmaxf(a.x2, b.x2) - fminf(a.x1, b.x1) + one, h = fmaxf(a.y2, b.y2) - fminf(a.y1, b.y1) + one;
    if (kind == FOVEA_OVERLAP_DIOU) {
      const float dx = (a.x1 - b.x1) + (a.x2 - b.x2), dy = (a.y1 - b.y1) + (a.y2 - b.y2);
      const float distance = __fmul_rn(0.25f, __fmul_rn(dx, dx) + __fmul_rn(dy, dy));
      value = value - distance / (__fmul_rn(w, w) + __fmul_rn(h, h));
    } else {
      const float hull = __fmul_rn(w, h), penalty = (hull - whole) / hull;
      value = value - (penalty < 0 ? 0.0f : penalty);  // keeps NaN
    }
  }
  return value != value ? 0.0f : value;
}

// True when a kept box and a later one of its class exclude each other.
FOVEA_DEVICE bool suppresses(const fovea_nms_params& p, const NmsBox& kept, const NmsBox& box) {
  const float one = p.plus_one != 0 ? 1.0f : 0.0f;
  if (p.overlap == FOVEA_OVERLAP_DIOU || p.overlap == FOVEA_OVERLAP_GIOU) {
    const float value = overlap_value(p.overlap, one, kept, box);
    return p.inclusive != 0 ? value >= p.iou_threshold : value > p.iou_threshold;
  }
  // 0/0 and inf/inf count as no overlap; the strict comparison rejects both by itself.
  const float intersection = intersection_of(one, kept, box);
  const float limit = __fmul_rn(p.iou_threshold, whole_of(p.overlap, kept, box, intersection));
  if (p.inclusive != 0) return intersection > 0 && intersection < __builtin_inff() && intersection >= limit;
  return intersection > limit;
}

}  // namespace fovea::cuda
