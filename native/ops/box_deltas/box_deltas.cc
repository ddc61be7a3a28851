#include "ops/box_deltas/box_deltas.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(box_deltas, const BoxDeltasJob&)

namespace {

void box_deltas_reference(const BoxDeltasJob& j) {
  const int64_t count = live_rows(j.live, j.count);
  const double one = j.params.plus_one != 0 ? 1 : 0;
  for (int64_t r = 0; r < count; ++r) {
    double box[4], d[4], moved[4];
    for (int c = 0; c < 4; ++c) {
      box[c] = static_cast<double>(j.boxes[r * j.boxes_pitch + c]);
      d[c] = static_cast<double>(j.deltas[r * j.deltas_pitch + c]);
    }
    for (int axis = 0; axis < 2; ++axis) {
      const double low = box[axis], high = box[axis + 2], size = high - low + one;
      if (j.params.mode == FOVEA_DELTA_CORNERS) {
        moved[axis] = low + d[axis] * size;
        moved[axis + 2] = high + d[axis + 2] * size;
      } else {
        const double limit = static_cast<double>(kLargestLogGrowth);
        const double centre = low + 0.5 * size + d[axis] * size;
        const double grown = size * std::exp(d[axis + 2] > limit ? limit : d[axis + 2]);
        moved[axis] = centre - 0.5 * grown;
        moved[axis + 2] = centre + 0.5 * grown - one;
      }
    }
    for (int c = 0; c < 4; ++c) j.y[r * j.y_pitch + c] = static_cast<float>(moved[c]);
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_deltas(const fovea_box_deltas_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* deltas, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "box_deltas";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->mode == FOVEA_DELTA_CORNERS || params->mode == FOVEA_DELTA_CENTRE, "%s: unknown mode %d", op,
              params->mode);
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "deltas", deltas, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 2, kF32, stream));
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must be [R][4], it is %s", op, describe(*boxes));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "deltas", *deltas));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, true));
  FOVEA_TRY(check_no_overlap(op, "deltas", *deltas, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_box_deltas, params, boxes, deltas, y, stream);
  return enqueue(stream, select_isa(box_deltas_reference, scalar::box_deltas, avx2::box_deltas, avx512::box_deltas),
                 box_deltas_job(*params, *boxes, *deltas, *y));
}
