#include "ops/box_overlaps/box_overlaps.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/box_overlaps/overlap_terms.h"
#include "ops/nms/overlap.h"

namespace fovea {

FOVEA_DECLARE_BODIES(box_overlaps, const BoxOverlapsJob&)

namespace {

Corners<double> corners(const NmsBox& b) {
  return {static_cast<double>(b.x1), static_cast<double>(b.y1), static_cast<double>(b.x2), static_cast<double>(b.y2)};
}

void box_overlaps_reference(const BoxOverlapsJob& j) {
  const int64_t live = live_rows(j.live, j.rows);
  const auto one = static_cast<double>(j.one);
  for (int64_t r = 0; r < live; ++r)
    for (int64_t c = 0; c < j.columns; ++c) {
      const NmsBox a = nms_box(j.a + r * j.a_pitch, j.one), b = nms_box(j.b + c * j.b_pitch, j.one);
      const auto areas = static_cast<double>(a.area) + static_cast<double>(b.area);
      const double value = j.overlap >= FOVEA_OVERLAP_CIOU ? shaped_overlap(j.overlap, one, corners(a), corners(b), areas)
                                                           : overlap_of<double>(j.overlap, one, a, b).value;
      j.y[r * j.y_pitch + c] = static_cast<float>(value);
    }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_overlaps(int32_t overlap, int32_t plus_one, const fovea_tensor* a, const fovea_tensor* b,
                                           const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "box_overlaps";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(overlap >= FOVEA_OVERLAP_UNION && overlap <= FOVEA_OVERLAP_SIOU, "%s: unknown overlap %d", op, overlap);
  FOVEA_TRY(check_tensor(op, "a", a, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "b", b, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(a->shape[1] == 4 && b->shape[1] == 4, "%s: boxes must be [N][4], a is %s, b is %s", op, describe(*a),
              describe(*b));
  FOVEA_CHECK(y->shape[0] == a->shape[0] && y->shape[1] == b->shape[0], "%s: y is %s, a is %s, b is %s", op, describe(*y),
              describe(*a), describe(*b));
  FOVEA_TRY(check_no_overlap(op, "a", *a, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "b", *b, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_box_overlaps, overlap, plus_one, a, b, y, stream);
  return enqueue(stream, select_isa(box_overlaps_reference, scalar::box_overlaps, avx2::box_overlaps, avx512::box_overlaps),
                 box_overlaps_job(overlap, plus_one, *a, *b, *y));
}
