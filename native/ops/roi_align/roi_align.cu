#include "ops/roi_align/roi_align.h"

#include <cmath>

#include "cuda/runtime.h"
#include "ops/roi_align/roi_bins_device.h"

namespace fovea::cuda {
namespace {

template <class T, int kWidth, Collect kind>
__global__ void __launch_bounds__(kBinThreads)
    roi_align_kernel(RoiBoxes j, const T* x, T* y, int64_t channels, int64_t x_pitch, int64_t y_pitch) {
  __shared__ BinShared shared;
  const auto store = [&](int64_t bin, int64_t channel, const float(&values)[kWidth]) {
    Pack<T, kWidth> out;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) out.v[e] = from_float<T>(values[e]);
    store_pack(y + bin * y_pitch + channel, out);
  };
  collect_bins<T, kWidth, kind>(
      j, x, channels, x_pitch, shared,
      [&](int64_t bin, int64_t channel) {
        const float zeros[kWidth] = {};
        store(bin, channel, zeros);
      },
      [&](int64_t bin, int64_t channel, const auto& result) { store(bin, channel, result.value); });
}

template <class T, int kWidth>
cudaError_t launch_roi_align(const RoiBoxes& boxes, const fovea_tensor& x, const fovea_tensor& y, cudaStream_t s) {
  const auto kernel = boxes.params.mode == FOVEA_ROI_ALIGN ? roi_align_kernel<T, kWidth, Collect::kSum>
                                                           : roi_align_kernel<T, kWidth, Collect::kLargest>;
  return launch(kernel, grid_for(bin_units(boxes), 1), kBinThreads, 0, s, boxes, static_cast<const T*>(x.data),
                static_cast<T*>(y.data), x.shape[3], x.pitch, y.pitch);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_roi_align(const fovea_roi_align_params* params, const fovea_tensor* x, const fovea_tensor* boxes,
                                        const fovea_tensor* images, const fovea_tensor* y, fovea_stream* stream) {
  const RoiBoxes j = roi_boxes(*params, *x, *boxes, images, *y);
  if (j.count == 0) return FOVEA_OK;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "roi_align", [&](cudaStream_t s) {
      return packs(*x, x->shape[3]) && packs(*y, y->shape[3]) ? launch_roi_align<T, kPack<T>>(j, *x, *y, s)
                                                              : launch_roi_align<T, 1>(j, *x, *y, s);
    });
  });
}
