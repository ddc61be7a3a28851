// Greedy non-maximum suppression: the job of fovea_nms and the form in which boxes are compared.
//
// One arithmetic for every instruction set and the reference, f32 without fma, so that keep lists are identical:
//   w = min(x2, X2) - max(x1, X1) [+ 1], h likewise, inter = max(w, 0) * max(h, 0)
//   suppressed when inter > threshold * (area + AREA - inter), or threshold * min(area, AREA)
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct NmsJob {
  const float* boxes;
  const float* scores;
  const int32_t* classes;  // NULL: one class
  const int32_t* valid;    // one number per image, or NULL
  int32_t* keep;
  int32_t* count;
  char* workspace;
  int64_t images, boxes_per_image, capacity;
  int64_t boxes_pitch, scores_pitch;                                     // between boxes, between scores of an image
  int64_t scores_stride, classes_stride, keep_stride, workspace_stride;  // between images; elements, bytes for workspace
  const int32_t* live;                                                   // limits images when batched, else boxes
  bool batched;
  fovea_nms_params params;
};

struct NmsBox {
  float x1, y1, x2, y2, area;
};

// Orders the corners. A box with a NaN corner overlaps nothing: it becomes empty in a way that every formula understands.
[[gnu::always_inline]] inline NmsBox nms_box(const float* box, float one) {
  const float x1 = box[0], y1 = box[1], x2 = box[2], y2 = box[3];
  if (x1 != x1 || y1 != y1 || x2 != x2 || y2 != y2) {
    const float inf = __builtin_inff();
    return {inf, inf, -inf, -inf, 0.0f};
  }
  NmsBox b{x1 < x2 ? x1 : x2, y1 < y2 ? y1 : y2, x1 < x2 ? x2 : x1, y1 < y2 ? y2 : y1, 0.0f};
  b.area = (b.x2 - b.x1 + one) * (b.y2 - b.y1 + one);
  if (b.area != b.area) b.area = 0.0f;  // a line to infinity, or a point there
  return b;
}

// True when even an overlap of 0 suppresses: then a class keeps its best box only.
[[gnu::always_inline]] inline bool suppresses_all(const fovea_nms_params& p) {
  return p.inclusive != 0 ? p.iou_threshold <= 0.0f : p.iou_threshold < 0.0f;
}

// Boxes of one image that may take part, before scores are looked at.
[[gnu::always_inline]] inline int64_t nms_candidates(const NmsJob& j, int64_t image) {
  const int64_t n = j.batched ? j.boxes_per_image : live_rows(j.live, j.boxes_per_image);
  return j.valid == nullptr ? n : live_rows(j.valid + image, n);
}

// Per image: keys and scratch of the sort, then x1, y1, x2, y2, area and class of the kept boxes, each array padded so that
// a whole vector may be read anywhere in it.
struct NmsWorkspace {
  static constexpr int64_t kPad = 16;
  [[gnu::always_inline]] static int64_t array_length(int64_t n) { return (n + 2 * kPad - 1) / kPad * kPad; }
  [[gnu::always_inline]] static int64_t bytes(int64_t n) { return n == 0 ? 0 : array_length(n) * (2 * 8 + 6 * 4); }
};

}  // namespace fovea
