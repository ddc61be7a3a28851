#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// exp is good to 4 ulp over these arguments, and up to five more operations on values of at most 1.13 follow.
constexpr Tolerance kTolerance{4e-6, 4e-6};

fovea_activation_params params_of(int kind) {
  if (kind == FOVEA_ACTIVATION_SELU) return {kind, 1.6732632f, 1.0507010f, 0};
  if (kind == FOVEA_ACTIVATION_CLAMP) return {kind, -0.75f, 1.5f, 0};
  return {kind, 0.25f, 0.5f, 0};
}

template <class T>
struct CallOf {
  fovea_activation_params params;
  Array<T> x, dy, dx;
  Array<float> slope, d_slope;
  std::unique_ptr<Workspace> workspace;  // of the last call

  explicit CallOf(int kind, const std::vector<int64_t>& shape, int64_t x_pitch = 0, int64_t dy_pitch = 0, int64_t dx_pitch = 0)
      : params(params_of(kind)),
        x(shape, x_pitch),
        dy(shape, dy_pitch),
        dx(shape, dx_pitch),
        slope({x.last()}),
        d_slope({x.last()}) {
    x.fill(1, -12, 12);
    dy.fill(2);
    slope.fill(3, -0.5, 0.5);
  }
  fovea_status run(fovea_stream* stream, bool want_dx = true, bool want_d_slope = true, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor dyt = dy.view(), dxt = dx.view(), st = slope.view(), dst = d_slope.view();
    const bool prelu = params.kind == FOVEA_ACTIVATION_PRELU;
    int64_t bytes = -1;
    EXPECT_EQ(fovea_activate_backward_workspace(&params, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_activate_backward(&params, &xt, prelu ? &st : nullptr, &dyt, want_dx ? &dxt : nullptr,
                                   prelu && want_d_slope ? &dst : nullptr, workspace->get(), stream);
  }
};
using Call = CallOf<float>;

class ActivateBackward : public ::testing::TestWithParam<int> {};

TEST_P(ActivateBackward, MatchesReference) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {0}, {1}, {37}, {2, 3, 5, 17}, {0, 4}, {4, 0}, {4200}}) {
    Call c(GetParam(), shape);
    check_kernel<float>(c.dx, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    EXPECT_TRUE(c.workspace->guards_intact());
  }
  Call pitched(GetParam(), {13, 31}, 40, 32, 33);
  check_kernel<float>(pitched.dx, kTolerance, [&](fovea_stream* s) { return pitched.run(s); });
}

// Central differences of order 4 of fovea_activate itself. x is a multiple of 2^-10, so x + 2^-5 k is exact; y is rounded to
// f32: an error of 2^-25 |y| in each of four values, with weights that add up to 1.5 / 2^-5, is below 2e-6 max(1, |y|), and the
// formula's own error is 2^-20 / 30 times a fifth derivative of at most 40.
TEST_P(ActivateBackward, IsTheDerivativeOfTheForwardFunction) {
  constexpr double h = 0x1p-5;
  Call c(GetParam(), {125});
  for (int64_t i = 0; i < c.x.size(); ++i) {
    c.x[i] = static_cast<float>(std::round((-6.2 + 0.1 * static_cast<double>(i)) * 1024) / 1024);
    c.dy[i] = 1;
  }
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  const StreamPtr stream = make_stream();
  const auto forward = [&](double step) {
    Array<float> x({125}), y({125});
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<double>(c.x[i]) + step);
    const fovea_tensor xt = x.view(), yt = y.view(), st = c.slope.view();
    EXPECT_EQ(fovea_activate(&c.params, &xt, GetParam() == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &yt, stream.get()),
              FOVEA_OK);
    return y.values();
  };
  ASSERT_EQ(c.run(stream.get()), FOVEA_OK) << fovea_last_error();
  const auto far_left = forward(-2 * h), left = forward(-h), right = forward(h), far_right = forward(2 * h);
  for (size_t i = 0; i < right.size(); ++i) {
    const float x = c.x[static_cast<int64_t>(i)];
    // Where a kink of any of the functions is within reach the difference means nothing.
    bool smooth = true;
    for (const double kink : {-3.0, -2.0, -0.75, 0.0, 1.5, 2.0, 3.0, 6.0}) smooth = smooth && std::fabs(x - kink) > 2 * h;
    if (!smooth) continue;
    const double near_difference = static_cast<double>(right[i]) - static_cast<double>(left[i]);
    const double far_difference = static_cast<double>(far_right[i]) - static_cast<double>(far_left[i]);
    EXPECT_NEAR(c.dx[static_cast<int64_t>(i)], (8 * near_difference - far_difference) / (12 * h), 1.4e-5) << "x = " << x;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ActivateBackward, ::testing::Range(0, 18));

