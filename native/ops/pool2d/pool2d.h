// Max and average pooling over windows of x [N][H][W][C] to y [N][oh][ow][C]; fovea_pool2d and fovea_adaptive_pool2d differ
// only in where the windows are. The window function is always inlined: it is shared by files compiled for different
// processors, GPUs among them.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

#ifdef __CUDACC__
#define FOVEA_POOL_INLINE __host__ __device__ __forceinline__
#else
#define FOVEA_POOL_INLINE [[gnu::always_inline]] inline
#endif

namespace fovea {

// One axis of the windows. Adaptive: bin i of `out` covers floor(i*in/out) .. ceil((i+1)*in/out).
struct PoolAxis {
  int64_t in, out;
  int64_t kernel, stride, pad_begin, pad_end, dilation;
};

struct PoolWindows {
  PoolAxis rows, columns;
  bool average, adaptive, count_include_pad;
};

static inline PoolWindows pool_windows(const fovea_pool2d_params& p, const fovea_tensor& x, const fovea_tensor& y) {
  return {{x.shape[1], y.shape[1], p.kernel_h, p.stride_h, p.pad_top, p.pad_bottom, p.dilation_h},
          {x.shape[2], y.shape[2], p.kernel_w, p.stride_w, p.pad_left, p.pad_right, p.dilation_w},
          p.mode == FOVEA_POOL_AVERAGE,
          false,
          p.count_include_pad != 0};
}
static inline PoolWindows adaptive_windows(int32_t mode, const fovea_tensor& x, const fovea_tensor& y) {
  return {{x.shape[1], y.shape[1], 0, 0, 0, 0, 1},
          {x.shape[2], y.shape[2], 0, 0, 0, 0, 1},
          mode == FOVEA_POOL_AVERAGE,
          true,
          false};
}

// Of images that are pooled from x to y, under the names by which a message calls them: gradients check dx and dy.
struct PooledImages {
  const char* x_name;
  const fovea_tensor* x;
  const char* y_name;
  const fovea_tensor* y;
};
fovea_status check_pool_images(const char* op, const PooledImages& images, const fovea_stream* stream);
fovea_status check_pool_params(const char* op, const fovea_pool2d_params& params, const PooledImages& images);

struct PoolJob {
  const float* x;
  float* y;
  const int32_t* live;
  int64_t batch, channels;
  int64_t x_pitch, y_pitch;
  PoolAxis rows, columns;
  int32_t average, adaptive, count_include_pad;
};

// Cells begin, begin + step, .. below end, all inside the image; `cells` is what an average divides by along this axis.
struct PoolWindow {
  int64_t begin, end, step, cells;
};

FOVEA_POOL_INLINE PoolWindow pool_window(const PoolAxis& a, bool adaptive, bool count_include_pad, int64_t i) {
  if (adaptive) {
    const int64_t begin = i * a.in / a.out, end = ((i + 1) * a.in + a.out - 1) / a.out;
    return {begin, end, 1, end - begin};
  }
  const int64_t start = i * a.stride - a.pad_begin, stop = start + a.dilation * (a.kernel - 1) + 1;
  const int64_t begin = start >= 0 ? start : start + (a.dilation - 1 - start) / a.dilation * a.dilation;
  const int64_t end = stop < a.in ? stop : a.in;
  // With dilation 1, the only case that averages: kernel cells, less those behind the bottom/right padding or the image.
  const int64_t padded_end = stop < a.in + a.pad_end ? stop : a.in + a.pad_end;
  return {begin, end, a.dilation, count_include_pad ? padded_end - start : end - begin};
}

}  // namespace fovea
