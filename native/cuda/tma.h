// TMA (sm_90): a tile of a 2- to 5-dimensional tensor moves between global and shared memory in one instruction.
#pragma once
#include "cuda/mbarrier.h"

namespace fovea::cuda {

#if FOVEA_CUDA_SM90
// Loads the box at these coordinates (innermost first; elements outside the tensor are zero) and completes its bytes on `bar`.
FOVEA_DEVICE void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, int c0, int c1) {
#if FOVEA_EMULATED
  const int c[] = {c0, c1};
  emulator::tma_load(dst, map, bar, c);
#else
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3,%4}], [%2];" ::"r"(
                   shared_address(dst)),
               "l"(&map), "r"(shared_address(bar)), "r"(c0), "r"(c1)
               : "memory");
#endif
}
FOVEA_DEVICE void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, int c0, int c1, int c2, int c3) {
#if FOVEA_EMULATED
  const int c[] = {c0, c1, c2, c3};
  emulator::tma_load(dst, map, bar, c);
#else
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3,%4,%5,%6}], [%2];" ::"r"(
          shared_address(dst)),
      "l"(&map), "r"(shared_address(bar)), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
#endif
}
#endif

// Describes a bf16 tensor for TMA: dims and box innermost first, strides in bytes of all but the innermost dimension.
inline cudaError_t make_tensor_map(CUtensorMap* map, const void* base, unsigned rank, const uint64_t* dims,
                                   const uint64_t* strides, const unsigned* box, bool swizzle128) {
#if FOVEA_EMULATED
  return emulator::make_tensor_map(map, base, rank, dims, strides, box, swizzle128);
#else
  void* encode = nullptr;  // the driver's entry point, so that nothing links against libcuda
  cudaDriverEntryPointQueryResult found;
  const unsigned ones[5] = {1, 1, 1, 1, 1};
  if (const cudaError_t e = cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &encode, cudaEnableDefault, &found);
      e != cudaSuccess)
    return e;
  const CUresult r = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(encode)(
      map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, rank, const_cast<void*>(base), reinterpret_cast<const cuuint64_t*>(dims),
      reinterpret_cast<const cuuint64_t*>(strides), box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE,
      swizzle128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return r == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
#endif
}

}  // namespace fovea::cuda
