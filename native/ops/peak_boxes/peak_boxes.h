// Peaks of a heat map to rows of boxes: the job of fovea_peak_boxes and the rules that every backend computes alike.
//
// A peak is a value that no cell of its window and class exceeds, cells outside the map and NaN being passed over. The map's
// own values are compared, logits in SIGMOID mode: saturated sigmoids are equal, their logits are not. The score follows
// decode_boxes's rule.
#pragma once

#include "core/host_device.h"
#include "core/tensor.h"
#include "fovea/vision.h"
#include "ops/decode_boxes/decode_boxes.h"

namespace fovea {

struct PeakJob {
  const float* heat;    // [height][width][classes]
  const float* size;    // [height][width][2], DISTANCES [height][width][4]
  const float* offset;  // [height][width][2] or NULL: the middle of the cell
  float* rows;          // [capacity][6]
  int32_t* rows_count;
  uint64_t* keys;  // 2*buffer keys
  int64_t height, width, classes, capacity, buffer;
  int64_t heat_pitch, size_pitch, offset_pitch, rows_pitch;
  const int32_t* live;  // rows of the map that carry data
  fovea_peak_params params;
};

// Offers one value, when it is a peak, to the exact rule of scores. `height` is the number of live rows.
void offer_peak(const PeakJob& job, Selection* selection, int64_t height, int64_t cell, int64_t column) noexcept;
Selection begin_peaks(const PeakJob& job) noexcept;
// Writes the rows of what was selected and the count.
void finish_peaks(const PeakJob& job, Selection* selection) noexcept;

// No value below it passes the bar.
float lowest_heat(const PeakJob& job, float bar) noexcept;

// Most peaks that a call can yield.
static inline int64_t peak_candidates(const fovea_peak_params& p, int64_t values) {
  return p.top_k > 0 && p.top_k < values ? p.top_k : values;
}

// The job of a validated call, without its workspace.
static inline PeakJob peak_job(const fovea_peak_params& params, const fovea_tensor& heat, const fovea_tensor& size,
                               const fovea_tensor* offset, const fovea_tensor& rows, const fovea_tensor& count) {
  return {static_cast<const float*>(heat.data),
          static_cast<const float*>(size.data),
          offset == nullptr ? nullptr : static_cast<const float*>(offset->data),
          static_cast<float*>(rows.data),
          static_cast<int32_t*>(count.data),
          nullptr,
          heat.shape[0],
          heat.shape[1],
          heat.shape[2],
          rows.shape[0],
          0,
          heat.pitch,
          size.pitch,
          offset == nullptr ? 0 : offset->pitch,
          rows.pitch,
          heat.live,
          params};
}

FOVEA_HOST_DEVICE static inline bool is_peak(const PeakJob& j, int64_t height, int64_t cell, int64_t column) {
  const float* const heat = j.heat + column;
  const float value = heat[cell * j.heat_pitch];
  if (value != value) return false;
  const int64_t reach = j.params.window / 2, row = cell / j.width, x = cell - row * j.width;
  const int64_t top = row < reach ? 0 : row - reach, bottom = row + reach < height ? row + reach : height - 1;
  const int64_t left = x < reach ? 0 : x - reach, right = x + reach < j.width ? x + reach : j.width - 1;
  for (int64_t r = top; r <= bottom; ++r)
    for (int64_t c = left; c <= right; ++c)
      if (heat[(r * j.width + c) * j.heat_pitch] > value) return false;
  return true;
}

// The box of a cell; double precision, rounded once. NaN stays.
FOVEA_HOST_DEVICE static inline void peak_box(const PeakJob& j, int64_t cell, float* box) {
  const fovea_peak_params& p = j.params;
  const float* const size = j.size + cell * j.size_pitch;
  const int64_t at[] = {cell % j.width, cell / j.width};
  for (int axis = 0; axis < 2; ++axis) {
    const double offset = j.offset == nullptr ? 0.5 : static_cast<double>(j.offset[cell * j.offset_pitch + axis]);
    const double centre = (static_cast<double>(at[axis]) + offset) * static_cast<double>(p.stride);
    const double scale = static_cast<double>(p.size_scale), first = scale * static_cast<double>(size[axis]);
    const bool extent = p.size_mode == FOVEA_PEAK_EXTENT;
    const double clip = static_cast<double>(axis == 0 ? p.clip_w : p.clip_h);
    double edges[] = {centre - (extent ? 0.5 * first : first),
                      centre + (extent ? 0.5 * first : scale * static_cast<double>(size[axis + 2]))};
    for (int end = 0; end < 2; ++end) {
      const double e = edges[end];
      box[axis + 2 * end] = static_cast<float>(clip > 0 && e < 0 ? 0 : clip > 0 && e > clip ? clip : e);
    }
  }
}

}  // namespace fovea
