#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  std::vector<int64_t> shape;
  int32_t axis;
  int64_t x_pitch = 0, y_pitch = 0;
};

const Case kCases[] = {{{1}, 0},
                       {{2}, -1},
                       {{1000}, 0},
                       {{13, 17, 2}, 2},
                       {{61, 2}, 1, 3, 5},
                       {{5, 7, 4}, -1},
                       {{37, 3}, 1},
                       {{33, 7}, 1, 9, 8},
                       {{6, 15}, 1},
                       {{6, 16}, 1},
                       {{5, 91}, 1},
                       {{3, 128}, 1, 131, 140},
                       {{2, 9001}, 1},
                       {{3, 5, 2}, 0},
                       {{2, 600, 19}, 1},
                       {{2, 3, 4, 21}, 1},
                       {{2, 3, 4, 21}, 1, 24, 22},
                       {{2, 3, 4, 21}, -2, 24, 22},
                       {{0, 5}, 1},
                       {{5, 0}, 1},
                       {{3, 0, 5}, 1}};

TEST(Softmax, MatchesReference) {
  for (const Case& c : kCases) {
    Array<float> x(c.shape, c.x_pitch), y(c.shape, c.y_pitch);
    x.fill(1, -20, 20);
    for (const int32_t log : {0, 1}) {
      SCOPED_TRACE(::testing::PrintToString(c.shape) + " axis " + std::to_string(c.axis) + " log " + std::to_string(log));
      const fovea_softmax_params p{c.axis, log};
      // exp is good to 2 ulp, but rounding x - max (up to 40, half an ulp 2e-6) multiplies the result by 1 +- 2e-6. The
      // logarithm subtracts two numbers of that size.
      check_kernel<float>(y, {6e-6, log != 0 ? 4e-6 : 1e-30}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), yt = y.view();
        return fovea_softmax(&p, &xt, &yt, s);
      });
    }
  }
}

// On both sides of 2^20, where the exponential changes its form, and rows without and with a rest of a vector.
TEST(Softmax, MatchesReferenceFarFromZero) {
  for (const float centre : {-3e3f, 1.048e6f, -1.049e6f, 3e7f})
    for (const int64_t n : {16, 91, 128, 1030}) {
      Array<float> x({5, n}), y({5, n});
      x.fill(1, centre - 20, centre + 20);
      for (const int32_t log : {0, 1}) {
        SCOPED_TRACE(std::to_string(centre) + " n " + std::to_string(n) + " log " + std::to_string(log));
        const fovea_softmax_params p{1, log};
        // As above: what is far from zero only leaves fewer different values of x.
        check_kernel<float>(y, {6e-6, log != 0 ? 4e-6 : 1e-30}, [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_softmax(&p, &xt, &yt, s);
        });
      }
    }
}

TEST(Softmax, InPlaceGivesTheSameBits) {
  for (const Case& c : {Case{{13, 17, 2}, 2}, Case{{37, 3}, 1}, Case{{5, 91}, 1}, Case{{3, 1100}, 1}, Case{{2, 6, 19}, 1}})
    for (const int32_t log : {0, 1}) {
      on_every_backend([&](fovea_stream* stream, bool) {
        Array<float> x(c.shape), y(c.shape);
        x.fill(1, -5, 5);
        const fovea_tensor xt = x.view(), yt = y.view();
        const fovea_softmax_params p{c.axis, log};
        ASSERT_EQ(finish(fovea_softmax(&p, &xt, &yt, stream), stream), FOVEA_OK);
        ASSERT_EQ(finish(fovea_softmax(&p, &xt, &xt, stream), stream), FOVEA_OK);
        EXPECT_EQ(std::memcmp(x.data(), y.data(), static_cast<size_t>(x.size()) * sizeof(float)), 0);
      });
    }
}

