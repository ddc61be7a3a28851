// One thread goes along a line with one channel, or with 16 bytes of channels where the rows of all tensors are aligned:
// neighbouring threads read neighbouring channels, and along columns neighbouring pixels.
#include "ops/corner_pool/corner_pool.h"

#include <cmath>

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 64;  // few: an image has only as many threads as lines and packs of channels
constexpr int kAhead = 4;     // pixels that are loaded before the first of them is used

struct View {
  const int32_t* live;
  int64_t batch, pixels, channels, x_pitch, dy_pitch, y_pitch;
  CornerLines lines;
};

// NaN is the largest value, and the first one stays.
FOVEA_DEVICE bool exceeds(float v, float most) { return v > most || (v != v && most == most); }

// body(first pixel of the line, channel) for every line and pack of channels.
template <int kWidth, class Body>
FOVEA_DEVICE void each_line(const View& j, const Body& body) {
  const int64_t packs = j.channels / kWidth, n = live_count(j.live, j.batch) * j.lines.count * packs;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t line = quotient(i, packs), image = quotient(line, j.lines.count);
    body(image * j.pixels + (line - image * j.lines.count) * j.lines.distance + j.lines.first, (i - line * packs) * kWidth);
  }
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) corner_pool_kernel(View j, const T* x, T* y) {
  each_line<kWidth>(j, [&](int64_t first, int64_t channel) {
    const T* from = x + first * j.x_pitch + channel;
    T* to = y + first * j.y_pitch + channel;
    const int64_t x_step = j.lines.step * j.x_pitch, y_step = j.lines.step * j.y_pitch;
    Pack<T, kWidth> most = load_pack<kWidth>(from);
    for (int64_t begin = 0; begin < j.lines.length; begin += kAhead) {
      Pack<T, kWidth> values[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i)
        if (begin + i < j.lines.length) values[i] = load_pack<kWidth>(from + (begin + i) * x_step);
#pragma unroll
      for (int i = 0; i < kAhead; ++i)
        if (begin + i < j.lines.length) {
#pragma unroll
          for (int e = 0; e < kWidth; ++e)
            if (exceeds(to_float(values[i].v[e]), to_float(most.v[e]))) most.v[e] = values[i].v[e];
          store_pack(to + (begin + i) * y_step, most);
        }
    }
  });
}

// Along the line, dx takes a 1 at every record; back again, a record takes the sum of dy that has gathered behind it.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) corner_pool_backward_kernel(View j, const T* x, const T* dy, T* dx) {
  each_line<kWidth>(j, [&](int64_t first, int64_t channel) {
    const int64_t x_step = j.lines.step * j.x_pitch, dy_step = j.lines.step * j.dy_pitch, dx_step = j.lines.step * j.y_pitch;
    const T* from = x + first * j.x_pitch + channel;
    T* to = dx + first * j.y_pitch + channel;
    Pack<T, kWidth> most = load_pack<kWidth>(from);
#pragma unroll 4
    for (int64_t i = 0; i < j.lines.length; ++i) {
      const Pack<T, kWidth> value = load_pack<kWidth>(from + i * x_step);
      Pack<T, kWidth> record;
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        const bool risen = i == 0 || exceeds(to_float(value.v[e]), to_float(most.v[e]));
        if (risen) most.v[e] = value.v[e];
        record.v[e] = from_float<T>(risen ? 1.0f : 0.0f);
      }
      store_pack(to + i * dx_step, record);
    }
    const T* gradient = dy + first * j.dy_pitch + channel;
    float sum[kWidth] = {};
#pragma unroll 4
    for (int64_t i = j.lines.length - 1; i >= 0; --i) {
      const Pack<T, kWidth> g = load_pack<kWidth>(gradient + i * dy_step);
      Pack<T, kWidth> result = load_pack<kWidth>(to + i * dx_step);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        const bool record = to_float(result.v[e]) > 0.0f;
        sum[e] += to_float(g.v[e]);
        result.v[e] = from_float<T>(record ? sum[e] : 0.0f);
        if (record) sum[e] = 0.0f;
      }
      store_pack(to + i * dx_step, result);
    }
  });
}

View view_of(int32_t corner, const fovea_tensor& x, int64_t dy_pitch, const fovea_tensor& y) {
  return {x.live,
          x.shape[0],
          x.shape[1] * x.shape[2],
          x.shape[3],
          x.pitch,
          dy_pitch,
          y.pitch,
          corner_lines(corner, x.shape[1], x.shape[2])};
}

// body(Type<T>{}, integral constant of the elements of a pack, grid, stream) returns the launch's error.
template <class Body>
fovea_status submit_lines(const char* op, const View& view, fovea_dtype dtype, bool packed, fovea_stream* stream,
                          const Body& body) {
  if (view.batch * view.pixels * view.channels == 0) return FOVEA_OK;
  return with_float_type(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const int64_t lines = view.batch * view.lines.count;
      if (packed)
        return body(type, std::integral_constant<int, kPack<T>>{}, grid_for(lines * view.channels / kPack<T>, kThreads), s);
      return body(type, std::integral_constant<int, 1>{}, grid_for(lines * view.channels, kThreads), s);
    });
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_corner_pool(int32_t corner, const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream) {
  const View view = view_of(corner, *x, 0, *y);
  const bool packed = packs(*x, view.channels) && packs(*y, view.channels);
  return submit_lines("corner_pool", view, x->dtype, packed, stream, [&](auto type, auto width, unsigned grid, cudaStream_t s) {
    using T = typename decltype(type)::type;
    return launch(corner_pool_kernel<T, decltype(width)::value>, grid, kThreads, 0, s, view, static_cast<const T*>(x->data),
                  static_cast<T*>(y->data));
  });
}

extern "C" fovea_status fovea_corner_pool_backward(int32_t corner, const fovea_tensor* x, const fovea_tensor* dy,
                                                   const fovea_tensor* dx, fovea_stream* stream) {
  const View view = view_of(corner, *x, dy->pitch, *dx);
  const bool packed = packs(*x, view.channels) && packs(*dy, view.channels) && packs(*dx, view.channels);
  return submit_lines(
      "corner_pool_backward", view, x->dtype, packed, stream, [&](auto type, auto width, unsigned grid, cudaStream_t s) {
        using T = typename decltype(type)::type;
        return launch(corner_pool_backward_kernel<T, decltype(width)::value>, grid, kThreads, 0, s, view,
                      static_cast<const T*>(x->data), static_cast<const T*>(dy->data), static_cast<T*>(dx->data));
      });
}
