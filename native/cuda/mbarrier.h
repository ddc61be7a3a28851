// mbarriers (sm_90): arrival counts and transaction bytes in eight bytes of shared memory; fences of the async proxy.
#pragma once
#include "cuda/base.h"

#if FOVEA_CUDA_SM90
namespace fovea::cuda {

FOVEA_DEVICE void mbarrier_init(uint64_t* bar, int count) {
#if FOVEA_EMULATED
  emulator::mbar_init(bar, unsigned(count));
#else
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(bar)), "r"(count) : "memory");
#endif
}
FOVEA_DEVICE void mbarrier_arrive(uint64_t* bar) {
#if FOVEA_EMULATED
  emulator::mbar_arrive(bar, 0);
#else
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(bar)) : "memory");
#endif
}
// Arrives and announces `bytes` of TMA copies that must land before the phase completes.
FOVEA_DEVICE void mbarrier_arrive_expect(uint64_t* bar, int bytes) {
#if FOVEA_EMULATED
  emulator::mbar_arrive(bar, unsigned(bytes));
#else
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(bar)), "r"(bytes) : "memory");
#endif
}
// Announces bytes without arriving.
FOVEA_DEVICE void mbarrier_expect(uint64_t* bar, int bytes) {
#if FOVEA_EMULATED
  emulator::mbar_arrive(bar, unsigned(bytes), false);
#else
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(shared_address(bar)), "r"(bytes) : "memory");
#endif
}
// Arrives at the barrier that lies at the same place in block `rank` of the cluster.
FOVEA_DEVICE void mbarrier_arrive_remote(uint64_t* bar, unsigned rank) {
#if FOVEA_EMULATED
  emulator::mbar_arrive(static_cast<uint64_t*>(emulator::map_to_rank(bar, rank)), 0);
#else
  asm volatile(
      "{ .reg .b32 remote; mapa.shared::cluster.u32 remote, %0, %1; "
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote]; }" ::"r"(shared_address(bar)),
      "r"(rank)
      : "memory");
#endif
}
// Has the phase with this parity completed? A fresh barrier is in phase 0: waiting for parity 1 passes at once.
FOVEA_DEVICE bool mbarrier_try_wait(uint64_t* bar, int parity FOVEA_CUDA_SITE) {
#if FOVEA_EMULATED
  return emulator::mbar_test(bar, unsigned(parity), false, FOVEA_AT);
#else
  uint32_t ok;
  asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
               : "=r"(ok)
               : "r"(shared_address(bar)), "r"(parity)
               : "memory");
  return ok;
#endif
}
FOVEA_DEVICE void mbarrier_wait(uint64_t* bar, int parity FOVEA_CUDA_SITE) {
#if FOVEA_EMULATED
  emulator::mbar_test(bar, unsigned(parity), true, FOVEA_AT);
#else
  while (!mbarrier_try_wait(bar, parity)) {
  }
#endif
}
// After mbarrier_init, by the thread that initialised, before a barrier and the first use by TMA or a peer block.
FOVEA_DEVICE void fence_mbarrier_init() {
#if FOVEA_EMULATED
  emulator::mbar_fence();
#else
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
// Makes this thread's ordinary writes to shared memory visible to TMA and wgmma; a barrier must follow.
FOVEA_DEVICE void fence_proxy_async() {
#if FOVEA_EMULATED
  emulator::proxy_fence();
#else
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

}  // namespace fovea::cuda
#endif
