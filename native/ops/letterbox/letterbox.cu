// One thread per pixel of the canvas: resampled where the image is placed, the fill elsewhere.
//
// Workspace: tap tables of the rows, then of the columns (resize_plan.h).
#include "cuda/runtime.h"
#include "ops/letterbox/letterbox.h"
#include "ops/resize/resize_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

template <class T>
__global__ void __launch_bounds__(kThreads) letterbox_kernel(LetterboxJob j, TapTable rows, TapTable columns, const T* x) {
  const ResizePlan& p = j.plan;
  const int64_t n = live_count(j.live, j.batch) * j.height * j.width;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t line = i / j.width, image = line / j.height;
    const int64_t v = line - image * j.height - j.place_y, u = i - line * j.width - j.place_x;
    const bool inside = v >= 0 && v < p.rows.out && u >= 0 && u < p.columns.out;
    float sums[4] = {};
    if (inside)
      resample_pixel(x + image * p.in_height * p.in_width * j.x_pitch, p.in_width, j.x_pitch, rows, v, columns, u, 0,
                     p.channels, sums);
    float* y = j.y + i * j.y_pitch;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int64_t c = j.reverse_channels != 0 ? p.channels - 1 - k : k;
      if (k < p.channels) y[c] = inside ? (sums[k] - j.mean[c]) * j.scale[c] : j.fill[c];
    }
  }
}

int64_t workspace_bytes(const ResizePlan& plan, const fovea_tensor& x, const fovea_tensor& y) {
  const bool nothing = elements(x) == 0 || elements(y) == 0 || plan.rows.out == 0 || plan.columns.out == 0;
  return nothing ? 0 : tables_bytes(plan);
}

ResizePlan plan_of(const fovea_letterbox_params& p, const fovea_tensor& x) {
  return make_resize_plan(p.resize, x, p.place_h, p.place_w);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_letterbox_workspace(const fovea_letterbox_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* y, int64_t* bytes) {
  *bytes = workspace_bytes(plan_of(*params, *x), *x, *y);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_letterbox(const fovea_letterbox_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                        const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "letterbox";
  LetterboxJob job = letterbox_job(*params, *x, *y);
  job.plan = plan_of(*params, *x);
  if (elements(*x) == 0 || elements(*y) == 0) return FOVEA_OK;
  const int64_t bytes = workspace_bytes(job.plan, *x, *y);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  job.plan.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  const int64_t n = job.batch * job.height * job.width;
  return submit(stream, op, [&](cudaStream_t s) {
    cudaError_t error = cudaSuccess;
    TapTable rows{}, columns{};
    if (bytes > 0) {
      rows = row_table(job.plan), columns = column_table(job.plan);
      error = write_tap_tables(job.plan, 1, job.x_is_u8 != 0, s);
    }
    if (error != cudaSuccess) return error;
    const auto start = [&](auto kernel, const auto* pixels) {
      return launch(kernel, grid_for(n, kThreads), kThreads, 0, s, job, rows, columns, pixels);
    };
    return job.x_is_u8 != 0 ? start(letterbox_kernel<uint8_t>, static_cast<const uint8_t*>(job.x))
                            : start(letterbox_kernel<float>, static_cast<const float*>(job.x));
  });
}
