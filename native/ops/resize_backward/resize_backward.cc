#include "ops/resize_backward/resize_backward.h"

#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(resize_backward, const ResizeBackwardJob&)

namespace {

bool has_tap(const Taps& t, int64_t pixel) { return pixel >= t.begin && pixel < t.end; }

double gathered(const ResizeBackwardJob& j, int64_t n, int64_t iy, int64_t ix, int64_t c) {
  const ResizePlan& p = j.plan;
  double sum = 0;
  for (int64_t oy = 0; oy < p.rows.out; ++oy) {
    const Taps rows = resample_taps(p.rows, oy);
    if (!has_tap(rows, iy)) continue;
    for (int64_t ox = 0; ox < p.columns.out; ++ox) {
      const Taps columns = resample_taps(p.columns, ox);
      if (has_tap(columns, ix))
        sum += tap_weight(rows, iy) * tap_weight(columns, ix) *
               static_cast<double>(j.dy[((n * p.rows.out + oy) * p.columns.out + ox) * j.dy_pitch + c]);
    }
  }
  return static_cast<double>(j.scale) * sum;
}

void resize_backward_reference(const ResizeBackwardJob& j) {
  const ResizePlan& p = j.plan;
  const int64_t pixels = live_rows(j.live, j.batch) * p.in_height * p.in_width;
  for (int64_t i = 0; i < pixels; ++i)
    for (int64_t c = 0; c < p.channels; ++c) {
      const int64_t row = i / p.in_width;
      j.dx[i * j.dx_pitch + c] = static_cast<float>(gathered(j, row / p.in_height, row % p.in_height, i % p.in_width, c));
    }
}

fovea_status plan_backward(const char* op, const fovea_resize_params* params, const fovea_tensor* dy, const fovea_tensor* dx,
                           ResizePlan* p) {
  constexpr int64_t kMost = int64_t{1} << 46;  // elements
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(dy != nullptr && dy->rank == 4, "%s: dy must have rank 4", op);
  int64_t forward_bytes = 0;
  FOVEA_TRY(plan_resize(op, *params, dx, dy, dy->shape[1], dy->shape[2], p, &forward_bytes, "dx", "dy"));
  FOVEA_CHECK(same(dx->dtype, kF32) && same(dy->dtype, kF32), "%s: dy and dx must be f32, they are %s and %s", op,
              dtype_name(dy->dtype), dtype_name(dx->dtype));
  const int64_t row = dy->shape[2] * dy->shape[3];
  FOVEA_CHECK(row == 0 || dx->shape[0] * dx->shape[1] <= kMost / row,
              "%s: the image between the passes is too large: dy is %s, dx is %s", op, describe(*dy), describe(*dx));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_resize_backward_workspace(const fovea_resize_params* params, const fovea_tensor* dy,
                                                        const fovea_tensor* dx, int64_t* bytes) {
  constexpr const char* op = "resize_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  ResizePlan plan;
  FOVEA_TRY(plan_backward(op, params, dy, dx, &plan));
  FOVEA_FORWARD_TENSOR(dy, fovea_resize_backward_workspace, params, dy, dx, bytes);
  *bytes = elements(*dx) == 0 ? 0 : shared_bytes(plan) + plan.threads * summed_dy_row_bytes(plan);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_resize_backward(const fovea_resize_params* params, const fovea_tensor* dy, const fovea_tensor* dx,
                                              const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "resize_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_tensor(op, "dy", dy, 4, kF32, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, 4, kF32, stream));
  ResizeBackwardJob job{};
  FOVEA_TRY(plan_backward(op, params, dy, dx, &job.plan));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_resize_backward, params, dy, dx, workspace, stream);
  if (elements(*dx) == 0) return FOVEA_OK;
  // Rows for one thread are enough to work; the pool may have grown since the size was asked for.
  const int64_t shared = shared_bytes(job.plan), each = summed_dy_row_bytes(job.plan);
  FOVEA_TRY(check_workspace(op, workspace, shared + each));
  if (each > 0) job.plan.threads = static_cast<int32_t>(std::min<int64_t>((workspace->bytes - shared) / each, pool_threads()));
  job.plan.workspace = static_cast<char*>(workspace->data);
  job.dy = static_cast<const float*>(dy->data), job.dy_pitch = dy->pitch;
  job.dx = static_cast<float*>(dx->data), job.dx_pitch = dx->pitch;
  job.live = dy->live, job.batch = dy->shape[0];
  job.scale = params->scale;
  return enqueue(stream,
                 select_isa(resize_backward_reference, scalar::resize_backward, avx2::resize_backward, avx512::resize_backward),
                 job);
}
