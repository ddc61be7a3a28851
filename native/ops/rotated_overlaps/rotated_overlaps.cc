#include "ops/rotated_overlaps/rotated_overlaps.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(rotated_overlaps, const RotatedOverlapsJob&)

namespace {

RotatedBox<double> load_box(const float* box) {
  const auto angle = static_cast<double>(box[4]);
  return {static_cast<double>(box[0]),
          static_cast<double>(box[1]),
          0.5 * static_cast<double>(box[2]),
          0.5 * static_cast<double>(box[3]),
          std::cos(angle),
          std::sin(angle)};
}

void rotated_overlaps_reference(const RotatedOverlapsJob& j) {
  for (int64_t r = 0; r < live_rows(j.live, j.rows); ++r)
    for (int64_t c = 0; c < j.columns; ++c)
      j.y[r * j.y_pitch + c] = static_cast<float>(rotated_iou(load_box(j.a + r * j.a_pitch), load_box(j.b + c * j.b_pitch)));
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_rotated_overlaps(const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                               fovea_stream* stream) {
  constexpr const char* op = "rotated_overlaps";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_tensor(op, "a", a, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "b", b, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(a->shape[1] == 5 && b->shape[1] == 5, "%s: boxes must be [N][5], a is %s, b is %s", op, describe(*a),
              describe(*b));
  FOVEA_CHECK(y->shape[0] == a->shape[0] && y->shape[1] == b->shape[0], "%s: y is %s, a is %s, b is %s", op, describe(*y),
              describe(*a), describe(*b));
  FOVEA_TRY(check_no_overlap(op, "a", *a, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "b", *b, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_rotated_overlaps, a, b, y, stream);
  return enqueue(
      stream,
      select_isa(rotated_overlaps_reference, scalar::rotated_overlaps, avx2::rotated_overlaps, avx512::rotated_overlaps),
      rotated_overlaps_job(*a, *b, *y));
}
