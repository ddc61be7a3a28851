// Tap tables, and whole images resized with them.
//
// Workspace: tap tables of the rows, then of the columns (resize_plan.h).
#include "ops/resize/resize_device.h"

#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) tap_tables_kernel(ResampleAxis rows, TapTable row_table, ResampleAxis columns,
                                                              TapTable column_table, double factor, bool finite) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < rows.out + columns.out;
       i += int64_t{gridDim.x} * kThreads) {
    if (i < rows.out)
      write_taps(rows, i, factor, finite, row_table);
    else
      write_taps(columns, i - rows.out, 1, finite, column_table);
  }
}

struct Resize {
  TapTable rows, columns;
  int64_t in_height, in_width, out_height, out_width, channels, x_pitch, y_pitch, batch;
  const int32_t* live;
  float offset;
};

FOVEA_DEVICE void store_value(float* y, float v) { *y = v; }
// Rounded once, halves to even, saturated.
FOVEA_DEVICE void store_value(uint8_t* y, float v) { *y = static_cast<uint8_t>(rintf(fminf(fmaxf(v, 0.0f), 255.0f))); }

// One thread per pixel and four channels.
template <class X, class Y>
__global__ void __launch_bounds__(kThreads) resize_kernel(Resize j, const X* x, Y* y) {
  const int64_t groups = (j.channels + 3) / 4;
  const int64_t n = live_count(j.live, j.batch) * j.out_height * j.out_width * groups;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pixel = i / groups, c = (i - pixel * groups) * 4, line = pixel / j.out_width, image = line / j.out_height;
    float v[4] = {j.offset, j.offset, j.offset, j.offset};
    resample_pixel(x + image * j.in_height * j.in_width * j.x_pitch, j.in_width, j.x_pitch, j.rows, line - image * j.out_height,
                   j.columns, pixel - line * j.out_width, c, j.channels, v);
#pragma unroll
    for (int k = 0; k < 4; ++k)
      if (c + k < j.channels) store_value(y + pixel * j.y_pitch + c + k, v[k]);
  }
}

}  // namespace

cudaError_t write_tap_tables(const ResizePlan& p, double factor, bool finite, cudaStream_t stream) {
  return launch(tap_tables_kernel, grid_for(p.rows.out + p.columns.out, kThreads), kThreads, 0, stream, p.rows, row_table(p),
                p.columns, column_table(p), factor, finite);
}

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

namespace {

int64_t workspace_bytes(const ResizePlan& plan, const fovea_tensor& x, const fovea_tensor& y) {
  return elements(x) == 0 || elements(y) == 0 ? 0 : tables_bytes(plan);
}

}  // namespace

extern "C" fovea_status fovea_resize_workspace(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                               int64_t* bytes) {
  *bytes = workspace_bytes(make_resize_plan(*params, *x, y->shape[1], y->shape[2]), *x, *y);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_resize(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "resize";
  ResizePlan plan = make_resize_plan(*params, *x, y->shape[1], y->shape[2]);
  const int64_t bytes = workspace_bytes(plan, *x, *y);
  if (bytes == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  plan.workspace = static_cast<char*>(workspace->data);
  const bool from_bytes = same(x->dtype, kU8), to_bytes = same(y->dtype, kU8);
  const Resize job{row_table(plan), column_table(plan), plan.in_height, plan.in_width,
                   plan.rows.out,   plan.columns.out,   plan.channels,  x->pitch,
                   y->pitch,        x->shape[0],        x->live,        to_bytes ? 0.0f : params->offset};
  const int64_t n = job.batch * job.out_height * job.out_width * ((job.channels + 3) / 4);
  return submit(stream, op, [&](cudaStream_t s) {
    const cudaError_t error = write_tap_tables(plan, to_bytes ? 1.0 : static_cast<double>(params->scale), from_bytes, s);
    if (error != cudaSuccess) return error;
    const auto start = [&](auto kernel, const auto* from, auto* to) {
      return launch(kernel, grid_for(n, kThreads), kThreads, 0, s, job, from, to);
    };
    const auto* bytes_in = static_cast<const uint8_t*>(x->data);
    const auto* floats_in = static_cast<const float*>(x->data);
    if (to_bytes) return start(resize_kernel<uint8_t, uint8_t>, bytes_in, static_cast<uint8_t*>(y->data));
    if (from_bytes) return start(resize_kernel<uint8_t, float>, bytes_in, static_cast<float*>(y->data));
    return start(resize_kernel<float, float>, floats_in, static_cast<float*>(y->data));
  });
}
