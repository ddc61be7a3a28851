#include "ops/letterbox/letterbox.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/resize/resize.h"

namespace fovea {

FOVEA_DECLARE_BODIES(letterbox, const LetterboxJob&)

namespace {

void letterbox_reference(const LetterboxJob& j) {
  const ResizePlan& p = j.plan;
  const int64_t batch = live_rows(j.live, j.batch), image = p.in_height * p.in_width * j.x_pitch;
  float* y = j.y;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t oy = 0; oy < j.height; ++oy)
      for (int64_t ox = 0; ox < j.width; ++ox, y += j.y_pitch) {
        const int64_t v = oy - j.place_y, u = ox - j.place_x;
        const bool inside = v >= 0 && v < p.rows.out && u >= 0 && u < p.columns.out;
        for (int64_t c = 0; c < p.channels; ++c) {
          y[c] = j.fill[c];
          if (!inside) continue;
          const Taps rows = resample_taps(p.rows, v), columns = resample_taps(p.columns, u);
          const int64_t from = j.reverse_channels != 0 ? p.channels - 1 - c : c;
          const double value =
              j.x_is_u8 != 0 ? resample_sample(p, static_cast<const uint8_t*>(j.x) + n * image, j.x_pitch, rows, columns, from)
                             : resample_sample(p, static_cast<const float*>(j.x) + n * image, j.x_pitch, rows, columns, from);
          y[c] = static_cast<float>((value - static_cast<double>(j.mean[c])) * static_cast<double>(j.scale[c]));
        }
      }
}

fovea_status plan(const char* op, const fovea_letterbox_params* params, const fovea_tensor* x, const fovea_tensor* y,
                  ResizePlan* p, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_letterbox_params& q = *params;
  FOVEA_CHECK(y != nullptr && y->rank == 4, "%s: y must have rank 4", op);
  FOVEA_CHECK(same(y->dtype, kF32), "%s: y must be f32, it is %s", op, dtype_name(y->dtype));
  FOVEA_CHECK(q.place_x >= 0 && q.place_y >= 0 && q.place_w >= 0 && q.place_h >= 0, "%s: negative place %d, %d, %d x %d", op,
              q.place_x, q.place_y, q.place_w, q.place_h);
  FOVEA_CHECK(int64_t{q.place_x} + q.place_w <= y->shape[2] && int64_t{q.place_y} + q.place_h <= y->shape[1],
              "%s: %d x %d (width x height) at %d, %d does not fit y %s", op, q.place_w, q.place_h, q.place_x, q.place_y,
              describe(*y));
  FOVEA_TRY(plan_resize(op, q.resize, x, y, q.place_h, q.place_w, p, bytes));
  FOVEA_CHECK(p->channels <= 4, "%s: at most 4 channels, x is %s", op, describe(*x));
  if (q.place_w == 0 || q.place_h == 0) *bytes = 0;  // padding only
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_letterbox_workspace(const fovea_letterbox_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* y, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "letterbox_workspace: bytes is NULL");
  ResizePlan p;
  FOVEA_TRY(plan("letterbox_workspace", params, x, y, &p, bytes));
  FOVEA_FORWARD_TENSOR(x, fovea_letterbox_workspace, params, x, y, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_letterbox(const fovea_letterbox_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                        const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "letterbox";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_any_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, kF32, stream));
  ResizePlan resize;
  int64_t bytes = 0;
  FOVEA_TRY(plan(op, params, x, y, &resize, &bytes));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_letterbox, params, x, y, workspace, stream);
  if (elements(*x) == 0 || elements(*y) == 0) return FOVEA_OK;
  if (bytes > 0) FOVEA_TRY(attach_workspace(op, workspace, &resize));
  LetterboxJob job = letterbox_job(*params, *x, *y);
  job.plan = resize;
  return enqueue(stream, select_isa(letterbox_reference, scalar::letterbox, avx2::letterbox, avx512::letterbox), job);
}
