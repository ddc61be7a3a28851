// Decoding as a part of other ops on a GPU; decode_boxes.cu.
#pragma once

#include <cuda_runtime.h>

#include "ops/decode_boxes/decode_boxes.h"

namespace fovea::cuda {

int64_t decode_workspace_bytes(const fovea_decode_params& params, int64_t count, int64_t classes);

// Enqueues the job with decode_workspace_bytes at job.keys. labels [capacity]: the class of every row as an integer, or NULL.
cudaError_t enqueue_decode(const DecodeJob& job, int32_t* labels, cudaStream_t stream);

}  // namespace fovea::cuda