TEST(ActivateBackward, KinksTakeTheSideOfPyTorch) {
  struct Kink {
    int kind;
    float x, derivative;
  };
  const Kink kinks[] = {
      {FOVEA_ACTIVATION_RELU, 0, 0},         {FOVEA_ACTIVATION_RELU, 1e-30f, 1},      {FOVEA_ACTIVATION_RELU6, 0, 0},
      {FOVEA_ACTIVATION_RELU6, 6, 0},        {FOVEA_ACTIVATION_RELU6, 5.9999995f, 1}, {FOVEA_ACTIVATION_LEAKY_RELU, 0, 0.25f},
      {FOVEA_ACTIVATION_ELU, 0, 0.25f},      {FOVEA_ACTIVATION_HARD_SIGMOID, -2, 0},  {FOVEA_ACTIVATION_HARD_SIGMOID, 0, 0.25f},
      {FOVEA_ACTIVATION_HARD_SIGMOID, 2, 0}, {FOVEA_ACTIVATION_HARD_SWISH, -3, 0},    {FOVEA_ACTIVATION_HARD_SWISH, 0, 0.5f},
      {FOVEA_ACTIVATION_HARD_SWISH, 3, 1},   {FOVEA_ACTIVATION_CLAMP, -0.75f, 1},     {FOVEA_ACTIVATION_CLAMP, -0.7500001f, 0},
      {FOVEA_ACTIVATION_CLAMP, 1.5f, 1},     {FOVEA_ACTIVATION_CLAMP, 1.5000001f, 0},
  };
  for (const Kink& kink : kinks) {
    SCOPED_TRACE("kind " + std::to_string(kink.kind) + " at " + std::to_string(kink.x));
    on_every_isa([&] {
      Call c(kink.kind, {19});
      for (int64_t i = 0; i < 19; ++i) c.x[i] = kink.x, c.dy[i] = 3;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 19; ++i) ASSERT_EQ(c.dx[i], 3 * kink.derivative) << i;
    });
  }
}

// At an infinity the limit of the derivative, and NaN for NaN. NONE does not look at x.
TEST(ActivateBackward, LimitsAndNan) {
  for (int kind = 0; kind < 18; ++kind) {
    SCOPED_TRACE(kind);
    float low = 0, high = 1;
    if (kind == FOVEA_ACTIVATION_NONE) low = 1;
    if (kind == FOVEA_ACTIVATION_LEAKY_RELU || kind == FOVEA_ACTIVATION_PRELU) low = 0.25f;
    if (kind == FOVEA_ACTIVATION_SELU) high = 1.0507010f;
    if (kind == FOVEA_ACTIVATION_RELU6 || kind == FOVEA_ACTIVATION_SIGMOID || kind == FOVEA_ACTIVATION_TANH ||
        kind == FOVEA_ACTIVATION_HARD_SIGMOID || kind == FOVEA_ACTIVATION_SOFTSIGN || kind == FOVEA_ACTIVATION_CLAMP)
      high = 0;
    on_every_isa([&] {
      Call c(kind, {7});
      const float x[] = {-kInf, kInf, -1e30f, 1e30f, -300, 300, kNan};
      for (int64_t i = 0; i < 7; ++i) c.x[i] = x[i], c.dy[i] = 1, c.slope[i] = 0.25f;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(c.dx[i], i % 2 == 0 ? low : high, 2e-5) << x[i];
      EXPECT_EQ(std::isnan(c.dx[6]), kind != FOVEA_ACTIVATION_NONE);
    });
  }
}

