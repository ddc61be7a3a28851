// Greedy non-maximum suppression: the job of fovea_nms and the form in which boxes are compared.
//
// One arithmetic for every instruction set and the reference, f32 without fma, so that keep lists are identical:
//   w = min(x2, X2) - max(x1, X1) [+ 1], h likewise, inter = max(w, 0) * max(h, 0)
//   suppressed when inter > threshold * (area + AREA - inter), or threshold * min(area, AREA)
// DIoU and GIoU divide: see overlap.h.
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

// True when even an overlap of 0 suppresses, and none is lower: then a class keeps its best box only.
[[gnu::always_inline]] inline bool suppresses_all(const fovea_nms_params& p) {
  if (p.overlap == FOVEA_OVERLAP_DIOU || p.overlap == FOVEA_OVERLAP_GIOU) return false;
  return p.inclusive != 0 ? p.iou_threshold <= 0.0f : p.iou_threshold < 0.0f;
}

// True when boxes that do not meet can suppress each other: DIoU and GIoU go down to -1.
[[gnu::always_inline]] inline bool reaches_apart(const fovea_nms_params& p) {
  return p.inclusive != 0 ? p.iou_threshold <= 0.0f : p.iou_threshold < 0.0f;
}

// Boxes of one image that may take part, before scores are looked at.
[[gnu::always_inline]] inline int64_t nms_candidates(const NmsJob& j, int64_t image) {
  const int64_t n = j.batched ? j.boxes_per_image : live_rows(j.live, j.boxes_per_image);
  return j.valid == nullptr ? n : live_rows(j.valid + image, n);
}

// Per image: keys and scratch of the sort, labels of the kept boxes, then lists of chunks of kept boxes (kept_field_simd.h).
struct NmsWorkspace {
  static constexpr int64_t kChunkBoxes = 32, kChunkBytes = 960, kListBytes = 6 * 4;

  // Lists pay when many boxes are kept: first one list, then a grid of 4x4 cells, then of 8x8. Classes are spread over `hashes`
  // times as many lists, a power of 2.
  [[gnu::always_inline]] static int32_t hashes(int64_t kept) { return kept <= 128 ? 1 : 16; }
  [[gnu::always_inline]] static int32_t side(int64_t kept) { return kept <= 768 ? 1 : kept <= 3072 ? 4 : 8; }
  [[gnu::always_inline]] static int64_t lists(int64_t kept) { return int64_t{hashes(kept)} * side(kept) * side(kept); }
  // Every list may end in a chunk that is not full.
  [[gnu::always_inline]] static int64_t chunks(int64_t n) {
    const int64_t most = n / kChunkBoxes + lists(n);
    return most < n ? most : n;
  }
  [[gnu::always_inline]] static int64_t padded(int64_t n) { return (n + 15) / 16 * 16; }
  // Up to kMarked candidates lie in blocks of 64 instead of lists (marked_list_simd.h).
  static constexpr int64_t kMarked = 2048, kMarkedBytes = 64 * (5 * 4 + 8), kMarkedHits = 256;
  static constexpr int64_t kMarkedStateBytes = 32 * 8 + kMarkedHits * (8 + 4) + 64;
  [[gnu::always_inline]] static int64_t bytes(int64_t n) {
    const int64_t field = padded(lists(n)) * kListBytes + chunks(n) * kChunkBytes;
    const int64_t marked = ((n < kMarked ? n : kMarked) + 63) / 64 * kMarkedBytes + kMarkedStateBytes;
    return n == 0 ? 0 : padded(n) * (2 * 8 + 4) + (field > marked ? field : marked);
  }
};

fovea_status check_nms_params(const char* op, const fovea_nms_params& params);

using NmsKernel = void(const NmsJob&);
NmsKernel* select_nms() noexcept;

}  // namespace fovea
