// One resampled crop per box. The crop is separable like a resize, but the pixels outside the image are the constant `pad`:
// because the weights of a sample sum to 1, only taps inside the image are visited and pad enters as pad*(1 - inside weight).
#pragma once

#include "core/tensor.h"
#include "ops/resize/resample.h"

namespace fovea {

struct CropResizeJob {
  const void* x;
  const float* boxes;
  const int32_t* batch_index;  // may be NULL: image 0
  float* y;
  const int32_t* live;
  int64_t count, batch, height, width, channels, out_height, out_width;
  int64_t x_pitch, boxes_pitch, y_pitch;
  fovea_resize_params resize;
  int32_t plus_one, is_u8;
  float pad;
};

static inline CropResizeJob crop_resize_job(const fovea_crop_resize_params& params, const fovea_tensor& x,
                                            const fovea_tensor& boxes, const fovea_tensor* batch_index, const fovea_tensor& y) {
  return {x.data,
          static_cast<const float*>(boxes.data),
          batch_index == nullptr ? nullptr : static_cast<const int32_t*>(batch_index->data),
          static_cast<float*>(y.data),
          boxes.live,
          boxes.shape[0],
          x.shape[0],
          x.shape[1],
          x.shape[2],
          x.shape[3],
          y.shape[1],
          y.shape[2],
          x.pitch,
          boxes.pitch,
          y.pitch,
          params.resize,
          params.plus_one,
          same(x.dtype, kU8),
          params.pad_value};
}

// The axes of box r. False when the whole crop is padding: empty or non-finite boxes, an image index out of range, and edges
// beyond 2^24, where f32 no longer tells pixels apart.
FOVEA_HOST_DEVICE static inline bool crop_axes(const CropResizeJob& j, int64_t r, ResampleAxis& rows, ResampleAxis& columns,
                                               int64_t& image) {
  image = j.batch_index == nullptr ? 0 : j.batch_index[r];
  if (image < 0 || image >= j.batch) return false;
  const float* box = j.boxes + r * j.boxes_pitch;
  const double shift = j.plus_one != 0 ? 1 : 0, limit = static_cast<double>(kMaxImageSide);
  const auto axis = [&](float low, float high, int64_t out, ResampleAxis& a) {
    const double begin = static_cast<double>(low) - shift, end = static_cast<double>(high);
    if (!(begin >= -limit && end <= limit && begin < end)) return false;  // NaN fails every comparison
    a = {j.resize.mode,
         j.resize.align_corners,
         j.resize.antialias,
         static_cast<double>(j.resize.cubic_a),
         begin,
         end - begin,
         out,
         static_cast<int64_t>(__builtin_floor(begin)),
         static_cast<int64_t>(__builtin_ceil(end)) - 1};
    return true;
  };
  return axis(box[0], box[2], j.out_width, columns) && axis(box[1], box[3], j.out_height, rows);
}

// The part of a sample's taps inside an image of `size` pixels, and its share of the weight (exactly 1 when nothing is cut).
struct InsideTaps {
  int64_t begin, end;
  double weight;
};

FOVEA_HOST_DEVICE static inline InsideTaps inside_taps(const Taps& t, int64_t size) {
  InsideTaps in{t.begin < 0 ? 0 : t.begin, t.end > size ? size : t.end, 1};
  if (in.end <= in.begin) return {0, 0, 0};
  if (in.begin == t.begin && in.end == t.end) return in;
  in.weight = 0;
  for (int64_t i = in.begin; i < in.end; ++i) in.weight += tap_weight(t, i);
  return in;
}

// One output value by its definition, in double precision: the reference, and the way out for samples whose taps do not fit
// the vector body's tables.
FOVEA_HOST_DEVICE static inline float crop_sample(const CropResizeJob& j, int64_t image, const Taps& rows, const Taps& columns,
                                                  int64_t c) {
  const InsideTaps r = inside_taps(rows, j.height), q = inside_taps(columns, j.width);
  double sum = 0;
  for (int64_t iy = r.begin; iy < r.end; ++iy)
    for (int64_t ix = q.begin; ix < q.end; ++ix) {
      const int64_t at = ((image * j.height + iy) * j.width + ix) * j.x_pitch + c;
      const double v = j.is_u8 != 0 ? static_cast<double>(static_cast<const uint8_t*>(j.x)[at])
                                    : static_cast<double>(static_cast<const float*>(j.x)[at]);
      sum += tap_weight(rows, iy) * tap_weight(columns, ix) * v;
    }
  const double outside = 1 - r.weight * q.weight;
  if (outside != 0) sum += outside * static_cast<double>(j.pad);
  return static_cast<float>(static_cast<double>(j.resize.scale) * sum + static_cast<double>(j.resize.offset));
}

}  // namespace fovea
