// One pass over the map, comparing with a bound in the space of its values: only what can be among the best looks at its
// neighbours, and no exponential is taken before. A full buffer raises the bound, so a map of 128 x 128 x 80 without a
// threshold is soon read at the speed of memory. One thread.
#include "ops/peak_boxes/peak_boxes.h"

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Offers the values of one run of memory that reach the bound: a cell, or the whole map when nothing lies between cells.
struct PeakRun {
  const PeakJob& j;
  Selection* s;
  int64_t height;
  float bound, bar;  // bar: the one that `bound` belongs to

  FOVEA_INLINE void reach_all(uint32_t lanes, int64_t position) {
    for (; lanes != 0; lanes &= lanes - 1) {
      const int64_t at = position + __builtin_ctz(lanes), cell = at / j.classes;
      offer_peak(j, s, height, cell, at - cell * j.classes);
    }
    if (s->bar == bar) return;
    bar = s->bar;
    bound = lowest_heat(j, bar);
  }

  // n values from x, the first of which has this position
  FOVEA_INLINE void scan(const float* x, int64_t n, int64_t position) {
    constexpr int kVectors = 4;
    int64_t i = 0;
    for (; i + kVectors * kLanes <= n; i += kVectors * kLanes) {
      const F limit = set(bound);
      M any = load(x + i) >= limit;
      for (int v = 1; v < kVectors; ++v) any = any | (load(x + i + v * kLanes) >= limit);
      if (bits(any) == 0) continue;
      for (int v = 0; v < kVectors; ++v) reach_all(bits(load(x + i + v * kLanes) >= set(bound)), position + i + v * kLanes);
    }
    for (; i < n; i += kLanes) {
      uint32_t lanes = bits(load_upto(x + i, n - i) >= set(bound));
      if (n - i < kLanes) lanes &= (1u << (n - i)) - 1u;
      reach_all(lanes, position + i);
    }
  }
};

}  // namespace

void peak_boxes(const PeakJob& j) {
  Selection s = begin_peaks(j);
  if (s.limit > 0) {
    const int64_t height = live_rows(j.live, j.height), cells = height * j.width;
    PeakRun run{j, &s, height, lowest_heat(j, s.bar), s.bar};
    if (j.heat_pitch == j.classes) {
      run.scan(j.heat, cells * j.classes, 0);
    } else {
      for (int64_t cell = 0; cell < cells; ++cell) run.scan(j.heat + cell * j.heat_pitch, j.classes, cell * j.classes);
    }
  }
  finish_peaks(j, &s);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
