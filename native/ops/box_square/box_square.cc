// MTCNN's rerec: a square about the centre of each box. Four values in, four out, at the speed of the memory: one plain body
// serves every instruction set.
#include <cmath>

#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/tensor.h"
#include "fovea/vision.h"

namespace fovea {
namespace {

struct BoxSquareJob {
  const float* boxes;
  float* y;
  int64_t count, boxes_pitch, y_pitch;
  const int32_t* live;
  int32_t truncate;
};

void box_square(const BoxSquareJob& j) {
  const int64_t count = live_rows(j.live, j.count);
  for (int64_t r = 0; r < count; ++r) {
    const float* box = j.boxes + r * j.boxes_pitch;
    const float w = box[2] - box[0], h = box[3] - box[1];
    const float side = w > h || std::isnan(w) ? w : h;  // NaN in either spreads to the whole box
    const float x1 = box[0] + (w - side) * 0.5f, y1 = box[1] + (h - side) * 0.5f;
    float square[4] = {x1, y1, x1 + side, y1 + side};
    for (int c = 0; c < 4; ++c) j.y[r * j.y_pitch + c] = j.truncate != 0 ? std::trunc(square[c]) : square[c];
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_square(int32_t truncate, const fovea_tensor* boxes, const fovea_tensor* y,
                                         fovea_stream* stream) {
  constexpr const char* op = "box_square";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_FORWARD(stream, fovea_box_square, truncate, boxes, y, stream);
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must be [R][4], it is %s", op, describe(*boxes));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, true));
  const BoxSquareJob job{static_cast<const float*>(boxes->data),
                         static_cast<float*>(y->data),
                         boxes->shape[0],
                         boxes->pitch,
                         y->pitch,
                         boxes->live,
                         truncate};
  return enqueue(stream, box_square, job);
}
