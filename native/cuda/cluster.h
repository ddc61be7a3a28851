// Clusters of blocks (sm_90) and dependent launches.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

#if FOVEA_CUDA_SM90
// Every thread of the cluster. Needed before a block exits whose shared memory a neighbour may still read.
FOVEA_DEVICE void cluster_sync(FOVEA_CUDA_ONLY_SITE) {
#if FOVEA_EMULATED
  emulator::group_barrier(false, FOVEA_AT);
#else
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
#endif
}
FOVEA_DEVICE unsigned cluster_blocks() {
#if FOVEA_EMULATED
  return emulator::cluster_blocks();
#else
  unsigned n;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
  return n;
#endif
}
FOVEA_DEVICE unsigned cluster_rank() {
#if FOVEA_EMULATED
  return emulator::cluster_rank();
#else
  unsigned r;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
  return r;
#endif
}
// The same place in the dynamic shared memory of another block of the cluster.
template <class T>
FOVEA_DEVICE T* map_shared_rank(T* p, unsigned rank) {
#if FOVEA_EMULATED
  return static_cast<T*>(emulator::map_to_rank(p, rank));
#else
  T* q;
  asm("mapa.u64 %0, %1, %2;" : "=l"(q) : "l"(p), "r"(rank));
  return q;
#endif
}

// ---- programmatic dependent launch (LaunchOptions::overlap) ----
// Until the kernels before it on the stream have finished: nothing they wrote may be read, and nothing written at all, before.
FOVEA_DEVICE void grid_dependency_wait() {
#if FOVEA_EMULATED
  emulator::dependency_wait();
#else
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
// The next kernel may start once every block has said so or ended; its grid_dependency_wait() still waits for our end.
FOVEA_DEVICE void grid_dependency_launch() {
#if !FOVEA_EMULATED
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
#else  // before sm_90 every kernel waits for the one before
FOVEA_DEVICE void grid_dependency_wait() {}
FOVEA_DEVICE void grid_dependency_launch() {}
#endif

}  // namespace fovea::cuda
