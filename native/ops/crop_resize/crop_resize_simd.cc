// Parallel over boxes. A crop is made in column chunks whose tap tables and summed source row fit on the stack (one chunk for
// a 48x48 crop of boxes up to about 1000 pixels wide); a sample too large even alone is computed by its definition.
#include "core/thread_pool.h"
#include "ops/crop_resize/crop_resize.h"
#include "ops/resize/resample_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kMaxColumns = 128;   // output columns of a chunk
constexpr int64_t kMaxWeights = 4096;  // of all columns of a chunk
constexpr int64_t kMaxSpan = 8192;     // floats of the summed source row
constexpr int64_t kRowWeights = 256;   // source rows summed at a time

struct ColumnTables {
  int32_t start[kMaxColumns], count[kMaxColumns];  // start: relative to `first`
  float outside[kMaxColumns];                      // 1 - weight inside the image
  float weights[kMaxWeights];
  int64_t first, span;  // source pixels that the chunk reads
  RowTaps taps;
};

bool build_area_columns(const CropResizeJob& j, const ResampleAxis& axis, int64_t ox, int64_t columns, int64_t stride,
                        ColumnTables& t) {
  const AreaSteps steps = area_steps(axis, j.width);
  double inside = 0;
  int64_t begin = 0;
  for (int64_t i = 0; i < columns; ++i) {
    begin = area_weights(steps, ox + i, 1, t.weights + i * stride, &inside);
    t.start[i] = static_cast<int32_t>(begin), t.count[i] = steps.taps, t.outside[i] = static_cast<float>(1 - inside);
  }
  t.first = steps.taps == 0 ? 0 : t.start[0], t.span = steps.taps == 0 ? 0 : begin + steps.taps - t.first;  // starts ascend
  for (int64_t i = 0; i < columns; ++i) t.start[i] -= static_cast<int32_t>(t.first);
  t.taps = {t.start, t.count, t.weights, stride, steps.taps};
  return t.span * j.channels <= kMaxSpan;
}

// Tables for columns ox..ox+columns-1. False when they do not fit.
bool build_columns(const CropResizeJob& j, const ResampleAxis& axis, int64_t ox, int64_t columns, ColumnTables& t) {
  const int64_t bound = max_taps(axis), stride = bound < j.width ? bound : j.width;
  if (columns * stride > kMaxWeights) return false;
  if (j.is_u8 != 0 && shrinks_by_area(axis)) return build_area_columns(j, axis, ox, columns, stride, t);
  int64_t first = j.width, end = 0;
  int32_t most = 0;
  for (int64_t i = 0; i < columns; ++i) {
    const Taps taps = resample_taps(axis, ox + i);
    const InsideTaps in = inside_taps(taps, j.width);
    t.start[i] = static_cast<int32_t>(in.begin), t.count[i] = static_cast<int32_t>(in.end - in.begin);
    t.outside[i] = static_cast<float>(1 - in.weight);
    fill_weights(taps, in.begin, in.end, 1, t.weights + i * stride);
    if (in.end > in.begin) first = in.begin < first ? in.begin : first, end = in.end > end ? in.end : end;
    most = t.count[i] > most ? t.count[i] : most;
  }
  if (most == 0) first = end = 0;
  if ((end - first) * j.channels > kMaxSpan) return false;
  t.first = first, t.span = end - first;
  bool equal = true;
  for (int64_t i = 0; i < columns; ++i) {
    t.start[i] = t.count[i] == 0 ? 0 : t.start[i] - static_cast<int32_t>(first);
    equal = equal && t.count[i] == most;
    // A zero weight times a NaN is a NaN: only u8 pixels may be padded with zero-weight taps.
    if (j.is_u8 != 0) pad_taps(t.start[i], t.count[i], t.weights + i * stride, most, t.span);
  }
  t.taps = {t.start, t.count, t.weights, stride, j.is_u8 != 0 || equal ? most : 0};
  return true;
}

// The weighted sum of one output row's source rows, times scale, in pieces of kRowWeights rows.
template <class T>
InsideTaps sum_taps(const Taps& taps, const CropResizeJob& j, const T* image_rows, int64_t span, float* weights, float* sums) {
  const InsideTaps in = inside_taps(taps, j.height);
  const int64_t row_stride = j.width * j.x_pitch;
  for (int64_t begin = in.begin; begin < in.end; begin += kRowWeights) {
    const int64_t end = begin + kRowWeights < in.end ? begin + kRowWeights : in.end;
    for (int64_t i = begin; i < end; ++i)
      weights[i - begin] = static_cast<float>(tap_weight(taps, i) * static_cast<double>(j.resize.scale));
    sum_rows(image_rows + begin * row_stride, row_stride, end - begin, weights, begin > in.begin, sums, span, j.channels,
             j.x_pitch);
  }
  return in;
}

