#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  std::vector<int64_t> shape;
  uint32_t axes;
  int64_t x_pitch = 0;
  int64_t y_pitch = 0;  // with kept dimensions
};

std::vector<int64_t> reduced_shape(const std::vector<int64_t>& shape, uint32_t axes, bool keep) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < shape.size(); ++i) {
    if ((axes >> i & 1u) == 0)
      out.push_back(shape[i]);
    else if (keep)
      out.push_back(1);
  }
  return out;
}

class Reduce : public ::testing::TestWithParam<int> {};

TEST_P(Reduce, MatchesReference) {
  const Case cases[] = {{{1}, 1},
                        {{}, 0},
                        {{7, 5}, 0, 9},
                        {{9001}, 1},
                        {{5, 91}, 2, 95},
                        {{5, 91}, 1, 95, 92},
                        {{3, 11, 13, 37}, 0b0110, 0, 40},
                        {{3, 11, 13, 37}, 0b0110, 41},
                        {{3, 11, 13, 37}, 0b1001},
                        {{3, 11, 13, 37}, 0b1111, 38},
                        {{2, 3, 2, 3, 2, 3, 2, 5}, 0b10101010},
                        {{2, 3, 2, 3, 2, 3, 2, 5}, 0b01010101},
                        {{1, 300, 1, 17}, 0b0010},
                        {{6, 1}, 0b10, 4, 3},
                        {{0, 5}, 2},
                        {{0, 5}, 1},
                        {{3, 0}, 2}};
  for (const Case& c : cases)
    for (const bool keep : {true, false}) {
      SCOPED_TRACE(::testing::PrintToString(c.shape) + " axes " + std::to_string(c.axes) + (keep ? " kept" : " squeezed"));
      Array<float> x(c.shape, c.x_pitch), y(reduced_shape(c.shape, c.axes, keep), keep ? c.y_pitch : 0);
      const bool product = GetParam() == FOVEA_REDUCE_PROD;
      x.fill(1, product ? 0.99 : -3, product ? 1.011 : 5);
      const fovea_reduce_params p{GetParam(), c.axes};
      // Chains of at most 64 float additions per partial, typically sqrt(64) * eps/2 of the partial sum of magnitudes; means
      // and norms inherit it. 9001 terms of size 2 sum to 1e4, hence the relative bound carries.
      check_kernel<float>(y, {2e-6, 1e-5}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), yt = y.view();
        return fovea_reduce(&p, &xt, &yt, s);
      });
    }
}

INSTANTIATE_TEST_SUITE_P(Operations, Reduce, ::testing::Range(0, 8));

TEST_P(Reduce, EmptyReductions) {
  const float expected[] = {0, kNan, -kInf, kInf, 1, 0, 0, -kInf};
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const Case& c : {Case{{0}, 1}, Case{{3, 0}, 2}, Case{{0, 3}, 1}, Case{{2, 0, 3}, 2}}) {
      Array<float> x(c.shape), y(reduced_shape(c.shape, c.axes, false));
      fovea_tensor xt = x.view();
      xt.data = nullptr;
      const fovea_tensor yt = y.view();
      const fovea_reduce_params p{GetParam(), c.axes};
      y[0] = 77;
      ASSERT_EQ(finish(fovea_reduce(&p, &xt, &yt, stream), stream), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < y.size(); ++i) EXPECT_TRUE(near(y[i], expected[GetParam()], 0, 0));
    }
  });
}

// Special values in both directions: along the row (lanes are terms) and down the column (lanes are outputs).
TEST_P(Reduce, SpecialValues) {
  struct Line {
    std::vector<float> x;
    float expected[8];  // sum mean max min prod l1 l2 log-sum-exp
  };
  const Line lines[] = {{{1, kNan, 3}, {kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan}},
                        {{-kInf, -kInf, -kInf}, {-kInf, -kInf, -kInf, -kInf, -kInf, kInf, kInf, -kInf}},
                        {{kInf, 1, 1}, {kInf, kInf, kInf, 1, kInf, kInf, kInf, kInf}},
                        {{3e30f, 4e30f, 0}, {7e30f, 7e30f / 3, 4e30f, 0, 0, 7e30f, 5e30f, 4e30f}},
                        {{1e30f, 1e30f, 1e-30f}, {2e30f, 2e30f / 3, 1e30f, 1e-30f, 1e30f, 2e30f, 1.41421356e30f, 1e30f}},
                        {{1000, 1000, -1000}, {1000, 1000.0f / 3, 1000, -1000, -1e9f, 3000, 1732.05081f, 1000.69315f}}};
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const Line& line : lines)
      for (const int padded : {0, 40})
        for (const bool rows : {true, false}) {
          if (padded != 0 && GetParam() == FOVEA_REDUCE_MEAN) continue;
          // Longer lines repeat the first value where that changes nothing; only max and min allow it.
          if (padded != 0 && GetParam() != FOVEA_REDUCE_MAX && GetParam() != FOVEA_REDUCE_MIN) continue;
          std::vector<float> v = line.x;
          for (int i = 0; i < padded; ++i) v.push_back(line.x[0]);
          const auto n = static_cast<int64_t>(v.size());
          Array<float> x(rows ? std::vector<int64_t>{1, n} : std::vector<int64_t>{n, 2}), y({rows ? 1 : 2});
          for (int64_t i = 0; i < n; ++i) {
            x[rows ? i : 2 * i] = v[static_cast<size_t>(i)];
            if (!rows) x[2 * i + 1] = 1;
          }
          const fovea_tensor xt = x.view(), yt = y.view();
          const fovea_reduce_params p{GetParam(), rows ? 2u : 1u};
          ASSERT_EQ(finish(fovea_reduce(&p, &xt, &yt, stream), stream), FOVEA_OK) << fovea_last_error();
          EXPECT_TRUE(near(y[0], line.expected[GetParam()], 1e-6, 0)) << "first " << v[0] << " rows " << rows;
        }
  });
}

