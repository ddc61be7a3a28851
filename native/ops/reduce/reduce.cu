// Outputs whose terms lie along the rows are a team's work; outputs that lie side by side share a block, whose threads are
// columns times slices of the terms. Sums and products are double: nothing overflows on the way, and memory is slower anyway.
#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/reduce/plan.h"
#include "ops/reduce/positions_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE double identity(int32_t op) {
  return op == FOVEA_REDUCE_MAX || op == FOVEA_REDUCE_LOG_SUM_EXP ? -INFINITY
         : op == FOVEA_REDUCE_MIN                                 ? INFINITY
         : op == FOVEA_REDUCE_PROD                                ? 1.0
                                                                  : 0.0;
}
struct Combine {
  int32_t op;
  FOVEA_DEVICE double operator()(double a, double b) const {
    switch (op) {
      case FOVEA_REDUCE_MAX:
      case FOVEA_REDUCE_LOG_SUM_EXP:  // its first pass
        return Maximum{}(a, b);
      case FOVEA_REDUCE_MIN:
        return Minimum{}(a, b);
      case FOVEA_REDUCE_PROD:
        return a * b;
      default:
        return a + b;
    }
  }
};
FOVEA_DEVICE double term(int32_t op, float x) {
  const double v = double(x);
  return op == FOVEA_REDUCE_L1 ? fabs(v) : op == FOVEA_REDUCE_L2 ? v * v : v;
}
FOVEA_DEVICE float finish(int32_t op, double total, double exponentials, int64_t n) {
  switch (op) {
    case FOVEA_REDUCE_MEAN:
      return float(total / double(n));
    case FOVEA_REDUCE_L2:
      return float(sqrt(total));
    case FOVEA_REDUCE_LOG_SUM_EXP:
      return fabs(total) == INFINITY ? float(total) : float(total + log(exponentials));
    default:
      return float(total);
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) reduce_rows_kernel(ReduceJob j, const T* x, T* y) {
  __shared__ double scratch[8];
  const Positions<2> kept(j, false), terms(j, true);
  const int64_t outputs = kept.count, n = terms.count;
  for (int64_t o = Row::first(); o < outputs; o += Row::stride()) {
    const T* from = x + kept.in(kOfX, o);
    double total = identity(j.op), exponentials = 0;
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes)
      total = Combine{j.op}(total, term(j.op, to_float(from[terms.in(kOfX, i)])));
    total = Row::reduce(total, scratch, Combine{j.op});
    if (j.op == FOVEA_REDUCE_LOG_SUM_EXP) {
      for (int64_t i = Row::lane(); i < n; i += Row::kLanes)
        exponentials += double(expf(to_float(from[terms.in(kOfX, i)]) - float(total)));
      exponentials = Row::reduce(exponentials, scratch, Sum{});
    }
    if (Row::lane() == 0) y[kept.in(kOfY, o)] = from_float<T>(finish(j.op, total, exponentials, n));
  }
}

// `columns` (a power of two up to 32) outputs times kThreads / columns slices: slice s takes terms s, s + slices, ..
template <class T>
__global__ void __launch_bounds__(kThreads) reduce_columns_kernel(ReduceJob j, int columns, const T* x, T* y) {
  __shared__ double partial[kThreads];
  const Positions<2> kept(j, false), terms(j, true);
  const int64_t outputs = kept.count, n = terms.count;
  const int slices = kThreads / columns, column = int(threadIdx.x) % columns, slice = int(threadIdx.x) / columns;
  // The block's threads combine their partial results; every one of them gets the same total.
  const auto over_slices = [&](double v, auto op) {
    __syncthreads();
    partial[threadIdx.x] = v;
    __syncthreads();
    v = partial[column];
    for (int s = 1; s < slices; ++s) v = op(v, partial[s * columns + column]);
    return v;
  };
  for (int64_t first = int64_t{blockIdx.x} * columns; first < outputs; first += int64_t{gridDim.x} * columns) {
    const int64_t o = first + column;
    const T* from = x + (o < outputs ? kept.in(kOfX, o) : 0);
    double total = identity(j.op), exponentials = 0;
    for (int64_t i = slice; o < outputs && i < n; i += slices)
      total = Combine{j.op}(total, term(j.op, to_float(from[terms.in(kOfX, i)])));
    total = over_slices(total, Combine{j.op});
    if (j.op == FOVEA_REDUCE_LOG_SUM_EXP) {
      for (int64_t i = slice; o < outputs && i < n; i += slices)
        exponentials += double(expf(to_float(from[terms.in(kOfX, i)]) - float(total)));
      exponentials = over_slices(exponentials, Sum{});
    }
    if (slice == 0 && o < outputs) y[kept.in(kOfY, o)] = from_float<T>(finish(j.op, total, exponentials, n));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_reduce(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream) {
  const int64_t outputs = elements(*y);
  if (outputs == 0) return FOVEA_OK;
  const ReduceJob job = plan_reduce(*params, *x, *y);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "reduce", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data != nullptr ? x->data : y->data);
      auto* to = static_cast<T*>(y->data);
      if (job.columns) {
        int columns = 32;
        while (columns / 2 >= outputs) columns /= 2;
        return launch(reduce_columns_kernel<T>, grid_for(outputs, columns), kThreads, 0, s, job, columns, from, to);
      }
      return with_team(count(job.reduced, job.reduced.rank), [&](auto team) {
        using Row = decltype(team);
        return launch(reduce_rows_kernel<T, Row>, Row::blocks(outputs), Row::kThreads, 0, s, job, from, to);
      });
    });
  });
}
