// Tensor-core and asynchronous-copy instructions; the wrappers of native/cuda forward to these.
#pragma once
#include "cuda.h"
#include "emulated/hooks.h"
#include "emulated/runtime.h"

namespace fovea::emulator {

// ---- one warp ----
enum class MmaType { bf16, f16, tf32, s8, u8s8 };
void ldmatrix(uint32_t* r, int count, bool transposed, const void* row, FOVEA_SITE);
void stmatrix(const uint32_t* r, int count, bool transposed, void* row, FOVEA_SITE);
void mma(void* d, const uint32_t* a, const uint32_t* b, MmaType type, int a_registers, FOVEA_SITE);

// ---- cp.async ----
void cp_async(void* dst, const void* src, unsigned n, unsigned filled);
void cp_async_commit();
void cp_async_wait(int pending);

// ---- mbarriers and the async proxy ----
void mbar_init(uint64_t* bar, unsigned count);
void mbar_arrive(uint64_t* bar, unsigned bytes, bool arrives = true);
void mbar_fence();
bool mbar_test(uint64_t* bar, unsigned parity, bool wait, FOVEA_SITE);
void proxy_fence();

// ---- bulk copies: `map` describes a tile, or is null for `bytes` consecutive bytes ----
void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, const int* coordinates, unsigned rank, unsigned multicast = 0);
void tma_store(const CUtensorMap& map, const void* src, const int* coordinates, unsigned rank, bool add);
void bulk_load(void* dst, const void* src, unsigned bytes, uint64_t* bar);
void bulk_store(void* dst, const void* src, unsigned bytes);
void bulk_commit();
void bulk_wait(int pending, bool only_read);
cudaError_t make_tensor_map(CUtensorMap* map, unsigned type, const void* base, unsigned rank, const uint64_t* dims,
                            const uint64_t* strides, const unsigned* box, unsigned swizzle);

// ---- wgmma: A in shared memory (descriptor) or in four registers ----
struct WgmmaOperands {
  MmaType type;
  uint64_t a, b;                // descriptors
  const uint32_t* a_registers;  // null: A is in shared memory
  bool a_mn_major, b_mn_major, accumulate;
};
void wgmma(float* d, int n, const WgmmaOperands& operands);
void wgmma_fence();
void wgmma_commit();
void wgmma_wait(int pending, FOVEA_SITE);

// ---- order between blocks ----
void before_release(const void* p, size_t n);
void after_acquire(const void* p, size_t n);
void dependency_wait();

}  // namespace fovea::emulator
