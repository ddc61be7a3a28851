// Reduction, transpose, histogram, grid barrier and cluster kernels under a dozen schedules.
#include "kernels/basic.h"
#include "support.h"
static void once() {
  auto v = randoms(10000);
  double want = 0;
  for (float x : v) want += x;
  {
    Device<float> in(v), out(std::vector<float>{0});
    EXPECT_CUDA(run_block_sum(in.p, out.p, 10000, nullptr));
    EXPECT_TRUE(std::fabs(out.get()[0] - want) < 1e-3);
  }
  {
    Device<float> in(v), out(10000);
    EXPECT_CUDA(run_transpose(in.p, out.p, 80, 125, nullptr));
    auto o = out.get();
    bool ok = true;
    for (int r = 0; r < 80; r++)
      for (int c = 0; c < 125; c++) ok &= o[c * 80 + r] == v[r * 125 + c];
    EXPECT_TRUE(ok);
  }
  {
    std::vector<unsigned char> b(128 * 3 * 7);
    for (size_t i = 0; i < b.size(); i++) b[i] = (unsigned char)(i * i >> 3);
    std::vector<int> map(256);
    for (int i = 0; i < 256; i++) map[i] = i / 3;
    std::vector<unsigned> want(256);
    for (auto x : b) want[map[x]]++;
    Device<unsigned char> in(b);
    Device<unsigned> bins(std::vector<unsigned>(256));
    EXPECT_CUDA(run_histogram(in.p, bins.p, int(b.size()), map.data(), nullptr));
    EXPECT_TRUE(bins.get() == want);
  }
  {
    Device<float> in(v), part(5), out(1);
    Device<unsigned> count(std::vector<unsigned>{0});
    EXPECT_CUDA(run_last_block_sum(in.p, part.p, count.p, out.p, 10000, nullptr));
    EXPECT_TRUE(std::fabs(out.get()[0] - want) < 1e-3);
  }
  {
    std::vector<int> d(32 * 6, 1);
    Device<int> data(d), sums(6);
    EXPECT_CUDA(run_grid_scan(data.p, sums.p, 6, nullptr));
    auto o = data.get();
    bool ok = true;
    for (int i = 0; i < 192; i++) ok &= o[i] == 1 + i / 32 * 32;
    EXPECT_TRUE(ok);
  }
  {
    Device<int> out(5 * 64);
    EXPECT_CUDA(run_grid_static(out.p, nullptr));
    auto o = out.get();
    bool ok = true;
    for (int i = 0; i < 320; i++) ok &= o[i] == i / 64 * 100 + 63 - i % 64;
    EXPECT_TRUE(ok);
  }
  {
    Device<int> out(8 * 64);
    EXPECT_CUDA(run_cluster_rotate(out.p, nullptr));
    auto o = out.get();
    bool ok = true;
    for (int b = 0; b < 8; b++)
      for (int t = 0; t < 64; t++) ok &= o[b * 64 + t] == (b / 4 * 4 + (b % 4 + 1) % 4) * 1000 + t;
    EXPECT_TRUE(ok);
  }
}
TEST(Emulator, BasicKernels) {
  for (unsigned seed = 0; seed < 12; seed++) {
    fovea::emulator::reset(seed);
    once();
  }
}
