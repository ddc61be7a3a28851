// Separable resampling on a GPU. One launch writes the tap tables of both axes, from the same definitions as the CPU's; a
// second one makes every output pixel on its own: for each column tap the weighted sum down the rows, blended along the row.
// That is the CPU's order of operations, fused multiply-adds included, so values are those of its AVX2 and AVX-512 bodies.
// Shrinking reads every source pixel about once; the sums that neighbours share come from the cache.
#pragma once

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "ops/resize/resize_plan.h"

namespace fovea::cuda {

// Taps of the samples of an axis: `count` weights from pixel `start` on, `stride` apart.
struct TapTable {
  int32_t* start;
  int32_t* count;
  float* weights;
  int64_t stride;
};

inline TapTable tap_table(char* memory, int64_t samples, int64_t taps) {
  auto* const start = reinterpret_cast<int32_t*>(memory);
  return {start, start + samples, reinterpret_cast<float*>(start + 2 * samples), taps};
}
inline TapTable row_table(const ResizePlan& p) { return tap_table(p.workspace, p.rows.out, p.row_taps); }
inline TapTable column_table(const ResizePlan& p) {
  return tap_table(p.workspace + table_bytes(p.rows.out, p.row_taps), p.columns.out, p.column_taps);
}

// Sample i of an axis, weights times `factor`. `finite`: zero-weight taps do no harm.
FOVEA_DEVICE void write_taps(const ResampleAxis& axis, int64_t i, double factor, bool finite, const TapTable& t) {
  float* weights = t.weights + i * t.stride;
  if (finite && shrinks_by_area(axis)) {
    const AreaSteps steps = area_steps(axis, axis.last + 1);
    double inside = 0;
    t.start[i] = static_cast<int32_t>(area_weights(steps, i, factor, weights, &inside));
    t.count[i] = steps.taps;
    return;
  }
  const Taps taps = resample_taps(axis, i);
  t.start[i] = static_cast<int32_t>(taps.begin), t.count[i] = static_cast<int32_t>(taps.end - taps.begin);
  fill_weights(taps, taps.begin, taps.end, factor, weights);
}

// Channels c..c+3 (below `channels`) of the pixel in row `oy` and column `ox`, added to `sums`. `image` points at pixel (0, 0).
template <class T>
FOVEA_DEVICE void resample_pixel(const T* image, int64_t in_width, int64_t pitch, const TapTable& rows, int64_t oy,
                                 const TapTable& columns, int64_t ox, int64_t c, int64_t channels, float (&sums)[4]) {
  const float *row_weights = rows.weights + oy * rows.stride, *column_weights = columns.weights + ox * columns.stride;
  const int32_t row_taps = rows.count[oy], column_taps = columns.count[ox];
  const T* first = image + (rows.start[oy] * in_width + columns.start[ox]) * pitch + c;
  for (int32_t t = 0; t < column_taps; ++t, first += pitch) {
    float down[4] = {};
    const T* p = first;
    for (int32_t r = 0; r < row_taps; ++r, p += in_width * pitch)
#pragma unroll
      for (int k = 0; k < 4; ++k)
        if (c + k < channels) down[k] = fmaf(static_cast<float>(p[k]), row_weights[r], down[k]);
#pragma unroll
    for (int k = 0; k < 4; ++k) sums[k] = fmaf(down[k], column_weights[t], sums[k]);
  }
}

// Enqueues the launch that fills the tables; resize.cu.
cudaError_t write_tap_tables(const ResizePlan& plan, double factor, bool finite, cudaStream_t stream);

}  // namespace fovea::cuda
