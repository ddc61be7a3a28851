#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Derivatives are one to three roundings; exp is good to 2 ulp, that of erf also inherits x * x, off by half an ulp of at
// most 87.
constexpr Tolerance kTolerance{6e-6, 1.2e-38};

template <class T>
struct CallOf {
  fovea_unary_params params;
  Array<T> x, dy, dx;

  explicit CallOf(int32_t op, const std::vector<int64_t>& shape, int64_t x_pitch = 0, int64_t dy_pitch = 0,
                  int64_t dx_pitch = 0)
      : params{op, -0.75f, 2.5f, 0}, x(shape, x_pitch), dy(shape, dy_pitch), dx(shape, dx_pitch) {
    const bool positive = op == FOVEA_UNARY_SQRT || op == FOVEA_UNARY_RSQRT;
    x.fill(1, positive ? 0.1 : -9, 9);
    dy.fill(2);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor dyt = dy.view(), dxt = dx.view();
    return fovea_unary_backward(&params, &xt, &dyt, &dxt, stream);
  }
};
using Call = CallOf<float>;

class UnaryBackward : public ::testing::TestWithParam<int32_t> {};

TEST_P(UnaryBackward, MatchesReference) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {0}, {1}, {37}, {2, 7, 9, 17}, {9001}}) {
    Call c(GetParam(), shape);
    check_kernel<float>(c.dx, kTolerance, [&](fovea_stream* s) { return c.run(s); });
  }
  Call pitched(GetParam(), {13, 31}, 40, 32, 33);
  check_kernel<float>(pitched.dx, kTolerance, [&](fovea_stream* s) { return pitched.run(s); });
}

// Central differences, of order 4, of the functions in double; x stays away from 0 and from the steps of the rounding
// functions.
TEST_P(UnaryBackward, IsTheDerivativeOfTheForwardFunction) {
  const auto forward = [&](double x) {
    switch (GetParam()) {
      case FOVEA_UNARY_ABS:
        return std::fabs(x);
      case FOVEA_UNARY_NEG:
        return -x;
      case FOVEA_UNARY_EXP:
        return std::exp(x);
      case FOVEA_UNARY_LOG:
        return std::log(x);
      case FOVEA_UNARY_SQRT:
        return std::sqrt(x);
      case FOVEA_UNARY_RSQRT:
        return 1 / std::sqrt(x);
      case FOVEA_UNARY_RECIPROCAL:
        return 1 / x;
      case FOVEA_UNARY_SQUARE:
        return x * x;
      case FOVEA_UNARY_FLOOR:
        return std::floor(x);
      case FOVEA_UNARY_CEIL:
        return std::ceil(x);
      case FOVEA_UNARY_ROUND:
        return std::nearbyint(x);
      case FOVEA_UNARY_SIGN:
        return x > 0 ? 1.0 : -1.0;
      case FOVEA_UNARY_SIN:
        return std::sin(x);
      case FOVEA_UNARY_COS:
        return std::cos(x);
      case FOVEA_UNARY_ERF:
        return std::erf(x);
      default:
        return -0.75 * x + 2.5;
    }
  };
  const bool positive = GetParam() == FOVEA_UNARY_LOG || GetParam() == FOVEA_UNARY_SQRT || GetParam() == FOVEA_UNARY_RSQRT;
  Call c(GetParam(), {40});
  for (int64_t i = 0; i < 40; ++i)
    c.x[i] = static_cast<float>((positive ? 0.3 : -3.7) + 0.2 * static_cast<double>(i)), c.dy[i] = 1;
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
  constexpr double h = 1e-3;
  for (int64_t i = 0; i < 40; ++i) {
    const double x = static_cast<double>(c.x[i]), half = std::fabs(x * 2 - std::nearbyint(x * 2));
    if (half < 0.02) continue;  // halves and whole numbers
    const double difference = (8 * (forward(x + h) - forward(x - h)) - (forward(x + 2 * h) - forward(x - 2 * h))) / (12 * h);
    EXPECT_NEAR(c.dx[i], difference, 2e-7 * std::fabs(difference) + 1e-8) << "x = " << x;
  }
}

