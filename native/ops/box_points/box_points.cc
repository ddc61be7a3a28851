// Landmarks: points relative to a box become image pixels. A few multiply-adds per box: one plain body serves every
// instruction set.
#include "ops/box_points/box_points.h"

#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {
namespace {

void box_points(const BoxPointsJob& j) {
  const int64_t count = live_rows(j.live, j.count);
  const float one = j.params.plus_one != 0 ? 1.0f : 0.0f;
  const bool planar = j.params.planar != 0;
  for (int64_t r = 0; r < count; ++r) {
    const float* box = j.boxes + r * j.boxes_pitch;
    const float* from = j.points + r * j.points_pitch;
    float* to = j.y + r * j.y_pitch;
    const float x1 = box[0], y1 = box[1], w = box[2] - box[0] + one, h = box[3] - box[1] + one;
    for (int64_t k = 0; k < j.points_per_box; ++k) {
      const float px = planar ? from[k] : from[2 * k], py = planar ? from[j.points_per_box + k] : from[2 * k + 1];
      to[2 * k] = w * px + x1 - one;
      to[2 * k + 1] = h * py + y1 - one;
    }
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_points(const fovea_box_points_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* points, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "box_points";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "points", points, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must be [R][4], it is %s", op, describe(*boxes));
  FOVEA_CHECK(points->shape[0] == boxes->shape[0] && points->shape[1] % 2 == 0, "%s: points must be [%lld][2P], it is %s", op,
              static_cast<long long>(boxes->shape[0]), describe(*points));
  FOVEA_TRY(check_same_shape(op, "points", *points, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "points", *points, "y", *y, params->planar == 0));
  FOVEA_FORWARD(stream, fovea_box_points, params, boxes, points, y, stream);
  return enqueue(stream, box_points, box_points_job(*params, *boxes, *points, *y));
}
