// The packed weights of linear on CUDA, and what its kernels share. Packed: one row of the weights after the other, each padded
// with zeros to whole pieces of what its kernel reads; INT8 is followed by the scales of the rows.
#pragma once

#include "cuda/elements.h"
#include "ops/activation/activation_device.h"
#include "ops/linear/linear.h"

namespace fovea::cuda {

struct PackedRows {
  int64_t pitch;    // elements from row to row
  int64_t columns;  // bytes before the scales
  int64_t bytes;
};

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// `rows` rows of k_size elements: of the weights, or of x narrowed in the workspace.
inline PackedRows packed_rows(int32_t format, int64_t rows, int64_t k_size) {
  switch (format) {
    case FOVEA_WEIGHTS_BF16: {
      const int64_t pitch = round_up(k_size, 64);
      return {pitch, rows * pitch * 2, rows * pitch * 2};
    }
    case FOVEA_WEIGHTS_INT8: {
      const int64_t pitch = round_up(k_size, 16);
      return {pitch, rows * pitch, rows * pitch + rows * 4};
    }
    default: {
      const int64_t pitch = round_up(k_size, 4);
      return {pitch, rows * pitch * 4, rows * pitch * 4};
    }
  }
}

// The rows of x, of which the live ones are computed.
struct LiveRows {
  int64_t rows, leading;
  const int32_t* live;

  FOVEA_DEVICE int64_t count() const { return leading == 0 ? 0 : rows / leading * live_count(live, leading); }
};

// What becomes of a sum.
template <class T>
struct Epilogue {
  T* y;
  int64_t pitch, columns;
  const float* bias;   // or NULL
  const float* slope;  // PRELU only
  fovea_activation_params activation;
  const float* row_scales;  // INT8 only
  const float* column_scales;

  FOVEA_DEVICE void store(int64_t m, int64_t n, float sum) const { finish(m, n, sum + (bias == nullptr ? 0.0f : bias[n])); }
  // Multiply and add, the scales' product first: bit for bit what the CPU does with the same integers.
  FOVEA_DEVICE void store(int64_t m, int64_t n, int32_t sum) const {
    const float scaled = __fmul_rn(float(sum), __fmul_rn(row_scales[m], column_scales[n]));
    finish(m, n, __fadd_rn(scaled, bias == nullptr ? 0.0f : bias[n]));
  }
  FOVEA_DEVICE void finish(int64_t m, int64_t n, float v) const {
    y[m * pitch + n] = from_float<T>(activate(activation, v, slope == nullptr ? 0.0f : slope[n]));
  }
};

// x of any float type, narrowed row by row: packed_rows() of the format.
template <class T>
cudaError_t narrow_rows(int32_t format, const T* x, int64_t x_pitch, int64_t k_size, LiveRows rows, void* packed,
                        cudaStream_t s);
extern template cudaError_t narrow_rows(int32_t, const float*, int64_t, int64_t, LiveRows, void*, cudaStream_t);
extern template cudaError_t narrow_rows(int32_t, const __half*, int64_t, int64_t, LiveRows, void*, cudaStream_t);
extern template cudaError_t narrow_rows(int32_t, const __nv_bfloat16*, int64_t, int64_t, LiveRows, void*, cudaStream_t);

// y[row][columns] = bias + x w in f32, w as packed for F32, for ops with linear layers inside.
template <class T>
cudaError_t float_products(const T* x, int64_t x_pitch, int64_t k_size, LiveRows rows, const float* packed, int64_t columns,
                           const float* bias, float* y, fovea_f32_products products, cudaStream_t s);
extern template cudaError_t float_products(const float*, int64_t, int64_t, LiveRows, const float*, int64_t, const float*,
                                           float*, fovea_f32_products, cudaStream_t);
extern template cudaError_t float_products(const __half*, int64_t, int64_t, LiveRows, const float*, int64_t, const float*,
                                           float*, fovea_f32_products, cudaStream_t);
extern template cudaError_t float_products(const __nv_bfloat16*, int64_t, int64_t, LiveRows, const float*, int64_t,
                                           const float*, float*, fovea_f32_products, cudaStream_t);

}  // namespace fovea::cuda
