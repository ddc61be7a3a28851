// A block makes a tile of a crop. Where the taps lie and what they weigh is worked out once per tile row and column, in double
// precision; the first weights of each are kept in shared memory, those of very wide boxes are computed where they are used.
// Values are those of the CPU's AVX2 and AVX-512 bodies: the same weights and the same order of operations.
#include "ops/crop_resize/crop_resize.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kTile = 32;  // a tile is up to 32 x 32 pixels
constexpr int kWeights = 32;               // of a sample, in shared memory
// Samples with more taps, or whose taps span more floats, are summed in double precision, as on the CPU.
constexpr int64_t kMaxWeights = 4096, kMaxSpan = 8192;

// The samples of one axis of a tile.
struct TileAxis {
  int32_t begin[kTile], count[kTile];
  float inside[kTile], outside[kTile];  // shares of the weight in and outside the image
  float weights[kTile][kWeights];
};

struct Tile {
  TileAxis rows, columns;
};

// What tells how weights of an axis are made, the same for all its samples.
struct AxisRule {
  ResampleAxis axis;
  AreaSteps steps;
  bool by_steps;  // u8 and shrinking by area
  double factor;
};

FOVEA_DEVICE AxisRule axis_rule(const CropResizeJob& j, const ResampleAxis& axis, int64_t size, double factor) {
  return {axis, area_steps(axis, size), j.is_u8 != 0 && shrinks_by_area(axis), factor};
}

// Weight t of a sample, by its definition. Inner taps of an area all weigh the same, as fill_weights has it; the CPU's rows are
// weighed one by one.
FOVEA_DEVICE float weight_at(const AxisRule& rule, const Taps& taps, int64_t sample, int64_t begin, int64_t count, int64_t t,
                             bool is_row) {
  if (rule.by_steps) {
    const AreaSteps& s = rule.steps;
    const double x = static_cast<double>(sample), left = s.origin + x * s.extent / s.out,
                 right = s.origin + (x + 1) * s.extent / s.out, p = static_cast<double>(begin + t);
    const double overlap = (right < p + 1 ? right : p + 1) - (left > p ? left : p);
    return static_cast<float>((overlap > 0 ? overlap : 0) * (s.out / s.extent) * rule.factor);
  }
  if (!is_row && taps.kind == Taps::kArea && t > 0 && t < count - 1) return static_cast<float>(taps.norm * rule.factor);
  return static_cast<float>(tap_weight(taps, begin + t) * rule.factor);
}

// Sample `sample` of an axis over an image of `size` pixels into place k of the tile.
FOVEA_DEVICE void place_sample(const AxisRule& rule, int64_t sample, int64_t size, bool is_row, TileAxis& tile, int k) {
  int64_t begin = 0, count = 0;
  double inside = 0;
  Taps taps{};
  if (rule.by_steps) {
    const AreaSteps& s = rule.steps;
    const double x = static_cast<double>(sample), left = s.origin + x * s.extent / s.out,
                 right = s.origin + (x + 1) * s.extent / s.out;
    begin = static_cast<int64_t>(floor(left));
    begin = begin < s.lo ? s.lo : begin;
    begin = begin > s.hi - s.taps ? s.hi - s.taps : begin;
    count = s.taps;
    if (!s.cut || (left >= static_cast<double>(s.lo) && right <= static_cast<double>(s.hi))) {
      inside = 1;
    } else {
      for (int64_t t = 0; t < count; ++t) {
        const double p = static_cast<double>(begin + t), overlap = (right < p + 1 ? right : p + 1) - (left > p ? left : p);
        inside += (overlap > 0 ? overlap : 0) * (s.out / s.extent);
      }
    }
  } else {
    taps = resample_taps(rule.axis, sample);
    const InsideTaps in = inside_taps(taps, size);
    begin = in.begin, count = in.end - in.begin, inside = in.weight;
  }
  tile.begin[k] = static_cast<int32_t>(begin), tile.count[k] = static_cast<int32_t>(count);
  tile.inside[k] = static_cast<float>(inside), tile.outside[k] = static_cast<float>(1 - inside);
  for (int64_t t = 0; t < count && t < kWeights; ++t)
    tile.weights[k][t] = weight_at(rule, taps, sample, begin, count, t, is_row);
}

struct Place {
  int64_t oy, ox;   // of the pixel in the crop
  int row, column;  // in the tile
};

