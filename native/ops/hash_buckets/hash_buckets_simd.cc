#include "ops/hash_buckets/hash_buckets.h"

#include "core/thread_pool.h"
#include "ops/hash_buckets/decimal_simd.h"
#include "ops/hash_buckets/short_hash_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kGrain = 4096;  // strings per chunk of the pool, some 10 microseconds

// Not inlined: beside it the vector loops would have no registers for their constants.
[[gnu::noinline]] int64_t bucket(const uint8_t* text, int64_t length, const Modulus& modulus) {
  return static_cast<int64_t>(remainder(farmhash::fingerprint(text, static_cast<uint64_t>(length)), modulus));
}

FOVEA_INLINE void hash_string(const HashBucketsJob& j, int64_t i) {
  j.ids[i] = bucket(j.bytes + j.offsets[i], j.offsets[i + 1] - j.offsets[i], j.modulus);
}

FOVEA_INLINE void hash_integer(const HashBucketsJob& j, int64_t i) {
  const int64_t value = j.values[i];
  uint64_t n = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  uint8_t text[24];
  uint8_t* first = text + sizeof text;
  do *--first = static_cast<uint8_t>('0' + n % 10), n /= 10;
  while (n != 0);
  if (value < 0) *--first = '-';
  j.ids[i] = bucket(first, text + sizeof text - first, j.modulus);
}

#if defined(__AVX512DQ__)

// Eight strings with at least 32 bytes of the buffer on both sides.
FOVEA_INLINE void hash_strings_8(const HashBucketsJob& j, int64_t i) {
  const int64_t* const offsets = j.offsets + i;
  const W length = loadw(offsets + 1) - loadw(offsets);
  const __mmask8 longer = above(length, 64);
  if (longer != 0xff) {
    Ends ends;
    ends.length = length;
    word_pairs(j.bytes, offsets, ends.first, ends.second);
    word_pairs(j.bytes - 16, offsets + 1, ends.before_last, ends.last);
    const __mmask8 to_64 = above(length, 32);
    W hash;
    if (to_64 == 0) {
      hash = hash_to_32(ends);
    } else {
      Middle middle;
      word_pairs(j.bytes + 16, offsets, middle.third, middle.fourth);
      word_pairs(j.bytes - 32, offsets + 1, middle.fourth_last, middle.third_last);
      hash = hash_to_64(ends, middle, to_64);
    }
    storew(j.ids + i, remainder(hash, j.modulus));
  }
  for (uint32_t rest = longer; rest != 0; rest &= rest - 1) hash_string(j, i + __builtin_ctz(rest));
}

constexpr uint64_t kZeros = 0x3030303030303030;  // eight characters '0'

// Eight integers, whose text never touches memory.
FOVEA_INLINE void hash_integers_8(const HashBucketsJob& j, int64_t i) {
  const W value = loadw(j.values + i);
  const __mmask8 negative = _mm512_movepi64_mask(value.v);
  const W n = {_mm512_mask_sub_epi64(value.v, negative, _mm512_setzero_si512(), value.v)};
  // Digits [0, 24), right-aligned, eight in each word.
  W rest = groups_of_eight(n), digits[3] = {setw(0), setw(0), eight_digits(n - rest * setw(100000000))};
  if (above(rest, 0) != 0) {
    const W high = groups_of_eight(rest);
    digits[0] = eight_digits(high);
    digits[1] = eight_digits(rest - high * setw(100000000));
  }
  // Digits that are leading zeros; the last digit is none.
  W zeros = leading_zero_bytes(digits[2] | setw(uint64_t{1} << 56)) + setw(16);
  zeros = blend(above(digits[1], 0), zeros, leading_zero_bytes(digits[1]) + setw(8));
  zeros = blend(above(digits[0], 0), zeros, leading_zero_bytes(digits[0]));
  W text[4] = {digits[0] | setw(kZeros), digits[1] | setw(kZeros), digits[2] | setw(kZeros), setw(0)};
  // A sign replaces the last leading zero: at most 19 digits need a place in 24.
  const W start = {_mm512_mask_sub_epi64(zeros.v, negative, zeros.v, _mm512_set1_epi64(1))};
  const W in_word = start & setw(7), bits = shift_left<3>(in_word), word = shift_right<3>(start);
  const W sign = {_mm512_maskz_sllv_epi64(negative, _mm512_set1_epi64('0' ^ '-'), bits.v)};
  for (int w = 0; w < 3; ++w) text[w] = blend(equal(word, static_cast<uint64_t>(w)), text[w], text[w] ^ sign);
  // The text from its first character on, across words.
  const W up = setw(64) - bits;
  const auto from = [&](int w) __attribute__((always_inline)) {
    return shift_right(text[w], bits) | shift_left(text[w + 1], up);
  };
  Ends ends;
  ends.first = blend(equal(word, 1), blend(equal(word, 0), from(2), from(0)), from(1));
  ends.second = from(1);  // of texts above 16 characters, which start in the first word
  ends.before_last = text[1];
  ends.last = text[2];
  ends.length = setw(24) - start;
  storew(j.ids + i, remainder(hash_to_32(ends), j.modulus));
}

#endif

}  // namespace

void hash_strings(const HashBucketsJob& j) {
  parallel_for(j.count, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    int64_t i = begin;
#if defined(__AVX512DQ__)
    while (i < end && j.offsets[i] < 32) hash_string(j, i++);
    for (; i + kWords <= end && j.offsets[i + kWords] <= j.byte_count - 32; i += kWords) hash_strings_8(j, i);
#endif
    for (; i < end; ++i) hash_string(j, i);
  });
}

void hash_integers(const HashBucketsJob& j) {
  parallel_for(j.count, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    int64_t i = begin;
#if defined(__AVX512DQ__)
    for (; i + kWords <= end; i += kWords) hash_integers_8(j, i);
#endif
    for (; i < end; ++i) hash_integer(j, i);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
