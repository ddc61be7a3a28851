// Narrow weight formats, one value at a time: what prepare and the reference compute, and what the vector bodies repeat.
//
// A 32-bit word of a panel holds one column's weights for one step along K, K padded with zeros:
//   BF16: k0 in the low half, k1 in the high half.
//   INT8: bytes k0 k2 k1 k3, so that the even and the odd bytes, widened in place to 16 bits, are pairs of neighbours.
// INT8 panels are followed by two rows of padded_columns: f32 scales, then int32 -128 * (sum of the column's weights), which
// undoes the offset that makes x unsigned for vpdpbusd.
//
// INT8: x and w are scaled by 127/max|.| and rounded to nearest even. A row whose max is below kTiny counts as zeros: its scale
// would be denormal. A row with a value that is not finite has scale NaN, which makes the row's results (the output, for a row
// of weights) NaN. |sum of products| <= K * 127 * 127 must fit int32, hence kMostInt8Inputs; sums with the offset wrap and
// unwrap.
#pragma once

#include <cstdint>
#include <cstring>

namespace fovea {

inline constexpr int64_t kMostInt8Inputs = 133144;
inline constexpr float kTiny = 1e-35f;

static inline uint16_t to_bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);  // NaN stays NaN
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

static inline float from_bf16(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// q = nearest(x * inverse) and x ~ q * scale.
struct Int8Scale {
  float inverse, scale;
};

[[gnu::always_inline]] inline Int8Scale int8_scale(float largest, bool finite) {
  if (!finite) return {0.0f, __builtin_nanf("")};
  return largest < kTiny ? Int8Scale{0.0f, 0.0f} : Int8Scale{127.0f / largest, largest / 127.0f};
}

static inline Int8Scale int8_scale_of(const float* x, int64_t n) {
  float largest = 0;
  bool finite = true;
  for (int64_t k = 0; k < n; ++k) {
    const float a = __builtin_fabsf(x[k]);
    finite = finite && a < __builtin_inff();
    largest = a > largest ? a : largest;
  }
  return int8_scale(largest, finite);
}

// inverse 0 marks rows of zeros and rows that are not finite: 0 * inf would not be a number to round.
static inline int32_t to_int8(float x, float inverse) {
  return inverse == 0.0f ? 0 : static_cast<int32_t>(__builtin_nearbyintf(x * inverse));
}

// Byte of a word that holds k, k mod 4.
static constexpr int int8_byte(int64_t k) { return k % 4 == 1 ? 2 : k % 4 == 2 ? 1 : static_cast<int>(k % 4); }

}  // namespace fovea
