// Lines along the rows are a team's work, short ones and those across the rows a thread's. A candidate is a number that orders
// like (value, then the lower index): the largest one is the answer in whatever order they are compared.
#include "ops/argmax/argmax.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kThreadLine = 8;  // up to this length half of a team would idle

using Candidate = unsigned long long;

// 0 for NaN, less than any number's.
FOVEA_DEVICE Candidate candidate(float x, int64_t index, bool minimum) {
  if (x != x) return 0;
  x = (minimum ? -x : x) + 0.0f;  // -0 equals 0
  const uint32_t bits = __float_as_uint(x), ordered = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
  return Candidate{ordered} << 32 | (0xFFFFFFFFu - uint32_t(index));
}
FOVEA_DEVICE int64_t index_of(Candidate c) { return c == 0 ? 0 : int64_t{0xFFFFFFFFu - uint32_t(c)}; }

FOVEA_DEVICE void store(const ArgmaxJob& j, int64_t output, Candidate best) {
  const int64_t row = quotient(output, j.y_columns), at = row * j.y_pitch + output - row * j.y_columns;
  if (j.wide)
    static_cast<int64_t*>(j.indices)[at] = index_of(best);
  else
    static_cast<int32_t*>(j.indices)[at] = int32_t(index_of(best));
}

FOVEA_DEVICE int64_t outer_count(const AxisView& v) {
  return v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_count(v.live, v.leading);
}
FOVEA_DEVICE int64_t axis_count(const AxisView& v) { return v.is_leading ? live_count(v.live, v.axis) : v.axis; }

template <class T>
__global__ void __launch_bounds__(kThreads) argmax_lines_kernel(ArgmaxJob j, const T* x) {
  const AxisView& v = j.view;
  const int64_t columns = v.is_last ? 1 : v.columns, rows = v.is_last ? 1 : v.inner_rows, axis = axis_count(v);
  const int64_t step = v.is_last ? 1 : rows * v.pitch, n = axis == 0 ? 0 : outer_count(v) * rows * columns;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, columns), c = i - row * columns, o = quotient(row, rows);
    const T* from = x + (v.is_last ? o : o * v.axis * rows + (row - o * rows)) * v.pitch + c;
    Candidate best = 0;
    for (int64_t a = 0; a < axis; ++a) best = Maximum{}(best, candidate(to_float(from[a * step]), a, j.minimum));
    store(j, i, best);
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) argmax_rows_kernel(ArgmaxJob j, const T* x) {
  __shared__ Candidate scratch[8];
  const int64_t n = axis_count(j.view), rows = n == 0 ? 0 : outer_count(j.view);
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T* from = x + row * j.view.pitch;
    Candidate best = 0;
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) best = Maximum{}(best, candidate(to_float(from[i]), i, j.minimum));
    best = Row::reduce(best, scratch, Maximum{});
    if (Row::lane() == 0) store(j, row, best);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_argmax(const fovea_arg_params* params, const fovea_tensor* x, const fovea_tensor* indices,
                                     fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const int axis = params->axis < 0 ? params->axis + x->rank : params->axis;
  const ArgmaxJob job{nullptr,
                      indices->data,
                      axis_view(*x, axis),
                      indices->pitch,
                      last(*indices),
                      same(indices->dtype, kI64),
                      params->minimum != 0};
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "argmax", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      if (!job.view.is_last || job.view.axis <= kThreadLine)
        return launch(argmax_lines_kernel<T>, grid_for(n / job.view.axis, kThreads), kThreads, 0, s, job, from);
      return with_team(job.view.axis, [&](auto team) {
        using Row = decltype(team);
        return launch(argmax_rows_kernel<T, Row>, Row::blocks(job.view.outer), Row::kThreads, 0, s, job, from);
      });
    });
  });
}
