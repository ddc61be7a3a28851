// Collecting the bins of boxes from the cells of a map; lanes are channels. Taps are tabled for a tile of bins, since they are
// the same for all channels and, along an axis, for all bins of the other one.
#pragma once

#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/roi_align/roi_geometry.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

enum class Collect { kSum, kLargest, kWinner };  // kWinner: which cell was the largest, and its weight

inline constexpr int64_t kBinTile = 16;  // bins of a row whose taps are tabled together

// What a body gets for each vector of channels: the value, or the winner's cell (as bits) and weight.
struct Collected {
  F value, winner, weight;
};

// The taps of the bin in hand. Where an axis has one chunk, all of a bin's taps are there from the start.
struct BinTaps {
  RoiTaps* rows;
  RoiTaps* columns;
  int64_t row_chunks, column_chunks;
};

// One copy for an instruction set: it is long, and runs once for many vectors.
[[gnu::noinline]] inline void table(const RoiBoxes& j, const RoiAxis& axis, int64_t bin, int64_t chunk, double scale,
                                    RoiTaps& taps) {
  roi_taps(j.params, axis, bin, chunk, scale, taps);
}

template <Collect kind>
FOVEA_INLINE void take(const RoiTap& row, const RoiTap& column, int64_t width, F x, Collected& best) {
  const F weight = set(row.weight * column.weight), v = weight * x;
  const M larger = (v > best.value) | (is_nan(v) & (best.value == best.value));
  best.value = select(larger, v, best.value);
  if constexpr (kind == Collect::kWinner) {
    const auto cell = static_cast<int32_t>(row.cell * width + column.cell);
    best.winner = select(larger, as_float(seti(cell)), best.winner);
    best.weight = select(larger, weight, best.weight);
  }
}

// kVectors vectors of channels of one bin; `x` is the first channel of the image's first cell.
template <Collect kind, int kVectors>
FOVEA_INLINE void collect_bin(const RoiBoxes& j, const RoiBox& box, int64_t ph, int64_t pw, const BinTaps& t, const float* x,
                              int64_t x_pitch, int64_t lanes, Collected (&result)[kVectors]) {
  bool outside = false, any = false;
  const F none = as_float(seti(-1));
  for (Collected& c : result) c = {kind == Collect::kSum ? zero() : set(-__builtin_inff()), none, zero()};
  for (int64_t rc = 0; rc < t.row_chunks; ++rc) {
    if (t.row_chunks > 1) table(j, box.rows, ph, rc, kind == Collect::kSum ? roi_share(box) : 1, *t.rows);
    for (int64_t cc = 0; cc < t.column_chunks; ++cc) {
      if (t.column_chunks > 1) table(j, box.columns, pw, cc, 1, *t.columns);
      outside = outside || t.rows->outside != 0 || t.columns->outside != 0;
      any = any || (t.rows->count > 0 && t.columns->count > 0);
      for (int32_t r = 0; r < t.rows->count; ++r) {
        const RoiTap row = t.rows->taps[r];
        const float* line = x + row.cell * j.width * x_pitch;
        F sum[kVectors];
        for (F& s : sum) s = zero();
        for (int32_t q = 0; q < t.columns->count; ++q) {
          const RoiTap column = t.columns->taps[q];
          const float* cell = line + column.cell * x_pitch;
          for (int v = 0; v < kVectors; ++v) {
            const F value = load_upto(cell + v * kLanes, lanes - v * kLanes);
            if constexpr (kind == Collect::kSum)
              sum[v] = fma(value, set(column.weight), sum[v]);
            else
              take<kind>(row, column, j.width, value, result[v]);
          }
        }
        if constexpr (kind == Collect::kSum)
          for (int v = 0; v < kVectors; ++v) result[v].value = fma(sum[v], set(row.weight), result[v].value);
      }
    }
  }
  // A sample outside counts as 0, and so does a bin without samples.
  if constexpr (kind != Collect::kSum)
    if (outside || !any)
      for (Collected& c : result) {
        const M less = c.value < zero();
        c.value = select(less, zero(), c.value);
        c.winner = select(less, none, c.winner);
      }
}

// Calls body(bin, first channel, channels left, Collected) for the bins of all live boxes that lie on a map, and zeros(bin) for
// those of the others.
template <Collect kind, class Zeros, class Body>
FOVEA_INLINE void collect_bins(const RoiBoxes& j, const float* x, int64_t channels, int64_t x_pitch, const Zeros& zeros,
                               const Body& body) {
  const int64_t tiles = (j.bins_w + kBinTile - 1) / kBinTile;
  parallel_for(live_rows(j.live, j.count) * tiles, 1, [&](int64_t begin, int64_t end, int32_t) {
    RoiTaps rows, columns[kBinTile];
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t r = unit / tiles, first = unit % tiles * kBinTile;
      const int64_t last = first + kBinTile < j.bins_w ? first + kBinTile : j.bins_w;
      RoiBox box{};
      if (!roi_box(j, r, box)) {
        for (int64_t ph = 0; ph < j.bins_h; ++ph)
          for (int64_t pw = first; pw < last; ++pw) zeros((r * j.bins_h + ph) * j.bins_w + pw);
        continue;
      }
      const int64_t row_chunks = roi_chunks(j.params, box.rows), column_chunks = roi_chunks(j.params, box.columns);
      if (column_chunks == 1)
        for (int64_t pw = first; pw < last; ++pw) table(j, box.columns, pw, 0, 1, columns[pw - first]);
      for (int64_t ph = 0; ph < j.bins_h; ++ph) {
        if (row_chunks == 1) table(j, box.rows, ph, 0, kind == Collect::kSum ? roi_share(box) : 1, rows);
        for (int64_t pw = first; pw < last; ++pw) {
          const int64_t bin = (r * j.bins_h + ph) * j.bins_w + pw;
          const float* image = x + box.image * j.height * j.width * x_pitch;
          const BinTaps taps{&rows, &columns[pw - first], row_chunks, column_chunks};
          int64_t c = 0;
          for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
            Collected result[4];
            collect_bin<kind, 4>(j, box, ph, pw, taps, image + c, x_pitch, 4 * kLanes, result);
            for (int v = 0; v < 4; ++v) body(bin, c + v * kLanes, int64_t{kLanes}, result[v]);
          }
          for (; c < channels; c += kLanes) {
            Collected result[1];
            collect_bin<kind, 1>(j, box, ph, pw, taps, image + c, x_pitch, channels - c, result);
            body(bin, c, channels - c, result[0]);
          }
        }
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
