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
FOVEA_ATOMIC(atomicAdd, T(o + v));
FOVEA_ATOMIC(atomicSub, T(o - v));
FOVEA_ATOMIC(atomicExch, v);
FOVEA_ATOMIC(atomicMin, v < o ? v : o);
FOVEA_ATOMIC(atomicMax, v > o ? v : o);
FOVEA_ATOMIC(atomicAnd, T(o& v));
FOVEA_ATOMIC(atomicOr, T(o | v));
FOVEA_ATOMIC(atomicXor, T(o ^ v));
FOVEA_ATOMIC(atomicInc, o >= v ? T(0) : T(o + 1));
FOVEA_ATOMIC(atomicDec, o == 0 || o > v ? v : T(o - 1));
#undef FOVEA_ATOMIC

template <class T>
T atomicCAS(T* p, typename fovea::emulator::Same<T>::type expected, typename fovea::emulator::Same<T>::type v) {
  return fovea::emulator::rmw(p, [=](T o) { return o == expected ? v : o; });
}
// sm_90: pairs and quadruples of floats, each element atomic on its own.
inline float2 atomicAdd(float2* p, float2 v) { return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y)}; }
inline float4 atomicAdd(float4* p, float4 v) {
  return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y), atomicAdd(&p->z, v.z), atomicAdd(&p->w, v.w)};
}
