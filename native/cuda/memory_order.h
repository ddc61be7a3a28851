// Flags between blocks: a release store publishes what the thread (and, after a barrier, its block) has written, an acquire
// load that sees it makes that readable. A thread may wait for a block that is certain to run: one of the same cluster or
// cooperative grid, or one that counts itself in with an atomic; never by spinning on a plain or volatile load.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

#if FOVEA_EMULATED
template <class T>
__attribute__((no_sanitize("thread"))) T load_acquire(const T* p) {
  emulator::after_acquire(p, sizeof(T));
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
template <class T>
__attribute__((no_sanitize("thread"))) void store_release(T* p, typename emulator::Same<T>::type v) {
  emulator::before_release(p, sizeof(T));
  __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
#else
#define FOVEA_ORDERED(T, bits, constraint)                                                        \
  FOVEA_DEVICE T load_acquire(const T* p) {                                                       \
    T v;                                                                                          \
    asm volatile("ld.acquire.gpu.global." bits " %0, [%1];" : constraint(v) : "l"(p) : "memory"); \
    return v;                                                                                     \
  }
FOVEA_ORDERED(int, "b32", "=r")
FOVEA_ORDERED(unsigned, "b32", "=r")
FOVEA_ORDERED(float, "f32", "=f")
FOVEA_ORDERED(unsigned long long, "b64", "=l")
#undef FOVEA_ORDERED
#define FOVEA_ORDERED(T, bits, constraint)                                                       \
  FOVEA_DEVICE void store_release(T* p, T v) {                                                   \
    asm volatile("st.release.gpu.global." bits " [%0], %1;" ::"l"(p), constraint(v) : "memory"); \
  }
FOVEA_ORDERED(int, "b32", "r")
FOVEA_ORDERED(unsigned, "b32", "r")
FOVEA_ORDERED(float, "f32", "f")
FOVEA_ORDERED(unsigned long long, "b64", "l")
#undef FOVEA_ORDERED
#endif

// Counts a block in (or out), publishing what it has written and seeing what earlier counters published: the old value.
FOVEA_DEVICE unsigned add_acquire_release(unsigned* p, unsigned v) {
#if FOVEA_EMULATED
  emulator::before_release(p, sizeof *p);
  emulator::after_acquire(p, sizeof *p);
  return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL);
#else
  unsigned old;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], %2;" : "=r"(old) : "l"(p), "r"(v) : "memory");
  return old;
#endif
}

}  // namespace fovea::cuda
