// tf32: rounding, splitting and one product.
#include "tf32.h"

using namespace fovea::cuda;

namespace {
__global__ void split_kernel(const float* floats, uint32_t* big, uint32_t* small) {
  const int i = int(blockIdx.x * 32 + threadIdx.x);
  split_tf32(floats[i], big[i], small[i]);
}
__global__ void mma_kernel(const uint32_t* a, const uint32_t* b, float* d) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  const uint32_t x[4] = {a[g * 8 + t], a[(g + 8) * 8 + t], a[g * 8 + t + 4], a[(g + 8) * 8 + t + 4]};
  const uint32_t y[2] = {b[t * 8 + g], b[(t + 4) * 8 + g]};
  float sums[4];
  for (int r = 0; r < 4; ++r) sums[r] = d[(g + r / 2 * 8) * 8 + t * 2 + r % 2];
  mma_tf32(sums, x, y);
  for (int r = 0; r < 4; ++r) d[(g + r / 2 * 8) * 8 + t * 2 + r % 2] = sums[r];
}
}  // namespace

cudaError_t run_split_tf32(const float* floats, uint32_t* big, uint32_t* small, int n, cudaStream_t s) {
  return launch(split_kernel, n / 32, 32, 0, s, floats, big, small);
}
cudaError_t run_mma_tf32(const uint32_t* a, const uint32_t* b, float* d, cudaStream_t s) {
  return launch(mma_kernel, 1, 32, 0, s, a, b, d);
}
