// Dense score map to boxes: the job of fovea_grid_proposals and the box of one cell.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct GridProposalsJob {
  const float* score;
  const float* deltas;  // [height][width][4] or NULL
  float* rows;          // [capacity][5], with deltas [capacity][9]
  int32_t* count;
  uint64_t* keys;  // [height*width], workspace
  uint64_t* scratch;
  int64_t height, width, capacity;
  int64_t score_pitch, deltas_pitch, rows_pitch;
  const int32_t* live;  // rows of the score map that carry data
  fovea_grid_proposals_params params;
};

// Without its workspace. deltas may be NULL.
static inline GridProposalsJob grid_proposals_job(const fovea_grid_proposals_params& params, const fovea_tensor& score,
                                                  const fovea_tensor* deltas, const fovea_tensor& rows,
                                                  const fovea_tensor& count) {
  return {static_cast<const float*>(score.data),
          deltas == nullptr ? nullptr : static_cast<const float*>(deltas->data),
          static_cast<float*>(rows.data),
          static_cast<int32_t*>(count.data),
          nullptr,
          nullptr,
          score.shape[0],
          score.shape[1],
          rows.shape[0],
          score.pitch,
          deltas == nullptr ? 0 : deltas->pitch,
          rows.pitch,
          score.live,
          params};
}

// Writes the boxes of the first min(n, capacity) ranked cells and the count.
void write_proposals(const GridProposalsJob& job, const uint64_t* ranked, int64_t n);

}  // namespace fovea