TEST(ActivateBackward, InPlace) {
  for (const int kind : {FOVEA_ACTIVATION_SILU, FOVEA_ACTIVATION_PRELU}) {
    Call expected(kind, {9, 33}), c(kind, {9, 33});
    on_every_isa([&] {
      c.dy.fill(2);
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, expected.run(stream.get())), FOVEA_OK) << fovea_last_error();
      const fovea_tensor xt = c.x.view(), st = c.slope.view(), dyt = c.dy.view();
      ASSERT_EQ(finish(stream, fovea_activate_backward(&c.params, &xt, kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &dyt,
                                                       &dyt, nullptr, nullptr, stream.get())),
                FOVEA_OK)
          << fovea_last_error();
      EXPECT_EQ(std::memcmp(c.dy.data(), expected.dx.data(), 9 * 33 * sizeof(float)), 0);
    });
  }
}

// Chunks of 64 rows: none, a part of one, whole ones, several. A term is rounded once, a sum at most 64 times, then double.
TEST(ActivateBackward, SlopesAreSummedOverTheRows) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{0, 5}, {1, 5}, {64, 3}, {65, 17}, {4, 50, 70}, {}, {37}, {3, 0}}) {
    Call c(FOVEA_ACTIVATION_PRELU, shape, 0, 0, 0);
    const double rows = static_cast<double>(c.x.rows()), bound = 12 * rows * 66 * 0x1p-24;
    for (const bool want_dx : {true, false}) {
      check_kernel<float>(c.d_slope, {6e-8, bound}, [&](fovea_stream* s) { return c.run(s, want_dx); });
      EXPECT_TRUE(c.workspace->guards_intact());
    }
  }
  Call pitched(FOVEA_ACTIVATION_PRELU, {150, 21}, 25, 22, 32);
  check_kernel<float>(pitched.d_slope, {6e-8, 12 * 150 * 66 * 0x1p-24}, [&](fovea_stream* s) { return pitched.run(s); });
}

// y is linear in the slope: two values of it give the derivative of sum(dy * y) but for the rounding of y.
TEST(ActivateBackward, SlopeGradientIsThatOfTheLoss) {
  Call c(FOVEA_ACTIVATION_PRELU, {70, 3});
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  const StreamPtr stream = make_stream();
  const auto losses = [&](float slope) {
    Array<float> slopes({3}), y({70, 3});
    for (int64_t i = 0; i < 3; ++i) slopes[i] = slope;
    const fovea_tensor xt = c.x.view(), st = slopes.view(), yt = y.view();
    EXPECT_EQ(fovea_activate(&c.params, &xt, &st, &yt, stream.get()), FOVEA_OK);
    std::vector<double> loss(3);
    for (int64_t i = 0; i < y.size(); ++i)
      loss[static_cast<size_t>(i % 3)] += static_cast<double>(c.dy[i]) * static_cast<double>(y[i]);
    return loss;
  };
  ASSERT_EQ(c.run(stream.get()), FOVEA_OK);
  const auto low = losses(-1), high = losses(1);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(c.d_slope[static_cast<int64_t>(i)], (high[i] - low[i]) / 2, 70 * 12 * 0x1p-24);
}

TEST(ActivateBackward, NanReachesTheSlopeOfItsChannel) {
  on_every_isa([&] {
    for (const bool in_x : {false, true}) {
      Call c(FOVEA_ACTIVATION_PRELU, {70, 19});
      (in_x ? c.x : c.dy)[66 * 19 + 17] = kNan;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 19; ++i) EXPECT_EQ(std::isnan(c.d_slope[i]), i == 17) << i;
    }
  });
}

TEST(ActivateBackward, LiveLimitsTheLeadingDimension) {
  on_every_isa([&] {
    for (const int kind : {FOVEA_ACTIVATION_TANH, FOVEA_ACTIVATION_PRELU})
      for (const std::vector<int64_t>& shape : {std::vector<int64_t>{5, 3}, {4, 40, 3}, {19}})
        for (const int32_t n : {-1, 0, 2, 99}) {
          Call c(kind, shape), all(kind, shape);
          const Live live(n);
          const StreamPtr stream = make_stream();
          ASSERT_EQ(finish(stream, all.run(stream.get())), FOVEA_OK) << fovea_last_error();
          c.dx.poison();
          c.d_slope.poison();
          ASSERT_EQ(finish(stream, c.run(stream.get(), true, true, live.get())), FOVEA_OK) << fovea_last_error();
          EXPECT_TRUE(c.workspace->guards_intact());
          const int64_t count = c.x.size() / shape[0] * std::min<int64_t>(std::max(n, 0), shape[0]);
          for (int64_t i = 0; i < c.x.size(); ++i) {
            if (i < count)
              EXPECT_EQ(c.dx[i], all.dx[i]) << i;
            else
              EXPECT_TRUE(std::isnan(c.dx[i])) << i;
          }
          for (int64_t k = 0; kind == FOVEA_ACTIVATION_PRELU && k < c.x.last(); ++k) {
            double sum = 0;
            for (int64_t i = k; i < count; i += c.x.last())
              sum += c.x[i] < 0 ? static_cast<double>(c.dy[i]) * static_cast<double>(c.x[i]) : 0;
            EXPECT_NEAR(c.d_slope[k], sum, 12 * 160 * 66 * 0x1p-24) << k;
          }
        }
  });
}

