// Pooling of boxes: y [R][oh][ow][C] from x [N][H][W][C], forward and backward.
#pragma once

#include "ops/roi_align/roi_geometry.h"

namespace fovea {

struct RoiAlignJob {
  RoiBoxes boxes;
  const float* x;
  float* y;
  int64_t channels, x_pitch, y_pitch;
};

// The maxima first find, for every element of dy, the cell (row * width + column) whose value was taken, and its weight.
struct RoiAlignBackwardJob {
  RoiBoxes boxes;
  const float* x;
  const float* dy;
  float* dx;
  float* winner;  // [R][oh][ow][C], the bits of an int32_t, -1 for none; NULL for the mean
  float* weight;  // [R][oh][ow][C], ROI_ALIGN_MAX only
  int64_t channels, x_pitch, dy_pitch, dx_pitch;
};

// Parameters, boxes, images and sizes of `map` (x or dx) and `bins` (y or dy), whose own types have been checked.
fovea_status check_rois(const char* op, const fovea_roi_align_params* params, const char* map_name, const fovea_tensor& map,
                        const char* bins_name, const fovea_tensor& bins);
fovea_status check_roi_boxes(const char* op, const fovea_tensor* boxes, const fovea_tensor* images, const fovea_tensor& bins,
                             const fovea_stream* stream);
// Without bins there are no boxes either.
FOVEA_ALWAYS_INLINE RoiBoxes roi_boxes(const fovea_roi_align_params& params, const fovea_tensor& map, const fovea_tensor& boxes,
                                       const fovea_tensor* images, const fovea_tensor& bins) {
  return {static_cast<const float*>(boxes.data),
          images == nullptr ? nullptr : images->data,
          boxes.live,
          elements(bins) == 0 ? 0 : boxes.shape[0],
          boxes.pitch,
          map.shape[0],
          map.shape[1],
          map.shape[2],
          bins.shape[1],
          bins.shape[2],
          params,
          images != nullptr && same(images->dtype, kI64)};
}

}  // namespace fovea
