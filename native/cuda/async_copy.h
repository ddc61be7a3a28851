// cp.async (sm_80 and later) and named barriers of part of a block.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

// Copies 16 bytes from global to shared memory behind the thread's back; zeros when not valid (then `src` is not read, but
// must still be an aligned pointer). Lands at the cp_async_wait that covers its group.
FOVEA_DEVICE void cp_async16(void* dst, const void* src, bool valid = true) {
#if FOVEA_EMULATED
  emulator::cp_async(dst, src, 16, valid);
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(dst)), "l"(src), "r"(valid ? 16 : 0)
               : "memory");
#endif
}
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
