// dx is the convolution backwards in time. d_kernel is summed as a spectrum: with pairs of batch entries as complex sequences,
// the real part of what the product of one's transform and the other's conjugate transforms back to is the sum of both
// correlations.
#include "ops/long_conv1d_backward/long_conv1d_backward.h"

#include "cuda/runtime.h"
#include "ops/long_conv1d/conv_device.h"

namespace fovea::cuda {
namespace {

// `sums`: a spectrum per channel; may be that of the kernels, which is used no more.
__global__ void __launch_bounds__(kConvThreads)
    kernel_gradient_kernel(LongConv1dBackwardJob j, const float2* table, float2* sums) {
  const LongConv1dJob& c = j.conv;
  float2 *dy = dynamic_shared<float2>(), *x = dy + c.points;
  const int64_t live = live_count(c.live, c.batch);
  const float scale = 1.0f / float(c.points);
  for (int64_t channel = blockIdx.x; channel < c.channels; channel += gridDim.x) {
    float2* sum = sums + channel * c.points;
    for (int i = int(threadIdx.x); i < c.points; i += kConvThreads) sum[i] = {0.0f, 0.0f};
    for (int64_t pair = 0; 2 * pair < live; ++pair) {
      load_pair(c, {j.dy, j.dy_pitch}, pair, live, channel, dy);
      load_pair(c, {c.x, c.x_pitch}, pair, live, channel, x);
      transform(dy, table, int(c.points)), transform(x, table, int(c.points));
      for (int i = int(threadIdx.x); i < c.points; i += kConvThreads) sum[i] = plus(sum[i], times_conjugate(dy[i], x[i]));
      __syncthreads();
    }
    for (int i = int(threadIdx.x); i < c.points; i += kConvThreads) dy[i] = {sum[i].x * scale, sum[i].y * scale};
    transform_back(dy, table, int(c.points));
    for (int64_t k = threadIdx.x; k < j.kernel_size; k += kConvThreads)
      j.d_kernel[channel * j.d_kernel_pitch + k] = k < c.taps ? dy[k].x : 0.0f;
    __syncthreads();
  }
}

// One thread per tap and channel, neighbouring threads on neighbouring channels; in runs of steps, so that rounding does not
// grow with time.
__global__ void __launch_bounds__(kConvThreads) kernel_gradient_direct_kernel(LongConv1dBackwardJob j) {
  constexpr int64_t kRun = 256;
  const LongConv1dJob& c = j.conv;
  const int64_t live = live_count(c.live, c.batch), n = j.kernel_size * c.channels;
  for (int64_t i = int64_t{blockIdx.x} * kConvThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kConvThreads) {
    const int64_t channel = i % c.channels, k = i / c.channels;
    float total = 0.0f;
    for (int64_t batch = 0; batch < live; ++batch)
      for (int64_t begin = k; begin < c.length; begin += kRun) {
        float sum = 0.0f;
        for (int64_t t = begin; t < c.length && t < begin + kRun; ++t) {
          const int64_t row = batch * c.length + t;
          sum = fmaf(j.dy[row * j.dy_pitch + channel], c.x[(row - k) * c.x_pitch + channel], sum);
        }
        total += sum;
      }
    j.d_kernel[channel * j.d_kernel_pitch + k] = total;
  }
}

// A block takes 32 channels, a lane each, and a warp every eighth row.
__global__ void __launch_bounds__(kConvThreads) skip_gradient_kernel(LongConv1dBackwardJob j) {
  constexpr int kWarps = kConvThreads / 32;
  __shared__ float sums[kWarps][32];
  const LongConv1dJob& c = j.conv;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int64_t d = int64_t{blockIdx.x} * 32 + lane, rows = live_count(c.live, c.batch) * c.length;
  float sum = 0.0f;
  if (d < c.channels)
    for (int64_t row = warp; row < rows; row += kWarps) sum = fmaf(j.dy[row * j.dy_pitch + d], c.x[row * c.x_pitch + d], sum);
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || d >= c.channels) return;
  for (int w = 1; w < kWarps; ++w) sum += sums[w][lane];
  j.d_skip[d] = sum;
}

cudaError_t launch_backward(const LongConv1dBackwardJob& j, Spectra spectra, cudaStream_t stream) {
  const LongConv1dJob& c = j.conv;
  cudaError_t e = transforms(c) ? launch_table(c, spectra, stream) : cudaSuccess;
  if (e == cudaSuccess && j.dx != nullptr && c.batch > 0 && c.length > 0)
    e = launch_convolution<true>(c, spectra, {j.dy, j.dy_pitch}, j.dx, j.dx_pitch, stream);
  if (e == cudaSuccess && j.d_kernel != nullptr && j.kernel_size > 0) {
    if (transforms(c))
      e = launch(kernel_gradient_kernel, grid_for(c.channels, 1), kConvThreads, 2 * sequence_bytes(c), stream, j,
                 static_cast<const float2*>(spectra.table), spectra.kernels);
    else
      e = launch(kernel_gradient_direct_kernel, grid_for(j.kernel_size * c.channels, kConvThreads), kConvThreads, 0, stream, j);
  }
  if (e == cudaSuccess && j.d_skip != nullptr)
    e = launch(skip_gradient_kernel, unsigned((c.channels + 31) / 32), kConvThreads, 0, stream, j);
  return e;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_long_conv1d_backward_workspace(const fovea_tensor* x, const fovea_tensor* kernel,
                                                             int64_t* bytes) {
  *bytes = workspace_bytes(long_conv1d_job(*x, *kernel, nullptr, *x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_long_conv1d_backward(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                                   const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* d_kernel,
                                                   const fovea_tensor* d_skip, const fovea_workspace* workspace,
                                                   fovea_stream* stream) {
  if (x->shape[2] == 0) return FOVEA_OK;
  const LongConv1dJob conv = long_conv1d_job(*x, *kernel, skip, *x);
  FOVEA_TRY(check_workspace("long_conv1d_backward", workspace, workspace_bytes(conv)));
  const Spectra spectra = spectra_in(conv, workspace);
  const LongConv1dBackwardJob job = long_conv1d_backward_job(conv, *kernel, *dy, {dx, d_kernel, d_skip});
  return submit(stream, "long_conv1d_backward", [&](cudaStream_t s) { return launch_backward(job, spectra, s); });
}