template <class T>
FOVEA_DEVICE void crop_pixel(const CropResizeJob& j, const T* image, const AxisRule& rows, const AxisRule& columns,
                             const Tile& t, const Place& at, int64_t c, float (&v)[4]) {
  const int32_t row_taps = t.rows.count[at.row], column_taps = t.columns.count[at.column];
  const float scale = j.resize.scale, offset = j.resize.offset;
  // Only taps beyond those in the tile need them.
  const Taps row = row_taps > kWeights && !rows.by_steps ? resample_taps(rows.axis, at.oy) : Taps{};
  const Taps column = column_taps > kWeights && !columns.by_steps ? resample_taps(columns.axis, at.ox) : Taps{};
  // A row, or all columns, outside the image.
  if (row_taps == 0 || columns.axis.last < 0 || columns.axis.first >= j.width) {
    for (float& value : v) value = __fmul_rn(scale, j.pad) + offset;
    return;
  }
  // 1 - inside_row*inside_column, without cancellation: 0 exactly where no tap is cut off, so that pad cannot leak in.
  const float share = t.rows.outside[at.row] + __fmul_rn(t.rows.inside[at.row], t.columns.outside[at.column]);
  for (float& value : v) value = share == 0.0f ? offset : __fmul_rn(scale, __fmul_rn(share, j.pad)) + offset;
  const int64_t row_begin = t.rows.begin[at.row], column_begin = t.columns.begin[at.column];
  for (int32_t q = 0; q < column_taps; ++q) {
    const float column_weight =
        q < kWeights ? t.columns.weights[at.column][q] : weight_at(columns, column, at.ox, column_begin, column_taps, q, false);
    float down[4] = {};
    for (int32_t r = 0; r < row_taps; ++r) {
      const float row_weight =
          r < kWeights ? t.rows.weights[at.row][r] : weight_at(rows, row, at.oy, row_begin, row_taps, r, true);
      const T* p = image + ((row_begin + r) * j.width + column_begin + q) * j.x_pitch + c;
#pragma unroll
      for (int k = 0; k < 4; ++k)
        if (c + k < j.channels) down[k] = fmaf(static_cast<float>(p[k]), row_weight, down[k]);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = fmaf(down[k], column_weight, v[k]);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) crop_resize_kernel(CropResizeJob j, int64_t tiles_down, int64_t tiles_across) {
  __shared__ Tile t;
  const int64_t live = live_count(j.live, j.count), tid = threadIdx.x, groups = (j.channels + 3) / 4;
  for (int64_t b = blockIdx.x; b < live * tiles_down * tiles_across; b += gridDim.x) {
    const int64_t line = b / tiles_across, r = line / tiles_down;
    const int64_t top = (line - r * tiles_down) * kTile, left = (b - line * tiles_across) * kTile;
    const int64_t height = j.out_height - top < kTile ? j.out_height - top : kTile;
    const int64_t width = j.out_width - left < kTile ? j.out_width - left : kTile;
    ResampleAxis row_axis{}, column_axis{};
    int64_t image = 0;
    const bool covered = crop_axes(j, r, row_axis, column_axis, image);
    AxisRule rows{}, columns{};
    if (covered) {
      rows = axis_rule(j, row_axis, j.height, static_cast<double>(j.resize.scale));
      columns = axis_rule(j, column_axis, j.width, 1);
    }
    __syncthreads();  // the tile before is through
    if (covered && tid < height) place_sample(rows, top + tid, j.height, true, t.rows, static_cast<int>(tid));
    const int64_t k = tid - kThreads / 2;
    if (covered && k >= 0 && k < width) place_sample(columns, left + k, j.width, false, t.columns, static_cast<int>(k));
    __syncthreads();
    // Column taps that the CPU does not tabulate.
    const int64_t bound = covered ? max_taps(column_axis) : 0;
    const bool too_many = (bound < j.width ? bound : j.width) > kMaxWeights;
    const T* pixels = static_cast<const T*>(j.x) + (covered ? image * j.height * j.width * j.x_pitch : 0);
    for (int64_t i = tid; i < height * width * groups; i += kThreads) {
      const int64_t pixel = i / groups, c = (i - pixel * groups) * 4, row = pixel / width;
      const Place at{top + row, left + pixel - row * width, static_cast<int>(row), static_cast<int>(pixel - row * width)};
      float* y = j.y + ((r * j.out_height + at.oy) * j.out_width + at.ox) * j.y_pitch + c;
      float v[4];
      if (!covered) {
        for (float& value : v) value = __fmul_rn(j.resize.scale, j.pad) + j.resize.offset;
      } else if (too_many || t.columns.count[at.column] * j.channels > kMaxSpan) {
        const Taps row_taps = resample_taps(row_axis, at.oy), column_taps = resample_taps(column_axis, at.ox);
#pragma unroll
        for (int q = 0; q < 4; ++q) v[q] = c + q < j.channels ? crop_sample(j, image, row_taps, column_taps, c + q) : 0.0f;
      } else {
        crop_pixel(j, pixels, rows, columns, t, at, c, v);
      }
#pragma unroll
      for (int q = 0; q < 4; ++q)
        if (c + q < j.channels) y[q] = v[q];
    }
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_crop_resize(const fovea_crop_resize_params* params, const fovea_tensor* x,
                                          const fovea_tensor* boxes, const fovea_tensor* batch_index, const fovea_tensor* y,
                                          fovea_stream* stream) {
  if (elements(*y) == 0) return FOVEA_OK;
  const CropResizeJob job = crop_resize_job(*params, *x, *boxes, batch_index, *y);
  const int64_t down = (job.out_height + kTile - 1) / kTile, across = (job.out_width + kTile - 1) / kTile;
  return submit(stream, "crop_resize", [&](cudaStream_t s) {
    return launch(job.is_u8 != 0 ? crop_resize_kernel<uint8_t> : crop_resize_kernel<float>,
                  grid_for(job.count * down * across, 1), kThreads, 0, s, job, down, across);
  });
}
