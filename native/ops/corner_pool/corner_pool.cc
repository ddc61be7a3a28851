// ABI entries of corner_pool and corner_pool_backward, their validation, and the reference loops.
#include "ops/corner_pool/corner_pool.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(corner_pool, const CornerPoolJob&)
FOVEA_DECLARE_BODIES(corner_pool_backward, const CornerPoolJob&)

namespace {

// body(first pixel of a line) for all of them.
template <class Body>
void each_line(const CornerPoolJob& j, const Body& body) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t line = 0; line < j.lines.count; ++line) body(n * j.pixels + line * j.lines.distance + j.lines.first);
}

// NaN is the largest value, and the first one stays.
bool exceeds(float v, float most) { return v > most || (std::isnan(v) && !std::isnan(most)); }

void corner_pool_reference(const CornerPoolJob& j) {
  each_line(j, [&](int64_t first) {
    for (int64_t c = 0; c < j.channels; ++c) {
      float most = -HUGE_VALF;
      for (int64_t i = 0, p = first; i < j.lines.length; ++i, p += j.lines.step) {
        const float v = j.x[p * j.x_pitch + c];
        if (exceeds(v, most)) most = v;
        j.y[p * j.y_pitch + c] = most;
      }
    }
  });
}

void corner_pool_backward_reference(const CornerPoolJob& j) {
  each_line(j, [&](int64_t first) {
    for (int64_t c = 0; c < j.channels; ++c) {
      int64_t record = first;
      double sum = 0;
      for (int64_t i = 0, p = first; i < j.lines.length; ++i, p += j.lines.step) {
        if (exceeds(j.x[p * j.x_pitch + c], j.x[record * j.x_pitch + c])) record = p, sum = 0;
        sum += static_cast<double>(j.dy[p * j.dy_pitch + c]);
        j.y[p * j.y_pitch + c] = 0;
        j.y[record * j.y_pitch + c] = static_cast<float>(sum);
      }
    }
  });
}

fovea_status check_maps(const char* op, int32_t corner, const fovea_tensor* x, const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(corner >= FOVEA_CORNER_TOP && corner <= FOVEA_CORNER_RIGHT, "%s: unknown corner %d", op, corner);
  return check_float_tensor(op, "x", x, 4, stream);
}

CornerPoolJob job_of(int32_t corner, const fovea_tensor& x, const fovea_tensor* dy, const fovea_tensor& y) {
  CornerPoolJob job{static_cast<const float*>(x.data),
                    dy == nullptr ? nullptr : static_cast<const float*>(dy->data),
                    static_cast<float*>(y.data),
                    x.live,
                    x.shape[0],
                    x.shape[1] * x.shape[2],
                    x.shape[3],
                    x.pitch,
                    dy == nullptr ? x.shape[3] : dy->pitch,
                    y.pitch,
                    corner_lines(corner, x.shape[1], x.shape[2])};
  // Columns of images without gaps advance together: a whole row is one pixel of many channels.
  const bool columns = job.lines.distance == 1;
  if (columns && job.x_pitch == job.channels && job.dy_pitch == job.channels && job.y_pitch == job.channels) {
    job.channels *= x.shape[2];
    job.x_pitch = job.dy_pitch = job.y_pitch = job.channels;
    job.pixels = x.shape[1];
    job.lines = corner_lines(corner, x.shape[1], 1);
  }
  return job;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_corner_pool(int32_t corner, const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "corner_pool";
  FOVEA_TRY(check_maps(op, corner, x, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, true));
  FOVEA_FORWARD(stream, fovea_corner_pool, corner, x, y, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  return enqueue(stream, select_isa(corner_pool_reference, scalar::corner_pool, avx2::corner_pool, avx512::corner_pool),
                 job_of(corner, *x, nullptr, *y));
}

extern "C" fovea_status fovea_corner_pool_backward(int32_t corner, const fovea_tensor* x, const fovea_tensor* dy,
                                                   const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "corner_pool_backward";
  FOVEA_TRY(check_maps(op, corner, x, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, 4, x->dtype, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, 4, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_corner_pool_backward, corner, x, dy, dx, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  return enqueue(stream,
                 select_isa(corner_pool_backward_reference, scalar::corner_pool_backward, avx2::corner_pool_backward,
                            avx512::corner_pool_backward),
                 job_of(corner, *x, dy, *dx));
}
