// Attention with tensor cores, for 16-bit types and tiles of 64 rows: see attention_mma.cu.
#pragma once

#include "ops/attention/attention_device.h"

namespace fovea::cuda {

// Head sizes in whole steps of the instruction, rows that cp.async can copy.
template <class T>
bool mma_serves(const AttentionView<T>& v) {
  return v.head_size % 16 == 0 && v.chunks && v.splits == 1 && v.k_length > 0;
}

cudaError_t launch_attention_mma(const AttentionView<__half>& v, cudaStream_t stream);
cudaError_t launch_attention_mma(const AttentionView<__nv_bfloat16>& v, cudaStream_t stream);

}  // namespace fovea::cuda
