// linear with BF16 or INT8 weights: x is narrowed row by row into the workspace, then the tile runs over words (narrow.h).
// The Math parameter says what a word means and how x is stored; its sums are f32 (BF16) or int32 (INT8).
#pragma once

#include "ops/linear/linear_block_simd.h"
#include "ops/linear/narrow.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <class Math>
void linear_with_bf16(const LinearJob& j) {
  const int64_t rows = linear_rows(j);
  if (rows == 0 || j.columns == 0) return;
  parallel_for(rows, 65536 / (j.k_size + 64) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t m = begin; m < end; ++m) Math::narrow(j.x + m * j.x_pitch, j.k_size, j.narrow_x + m * j.narrow_pitch);
  });
  linear_blocks<Math>(j, j.narrow_x, j.narrow_pitch, j.bias, [](int64_t, int64_t, int64_t, int64_t) {});
}

// Largest magnitude and finiteness of a row. x * 0 is NaN for everything that is not finite.
FOVEA_INLINE Int8Scale row_scale(const float* x, int64_t n) {
  F largest = zero(), zeros = zero();
  for (int64_t k = 0; k < n; k += kLanes) {
    const F v = load_upto(x + k, n - k);
    largest = max(abs(v), largest);
    zeros = zeros + v * zero();
  }
  float lanes[kLanes];
  store(lanes, largest);
  float most = 0;
  for (int i = 0; i < kLanes; ++i) most = lanes[i] > most ? lanes[i] : most;
  return int8_scale(most, sum(zeros) == 0.0f);
}

template <class Math>
void linear_with_int8(const LinearJob& j) {
  const int64_t rows = linear_rows(j);
  if (rows == 0 || j.columns == 0) return;
  parallel_for(rows, 65536 / (j.k_size + 64) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t m = begin; m < end; ++m) {
      const float* x = j.x + m * j.x_pitch;
      const Int8Scale scale = row_scale(x, j.k_size);
      j.row_scales[m] = scale.scale;
      // Rows that count as zeros, and rows that are not finite, whose sums the scale turns into NaN, are quantised from zeros.
      Math::narrow(x, j.k_size, scale.inverse, j.narrow_x + m * j.narrow_pitch);
    }
  });
  const int64_t padded = padded_columns(j.columns);
  const float* const scales = j.panels + padded * linear_steps(j.format, j.k_size);
  linear_blocks<Math>(j, j.narrow_x, j.narrow_pitch, Math::kOffset ? scales + padded : nullptr,
                      [&](int64_t row, int64_t height, int64_t column, int64_t columns) {
                        for (int64_t c = 0; c < columns; c += kLanes) {
                          const int64_t rest = columns - c;
                          const F scale = load_upto(scales + column + c, rest);
                          const F bias = j.bias == nullptr ? zero() : load_upto(j.bias + column + c, rest);
                          for (int64_t r = 0; r < height; ++r) {
                            float* y = j.y + (row + r) * j.y_pitch + column + c;
                            const F sum = to_float(as_int(load_upto(y, rest)));
                            // Multiply and add, not fma: the same bits on every instruction set. The scales' product first: it
                            // is out of range only where a product of x and w is.
                            store_upto(y, sum * (set(j.row_scales[row + r]) * scale) + bias, rest);
                          }
                        }
                      });
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
