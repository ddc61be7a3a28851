// One thread per output pixel and channel, or 16 bytes of channels where the rows of both tensors are aligned.
#include "ops/pool2d/pool2d.h"

#include <cmath>

#include "cuda/kernel.h"
#include "cuda/pack.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

struct View {
  const int32_t* live;
  int64_t batch, channels, x_pitch, y_pitch;
  PoolWindows windows;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) pool2d_kernel(View j, const T* x, T* y) {
  const PoolWindows& w = j.windows;
  const int64_t parts = j.channels / kWidth, n = live_count(j.live, j.batch) * w.rows.out * w.columns.out * parts;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pixel = i / parts, c = (i - pixel * parts) * kWidth, row = pixel / w.columns.out;
    const PoolWindow columns = pool_window(w.columns, w.adaptive, w.count_include_pad, pixel - row * w.columns.out);
    const int64_t image = row / w.rows.out;
    const PoolWindow rows = pool_window(w.rows, w.adaptive, w.count_include_pad, row - image * w.rows.out);
    float result[kWidth];
    for (float& r : result) r = w.average ? 0.0f : -INFINITY;
    for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step) {
      const T* line = x + (image * w.rows.in + iy) * w.columns.in * j.x_pitch + c;
      for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step) {
        const Pack<T, kWidth> cell = load_pack<kWidth>(line + ix * j.x_pitch);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          const float v = to_float(cell.v[e]);
          if (w.average)
            result[e] += v;
          else if (v > result[e] || v != v)
            result[e] = v;  // a NaN stays: nothing compares greater
        }
      }
    }
    const float cells = float(rows.cells) * float(columns.cells);
    Pack<T, kWidth> out;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) out.v[e] = from_float<T>(w.average ? result[e] / cells : result[e]);
    store_pack(y + pixel * j.y_pitch + c, out);
  }
}

template <class T, int kWidth>
cudaError_t launch_pool(const View& view, const fovea_tensor& x, const fovea_tensor& y, cudaStream_t s) {
  const int64_t n = elements(y) / kWidth;
  return launch(pool2d_kernel<T, kWidth>, grid_for(n, kThreads), kThreads, 0, s, view, static_cast<const T*>(x.data),
                static_cast<T*>(y.data));
}

fovea_status submit_pool(const char* op, const PoolWindows& windows, const fovea_tensor& x, const fovea_tensor& y,
                         fovea_stream* stream) {
  if (elements(x) == 0 || elements(y) == 0) return FOVEA_OK;
  const View view{x.live, x.shape[0], x.shape[3], x.pitch, y.pitch, windows};
  return with_float_type(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      return packs(x, view.channels) && packs(y, view.channels) ? launch_pool<T, kPack<T>>(view, x, y, s)
                                                                : launch_pool<T, 1>(view, x, y, s);
    });
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_pool2d(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream) {
  return submit_pool("pool2d", pool_windows(*params, *x, *y), *x, *y, stream);
}

extern "C" fovea_status fovea_adaptive_pool2d(int32_t mode, const fovea_tensor* x, const fovea_tensor* y,
                                              fovea_stream* stream) {
  return submit_pool("adaptive_pool2d", adaptive_windows(mode, *x, *y), *x, *y, stream);
}
