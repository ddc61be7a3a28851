#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/box_loss/box_loss_slopes.h"

namespace fovea {

FOVEA_DECLARE_BODIES(box_loss, const BoxLossJob&)
FOVEA_DECLARE_BODIES(box_loss_backward, const BoxLossJob&)

namespace {

BoxPair<double> pair_of(const BoxLossJob& j, int64_t row) {
  BoxPair<double> pair{};
  for (int64_t i = 0; i < 4; ++i) {
    pair.box[i] = static_cast<double>(j.boxes[row * j.boxes_pitch + i]);
    pair.target[i] = static_cast<double>(j.targets[row * j.targets_pitch + i]);
  }
  return pair;
}

void box_loss_reference(const BoxLossJob& j) {
  for (int64_t row = 0; row < live_rows(j.live, j.rows); ++row)
    j.losses[row] = static_cast<float>(box_loss_value(j.params, pair_of(j, row)));
}

void box_loss_backward_reference(const BoxLossJob& j) {
  for (int64_t row = 0; row < live_rows(j.live, j.rows); ++row) {
    const numbers::Slopes<double> slopes = box_loss_slopes(j.params, pair_of(j, row)) * static_cast<double>(j.d_losses[row]);
    float* d = j.d_boxes + row * j.d_pitch;
    d[0] = static_cast<float>(slopes.x1);
    d[1] = static_cast<float>(slopes.y1);
    d[2] = static_cast<float>(slopes.x2);
    d[3] = static_cast<float>(slopes.y2);
  }
}

fovea_status check_boxes(const char* op, const char* name, const fovea_tensor* t, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 2, kF32, stream));
  FOVEA_CHECK(t->shape[1] == 4, "%s: %s must be [N][4], it is %s", op, name, describe(*t));
  return FOVEA_OK;
}

// The arguments that forward and backward share; `losses` is d_losses there.
fovea_status check_common(const char* op, const fovea_box_loss_params* params, const fovea_tensor* boxes,
                          const fovea_tensor* targets, const char* losses_name, const fovea_tensor* losses,
                          const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->overlap >= FOVEA_OVERLAP_UNION && params->overlap <= FOVEA_OVERLAP_SIOU, "%s: unknown overlap %d", op,
              params->overlap);
  FOVEA_CHECK(params->overlap != FOVEA_OVERLAP_MIN, "%s: the overlap MIN is no loss", op);
  const auto power = static_cast<double>(params->power);
  FOVEA_CHECK(power >= 0 && std::isfinite(power), "%s: power is %g, it must be positive, or 0 for 1", op, power);
  FOVEA_CHECK(params->overlap != FOVEA_OVERLAP_SIOU || power == 0 || power == 1, "%s: SIOU takes no power, it is %g", op,
              power);
  FOVEA_TRY(check_boxes(op, "boxes", boxes, stream));
  FOVEA_TRY(check_boxes(op, "targets", targets, stream));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "targets", *targets));
  FOVEA_TRY(check_tensor(op, losses_name, losses, 1, kF32, stream));
  FOVEA_CHECK(losses->shape[0] == boxes->shape[0], "%s: %s is %s, boxes is %s", op, losses_name, describe(*losses),
              describe(*boxes));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_box_loss(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                       const fovea_tensor* targets, const fovea_tensor* losses, fovea_stream* stream) {
  constexpr const char* op = "box_loss";
  FOVEA_TRY(check_common(op, params, boxes, targets, "losses", losses, stream));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "losses", *losses, false));
  FOVEA_TRY(check_no_overlap(op, "targets", *targets, "losses", *losses, false));
  FOVEA_FORWARD(stream, fovea_box_loss, params, boxes, targets, losses, stream);
  const BoxLossJob job = box_loss_job(*params, *boxes, *targets, losses, nullptr, nullptr);
  return enqueue(stream, select_isa(box_loss_reference, scalar::box_loss, avx2::box_loss, avx512::box_loss), job);
}

extern "C" fovea_status fovea_box_loss_backward(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                                const fovea_tensor* targets, const fovea_tensor* d_losses,
                                                const fovea_tensor* d_boxes, fovea_stream* stream) {
  constexpr const char* op = "box_loss_backward";
  FOVEA_TRY(check_common(op, params, boxes, targets, "d_losses", d_losses, stream));
  FOVEA_TRY(check_boxes(op, "d_boxes", d_boxes, stream));
  FOVEA_TRY(check_same_shape(op, "boxes", *boxes, "d_boxes", *d_boxes));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "d_boxes", *d_boxes, false));
  FOVEA_TRY(check_no_overlap(op, "targets", *targets, "d_boxes", *d_boxes, false));
  FOVEA_TRY(check_no_overlap(op, "d_losses", *d_losses, "d_boxes", *d_boxes, false));
  FOVEA_FORWARD(stream, fovea_box_loss_backward, params, boxes, targets, d_losses, d_boxes, stream);
  const BoxLossJob job = box_loss_job(*params, *boxes, *targets, nullptr, d_losses, d_boxes);
  return enqueue(
      stream,
      select_isa(box_loss_backward_reference, scalar::box_loss_backward, avx2::box_loss_backward, avx512::box_loss_backward),
      job);
}
