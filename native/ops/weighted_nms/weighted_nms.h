// Suppression whose results are the means of groups: the job of fovea_weighted_nms and what its bodies share.
//
// Boxes take part best first (score descending, then index), each class by itself. A box joins
//   WEIGHTED_NMS  the first group whose best box it overlaps by more than the threshold, by nms's rule: groups are what greedy
//                 suppression keeps, with what it drops
//   BOX_FUSION    the group with the highest IoU of its mean so far, over the threshold; the first on ties
// or opens a new one. Means are computed in double precision in the order of joining and rounded once, so every backend has the
// same groups. Where a group's weights have no positive finite sum its best box stands for it.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct WeightedNmsJob {
  const float* rows;  // [boxes][columns]
  const float* scores;
  const int32_t* classes;  // NULL: one class
  const int32_t* valid;    // NULL: all boxes
  float* y;                // [capacity][columns]
  float* y_scores;
  int32_t* y_classes;  // NULL exactly when classes is
  int32_t* count;
  char* workspace;
  int64_t boxes, columns, capacity;
  int64_t rows_pitch, scores_pitch, y_pitch;
  const int32_t* live;
  fovea_weighted_nms_params params;
};

[[gnu::always_inline]] inline int64_t weighted_candidates(const WeightedNmsJob& j) {
  const int64_t n = live_rows(j.live, j.boxes);
  return j.valid == nullptr ? n : live_rows(j.valid, n);
}

// The job of a validated call, without its workspace.
static inline WeightedNmsJob weighted_nms_job(const fovea_weighted_nms_params& params, const fovea_tensor& rows,
                                              const fovea_tensor& scores, const fovea_tensor* classes,
                                              const fovea_tensor* valid, const fovea_tensor& y, const fovea_tensor& y_scores,
                                              const fovea_tensor* y_classes, const fovea_tensor& count) {
  return {static_cast<const float*>(rows.data),
          static_cast<const float*>(scores.data),
          classes == nullptr ? nullptr : static_cast<const int32_t*>(classes->data),
          valid == nullptr ? nullptr : static_cast<const int32_t*>(valid->data),
          static_cast<float*>(y.data),
          static_cast<float*>(y_scores.data),
          y_classes == nullptr ? nullptr : static_cast<int32_t*>(y_classes->data),
          static_cast<int32_t*>(count.data),
          nullptr,
          rows.shape[0],
          rows.shape[1],
          y.shape[0],
          rows.pitch,
          scores.rank == 2 ? scores.pitch : 1,  // [N][1], a column of a table
          y.pitch,
          rows.live,
          params};
}

// The groups so far, on the CPU. Members of a group are a list in the order of joining.
struct WeightedGroups {
  static constexpr int64_t kSums = 5;  // of score * coordinate, and of the scores

  uint64_t *keys, *scratch, *order;             // room for the ranking
  double* sums;                                 // [group][kSums], BOX_FUSION
  float *x1, *y1, *x2, *y2, *area;              // what later boxes meet; may be read a whole vector behind the last group
  int32_t *first, *last, *size, *group, *next;  // by group; group and next by box, -1 for none
  int64_t count;

  // Box `box` joins group g; g == count opens it.
  void join(const WeightedNmsJob& job, int64_t g, int64_t box) noexcept;
  // Ranks the groups and writes the results.
  void finish(const WeightedNmsJob& job) noexcept;

  static int64_t padded(int64_t n) { return (n + 31) / 16 * 16; }
  static int64_t bytes(int64_t n) { return n == 0 ? 0 : padded(n) * ((3 + kSums) * 8 + (5 + 5) * 4); }
};

// No box is in a group yet. The job has boxes and a workspace.
WeightedGroups make_groups(const WeightedNmsJob& job) noexcept;

}  // namespace fovea