// Backends with narrow types compute in f32 and round once.
template <class T>
void check_narrow(int kind, double relative) {
  CallOf<T> c(kind, {13, 40});
  Call wide(kind, {13, 40});
  for (int64_t i = 0; i < c.x.size(); ++i) {
    wide.x[i] = static_cast<float>(c.x[i]);
    wide.dy[i] = static_cast<float>(c.dy[i]);
  }
  check_narrow_kernel<T>(
      c.dx, wide.dx, {relative, 4e-6}, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
}
TEST(ActivateBackward, HalfPrecision) { check_narrow<Half>(FOVEA_ACTIVATION_SILU, 0x1p-11 + 4e-6); }
TEST(ActivateBackward, BFloat16) { check_narrow<BFloat16>(FOVEA_ACTIVATION_PRELU, 0x1p-8 + 4e-6); }

TEST(ActivateBackwardArguments, AreChecked) {
  Call c(FOVEA_ACTIVATION_PRELU, {4, 3});
  Array<float> other({3, 4}), two({2});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.x.view(), dyt = c.dy.view(), dxt = c.dx.view(), st = c.slope.view(), dst = c.d_slope.view(),
                     ot = other.view(), tt = two.view();
  const Workspace workspace(1024);
  const auto refused = [&](const fovea_activation_params& p, const fovea_tensor* slope, const fovea_tensor* dy,
                           const fovea_tensor* dx, const fovea_tensor* d_slope, const fovea_workspace* memory,
                           const char* message) {
    EXPECT_EQ(fovea_activate_backward(&p, &xt, slope, dy, dx, d_slope, memory, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  const fovea_activation_params relu = params_of(FOVEA_ACTIVATION_RELU);
  refused(params_of(99), nullptr, &dyt, &dxt, nullptr, nullptr, "activate_backward: unknown activation 99");
  refused(relu, nullptr, nullptr, &dxt, nullptr, nullptr, "activate_backward: dy is NULL");
  refused(relu, nullptr, &ot, &dxt, nullptr, nullptr, "activate_backward: x is [4, 3] f32 but dy is [3, 4] f32");
  refused(relu, nullptr, &dyt, &ot, nullptr, nullptr, "activate_backward: x is [4, 3] f32 but dx is [3, 4] f32");
  refused(relu, nullptr, &dyt, &xt, nullptr, nullptr, "activate_backward: x and dx overlap in memory");
  refused(relu, &st, &dyt, &dxt, nullptr, nullptr, "activate_backward: only PReLU takes a slope");
  refused(relu, nullptr, &dyt, &dxt, &dst, nullptr, "activate_backward: d_slope without a slope");
  refused(c.params, &tt, &dyt, &dxt, &dst, workspace.get(), "activate_backward: slope has 2 channels, expected 3");
  refused(c.params, &st, &dyt, &dxt, &tt, workspace.get(), "activate_backward: d_slope has 2 channels, expected 3");
  refused(c.params, &st, &dyt, &dxt, &st, workspace.get(), "activate_backward: slope and d_slope overlap in memory");
  refused(c.params, &st, &dyt, &dxt, &dst, nullptr, "activate_backward: needs a workspace of 12 bytes, got none");

  int64_t bytes = 0;
  fovea_tensor huge = xt;
  huge.shape[0] = huge.shape[1] = int64_t{1} << 40;
  EXPECT_EQ(fovea_activate_backward_workspace(&c.params, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_activate_backward_workspace(&c.params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
