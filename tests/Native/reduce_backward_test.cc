#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// exp is good to 2 ulp, and at most two operations precede or follow a value of at most 1; y is the same float for all.
constexpr Tolerance kTolerance{1e-6, 1e-6};

constexpr int32_t kOps[] = {FOVEA_REDUCE_SUM, FOVEA_REDUCE_MEAN, FOVEA_REDUCE_MAX,        FOVEA_REDUCE_MIN,
                            FOVEA_REDUCE_L1,  FOVEA_REDUCE_L2,   FOVEA_REDUCE_LOG_SUM_EXP};

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

template <class T>
struct CallOf {
  fovea_reduce_params params;
  Array<T> x, y, dy, dx;

  CallOf(int32_t op, uint32_t axes, const std::vector<int64_t>& shape, bool keep = true, int64_t x_pitch = 0,
         int64_t dx_pitch = 0, int64_t y_pitch = 0, int64_t dy_pitch = 0)
      : params{op, axes},
        x(shape, x_pitch),
        y(reduced_shape(shape, axes, keep), y_pitch),
        dy(reduced_shape(shape, axes, keep), dy_pitch),
        dx(shape, dx_pitch) {
    x.fill(1, -3, 3);
    // Whole numbers: extremes are met more than once.
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(std::round(static_cast<double>(x[i])));
    dy.fill(2);
  }
  // y from the reference loops on the CPU.
  void forward() {
    const OnDevice here(nullptr);
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    const fovea_tensor xt = x.view(), yt = y.view();
    ASSERT_EQ(fovea_reduce(&params, &xt, &yt, make_stream().get()), FOVEA_OK) << fovea_last_error();
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor yt = y.view(), dyt = dy.view(), dxt = dx.view();
    return fovea_reduce_backward(&params, &xt, &yt, &dyt, &dxt, stream);
  }
};
using Call = CallOf<float>;

class ReduceBackward : public ::testing::TestWithParam<int32_t> {};

