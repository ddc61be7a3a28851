// What the emulator offers to the device part of a kernel source. FOVEA_SITE carries the caller's line into the reports.
#pragma once
#include "emulated/language.h"

#define FOVEA_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define FOVEA_AT file, line
namespace fovea::emulator {
using WarpFn = void (*)(void* const* args, unsigned lanes);  // args[l] = what lane l passed; lanes = who arrived
void warp_op(unsigned mask, const char* what, void* arg, WarpFn fn, FOVEA_SITE, bool orders_memory = false);
void barrier(unsigned id, unsigned count, bool wait, bool same_line, FOVEA_SITE);  // bar.sync / bar.arrive
int barrier_reduce(int pred, int op, FOVEA_SITE);                                  // __syncthreads_count / _and / _or
void group_barrier(bool whole_grid, FOVEA_SITE);                                   // cluster or cooperative grid
unsigned lane_id(), cluster_rank(), cluster_blocks();
void* dynamic_smem();
uint32_t smem_address(const void*);
void* map_to_rank(const void*, unsigned rank);
void yield();
void fence(bool device_wide);
void atomic_begin(const void* p, size_t n);  // race bookkeeping and a preemption point
[[noreturn]] void fail(const char* fmt, ...) __attribute__((format(printf, 1, 2)));
template <class F>
void lanes_of(unsigned m, F f) {
  for (; m; m &= m - 1) f(unsigned(__builtin_ctz(m)));
}
template <class T>
T garbage() {
  T t;
  memset((void*)&t, 0xFF, sizeof t);
  return t;
}
template <class T>
T shuffle(unsigned mask, T v, int from, FOVEA_SITE) {
  struct A {
    T in, out;
    int from;
  } a{v, v, from};
  warp_op(
      mask, "__shfl_sync", &a,
      [](void* const* p, unsigned m) {
        lanes_of(m, [&](unsigned l) {
          A& x = *(A*)p[l];
          x.out = m >> x.from & 1 ? ((A*)p[x.from])->in : garbage<T>();  // reading a lane outside the mask is undefined
        });
      },
      FOVEA_AT);
  return a.out;
}
template <class T, class F>
T reduce(unsigned mask, T v, const char* what, F, FOVEA_SITE) {
  struct A {
    T in, out;
  } a{v, v};
  warp_op(
      mask, what, &a,
      [](void* const* p, unsigned m) {
        T r{};
        bool first = true;
        lanes_of(m, [&](unsigned l) {
          T x = ((A*)p[l])->in;
          r = first ? x : F{}(r, x);
          first = false;
        });
        lanes_of(m, [&](unsigned l) { ((A*)p[l])->out = r; });
      },
      FOVEA_AT);
  return a.out;
}
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
}  // namespace fovea::emulator
