// Corner pooling: y [N][H][W][C] holds the running maxima of x along its rows or columns, taken from the far side towards the
// corner's edge. Backward sends dy to the element whose value was taken: a maximum that the scan meets for the first time, a
// `record`, collects dy from its own pixel up to the pixel before the next record.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {

// The lines of an image that are scanned, in pixels.
struct CornerLines {
  int64_t count, distance;      // lines of an image, and from one to the next
  int64_t length, first, step;  // pixels of a line, its first one in the order of the scan, and from one to the next
};

struct CornerPoolJob {
  const float* x;
  const float* dy;  // backward only
  float* y;         // backward: dx
  const int32_t* live;
  int64_t batch, pixels, channels;  // pixels of an image
  int64_t x_pitch, dy_pitch, y_pitch;
  CornerLines lines;
};

FOVEA_ALWAYS_INLINE CornerLines corner_lines(int32_t corner, int64_t height, int64_t width) {
  const bool column = corner == FOVEA_CORNER_TOP || corner == FOVEA_CORNER_BOTTOM;
  const bool backwards = corner == FOVEA_CORNER_TOP || corner == FOVEA_CORNER_LEFT;
  const int64_t length = column ? height : width, step = column ? width : 1;
  return {column ? width : height, column ? 1 : width, length, backwards ? (length - 1) * step : 0, backwards ? -step : step};
}

}  // namespace fovea
