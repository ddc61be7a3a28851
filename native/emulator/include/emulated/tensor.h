// Tensor-core and asynchronous-copy instructions; the wrappers of native/cuda forward to these.
#pragma once
#include "cuda.h"
#include "emulated/hooks.h"
#include "emulated/runtime.h"

namespace fovea::emulator {
void ldmatrix(uint32_t* r, int n, bool trans, const void* row, FOVEA_SITE);
void mma(float* d, const uint32_t* a, const uint32_t* b, bool bf16, FOVEA_SITE);
void cp_async(void* dst, const void* src, unsigned n, bool valid);
void cp_async_commit();
void cp_async_wait(int pending);
void mbar_init(uint64_t* bar, unsigned count);
void mbar_arrive(uint64_t* bar, unsigned tx);
void mbar_fence();
bool mbar_test(uint64_t* bar, unsigned parity, bool wait, FOVEA_SITE);
void tma_load(void* dst, const CUtensorMap& m, uint64_t* bar, const int* coord);
void wgmma(float* d, int n, uint64_t a, uint64_t b, bool add, bool trans_b);
void wgmma_fence();
void wgmma_commit();
void wgmma_wait(int pending, FOVEA_SITE);
void proxy_fence();
cudaError_t make_tensor_map(CUtensorMap* m, const void* base, unsigned rank, const uint64_t* dims, const uint64_t* strides,
                            const unsigned* box, bool swizzle);
}  // namespace fovea::emulator
