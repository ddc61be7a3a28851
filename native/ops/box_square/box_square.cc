// MTCNN's rerec: a square about the centre of each box. Four values in, four out, at the speed of the memory: one plain body
// serves every instruction set.
#include "ops/box_square/box_square.h"

#include <cmath>

#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {
namespace {

void box_square(const BoxSquareJob& j) {
  const int64_t count = live_rows(j.live, j.count);
  for (int64_t r = 0; r < count; ++r) {
    const float* box = j.boxes + r * j.boxes_pitch;
    const float w = box[2] - box[0], h = box[3] - box[1];
    const float side = w > h || std::isnan(w) ? w : h;  // NaN in either spreads to the whole box
    const float x = box[0] + (w - side) * 0.5f, y = box[1] + (h - side) * 0.5f;
    float* square = j.y + r * j.y_pitch;
    const bool nearest = j.rounding == FOVEA_ROUNDING_NEAREST;
    square[0] = nearest ? std::nearbyint(x) : x;
    square[1] = nearest ? std::nearbyint(y) : y;
    square[2] = square[0] + (nearest ? std::nearbyint(side) : side);
    square[3] = square[1] + (nearest ? std::nearbyint(side) : side);
    if (j.rounding == FOVEA_ROUNDING_TRUNCATE)
      for (int c = 0; c < 4; ++c) square[c] = std::trunc(square[c]);
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_square(int32_t rounding, const fovea_tensor* boxes, const fovea_tensor* y,
                                         fovea_stream* stream) {
  constexpr const char* op = "box_square";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(rounding >= FOVEA_ROUNDING_NONE && rounding <= FOVEA_ROUNDING_NEAREST, "%s: unknown rounding %d", op, rounding);
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must be [R][4], it is %s", op, describe(*boxes));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_box_square, rounding, boxes, y, stream);
  return enqueue(stream, box_square, box_square_job(rounding, *boxes, *y));
}
