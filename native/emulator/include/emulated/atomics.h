// Atomics: real ones, because blocks may run on several OS threads.
#pragma once
#include "emulated/hooks.h"

namespace fovea::emulator {
template <class T, class F>
__attribute__((no_sanitize("thread"))) T rmw(T* p, F f) {
  using U = std::conditional_t<sizeof(T) == 4, uint32_t, std::conditional_t<sizeof(T) == 8, uint64_t, uint16_t>>;
  atomic_begin(p, sizeof(T));
  U old = __atomic_load_n((U*)p, __ATOMIC_RELAXED), neu;
  T o, n;
  do {
    memcpy((void*)&o, &old, sizeof o);
    n = f(o);
    memcpy(&neu, &n, sizeof n);
  } while (!__atomic_compare_exchange_n((U*)p, &old, neu, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return o;
}
template <class T>
struct Same {
  using type = T;
};
}  // namespace fovea::emulator
#define FOVEA_ATOMIC(name, expr)                            \
  template <class T>                                        \
  T name(T* p, typename fovea::emulator::Same<T>::type v) { \
    return fovea::emulator::rmw(p, [=](T o) -> T {          \
      (void)o;                                              \
      return expr;                                          \
    });                                                     \
  }
FOVEA_ATOMIC(atomicAdd, o + v)
FOVEA_ATOMIC(atomicSub, o - v)
FOVEA_ATOMIC(atomicExch, v)
FOVEA_ATOMIC(atomicMin, v < o ? v : o)
FOVEA_ATOMIC(atomicMax, v > o ? v : o) FOVEA_ATOMIC(atomicAnd, o& v) FOVEA_ATOMIC(atomicOr, o | v)
    FOVEA_ATOMIC(atomicXor, o ^ v) FOVEA_ATOMIC(atomicInc, o >= v ? T(0) : T(o + 1))
        FOVEA_ATOMIC(atomicDec, o == 0 || o > v ? v : T(o - 1))
#undef FOVEA_ATOMIC
            template <class T>
            T atomicCAS(T* p, typename fovea::emulator::Same<T>::type c, typename fovea::emulator::Same<T>::type v) {
  return fovea::emulator::rmw(p, [=](T o) { return o == c ? v : o; });
}
