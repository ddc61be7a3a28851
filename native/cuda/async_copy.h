// cp.async (sm_80 and later) and named barriers of part of a block.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

// Copies `bytes` (4, 8 or 16; both addresses aligned to them) from global to shared memory behind the thread's back; of these
// only the first `valid` are read, the rest is zero. Lands at the cp_async_wait that covers its group.
template <int bytes>
FOVEA_DEVICE void cp_async(void* dst, const void* src, int valid = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
#if FOVEA_EMULATED
  emulator::cp_async(dst, src, bytes, unsigned(valid));
#else
  if constexpr (bytes == 16)  // past the first-level cache
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(dst)), "l"(src), "r"(valid) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(dst)), "l"(src), "n"(bytes), "r"(valid)
                 : "memory");
#endif
}
// All or nothing: zeros when not valid (then `src` is not read, but must still be an aligned pointer).
FOVEA_DEVICE void cp_async16(void* dst, const void* src, bool valid = true) { cp_async<16>(dst, src, valid ? 16 : 0); }
// Closes the group of the copies issued since the last commit; an empty group counts too.
FOVEA_DEVICE void cp_async_commit() {
#if FOVEA_EMULATED
  emulator::cp_async_commit();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Until at most `pending` of this thread's groups are still in flight. Other threads' copies need a barrier after it.
template <int pending>
FOVEA_DEVICE void cp_async_wait() {
#if FOVEA_EMULATED
  emulator::cp_async_wait(pending);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}

// Barrier `id` (1 to 15) among `threads` threads, a multiple of 32.
FOVEA_DEVICE void named_barrier_sync(int id, int threads FOVEA_CUDA_SITE) {
#if FOVEA_EMULATED
  emulator::barrier(unsigned(id), unsigned(threads), true, false, FOVEA_AT);
#else
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
#endif
}
FOVEA_DEVICE void named_barrier_arrive(int id, int threads FOVEA_CUDA_SITE) {
#if FOVEA_EMULATED
  emulator::barrier(unsigned(id), unsigned(threads), false, false, FOVEA_AT);
#else
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
#endif
}

}  // namespace fovea::cuda
