// The separable resize of whole images: tables once per call, then every output row on its own: sum source rows, blend columns.
#pragma once

#include "core/thread_pool.h"
#include "ops/resize/resample_simd.h"
#include "ops/resize/resize_plan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct AxisTables {
  int32_t* start;
  int32_t* count;
  float* weights;
};

FOVEA_INLINE AxisTables axis_tables(char* workspace, int64_t samples) {
  int32_t* start = reinterpret_cast<int32_t*>(workspace);
  return {start, start + samples, reinterpret_cast<float*>(start + 2 * samples)};
}

// Returns the largest number of taps of a sample; *equal: all samples have it. `finite`: zero-weight taps do no harm.
inline int32_t build_axis(const ResampleAxis& axis, int64_t stride, double factor, bool finite, const AxisTables& t,
                          bool* equal) {
  if (finite && shrinks_by_area(axis)) {
    const AreaSteps steps = area_steps(axis, axis.last + 1);
    double inside = 0;
    for (int64_t i = 0; i < axis.out; ++i) {
      t.start[i] = static_cast<int32_t>(area_weights(steps, i, factor, t.weights + i * stride, &inside));
      t.count[i] = steps.taps;
    }
    *equal = true;
    return steps.taps;
  }
  int32_t most = 0, fewest = INT32_MAX;
  for (int64_t i = 0; i < axis.out; ++i) {
    const Taps taps = resample_taps(axis, i);
    t.start[i] = static_cast<int32_t>(taps.begin), t.count[i] = static_cast<int32_t>(taps.end - taps.begin);
    fill_weights(taps, taps.begin, taps.end, factor, t.weights + i * stride);
    most = t.count[i] > most ? t.count[i] : most, fewest = t.count[i] < fewest ? t.count[i] : fewest;
  }
  *equal = most == fewest;
  return most;
}

FOVEA_INLINE constexpr bool finite_source(const uint8_t*) { return true; }
FOVEA_INLINE constexpr bool finite_source(const float*) { return false; }

// emit(image, row, sums, column taps, output row scratch) for every output row of `batch` images. `factor` multiplies all
// weights, which is a free scale of the result.
template <class T, class Emit>
void resize_rows(const ResizePlan& p, const T* x, int64_t x_pitch, int64_t batch, double factor, const Emit& emit) {
  const AxisTables rows = axis_tables(p.workspace, p.rows.out);
  const AxisTables columns = axis_tables(p.workspace + table_bytes(p.rows.out, p.row_taps), p.columns.out);
  bool equal = false;
  build_axis(p.rows, p.row_taps, factor, finite_source(x), rows, &equal);
  const int32_t most = build_axis(p.columns, p.column_taps, 1, finite_source(x), columns, &equal);
  // A zero weight times a NaN is a NaN: only u8 pixels may be padded with zero-weight taps.
  const bool constant = equal || finite_source(x);
  if (!equal && constant)
    for (int64_t i = 0; i < p.columns.out; ++i)
      pad_taps(columns.start[i], columns.count[i], columns.weights + i * p.column_taps, most, p.in_width);
  const RowTaps taps{columns.start, columns.count, columns.weights, p.column_taps, constant ? most : 0};
  char* scratch = p.workspace + tables_bytes(p);

  const int64_t row_stride = p.in_width * x_pitch;
  const int64_t cost = (p.in_width * p.row_taps + p.columns.out * most) * p.channels + 1;
  const ThreadLimit limit(p.threads);
  parallel_for(batch * p.rows.out, cost >= 65536 ? 1 : 65536 / cost, [&](int64_t begin, int64_t end, int32_t worker) {
    float* sums = reinterpret_cast<float*>(scratch + worker * scratch_bytes(p));
    float* row = reinterpret_cast<float*>(scratch + worker * scratch_bytes(p) + summed_row_bytes(p));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / p.rows.out, oy = i % p.rows.out;
      const T* first = x + (n * p.in_height + rows.start[oy]) * row_stride;
      sum_rows(first, row_stride, rows.count[oy], rows.weights + oy * p.row_taps, false, sums, p.in_width, p.channels, x_pitch);
      emit(n, oy, sums, taps, row);
    }
  });
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
