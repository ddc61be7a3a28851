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

}  // namespace fovea
