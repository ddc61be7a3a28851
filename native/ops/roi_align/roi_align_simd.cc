#include "ops/roi_align/roi_align.h"
#include "ops/roi_align/roi_bins_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void roi_align(const RoiAlignJob& j) {
  const auto zeros = [&](int64_t bin) {
    for (int64_t c = 0; c < j.channels; c += kLanes) store_upto(j.y + bin * j.y_pitch + c, zero(), j.channels - c);
  };
  const auto keep = [&](int64_t bin, int64_t c, int64_t lanes, const Collected& result) {
    store_upto(j.y + bin * j.y_pitch + c, result.value, lanes);
  };
  if (j.boxes.params.mode == FOVEA_ROI_ALIGN)
    collect_bins<Collect::kSum>(j.boxes, j.x, j.channels, j.x_pitch, zeros, keep);
  else
    collect_bins<Collect::kLargest>(j.boxes, j.x, j.channels, j.x_pitch, zeros, keep);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
