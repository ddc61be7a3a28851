// Shared by the tensor-core and asynchronous-copy sources.
#pragma once
#include "cuda_bf16.h"
#include "emulated/tensor.h"
#include "internal.h"

#define FOVEA_CALLER __builtin_return_address(0)

namespace fovea::emulator {
// An mbarrier's eight bytes.
struct MBar {
  uint64_t tag : 8, fenced : 1, phase : 1, expected : 13, pending : 13;
  int64_t tx : 28;
};
static_assert(sizeof(MBar) == 8);
MBar& mbar(uint64_t* bar);
void check_phase(MBar& m);
inline uint32_t swizzle128(uint32_t a) { return a ^ (a >> 7 & 7) << 4; }
template <bool BF>
inline float value(uint16_t b) {
  if constexpr (BF)
    return __uint_as_float(unsigned(b) << 16);
  else {
    __half h;
    h.bits = b;
    return h;
  }
}
// d[16][n] += a[16][16] b[16][n]
void multiply(float* d, const float* a, const float* b, int n);
}  // namespace fovea::emulator
