// One thread per pair of boxes. The arithmetic is the CPU's.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/box_loss/box_loss_slopes.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

FOVEA_DEVICE BoxPair<float> load_pair(const BoxLossJob& j, int64_t row) {
  const float *b = j.boxes + row * j.boxes_pitch, *t = j.targets + row * j.targets_pitch;
  return {{b[0], b[1], b[2], b[3]}, {t[0], t[1], t[2], t[3]}};
}

__global__ void __launch_bounds__(kThreads) box_loss_kernel(BoxLossJob j) {
  const int64_t n = live_count(j.live, j.rows);
  for (int64_t row = int64_t{blockIdx.x} * kThreads + threadIdx.x; row < n; row += int64_t{gridDim.x} * kThreads)
    j.losses[row] = box_loss_value(j.params, load_pair(j, row));
}

__global__ void __launch_bounds__(kThreads) box_loss_backward_kernel(BoxLossJob j) {
  const int64_t n = live_count(j.live, j.rows);
  for (int64_t row = int64_t{blockIdx.x} * kThreads + threadIdx.x; row < n; row += int64_t{gridDim.x} * kThreads) {
    const numbers::Slopes<float> slopes = box_loss_slopes(j.params, load_pair(j, row)) * j.d_losses[row];
    float* d = j.d_boxes + row * j.d_pitch;
    d[0] = slopes.x1;
    d[1] = slopes.y1;
    d[2] = slopes.x2;
    d[3] = slopes.y2;
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_box_loss(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                       const fovea_tensor* targets, const fovea_tensor* losses, fovea_stream* stream) {
  const int64_t n = boxes->shape[0];
  if (n == 0) return FOVEA_OK;
  const BoxLossJob job = box_loss_job(*params, *boxes, *targets, losses, nullptr, nullptr);
  return submit(stream, "box_loss",
                [&](cudaStream_t s) { return launch(box_loss_kernel, grid_for(n, kThreads), kThreads, 0, s, job); });
}

extern "C" fovea_status fovea_box_loss_backward(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                                const fovea_tensor* targets, const fovea_tensor* d_losses,
                                                const fovea_tensor* d_boxes, fovea_stream* stream) {
  const int64_t n = boxes->shape[0];
  if (n == 0) return FOVEA_OK;
  const BoxLossJob job = box_loss_job(*params, *boxes, *targets, nullptr, d_losses, d_boxes);
  return submit(stream, "box_loss_backward",
                [&](cudaStream_t s) { return launch(box_loss_backward_kernel, grid_for(n, kThreads), kThreads, 0, s, job); });
}
