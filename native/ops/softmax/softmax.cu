// Lines that lie along the rows are a team's work, short ones and those across the rows a thread's.
#include "ops/softmax/softmax.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/reduce/axis_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kThreadLine = 8;  // along the rows up to this length a thread takes the line: half a warp would idle

// The value at x given the line's maximum and sum. -inf - -inf is NaN, as the formula says.
FOVEA_DEVICE float result(float x, float max, float sum, bool log) { return log ? x - max - logf(sum) : expf(x - max) / sum; }

template <class T>
__global__ void __launch_bounds__(kThreads) softmax_lines_kernel(SoftmaxJob j, const T* x, T* y) {
  const AxisView& v = j.view;
  const int64_t columns = v.is_last ? 1 : v.columns, rows = v.is_last ? 1 : v.inner_rows, axis = axis_count(v);
  const int64_t x_step = v.is_last ? 1 : rows * v.pitch, y_step = v.is_last ? 1 : rows * j.y_pitch;
  const int64_t n = axis == 0 ? 0 : outer_count(v) * rows * columns;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, columns), c = i - row * columns, o = quotient(row, rows);
    const int64_t start = v.is_last ? o : o * v.axis * rows + (row - o * rows);
    const T* from = x + start * v.pitch + c;
    T* to = y + start * j.y_pitch + c;
    float max = -INFINITY, sum = 0;
    for (int64_t a = 0; a < axis; ++a) max = fmaxf(max, to_float(from[a * x_step]));
    for (int64_t a = 0; a < axis; ++a) sum += expf(to_float(from[a * x_step]) - max);
    for (int64_t a = 0; a < axis; ++a) to[a * y_step] = from_float<T>(result(to_float(from[a * x_step]), max, sum, j.log));
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) softmax_rows_kernel(SoftmaxJob j, const T* x, T* y) {
  __shared__ float scratch[8];
  const int64_t rows = outer_count(j.view), n = axis_count(j.view);
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T* from = x + row * j.view.pitch;
    T* to = y + row * j.y_pitch;
    float max = -INFINITY, sum = 0;
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) max = fmaxf(max, to_float(from[i]));
    max = Row::reduce(max, scratch, Maximum{});
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) sum += expf(to_float(from[i]) - max);
    sum = Row::reduce(sum, scratch, Sum{});
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) to[i] = from_float<T>(result(to_float(from[i]), max, sum, j.log));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_softmax(const fovea_softmax_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                      fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const int axis = params->axis < 0 ? params->axis + x->rank : params->axis;
  const SoftmaxJob job{nullptr, nullptr, axis_view(*x, axis), y->pitch, params->log != 0};
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "softmax", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      auto* to = static_cast<T*>(y->data);
      if (!job.view.is_last || job.view.axis <= kThreadLine)
        return launch(softmax_lines_kernel<T>, grid_for(n / job.view.axis, kThreads), kThreads, 0, s, job, from, to);
      return with_team(job.view.axis, [&](auto team) {
        using Row = decltype(team);
        return launch(softmax_rows_kernel<T, Row>, Row::blocks(job.view.outer), Row::kThreads, 0, s, job, from, to);
      });
    });
  });
}
