// Lanes are boxes, transposed through a small buffer: rows are columns of a wider table, so their pitch is anything. The
// corner mode uses no fma: MTCNN truncates its result to pixels, and instruction sets must not disagree about a pixel.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/box_deltas/box_deltas.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// low and high edge of kLanes boxes along one axis
FOVEA_INLINE void move(const fovea_box_deltas_params& p, F& low, F& high, F d0, F d1) {
  const F one = set(p.plus_one != 0 ? 1.0f : 0.0f), half = set(0.5f);
  const F size = high - low + one;
  if (p.mode == FOVEA_DELTA_CORNERS) {
    low = low + d0 * size;
    high = high + d1 * size;
  } else {
    const F centre = low + half * size + d0 * size;
    const F reach = half * (size * exp(min(set(kLargestLogGrowth), d1)));
    low = centre - reach;
    high = centre + reach - one;
  }
}

}  // namespace

void box_deltas(const BoxDeltasJob& j) {
  parallel_for(live_rows(j.live, j.count), 2048, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; r += kLanes) {
      const int64_t n = end - r < kLanes ? end - r : kLanes;
      float box[4][kLanes] = {}, delta[4][kLanes] = {};
      for (int64_t i = 0; i < n; ++i)
        for (int c = 0; c < 4; ++c) {
          box[c][i] = j.boxes[(r + i) * j.boxes_pitch + c];
          delta[c][i] = j.deltas[(r + i) * j.deltas_pitch + c];
        }
      for (int axis = 0; axis < 2; ++axis) {
        F low = load(box[axis]), high = load(box[axis + 2]);
        move(j.params, low, high, load(delta[axis]), load(delta[axis + 2]));
        store(box[axis], low);
        store(box[axis + 2], high);
      }
      for (int64_t i = 0; i < n; ++i)
        for (int c = 0; c < 4; ++c) j.y[(r + i) * j.y_pitch + c] = box[c][i];
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
