// One thread per box, the operations of the CPU in the same order: the results are equal bit for bit.
#include "ops/box_square/box_square.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) box_square_kernel(BoxSquareJob j) {
  const int64_t count = live_count(j.live, j.count);
  const bool nearest = j.rounding == FOVEA_ROUNDING_NEAREST;
  for (int64_t r = int64_t{blockIdx.x} * kThreads + threadIdx.x; r < count; r += int64_t{gridDim.x} * kThreads) {
    const float* box = j.boxes + r * j.boxes_pitch;
    const float w = box[2] - box[0], h = box[3] - box[1];
    const float side = w > h || w != w ? w : h;  // NaN in either spreads to the whole box
    // Products that no sum may absorb.
    const float x = box[0] + __fmul_rn(w - side, 0.5f), y = box[1] + __fmul_rn(h - side, 0.5f);
    float square[4] = {nearest ? rintf(x) : x, nearest ? rintf(y) : y, 0, 0};
    square[2] = square[0] + (nearest ? rintf(side) : side);
    square[3] = square[1] + (nearest ? rintf(side) : side);
    float* to = j.y + r * j.y_pitch;
    for (int c = 0; c < 4; ++c) to[c] = j.rounding == FOVEA_ROUNDING_TRUNCATE ? truncf(square[c]) : square[c];
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_box_square(int32_t rounding, const fovea_tensor* boxes, const fovea_tensor* y,
                                         fovea_stream* stream) {
  const BoxSquareJob job = box_square_job(rounding, *boxes, *y);
  if (job.count == 0) return FOVEA_OK;
  return submit(stream, "box_square",
                [&](cudaStream_t s) { return launch(box_square_kernel, grid_for(job.count, kThreads), kThreads, 0, s, job); });
}