template <class T>
void crop_columns(const CropResizeJob& j, int64_t r, int64_t image, const ResampleAxis& rows, int64_t ox, int64_t columns,
                  const ColumnTables& t) {
  float sums[kMaxSpan + 4];  // blend_row reads up to 3 floats more
  float row_weights[kRowWeights];
  const float scale = j.resize.scale, offset = j.resize.offset;
  const int64_t row_stride = j.width * j.x_pitch;
  const T* image_rows = static_cast<const T*>(j.x) + (image * j.height * j.width + t.first) * j.x_pitch;
  const AreaSteps steps = area_steps(rows, j.height);
  const bool area = j.is_u8 != 0 && shrinks_by_area(rows) && steps.taps <= kRowWeights;
  for (int64_t oy = 0; oy < j.out_height; ++oy) {
    float* y = j.y + ((r * j.out_height + oy) * j.out_width + ox) * j.y_pitch;
    InsideTaps in;
    if (area) {
      in.begin = area_weights(steps, oy, static_cast<double>(scale), row_weights, &in.weight);
      in.end = in.begin + steps.taps;
      if (steps.taps > 0)
        sum_rows(image_rows + in.begin * row_stride, row_stride, steps.taps, row_weights, false, sums, t.span, j.channels,
                 j.x_pitch);
    } else {
      in = sum_taps(resample_taps(rows, oy), j, image_rows, t.span, row_weights, sums);
    }
    const bool empty_row = in.end == in.begin;
    const float inside = static_cast<float>(in.weight), outside = static_cast<float>(1 - in.weight);
    // 1 - inside_row*inside_column, without cancellation: 0 exactly where no tap is cut off, so that pad cannot leak in.
    const auto init = [&](int64_t i) {
      const float share = outside + inside * t.outside[i];
      return share == 0.0f ? offset : scale * (share * j.pad) + offset;
    };
    if (empty_row || t.span == 0) {
      for (int64_t i = 0; i < columns; ++i)
        for (int64_t c = 0; c < j.channels; ++c) y[i * j.y_pitch + c] = scale * j.pad + offset;
    } else {
      blend_row(sums, t.taps, columns, j.channels, y, j.y_pitch, init);
    }
  }
}

void crop_directly(const CropResizeJob& j, int64_t r, int64_t image, const ResampleAxis& rows, const ResampleAxis& columns,
                   int64_t ox) {
  const Taps column = resample_taps(columns, ox);
  for (int64_t oy = 0; oy < j.out_height; ++oy)
    for (int64_t c = 0; c < j.channels; ++c)
      j.y[((r * j.out_height + oy) * j.out_width + ox) * j.y_pitch + c] =
          crop_sample(j, image, resample_taps(rows, oy), column, c);
}

void crop_box(const CropResizeJob& j, int64_t r) {
  ResampleAxis rows{}, columns{};
  int64_t image = 0;
  if (!crop_axes(j, r, rows, columns, image)) {
    float* y = j.y + r * j.out_height * j.out_width * j.y_pitch;
    for (int64_t i = 0; i < j.out_height * j.out_width; ++i, y += j.y_pitch)
      for (int64_t c = 0; c < j.channels; ++c) y[c] = j.resize.scale * j.pad + j.resize.offset;
    return;
  }
  ColumnTables tables;
  int64_t step = j.out_width < kMaxColumns ? j.out_width : kMaxColumns;
  for (int64_t ox = 0; ox < j.out_width;) {
    int64_t n = j.out_width - ox < step ? j.out_width - ox : step;
    while (n > 0 && !build_columns(j, columns, ox, n, tables)) n = step = n / 2;
    if (n == 0) {
      crop_directly(j, r, image, rows, columns, ox);
      ox += 1, step = 1;
      continue;
    }
    if (j.is_u8 != 0)
      crop_columns<uint8_t>(j, r, image, rows, ox, n, tables);
    else
      crop_columns<float>(j, r, image, rows, ox, n, tables);
    ox += n;
  }
}

}  // namespace

void crop_resize(const CropResizeJob& j) {
  parallel_for(live_rows(j.live, j.count), 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r) crop_box(j, r);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
