// The driver's types that kernels see.
#pragma once
#include <cstdint>

struct alignas(64) CUtensorMap {
  char* base;
  unsigned rank, elem;
  uint64_t dim[5], stride[5];
  unsigned box[5], swizzle;
};
