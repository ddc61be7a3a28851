// One thread per cell of dx, which gathers from the windows that cover it. For maxima it looks in each for a cell that beats
// its own; most often one is met soon.
#include "ops/pool2d_backward/pool2d_backward.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// Whether `other` is largest rather than `own`, which it may precede in the window.
FOVEA_DEVICE bool beats(float other, float own, bool precedes) {
  if (other != other) return precedes || own == own;
  return precedes ? other >= own : other > own;
}

// `x` is the image's first cell at the channel in question.
template <class T>
FOVEA_DEVICE bool wins(const T* x, int64_t row_stride, int64_t pitch, const PoolWindow& rows, const PoolWindow& columns,
                       int64_t iy, int64_t ix) {
  const float own = to_float(x[iy * row_stride + ix * pitch]);
  for (int64_t y = rows.begin; y < rows.end; y += rows.step)
    for (int64_t k = columns.begin; k < columns.end; k += columns.step) {
      if (y == iy && k == ix) continue;
      if (beats(to_float(x[y * row_stride + k * pitch]), own, y < iy || (y == iy && k < ix))) return false;
    }
  return true;
}

// x, dy and dx of the job are not used: they are float. A kernel of its own for each rule of windows: both together would not
// fit the registers.
template <class T, bool kAdaptive>
__global__ void __launch_bounds__(kThreads) pool2d_backward_kernel(PoolBackwardJob j, const T* x, const T* dy, T* dx) {
  const PoolWindows& w = j.windows;
  const int64_t n = live_count(j.live, j.batch) * w.rows.in * w.columns.in * j.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t cell = quotient(i, j.channels), c = i - cell * j.channels;
    const int64_t row = quotient(cell, w.columns.in), ix = cell - row * w.columns.in;
    const int64_t image = quotient(row, w.rows.in), iy = row - image * w.rows.in;
    const PoolRange over_rows = windows_over(w.rows, kAdaptive, iy, iy + 1);
    const PoolRange over_columns = windows_over(w.columns, kAdaptive, ix, ix + 1);
    float sum = 0.0f;
    for (int64_t oy = over_rows.begin; oy < over_rows.end; ++oy) {
      const PoolWindow rows = pool_window(w.rows, kAdaptive, w.count_include_pad, oy);
      if (!covers(rows, iy)) continue;
      for (int64_t ox = over_columns.begin; ox < over_columns.end; ++ox) {
        const PoolWindow columns = pool_window(w.columns, kAdaptive, w.count_include_pad, ox);
        if (!covers(columns, ix)) continue;
        const float d = to_float(dy[((image * w.rows.out + oy) * w.columns.out + ox) * j.dy_pitch + c]);
        if (w.average)
          sum += d / (float(rows.cells) * float(columns.cells));
        else if (wins(x + image * w.rows.in * w.columns.in * j.x_pitch + c, w.columns.in * j.x_pitch, j.x_pitch, rows, columns,
                      iy, ix))
          sum += d;
      }
    }
    dx[cell * j.dx_pitch + c] = from_float<T>(sum);
  }
}

fovea_status submit_pool(const char* op, const PoolWindows& windows, const fovea_tensor* x, const fovea_tensor& dy,
                         const fovea_tensor& dx, fovea_stream* stream) {
  if (elements(dx) == 0) return FOVEA_OK;
  return with_float_type(dx.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const auto kernel = windows.adaptive ? pool2d_backward_kernel<T, true> : pool2d_backward_kernel<T, false>;
      return launch(kernel, grid_for(elements(dx), kThreads), kThreads, 0, s, pool_backward_job(windows, x, dy, dx),
                    x == nullptr ? nullptr : static_cast<const T*>(x->data), static_cast<const T*>(dy.data),
                    static_cast<T*>(dx.data));
    });
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_pool2d_backward(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                              const fovea_tensor* dx, fovea_stream* stream) {
  return submit_pool("pool2d_backward", pool_windows(*params, *dx, *dy), x, *dy, *dx, stream);
}

extern "C" fovea_status fovea_adaptive_pool2d_backward(int32_t mode, const fovea_tensor* x, const fovea_tensor* dy,
                                                       const fovea_tensor* dx, fovea_stream* stream) {
  return submit_pool("adaptive_pool2d_backward", adaptive_windows(mode, *dx, *dy), x, *dy, *dx, stream);
}
