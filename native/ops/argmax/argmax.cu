// Along the last dimension a warp takes a row: its lanes keep their best key (value, then index) and combine them. Along
// another one a thread takes a line, neighbours the columns behind the axis.
#include "ops/argmax/argmax.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

struct Argmax {
  const void* x;
  void* indices;  // i32 or i64
  AxisView view;  // of x
  int64_t y_pitch, y_columns;
  bool wide, minimum;
};

FOVEA_DEVICE int64_t outer_of(const AxisView& v) {
  return v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_count(v.live, v.leading);
}
FOVEA_DEVICE int64_t axis_of(const AxisView& v) { return v.is_leading ? live_count(v.live, v.axis) : v.axis; }

// NaN ranks behind every number, by index: a line of NaN gives 0.
template <class T>
FOVEA_DEVICE uint64_t key_of(const Argmax& j, T value, int64_t index) {
  return j.minimum ? ascending_key(to_float(value), index) : descending_key(to_float(value), index);
}

FOVEA_DEVICE void write_index(const Argmax& j, int64_t output, uint64_t best) {
  const int64_t at = output / j.y_columns * j.y_pitch + output % j.y_columns;
  if (j.wide)
    static_cast<int64_t*>(j.indices)[at] = key_index(best);
  else
    static_cast<int32_t*>(j.indices)[at] = static_cast<int32_t>(key_index(best));
}

template <class T>
__global__ void __launch_bounds__(kThreads) argmax_rows_kernel(Argmax j) {
  const int64_t rows = outer_of(j.view), axis = axis_of(j.view), lane = threadIdx.x % 32;
  if (axis == 0) return;
  const int64_t warps = int64_t{gridDim.x} * (kThreads / 32);
  for (int64_t row = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32; row < rows; row += warps) {
    const T* x = static_cast<const T*>(j.x) + row * j.view.pitch;
    uint64_t best = kNoKey;
    for (int64_t a = lane; a < axis; a += 32) {
      const uint64_t key = key_of(j, x[a], a);
      best = key < best ? key : best;
    }
    best = warp_reduce(best, Minimum{});
    if (lane == 0) write_index(j, row, best);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) argmax_columns_kernel(Argmax j) {
  const AxisView& v = j.view;
  const int64_t axis = axis_of(v), n = axis == 0 ? 0 : outer_of(v) * v.inner_rows * v.columns;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / v.columns, c = i - row * v.columns, o = row / v.inner_rows, r = row - o * v.inner_rows;
    const T* x = static_cast<const T*>(j.x) + (o * v.axis * v.inner_rows + r) * v.pitch + c;
    uint64_t best = kNoKey;
    for (int64_t a = 0; a < axis; ++a) {
      const uint64_t key = key_of(j, x[a * v.inner_rows * v.pitch], a);
      best = key < best ? key : best;
    }
    write_index(j, i, best);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_argmax(const fovea_arg_params* params, const fovea_tensor* x, const fovea_tensor* indices,
                                     fovea_stream* stream) {
  const int axis = params->axis < 0 ? params->axis + x->rank : params->axis;
  const Argmax job{x->data,
                   indices->data,
                   axis_view(*x, axis),
                   indices->pitch,
                   last(*indices),
                   same(indices->dtype, kI64),
                   params->minimum != 0};
  const AxisView& v = job.view;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "argmax", [&](cudaStream_t s) {
      return v.is_last ? launch(argmax_rows_kernel<T>, grid_for(v.outer, kThreads / 32), kThreads, 0, s, job)
                       : launch(argmax_columns_kernel<T>, grid_for(v.outer * v.inner_rows * v.columns, kThreads), kThreads, 0,
                                s, job);
    });
  });
}
