// One thread per chunk.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "fovea/nn.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    split_count_kernel(const int32_t* count, int32_t* counts, int64_t chunks, int32_t chunk) {
  const int64_t total = *count;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < chunks; k += int64_t{gridDim.x} * kThreads) {
    const int64_t rest = total - k * chunk;
    counts[k] = static_cast<int32_t>(rest < 0 ? 0 : rest > chunk ? chunk : rest);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_split_count(int32_t chunk, const fovea_tensor* count, const fovea_tensor* counts,
                                          fovea_stream* stream) {
  const int64_t chunks = counts->shape[0];
  if (chunks == 0) return FOVEA_OK;
  return submit(stream, "split_count", [&](cudaStream_t s) {
    return launch(split_count_kernel, grid_for(chunks, kThreads), kThreads, 0, s, static_cast<const int32_t*>(count->data),
                  static_cast<int32_t*>(counts->data), chunks, chunk);
  });
}
