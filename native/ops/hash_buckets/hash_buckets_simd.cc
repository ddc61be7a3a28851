// Strings are first sorted by the formula that their length asks for, block by block, so that several run side by side and no
// branch depends on a length: on mixed lengths the mispredicted branch costs more than the hash.
#include "ops/hash_buckets/hash_buckets.h"

#include "core/thread_pool.h"
#include "ops/hash_buckets/words_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using farmhash::k1;
using farmhash::k2;

constexpr int64_t kBlock = 512;   // strings sorted at a time: their ends stay in the first-level cache
constexpr int64_t kGrain = 4096;  // strings per chunk of the pool, some 20 microseconds

// Formulas, and the longest string of each.
enum Formula { kTo3, kTo7, kTo16, kTo32, kTo64, kLonger, kFormulas };

struct Block {
  const uint8_t* begin[kBlock];
  const uint8_t* end[kBlock];
  uint16_t order[kFormulas][kBlock + kWords];  // strings of each formula; the last repeated to fill a vector
  int count[kFormulas];
};

// Formula of min(length, 65).
struct FormulaTable {
  uint8_t of[66];
};
constexpr FormulaTable make_table() {
  FormulaTable t{};
  for (int n = 0; n < 66; ++n)
    t.of[n] = n <= 3 ? kTo3 : n <= 7 ? kTo7 : n <= 16 ? kTo16 : n <= 32 ? kTo32 : n <= 64 ? kTo64 : kLonger;
  return t;
}
constexpr FormulaTable kFormulaOf = make_table();

// The counts share one register, ten bits each: counters in memory would make every string wait for the one before.
FOVEA_INLINE void sort_by_formula(Block& b, int n) {
  constexpr int kBits = 10;
  static_assert(kBlock < 1 << kBits && kFormulas * kBits <= 64);
  uint64_t counts = 0;
  for (int i = 0; i < n; ++i) {
    const int64_t length = b.end[i] - b.begin[i];
    const int formula = kFormulaOf.of[length < 65 ? length : 65], shift = formula * kBits;
    b.order[formula][counts >> shift & ((1 << kBits) - 1)] = static_cast<uint16_t>(i);
    counts += uint64_t{1} << shift;
  }
  for (int f = 0; f < kFormulas; ++f) {
    b.count[f] = static_cast<int>(counts >> (f * kBits) & ((1 << kBits) - 1));
    for (int i = 0; i < kWords && b.count[f] > 0; ++i) b.order[f][b.count[f] + i] = b.order[f][b.count[f] - 1];
  }
}

// One vector of strings of the same formula.
struct Lanes {
  const uint8_t* begin[kWords];
  const uint8_t* end[kWords];
  W length;
};