// 2^22 equal terms: naive float accumulation stops growing at 2^24 * 0.1.
TEST(ReduceAccuracy, LongSumsStayClose) {
  constexpr int64_t kTerms = 1 << 22;
  on_every_backend([](fovea_stream* stream, bool is_reference) {
    if (is_reference) return;
    for (const bool row : {true, false}) {
      Array<float> x(row ? std::vector<int64_t>{kTerms} : std::vector<int64_t>{kTerms / 2, 2}), y({row ? 1 : 2});
      for (int64_t i = 0; i < kTerms; ++i) x.data()[i] = 0.1f;
      fovea_tensor xt = x.view(), yt = y.view();
      if (row) yt.rank = 0, yt.pitch = 1;
      const fovea_reduce_params p{FOVEA_REDUCE_SUM, 1};
      ASSERT_EQ(finish(fovea_reduce(&p, &xt, &yt, stream), stream), FOVEA_OK) << fovea_last_error();
      const double exact = static_cast<double>(0.1f) * static_cast<double>(row ? kTerms : kTerms / 2);
      EXPECT_NEAR(y[0] / exact, 1, row ? 1e-6 : 2e-5);
    }
  });
}

TEST(ReduceLive, LimitsTheLeadingDimension) {
  Array<float> x({5, 3}), rows({5}), columns({3});
  for (int64_t i = 0; i < 15; ++i) x[i] = static_cast<float>(i);
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor rt = rows.view(), ct = columns.view();
    const fovea_reduce_params over_columns{FOVEA_REDUCE_MEAN, 2}, over_rows{FOVEA_REDUCE_MEAN, 1};
    rows.poison();
    ASSERT_EQ(finish(fovea_reduce(&over_columns, &xt, &rt, stream), stream), FOVEA_OK);
    EXPECT_EQ(rows[0], 1);
    EXPECT_EQ(rows[1], 4);
    EXPECT_TRUE(std::isnan(rows[2]));
    ASSERT_EQ(finish(fovea_reduce(&over_rows, &xt, &ct, stream), stream), FOVEA_OK);
    EXPECT_EQ(columns[0], 1.5f);  // the mean counts live rows only
    EXPECT_EQ(columns[2], 3.5f);
  });
}

// f32 inside, one rounding at the end; where f32 differs in the last place the two may round apart by a unit.
template <class T>
void check_narrow(double relative) {
  for (const uint32_t axes : {0b001u, 0b010u, 0b100u}) {
    const std::vector<int64_t> shape{7, 19, 33}, left = reduced_shape(shape, axes, false);
    Array<float> wide(shape), expected(left);
    Array<T> x(shape, 40), y(left);
    x.fill(1, 1, 5);
    for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
    const fovea_reduce_params p{FOVEA_REDUCE_MEAN, axes};
    check_narrow_kernel<T>(
        y, expected, {relative, 0},
        [&](fovea_stream* s) {
          const fovea_tensor xt = wide.view(), yt = expected.view();
          return fovea_reduce(&p, &xt, &yt, s);
        },
        [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_reduce(&p, &xt, &yt, s);
        });
  }
}
TEST(ReduceNarrow, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(ReduceNarrow, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(ReduceArguments, AreChecked) {
  Array<float> x({4, 3}), y({4}), wrong({5});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), wt = wrong.view();
  const auto run = [&](fovea_reduce_params p, const fovea_tensor* in, const fovea_tensor* out) {
    return fovea_reduce(&p, in, out, stream.get());
  };
  EXPECT_EQ(run({0, 2}, &xt, &yt), FOVEA_OK);
  EXPECT_EQ(run({0, 2}, &xt, &wt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "reduce: y is [5] f32, which is not [4, 3] f32 with axes 0x2 reduced");
  EXPECT_EQ(run({0, 1}, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({0, 4}, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({0, ~0u}, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({8, 2}, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({-1, 2}, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({0, 2}, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({0, 2}, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run({0, 0}, &xt, &xt), FOVEA_INVALID_ARGUMENT) << "in place is not allowed";
  EXPECT_EQ(fovea_reduce(nullptr, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
