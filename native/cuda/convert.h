// Conversions of floats for the tensor cores.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

// Two floats rounded to nearest even into one register, `low` in the low half.
FOVEA_DEVICE uint32_t pack_bf16(float low, float high) {
#if FOVEA_EMULATED
  return emulator::bf16_bits(low) | uint32_t(emulator::bf16_bits(high)) << 16;
#else
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
#endif
}
FOVEA_DEVICE uint32_t pack_f16(float low, float high) {
#if FOVEA_EMULATED
  return emulator::f16_bits(low) | uint32_t(emulator::f16_bits(high)) << 16;
#else
  uint32_t r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
#endif
}
// Back again.
FOVEA_DEVICE float2 unpack_bf16(uint32_t pair) {
  return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}
FOVEA_DEVICE float2 unpack_f16(uint32_t pair) {
  return make_float2(__half2float(__ushort_as_half((unsigned short)(pair & 0xffff))),
                     __half2float(__ushort_as_half((unsigned short)(pair >> 16))));
}

// A float rounded to tf32 (10 bits of fraction), ties away from zero; the low 13 bits of the result are zero.
FOVEA_DEVICE uint32_t round_tf32(float f) {
#if FOVEA_EMULATED
  const uint32_t u = __float_as_uint(f);
  return (u & 0x7fffffff) > 0x7f800000 ? 0x7fffffffu : (u & 0x7f800000) == 0x7f800000 ? u : (u + 0x1000) & ~0x1fffu;
#else
  uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(f));
  return r;
#endif
}
// f = big + small, each a tf32, up to 2^-22 of f: three products of such pairs give nearly float precision (3xTF32). Where big
// is infinite or NaN, small is 0.
FOVEA_DEVICE void split_tf32(float f, uint32_t& big, uint32_t& small) {
  big = round_tf32(f);
  small = (big & 0x7f800000u) == 0x7f800000u ? 0 : round_tf32(f - __uint_as_float(big));
}

// 2^x and 1 / x of the special function unit: fast, about 2 ulp, denormal results become 0.
FOVEA_DEVICE float fast_exp2(float x) {
#if FOVEA_EMULATED
  return exp2f(x);
#else
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
#endif
}
FOVEA_DEVICE float fast_reciprocal(float x) {
#if FOVEA_EMULATED
  return 1.f / x;
#else
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
#endif
}
FOVEA_DEVICE float fast_tanh(float x) {  // about 2^-11 relative
#if FOVEA_EMULATED
  return tanhf(x);
#else
  float r;
  asm("tanh.approx.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
#endif
}

}  // namespace fovea::cuda
