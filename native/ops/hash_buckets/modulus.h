// Remainders by a divisor that stays: a multiplication instead of a division (Granlund and Montgomery, 1994; the variant
// without branches of libdivide). q = mulhi(magic, n); q = ((n - q)/2 + q) >> shift; n mod divisor = n - q * divisor.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace fovea {

struct Modulus {
  uint64_t divisor;  // 0: n itself
  uint64_t magic;
  int32_t shift;
};

// Not for 1, whose remainders need no number at all.
inline Modulus make_modulus(uint64_t divisor) {
  if (divisor == 0) return {0, 0, 0};
  const int log2 = 63 - __builtin_clzll(divisor);
  if ((divisor & (divisor - 1)) == 0) return {divisor, 0, log2 - 1};  // q = n/2 >> (log2 - 1)
  // magic = floor(2^(65 + log2) / divisor) + 1 without its highest bit, 2^64, which the formula puts back.
  __extension__ typedef unsigned __int128 Wide;
  const Wide power = static_cast<Wide>(uint64_t{1} << log2) << 64;
  uint64_t magic = static_cast<uint64_t>(power / divisor) * 2;
  const uint64_t rest = static_cast<uint64_t>(power % divisor), twice = rest * 2;
  if (twice >= divisor || twice < rest) ++magic;
  return {divisor, magic + 1, log2};
}

FOVEA_ALWAYS_INLINE uint64_t remainder(uint64_t n, const Modulus& m) {
  __extension__ typedef unsigned __int128 Wide;
  const uint64_t q = static_cast<uint64_t>(static_cast<Wide>(m.magic) * n >> 64);
  return n - ((((n - q) >> 1) + q) >> m.shift) * m.divisor;
}

}  // namespace fovea
