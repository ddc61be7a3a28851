// Lines that lie along the rows are a team's work, short ones and those across the rows a thread's.
#include "ops/softmax_backward/softmax_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/reduce/axis_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kThreadLine = 8;  // along the rows up to this length a thread takes the line: half a warp would idle

FOVEA_DEVICE float term(float y, float dy, bool log) { return log ? dy : dy * y; }
FOVEA_DEVICE float result(float y, float dy, float sum, bool log) { return log ? dy - expf(y) * sum : y * (dy - sum); }

template <class T>
__global__ void __launch_bounds__(kThreads)
    softmax_backward_lines_kernel(SoftmaxBackwardJob j, const T* y, const T* dy, T* dx) {
  const AxisView& v = j.view;
  const int64_t columns = v.is_last ? 1 : v.columns, rows = v.is_last ? 1 : v.inner_rows, axis = axis_count(v);
  const int64_t y_step = v.is_last ? 1 : rows * v.pitch, dy_step = v.is_last ? 1 : rows * j.dy_pitch,
                dx_step = v.is_last ? 1 : rows * j.dx_pitch;
  const int64_t n = axis == 0 ? 0 : outer_count(v) * rows * columns;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, columns), c = i - row * columns, o = quotient(row, rows);
    const int64_t start = v.is_last ? o : o * v.axis * rows + (row - o * rows);
    const T* values = y + start * v.pitch + c;
    const T* gradients = dy + start * j.dy_pitch + c;
    T* to = dx + start * j.dx_pitch + c;
    float sum = 0;
    for (int64_t a = 0; a < axis; ++a) sum += term(to_float(values[a * y_step]), to_float(gradients[a * dy_step]), j.log);
    for (int64_t a = 0; a < axis; ++a)
      to[a * dx_step] = from_float<T>(result(to_float(values[a * y_step]), to_float(gradients[a * dy_step]), sum, j.log));
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads)
    softmax_backward_rows_kernel(SoftmaxBackwardJob j, const T* y, const T* dy, T* dx) {
  __shared__ float scratch[8];
  const int64_t rows = outer_count(j.view), n = axis_count(j.view);
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T* values = y + row * j.view.pitch;
    const T* gradients = dy + row * j.dy_pitch;
    T* to = dx + row * j.dx_pitch;
    float sum = 0;
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) sum += term(to_float(values[i]), to_float(gradients[i]), j.log);
    sum = Row::reduce(sum, scratch, Sum{});
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes)
      to[i] = from_float<T>(result(to_float(values[i]), to_float(gradients[i]), sum, j.log));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_softmax_backward(const fovea_softmax_params* params, const fovea_tensor* y,
                                               const fovea_tensor* dy, const fovea_tensor* dx, fovea_stream* stream) {
  const int64_t n = elements(*y);
  if (n == 0) return FOVEA_OK;
  const SoftmaxBackwardJob job = plan_softmax_backward(*params, *y, *dy, *dx);
  return with_float_type(y->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "softmax_backward", [&](cudaStream_t s) {
      const auto* values = static_cast<const T*>(y->data);
      const auto* gradients = static_cast<const T*>(dy->data);
      auto* to = static_cast<T*>(dx->data);
      if (!job.view.is_last || job.view.axis <= kThreadLine)
        return launch(softmax_backward_lines_kernel<T>, grid_for(n / job.view.axis, kThreads), kThreads, 0, s, job, values,
                      gradients, to);
      return with_team(job.view.axis, [&](auto team) {
        using Row = decltype(team);
        return launch(softmax_backward_rows_kernel<T, Row>, Row::blocks(job.view.outer), Row::kThreads, 0, s, job, values,
                      gradients, to);
      });
    });
  });
}
