// One thread per pair, consecutive threads along a row of y. The arithmetic is the CPU's (overlap_device.h,
// overlap_terms.h).
#include "ops/box_overlaps/box_overlaps.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/box_overlaps/overlap_terms.h"
#include "ops/nms/overlap_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE Corners<float> corners(const NmsBox& b) { return {b.x1, b.y1, b.x2, b.y2}; }

__global__ void __launch_bounds__(kThreads) box_overlaps_kernel(BoxOverlapsJob j) {
  const int64_t n = live_count(j.live, j.rows) * j.columns;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t r = i / j.columns, c = i - r * j.columns;
    const NmsBox a = load_box(j.a + r * j.a_pitch, j.one), b = load_box(j.b + c * j.b_pitch, j.one);
    j.y[r * j.y_pitch + c] = j.overlap >= FOVEA_OVERLAP_CIOU
                                 ? shaped_overlap(j.overlap, j.one, corners(a), corners(b), a.area + b.area)
                                 : overlap_value(j.overlap, j.one, a, b);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_box_overlaps(int32_t overlap, int32_t plus_one, const fovea_tensor* a, const fovea_tensor* b,
                                           const fovea_tensor* y, fovea_stream* stream) {
  const int64_t n = elements(*y);
  if (n == 0) return FOVEA_OK;
  const BoxOverlapsJob job = box_overlaps_job(overlap, plus_one, *a, *b, *y);
  return submit(stream, "box_overlaps",
                [&](cudaStream_t s) { return launch(box_overlaps_kernel, grid_for(n, kThreads), kThreads, 0, s, job); });
}
