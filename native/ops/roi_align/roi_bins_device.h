// Collecting the bins of boxes from the cells of a map, on a GPU. A block has a tile of bins of one box and one row of them;
// the taps of the row and of the tile's columns are tabled in shared memory once for all channels. A thread collects 16 bytes
// of channels of a bin, or one channel where rows are not aligned.
#pragma once

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "ops/roi_align/roi_geometry.h"

namespace fovea::cuda {
namespace {

constexpr int kBinTile = 16, kBinThreads = 128;

enum class Collect { kSum, kLargest, kWinner };  // kWinner: which cell was the largest, and its weight

struct BinShared {
  RoiTaps rows, columns[kBinTile];
};

template <class T, int kWidth, Collect kind>
struct Collected {
  float value[kWidth];
  int32_t winner[kWidth];
  float weight[kWidth];
  bool outside, any;

  FOVEA_DEVICE void begin() {
#pragma unroll
    for (int e = 0; e < kWidth; ++e) value[e] = kind == Collect::kSum ? 0.0f : -INFINITY, winner[e] = -1, weight[e] = 0.0f;
    outside = any = false;
  }

  // The products of the taps in hand; `image` is the thread's first channel of the map's first cell.
  FOVEA_DEVICE void add(const RoiTaps& rows, const RoiTaps& columns, const T* image, int64_t width, int64_t pitch) {
    outside = outside || rows.outside != 0 || columns.outside != 0;
    any = any || (rows.count > 0 && columns.count > 0);
#pragma unroll 1
    for (int r = 0; r < rows.count; ++r) {
      const RoiTap row = rows.taps[r];
      const T* line = image + row.cell * width * pitch;
      float sum[kWidth] = {};
      for (int q = 0; q < columns.count; ++q) {
        const RoiTap column = columns.taps[q];
        const Pack<T, kWidth> cell = load_pack<kWidth>(line + column.cell * pitch);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          const float x = to_float(cell.v[e]);
          if constexpr (kind == Collect::kSum) {
            sum[e] = fmaf(x, column.weight, sum[e]);
          } else {
            const float product = row.weight * column.weight, v = product * x;
            if (!(v > value[e] || (v != v && value[e] == value[e]))) continue;  // the first NaN stays
            value[e] = v;
            if constexpr (kind == Collect::kWinner) winner[e] = int32_t(row.cell * width + column.cell), weight[e] = product;
          }
        }
      }
      if constexpr (kind == Collect::kSum)
#pragma unroll
        for (int e = 0; e < kWidth; ++e) value[e] = fmaf(sum[e], row.weight, value[e]);
    }
  }

  // A sample outside counts as 0, and so does a bin without samples.
  FOVEA_DEVICE void finish() {
    if constexpr (kind == Collect::kSum) return;
    if (!outside && any) return;
#pragma unroll
    for (int e = 0; e < kWidth; ++e)
      if (value[e] < 0.0f) value[e] = 0.0f, winner[e] = -1;
  }
};

// Calls body(bin, first channel, Collected) for all bins of live boxes that lie on a map, and zeros(bin, first channel) for
// those of the others. All threads of the block.
template <class T, int kWidth, Collect kind, class Zeros, class Body>
FOVEA_DEVICE void collect_bins(const RoiBoxes& j, const T* x, int64_t channels, int64_t pitch, BinShared& shared,
                               const Zeros& zeros, const Body& body) {
  const int64_t tiles = (j.bins_w + kBinTile - 1) / kBinTile, packs = channels / kWidth;
  const int64_t units = live_count(j.live, j.count) * j.bins_h * tiles;
  for (int64_t unit = blockIdx.x; unit < units; unit += gridDim.x) {
    const int64_t row = unit / tiles, r = row / j.bins_h, ph = row - r * j.bins_h, first = (unit - row * tiles) * kBinTile;
    const int bins = int(j.bins_w - first < kBinTile ? j.bins_w - first : kBinTile);
    RoiBox box{};
    const bool found = roi_box(j, r, box);  // the whole block agrees, as on the chunks below
    const double share = kind == Collect::kSum ? roi_share(box) : 1.0;
    const int64_t row_chunks = found ? roi_chunks(j.params, box.rows) : 0;
    const int64_t column_chunks = found ? roi_chunks(j.params, box.columns) : 0;
    bool tabled = false;
    for (int64_t begin = 0; begin < bins * packs; begin += kBinThreads) {
      const int64_t i = begin + threadIdx.x;
      const bool mine = i < bins * packs;
      const int pw = int(mine ? quotient(i, packs) : 0);
      const int64_t channel = (i - pw * packs) * kWidth, bin = row * j.bins_w + first + pw;
      Collected<T, kWidth, kind> result;
      result.begin();
      for (int64_t rc = 0; rc < row_chunks; ++rc)
        for (int64_t cc = 0; cc < column_chunks; ++cc) {
          if (!tabled) {
            __syncthreads();  // the tables before have been used
            if (int(threadIdx.x) < bins)
              roi_taps(j.params, box.columns, first + threadIdx.x, cc, 1, shared.columns[threadIdx.x]);
            else if (threadIdx.x == kBinTile)
              roi_taps(j.params, box.rows, ph, rc, share, shared.rows);
            __syncthreads();
            tabled = row_chunks * column_chunks == 1;  // then they serve all channels
          }
          if (mine)
            result.add(shared.rows, shared.columns[pw], x + box.image * j.height * j.width * pitch + channel, j.width, pitch);
        }
      result.finish();
      if (!mine) continue;
      if (found)
        body(bin, channel, result);
      else
        zeros(bin, channel);
    }
  }
}

inline int64_t bin_units(const RoiBoxes& j) { return j.count * j.bins_h * ((j.bins_w + kBinTile - 1) / kBinTile); }

}  // namespace
}  // namespace fovea::cuda
