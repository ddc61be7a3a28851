#include "ops/pool2d_backward/pool2d_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(pool2d_backward, const PoolBackwardJob&)

namespace {

PoolWindow row_window(const PoolBackwardJob& j, int64_t oy) {
  return pool_window(j.windows.rows, j.windows.adaptive, j.windows.count_include_pad, oy);
}
PoolWindow column_window(const PoolBackwardJob& j, int64_t ox) {
  return pool_window(j.windows.columns, j.windows.adaptive, j.windows.count_include_pad, ox);
}

// Whether cell (iy, ix) is the first largest of the window.
bool wins(const PoolBackwardJob& j, int64_t n, const PoolWindow& rows, const PoolWindow& columns, int64_t iy, int64_t ix,
          int64_t c) {
  const auto x = [&](int64_t y, int64_t k) {
    return j.x[((n * j.windows.rows.in + y) * j.windows.columns.in + k) * j.x_pitch + c];
  };
  int64_t best_y = rows.begin, best_x = columns.begin;
  for (int64_t y = rows.begin; y < rows.end; y += rows.step)
    for (int64_t k = columns.begin; k < columns.end; k += columns.step) {
      const float best = x(best_y, best_x), v = x(y, k);
      if (v > best || (std::isnan(v) && !std::isnan(best))) best_y = y, best_x = k;
    }
  return best_y == iy && best_x == ix;
}

void pool2d_backward_reference(const PoolBackwardJob& j) {
  const PoolWindows& w = j.windows;
  const int64_t batch = live_rows(j.live, j.batch), cells = w.rows.in * w.columns.in;
  for (int64_t i = 0; i < batch * cells; ++i)
    for (int64_t c = 0; c < j.channels; ++c) {
      const int64_t n = i / cells, iy = i % cells / w.columns.in, ix = i % w.columns.in;
      double sum = 0;
      for (int64_t oy = 0; oy < w.rows.out; ++oy) {
        const PoolWindow rows = row_window(j, oy);
        if (!covers(rows, iy)) continue;
        for (int64_t ox = 0; ox < w.columns.out; ++ox) {
          const PoolWindow columns = column_window(j, ox);
          if (!covers(columns, ix)) continue;
          const double dy = static_cast<double>(j.dy[((n * w.rows.out + oy) * w.columns.out + ox) * j.dy_pitch + c]);
          if (w.average)
            sum += dy / (static_cast<double>(rows.cells) * static_cast<double>(columns.cells));
          else if (wins(j, n, rows, columns, iy, ix, c))
            sum += dy;
        }
      }
      j.dx[i * j.dx_pitch + c] = static_cast<float>(sum);
    }
}

// Everything but the windows.
fovea_status check_tensors(const char* op, int32_t mode, const fovea_tensor* x, const fovea_tensor* dy, const fovea_tensor* dx,
                           const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(mode == FOVEA_POOL_MAX || mode == FOVEA_POOL_AVERAGE, "%s: unknown mode %d", op, mode);
  FOVEA_TRY(check_pool_images(op, {"dx", dx, "dy", dy}, stream));
  FOVEA_CHECK(mode == FOVEA_POOL_AVERAGE || x != nullptr, "%s: max needs x, it is NULL", op);
  if (x == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, "x", x, 4, dx->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  return check_no_overlap(op, "x", *x, "dx", *dx, false);
}

fovea_status enqueue_pool(const PoolWindows& windows, const fovea_tensor* x, const fovea_tensor& dy, const fovea_tensor& dx,
                          fovea_stream* stream) {
  if (elements(dx) == 0) return FOVEA_OK;
  return enqueue(stream,
                 select_isa(pool2d_backward_reference, scalar::pool2d_backward, avx2::pool2d_backward, avx512::pool2d_backward),
                 pool_backward_job(windows, x, dy, dx));
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_pool2d_backward(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                              const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "pool2d_backward";
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_tensors(op, params->mode, x, dy, dx, stream));
  FOVEA_TRY(check_pool_params(op, *params, {"dx", dx, "dy", dy}));
  FOVEA_FORWARD(stream, fovea_pool2d_backward, params, x, dy, dx, stream);
  return enqueue_pool(pool_windows(*params, *dx, *dy), x, *dy, *dx, stream);
}

extern "C" fovea_status fovea_adaptive_pool2d_backward(int32_t mode, const fovea_tensor* x, const fovea_tensor* dy,
                                                       const fovea_tensor* dx, fovea_stream* stream) {
  FOVEA_TRY(check_tensors("adaptive_pool2d_backward", mode, x, dy, dx, stream));
  FOVEA_FORWARD(stream, fovea_adaptive_pool2d_backward, mode, x, dy, dx, stream);
  return enqueue_pool(adaptive_windows(mode, *dx, *dy), x, *dy, *dx, stream);
}
