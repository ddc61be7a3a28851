// Overlap matrix of two lists of boxes: the job of fovea_box_overlaps.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

struct BoxOverlapsJob {
  const float* a;  // [rows][4]
  const float* b;  // [columns][4]
  float* y;        // [rows][columns]
  int64_t rows, columns;
  int64_t a_pitch, b_pitch, y_pitch;
  const int32_t* live;  // of a
  int32_t overlap;      // fovea_overlap
  float one;            // 1: widths with +1, else 0
};

static inline BoxOverlapsJob box_overlaps_job(int32_t overlap, int32_t plus_one, const fovea_tensor& a, const fovea_tensor& b,
                                              const fovea_tensor& y) {
  return {static_cast<const float*>(a.data),
          static_cast<const float*>(b.data),
          static_cast<float*>(y.data),
          a.shape[0],
          b.shape[0],
          a.pitch,
          b.pitch,
          y.pitch,
          a.live,
          overlap,
          plus_one != 0 ? 1.0f : 0.0f};
}

}  // namespace fovea
