// What the parts of soft NMS on a GPU share.
#pragma once

#include <cuda_runtime.h>

#include "ops/nms/overlap_device.h"
#include "ops/soft_nms/soft_nms.h"

namespace fovea::cuda {

struct SoftNms {
  SoftNmsJob job;
  uint64_t* keys;         // of the candidates
  float *lowered, *term;  // by box
  int32_t* counts;        // counts[0]: candidates
};

// Greedy suppression decides who is kept, and the scores follow from that.
inline bool scores_by_kept(const SoftNmsJob& j) { return j.localisation != nullptr || j.params.method >= FOVEA_CLUSTER_NMS; }
int64_t kept_scores_bytes(int64_t boxes);
// Enqueues the lowered scores; IoU-guided: `term` holds the localisation of the candidates and NaN for other boxes.
cudaError_t enqueue_kept_scores(const SoftNms& n, char* workspace, cudaStream_t stream);

FOVEA_DEVICE int32_t class_of(const SoftNmsJob& j, int64_t box) { return j.classes == nullptr ? 0 : j.classes[box]; }
FOVEA_DEVICE NmsBox box_of(const SoftNmsJob& j, int64_t box) {
  return load_box(j.boxes + box * j.boxes_pitch, j.params.plus_one != 0 ? 1.0f : 0.0f);
}
FOVEA_DEVICE float iou_of(const SoftNmsJob& j, const NmsBox& a, const NmsBox& b) {
  return overlap_value(FOVEA_OVERLAP_UNION, j.params.plus_one != 0 ? 1.0f : 0.0f, a, b);
}

}  // namespace fovea::cuda
