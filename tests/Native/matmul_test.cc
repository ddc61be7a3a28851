#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

int64_t workspace_bytes(const fovea_matmul_params& p, const fovea_tensor& a, const fovea_tensor& b) {
  int64_t bytes = -1;
  EXPECT_EQ(fovea_matmul_workspace(&p, &a, &b, &bytes), FOVEA_OK) << fovea_last_error();
  return bytes;
}

const fovea_workspace* workspace_for(PerDevice<Workspace>& workspace, const fovea_matmul_params& p, const fovea_tensor& a,
                                     const fovea_tensor& b) {
  return workspace.get([&] { return std::make_unique<Workspace>(workspace_bytes(p, a, b)); }).get();
}

struct Case {
  std::vector<int64_t> a_batch, b_batch, y_batch;
  int64_t m, n, k;
  int64_t extra = 0;  // added to every pitch
};

std::vector<int64_t> shape(std::vector<int64_t> batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

class Matmul : public ::testing::TestWithParam<int> {};

// The parameter's bits: transpose a, transpose b.
TEST_P(Matmul, MatchesReference) {
  const bool ta = (GetParam() & 1) != 0, tb = (GetParam() & 2) != 0;
  const Case cases[] = {{{}, {}, {}, 1, 1, 1},
                        {{}, {}, {}, 3, 5, 7},
                        {{}, {}, {}, 1, 100, 64},
                        {{}, {}, {}, 14, 64, 33},
                        {{}, {}, {}, 15, 64, 33, 5},
                        {{}, {}, {}, 2, 37, 100, 4},
                        {{2}, {2}, {2}, 4, 6, 19},
                        {{}, {}, {}, 29, 34, 512},
                        {{}, {}, {}, 101, 83, 67, 3},
                        {{}, {}, {}, 64, 64, 256},
                        {{3}, {3}, {3}, 17, 33, 16},
                        {{2, 3}, {3}, {2, 3}, 5, 9, 11, 2},
                        {{2, 1}, {1, 4}, {2, 4}, 20, 40, 8},
                        {{}, {5}, {5}, 6, 7, 8},
                        {{5}, {}, {5}, 6, 47, 8},
                        {{}, {}, {}, 0, 4, 4},
                        {{}, {}, {}, 4, 0, 4},
                        {{}, {}, {}, 4, 40, 0},
                        {{0}, {1}, {0}, 4, 4, 4}};
  for (const Case& c : cases) {
    SCOPED_TRACE("m " + std::to_string(c.m) + " n " + std::to_string(c.n) + " k " + std::to_string(c.k));
    const auto a_shape = ta ? shape(c.a_batch, c.k, c.m) : shape(c.a_batch, c.m, c.k);
    const auto b_shape = tb ? shape(c.b_batch, c.n, c.k) : shape(c.b_batch, c.k, c.n);
    Array<float> a(a_shape, c.extra == 0 ? 0 : a_shape.back() + c.extra),
        b(b_shape, c.extra == 0 ? 0 : b_shape.back() + c.extra);
    Array<float> y(shape(c.y_batch, c.m, c.n), c.extra == 0 ? 0 : c.n + c.extra);
    a.fill(1);
    b.fill(2);
    for (const float alpha : {1.0f, -0.125f}) {
      const fovea_matmul_params p{alpha, ta, tb, 0};
      PerDevice<Workspace> workspace;
      // A chain of K fma on terms of mean size 1/4: its error stays below K * eps/2 * the running sum, in practice far below.
      const auto k = static_cast<double>(c.k);
      check_kernel<float>(y, {2e-6, 1e-6 + 3e-8 * k, alpha == 1 ? k : 0}, [&](fovea_stream* s) {
        const fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
        return fovea_matmul(&p, &at, &bt, &yt, workspace_for(workspace, p, at, bt), s);
      });
      EXPECT_TRUE(workspace->guards_intact());
    }
  }
}

// Small integers are exact in any order, so a wrong element cannot hide in a tolerance.
TEST_P(Matmul, IntegersAreExact) {
  const bool ta = (GetParam() & 1) != 0, tb = (GetParam() & 2) != 0;
  constexpr int64_t kM = 19, kN = 50, kK = 21;
  Array<float> a({ta ? kK : kM, ta ? kM : kK}), b({tb ? kN : kK, tb ? kK : kN}), y({kM, kN});
  a.fill(1, -8, 8);
  b.fill(2, -8, 8);
  for (int64_t i = 0; i < a.size(); ++i) a[i] = std::round(a[i]);
  for (int64_t i = 0; i < b.size(); ++i) b[i] = std::round(b[i]);
  const fovea_matmul_params p{0.5f, ta, tb, 0};
  on_every_backend([&](fovea_stream* stream, bool) {
    const fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
    const Workspace workspace(workspace_bytes(p, at, bt));
    ASSERT_EQ(finish(fovea_matmul(&p, &at, &bt, &yt, workspace.get(), stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t m = 0; m < kM; ++m)
      for (int64_t n = 0; n < kN; ++n) {
        int sum = 0;
        for (int64_t k = 0; k < kK; ++k)
          sum += static_cast<int>(a[ta ? k * kM + m : m * kK + k]) * static_cast<int>(b[tb ? n * kK + k : k * kN + n]);
        ASSERT_EQ(y[m * kN + n], 0.5f * static_cast<float>(sum));
      }
  });
}

// Products of 16-bit floats are exact in f32, so the errors are those of f32 sums and of one rounding of the result. The shapes
// meet small and large tiles, operands that are read in place and those that are packed, odd k and pitches.
template <class T>
void check_narrow(bool ta, bool tb, double relative) {
  struct Narrow {
    std::vector<int64_t> a_batch, b_batch, y_batch;
    int64_t m, n, k, extra;
  };
  for (const Narrow& c :
       {Narrow{{}, {}, {}, 70, 66, 128, 0}, Narrow{{2, 1}, {3}, {2, 3}, 15, 33, 40, 8}, Narrow{{2}, {2}, {2}, 67, 35, 77, 3},
        Narrow{{}, {}, {}, 1100, 1000, 16, 0}, Narrow{{}, {}, {}, 9, 5, 0, 0}}) {
    if (c.m > 1000 && (ta || !tb)) continue;  // slow to emulate
    SCOPED_TRACE("m " + std::to_string(c.m) + " k " + std::to_string(c.k));
    const auto a_shape = ta ? shape(c.a_batch, c.k, c.m) : shape(c.a_batch, c.m, c.k);
    const auto b_shape = tb ? shape(c.b_batch, c.n, c.k) : shape(c.b_batch, c.k, c.n);
    Array<T> a(a_shape, a_shape.back() + c.extra), b(b_shape, b_shape.back() + c.extra);
    Array<T> y(shape(c.y_batch, c.m, c.n), c.n + c.extra);
    Array<float> wide_a(a_shape), wide_b(b_shape), expected(shape(c.y_batch, c.m, c.n));
    a.fill(1);
    b.fill(2);
    for (int64_t i = 0; i < a.size(); ++i) wide_a[i] = static_cast<float>(a[i]);
    for (int64_t i = 0; i < b.size(); ++i) wide_b[i] = static_cast<float>(b[i]);
    const fovea_matmul_params p{-0.5f, ta, tb, 0};
    PerDevice<Workspace> workspace;
    const auto run = [&](auto& left, auto& right, auto& out, fovea_stream* s) {
      const fovea_tensor at = left.view(), bt = right.view(), yt = out.view();
      return fovea_matmul(&p, &at, &bt, &yt, workspace_for(workspace, p, at, bt), s);
    };
    check_narrow_kernel<T>(
        y, expected, {relative, 1e-6 + 3e-8 * static_cast<double>(c.k)},
        [&](fovea_stream* s) { return run(wide_a, wide_b, expected, s); }, [&](fovea_stream* s) { return run(a, b, y, s); });
    if (test_device() != nullptr) {
      EXPECT_TRUE(workspace->guards_intact());
    }
  }
}
// The reference is rounded to the type too.
TEST_P(Matmul, HalfPrecision) { check_narrow<Half>((GetParam() & 1) != 0, (GetParam() & 2) != 0, 0x1p-10); }
TEST_P(Matmul, BFloat16) { check_narrow<BFloat16>((GetParam() & 1) != 0, (GetParam() & 2) != 0, 0x1p-7); }

INSTANTIATE_TEST_SUITE_P(Transposes, Matmul, ::testing::Range(0, 4));

TEST(MatmulLive, LimitsTheLeadingDimensionOfA) {
  Array<int32_t> live({1});
  live[0] = 2;
  Array<float> a({4, 4}), b({4, 3}), y({4, 3}), batched({4, 1, 4}), product({4, 1, 3});
  for (int64_t i = 0; i < 16; ++i) a[i] = batched[i] = 1;
  for (int64_t i = 0; i < 12; ++i) b[i] = 1;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor at = a.view(), ct = batched.view();
    at.live = ct.live = live.data();
    const fovea_tensor bt = b.view(), yt = y.view(), pt = product.view();
    const fovea_matmul_params plain{1, 0, 0, 0}, transposed{1, 1, 0, 0};
    const Workspace w(workspace_bytes(transposed, at, bt) + workspace_bytes(plain, ct, bt));
    y.poison();
    ASSERT_EQ(finish(fovea_matmul(&plain, &at, &bt, &yt, w.get(), stream), stream), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(y[5], 4);
    EXPECT_TRUE(std::isnan(y[6]));
    ASSERT_EQ(finish(fovea_matmul(&transposed, &at, &bt, &yt, w.get(), stream), stream), FOVEA_OK);  // rows of a are terms here
    EXPECT_EQ(y[0], 2);
    EXPECT_EQ(y[11], 2);
    product.poison();
    ASSERT_EQ(finish(fovea_matmul(&plain, &ct, &bt, &pt, w.get(), stream), stream), FOVEA_OK);
    EXPECT_EQ(product[5], 4);
    EXPECT_TRUE(std::isnan(product[6]));
  });
}

TEST(MatmulArguments, AreChecked) {
  Array<float> a({4, 6}), b({6, 20}), y({4, 20});
  const StreamPtr stream = make_stream();
  const fovea_matmul_params p{1, 0, 0, 0};
  fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
  const Workspace workspace(workspace_bytes(p, at, bt));
  const auto run = [&] { return fovea_matmul(&p, &at, &bt, &yt, workspace.get(), stream.get()); };
  EXPECT_EQ(run(), FOVEA_OK);
  bt.shape[0] = 5;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "matmul: the inner dimensions differ: a is [4, 6] f32, b is [5, 20] f32");
  bt = b.view();
  yt.shape[0] = 3;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "matmul: y is [3, 20] f32, which is not the product of [4, 6] f32 and [6, 20] f32");
  yt = y.view();
  at.rank = 1;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  at = a.view();
  yt.data = b.data();
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT) << "y overlaps b";
  yt = y.view();
  if (workspace_bytes(p, at, bt) > 0) {
    EXPECT_EQ(fovea_matmul(&p, &at, &bt, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  }
  Array<float> left({2, 4, 6}), right({3, 6, 20}), out({3, 4, 20});
  const fovea_tensor lt = left.view(), rt = right.view(), ot = out.view();
  EXPECT_EQ(fovea_matmul(&p, &lt, &rt, &ot, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "matmul: the batch dimensions of [2, 4, 6] f32 and [3, 6, 20] f32 do not broadcast");
  int64_t bytes = 0;
  at.shape[0] = INT64_MAX;
  EXPECT_EQ(fovea_matmul_workspace(&p, &at, &bt, &bytes), FOVEA_INVALID_ARGUMENT);
  at.shape[0] = -1;
  EXPECT_EQ(fovea_matmul_workspace(&p, &at, &bt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_matmul_workspace(nullptr, &bt, &bt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_matmul_workspace(&p, nullptr, &bt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_matmul_workspace(&p, &bt, &bt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
