// Emulated __nv_bfloat16 and __half: storage, conversion (round to nearest even) and the few operators kernels use.
#pragma once
#include <cuda_runtime.h>
struct __nv_bfloat16 {
  uint16_t bits;
  __nv_bfloat16() = default;
  __nv_bfloat16(float f) {
    unsigned u = __float_as_uint(f);
    bits = (u & 0x7fffffff) > 0x7f800000 ? 0x7fff : uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  operator float() const { return __uint_as_float(unsigned(bits) << 16); }
};
struct __half {
  uint16_t bits;
  __half() = default;
  __half(float f) {
    _Float16 h = _Float16(f);
    memcpy(&bits, &h, 2);
  }
  operator float() const {
    _Float16 h;
    memcpy(&h, &bits, 2);
    return float(h);
  }
};
struct __attribute__((aligned(4))) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};
struct __attribute__((aligned(4))) __half2 {
  __half x, y;
};
inline float __bfloat162float(__nv_bfloat16 b) { return b; }
inline __nv_bfloat16 __float2bfloat16(float f) { return f; }
inline __nv_bfloat16 __float2bfloat16_rn(float f) { return f; }
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {a, b}; }
inline float2 __bfloat1622float2(__nv_bfloat162 v) { return {v.x, v.y}; }
inline float __half2float(__half h) { return h; }
inline __half __float2half(float f) { return f; }
inline __half __float2half_rn(float f) { return f; }
inline __half2 __floats2half2_rn(float a, float b) { return {a, b}; }
inline float2 __half22float2(__half2 v) { return {v.x, v.y}; }
inline float __low2float(__half2 v) { return v.x; }
inline float __high2float(__half2 v) { return v.y; }
