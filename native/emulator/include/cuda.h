// The driver's types that kernels see.
#pragma once
#include <cstdint>

struct alignas(64) CUtensorMap {
  char* base;
  unsigned rank, type, element;  // element: bytes
  uint64_t dim[5], stride[5];    // stride[0] is unused
  unsigned box[5], swizzle;      // swizzle: 0 none, 1 to 3: 32, 64, 128 bytes
};
