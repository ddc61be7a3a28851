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
  PoolAxis rows, columns;
  bool average, adaptive, count_include_pad;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) pool2d_kernel(View j, const T* x, T* y) {
  const int64_t parts = j.channels / kWidth, n = live_count(j.live, j.batch) * j.rows.out * j.columns.out * parts;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pixel = i / parts, c = (i - pixel * parts) * kWidth, row = pixel / j.columns.out;
    const PoolWindow columns = pool_window(j.columns, j.adaptive, j.count_include_pad, pixel - row * j.columns.out);
    const int64_t image = row / j.rows.out;
    const PoolWindow rows = pool_window(j.rows, j.adaptive, j.count_include_pad, row - image * j.rows.out);
    float result[kWidth];
    for (float& r : result) r = j.average ? 0.0f : -INFINITY;
    for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step) {
      const T* line = x + (image * j.rows.in + iy) * j.columns.in * j.x_pitch + c;
      for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step) {
        const Pack<T, kWidth> cell = load_pack<kWidth>(line + ix * j.x_pitch);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          const float v = to_float(cell.v[e]);
          if (j.average)
            result[e] += v;
          else if (v > result[e] || v != v)
            result[e] = v;  // a NaN stays: nothing compares greater
        }
      }
    }
    const float cells = float(rows.cells) * float(columns.cells);
    Pack<T, kWidth> out;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) out.v[e] = from_float<T>(j.average ? result[e] / cells : result[e]);
    store_pack(y + pixel * j.y_pitch + c, out);
  }
}

template <class T, int kWidth>
cudaError_t launch_pool(const View& view, const fovea_tensor& x, const fovea_tensor& y, cudaStream_t s) {
  const int64_t n = elements(y) / kWidth;
  return launch(pool2d_kernel<T, kWidth>, grid_for(n, kThreads), kThreads, 0, s, view, static_cast<const T*>(x.data),
                static_cast<T*>(y.data));
}

fovea_status submit_pool(const char* op, const View& view, const fovea_tensor& x, const fovea_tensor& y, fovea_stream* stream) {
  if (elements(x) == 0 || elements(y) == 0) return FOVEA_OK;
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
  const fovea_pool2d_params& p = *params;
  const View view{x->live,
                  x->shape[0],
                  x->shape[3],
                  x->pitch,
                  y->pitch,
                  {x->shape[1], y->shape[1], p.kernel_h, p.stride_h, p.pad_top, p.pad_bottom, p.dilation_h},
                  {x->shape[2], y->shape[2], p.kernel_w, p.stride_w, p.pad_left, p.pad_right, p.dilation_w},
                  p.mode == FOVEA_POOL_AVERAGE,
                  false,
                  p.count_include_pad != 0};
  return submit_pool("pool2d", view, *x, *y, stream);
}

extern "C" fovea_status fovea_adaptive_pool2d(int32_t mode, const fovea_tensor* x, const fovea_tensor* y,
                                              fovea_stream* stream) {
  const View view{x->live,
                  x->shape[0],
                  x->shape[3],
                  x->pitch,
                  y->pitch,
                  {x->shape[1], y->shape[1], 0, 0, 0, 0, 1},
                  {x->shape[2], y->shape[2], 0, 0, 0, 0, 1},
                  mode == FOVEA_POOL_AVERAGE,
                  true,
                  false};
  return submit_pool("adaptive_pool2d", view, *x, *y, stream);
}