FOVEA_INLINE W mix(W u, W v, W mul) {
  const W a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

FOVEA_INLINE W hash_to_7(const Lanes& s, W mul) {
  return mix(s.length + shift_word<-3>(half_words_at(s.begin, 0)), half_words_at(s.end, -4), mul);
}

FOVEA_INLINE W hash_to_16(const Lanes& s, W mul) {
  const W a = words_at(s.begin, 0) + setw(k2), b = words_at(s.end, -8);
  return mix(rotate_right<37>(b) * mul + a, (rotate_right<25>(a) + b) * mul, mul);
}

FOVEA_INLINE W hash_to_32(const Lanes& s, W mul) {
  W a, b, c, d;
  word_pairs_at(s.begin, 0, a, b);
  word_pairs_at(s.end, -16, d, c);
  a = a * setw(k1), c = c * mul, d = d * setw(k2);
  return mix(rotate_right<43>(a + b) + rotate_right<30>(c) + d, a + rotate_right<18>(b + setw(k2)) + c, mul);
}

FOVEA_INLINE W hash_to_64(const Lanes& s, W mul) {
  W a, b, c, d, e, f, g, h;
  word_pairs_at(s.begin, 0, a, b);
  word_pairs_at(s.end, -16, d, c);
  word_pairs_at(s.begin, 16, e, f);
  word_pairs_at(s.end, -32, g, h);
  a = a * setw(k2), c = c * mul, d = d * setw(k2);
  const W y = rotate_right<43>(a + b) + rotate_right<30>(c) + d;
  const W z = mix(y, a + rotate_right<18>(b + setw(k2)) + c, mul);
  e = e * mul, g = (y + g) * mul, h = (z + h) * mul;
  return mix(rotate_right<43>(e + f) + rotate_right<30>(g) + h, e + rotate_right<18>(f + a) + g, mul);
}

template <Formula formula, W (*hash)(const Lanes&, W mul)>
FOVEA_INLINE void hash_formula(const Block& b, const Modulus& modulus, int64_t* ids) {
  for (int i = 0; i < b.count[formula]; i += kWords) {
    const uint16_t* const order = b.order[formula] + i;
    Lanes lanes;
    uint64_t words[kWords];
    for (int l = 0; l < kWords; ++l) {
      lanes.begin[l] = b.begin[order[l]];
      lanes.end[l] = b.end[order[l]];
    }
    lanes.length = loadw(lanes.end) - loadw(lanes.begin);
    storew(words, remainder(hash(lanes, setw(k2) + shift_word<-1>(lanes.length)), modulus));
    // Repeated strings write their id again.
    for (int l = 0; l < kWords; ++l) ids[order[l]] = static_cast<int64_t>(words[l]);
  }
}

FOVEA_INLINE int64_t bucket(uint64_t hash, const Modulus& modulus) {
  uint64_t words[kWords];
  storew(words, remainder(setw(hash), modulus));
  return static_cast<int64_t>(words[0]);
}

void hash_block(Block& b, int n, const Modulus& modulus, int64_t* ids) {
  sort_by_formula(b, n);
  hash_formula<kTo7, hash_to_7>(b, modulus, ids);
  hash_formula<kTo16, hash_to_16>(b, modulus, ids);
  hash_formula<kTo32, hash_to_32>(b, modulus, ids);
  hash_formula<kTo64, hash_to_64>(b, modulus, ids);
  for (int i = 0; i < b.count[kTo3]; ++i) {
    const int at = b.order[kTo3][i];
    ids[at] = bucket(farmhash::hash_to_3(b.begin[at], static_cast<uint64_t>(b.end[at] - b.begin[at])), modulus);
  }
  for (int i = 0; i < b.count[kLonger]; ++i) {
    const int at = b.order[kLonger][i];
    ids[at] = bucket(farmhash::hash_from_65(b.begin[at], static_cast<uint64_t>(b.end[at] - b.begin[at])), modulus);
  }
}

// Eight decimal digits of n < 10^8, the first in the lowest byte: all digits at once by multiplication with reciprocals
// (2^20/100 and 2^10/10 rounded up, exact for four and for two digits).
FOVEA_INLINE uint64_t eight_digits(uint64_t n) {
  const uint64_t fours = n / 10000 | (n % 10000) << 32;
  const uint64_t hundreds = fours * 10486 >> 20 & 0x0000007f0000007f;
  const uint64_t pairs = ((fours - 100 * hundreds) << 16) + hundreds;
  const uint64_t tens = pairs * 103 >> 10 & 0x000f000f000f000f;
  return tens + ((pairs - 10 * tens) << 8);
}

FOVEA_INLINE void put_word(uint8_t* p, uint64_t word) { __builtin_memcpy(p, &word, sizeof word); }

constexpr int kSlot = 32;  // bytes for one integer: sign and 24 digits, right-aligned

// Writes the text so that it ends at slot + kSlot and returns where it begins.
FOVEA_INLINE const uint8_t* print_decimal(int64_t value, uint8_t* slot) {
  constexpr uint64_t kZeros = 0x3030303030303030, kGroup = 100000000;
  const uint64_t n = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  const uint64_t low = eight_digits(n % kGroup);
  uint8_t* first = slot + kSlot - 8 + (__builtin_ctzll(low | uint64_t{1} << 56) >> 3);
  put_word(slot + kSlot - 8, low | kZeros);
  if (n >= kGroup) {
    const uint64_t rest = n / kGroup, middle = eight_digits(rest % kGroup), high = rest / kGroup;
    const uint64_t top = eight_digits(high);
    put_word(slot + kSlot - 16, middle | kZeros);
    put_word(slot + kSlot - 24, top | kZeros);
    first = slot + kSlot - (high == 0 ? 16 - (__builtin_ctzll(middle) >> 3) : 24 - (__builtin_ctzll(top) >> 3));
  }
  first[-1] = '-';
  return first - (value < 0 ? 1 : 0);
}

}  // namespace

void hash_strings(const HashBucketsJob& j) {
  parallel_for(j.count, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    Block block;
    for (int64_t at = begin; at < end; at += kBlock) {
      const int n = static_cast<int>(end - at < kBlock ? end - at : kBlock);
      for (int i = 0; i < n; ++i) {
        block.begin[i] = j.bytes + j.offsets[at + i];
        block.end[i] = j.bytes + j.offsets[at + i + 1];
      }
      hash_block(block, n, j.modulus, j.ids + at);
    }
  });
}

void hash_integers(const HashBucketsJob& j) {
  parallel_for(j.count, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    Block block;
    uint8_t text[kBlock * kSlot];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int n = static_cast<int>(end - at < kBlock ? end - at : kBlock);
      for (int i = 0; i < n; ++i) {
        block.begin[i] = print_decimal(j.values[at + i], text + i * kSlot);
        block.end[i] = text + (i + 1) * kSlot;
      }
      hash_block(block, n, j.modulus, j.ids + at);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
