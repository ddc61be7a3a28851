// Elementwise copies between data types: the job of fovea_copy, storage types and the scalar conversions.
//
// Integer to integer keeps the low bits. Everything else goes through f32: to f16 and bf16 halves go to even, NaN stays a
// quiet NaN; to u8 halves go to even; to i32 and i64 towards zero. Integers saturate and take 0 for NaN.
#pragma once

#include "ops/copy/row_layout.h"

namespace fovea {

struct CopyJob {
  const void* x;
  void* y;
  RowLayout layout;
  int64_t x_pitch, y_pitch;  // elements
  const int32_t* live;
  int32_t from, to;  // CopyType
};

enum CopyType : int32_t { kCopyF32, kCopyF16, kCopyBF16, kCopyU8, kCopyI32, kCopyI64, kCopyTypes };

// Storage of the 16-bit floats.
struct Half {
  uint16_t bits;
};
struct Bfloat {
  uint16_t bits;
};

}  // namespace fovea
