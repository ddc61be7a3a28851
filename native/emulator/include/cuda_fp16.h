// Emulated __half: storage, conversions and the arithmetic that kernels use. Sums and products are rounded once, as on the
// device.
#pragma once
#include <cuda_runtime.h>

#include "emulated/narrow.h"

struct __half {
  uint16_t bits;
  __half() = default;
  __half(float f) : bits(fovea::emulator::f16_bits(f)) {}
  __half(double d) : bits(fovea::emulator::f16_bits(d)) {}
  __half(int i) : __half(double(i)) {}
  operator float() const { return fovea::emulator::f16_value(bits); }
};
struct __attribute__((aligned(4))) __half2 {
  __half x, y;
};

// ---- conversions ----
inline float __half2float(__half h) { return h; }
inline __half __float2half(float f) { return f; }
inline __half __float2half_rn(float f) { return f; }
inline __half __double2half(double d) { return d; }
inline __half __int2half_rn(int i) { return i; }
inline int __half2int_rn(__half h) { return __float2int_rn(h); }
inline __half2 __floats2half2_rn(float a, float b) { return {a, b}; }
inline __half2 __float2half2_rn(float a) { return {a, a}; }
inline __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
inline float2 __half22float2(__half2 v) { return {v.x, v.y}; }
inline float __low2float(__half2 v) { return v.x; }
inline float __high2float(__half2 v) { return v.y; }
inline __half2 __half2half2(__half a) { return {a, a}; }
inline __half2 __halves2half2(__half a, __half b) { return {a, b}; }
inline __half2 make_half2(__half a, __half b) { return {a, b}; }
inline __half __low2half(__half2 v) { return v.x; }
inline __half __high2half(__half2 v) { return v.y; }
inline __half2 __lows2half2(__half2 a, __half2 b) { return {a.x, b.x}; }
inline __half2 __highs2half2(__half2 a, __half2 b) { return {a.y, b.y}; }
inline __half2 __lowhigh2highlow(__half2 a) { return {a.y, a.x}; }
inline unsigned short __half_as_ushort(__half h) { return h.bits; }
inline __half __ushort_as_half(unsigned short u) {
  __half h;
  h.bits = u;
  return h;
}

#define FOVEA_NARROW __half
#define FOVEA_NARROW2 __half2
#include "emulated/narrow_arithmetic.h"
#undef FOVEA_NARROW
#undef FOVEA_NARROW2

using half = __half;
using half2 = __half2;
