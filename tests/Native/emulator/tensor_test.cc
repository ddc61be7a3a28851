// Tensor-core kernels against double-precision sums: shapes that wrap every ring.
#include <functional>
#include "kernels/tensor_kernels.h"
#include "support.h"
static double worst(const std::vector<float>& got, const std::function<double(size_t)>& want, size_t samples) {
  double e = 0;
  std::mt19937 g(7);
  for (size_t i = 0; i < samples; i++) {
    size_t k = samples >= got.size() ? i : g() % got.size();
    double d = std::fabs(got[k] - want(k));
    if (!(d <= e)) e = d;
  }
  return e;
}
static void timed(const char*, const std::function<void()>& f) { f(); }
static void gemms(int m, int n, int k) {
  auto a = to_bf16(randoms(size_t(m) * k, 1)), b = to_bf16(randoms(size_t(k) * n, 2));
  Device<bf16> da(a), db(b);
  Device<float> dc(size_t(m) * n);
  timed("gemm mma.sync", [&] {
    EXPECT_CUDA(gemm_mma(da.p, db.p, dc.p, m, n, k, nullptr));
    EXPECT_CUDA(cudaDeviceSynchronize());
  });
  EXPECT_TRUE(worst(
                  dc.get(),
                  [&](size_t i) {
                    double s = 0;
                    for (int q = 0; q < k; q++) s += double(float(a[i / n * k + q])) * double(float(b[q * n + i % n]));
                    return s;
                  },
                  4000) < 1e-3);
  Device<float> dd(size_t(m) * n);
  timed("gemm TMA + mbarrier + wgmma", [&] {
    EXPECT_CUDA(gemm_wgmma(da.p, db.p, dd.p, m, n, k, nullptr));
    EXPECT_CUDA(cudaDeviceSynchronize());
  });
  EXPECT_TRUE(worst(
                  dd.get(),
                  [&](size_t i) {
                    double s = 0;
                    for (int q = 0; q < k; q++) s += double(float(a[i / n * k + q])) * double(float(b[i % n * k + q]));
                    return s;
                  },
                  4000) < 1e-3);
}
static void conv(int h, int w) {
  auto in = to_bf16(randoms(size_t(h) * w * 64, 3)), wt = to_bf16(randoms(9 * 64 * 64, 4));
  Device<bf16> di(in), dw(wt);
  Device<float> out(size_t(h) * w * 64);
  timed("conv 3x3 64->64", [&] {
    EXPECT_CUDA(conv3x3(di.p, dw.p, out.p, h, w, nullptr));
    EXPECT_CUDA(cudaDeviceSynchronize());
  });
  EXPECT_TRUE(worst(
                  out.get(),
                  [&](size_t i) {
                    int f = i % 64, p = int(i / 64);
                    double s = 0;
                    for (int r = 0; r < 3; r++)
                      for (int c = 0; c < 3; c++) {
                        int y = p / w + r - 1, x = p % w + c - 1;
                        if (y >= 0 && y < h && x >= 0 && x < w)
                          for (int q = 0; q < 64; q++)
                            s += double(float(in[(y * w + x) * 64 + q])) * double(float(wt[((r * 3 + c) * 64 + q) * 64 + f]));
                      }
                    return s;
                  },
                  4000) < 1e-3);
}
static void attn(int heads, int len) {
  size_t n = size_t(heads) * len * 64;
  auto q = to_bf16(randoms(n, 5)), k = to_bf16(randoms(n, 6)), v = to_bf16(randoms(n, 7));
  Device<bf16> dq(q), dk(k), dv(v), d_o(n);
  timed("attention forward", [&] {
    EXPECT_CUDA(attention(dq.p, dk.p, dv.p, d_o.p, heads, len, nullptr));
    EXPECT_CUDA(cudaDeviceSynchronize());
  });
  auto ob = d_o.get();
  std::vector<float> o(ob.begin(), ob.end());
  EXPECT_TRUE(worst(
                  o,
                  [&](size_t i) {
                    size_t h = i / 64 / len, r = i / 64 % len, d = i % 64;
                    double s = 0, y = 0;
                    for (int j = 0; j < len; j++) {
                      double e = 0;
                      for (int c = 0; c < 64; c++)
                        e += double(float(q[(h * len + r) * 64 + c])) * double(float(k[(h * len + j) * 64 + c]));
                      e = std::exp(e / 8);
                      s += e;
                      y += e * double(float(v[(h * len + j) * 64 + d]));
                    }
                    return y / s;
                  },
                  300) < 1e-2);
}
static void scan(int len, int dim) {
  auto x = randoms(size_t(len) * dim, 8), dt = randoms(size_t(len) * dim, 9), A = randoms(size_t(dim) * 16, 10),
       B = randoms(size_t(len) * 16, 11), C = randoms(size_t(len) * 16, 12);
  for (auto& d : dt) d = std::fabs(d) * 0.2f;
  for (auto& a : A) a = -std::fabs(a) * 4;
  Device<float> dx(x), ddt(dt), dA(A), dB(B), dC(C), dy(size_t(len) * dim);
  timed("selective scan", [&] {
    EXPECT_CUDA(selective_scan(dx.p, ddt.p, dA.p, dB.p, dC.p, dy.p, len, dim, nullptr));
    EXPECT_CUDA(cudaDeviceSynchronize());
  });
  auto y = dy.get();
  double e = 0;
  for (int d = 0; d < dim; d += 37) {
    double h[16] = {};
    for (int l = 0; l < len; l++) {
      double s = 0;
      for (int n = 0; n < 16; n++) {
        h[n] =
            std::exp(double(dt[l * dim + d]) * A[d * 16 + n]) * h[n] + double(dt[l * dim + d]) * B[l * 16 + n] * x[l * dim + d];
        s += C[l * 16 + n] * h[n];
      }
      double q = std::fabs(s - y[l * dim + d]);
      if (!(q <= e)) e = q;
    }
  }
  EXPECT_TRUE(e < 1e-4);
}
TEST(Emulator, TensorKernels) {
  for (unsigned seed = 0; seed < 5; seed++) {
    fovea::emulator::reset(seed);
    gemms(128, 128, 576);
    conv(9, 11);
    attn(2, 256);
    scan(700, 2);
  }
}
TEST(Emulator, SwizzledTilesHaveNoBankConflicts) {
  fovea::emulator::reset(0);
  conv(9, 11);
  EXPECT_GT(fovea::emulator::stats().ldmatrix, 0u);
  EXPECT_EQ(fovea::emulator::stats().ldmatrix_conflicts, 0u);
}
