// A thread owns a band of rows of dx and walks all boxes in order, so that every element is one chain of sums in that order:
// no atomics, and the same bits for any number of threads. Boxes that miss the band cost a comparison. The maxima first look
// for the winners of all bins, each bin's once.
#include "ops/roi_align/roi_align.h"
#include "ops/roi_align/roi_bins_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kBand = 4;  // rows of dx; a box's taps are tabled once for each band that it meets

struct Band {
  int64_t image, begin, end;
};

// The mean: dx of each tap in the band += its weight * dy. Tables are per chunk of columns, then per row of bins.
void add_mean(const RoiAlignBackwardJob& j, const RoiBox& box, int64_t r, const Band& band) {
  const RoiBoxes& b = j.boxes;
  RoiTaps rows, columns[kBinTile];
  const double share = roi_share(box);
  const int64_t row_chunks = roi_chunks(b.params, box.rows), column_chunks = roi_chunks(b.params, box.columns);
  for (int64_t first = 0; first < b.bins_w; first += kBinTile)
    for (int64_t cc = 0; cc < column_chunks; ++cc) {
      const int64_t last = first + kBinTile < b.bins_w ? first + kBinTile : b.bins_w;
      for (int64_t pw = first; pw < last; ++pw) table(b, box.columns, pw, cc, 1, columns[pw - first]);
      for (int64_t ph = 0; ph < b.bins_h; ++ph)
        for (int64_t rc = 0; rc < row_chunks; ++rc) {
          table(b, box.rows, ph, rc, share, rows);
          for (int32_t i = 0; i < rows.count; ++i) {
            const RoiTap row = rows.taps[i];
            if (row.cell < band.begin || row.cell >= band.end) continue;
            float* line = j.dx + (band.image * b.height + row.cell) * b.width * j.dx_pitch;
            for (int64_t pw = first; pw < last; ++pw) {
              const float* dy = j.dy + ((r * b.bins_h + ph) * b.bins_w + pw) * j.dy_pitch;
              const RoiTaps& taps = columns[pw - first];
              for (int64_t c = 0; c < j.channels; c += kLanes) {
                const F gradient = load_upto(dy + c, j.channels - c) * set(row.weight);
                for (int32_t q = 0; q < taps.count; ++q) {
                  float* dx = line + taps.taps[q].cell * j.dx_pitch + c;
                  store_upto(dx, fma(gradient, set(taps.taps[q].weight), load_upto(dx, j.channels - c)), j.channels - c);
                }
              }
            }
          }
        }
    }
}

// The maxima: each channel has a winner of its own.
void add_winners(const RoiAlignBackwardJob& j, int64_t r, const Band& band) {
  const int64_t bins = j.boxes.bins_h * j.boxes.bins_w, width = j.boxes.width;
  float* image = j.dx + band.image * j.boxes.height * width * j.dx_pitch;
  for (int64_t bin = r * bins; bin < (r + 1) * bins; ++bin) {
    const float* dy = j.dy + bin * j.dy_pitch;
    for (int64_t c = 0; c < j.channels; ++c) {
      const int64_t element = bin * j.channels + c, cell = __builtin_bit_cast(int32_t, j.winner[element]);
      if (cell < band.begin * width || cell >= band.end * width) continue;
      float& dx = image[cell * j.dx_pitch + c];
      dx = dx + (j.weight == nullptr ? dy[c] : j.weight[element] * dy[c]);
    }
  }
}

}  // namespace

void roi_align_backward(const RoiAlignBackwardJob& j) {
  if (j.winner != nullptr)
    collect_bins<Collect::kWinner>(
        j.boxes, j.x, j.channels, j.x_pitch, [](int64_t) {},
        [&](int64_t bin, int64_t c, int64_t lanes, const Collected& result) {
          store_upto(j.winner + bin * j.channels + c, result.winner, lanes);
          if (j.weight != nullptr) store_upto(j.weight + bin * j.channels + c, result.weight, lanes);
        });
  const int64_t bands = (j.boxes.height + kBand - 1) / kBand, count = live_rows(j.boxes.live, j.boxes.count);
  parallel_for(j.boxes.batch * bands, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t first = unit % bands * kBand;
      const Band band{unit / bands, first, first + kBand < j.boxes.height ? first + kBand : j.boxes.height};
      float* dx = j.dx + (band.image * j.boxes.height + first) * j.boxes.width * j.dx_pitch;
      for (int64_t pixel = 0; pixel < (band.end - band.begin) * j.boxes.width; ++pixel, dx += j.dx_pitch)
        for (int64_t c = 0; c < j.channels; c += kLanes) store_upto(dx + c, zero(), j.channels - c);
      for (int64_t r = 0; r < count; ++r) {
        RoiBox box{};
        if (!roi_box(j.boxes, r, box) || box.image != band.image) continue;
        const RoiCells reach = roi_reach(j.boxes.params, box.rows);
        if (reach.begin >= band.end || reach.end <= band.begin) continue;
        if (j.winner == nullptr)
          add_mean(j, box, r, band);
        else
          add_winners(j, r, band);
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
