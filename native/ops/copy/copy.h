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

// body(value) with a value of the storage type, for its type alone.
template <class Body>
FOVEA_ALWAYS_INLINE void for_copy_type(int32_t type, const Body& body) {
  switch (type) {
    case kCopyF32:
      return body(float{});
    case kCopyF16:
      return body(Half{});
    case kCopyBF16:
      return body(Bfloat{});
    case kCopyU8:
      return body(uint8_t{});
    case kCopyI32:
      return body(int32_t{});
    default:
      return body(int64_t{});
  }
}

// body(from, to) for every pair of types.
template <class Body>
FOVEA_ALWAYS_INLINE void for_copy_types(int32_t from, int32_t to, const Body& body) {
  for_copy_type(from, [&](auto x) { for_copy_type(to, [&](auto y) { body(x, y); }); });
}

}  // namespace fovea
