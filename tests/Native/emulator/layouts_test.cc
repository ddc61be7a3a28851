// wgmma over every operand layout gives the plain product: small whole numbers, so the sums are exact.
#include "kernels/layouts.h"

#include "support.h"

TEST(Emulator, WgmmaLayouts) {
  using fovea::cuda::Swizzle;
  const int k = 64;
  std::vector<float> a(64 * k), b(k * 64);
  std::mt19937 generator(3);
  for (float& x : a) x = float(int(generator() % 9) - 4);
  for (float& x : b) x = float(int(generator() % 9) - 4);
  std::vector<float> want(64 * 64);
  for (int i = 0; i < 64; i++)
    for (int j = 0; j < 64; j++)
      for (int q = 0; q < k; q++) want[size_t(i * 64 + j)] += a[size_t(i * k + q)] * b[size_t(q * 64 + j)];
  unsigned seed = 0;
  for (LayoutCase::Type type : {LayoutCase::bf16, LayoutCase::f16, LayoutCase::tf32})
    for (Swizzle swizzle : {Swizzle::bytes32, Swizzle::bytes64, Swizzle::bytes128})
      for (bool a_mn : {false, true})
        for (bool b_mn : {false, true})
          for (bool registers : {false, true}) {
            if (type == LayoutCase::tf32 && (a_mn || b_mn)) continue;  // 16-bit types only
            fovea::emulator::reset(seed++ % 5);
            EXPECT_EQ(run_layout({type, swizzle, a_mn, b_mn, registers}, a, b, k), want)
                << type << " " << int(swizzle) << " " << a_mn << b_mn << registers << fovea::emulator::last_report();
          }
}
