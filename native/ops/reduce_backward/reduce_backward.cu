// Max and min: outputs whose terms lie along the rows are a team's work, outputs that lie side by side share a block, whose
// threads are columns times slices of the terms. For all others every element stands alone: a thread takes one.
#include "ops/reduce_backward/reduce_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/reduce/plan.h"
#include "ops/reduce/positions_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE float gradient(int32_t op, float x, float y, float dy, int64_t terms) {
  switch (op) {
    case FOVEA_REDUCE_MEAN:
      return dy / float(terms);
    case FOVEA_REDUCE_L1:
      return x > 0 ? dy : x < 0 ? -dy : x * dy;
    case FOVEA_REDUCE_L2:
      return y == 0 ? 0.0f : x / y * dy;
    case FOVEA_REDUCE_LOG_SUM_EXP:
      return y == -INFINITY ? 0.0f : expf(x - y) * dy;
    default:
      return dy;
  }
}

FOVEA_DEVICE float shared_gradient(float x, float y, float dy, int64_t equal) {
  return y != y ? y : x == y ? dy / float(equal) : 0.0f;
}

// The neighbours of a warp are neighbours in x: terms of one output, or outputs.
template <class T>
__global__ void __launch_bounds__(kThreads)
    reduce_backward_kernel(ReduceBackwardJob j, const T* x, const T* y, const T* dy, T* dx) {
  const Positions<4> kept(j, false), reduced(j, true);
  const int64_t terms = reduced.count;
  const int64_t columns = !j.columns ? 1 : j.kept.rank == 1 ? kept.count : j.kept.size[j.kept.rank - 1];
  const int64_t n = kept.count * terms;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    // (outer output, term, column), the last fastest.
    const int64_t pair = quotient(i, columns), o = quotient(pair, terms);
    const int64_t term = pair - o * terms, output = o * columns + (i - pair * columns);
    const float value = to_float(x[kept.in(kOfX, output) + reduced.in(kOfX, term)]);
    const float d = gradient(j.op, value, to_float(y[kept.in(kOfY, output)]), to_float(dy[kept.in(kOfDy, output)]), terms);
    dx[kept.in(kOfDx, output) + reduced.in(kOfDx, term)] = from_float<T>(d);
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads)
    extremes_backward_rows_kernel(ReduceBackwardJob j, const T* x, const T* y, const T* dy, T* dx) {
  __shared__ int64_t scratch[8];
  const Positions<4> kept(j, false), reduced(j, true);
  for (int64_t o = Row::first(); o < kept.count; o += Row::stride()) {
    const T* from = x + kept.in(kOfX, o);
    T* to = dx + kept.in(kOfDx, o);
    const float extreme = to_float(y[kept.in(kOfY, o)]), gradient = to_float(dy[kept.in(kOfDy, o)]);
    int64_t equal = 0;
    for (int64_t i = Row::lane(); i < reduced.count; i += Row::kLanes) equal += to_float(from[reduced.in(kOfX, i)]) == extreme;
    equal = Row::reduce(equal, scratch, Sum{});
    for (int64_t i = Row::lane(); i < reduced.count; i += Row::kLanes)
      to[reduced.in(kOfDx, i)] = from_float<T>(shared_gradient(to_float(from[reduced.in(kOfX, i)]), extreme, gradient, equal));
  }
}

// `columns` (a power of two up to 32) outputs times kThreads / columns slices: slice s takes terms s, s + slices, ..
template <class T>
__global__ void __launch_bounds__(kThreads)
    extremes_backward_columns_kernel(ReduceBackwardJob j, int columns, const T* x, const T* y, const T* dy, T* dx) {
  __shared__ int64_t partial[kThreads];
  const Positions<4> kept(j, false), reduced(j, true);
  const int slices = kThreads / columns, column = int(threadIdx.x) % columns, slice = int(threadIdx.x) / columns;
  for (int64_t first = int64_t{blockIdx.x} * columns; first < kept.count; first += int64_t{gridDim.x} * columns) {
    const int64_t o = first + column < kept.count ? first + column : kept.count - 1;  // threads without an output: the last
    const T* from = x + kept.in(kOfX, o);
    T* to = dx + kept.in(kOfDx, o);
    const float extreme = to_float(y[kept.in(kOfY, o)]), gradient = to_float(dy[kept.in(kOfDy, o)]);
    int64_t equal = 0;
    for (int64_t i = slice; i < reduced.count; i += slices) equal += to_float(from[reduced.in(kOfX, i)]) == extreme;
    __syncthreads();  // the counts before have been read
    partial[threadIdx.x] = equal;
    __syncthreads();
    equal = 0;
    for (int s = 0; s < slices; ++s) equal += partial[s * columns + column];
    for (int64_t i = slice; first + column < kept.count && i < reduced.count; i += slices)
      to[reduced.in(kOfDx, i)] = from_float<T>(shared_gradient(to_float(from[reduced.in(kOfX, i)]), extreme, gradient, equal));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_reduce_backward(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                              const fovea_tensor* dy, const fovea_tensor* dx, fovea_stream* stream) {
  const int64_t n = elements(*x), outputs = elements(*y);
  if (n == 0) return FOVEA_OK;
  ReduceBackwardJob job{};
  plan_reduce_shape<4>(*params, {x, y, dx, dy}, &job);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "reduce_backward", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      const auto* result = static_cast<const T*>(y->data);
      const auto* gradients = static_cast<const T*>(dy->data);
      auto* to = static_cast<T*>(dx->data);
      if (params->op != FOVEA_REDUCE_MAX && params->op != FOVEA_REDUCE_MIN)
        return launch(reduce_backward_kernel<T>, grid_for(n, kThreads), kThreads, 0, s, job, from, result, gradients, to);
      if (job.columns) {
        int columns = 32;
        while (columns / 2 >= outputs) columns /= 2;
        return launch(extremes_backward_columns_kernel<T>, grid_for(outputs, columns), kThreads, 0, s, job, columns, from,
                      result, gradients, to);
      }
      return with_team(n / outputs, [&](auto team) {
        using Row = decltype(team);
        return launch(extremes_backward_rows_kernel<T, Row>, Row::blocks(outputs), Row::kThreads, 0, s, job, from, result,
                      gradients, to);
      });
    });
  });
}
