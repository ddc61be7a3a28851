// One thread per box and point, the operations of the CPU in the same order: the results are equal bit for bit.
#include "ops/box_points/box_points.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) box_points_kernel(BoxPointsJob j) {
  const int64_t n = live_count(j.live, j.count) * j.points_per_box;
  const float one = j.params.plus_one != 0 ? 1.0f : 0.0f;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t r = i / j.points_per_box, k = i - r * j.points_per_box;
    const float* box = j.boxes + r * j.boxes_pitch;
    const float* from = j.points + r * j.points_pitch;
    const bool planar = j.params.planar != 0;
    const float px = planar ? from[k] : from[2 * k], py = planar ? from[j.points_per_box + k] : from[2 * k + 1];
    float* to = j.y + r * j.y_pitch + 2 * k;
    // Products that no sum may absorb.
    to[0] = __fmul_rn(box[2] - box[0] + one, px) + box[0] - one;
    to[1] = __fmul_rn(box[3] - box[1] + one, py) + box[1] - one;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_box_points(const fovea_box_points_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* points, const fovea_tensor* y, fovea_stream* stream) {
  const BoxPointsJob job = box_points_job(*params, *boxes, *points, *y);
  const int64_t n = job.count * job.points_per_box;
  if (n == 0) return FOVEA_OK;
  return submit(stream, "box_points",
                [&](cudaStream_t s) { return launch(box_points_kernel, grid_for(n, kThreads), kThreads, 0, s, job); });
}
