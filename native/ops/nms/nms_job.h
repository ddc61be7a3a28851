// The job of a validated call of fovea_nms, for every backend. Host code.
#pragma once

#include "ops/nms/nms.h"

namespace fovea {

// Everything but the workspace.
inline NmsJob nms_job(const fovea_nms_params& params, const fovea_tensor& boxes, const fovea_tensor& scores,
                      const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor& keep,
                      const fovea_tensor& count) {
  const bool batched = boxes.rank == 3, column = !batched && scores.rank == 2;  // [N][1], a column of a table
  // An empty tensor may have no data: no offset is ever added to it.
  const auto stride = [&](const fovea_tensor& t) { return batched && elements(t) > 0 ? t.pitch : 0; };
  return {static_cast<const float*>(boxes.data),
          static_cast<const float*>(scores.data),
          classes == nullptr ? nullptr : static_cast<const int32_t*>(classes->data),
          valid == nullptr ? nullptr : static_cast<const int32_t*>(valid->data),
          static_cast<int32_t*>(keep.data),
          static_cast<int32_t*>(count.data),
          nullptr,
          batched ? boxes.shape[0] : 1,
          boxes.shape[boxes.rank - 2],
          last(keep),
          boxes.pitch,
          column ? scores.pitch : 1,
          stride(scores),
          classes == nullptr ? 0 : stride(*classes),
          stride(keep),
          0,
          boxes.live,
          batched,
          params};
}

}  // namespace fovea
