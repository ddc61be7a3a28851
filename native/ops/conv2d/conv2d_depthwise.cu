// Depthwise layers have nothing to share between outputs: one thread per pixel and 16 bytes of channels, or one channel where
// rows are not aligned. x comes from the caches for all taps but one.
#include <algorithm>

#include "cuda/kernel.h"
#include "cuda/pack.h"
#include "ops/activation/activation_device.h"
#include "ops/conv2d/conv2d_axis.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) depthwise_kernel(ConvJob j) {
  const int64_t parts = j.groups / kWidth, n = live_count(j.live, j.batch) * j.rows.out * j.columns.out * parts;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t q = i / parts, line = q / j.columns.out, image = line / j.rows.out;
    const int32_t c = int32_t(i - q * parts) * kWidth, ox = int32_t(q - line * j.columns.out);
    const int32_t oy = int32_t(line - image * j.rows.out);
    const AxisPhase rows = axis_phase(j.rows, j.transposed, j.transposed ? oy % j.rows.stride : 0);
    const AxisPhase columns = axis_phase(j.columns, j.transposed, j.transposed ? ox % j.columns.stride : 0);
    const int32_t first_y = oy / rows.out_step * rows.in_step + rows.offset;
    const int32_t first_x = ox / columns.out_step * columns.in_step + columns.offset;
    float sums[kWidth];
    for (int e = 0; e < kWidth; ++e) sums[e] = j.bias == nullptr ? 0.0f : j.bias[c + e];
    for (int32_t a = 0; a < rows.taps; ++a) {
      const int32_t iy = first_y + a * rows.offset_step;
      if (uint32_t(iy) >= uint32_t(j.rows.in)) continue;
      const T* x = static_cast<const T*>(j.x) + (image * j.rows.in + iy) * j.columns.in * j.x_pitch + c;
      const int64_t tap_row = int64_t{rows.first_tap + a * rows.tap_step} * j.columns.kernel;
      for (int32_t b = 0; b < columns.taps; ++b) {
        const int32_t ix = first_x + b * columns.offset_step;
        if (uint32_t(ix) >= uint32_t(j.columns.in)) continue;
        const Pack<T, kWidth> values = load_pack<kWidth>(x + ix * j.x_pitch);
        const float* w = j.weights + (tap_row + columns.first_tap + b * columns.tap_step) * j.groups + c;
#pragma unroll
        for (int e = 0; e < kWidth; ++e) sums[e] = fmaf(to_float(values.v[e]), w[e], sums[e]);
      }
    }
    const T* residual = j.residual == nullptr ? nullptr : static_cast<const T*>(j.residual) + q * j.residual_pitch + c;
    T* y = static_cast<T*>(j.y) + q * j.y_pitch + c;
    // All channels one after another: the activations' code is long, and the sums stay where they are.
    Pack<T, kWidth> out;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      if (residual != nullptr) sums[e] += to_float(residual[e]);
      out.v[e] = from_float<T>(activate(j.activation, sums[e], j.slope == nullptr ? 0.0f : j.slope[c + e]));
    }
    store_pack(y, out);
  }
}

template <class T>
cudaError_t launch_depthwise(const ConvJob& j, cudaStream_t stream) {
  constexpr int kWidth = kPack<T>;
  const int64_t n = j.batch * j.rows.out * j.columns.out * j.groups;
  const bool packed = reinterpret_cast<uintptr_t>(j.x) % 16 == 0 && reinterpret_cast<uintptr_t>(j.y) % 16 == 0 &&
                      j.x_pitch % kWidth == 0 && j.y_pitch % kWidth == 0 && j.groups % kWidth == 0;
  return packed ? launch(depthwise_kernel<T, kWidth>, grid_for(n / kWidth, kThreads), kThreads, 0, stream, j)
                : launch(depthwise_kernel<T, 1>, grid_for(n, kThreads), kThreads, 0, stream, j);
}

}  // namespace

cudaError_t conv_launch_depthwise(const ConvJob& job, fovea_dtype dtype, cudaStream_t stream) {
  return with_float_type(dtype, [&](auto type) { return launch_depthwise<typename decltype(type)::type>(job, stream); });
}

}  // namespace fovea::cuda
