// Bulk copies (sm_90). TMA moves a box of a 1- to 5-dimensional tensor between global and shared memory in one instruction of
// one thread; bulk_load and bulk_store move consecutive bytes. Loads complete on an mbarrier, stores in groups per thread.
#pragma once
#include "cuda/mbarrier.h"

namespace fovea::cuda {

#if FOVEA_CUDA_SM90
// Each of these takes 1 to 5 coordinates, innermost first. They may be negative or beyond the tensor: such elements load as
// zero and are not stored. The shared tile is packed, innermost first, under the map's swizzle.
//   tma_load(dst, map, bar, c0, ...)               completes the box's bytes on `bar`, those outside the tensor included
//   tma_load_multicast(dst, map, bar, mask, c0, ...)  into the same place of every block of the cluster in `mask`, each block's
//                                                  own barrier completing
//   tma_store(map, src, c0, ...), tma_reduce_add(map, src, c0, ...)   fence_proxy_async() and a barrier come before
#if FOVEA_EMULATED
template <class... C>
inline void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, C... coordinates) {
  const int c[] = {int(coordinates)...};
  emulator::tma_load(dst, map, bar, c, sizeof...(C));
}
template <class... C>
inline void tma_load_multicast(void* dst, const CUtensorMap& map, uint64_t* bar, unsigned mask, C... coordinates) {
  const int c[] = {int(coordinates)...};
  emulator::tma_load(dst, map, bar, c, sizeof...(C), mask);
}
template <class... C>
inline void tma_store(const CUtensorMap& map, const void* src, C... coordinates) {
  const int c[] = {int(coordinates)...};
  emulator::tma_store(map, src, c, sizeof...(C), false);
}
template <class... C>
inline void tma_reduce_add(const CUtensorMap& map, const void* src, C... coordinates) {
  const int c[] = {int(coordinates)...};
  emulator::tma_store(map, src, c, sizeof...(C), true);
}
inline void bulk_load(void* dst, const void* src, unsigned bytes, uint64_t* bar) { emulator::bulk_load(dst, src, bytes, bar); }
inline void bulk_store(void* dst, const void* src, unsigned bytes) { emulator::bulk_store(dst, src, bytes); }
inline void bulk_commit() { emulator::bulk_commit(); }
template <int pending>
inline void bulk_wait() {
  emulator::bulk_wait(pending, false);
}
template <int pending>
inline void bulk_wait_read() {
  emulator::bulk_wait(pending, true);
}
#else
#define FOVEA_UNPACK(...) __VA_ARGS__
// from2, from3, from4: the coordinate list when the first coordinate is operand %2, %3 or %4.
#define FOVEA_TMA(rank, from2, from3, from4, parameters, operands)                                                            \
  FOVEA_DEVICE void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, FOVEA_UNPACK parameters) {                     \
    asm volatile("cp.async.bulk.tensor." rank ".shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, " from3        \
                 "], [%2];" ::"r"(shared_address(dst)),                                                                       \
                 "l"(&map), "r"(shared_address(bar)), FOVEA_UNPACK operands                                                   \
                 : "memory");                                                                                                 \
  }                                                                                                                           \
  FOVEA_DEVICE void tma_load_multicast(void* dst, const CUtensorMap& map, uint64_t* bar, unsigned mask,                       \
                                       FOVEA_UNPACK parameters) {                                                             \
    asm volatile("cp.async.bulk.tensor." rank                                                                                 \
                 ".shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, " from4                  \
                 "], [%2], %3;" ::"r"(shared_address(dst)),                                                                   \
                 "l"(&map), "r"(shared_address(bar)), "h"((unsigned short)mask), FOVEA_UNPACK operands                        \
                 : "memory");                                                                                                 \
  }                                                                                                                           \
  FOVEA_DEVICE void tma_store(const CUtensorMap& map, const void* src, FOVEA_UNPACK parameters) {                             \
    asm volatile("cp.async.bulk.tensor." rank ".global.shared::cta.bulk_group [%0, " from2 "], [%1];" ::"l"(&map),            \
                 "r"(shared_address(src)), FOVEA_UNPACK operands                                                              \
                 : "memory");                                                                                                 \
  }                                                                                                                           \
  FOVEA_DEVICE void tma_reduce_add(const CUtensorMap& map, const void* src, FOVEA_UNPACK parameters) {                        \
    asm volatile("cp.reduce.async.bulk.tensor." rank ".global.shared::cta.add.bulk_group [%0, " from2 "], [%1];" ::"l"(&map), \
                 "r"(shared_address(src)), FOVEA_UNPACK operands                                                              \
                 : "memory");                                                                                                 \
  }
