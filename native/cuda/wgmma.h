// wgmma (sm_90a): matrix products of a warp group (128 threads) with operands in shared memory, asynchronous.
#pragma once
#include "cuda/base.h"
#if !FOVEA_EMULATED
#include "cuda/wgmma_shapes.h"
#endif

#if FOVEA_CUDA_SM90A
namespace fovea::cuda {

// Shared-memory matrix descriptor; `leading` and `stride` in bytes. One wgmma consumes 32 bytes of K: add 2 to the descriptor
// for the next 32 bytes of a K-major swizzled tile.
//   K-major, swizzled: rows of 32, 64 or 128 bytes; stride = from 8 rows to the next 8 (8 x row), leading ignored.
//   K-major, no swizzle: 8 rows x 16 bytes in 128 consecutive bytes; leading between neighbours along K, stride along M or N.
//   M- or N-major, swizzled (16-bit types only): rows along M or N; leading from one row's length of M or N to the next, stride
//   from 8 steps of K to the next 8.  M- or N-major, no swizzle: stride along M or N, leading along K.
FOVEA_DEVICE uint64_t wgmma_descriptor(const void* p, unsigned leading, unsigned stride, Swizzle swizzle) {
  return uint64_t((shared_address(p) & 0x3FFFF) >> 4) | uint64_t(leading >> 4) << 16 | uint64_t(stride >> 4) << 32 |
         uint64_t((4 - unsigned(swizzle)) & 3) << 62;
}

// Before each batch: orders the accumulators' and operands' registers.
FOVEA_DEVICE void wgmma_fence() {
#if FOVEA_EMULATED
  emulator::wgmma_fence();
#else
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
FOVEA_DEVICE void wgmma_commit() {
#if FOVEA_EMULATED
  emulator::wgmma_commit();
#else
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
// Until at most `pending` groups are in flight; with 0 the accumulators may be read. Promises completion for this warp only.
template <int pending, int count>
FOVEA_DEVICE void wgmma_wait(float (&d)[count] FOVEA_CUDA_SITE) {
#if FOVEA_EMULATED
  (void)d;
  emulator::wgmma_wait(pending, FOVEA_AT);
#else
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
  if constexpr (pending == 0)  // nothing reads d before this; with a group in flight d must not be named at all (ptxas C7515)
#pragma unroll
    for (int i = 0; i < count; i++) asm volatile("" : "+f"(d[i])::"memory");
#endif
}

// d[64xN] (+)= a[64xK] b[KxN] with K of 32 bytes, N a multiple of 8 up to 256. A comes from shared memory (descriptor) or from
// four registers in mma.sync's layout, which must not change before the wait; B always from shared memory. Pass accumulate =
// false in a peeled first step instead of zeroing d (ptxas C7515). The last template arguments: operands that are M- or
// N-major.
//   wgmma_bf16<N>(d, a, b, accumulate), wgmma_f16<N>(...), wgmma_tf32<N>(...)
#if FOVEA_EMULATED
#define FOVEA_WGMMA(name, type)                                                                  \
  template <int N, bool a_mn = false, bool b_mn = false>                                         \
  FOVEA_DEVICE void name(float(&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {            \
    static_assert(N % 8 == 0 && N >= 8 && N <= 256);                                             \
    emulator::wgmma(d, N, {emulator::MmaType::type, a, b, nullptr, a_mn, b_mn, accumulate});     \
  }                                                                                              \
  template <int N, bool b_mn = false>                                                            \
  FOVEA_DEVICE void name(float(&d)[N / 2], const uint32_t(&a)[4], uint64_t b, bool accumulate) { \
    static_assert(N % 8 == 0 && N >= 8 && N <= 256);                                             \
    emulator::wgmma(d, N, {emulator::MmaType::type, 0, b, a, false, b_mn, accumulate});          \
  }
#else
#define FOVEA_WGMMA_BEGIN(N_, K, T, P)                                                                \
  "{ .reg .pred p; setp.ne.b32 p, %" #P ", 0; wgmma.mma_async.sync.aligned.m64n" #N_ K "f32." T "." T \
  " {" FOVEA_WGMMA_LIST_##N_ "}, "
#define FOVEA_WGMMA_16_SHARED(N_, p0, p1, p2, p3, p4, p5, p6)                                                             \
  if constexpr (N == N_)                                                                                                  \
    asm volatile(FOVEA_WGMMA_BEGIN(N_, "k16.", FOVEA_WGMMA_TYPE, p2) "%" #p0 ", %" #p1 ", p, 1, 1, %" #p3 ", %" #p4 "; }" \
                 : FOVEA_WGMMA_OUT_##N_                                                                                   \
                 : "l"(a), "l"(b), "r"(int(accumulate)), "n"(int(a_mn)), "n"(int(b_mn)));
#define FOVEA_WGMMA_16_REGISTERS(N_, p0, p1, p2, p3, p4, p5, p6)                                                    \
  if constexpr (N == N_)                                                                                            \
    asm volatile(FOVEA_WGMMA_BEGIN(N_, "k16.", FOVEA_WGMMA_TYPE, p5) "{%" #p0 ",%" #p1 ",%" #p2 ",%" #p3 "}, %" #p4 \
                                                                     ", p, 1, 1, %" #p6 "; }"                       \
                 : FOVEA_WGMMA_OUT_##N_                                                                             \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(accumulate)), "n"(int(b_mn)));
#define FOVEA_WGMMA_32_SHARED(N_, p0, p1, p2, p3, p4, p5, p6)                              \
  if constexpr (N == N_)                                                                   \
    asm volatile(FOVEA_WGMMA_BEGIN(N_, "k8.", "tf32", p2) "%" #p0 ", %" #p1 ", p, 1, 1; }" \
                 : FOVEA_WGMMA_OUT_##N_                                                    \
                 : "l"(a), "l"(b), "r"(int(accumulate)));
#define FOVEA_WGMMA_32_REGISTERS(N_, p0, p1, p2, p3, p4, p5, p6)                                                        \
  if constexpr (N == N_)                                                                                                \
    asm volatile(FOVEA_WGMMA_BEGIN(N_, "k8.", "tf32", p5) "{%" #p0 ",%" #p1 ",%" #p2 ",%" #p3 "}, %" #p4 ", p, 1, 1; }" \
                 : FOVEA_WGMMA_OUT_##N_                                                                                 \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(accumulate)));
#define FOVEA_WGMMA(name, shared, registers)                                                     \
  template <int N, bool a_mn = false, bool b_mn = false>                                         \
  FOVEA_DEVICE void name(float(&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {            \
    static_assert(N % 8 == 0 && N >= 8 && N <= 256);                                             \
    FOVEA_WGMMA_EACH(shared)                                                                     \
  }                                                                                              \
  template <int N, bool b_mn = false>                                                            \
  FOVEA_DEVICE void name(float(&d)[N / 2], const uint32_t(&a)[4], uint64_t b, bool accumulate) { \
    static_assert(N % 8 == 0 && N >= 8 && N <= 256);                                             \
    FOVEA_WGMMA_EACH(registers)                                                                  \
  }
#endif
#if FOVEA_EMULATED
FOVEA_WGMMA(wgmma_bf16, bf16)
FOVEA_WGMMA(wgmma_f16, f16)
FOVEA_WGMMA(wgmma_tf32, tf32)
#else
#define FOVEA_WGMMA_TYPE "bf16"
FOVEA_WGMMA(wgmma_bf16, FOVEA_WGMMA_16_SHARED, FOVEA_WGMMA_16_REGISTERS)
#undef FOVEA_WGMMA_TYPE
#define FOVEA_WGMMA_TYPE "f16"
FOVEA_WGMMA(wgmma_f16, FOVEA_WGMMA_16_SHARED, FOVEA_WGMMA_16_REGISTERS)
#undef FOVEA_WGMMA_TYPE
FOVEA_WGMMA(wgmma_tf32, FOVEA_WGMMA_32_SHARED, FOVEA_WGMMA_32_REGISTERS)
#undef FOVEA_WGMMA_16_SHARED
#undef FOVEA_WGMMA_16_REGISTERS
#undef FOVEA_WGMMA_32_SHARED
#undef FOVEA_WGMMA_32_REGISTERS
#undef FOVEA_WGMMA_BEGIN
#endif
#undef FOVEA_WGMMA

// Moves registers between warp groups: consumers allocate what the producer releases.
template <int count>
FOVEA_DEVICE void register_allocate() {
#if !FOVEA_EMULATED
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
#endif
}
template <int count>
FOVEA_DEVICE void register_release() {
#if !FOVEA_EMULATED
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
#endif
}

}  // namespace fovea::cuda
#endif
