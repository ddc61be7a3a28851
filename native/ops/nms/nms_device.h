// Suppression as a part of other ops on a GPU; nms.cu.
#pragma once

#include <cuda_runtime.h>

#include "ops/nms/nms.h"

namespace fovea::cuda {

int64_t nms_workspace_bytes(int64_t images, int64_t boxes_per_image);

// Enqueues the job with nms_workspace_bytes at job.workspace.
cudaError_t enqueue_nms(const NmsJob& job, cudaStream_t stream);

}  // namespace fovea::cuda
