// Where boxes lie on a feature map, and which of its cells a bin of a box is collected from. One description for the reference,
// the vector bodies and GPUs, in double: whether a sample lies inside, or how many samples a bin has, must not depend on who
// asks. An axis is described alone; the cells of a bin are the products of the two axes' taps.
#pragma once

#include "core/tensor.h"
#include "fovea/vision.h"

#ifdef __CUDACC__
#define FOVEA_ROI_INLINE __host__ __device__ __forceinline__
#else
#define FOVEA_ROI_INLINE [[gnu::always_inline]] inline
#endif

namespace fovea {

inline constexpr int64_t kMostRoiSamples = 1024;  // of a bin and axis: 2^20 of a bin
inline constexpr int64_t kMostRoiSide = int64_t{1} << 30;
inline constexpr int kRoiChunk = 32;  // samples whose taps are tabled at once

// The boxes and the maps they lie on.
struct RoiBoxes {
  const float* boxes;
  const void* images;  // i32 or i64, may be NULL
  const int32_t* live;
  int64_t count, pitch;
  int64_t batch, height, width;  // of the maps
  int64_t bins_h, bins_w;
  fovea_roi_align_params params;
  int32_t wide_images;  // 1: i64
};

struct RoiAxis {
  int64_t size, bins;     // cells of the map, bins of the box
  double start, bin;      // align modes: coordinate where the box begins, and length of a bin (negative if x2 < x1)
  int64_t samples;        //              of a bin
  int64_t first, extent;  // ROI_POOL: the box covers the cells first .. first + extent - 1
};

struct RoiBox {
  RoiAxis rows, columns;
  int64_t image;
};

// To the nearest integer, halves away from zero, as C's round(); within +-2^30, which lies outside every map.
FOVEA_ROI_INLINE int64_t roi_cell(double at) {
  const double most = static_cast<double>(kMostRoiSide);
  at = at < -most ? -most : at > most ? most : at;
  return at < 0 ? -static_cast<int64_t>(0.5 - at) : static_cast<int64_t>(at + 0.5);
}

FOVEA_ROI_INLINE RoiAxis roi_axis(const fovea_roi_align_params& p, float low, float high, int64_t size, int64_t bins) {
  const double scale = static_cast<double>(p.spatial_scale);  // its product with a float is exact
  const double begin = static_cast<double>(low) * scale, end = static_cast<double>(high) * scale;
  if (p.mode == FOVEA_ROI_POOL) {
    const int64_t first = roi_cell(begin), last = roi_cell(end);
    return {size, bins, 0, 0, 0, first, last < first ? 1 : last - first + 1};
  }
  double length = end - begin;
  if (p.aligned == 0 && length < 1) length = 1;
  const double bin = length / static_cast<double>(bins);
  const double most = static_cast<double>(kMostRoiSamples);
  const double wanted = p.sampling_ratio > 0 ? static_cast<double>(p.sampling_ratio) : bin;
  const double limited = wanted < 0 ? 0 : wanted > most ? most : wanted;
  const int64_t whole = static_cast<int64_t>(limited);
  const int64_t samples = static_cast<double>(whole) < limited ? whole + 1 : whole;  // rounded up
  return {size, bins, p.aligned != 0 ? begin - 0.5 : begin, bin, samples, 0, 0};
}

// False for a box that gives zeros: of another image, or with a corner that is not finite.
FOVEA_ROI_INLINE bool roi_box(const RoiBoxes& j, int64_t r, RoiBox& box) {
  box.image = j.images == nullptr  ? 0
              : j.wide_images != 0 ? static_cast<const int64_t*>(j.images)[r]
                                   : static_cast<const int32_t*>(j.images)[r];
  const float* corners = j.boxes + r * j.pitch;
  for (int i = 0; i < 4; ++i)
    if (!(corners[i] - corners[i] == 0)) return false;
  box.rows = roi_axis(j.params, corners[1], corners[3], j.height, j.bins_h);
  box.columns = roi_axis(j.params, corners[0], corners[2], j.width, j.bins_w);
  return box.image >= 0 && box.image < j.batch && j.height > 0 && j.width > 0;
}

// Two neighbouring cells and their shares of a sample; the last cell is its own neighbour.
struct RoiSample {
  int64_t low, high;
  double low_weight, high_weight;
  bool inside;
};
FOVEA_ROI_INLINE RoiSample roi_sample(const RoiAxis& a, int64_t bin, int64_t sample) {
  double at =
      a.start + static_cast<double>(bin) * a.bin + (static_cast<double>(sample) + 0.5) * a.bin / static_cast<double>(a.samples);
  if (!(at >= -1 && at <= static_cast<double>(a.size))) return {0, 0, 0, 0, false};
  if (at < 0) at = 0;
  const int64_t low = static_cast<int64_t>(at);
  if (low >= a.size - 1) return {a.size - 1, a.size - 1, 1, 0, true};
  const double share = at - static_cast<double>(low);
  return {low, low + 1, 1 - share, share, true};
}

// ROI_POOL: cells begin .. end - 1 of the map.
struct RoiCells {
  int64_t begin, end;
};
FOVEA_ROI_INLINE RoiCells roi_cells(const RoiAxis& a, int64_t bin) {
  const int64_t begin = a.first + bin * a.extent / a.bins, end = a.first + ((bin + 1) * a.extent + a.bins - 1) / a.bins;
  return {begin < 0 ? 0 : begin, end > a.size ? a.size : end};
}

// Cells that the whole box can reach, or a few more.
FOVEA_ROI_INLINE RoiCells roi_reach(const fovea_roi_align_params& p, const RoiAxis& a) {
  const double size = static_cast<double>(a.size);
  double low = static_cast<double>(a.first), high = static_cast<double>(a.first + a.extent);
  if (p.mode != FOVEA_ROI_POOL) {
    const double end = a.start + static_cast<double>(a.bins) * a.bin;
    // Rounding may carry the outermost sample over the box's edge, and the map's first cell reaches out to -1, the last to
    // size.
    low = (a.bin < 0 ? end : a.start) - 1, high = (a.bin < 0 ? a.start : end) + 2;
    if (high < 0 || low > size) return {0, 0};
    if (low >= size - 1) low = size - 1;
    if (high < 1) high = 1;
  }
  low = low < 0 ? 0 : low > size ? size : low;
  high = high < 0 ? 0 : high > size ? size : high;
  return {static_cast<int64_t>(low), static_cast<int64_t>(high)};
}

struct RoiTap {
  int32_t cell;
  float weight;
};
// The taps of a chunk of a bin's samples along one axis; in ROI_POOL a cell is a sample. `outside`: some lie outside the map.
struct RoiTaps {
  int32_t count, outside;
  RoiTap taps[2 * kRoiChunk];
};

FOVEA_ROI_INLINE int64_t roi_chunks(const fovea_roi_align_params& p, const RoiAxis& a) {
  const int64_t most = p.mode == FOVEA_ROI_POOL ? a.extent / a.bins + 2 : a.samples;
  return ((most < a.size || p.mode != FOVEA_ROI_POOL ? most : a.size) + kRoiChunk - 1) / kRoiChunk;
}

// `scale` multiplies every weight. For the mean, samples that share a cell share a tap, as neighbours a cell or less apart do,
// and a share of 0 is none. For the maximum it is one: 0 times the cell takes part, as in ONNX Runtime.
FOVEA_ROI_INLINE void roi_taps(const fovea_roi_align_params& p, const RoiAxis& a, int64_t bin, int64_t chunk, double scale,
                               RoiTaps& t) {
  int32_t n = 0;
  const int64_t begin = chunk * kRoiChunk;
  t.outside = 0;
  if (p.mode == FOVEA_ROI_POOL) {
    const RoiCells cells = roi_cells(a, bin);
    for (int64_t cell = cells.begin + begin; cell < cells.end && n < kRoiChunk; ++cell)
      t.taps[n++] = {static_cast<int32_t>(cell), 1.0f};
    t.count = n;
    return;
  }
  const int64_t end = begin + kRoiChunk < a.samples ? begin + kRoiChunk : a.samples;
  for (int64_t i = begin; i < end; ++i) {
    const RoiSample s = roi_sample(a, bin, i);
    if (!s.inside) {
      t.outside = 1;
      continue;
    }
    for (int side = 0; side < 2; ++side) {
      const auto cell = static_cast<int32_t>(side == 0 ? s.low : s.high);
      const auto weight = static_cast<float>((side == 0 ? s.low_weight : s.high_weight) * scale);
      const bool mean = p.mode == FOVEA_ROI_ALIGN;
      if (mean && weight == 0)
        continue;
      else if (mean && n > 0 && t.taps[n - 1].cell == cell)
        t.taps[n - 1].weight += weight;
      else if (mean && n > 1 && t.taps[n - 2].cell == cell)
        t.taps[n - 2].weight += weight;
      else
        t.taps[n++] = {cell, weight};
    }
  }
  t.count = n;
}

// What a sample weighs in the mean of a bin.
FOVEA_ROI_INLINE double roi_share(const RoiBox& box) {
  const int64_t samples = box.rows.samples * box.columns.samples;
  return samples > 0 ? 1.0 / static_cast<double>(samples) : 0;
}

}  // namespace fovea
