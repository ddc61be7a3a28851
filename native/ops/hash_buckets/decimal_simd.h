// Decimal text of 64-bit integers, a vector of them at a time.
#pragma once

#include "ops/hash_buckets/words_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Eight decimal digits of n < 10^8, one a byte, the first in the lowest: all at once by multiplication with reciprocals,
// 2^40/10^4, 2^20/100 and 2^10/10 rounded up, which are exact for eight, four and two digits.
FOVEA_INLINE W eight_digits(W n) {
  const W thousands = shift_right<40>(n * setw(109951163));
  const W fours = thousands + shift_left<32>(n - thousands * setw(10000));
  const W hundreds = shift_right<20>(fours * setw(10486)) & setw(0x0000007f0000007f);
  const W pairs = shift_left<16>(fours - hundreds * setw(100)) + hundreds;
  const W tens = shift_right<10>(pairs * setw(103)) & setw(0x000f000f000f000f);
  return tens + shift_left<8>(pairs - tens * setw(10));
}

// n / 10^8.
FOVEA_INLINE W groups_of_eight(W n) { return shift_right<26>(multiply_high(n, setw(0xabcc77118461cefd))); }

}  // namespace fovea::FOVEA_ISA_NAMESPACE
