// tf32: cvt.rna.tf32.f32 bit for bit, the two parts of a float, and mma.sync m16n8k8.
#include "kernels/tf32.h"

#include "support.h"

namespace {

float from_bits(uint32_t bits) { return __builtin_bit_cast(float, bits); }
uint32_t to_bits(float f) { return __builtin_bit_cast(uint32_t, f); }

struct Parts {
  std::vector<uint32_t> big, small;
};
Parts split(std::vector<float> floats) {
  floats.resize((floats.size() + 31) / 32 * 32);
  Device<float> in(floats);
  Device<uint32_t> big(floats.size()), small(floats.size());
  EXPECT_CUDA(run_split_tf32(in.p, big.p, small.p, int(floats.size()), nullptr));
  return {big.get(), small.get()};
}

TEST(Tf32, RoundsToNearestWithTiesAwayFromZero) {
  struct Rounding {
    float from, to;
  };
  const Rounding cases[] = {{0, 0},
                            {-0.0f, -0.0f},
                            {1, 1},
                            {1 + 0x1p-10f, 1 + 0x1p-10f},
                            {1 + 0x1p-11f, 1 + 0x1p-10f},  // ties
                            {-1 - 0x1p-11f, -1 - 0x1p-10f},
                            {1 + 0x3p-11f, 1 + 0x2p-10f},
                            {1 + 0x1p-11f - 0x1p-23f, 1},
                            {1 + 0x1p-11f + 0x1p-23f, 1 + 0x1p-10f},
                            {2 - 0x1p-12f, 2},  // into the next power of two
                            {0x1p-149f, 0},
                            {0x1p-136f, 0x1p-136f},  // the smallest denormal of 10 bits
                            {0x1p-137f, 0x1p-136f},
                            {0x1.ffcp127f, 0x1.ffcp127f},  // the largest tf32
                            {0x1.fffffep127f, INFINITY},
                            {INFINITY, INFINITY},
                            {-INFINITY, -INFINITY}};
  std::vector<float> floats;
  for (const Rounding& r : cases) floats.push_back(r.from);
  floats.push_back(from_bits(0xffc01234u));
  const Parts parts = split(floats);
  for (size_t i = 0; i + 1 < floats.size(); ++i) EXPECT_EQ(parts.big[i], to_bits(cases[i].to)) << cases[i].from;
  EXPECT_EQ(parts.big[floats.size() - 1], 0x7fffffffu) << "the one NaN of tensor cores";
}

TEST(Tf32, BigAndSmallAreTheFloat) {
  std::vector<float> floats;
  std::mt19937 bits(3);
  while (floats.size() < 4096) {
    const float f = from_bits(uint32_t(bits()));
    if (std::fabs(f) > 0x1p-100f && std::fabs(f) < 0x1p127f) floats.push_back(f);
  }
  const Parts parts = split(floats);
  for (size_t i = 0; i < floats.size(); ++i) {
    const double f = floats[i], big = from_bits(parts.big[i]), small = from_bits(parts.small[i]);
    EXPECT_EQ((parts.big[i] | parts.small[i]) & 0x1fff, 0u);
    EXPECT_LE(std::fabs(f - big), std::ldexp(std::fabs(f), -11));
    EXPECT_LE(std::fabs(f - big - small), std::ldexp(std::fabs(f), -22));
  }
}

TEST(Tf32, WhatIsNotFiniteHasNoSmallPart) {
  const Parts parts = split({INFINITY, -INFINITY, NAN, 0x1.fffffep127f});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(parts.small[i], 0u);
}

// Small integers, so that every product and sum is exact; the low 13 bits of the factors are not looked at.
TEST(Tf32, MmaMultipliesRowsByColumns) {
  std::vector<uint32_t> a(16 * 8), b(8 * 8);
  std::vector<float> d(16 * 8), want(16 * 8);
  for (int i = 0; i < 16 * 8; ++i) a[i] = to_bits(float(i % 37 - 18)) | uint32_t(i % 2 * 0x1fff), d[i] = want[i] = float(i);
  for (int i = 0; i < 8 * 8; ++i) b[i] = to_bits(float(i % 23 - 11)) | uint32_t(i % 3 * 0xaaa);
  for (int m = 0; m < 16; ++m)
    for (int n = 0; n < 8; ++n)
      for (int k = 0; k < 8; ++k) want[m * 8 + n] += float((m * 8 + k) % 37 - 18) * float((k * 8 + n) % 23 - 11);
  Device<uint32_t> da(a), db(b);
  Device<float> dd(d);
  EXPECT_CUDA(run_mma_tf32(da.p, db.p, dd.p, nullptr));
  EXPECT_EQ(dd.get(), want);
}

}  // namespace
