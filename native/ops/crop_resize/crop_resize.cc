#include "ops/crop_resize/crop_resize.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(crop_resize, const CropResizeJob&)

namespace {

void crop_resize_reference(const CropResizeJob& j) {
  const int64_t count = live_rows(j.live, j.count);
  float* y = j.y;
  for (int64_t r = 0; r < count; ++r) {
    ResampleAxis rows{}, columns{};
    int64_t image = 0;
    const bool covered = crop_axes(j, r, rows, columns, image);
    for (int64_t oy = 0; oy < j.out_height; ++oy)
      for (int64_t ox = 0; ox < j.out_width; ++ox, y += j.y_pitch)
        for (int64_t c = 0; c < j.channels; ++c)
          y[c] = covered ? crop_sample(j, image, resample_taps(rows, oy), resample_taps(columns, ox), c)
                         : static_cast<float>(static_cast<double>(j.resize.scale) * static_cast<double>(j.pad) +
                                              static_cast<double>(j.resize.offset));
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_crop_resize(const fovea_crop_resize_params* params, const fovea_tensor* x,
                                          const fovea_tensor* boxes, const fovea_tensor* batch_index, const fovea_tensor* y,
                                          fovea_stream* stream) {
  constexpr const char* op = "crop_resize";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const int32_t mode = params->resize.mode;
  FOVEA_CHECK(mode == FOVEA_RESIZE_NEAREST || mode == FOVEA_RESIZE_NEAREST_EXACT || mode == FOVEA_RESIZE_BILINEAR ||
                  mode == FOVEA_RESIZE_AREA,
              "%s: mode %d is not nearest, bilinear or area", op, mode);
  FOVEA_TRY(check_any_tensor(op, "x", x, 4, stream));
  FOVEA_CHECK(same(x->dtype, kU8) || same(x->dtype, kF32), "%s: x must be u8 or f32, it is %s", op, describe(*x));
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, kF32, stream));
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must have 4 columns, they are %s", op, describe(*boxes));
  FOVEA_CHECK(y->shape[0] == boxes->shape[0], "%s: %lld boxes, but y is %s", op, static_cast<long long>(boxes->shape[0]),
              describe(*y));
  FOVEA_CHECK(y->shape[3] == x->shape[3], "%s: channels differ: x is %s, y is %s", op, describe(*x), describe(*y));
  for (const int i : {1, 2})
    FOVEA_CHECK(x->shape[i] <= kMaxImageSide && y->shape[i] <= kMaxImageSide, "%s: sides above 2^24: x is %s, y is %s", op,
                describe(*x), describe(*y));
  if (batch_index != nullptr) {
    FOVEA_TRY(check_tensor(op, "batch_index", batch_index, 1, kI32, stream));
    FOVEA_CHECK(batch_index->shape[0] == boxes->shape[0], "%s: %lld boxes, but batch_index is %s", op,
                static_cast<long long>(boxes->shape[0]), describe(*batch_index));
    FOVEA_TRY(check_no_overlap(op, "batch_index", *batch_index, "y", *y, false));
  }
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_crop_resize, params, x, boxes, batch_index, y, stream);
  const CropResizeJob job = crop_resize_job(*params, *x, *boxes, batch_index, *y);
  return enqueue(stream, select_isa(crop_resize_reference, scalar::crop_resize, avx2::crop_resize, avx512::crop_resize), job);
}
