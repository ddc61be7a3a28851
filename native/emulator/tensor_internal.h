// Shared by the tensor-core and asynchronous-copy sources.
#pragma once
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "emulated/tensor.h"
#include "internal.h"

#define FOVEA_CALLER __builtin_return_address(0)

namespace fovea::emulator {

struct MBar {
  static constexpr unsigned kTag = 0xB7;
  uint64_t tag : 8, fenced : 1, phase : 1, expected : 13, pending : 13;
  int64_t bytes : 28;  // announced and not yet landed; negative while copies are ahead of their announcement
};
static_assert(sizeof(MBar) == 8);
MBar& mbar(uint64_t* bar);
void check_phase(MBar& m);

// Sixteen-byte chunks change places: address bits 4.. are combined with bits 7.. (mode 1 to 3: 32, 64 and 128 bytes).
inline uint32_t swizzle(uint32_t address, unsigned mode) { return address ^ (address >> 7 & ((1u << mode) - 1)) << 4; }

// d[16][n] += a[16][k] b[k][n]
void multiply(float* d, const float* a, const float* b, int n, int k);

}  // namespace fovea::emulator
