#include "ops/pool2d/pool2d.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(pool2d, const PoolJob&)

namespace {

void pool2d_reference(const PoolJob& j) {
  const int64_t width = j.columns.in, batch = live_rows(j.live, j.batch);
  float* y = j.y;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t oy = 0; oy < j.rows.out; ++oy)
      for (int64_t ox = 0; ox < j.columns.out; ++ox, y += j.y_pitch) {
        const PoolWindow rows = pool_window(j.rows, j.adaptive != 0, j.count_include_pad != 0, oy);
        const PoolWindow columns = pool_window(j.columns, j.adaptive != 0, j.count_include_pad != 0, ox);
        for (int64_t c = 0; c < j.channels; ++c) {
          double sum = 0, best = -HUGE_VAL;
          for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
            for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step) {
              const double v = static_cast<double>(j.x[((n * j.rows.in + iy) * width + ix) * j.x_pitch + c]);
              sum += v;
              if (v > best || std::isnan(v)) best = v;  // a NaN stays: nothing compares greater
            }
          const double cells = static_cast<double>(rows.cells) * static_cast<double>(columns.cells);
          y[c] = static_cast<float>(j.average != 0 ? sum / cells : best);
        }
      }
}

// PyTorch's and ONNX's rule; 0 when not even one window fits.
int64_t pooled_size(const PoolAxis& a, bool ceil_mode) {
  const int64_t room = a.in + a.pad_begin + a.pad_end - a.dilation * (a.kernel - 1) - 1 + (ceil_mode ? a.stride - 1 : 0);
  int64_t out = (room >= 0 ? room / a.stride : -((a.stride - 1 - room) / a.stride)) + 1;
  if (ceil_mode && (out - 1) * a.stride >= a.in + a.pad_begin) --out;
  return out < 0 ? 0 : out;
}

fovea_status check_axis(const char* op, const char* axis, const PoolAxis& a) {
  FOVEA_CHECK(a.kernel >= 1 && a.stride >= 1 && a.dilation >= 1,
              "%s: %s: kernel %lld, stride %lld and dilation %lld must be at least 1", op, axis,
              static_cast<long long>(a.kernel), static_cast<long long>(a.stride), static_cast<long long>(a.dilation));
  // Otherwise a window could miss the image, and its average would be 0/0.
  const int64_t reach = a.dilation * (a.kernel - 1) + 1;
  FOVEA_CHECK(a.pad_begin >= 0 && a.pad_end >= 0 && a.pad_begin < reach && a.pad_end < reach,
              "%s: %s: paddings %lld and %lld must be non-negative and smaller than the window (%lld)", op, axis,
              static_cast<long long>(a.pad_begin), static_cast<long long>(a.pad_end), static_cast<long long>(reach));
  return FOVEA_OK;
}

fovea_status enqueue_pool(const PoolWindows& w, const fovea_tensor& x, const fovea_tensor& y, fovea_stream* stream) {
  if (elements(x) == 0) return FOVEA_OK;
  const PoolJob job{static_cast<const float*>(x.data),
                    static_cast<float*>(y.data),
                    x.live,
                    x.shape[0],
                    x.shape[3],
                    x.pitch,
                    y.pitch,
                    w.rows,
                    w.columns,
                    w.average,
                    w.adaptive,
                    w.count_include_pad};
  return enqueue(stream, select_isa(pool2d_reference, scalar::pool2d, avx2::pool2d, avx512::pool2d), job);
}

}  // namespace

fovea_status check_pool_images(const char* op, const PooledImages& m, const fovea_stream* stream) {
  FOVEA_TRY(check_float_tensor(op, m.x_name, m.x, 4, stream));
  FOVEA_TRY(check_tensor(op, m.y_name, m.y, 4, m.x->dtype, stream));
  FOVEA_CHECK(m.x->shape[0] == m.y->shape[0] && m.x->shape[3] == m.y->shape[3],
              "%s: batch or channels differ: %s is %s, %s is %s", op, m.x_name, describe(*m.x), m.y_name, describe(*m.y));
  for (const int i : {1, 2})  // index products stay below 2^62
    FOVEA_CHECK(m.x->shape[i] <= INT32_MAX && m.y->shape[i] <= INT32_MAX, "%s: image too large: %s is %s, %s is %s", op,
                m.x_name, describe(*m.x), m.y_name, describe(*m.y));
  return check_no_overlap(op, m.x_name, *m.x, m.y_name, *m.y, false);
}

fovea_status check_pool_params(const char* op, const fovea_pool2d_params& p, const PooledImages& m) {
  const PoolWindows w = pool_windows(p, *m.x, *m.y);
  FOVEA_TRY(check_axis(op, "rows", w.rows));
  FOVEA_TRY(check_axis(op, "columns", w.columns));
  FOVEA_CHECK(p.mode == FOVEA_POOL_MAX || (p.dilation_h == 1 && p.dilation_w == 1), "%s: average has no dilation, got %d x %d",
              op, p.dilation_h, p.dilation_w);
  const int64_t height = pooled_size(w.rows, p.ceil_mode != 0), width = pooled_size(w.columns, p.ceil_mode != 0);
  FOVEA_CHECK(m.y->shape[1] == height && m.y->shape[2] == width, "%s: %s %s pools to %lld x %lld, %s is %s", op, m.x_name,
              describe(*m.x), static_cast<long long>(height), static_cast<long long>(width), m.y_name, describe(*m.y));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_pool2d(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream) {
  constexpr const char* op = "pool2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->mode == FOVEA_POOL_MAX || params->mode == FOVEA_POOL_AVERAGE, "%s: unknown mode %d", op, params->mode);
  FOVEA_TRY(check_pool_images(op, {"x", x, "y", y}, stream));
  FOVEA_TRY(check_pool_params(op, *params, {"x", x, "y", y}));
  FOVEA_FORWARD(stream, fovea_pool2d, params, x, y, stream);
  return enqueue_pool(pool_windows(*params, *x, *y), *x, *y, stream);
}

extern "C" fovea_status fovea_adaptive_pool2d(int32_t mode, const fovea_tensor* x, const fovea_tensor* y,
                                              fovea_stream* stream) {
  constexpr const char* op = "adaptive_pool2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(mode == FOVEA_POOL_MAX || mode == FOVEA_POOL_AVERAGE, "%s: unknown mode %d", op, mode);
  FOVEA_TRY(check_pool_images(op, {"x", x, "y", y}, stream));
  FOVEA_FORWARD(stream, fovea_adaptive_pool2d, mode, x, y, stream);
  return enqueue_pool(adaptive_windows(mode, *x, *y), *x, *y, stream);
}
