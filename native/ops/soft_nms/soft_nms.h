// Suppression that lowers scores: the job of fovea_soft_nms and fovea_guided_nms, and its scratch.
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct SoftNmsJob {
  const float* boxes;
  const float* scores;
  const float* localisation;  // NULL: soft NMS by params.method; else IoU-guided, and the method is not looked at
  const int32_t* classes;     // NULL: one class
  const int32_t* valid;       // NULL: all boxes
  int32_t* keep;
  float* keep_scores;
  int32_t* count;
  char* workspace;
  int64_t boxes_per_image, capacity;
  int64_t boxes_pitch, scores_pitch, localisation_pitch;
  const int32_t* live;
  fovea_soft_nms_params params;
};

[[gnu::always_inline]] inline int64_t soft_nms_candidates(const SoftNmsJob& j) {
  const int64_t n = live_rows(j.live, j.boxes_per_image);
  return j.valid == nullptr ? n : live_rows(j.valid, n);
}

// The job of a validated call, without its workspace.
static inline SoftNmsJob soft_nms_job(const fovea_soft_nms_params& params, const fovea_tensor& boxes,
                                      const fovea_tensor& scores, const fovea_tensor* localisation, const fovea_tensor* classes,
                                      const fovea_tensor* valid, const fovea_tensor& keep, const fovea_tensor& keep_scores,
                                      const fovea_tensor& count) {
  const auto pitch_of = [](const fovea_tensor& t) { return t.rank == 2 ? t.pitch : 1; };  // [N][1], a column of a table
  return {static_cast<const float*>(boxes.data),
          static_cast<const float*>(scores.data),
          localisation == nullptr ? nullptr : static_cast<const float*>(localisation->data),
          classes == nullptr ? nullptr : static_cast<const int32_t*>(classes->data),
          valid == nullptr ? nullptr : static_cast<const int32_t*>(valid->data),
          static_cast<int32_t*>(keep.data),
          static_cast<float*>(keep_scores.data),
          static_cast<int32_t*>(count.data),
          nullptr,
          boxes.shape[0],
          keep.shape[0],
          boxes.pitch,
          pitch_of(scores),
          localisation == nullptr ? 0 : pitch_of(*localisation),
          boxes.live,
          params};
}

// The box of this index may take part in IoU-guided suppression.
FOVEA_HOST_DEVICE static inline bool guided_candidate(const SoftNmsJob& j, int64_t i) {
  const float localisation = j.localisation[i * j.localisation_pitch];
  return j.scores[i * j.scores_pitch] > j.params.score_threshold && localisation > -__builtin_inff();
}

// Keys and scratch of the ranking, the lowered score of every box, and the boxes of one class as columns: x1, y1, x2, y2, area,
// score, two intermediate results and the index. Columns may be read a whole vector behind their end.
struct SoftNmsWorkspace {
  static constexpr int64_t kColumns = 9;
  [[gnu::always_inline]] static int64_t padded(int64_t n) { return (n + 31) / 16 * 16; }
  [[gnu::always_inline]] static int64_t bytes(int64_t n) { return n == 0 ? 0 : padded(n) * (3 * 8 + 4 * (1 + kColumns)); }
};

}  // namespace fovea