// Rows of every length and both directions, so that each body meets them.
TEST(Softmax, SpecialValues) {
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const int64_t n : {2, 3, 4, 5, 16, 33})
      for (const int32_t axis : {0, 1}) {
        SCOPED_TRACE("n " + std::to_string(n) + " axis " + std::to_string(axis));
        // Lines: huge values (no overflow), all -inf, one NaN, one -inf.
        Array<float> x(axis == 1 ? std::vector<int64_t>{4, n} : std::vector<int64_t>{n, 4});
        Array<float> y(x);
        const auto at = [&](int64_t line, int64_t i) { return axis == 1 ? line * n + i : i * 4 + line; };
        for (int64_t i = 0; i < n; ++i) {
          x[at(0, i)] = 3e38f;
          x[at(1, i)] = -kInf;
          x[at(2, i)] = i == n - 1 ? kNan : 1.0f;
          x[at(3, i)] = i == 0 ? -kInf : 2.0f;
        }
        const fovea_tensor xt = x.view(), yt = y.view();
        for (const int32_t log : {0, 1}) {
          const fovea_softmax_params p{axis, log};
          ASSERT_EQ(finish(fovea_softmax(&p, &xt, &yt, stream), stream), FOVEA_OK);
          const auto as_is = [&](double v) { return log != 0 ? std::log(v) : v; };
          for (int64_t i = 0; i < n; ++i) {
            EXPECT_TRUE(near(y[at(0, i)], as_is(1.0 / static_cast<double>(n)), 1e-6, 1e-6));
            EXPECT_TRUE(std::isnan(y[at(1, i)]));
            EXPECT_TRUE(std::isnan(y[at(2, i)]));
            EXPECT_TRUE(near(y[at(3, i)], as_is(i == 0 ? 0.0 : 1.0 / static_cast<double>(n - 1)), 1e-6, 1e-6));
          }
        }
      }
  });
}

TEST(Softmax, LiveLimitsTheLeadingDimension) {
  Array<float> x({6, 2}), y({6, 2});
  x.fill(4);
  Array<int32_t> live({1});
  live[0] = 4;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor yt = y.view();
    for (const int32_t axis : {0, 1}) {
      const fovea_softmax_params p{axis, 0};
      y.poison();
      ASSERT_EQ(finish(fovea_softmax(&p, &xt, &yt, stream), stream), FOVEA_OK);
      double sum = 0;
      for (int64_t i = 0; i < 8; ++i) sum += static_cast<double>(y[i]);
      EXPECT_NEAR(sum, axis == 0 ? 2 : 4, 1e-6) << "axis " << axis;
      for (int64_t i = 8; i < 12; ++i) EXPECT_TRUE(std::isnan(y[i]));
    }
  });
}

// f32 inside, one rounding at the end; where f32 differs in the last place the two may round apart by a unit.
template <class T>
void check_narrow(double relative) {
  for (const Case& c : {Case{{37, 3}, 1}, Case{{5, 91}, 1, 96}, Case{{2, 1100}, 1}, Case{{2, 30, 19}, 1}}) {
    Array<float> wide(c.shape), expected(c.shape);
    Array<T> x(c.shape, c.x_pitch), y(c.shape);
    x.fill(1, -8, 8);
    for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
    const fovea_softmax_params p{c.axis, 0};
    // The smallest halves are 2^-24 apart.
    check_narrow_kernel<T>(
        y, expected, {relative, 0x1p-24},
        [&](fovea_stream* s) {
          const fovea_tensor xt = wide.view(), yt = expected.view();
          return fovea_softmax(&p, &xt, &yt, s);
        },
        [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_softmax(&p, &xt, &yt, s);
        });
  }
}
TEST(Softmax, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(Softmax, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(Softmax, ArgumentsAreChecked) {
  Array<float> x({4, 6}), y({4, 5}), scalar({});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), st = scalar.view();
  const fovea_softmax_params good{1, 0}, high{2, 0}, low{-3, 0};
  EXPECT_EQ(fovea_softmax(&good, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_softmax(&high, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "softmax: axis 2 is outside of [4, 6] f32");
  EXPECT_EQ(fovea_softmax(&low, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_softmax(&good, &st, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_softmax(nullptr, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_softmax(&good, nullptr, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_softmax(&good, &xt, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
