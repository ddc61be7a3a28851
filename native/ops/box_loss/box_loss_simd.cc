// Lanes are pairs of boxes, transposed through a small buffer.
#include "core/thread_pool.h"
#include "ops/box_loss/box_loss_slopes.h"
#include "ops/box_overlaps/numbers_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kRows = 4096;  // pairs per chunk of the pool: some 20 us of the forward pass

// Pairs row .. row + n - 1, n <= kLanes; the lanes after them are pairs of points at the origin.
FOVEA_INLINE BoxPair<F> load_pairs(const BoxLossJob& j, int64_t row, int64_t n) {
  float columns[8][kLanes] = {};
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < 4; ++c) {
      columns[c][i] = j.boxes[(row + i) * j.boxes_pitch + c];
      columns[c + 4][i] = j.targets[(row + i) * j.targets_pitch + c];
    }
  return {{load(columns[0]), load(columns[1]), load(columns[2]), load(columns[3])},
          {load(columns[4]), load(columns[5]), load(columns[6]), load(columns[7])}};
}

}  // namespace

void box_loss(const BoxLossJob& j) {
  parallel_for(live_rows(j.live, j.rows), kRows, [&](int64_t begin, int64_t end, int32_t) {
    const fovea_box_loss_params params = j.params;
    for (int64_t row = begin; row < end; row += kLanes) {
      const int64_t n = end - row < kLanes ? end - row : kLanes;
      store_upto(j.losses + row, box_loss_value(params, load_pairs(j, row, n)), n);
    }
  });
}

void box_loss_backward(const BoxLossJob& j) {
  parallel_for(live_rows(j.live, j.rows), kRows, [&](int64_t begin, int64_t end, int32_t) {
    const fovea_box_loss_params params = j.params;
    for (int64_t row = begin; row < end; row += kLanes) {
      const int64_t n = end - row < kLanes ? end - row : kLanes;
      const F d_losses = load_upto(j.d_losses + row, n);
      const numbers::Slopes<F> slopes = box_loss_slopes(params, load_pairs(j, row, n));
      float columns[4][kLanes];
      store(columns[0], slopes.x1 * d_losses);
      store(columns[1], slopes.y1 * d_losses);
      store(columns[2], slopes.x2 * d_losses);
      store(columns[3], slopes.y2 * d_losses);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t c = 0; c < 4; ++c) j.d_boxes[(row + i) * j.d_pitch + c] = columns[c][i];
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