FOVEA_TMA("1d", "{%2}", "{%3}", "{%4}", (int c0), ("r"(c0)))
FOVEA_TMA("2d", "{%2,%3}", "{%3,%4}", "{%4,%5}", (int c0, int c1), ("r"(c0), "r"(c1)))
FOVEA_TMA("3d", "{%2,%3,%4}", "{%3,%4,%5}", "{%4,%5,%6}", (int c0, int c1, int c2), ("r"(c0), "r"(c1), "r"(c2)))
FOVEA_TMA("4d", "{%2,%3,%4,%5}", "{%3,%4,%5,%6}", "{%4,%5,%6,%7}", (int c0, int c1, int c2, int c3),
          ("r"(c0), "r"(c1), "r"(c2), "r"(c3)))
FOVEA_TMA("5d", "{%2,%3,%4,%5,%6}", "{%3,%4,%5,%6,%7}", "{%4,%5,%6,%7,%8}", (int c0, int c1, int c2, int c3, int c4),
          ("r"(c0), "r"(c1), "r"(c2), "r"(c3), "r"(c4)))
#undef FOVEA_TMA
#undef FOVEA_UNPACK
FOVEA_DEVICE void bulk_load(void* dst, const void* src, unsigned bytes, uint64_t* bar) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(shared_address(dst)),
      "l"(src), "r"(bytes), "r"(shared_address(bar))
      : "memory");
}
FOVEA_DEVICE void bulk_store(void* dst, const void* src, unsigned bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(dst), "r"(shared_address(src)), "r"(bytes)
               : "memory");
}
FOVEA_DEVICE void bulk_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
// Until at most `pending` groups have not been written ...
template <int pending>
FOVEA_DEVICE void bulk_wait() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(pending) : "memory");
}
// ... or not been read, after which their shared memory may be reused (needed before the block ends).
template <int pending>
FOVEA_DEVICE void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(pending) : "memory");
}
#endif
#endif

// The values of CUtensorMapDataType.
enum class TensorType : unsigned { u8, u16, u32, s32, u64, s64, f16, f32, f64, bf16, f32_ftz, tf32 };

// Describes a tensor for TMA: dims and box innermost first, strides in bytes of all but the innermost dimension (multiples of
// 16, as is `base`). The box's innermost row is a multiple of 16 bytes and, when swizzled, fits the swizzle's row.
inline cudaError_t make_tensor_map(CUtensorMap* map, TensorType type, const void* base, unsigned rank, const uint64_t* dims,
                                   const uint64_t* strides, const unsigned* box, Swizzle swizzle) {
#if FOVEA_EMULATED
  return emulator::make_tensor_map(map, unsigned(type), base, rank, dims, strides, box, unsigned(swizzle));
#else
  void* encode = nullptr;  // the driver's entry point, so that nothing links against libcuda
  cudaDriverEntryPointQueryResult found;
  const unsigned ones[5] = {1, 1, 1, 1, 1};
  if (const cudaError_t e = cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &encode, cudaEnableDefault, &found);
      e != cudaSuccess)
    return e;
  const CUresult r = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(encode)(
      map, CUtensorMapDataType(type), rank, const_cast<void*>(base), reinterpret_cast<const cuuint64_t*>(dims),
      reinterpret_cast<const cuuint64_t*>(strides), box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE, CUtensorMapSwizzle(swizzle),
      CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return r == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
#endif
}

}  // namespace fovea::cuda
