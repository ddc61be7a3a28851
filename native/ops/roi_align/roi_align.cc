// ABI entry of roi_align, the checks that its gradient shares, and the reference loops.
#include "ops/roi_align/roi_align.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(roi_align, const RoiAlignJob&)

namespace {

// The mean of all samples, or the largest product of a sample's corners and their weights.
double align(const RoiAlignJob& j, const RoiBox& box, int64_t ph, int64_t pw, int64_t c) {
  const bool mean = j.boxes.params.mode == FOVEA_ROI_ALIGN;
  double sum = 0, most = -HUGE_VAL;
  for (int64_t iy = 0; iy < box.rows.samples; ++iy)
    for (int64_t ix = 0; ix < box.columns.samples; ++ix) {
      const RoiSample y = roi_sample(box.rows, ph, iy), x = roi_sample(box.columns, pw, ix);
      if (!y.inside || !x.inside) {
        if (0 > most) most = 0;
        continue;
      }
      for (int corner = 0; corner < 4; ++corner) {
        const int64_t row = corner < 2 ? y.low : y.high, column = corner % 2 == 0 ? x.low : x.high;
        const double weight = (corner < 2 ? y.low_weight : y.high_weight) * (corner % 2 == 0 ? x.low_weight : x.high_weight);
        const double v =
            weight * static_cast<double>(j.x[((box.image * j.boxes.height + row) * j.boxes.width + column) * j.x_pitch + c]);
        if (weight > 0) sum += v;
        if (v > most || std::isnan(v)) most = v;  // a NaN stays: nothing compares greater
      }
    }
  if (box.rows.samples * box.columns.samples == 0) return 0;
  return mean ? sum * roi_share(box) : most;
}

double largest(const RoiAlignJob& j, const RoiBox& box, int64_t ph, int64_t pw, int64_t c) {
  const RoiCells rows = roi_cells(box.rows, ph), columns = roi_cells(box.columns, pw);
  if (rows.begin >= rows.end || columns.begin >= columns.end) return 0;
  double most = -HUGE_VAL;
  for (int64_t row = rows.begin; row < rows.end; ++row)
    for (int64_t column = columns.begin; column < columns.end; ++column) {
      const double v = static_cast<double>(j.x[((box.image * j.boxes.height + row) * j.boxes.width + column) * j.x_pitch + c]);
      if (v > most || std::isnan(v)) most = v;
    }
  return most;
}

void roi_align_reference(const RoiAlignJob& j) {
  const int64_t count = live_rows(j.boxes.live, j.boxes.count);
  float* y = j.y;
  for (int64_t r = 0; r < count; ++r) {
    RoiBox box{};
    const bool found = roi_box(j.boxes, r, box);
    for (int64_t ph = 0; ph < j.boxes.bins_h; ++ph)
      for (int64_t pw = 0; pw < j.boxes.bins_w; ++pw, y += j.y_pitch)
        for (int64_t c = 0; c < j.channels; ++c)
          y[c] = !found                                  ? 0.0f
                 : j.boxes.params.mode == FOVEA_ROI_POOL ? static_cast<float>(largest(j, box, ph, pw, c))
                                                         : static_cast<float>(align(j, box, ph, pw, c));
  }
}

}  // namespace

fovea_status check_rois(const char* op, const fovea_roi_align_params* params, const char* map_name, const fovea_tensor& map,
                        const char* bins_name, const fovea_tensor& bins) {
  FOVEA_CHECK(params->mode >= FOVEA_ROI_ALIGN && params->mode <= FOVEA_ROI_POOL, "%s: unknown mode %d", op, params->mode);
  FOVEA_CHECK(params->spatial_scale > 0 && params->spatial_scale <= 1e30f, "%s: spatial_scale is %g, it must be positive", op,
              static_cast<double>(params->spatial_scale));
  FOVEA_CHECK(params->sampling_ratio >= 0, "%s: sampling_ratio is %d, it must not be negative", op, params->sampling_ratio);
  FOVEA_CHECK(map.rank == 4 && bins.rank == 4, "%s: %s is %s and %s is %s, both must have 4 dimensions", op, map_name,
              describe(map), bins_name, describe(bins));
  FOVEA_CHECK(map.shape[3] == bins.shape[3], "%s: channels differ: %s is %s, %s is %s", op, map_name, describe(map), bins_name,
              describe(bins));
  constexpr double kMostElements = 1e15;  // far from overflow of the workspace's sizes
  for (const fovea_tensor* t : {&map, &bins}) {
    double n = 1;
    for (int i = 0; i < 4; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0, "%s: negative size: %s", op, describe(*t));
      n *= static_cast<double>(t->shape[i]);
    }
    FOVEA_CHECK(n <= kMostElements, "%s: %s is too large", op, describe(*t));
  }
  for (const int i : {1, 2})
    FOVEA_CHECK(map.shape[i] <= kMostRoiSide && bins.shape[i] <= kMostRoiSide, "%s: sides above 2^30: %s is %s, %s is %s", op,
                map_name, describe(map), bins_name, describe(bins));
  FOVEA_CHECK(map.shape[1] * map.shape[2] <= INT32_MAX, "%s: %s %s has 2^31 cells or more", op, map_name, describe(map));
  return FOVEA_OK;
}

fovea_status check_roi_boxes(const char* op, const fovea_tensor* boxes, const fovea_tensor* images, const fovea_tensor& bins,
                             const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, "boxes", boxes, 2, kF32, stream));
  FOVEA_CHECK(boxes->shape[1] == 4, "%s: boxes must have 4 columns, they are %s", op, describe(*boxes));
  FOVEA_CHECK(boxes->shape[0] == bins.shape[0], "%s: %lld boxes, but bins for %lld", op,
              static_cast<long long>(boxes->shape[0]), static_cast<long long>(bins.shape[0]));
  if (images == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_any_tensor(op, "images", images, 1, stream));
  FOVEA_CHECK(same(images->dtype, kI32) || same(images->dtype, kI64), "%s: images must be i32 or i64, they are %s", op,
              describe(*images));
  FOVEA_CHECK(images->shape[0] == boxes->shape[0], "%s: %lld boxes, but images is %s", op,
              static_cast<long long>(boxes->shape[0]), describe(*images));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_roi_align(const fovea_roi_align_params* params, const fovea_tensor* x, const fovea_tensor* boxes,
                                        const fovea_tensor* images, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "roi_align";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, x->dtype, stream));
  FOVEA_TRY(check_rois(op, params, "x", *x, "y", *y));
  FOVEA_TRY(check_roi_boxes(op, boxes, images, *y, stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "y", *y, false));
  if (images != nullptr) FOVEA_TRY(check_no_overlap(op, "images", *images, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_roi_align, params, x, boxes, images, y, stream);
  const RoiAlignJob job{roi_boxes(*params, *x, *boxes, images, *y),
                        static_cast<const float*>(x->data),
                        static_cast<float*>(y->data),
                        x->shape[3],
                        x->pitch,
                        y->pitch};
  return enqueue(stream, select_isa(roi_align_reference, scalar::roi_align, avx2::roi_align, avx512::roi_align), job);
}
