// FarmHash's Fingerprint64 (namespace farmhashna) and TensorFlow's FingerprintCat64, one value at a time.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace fovea::farmhash {

inline constexpr uint64_t k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273, k2 = 0x9ae16a3b2f90404f;
inline constexpr uint64_t kConcatenate = 0xc6a4a7935bd1e995;

FOVEA_ALWAYS_INLINE uint64_t word(const uint8_t* p) {
  uint64_t w;
  __builtin_memcpy(&w, p, sizeof w);
  return w;
}
FOVEA_ALWAYS_INLINE uint64_t half_word(const uint8_t* p) {
  uint32_t w;
  __builtin_memcpy(&w, p, sizeof w);
  return w;
}
FOVEA_ALWAYS_INLINE uint64_t rotate(uint64_t v, int right) { return v >> right | v << (64 - right); }
FOVEA_ALWAYS_INLINE uint64_t shift_mix(uint64_t v) { return v ^ v >> 47; }
FOVEA_ALWAYS_INLINE uint64_t mix(uint64_t u, uint64_t v, uint64_t mul) {
  const uint64_t a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

struct Pair {
  uint64_t first, second;
};
FOVEA_ALWAYS_INLINE Pair weak(const uint8_t* s, uint64_t a, uint64_t b) {
  a += word(s);
  b = rotate(b + a + word(s + 24), 21);
  const uint64_t c = a;
  a += word(s + 8) + word(s + 16);
  return {a + word(s + 24), b + rotate(a, 44) + c};
}

// At most 3 bytes.
FOVEA_ALWAYS_INLINE uint64_t hash_to_3(const uint8_t* s, uint64_t length) {
  if (length == 0) return k2;
  const uint64_t y = s[0] + (uint64_t{s[length >> 1]} << 8), z = length + (uint64_t{s[length - 1]} << 2);
  return shift_mix(y * k2 ^ z * k0) * k2;
}

// More than 64 bytes: 56 bytes of state over blocks of 64; the last block is the last 64 bytes and may overlap the one before.
FOVEA_ALWAYS_INLINE uint64_t hash_from_65(const uint8_t* s, uint64_t length) {
  constexpr uint64_t kSeed = 81;
  uint64_t x = kSeed * k2 + word(s), y = kSeed * k1 + 113, z = shift_mix(y * k2 + 113) * k2;
  Pair v{0, 0}, w{0, 0};
  const uint64_t tail = (length - 1) & 63;
  const uint8_t *const end = s + (length - 1 - tail), *const last = end + tail - 63;
  do {
    x = rotate(x + y + v.first + word(s + 8), 37) * k1;
    y = rotate(y + v.second + word(s + 48), 42) * k1;
    x ^= w.second;
    y += v.first + word(s + 40);
    z = rotate(z + w.first, 33) * k1;
    v = weak(s, v.second * k1, x + w.first);
    w = weak(s + 32, z + w.second, y + word(s + 16));
    const uint64_t old_x = x;
    x = z;
    z = old_x;
    s += 64;
  } while (s != end);
  const uint64_t mul = k1 + ((z & 0xff) << 1);
  s = last;
  w.first += tail;
  v.first += w.first;
  w.first += v.first;
  x = rotate(x + y + v.first + word(s + 8), 37) * mul;
  y = rotate(y + v.second + word(s + 48), 42) * mul;
  x ^= w.second * 9;
  y += v.first * 9 + word(s + 40);
  z = rotate(z + w.first, 33) * mul;
  v = weak(s, v.second * mul, x + w.first);
  w = weak(s + 32, z + w.second, y + word(s + 16));
  return mix(mix(v.first, w.first, mul) + shift_mix(y) * k0 + x, mix(v.second, w.second, mul) + z, mul);
}

FOVEA_ALWAYS_INLINE uint64_t fingerprint(const uint8_t* s, uint64_t length) {
  const uint64_t mul = k2 + length * 2;
  const uint8_t* const end = s + length;
  if (length <= 3) return hash_to_3(s, length);
  if (length <= 7) return mix(length + (half_word(s) << 3), half_word(end - 4), mul);
  if (length <= 16) {
    const uint64_t a = word(s) + k2, b = word(end - 8);
    return mix(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
  }
  if (length > 64) return hash_from_65(s, length);
  const uint64_t a = word(s) * (length <= 32 ? k1 : k2), b = word(s + 8), c = word(end - 8) * mul, d = word(end - 16) * k2;
  const uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d, z = mix(y, a + rotate(b + k2, 18) + c, mul);
  if (length <= 32) return z;
  const uint64_t e = word(s + 16) * mul, f = word(s + 24), g = (y + word(end - 32)) * mul, h = (z + word(end - 24)) * mul;
  return mix(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

}  // namespace fovea::farmhash
