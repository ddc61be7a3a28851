// Gradient of max and average pooling: dx [N][H][W][C] from dy [N][oh][ow][C]. A cell gets, in ascending order of the windows
// that cover it, dy / cells of each (average), or the dy of those whose first largest value it is (max; a NaN counts as
// largest). f32 on the CPU; backends with 16-bit types take the data of the tensors.
#pragma once

#include "fovea/training.h"
#include "ops/pool2d/pool2d.h"

namespace fovea {

struct PoolBackwardJob {
  const float* x;  // NULL for averages
  const float* dy;
  float* dx;
  const int32_t* live;
  int64_t batch, channels;
  int64_t x_pitch, dy_pitch, dx_pitch;
  PoolWindows windows;
};

// x may be NULL.
static inline PoolBackwardJob pool_backward_job(const PoolWindows& windows, const fovea_tensor* x, const fovea_tensor& dy,
                                                const fovea_tensor& dx) {
  return {x == nullptr ? nullptr : static_cast<const float*>(x->data),
          static_cast<const float*>(dy.data),
          static_cast<float*>(dx.data),
          x == nullptr ? dy.live : x->live,
          dx.shape[0],
          dx.shape[3],
          x == nullptr ? 0 : x->pitch,
          dy.pitch,
          dx.pitch,
          windows};
}

struct PoolRange {
  int64_t begin, end;
};

// The windows that may cover one of the cells begin .. end of an axis. Covering cells are a subset: a dilated window has gaps.
FOVEA_POOL_INLINE PoolRange windows_over(const PoolAxis& a, bool adaptive, int64_t begin, int64_t end) {
  if (adaptive) return {begin * a.out / a.in, (end * a.out + a.in - 1) / a.in};
  const int64_t before = begin + a.pad_begin - (a.dilation * (a.kernel - 1) + 1);  // a window that starts here ends just before
  const int64_t first = before < 0 ? 0 : before / a.stride + 1, last = (end - 1 + a.pad_begin) / a.stride;
  return {first, last < a.out ? last + 1 : a.out};
}

FOVEA_POOL_INLINE bool covers(const PoolWindow& w, int64_t cell) {
  return cell >= w.begin && cell < w.end && (cell - w.begin) % w.step == 0;
}

}  // namespace fovea
