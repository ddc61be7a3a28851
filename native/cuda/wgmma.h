// wgmma (sm_90a): matrix products of a warp group (128 threads) with operands in shared memory, asynchronous.
#pragma once
#include "cuda/base.h"

#if FOVEA_CUDA_SM90A
namespace fovea::cuda {

// Shared-memory matrix descriptor, offsets in bytes. K-major with 128-byte swizzle: stride = 1024, leading is ignored. No
// swizzle: 8x16-byte core matrices of 128 contiguous bytes, `leading` between neighbours along K, `stride` along M or N.
FOVEA_DEVICE uint64_t wgmma_descriptor(const void* p, unsigned leading, unsigned stride, bool swizzle128) {
  return uint64_t((shared_address(p) & 0x3FFFF) >> 4) | uint64_t(leading >> 4) << 16 | uint64_t(stride >> 4) << 32 |
         uint64_t(swizzle128) << 62;
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

#if !FOVEA_EMULATED
#define FOVEA_F8(i) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#endif
// d[64xN] (+)= a[64x16] b[16xN] in bf16. Pass accumulate = false in a peeled first step instead of zeroing d (ptxas C7515).
template <int N>
FOVEA_DEVICE void wgmma_bf16(float (&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {
#if FOVEA_EMULATED
  emulator::wgmma(d, N, a, b, accumulate, false);
#else
  static_assert(N == 64 || N == 128, "add the shape here");
  if constexpr (N == 64)
    asm volatile(
        "{ .reg .pred p; setp.ne.b32 p, %34, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%"
        "31}, %32, %33, p, 1, 1, 0, 0; }"
        : FOVEA_F8(0), FOVEA_F8(8), FOVEA_F8(16), FOVEA_F8(24)
        : "l"(a), "l"(b), "r"(int(accumulate)));
  else
    asm volatile(
        "{ .reg .pred p; setp.ne.b32 p, %66, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%"
        "31,"
        "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%"
        "61,%62,%63}, %64, %65, p, 1, 1, 0, 0; }"
        : FOVEA_F8(0), FOVEA_F8(8), FOVEA_F8(16), FOVEA_F8(24), FOVEA_F8(32), FOVEA_F8(40), FOVEA_F8(48), FOVEA_F8(56)
        : "l"(a), "l"(b), "r"(int(accumulate)));
#endif
}
#if !FOVEA_EMULATED
#undef FOVEA_F8
#endif

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
