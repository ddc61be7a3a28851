// Fingerprint64 of eight strings of at most 64 bytes side by side, with AVX-512. All formulas begin with words at the two ends
// of a string, so these are loaded alike for every length, also where they reach beyond a short string, and each formula takes
// the bytes that belong to it. Formulas that no lane needs are skipped.
#pragma once

#include "ops/hash_buckets/words_simd.h"

#if defined(__AVX512DQ__)

namespace fovea::FOVEA_ISA_NAMESPACE {

// Words that begin at byte 0 and 8, and 16 and 8 bytes before the end.
struct Ends {
  W first, second, before_last, last, length;
};

// Words that begin at byte 16 and 24, and 32 and 24 bytes before the end.
struct Middle {
  W third, fourth, fourth_last, third_last;
};

FOVEA_INLINE W mix(W u, W v, W mul) {
  const W a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

FOVEA_INLINE W multiplier(W length) { return setw(farmhash::k2) + shift_left<1>(length); }

// For 17 to 32 bytes the hash is mix(y, z, mul), for 33 to 64 it goes on from there; these differ in the factor of the first
// word.
FOVEA_INLINE void mix_from_17(const Ends& s, W a, W mul, W& y, W& z) {
  const W c = s.last * mul;
  y = rotate_right<43>(a + s.second) + rotate_right<30>(c) + s.before_last * setw(farmhash::k2);
  z = a + rotate_right<18>(s.second + setw(farmhash::k2)) + c;
}

FOVEA_INLINE W hash_to_3(const Ends& s) {
  const W byte = setw(0xff), middle = shift_right(s.first, shift_left<3>(shift_right<1>(s.length)));
  const W y = (s.first & byte) + shift_left<8>(middle & byte), z = s.length + shift_left<2>(shift_right<56>(s.last));
  const W hash = shift_mix(y * setw(farmhash::k2) ^ z * setw(farmhash::k0)) * setw(farmhash::k2);
  return blend(above(s.length, 0), setw(farmhash::k2), hash);
}

FOVEA_INLINE W hash_to_32(const Ends& s) {
  const W mul = multiplier(s.length);
  const __mmask8 from_4 = above(s.length, 3), from_8 = above(s.length, 7), from_17 = above(s.length, 16);
  W u = s.length + shift_left<3>(s.first & setw(0xffffffff)), v = shift_right<32>(s.last);
  if (from_8 != 0) {
    const W a = s.first + setw(farmhash::k2);
    u = blend(from_8, u, rotate_right<37>(s.last) * mul + a);
    v = blend(from_8, v, (rotate_right<25>(a) + s.last) * mul);
  }
  if (from_17 != 0) {
    W y, z;
    mix_from_17(s, s.first * setw(farmhash::k1), mul, y, z);
    u = blend(from_17, u, y);
    v = blend(from_17, v, z);
  }
  const W hash = mix(u, v, mul);
  return from_4 == 0xff ? hash : blend(from_4, hash_to_3(s), hash);
}

// `from_33` marks the lanes above 32 bytes.
FOVEA_INLINE W hash_to_64(const Ends& s, const Middle& m, __mmask8 from_33) {
  const W mul = multiplier(s.length), a = s.first * setw(farmhash::k2);
  W y, z;
  mix_from_17(s, a, mul, y, z);
  z = mix(y, z, mul);
  const W e = m.third * mul, g = (y + m.fourth_last) * mul, h = (z + m.third_last) * mul;
  const W hash = mix(rotate_right<43>(e + m.fourth) + rotate_right<30>(g) + h, e + rotate_right<18>(m.fourth + a) + g, mul);
  return from_33 == 0xff ? hash : blend(from_33, hash_to_32(s), hash);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE

#endif