TEST_P(ReduceBackward, MatchesReference) {
  struct Case {
    std::vector<int64_t> shape;
    uint32_t axes;
    int64_t x_gap = 0, dx_gap = 0, y_gap = 0, dy_gap = 0;
  };
  const Case cases[] = {{{1}, 1},
                        {{}, 0},
                        {{7, 5}, 0, 3, 1, 2, 0},
                        {{17001}, 1},
                        {{5, 91}, 2, 4},
                        {{5, 91}, 2, 0, 4, 1, 2},
                        {{5, 91}, 1, 4, 5, 1, 2},
                        {{3, 5, 7, 19}, 0b0110},
                        {{3, 5, 7, 19}, 0b0110, 0, 0, 3, 0},
                        {{3, 5, 7, 19}, 0b1001},
                        {{3, 5, 7, 19}, 0b1111, 1, 0},
                        {{2, 3, 2, 3, 2, 3, 2, 5}, 0b10101010},
                        {{2, 3, 2, 3, 2, 3, 2, 5}, 0b01010101},
                        {{1, 300, 1, 17}, 0b0010},
                        {{6, 1}, 0b01, 0, 3},
                        {{6, 1}, 0b10, 3, 2, 1, 0},
                        {{4, 6, 1}, 0b010, 2, 0, 0, 1},
                        {{0, 5}, 2},
                        {{3, 0}, 2}};
  for (const Case& k : cases)
    for (const bool keep : {true, false}) {
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " axes " + std::to_string(k.axes) + (keep ? " kept" : " squeezed"));
      const auto y_shape = reduced_shape(k.shape, k.axes, keep);
      const int64_t last = k.shape.empty() ? 1 : k.shape.back(), y_last = y_shape.empty() ? 1 : y_shape.back();
      Call c(GetParam(), k.axes, k.shape, keep, last + k.x_gap, last + k.dx_gap, y_last + k.y_gap, y_last + k.dy_gap);
      ASSERT_NO_FATAL_FAILURE(c.forward());
      check_kernel<float>(c.dx, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
}

// Central differences, of order 4, of the reduction of 7 different numbers in double.
TEST_P(ReduceBackward, IsTheDerivativeOfTheForwardFunction) {
  const std::vector<double> values = {0.3, -1.1, 2.4, 1.7, -0.6, 0.9, -2.3};
  const auto forward = [&](size_t at, double step) {
    double sum = 0, magnitudes = 0, squares = 0, exponentials = 0, highest = -kInf, lowest = kInf;
    for (size_t i = 0; i < values.size(); ++i) {
      const double v = values[i] + (i == at ? step : 0);
      sum += v, magnitudes += std::fabs(v), squares += v * v, exponentials += std::exp(v);
      highest = std::fmax(highest, v), lowest = std::fmin(lowest, v);
    }
    switch (GetParam()) {
      case FOVEA_REDUCE_SUM:
        return sum;
      case FOVEA_REDUCE_MEAN:
        return sum / 7;
      case FOVEA_REDUCE_MAX:
        return highest;
      case FOVEA_REDUCE_MIN:
        return lowest;
      case FOVEA_REDUCE_L1:
        return magnitudes;
      case FOVEA_REDUCE_L2:
        return std::sqrt(squares);
      default:
        return std::log(exponentials);
    }
  };
  Call c(GetParam(), 1, {7});
  for (size_t i = 0; i < 7; ++i) c.x[static_cast<int64_t>(i)] = static_cast<float>(values[i]);
  c.dy[0] = 0.75f;
  ASSERT_NO_FATAL_FAILURE(c.forward());
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
  constexpr double h = 1e-3;
  for (size_t i = 0; i < 7; ++i) {
    const double difference = (8 * (forward(i, h) - forward(i, -h)) - (forward(i, 2 * h) - forward(i, -2 * h))) / (12 * h);
    EXPECT_NEAR(c.dx[static_cast<int64_t>(i)], 0.75 * difference, 1e-6) << i;
  }
}

// Every op over rows, over columns, and with the leading dimension kept and reduced.
TEST_P(ReduceBackward, LiveLimitsTheLeadingDimension) {
  on_every_isa([&] {
    for (const uint32_t axes : {0b00u, 0b01u, 0b10u, 0b11u})
      for (const int32_t n : {-1, 0, 2, 99}) {
        Call c(GetParam(), axes, {5, 19});
        const Live live(n);
        const int64_t rows = std::min(std::max(n, 0), 5);
        Call cut(GetParam(), axes, {std::max<int64_t>(rows, 1), 19});
        for (int64_t i = 0; i < cut.x.size(); ++i) cut.x[i] = c.x[i];
        ASSERT_NO_FATAL_FAILURE(cut.forward());
        for (int64_t i = 0; i < cut.y.size(); ++i) c.y[i] = cut.y[i], cut.dy[i] = c.dy[i];
        const StreamPtr stream = make_stream();
        ASSERT_EQ(finish(stream, cut.run(stream.get())), FOVEA_OK) << fovea_last_error();
        c.dx.poison();
        ASSERT_EQ(finish(stream, c.run(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < c.dx.size(); ++i) {
          if (i < rows * 19)
            EXPECT_EQ(c.dx[i], cut.dx[i]) << "axes " << axes << ", element " << i;
          else
            EXPECT_TRUE(std::isnan(c.dx[i])) << "axes " << axes << ", element " << i;
        }
      }
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, ReduceBackward, ::testing::ValuesIn(kOps));

// Rows [-1 2 2 .. ] and the same as columns: equal extremes get equal parts.
TEST(ReduceBackward, EqualExtremesShare) {
  on_every_isa([&] {
    for (const int32_t op : {FOVEA_REDUCE_MAX, FOVEA_REDUCE_MIN})
      for (const uint32_t axes : {0b01u, 0b10u}) {
        const bool rows = axes == 0b10;
        Call c(op, axes, rows ? std::vector<int64_t>{3, 40} : std::vector<int64_t>{40, 3});
        const float sign = op == FOVEA_REDUCE_MAX ? 1.0f : -1.0f;
        for (int64_t o = 0; o < 3; ++o) {
          c.y[o] = 2 * sign, c.dy[o] = 1;
          for (int64_t i = 0; i < 40; ++i) c.x[rows ? o * 40 + i : i * 3 + o] = i % 10 == o || i == 39 ? 2 * sign : -sign;
        }
        const StreamPtr stream = make_stream();
        ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
        for (int64_t o = 0; o < 3; ++o)
          for (int64_t i = 0; i < 40; ++i)
            EXPECT_EQ(c.dx[rows ? o * 40 + i : i * 3 + o], i % 10 == o || i == 39 ? 0.2f : 0.0f) << i << " of " << o;
      }
  });
}

// More terms than the vector bodies count in one go: 2^16.
TEST(ReduceBackward, LongColumnsOfEqualValues) {
  Call c(FOVEA_REDUCE_MAX, 0b01, {66000, 2});
  for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = 1;
  ASSERT_NO_FATAL_FAILURE(c.forward());
  check_kernel<float>(c.dx, {1e-7, 0}, [&](fovea_stream* s) { return c.run(s); });
}

// Where the formula divides 0 by 0 the gradient is 0; a NaN result makes its terms NaN for the extremes, as it does in y.
TEST(ReduceBackward, SpecialValues) {
  on_every_isa([&] {
    for (const uint32_t axes : {0b01u, 0b10u}) {
      const std::vector<int64_t> shape = axes == 0b10 ? std::vector<int64_t>{1, 19} : std::vector<int64_t>{19, 1};
      const auto run = [&](int32_t op, float x, float y) {
        Call c(op, axes, shape);
        for (int64_t i = 0; i < 19; ++i) c.x[i] = x;
        c.y[0] = y, c.dy[0] = 2;
        const StreamPtr stream = make_stream();
        EXPECT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
        return c.dx.values();
      };
      for (const float v : run(FOVEA_REDUCE_L2, 0, 0)) EXPECT_EQ(v, 0);
      for (const float v : run(FOVEA_REDUCE_LOG_SUM_EXP, -kInf, -kInf)) EXPECT_EQ(v, 0);
      for (const float v : run(FOVEA_REDUCE_L1, 0, 0)) EXPECT_EQ(v, 0);
      for (const float v : run(FOVEA_REDUCE_MAX, 1, kNan)) EXPECT_TRUE(std::isnan(v));
      for (const float v : run(FOVEA_REDUCE_MIN, 1, kNan)) EXPECT_TRUE(std::isnan(v));
      for (const float v : run(FOVEA_REDUCE_MAX, kInf, kInf)) EXPECT_FLOAT_EQ(v, 2.0f / 19);
      for (const float v : run(FOVEA_REDUCE_L1, kNan, kNan)) EXPECT_TRUE(std::isnan(v));
      for (const float v : run(FOVEA_REDUCE_L2, kNan, kNan)) EXPECT_TRUE(std::isnan(v));
      for (const float v : run(FOVEA_REDUCE_LOG_SUM_EXP, kNan, kNan)) EXPECT_TRUE(std::isnan(v));
    }
  });
}

// Backends with narrow types compute in f32 and round once. Whole numbers: y is the same in both types for max.
template <class T>
void check_narrow(int32_t op, uint32_t axes, double relative) {
  CallOf<T> c(op, axes, {13, 40});
  Call wide(op, axes, {13, 40});
  for (int64_t i = 0; i < c.x.size(); ++i) wide.x[i] = static_cast<float>(c.x[i]);
  ASSERT_NO_FATAL_FAILURE(wide.forward());
  for (int64_t i = 0; i < c.y.size(); ++i) {
    c.y[i] = static_cast<T>(static_cast<double>(wide.y[i]));
    wide.y[i] = static_cast<float>(c.y[i]);
    wide.dy[i] = static_cast<float>(c.dy[i]);
  }
  check_narrow_kernel<T>(
      c.dx, wide.dx, {relative, 1e-6}, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
}
TEST(ReduceBackward, HalfPrecision) {
  check_narrow<Half>(FOVEA_REDUCE_MAX, 0b10, 0x1p-11 + 1e-6);
  check_narrow<Half>(FOVEA_REDUCE_L2, 0b01, 0x1p-11 + 1e-6);
}
TEST(ReduceBackward, BFloat16) { check_narrow<BFloat16>(FOVEA_REDUCE_MIN, 0b01, 0x1p-8 + 1e-6); }

TEST(ReduceBackwardArguments, AreChecked) {
  Call c(FOVEA_REDUCE_SUM, 0b10, {4, 3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.x.view(), yt = c.y.view(), dyt = c.dy.view(), dxt = c.dx.view(), ot = other.view();
  const auto refused = [&](int32_t op, uint32_t axes, const fovea_tensor* y, const fovea_tensor* dy, const fovea_tensor* dx,
                           const char* message) {
    const fovea_reduce_params p{op, axes};
    EXPECT_EQ(fovea_reduce_backward(&p, &xt, y, dy, dx, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(FOVEA_REDUCE_PROD, 0b10, &yt, &dyt, &dxt, "reduce_backward: products have no gradient here");
  refused(9, 0b10, &yt, &dyt, &dxt, "reduce_backward: unknown operation 9");
  refused(FOVEA_REDUCE_SUM, 0b100, &yt, &dyt, &dxt, "reduce_backward: axes 0x4 name a dimension that [4, 3] f32 lacks");
  refused(FOVEA_REDUCE_SUM, 0b01, &yt, &dyt, &dxt,
          "reduce_backward: y is [4, 1] f32, which is not [4, 3] f32 with axes 0x1 reduced");
  refused(FOVEA_REDUCE_SUM, 0b10, &yt, &ot, &dxt, "reduce_backward: y is [4, 1] f32 but dy is [3, 4] f32");
  refused(FOVEA_REDUCE_SUM, 0b10, &yt, &dyt, &ot, "reduce_backward: x is [4, 3] f32 but dx is [3, 4] f32");
  refused(FOVEA_REDUCE_SUM, 0b10, &yt, &dyt, &xt, "reduce_backward: x and dx overlap in memory");
  refused(FOVEA_REDUCE_SUM, 0b10, nullptr, &dyt, &dxt, "reduce_backward: y is NULL");
}

}  // namespace
