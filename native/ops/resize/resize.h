// Resizing whole images, fovea_resize.
#pragma once

#include "ops/resize/resize_plan.h"

namespace fovea {

struct ResizeJob {
  ResizePlan plan;
  const void* x;
  void* y;
  const int32_t* live;
  int64_t batch, x_pitch, y_pitch;
  float scale, offset;  // 1 and 0 for u8 output
  int32_t x_is_u8, y_is_u8;
};

// One resampled value by its definition, a direct 2-D sum in double precision. `image` points at pixel (0, 0).
template <class T>
static inline double resample_sample(const ResizePlan& p, const T* image, int64_t pitch, const Taps& rows, const Taps& columns,
                                     int64_t c) {
  double sum = 0;
  for (int64_t iy = rows.begin; iy < rows.end; ++iy)
    for (int64_t ix = columns.begin; ix < columns.end; ++ix)
      sum += tap_weight(rows, iy) * tap_weight(columns, ix) * static_cast<double>(image[(iy * p.in_width + ix) * pitch + c]);
  return sum;
}

}  // namespace fovea
