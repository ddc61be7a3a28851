#include "ops/resize/resize.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(resize, const ResizeJob&)

namespace {

template <class T>
void resize_direct(const ResizeJob& j, const T* x) {
  const ResizePlan& p = j.plan;
  const int64_t batch = live_rows(j.live, j.batch);
  int64_t at = 0;
  for (int64_t n = 0; n < batch; ++n, x += p.in_height * p.in_width * j.x_pitch)
    for (int64_t oy = 0; oy < p.rows.out; ++oy) {
      const Taps rows = resample_taps(p.rows, oy);
      for (int64_t ox = 0; ox < p.columns.out; ++ox, at += j.y_pitch) {
        const Taps columns = resample_taps(p.columns, ox);
        for (int64_t c = 0; c < p.channels; ++c) {
          const double v = resample_sample(p, x, j.x_pitch, rows, columns, c);
          if (j.y_is_u8 != 0)
            static_cast<uint8_t*>(j.y)[at + c] = static_cast<uint8_t>(std::nearbyint(std::fmin(std::fmax(v, 0), 255)));
          else
            static_cast<float*>(j.y)[at + c] =
                static_cast<float>(static_cast<double>(j.scale) * v + static_cast<double>(j.offset));
        }
      }
    }
}

void resize_reference(const ResizeJob& j) {
  if (j.x_is_u8 != 0)
    resize_direct(j, static_cast<const uint8_t*>(j.x));
  else
    resize_direct(j, static_cast<const float*>(j.x));
}

fovea_status plan(const char* op, const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                  ResizePlan* p, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(y != nullptr && y->rank == 4, "%s: y must have rank 4", op);
  FOVEA_TRY(plan_resize(op, *params, x, y, y->shape[1], y->shape[2], p, bytes));
  FOVEA_CHECK(same(y->dtype, kF32) || (same(y->dtype, kU8) && same(x->dtype, kU8)), "%s: no kernel from %s to %s", op,
              dtype_name(x->dtype), dtype_name(y->dtype));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_resize_workspace(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                               int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "resize_workspace: bytes is NULL");
  ResizePlan p;
  FOVEA_TRY(plan("resize_workspace", params, x, y, &p, bytes));
  FOVEA_FORWARD_TENSOR(x, fovea_resize_workspace, params, x, y, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_resize(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "resize";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_any_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_any_tensor(op, "y", y, 4, stream));
  ResizePlan p;
  int64_t bytes = 0;
  FOVEA_TRY(plan(op, params, x, y, &p, &bytes));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_resize, params, x, y, workspace, stream);
  if (bytes == 0) return FOVEA_OK;
  FOVEA_TRY(attach_workspace(op, workspace, &p));
  const bool u8 = same(y->dtype, kU8);
  const ResizeJob job{p,
                      x->data,
                      y->data,
                      x->live,
                      x->shape[0],
                      x->pitch,
                      y->pitch,
                      u8 ? 1.0f : params->scale,
                      u8 ? 0.0f : params->offset,
                      same(x->dtype, kU8),
                      u8};
  return enqueue(stream, select_isa(resize_reference, scalar::resize, avx2::resize, avx512::resize), job);
}
