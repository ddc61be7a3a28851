// A block makes a tile of a crop. Where the taps lie and what they weigh is worked out once per tile row and column, in double
// precision; the first weights of each are kept in shared memory, those of very wide boxes are computed where they are used.
// Values are those of the CPU's AVX2 and AVX-512 bodies: the same weights and the same order of operations.
#include "ops/crop_resize/crop_resize.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128, kTile = 32;  // a tile is up to 32 x 32 pixels
constexpr int kWeights = 32;               // of a sample, in shared memory
// Samples with more taps, or whose taps span more floats, are summed in double precision, as on the CPU.
constexpr int64_t kMaxWeights = 4096, kMaxSpan = 8192;

// The samples of one axis of a tile.
struct TileAxis {
  int32_t begin[kTile], count[kTile];
  float inside[kTile], outside[kTile];  // shares of the weight in and outside the image
  float weights[kTile][kWeights];
};

// What tells how weights of an axis are made, the same for all its samples.
struct AxisRule {
  ResampleAxis axis;
  AreaSteps steps;
  bool by_steps;  // u8 and shrinking by area
  double factor;
};

// What the block knows of its tile, in shared memory: in registers the rules would fill a third of them.
struct Tile {
  TileAxis rows, columns;
  AxisRule row_rule, column_rule;
  int64_t image;
  bool covered, beyond;  // not padding altogether; all columns are outside
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

// Sample `sample` of an axis over an image of `size` pixels into place k of the tile. Out of line, or its registers would be
// the kernel's.
[[gnu::noinline]] __device__ void place_sample(const AxisRule& rule, int64_t sample, int64_t size, bool is_row, TileAxis& tile,
                                               int k) {
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

// The value before any tap is added.
FOVEA_DEVICE float start_value(const CropResizeJob& j, const Tile& t, const Place& at) {
  // 1 - inside_row*inside_column, without cancellation: 0 exactly where no tap is cut off, so that pad cannot leak in.
  const float share = t.rows.outside[at.row] + __fmul_rn(t.rows.inside[at.row], t.columns.outside[at.column]);
  return share == 0.0f ? j.resize.offset : __fmul_rn(j.resize.scale, __fmul_rn(share, j.pad)) + j.resize.offset;
}

// Channels c..c+3 of a pixel. The weights are row_weight(r) and column_weight(q).
template <class T, class RowWeight, class ColumnWeight>
FOVEA_DEVICE void sum_taps(const CropResizeJob& j, const T* image, const Tile& t, const Place& at, int64_t c,
                           const RowWeight& row_weight, const ColumnWeight& column_weight, float (&v)[4]) {
  const int32_t row_taps = t.rows.count[at.row], column_taps = t.columns.count[at.column];
  const T* first = image + (t.rows.begin[at.row] * j.width + t.columns.begin[at.column]) * j.x_pitch + c;
  for (int32_t q = 0; q < column_taps; ++q, first += j.x_pitch) {
    const float across = column_weight(q);
    float down[4] = {};
    const T* p = first;
    for (int32_t r = 0; r < row_taps; ++r, p += j.width * j.x_pitch) {
      const float w = row_weight(r);
#pragma unroll
      for (int k = 0; k < 4; ++k)
        if (c + k < j.channels) down[k] = fmaf(static_cast<float>(p[k]), w, down[k]);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = fmaf(down[k], across, v[k]);
  }
}

// A pixel with more taps than the tile holds weights of, kept out of line: it needs many registers and is rare.
// A pixel with more taps than the tile holds weights of, kept out of line: it needs many registers and is rare.
template <class T>
[[gnu::noinline]] __device__ void crop_wide_pixel(const CropResizeJob& j, const T* image, const Tile& t, const Place& at,
                                                  int64_t c, float (&v)[4]) {
  const int32_t row_taps = t.rows.count[at.row], column_taps = t.columns.count[at.column];
  const Taps row = resample_taps(t.row_rule.axis, at.oy), column = resample_taps(t.column_rule.axis, at.ox);
  const int64_t bound = max_taps(t.column_rule.axis);
  if ((bound < j.width ? bound : j.width) > kMaxWeights || column_taps * j.channels > kMaxSpan) {
#pragma unroll 1
    for (int k = 0; k < 4; ++k) v[k] = c + k < j.channels ? crop_sample(j, t.image, row, column, c + k) : 0.0f;
    return;
  }
  sum_taps(
      j, image, t, at, c, [&](int32_t r) { return weight_at(t.row_rule, row, at.oy, t.rows.begin[at.row], row_taps, r, true); },
      [&](int32_t q) { return weight_at(t.column_rule, column, at.ox, t.columns.begin[at.column], column_taps, q, false); }, v);
}

template <class T>
__global__ void __launch_bounds__(kThreads, 2) crop_resize_kernel(CropResizeJob j, int64_t tiles_down, int64_t tiles_across) {
  __shared__ Tile t;
  const int64_t live = live_count(j.live, j.count), tid = threadIdx.x, groups = (j.channels + 3) / 4;
  for (int64_t b = blockIdx.x; b < live * tiles_down * tiles_across; b += gridDim.x) {
    const int64_t line = b / tiles_across, r = line / tiles_down;
    const int64_t top = (line - r * tiles_down) * kTile, left = (b - line * tiles_across) * kTile;
    const int64_t height = j.out_height - top < kTile ? j.out_height - top : kTile;
    const int64_t width = j.out_width - left < kTile ? j.out_width - left : kTile;
    __syncthreads();  // the tile before is through
    if (tid == 0) {
      ResampleAxis row_axis{}, column_axis{};
      t.covered = crop_axes(j, r, row_axis, column_axis, t.image);
      t.beyond = !t.covered || column_axis.last < 0 || column_axis.first >= j.width;
      if (t.covered) {
        t.row_rule = axis_rule(j, row_axis, j.height, static_cast<double>(j.resize.scale));
        t.column_rule = axis_rule(j, column_axis, j.width, 1);
      }
    }
    __syncthreads();
    const bool is_row = tid < kThreads / 2;  // the first half of the block places rows, the other columns
    const int64_t k = is_row ? tid : tid - kThreads / 2;
    if (t.covered && k < (is_row ? height : width))
      place_sample(is_row ? t.row_rule : t.column_rule, (is_row ? top : left) + k, is_row ? j.height : j.width, is_row,
                   is_row ? t.rows : t.columns, static_cast<int>(k));
    __syncthreads();
    const T* pixels = static_cast<const T*>(j.x) + (t.covered ? t.image * j.height * j.width * j.x_pitch : 0);
    for (int64_t i = tid; i < height * width * groups; i += kThreads) {
      const int64_t pixel = i / groups, c = (i - pixel * groups) * 4, row = pixel / width;
      const Place at{top + row, left + pixel - row * width, static_cast<int>(row), static_cast<int>(pixel - row * width)};
      float* y = j.y + ((r * j.out_height + at.oy) * j.out_width + at.ox) * j.y_pitch + c;
      const bool padding = t.beyond || t.rows.count[at.row] == 0;
      const float start = padding ? __fmul_rn(j.resize.scale, j.pad) + j.resize.offset : start_value(j, t, at);
      float v[4] = {start, start, start, start};
      if (!padding) {
        if (t.rows.count[at.row] > kWeights || t.columns.count[at.column] > kWeights ||
            t.columns.count[at.column] * j.channels > kMaxSpan)
          crop_wide_pixel(j, pixels, t, at, c, v);
        else
          sum_taps(
              j, pixels, t, at, c, [&](int32_t r) { return t.rows.weights[at.row][r]; },
              [&](int32_t q) { return t.columns.weights[at.column][q]; }, v);
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
