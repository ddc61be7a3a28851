// Packing of linear's weights, and of x for the narrow formats: padding, rounding, quantising (narrow.h has the rules).
#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "ops/linear/linear_cuda.h"
#include "ops/linear/narrow.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    pad_rows_kernel(const From* x, int64_t x_pitch, int64_t k_size, LiveRows rows, To* y, int64_t y_pitch) {
  const int64_t n = rows.count() * y_pitch;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, y_pitch), k = i - row * y_pitch;
    y[i] = from_float<To>(k < k_size ? to_float(x[row * x_pitch + k]) : 0.0f);
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads)
    quantise_rows_kernel(const T* x, int64_t x_pitch, int64_t k_size, LiveRows rows, int8_t* y, int64_t y_pitch,
                         float* scales) {
  __shared__ float scratch[8];
  const int64_t count = rows.count();
  for (int64_t row = Row::first(); row < count; row += Row::stride()) {
    const T* from = x + row * x_pitch;
    float largest = 0;
    // Infinity stands for NaN too: neither is finite.
    for (int64_t k = Row::lane(); k < k_size; k += Row::kLanes) {
      const float a = fabsf(to_float(from[k]));
      largest = fmaxf(largest, a < INFINITY ? a : INFINITY);
    }
    largest = Row::reduce(largest, scratch, Maximum{});
    const bool finite = largest < INFINITY, zeros = !finite || largest < kTiny;
    const float inverse = zeros ? 0.0f : 127.0f / largest;
    for (int64_t k = Row::lane(); k < y_pitch; k += Row::kLanes)
      y[row * y_pitch + k] = zeros || k >= k_size ? int8_t{0} : int8_t(rintf(to_float(from[k]) * inverse));
    if (Row::lane() == 0) scales[row] = !finite ? NAN : zeros ? 0.0f : largest / 127.0f;
  }
}

template <class To, class From>
cudaError_t pad_rows(const From* x, int64_t x_pitch, int64_t k_size, LiveRows rows, void* y, int64_t y_pitch, cudaStream_t s) {
  if (rows.rows * y_pitch == 0) return cudaSuccess;
  return launch(pad_rows_kernel<From, To>, grid_for(rows.rows * y_pitch, kThreads), kThreads, 0, s, x, x_pitch, k_size, rows,
                static_cast<To*>(y), y_pitch);
}

}  // namespace

template <class T>
cudaError_t narrow_rows(int32_t format, const T* x, int64_t x_pitch, int64_t k_size, LiveRows rows, void* packed,
                        cudaStream_t s) {
  const PackedRows p = packed_rows(format, rows.rows, k_size);
  if (format == FOVEA_WEIGHTS_F32) return pad_rows<float>(x, x_pitch, k_size, rows, packed, p.pitch, s);
  if (format == FOVEA_WEIGHTS_BF16) return pad_rows<__nv_bfloat16>(x, x_pitch, k_size, rows, packed, p.pitch, s);
  if (rows.rows == 0) return cudaSuccess;
  auto* const bytes = static_cast<int8_t*>(packed);
  auto* const scales = reinterpret_cast<float*>(bytes + p.columns);
  return with_team(k_size, [&](auto team) {
    using Row = decltype(team);
    return launch(quantise_rows_kernel<T, Row>, Row::blocks(rows.rows), Row::kThreads, 0, s, x, x_pitch, k_size, rows, bytes,
                  p.pitch, scales);
  });
}
template cudaError_t narrow_rows(int32_t, const float*, int64_t, int64_t, LiveRows, void*, cudaStream_t);
template cudaError_t narrow_rows(int32_t, const __half*, int64_t, int64_t, LiveRows, void*, cudaStream_t);
template cudaError_t narrow_rows(int32_t, const __nv_bfloat16*, int64_t, int64_t, LiveRows, void*, cudaStream_t);

}  // namespace fovea::cuda
