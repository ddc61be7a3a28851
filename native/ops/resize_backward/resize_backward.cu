// The forward pass's tables, which samples cover which pixels, then a pass down the columns and one along the rows: a thread
// for each element of what it writes.
#include "ops/resize_backward/resize_backward.h"

#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/resize/resize_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// An axis, transposed.
struct Transposed {
  TapTable table;
  Cover cover;
  int64_t samples;
};

FOVEA_DEVICE void cover_taps(const Transposed& a, int64_t i) {
  for (int32_t j = a.table.start[i]; j < a.table.start[i] + a.table.count[i]; ++j) {
    atomicMax(&a.cover.from_back[j], int32_t(a.samples - i));
    atomicMax(&a.cover.end[j], int32_t(i + 1));
  }
}

// The covers are zeros before.
__global__ void __launch_bounds__(kThreads) cover_kernel(Transposed rows, Transposed columns) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < rows.samples + columns.samples;
       i += int64_t{gridDim.x} * kThreads)
    i < rows.samples ? cover_taps(rows, i) : cover_taps(columns, i - rows.samples);
}

// The weighted sum of the samples with a tap on pixel j, `distance` floats apart. Those without one are left out, so that a NaN
// reaches only what it should.
FOVEA_DEVICE float gathered(const Transposed& a, int64_t j, const float* samples, int64_t distance) {
  float sum = 0.0f;
  for (int64_t i = a.samples - a.cover.from_back[j]; i < a.cover.end[j]; ++i) {
    const int64_t tap = j - a.table.start[i];
    if (tap >= 0 && tap < a.table.count[i]) sum = fmaf(samples[i * distance], a.table.weights[i * a.table.stride + tap], sum);
  }
  return sum;
}

struct View {
  const float* dy;
  float* between;  // [N][H][w][C]
  float* dx;
  const int32_t* live;
  int64_t batch, height, width, channels;  // of dx
  int64_t dy_pitch, dx_pitch;
  Transposed rows, columns;
};

__global__ void __launch_bounds__(kThreads) sum_columns_kernel(View v) {
  const int64_t row_size = v.columns.samples * v.channels, n = live_count(v.live, v.batch) * v.height * row_size;
  const int64_t distance = v.columns.samples * v.dy_pitch;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, row_size), at = i - row * row_size, image = quotient(row, v.height);
    const int64_t ox = quotient(at, v.channels), c = at - ox * v.channels;
    const float* const samples = v.dy + image * v.rows.samples * distance + ox * v.dy_pitch + c;
    v.between[i] = gathered(v.rows, row - image * v.height, samples, distance);
  }
}

__global__ void __launch_bounds__(kThreads) sum_rows_kernel(View v) {
  const int64_t n = live_count(v.live, v.batch) * v.height * v.width * v.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pixel = quotient(i, v.channels), c = i - pixel * v.channels, row = quotient(pixel, v.width);
    const float* const samples = v.between + row * v.columns.samples * v.channels + c;
    v.dx[pixel * v.dx_pitch + c] = gathered(v.columns, pixel - row * v.width, samples, v.channels);
  }
}

int64_t between_elements(const ResizePlan& p, int64_t batch) { return batch * p.in_height * p.columns.out * p.channels; }

int64_t workspace_bytes(const ResizePlan& p, const fovea_tensor& dx) {
  return elements(dx) == 0 ? 0 : shared_bytes(p) + between_elements(p, dx.shape[0]) * int64_t{sizeof(float)};
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_resize_backward_workspace(const fovea_resize_params* params, const fovea_tensor* dy,
                                                        const fovea_tensor* dx, int64_t* bytes) {
  *bytes = workspace_bytes(make_resize_plan(*params, *dx, dy->shape[1], dy->shape[2]), *dx);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_resize_backward(const fovea_resize_params* params, const fovea_tensor* dy, const fovea_tensor* dx,
                                              const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "resize_backward";
  ResizePlan plan = make_resize_plan(*params, *dx, dy->shape[1], dy->shape[2]);
  const int64_t bytes = workspace_bytes(plan, *dx);
  if (bytes == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  plan.workspace = static_cast<char*>(workspace->data);
  const View view{static_cast<const float*>(dy->data),
                  reinterpret_cast<float*>(plan.workspace + shared_bytes(plan)),
                  static_cast<float*>(dx->data),
                  dy->live,
                  dx->shape[0],
                  plan.in_height,
                  plan.in_width,
                  plan.channels,
                  dy->pitch,
                  dx->pitch,
                  {row_table(plan), row_cover(plan), plan.rows.out},
                  {column_table(plan), column_cover(plan), plan.columns.out}};
  return submit(stream, op, [&](cudaStream_t s) {
    cudaError_t error = write_tap_tables(plan, static_cast<double>(params->scale), false, s);
    if (error != cudaSuccess) return error;
    error = cudaMemsetAsync(view.rows.cover.from_back, 0, static_cast<size_t>(shared_bytes(plan) - tables_bytes(plan)), s);
    if (error != cudaSuccess) return error;
    error = launch(cover_kernel, grid_for(plan.rows.out + plan.columns.out, kThreads), kThreads, 0, s, view.rows, view.columns);
    if (error != cudaSuccess) return error;
    error = launch(sum_columns_kernel, grid_for(between_elements(plan, view.batch), kThreads), kThreads, 0, s, view);
    if (error != cudaSuccess) return error;
    return launch(sum_rows_kernel, grid_for(elements(*dx), kThreads), kThreads, 0, s, view);
  });
}
