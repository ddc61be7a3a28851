// The conversions behind __nv_bfloat16 and __half, all to nearest even with one rounding.
#pragma once
#include "emulated/math.h"

namespace fovea::emulator {

inline uint16_t bf16_bits(float f) {
  const unsigned u = __float_as_uint(f);
  return (u & 0x7fffffff) > 0x7f800000 ? 0x7fff : uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
// By way of a float rounded to odd, which keeps the second rounding from seeing a false tie.
inline uint16_t bf16_bits(double d) {
  float f = float(d);
  if (double(f) != d && std::isfinite(f)) {
    if (std::fabs(double(f)) > std::fabs(d)) f = __uint_as_float(__float_as_uint(f) - 1);
    f = __uint_as_float(__float_as_uint(f) | 1);
  }
  return bf16_bits(f);
}
inline float bf16_value(uint16_t bits) { return __uint_as_float(unsigned(bits) << 16); }

inline uint16_t f16_bits(double d) {
  if (d != d) return 0x7fff;
  const _Float16 h = _Float16(d);
  uint16_t bits;
  memcpy(&bits, &h, 2);
  return bits;
}
inline uint16_t f16_bits(float f) { return f16_bits(double(f)); }
inline float f16_value(uint16_t bits) {
  _Float16 h;
  memcpy(&h, &bits, 2);
  return float(h);
}

}  // namespace fovea::emulator
