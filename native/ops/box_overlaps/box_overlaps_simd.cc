// Lanes are columns: 64 boxes of b at a time, transposed into a buffer, meet every row of a chunk. Columns of a block are
// written as whole vectors, the tail partially.
#include "ops/box_overlaps/box_overlaps.h"

#include "core/thread_pool.h"
#include "ops/box_overlaps/numbers_simd.h"
#include "ops/box_overlaps/overlap_terms.h"
#include "ops/nms/overlap_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kBlock = 64;  // boxes of b in the buffer: 5 KB of columns, 1.3 KB of boxes
constexpr int64_t kRows = 64;   // rows of a per chunk of the pool: transposing b costs 1/64 of the work

struct Columns {
  float x1[kBlock], y1[kBlock], x2[kBlock], y2[kBlock], area[kBlock];
};

FOVEA_INLINE Corners<F> corners(const Boxes& b) { return {b.x1, b.y1, b.x2, b.y2}; }

template <int32_t kKind>
FOVEA_INLINE F value(const Boxes& a, const Boxes& b, F one, F none) {
  if constexpr (kKind <= FOVEA_OVERLAP_GIOU) return overlap(kKind, a, b, one, none);
  return shaped_overlap(kKind, one, corners(a), corners(b), a.area + b.area);
}

template <int32_t kKind>
void block(const BoxOverlapsJob& j, const Columns& b, int64_t begin, int64_t end, int64_t first, int64_t n) {
  const F one = set(j.one), none = set(0.0f * j.one);
  for (int64_t r = begin; r < end; ++r) {
    const Boxes row = broadcast(nms_box(j.a + r * j.a_pitch, j.one));
    float* y = j.y + r * j.y_pitch + first;
    for (int64_t c = 0; c < n; c += kLanes) {
      const Boxes columns{load(b.x1 + c), load(b.y1 + c), load(b.x2 + c), load(b.y2 + c), load(b.area + c)};
      store_upto(y + c, value<kKind>(row, columns, one, none), n - c);
    }
  }
}

}  // namespace

void box_overlaps(const BoxOverlapsJob& j) {
  parallel_for(live_rows(j.live, j.rows), kRows, [&](int64_t begin, int64_t end, int32_t) {
    Columns b{};
    for (int64_t first = 0; first < j.columns; first += kBlock) {
      const int64_t n = j.columns - first < kBlock ? j.columns - first : kBlock;
      for (int64_t c = 0; c < n; ++c) {
        const NmsBox box = nms_box(j.b + (first + c) * j.b_pitch, j.one);
        b.x1[c] = box.x1;
        b.y1[c] = box.y1;
        b.x2[c] = box.x2;
        b.y2[c] = box.y2;
        b.area[c] = box.area;
      }
      switch (j.overlap) {
        case FOVEA_OVERLAP_UNION:
          block<FOVEA_OVERLAP_UNION>(j, b, begin, end, first, n);
          break;
        case FOVEA_OVERLAP_MIN:
          block<FOVEA_OVERLAP_MIN>(j, b, begin, end, first, n);
          break;
        case FOVEA_OVERLAP_DIOU:
          block<FOVEA_OVERLAP_DIOU>(j, b, begin, end, first, n);
          break;
        case FOVEA_OVERLAP_GIOU:
          block<FOVEA_OVERLAP_GIOU>(j, b, begin, end, first, n);
          break;
        case FOVEA_OVERLAP_CIOU:
          block<FOVEA_OVERLAP_CIOU>(j, b, begin, end, first, n);
          break;
        case FOVEA_OVERLAP_EIOU:
          block<FOVEA_OVERLAP_EIOU>(j, b, begin, end, first, n);
          break;
        default:
          block<FOVEA_OVERLAP_SIOU>(j, b, begin, end, first, n);
          break;
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