// A NaN gives NaN where x is looked at: not where the derivative is the same everywhere.
TEST_P(UnaryBackward, Nan) {
  on_every_isa([&] {
    Call c(GetParam(), {19});
    c.x[17] = kNan;
    c.dy[3] = kNan;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
    const int32_t op = GetParam();
    const bool constant =
        op == FOVEA_UNARY_NEG || op == FOVEA_UNARY_AFFINE || (op >= FOVEA_UNARY_FLOOR && op <= FOVEA_UNARY_SIGN);
    EXPECT_EQ(std::isnan(c.dx[17]), !constant);
    EXPECT_TRUE(std::isnan(c.dx[3]));
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, UnaryBackward, ::testing::Range(0, 16));

TEST(UnaryBackward, SpecialValues) {
  struct Point {
    int32_t op;
    float x, derivative;
  };
  const Point points[] = {{FOVEA_UNARY_ABS, 0, 0},
                          {FOVEA_UNARY_ABS, -kInf, -1},
                          {FOVEA_UNARY_FLOOR, 2, 0},
                          {FOVEA_UNARY_SIGN, 0, 0},
                          {FOVEA_UNARY_LOG, 0, kInf},
                          {FOVEA_UNARY_SQRT, 0, kInf},
                          {FOVEA_UNARY_SQRT, -1, kNan},
                          {FOVEA_UNARY_RSQRT, 0, -kInf},
                          {FOVEA_UNARY_RECIPROCAL, 0, -kInf},
                          {FOVEA_UNARY_RECIPROCAL, 0x1p-60f, -0x1p120f},
                          {FOVEA_UNARY_RECIPROCAL, -0x1p63f, -0x1p-126f},
                          {FOVEA_UNARY_ERF, kInf, 0},
                          {FOVEA_UNARY_EXP, -kInf, 0}};
  on_every_isa([&] {
    for (const Point& p : points) {
      Call c(p.op, {19});
      for (int64_t i = 0; i < 19; ++i) c.x[i] = p.x, c.dy[i] = 1;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 19; ++i)
        EXPECT_TRUE(is_near(c.dx[i], p.derivative, 0, 0)) << "op " << p.op << " at " << p.x << ": " << c.dx[i];
    }
  });
}

TEST(UnaryBackward, InPlaceAndLive) {
  on_every_isa([&] {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{6, 11}, {66}}) {
      Call all(FOVEA_UNARY_EXP, shape), c(FOVEA_UNARY_EXP, shape);
      const Live live(shape.size() == 1 ? 33 : 3);
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, all.run(stream.get())), FOVEA_OK) << fovea_last_error();
      fovea_tensor xt = c.x.view();
      xt.live = live.get();
      const fovea_tensor dyt = c.dy.view();
      ASSERT_EQ(finish(stream, fovea_unary_backward(&c.params, &xt, &dyt, &dyt, stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 66; ++i) EXPECT_EQ(c.dy[i], i < 33 ? all.dx[i] : all.dy[i]) << i;
    }
  });
}

// Backends with narrow types compute in f32 and round once; numbers below the type's range lose bits, hence the absolute part.
template <class T>
void check_narrow(Tolerance tolerance) {
  CallOf<T> c(FOVEA_UNARY_ERF, {13, 40});
  Call wide(FOVEA_UNARY_ERF, {13, 40});
  for (int64_t i = 0; i < c.x.size(); ++i) {
    wide.x[i] = static_cast<float>(c.x[i]);
    wide.dy[i] = static_cast<float>(c.dy[i]);
  }
  check_narrow_kernel<T>(
      c.dx, wide.dx, tolerance, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
}
TEST(UnaryBackward, HalfPrecision) { check_narrow<Half>({0x1p-11 + 6e-6, 0x1p-24}); }
TEST(UnaryBackward, BFloat16) { check_narrow<BFloat16>({0x1p-8 + 6e-6, 1e-38}); }

TEST(UnaryBackwardArguments, AreChecked) {
  Call c(FOVEA_UNARY_EXP, {4, 3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.x.view(), dyt = c.dy.view(), dxt = c.dx.view(), ot = other.view();
  const auto refused = [&](int32_t op, const fovea_tensor* dy, const fovea_tensor* dx, const char* message) {
    const fovea_unary_params p{op, 0, 0, 0};
    EXPECT_EQ(fovea_unary_backward(&p, &xt, dy, dx, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(16, &dyt, &dxt, "unary_backward: unknown operation 16");
  refused(FOVEA_UNARY_EXP, nullptr, &dxt, "unary_backward: dy is NULL");
  refused(FOVEA_UNARY_EXP, &ot, &dxt, "unary_backward: x is [4, 3] f32 but dy is [3, 4] f32");
  refused(FOVEA_UNARY_EXP, &dyt, &ot, "unary_backward: x is [4, 3] f32 but dx is [3, 4] f32");
  refused(FOVEA_UNARY_EXP, &dyt, &xt, "unary_backward: x and dx overlap in memory");
}

}  // namespace
