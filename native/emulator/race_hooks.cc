// What g++ -fsanitize=thread calls: kernel files are compiled with it but not linked with its runtime, so the compiler reports
// every load and store of an untouched kernel source here.
#include "internal.h"

#if FOVEA_EMULATOR_RACE
#define HOOK(n)                                                                                                         \
  void __tsan_read##n(void* p) { fovea::emulator::access(p, n, fovea::emulator::Read, __builtin_return_address(0)); }   \
  void __tsan_write##n(void* p) { fovea::emulator::access(p, n, fovea::emulator::Write, __builtin_return_address(0)); } \
  void __tsan_unaligned_read##n(void* p) {                                                                              \
    fovea::emulator::access(p, n, fovea::emulator::Read, __builtin_return_address(0));                                  \
  }                                                                                                                     \
  void __tsan_unaligned_write##n(void* p) {                                                                             \
    fovea::emulator::access(p, n, fovea::emulator::Write, __builtin_return_address(0));                                 \
  }
#define ATOM(b, T)                                                                                \
  T __tsan_atomic##b##_load(const volatile T* p, int) { return __atomic_load_n(p, 5); }           \
  void __tsan_atomic##b##_store(volatile T* p, T v, int) { __atomic_store_n(p, v, 5); }           \
  T __tsan_atomic##b##_exchange(volatile T* p, T v, int) { return __atomic_exchange_n(p, v, 5); } \
  T __tsan_atomic##b##_fetch_add(volatile T* p, T v, int) { return __atomic_fetch_add(p, v, 5); } \
  T __tsan_atomic##b##_fetch_sub(volatile T* p, T v, int) { return __atomic_fetch_sub(p, v, 5); } \
  int __tsan_atomic##b##_compare_exchange_strong(volatile T* p, T* c, T v, int, int) {            \
    return __atomic_compare_exchange_n(p, c, v, 0, 5, 5);                                         \
  }                                                                                               \
  int __tsan_atomic##b##_compare_exchange_weak(volatile T* p, T* c, T v, int, int) {              \
    return __atomic_compare_exchange_n(p, c, v, 0, 5, 5);                                         \
  }
extern "C" {
HOOK(1)
HOOK(2)
HOOK(4)
HOOK(8)
HOOK(16) ATOM(8, uint8_t) ATOM(16, uint16_t) ATOM(32, uint32_t) ATOM(64, uint64_t) void __tsan_read_range(void* p, size_t n) {
  fovea::emulator::access(p, n, fovea::emulator::Read, __builtin_return_address(0));
}
void __tsan_write_range(void* p, size_t n) {
  fovea::emulator::access(p, n, fovea::emulator::Write, __builtin_return_address(0));
}
void __tsan_volatile_read4(void* p) { fovea::emulator::access(p, 4, fovea::emulator::Read, __builtin_return_address(0)); }
void __tsan_volatile_write4(void* p) { fovea::emulator::access(p, 4, fovea::emulator::Write, __builtin_return_address(0)); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(5); }
void __tsan_atomic_signal_fence(int) {}
}
#endif
