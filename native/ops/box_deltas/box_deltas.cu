// One thread per box. The corner mode repeats the CPU's operations without fma: MTCNN truncates its result to pixels, and
// devices must not disagree about a pixel.
#include "ops/box_deltas/box_deltas.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// Low and high edge along one axis.
FOVEA_DEVICE void move(const fovea_box_deltas_params& p, float& low, float& high, float d0, float d1) {
  const float one = p.plus_one != 0 ? 1.0f : 0.0f, size = high - low + one;
  if (p.mode == FOVEA_DELTA_CORNERS) {
    low = low + __fmul_rn(d0, size);
    high = high + __fmul_rn(d1, size);
    return;
  }
  const float centre = low + __fmul_rn(0.5f, size) + __fmul_rn(d0, size);
  const float grown = __fmul_rn(size, expf(d1 > kLargestLogGrowth ? kLargestLogGrowth : d1));  // keeps NaN
  low = centre - __fmul_rn(0.5f, grown);
  high = centre + __fmul_rn(0.5f, grown) - one;
}

__global__ void __launch_bounds__(kThreads) box_deltas_kernel(BoxDeltasJob j) {
  const int64_t count = live_count(j.live, j.count);
  for (int64_t r = int64_t{blockIdx.x} * kThreads + threadIdx.x; r < count; r += int64_t{gridDim.x} * kThreads) {
    float box[4], delta[4];
    for (int c = 0; c < 4; ++c) box[c] = j.boxes[r * j.boxes_pitch + c], delta[c] = j.deltas[r * j.deltas_pitch + c];
    for (int axis = 0; axis < 2; ++axis) move(j.params, box[axis], box[axis + 2], delta[axis], delta[axis + 2]);
    for (int c = 0; c < 4; ++c) j.y[r * j.y_pitch + c] = box[c];
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_box_deltas(const fovea_box_deltas_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* deltas, const fovea_tensor* y, fovea_stream* stream) {
  const BoxDeltasJob job = box_deltas_job(*params, *boxes, *deltas, *y);
  if (job.count == 0) return FOVEA_OK;
  return submit(stream, "box_deltas",
                [&](cudaStream_t s) { return launch(box_deltas_kernel, grid_for(job.count, kThreads), kThreads, 0, s, job); });
}
