// Barriers of a block and the collectives of a warp.
#pragma once
#include "emulated/hooks.h"

inline void __syncthreads(FOVEA_SITE) {
  fovea::emulator::barrier(0, blockDim.x * blockDim.y * blockDim.z, true, true, FOVEA_AT);
}
inline int __syncthreads_count(int p, FOVEA_SITE) { return fovea::emulator::barrier_reduce(p, 0, FOVEA_AT); }
inline int __syncthreads_and(int p, FOVEA_SITE) { return fovea::emulator::barrier_reduce(p, 1, FOVEA_AT); }
inline int __syncthreads_or(int p, FOVEA_SITE) { return fovea::emulator::barrier_reduce(p, 2, FOVEA_AT); }
inline void __syncwarp(unsigned mask = ~0u, FOVEA_SITE) {
  fovea::emulator::warp_op(
      mask, "__syncwarp", nullptr, [](void* const*, unsigned) {}, FOVEA_AT, true);
}
template <class T>
T __shfl_sync(unsigned m, T v, int src, int w = 32, FOVEA_SITE) {
  return fovea::emulator::shuffle(m, v, (fovea::emulator::lane_id() & ~(w - 1)) | (src & (w - 1)), FOVEA_AT);
}
template <class T>
T __shfl_xor_sync(unsigned m, T v, int x, int w = 32, FOVEA_SITE) {
  int l = fovea::emulator::lane_id(), s = l ^ x;
  return fovea::emulator::shuffle(m, v, s < (l | (w - 1)) + 1 ? s : l, FOVEA_AT);
}
template <class T>
T __shfl_up_sync(unsigned m, T v, unsigned d, int w = 32, FOVEA_SITE) {
  int l = fovea::emulator::lane_id(), s = l - int(d);
  return fovea::emulator::shuffle(m, v, s < (l & ~(w - 1)) ? l : s, FOVEA_AT);
}
template <class T>
T __shfl_down_sync(unsigned m, T v, unsigned d, int w = 32, FOVEA_SITE) {
  int l = fovea::emulator::lane_id(), s = l + int(d);
  return fovea::emulator::shuffle(m, v, s > (l | (w - 1)) ? l : s, FOVEA_AT);
}
inline unsigned __ballot_sync(unsigned mask, int pred, FOVEA_SITE) {
  return fovea::emulator::reduce(mask, pred ? 1u << fovea::emulator::lane_id() : 0u, "__ballot_sync", std::bit_or<>{},
                                 FOVEA_AT);
}
inline int __any_sync(unsigned m, int p, FOVEA_SITE) { return __ballot_sync(m, p, FOVEA_AT) != 0; }
inline int __all_sync(unsigned m, int p, FOVEA_SITE) { return __ballot_sync(m, !p, FOVEA_AT) == 0; }
#define FOVEA_REDUCE(name, T, F) \
  inline T name(unsigned m, T v, FOVEA_SITE) { return fovea::emulator::reduce(m, v, #name, F{}, FOVEA_AT); }
FOVEA_REDUCE(__reduce_add_sync, unsigned, std::plus<>);
FOVEA_REDUCE(__reduce_add_sync, int, std::plus<>);
FOVEA_REDUCE(__reduce_min_sync, unsigned, fovea::emulator::Min);
FOVEA_REDUCE(__reduce_min_sync, int, fovea::emulator::Min);
FOVEA_REDUCE(__reduce_max_sync, unsigned, fovea::emulator::Max);
FOVEA_REDUCE(__reduce_max_sync, int, fovea::emulator::Max);
FOVEA_REDUCE(__reduce_and_sync, unsigned, std::bit_and<>);
FOVEA_REDUCE(__reduce_or_sync, unsigned, std::bit_or<>);
FOVEA_REDUCE(__reduce_xor_sync, unsigned, std::bit_xor<>);
#undef FOVEA_REDUCE

// Which lanes hold this lane's value.
template <class T>
unsigned __match_any_sync(unsigned mask, T v, FOVEA_SITE) {
  struct Argument {
    T in;
    unsigned out;
  } a{v, 0};
  fovea::emulator::warp_op(
      mask, "__match_any_sync", &a,
      [](void* const* p, unsigned m) {
        fovea::emulator::lanes_of(m, [&](unsigned l) {
          fovea::emulator::lanes_of(m, [&](unsigned k) {
            if (((Argument*)p[l])->in == ((Argument*)p[k])->in) ((Argument*)p[l])->out |= 1u << k;
          });
        });
      },
      FOVEA_AT);
  return a.out;
}
// The mask if all lanes hold the same value, else 0.
template <class T>
unsigned __match_all_sync(unsigned mask, T v, int* same, FOVEA_SITE) {
  const unsigned peers = __match_any_sync(mask, v, FOVEA_AT);
  *same = __reduce_and_sync(mask, peers, FOVEA_AT) == __reduce_or_sync(mask, peers, FOVEA_AT);
  return *same ? peers : 0;
}

inline void __threadfence() { fovea::emulator::fence(true); }
inline void __threadfence_system() { fovea::emulator::fence(true); }
inline void __threadfence_block() { fovea::emulator::fence(false); }
inline void __nanosleep(unsigned) { fovea::emulator::yield(); }
[[noreturn]] inline void __trap() { fovea::emulator::fail("__trap()"); }
