#include <limits>

#include "every_isa.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Call {
  fovea_pointwise_loss_params params;
  Array<float> x, target, losses, d_losses, dx;

  Call(const fovea_pointwise_loss_params& p, const std::vector<int64_t>& shape, int64_t gap = 0)
      : params(p),
        x(shape, pitch(shape, gap)),
        target(shape, pitch(shape, 2 * gap)),
        losses(shape, pitch(shape, gap)),
        d_losses(shape, pitch(shape, 3 * gap)),
        dx(shape, pitch(shape, gap)) {
    x.fill(1, -9, 9);
    target.fill(2, 0, 1);
    for (int64_t i = 0; i < target.size(); ++i)  // a third each of 0, 1 and what lies between
      if (i % 3 != 0) target[i] = static_cast<float>(i % 3 - 1);
    d_losses.fill(3, 0.5, 1.5);
  }
  static int64_t pitch(const std::vector<int64_t>& shape, int64_t gap) { return gap == 0 ? 0 : shape.back() + gap; }
  fovea_status forward(fovea_stream* stream) {
    const fovea_tensor xt = x.view(), tt = target.view(), lt = losses.view();
    return fovea_pointwise_loss(&params, &xt, &tt, &lt, stream);
  }
  fovea_status backward(fovea_stream* stream) {
    const fovea_tensor xt = x.view(), tt = target.view(), dt = d_losses.view(), dxt = dx.view();
    return fovea_pointwise_loss_backward(&params, &xt, &tt, &dt, &dxt, stream);
  }
  void run() {
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, forward(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, backward(stream.get())), FOVEA_OK) << fovea_last_error();
  }
};

const std::vector<fovea_pointwise_loss_params> kLosses = {
    {FOVEA_LOSS_BCE, 0, 0, 0},          {FOVEA_LOSS_FOCAL, .25f, 0, 2},      {FOVEA_LOSS_FOCAL, -1, 0, 1.5f},
    {FOVEA_LOSS_FOCAL, .25f, 0, 0},     {FOVEA_LOSS_QUALITY_FOCAL, 0, 0, 2}, {FOVEA_LOSS_QUALITY_FOCAL, 0, 0, 0},
    {FOVEA_LOSS_VARIFOCAL, .75f, 0, 2}, {FOVEA_LOSS_HEAT_MAP, 2, 4, 0},      {FOVEA_LOSS_HEAT_MAP, 1, 0, 0},
    {FOVEA_LOSS_SMOOTH_L1, 0, .7f, 0},  {FOVEA_LOSS_SMOOTH_L1, 0, 0, 0},     {FOVEA_LOSS_SQUARED, 0, 0, 0}};

class PointwiseLoss : public ::testing::TestWithParam<size_t> {
 protected:
  const fovea_pointwise_loss_params& params() const { return kLosses[GetParam()]; }
};

// A power is exp of gamma * log p, here down to -36, which is off by three roundings of 2^-24: 36 * 1.8e-7 of the result. What
// is left where terms cancel, as p - t does, is some 10 roundings of numbers up to 9, or a squared difference of up to 100.
TEST_P(PointwiseLoss, MatchesReference) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {0}, {1}, {37}, {2, 3, 9, 17}, {9001}}) {
    Call c(params(), shape);
    check_kernel<float>(c.losses, {1e-5, 6e-6}, [&](fovea_stream* s) { return c.forward(s); });
    check_kernel<float>(c.dx, {1e-5, 6e-6}, [&](fovea_stream* s) { return c.backward(s); });
  }
  Call pitched(params(), {13, 31}, 5);
  check_kernel<float>(pitched.losses, {1e-5, 6e-6}, [&](fovea_stream* s) { return pitched.forward(s); });
  check_kernel<float>(pitched.dx, {1e-5, 6e-6}, [&](fovea_stream* s) { return pitched.backward(s); });
}

// The definitions of the header, literally.
double loss_of(const fovea_pointwise_loss_params& k, double x, double t) {
  const double p = 1 / (1 + std::exp(-x)), bce = -t * std::log(p) - (1 - t) * std::log(1 - p), d = std::fabs(x - t);
  const auto alpha = static_cast<double>(k.alpha), beta = static_cast<double>(k.beta), gamma = static_cast<double>(k.gamma);
  switch (k.kind) {
    case FOVEA_LOSS_BCE:
      return bce;
    case FOVEA_LOSS_FOCAL:
      return -t * (alpha < 0 ? 1 : alpha) * std::pow(1 - p, gamma) * std::log(p) -
             (1 - t) * (alpha < 0 ? 1 : 1 - alpha) * std::pow(p, gamma) * std::log(1 - p);
    case FOVEA_LOSS_QUALITY_FOCAL:
      return std::pow(std::fabs(t - p), gamma) * bce;
    case FOVEA_LOSS_VARIFOCAL:
      return (t > 0 ? t : alpha * std::pow(p, gamma)) * bce;
    case FOVEA_LOSS_HEAT_MAP:
      return t == 1 ? -std::pow(1 - p, alpha) * std::log(p) : -std::pow(1 - t, beta) * std::pow(p, alpha) * std::log(1 - p);
    case FOVEA_LOSS_SMOOTH_L1:
      return d < beta ? d * d / (2 * beta) : d - beta / 2;
    default:
      return d * d;
  }
}

// What is left is the rounding to f32, and 1e-12 of log(1 - p) over the step.
TEST_P(PointwiseLoss, IsTheDefinitionAndItsDerivative) {
  constexpr int64_t n = 60;
  Call c(params(), {n});
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  c.run();
  for (int64_t i = 0; i < n; ++i) {
    const auto t = static_cast<double>(c.target[i]);
    Values x{static_cast<double>(c.x[i])};
    EXPECT_TRUE(near(c.losses[i], loss_of(params(), x[0], t), 1e-6, 1e-9)) << "x = " << x[0] << ", t = " << t;
    const double slope = slopes(x, 1e-4, [&] { return loss_of(params(), x[0], t); })[0];
    EXPECT_TRUE(near(c.dx[i], static_cast<double>(c.d_losses[i]) * slope, 1e-6, 1e-7)) << "x = " << x[0] << ", t = " << t;
  }
}

TEST_P(PointwiseLoss, NanOfEitherInput) {
  on_every_isa([&] {
    Call c(params(), {40});
    c.x[17] = c.target[23] = kNan;
    c.run();
    for (int64_t i = 0; i < 40; ++i) {
      EXPECT_EQ(std::isnan(c.losses[i]), i == 17 || i == 23) << i;
      EXPECT_EQ(std::isnan(c.dx[i]), i == 17 || i == 23) << i;
    }
  });
}

// Logits of any size give finite losses.
TEST_P(PointwiseLoss, LargeLogits) {
  on_every_isa([&] {
    const float sizes[] = {20, 88, 90, 104, 1e4f, 1e18f};
    Call c(params(), {36});
    for (int64_t i = 0; i < 36; ++i) {
      c.x[i] = (i % 2 == 0 ? 1.0f : -1.0f) * sizes[i / 6];
      c.target[i] = static_cast<float>(i % 3) / 2;
    }
    c.run();
    for (int64_t i = 0; i < 36; ++i) {
      EXPECT_TRUE(std::isfinite(c.losses[i])) << "x = " << c.x[i] << ", t = " << c.target[i];
      EXPECT_TRUE(std::isfinite(c.dx[i])) << "x = " << c.x[i] << ", t = " << c.target[i];
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Kinds, PointwiseLoss, ::testing::Range(size_t{0}, kLosses.size()));

TEST(PointwiseLossVectors, Published) {
  struct Point {
    fovea_pointwise_loss_params params;
    float x, target;
    double loss;
  };
  const fovea_pointwise_loss_params focal = {FOVEA_LOSS_FOCAL, .25f, 0, 2}, varifocal = {FOVEA_LOSS_VARIFOCAL, .75f, 0, 2},
                                    smooth = {FOVEA_LOSS_SMOOTH_L1, 0, 1.0f / 9, 0};
  const Point points[] = {{focal, 0, 1, .043322},      {focal, 0, 0, .129965},
                          {focal, 2, 1, .000451},      {focal, 2, 0, 1.237559},
                          {focal, -3, 1, .691570},     {varifocal, 0, .8f, .554518},
                          {varifocal, 0, 0, .129965},  {varifocal, 2, .8f, .421542},
                          {varifocal, 2, 0, 1.237559}, {varifocal, std::log(4.0f), .8f, .400322},
                          {smooth, .05f, 0, .01125},   {smooth, 0, .5f, .444444}};
  on_every_isa([&] {
    for (const Point& p : points) {
      Call c(p.params, {1});
      c.x[0] = p.x;
      c.target[0] = p.target;
      c.run();
      EXPECT_NEAR(c.losses[0], p.loss, 1e-6) << "kind " << p.params.kind << ": " << p.x << ", " << p.target;
    }
    // p = .9, .6, .3, .1 of a heat map; the sum has ten digits.
    Call c({FOVEA_LOSS_HEAT_MAP, 2, 4, 0}, {4});
    c.x.assign({2.1972246f, 0.4054651f, -0.8472979f, -2.1972246f});
    c.target.assign({1, .8f, .5f, 0});
    c.run();
    EXPECT_NEAR(c.losses[0] + c.losses[1] + c.losses[2] + c.losses[3], .0046412903, 3e-9);
    // The minimum of varifocal loss is at sigmoid(x) = target.
    Call least(varifocal, {1});
    least.x[0] = std::log(4.0f);
    least.target[0] = .8f;
    least.run();
    EXPECT_NEAR(least.dx[0], 0, 1e-7);
  });
}

// 1 - p has no digits left in f32 from x = 17 on; logarithms of the sigmoid keep theirs. A negative control of the test: the
// textbook way gives 0.
TEST(PointwiseLossVectors, EasyExamplesKeepTheirDigits) {
  const float p = 1 / (1 + std::exp(-20.0f));
  EXPECT_EQ((1 - p) * (1 - p) * -std::log(p), 0);
  on_every_isa([] {
    Call c({FOVEA_LOSS_FOCAL, -1, 0, 2}, {2});
    c.x.assign({20, -20});
    c.target.assign({1, 0});
    c.d_losses.assign({1, 1});
    c.run();
    const double e = std::exp(-20.0), q = e / (1 + e), loss = q * q * std::log1p(e);
    for (int64_t i = 0; i < 2; ++i) EXPECT_TRUE(near(c.losses[i], loss, 1e-5, 0)) << i;
    const double slope = q * q * (2 / (1 + e) * std::log1p(e) + q);
    EXPECT_TRUE(near(c.dx[0], -slope, 1e-5, 0));
    EXPECT_TRUE(near(c.dx[1], slope, 1e-5, 0));
  });
}

TEST(PointwiseLossVectors, KinksHaveTheSlopesOfPyTorch) {
  on_every_isa([] {
    Call l1({FOVEA_LOSS_SMOOTH_L1, 0, 0, 0}, {3});
    l1.x.assign({1, 2, 3});
    l1.target.assign({2, 2, 2});
    l1.d_losses.assign({1, 1, 1});
    l1.run();
    EXPECT_EQ(l1.dx.values(), (std::vector<float>{-1, 0, 1}));
    Call quality({FOVEA_LOSS_QUALITY_FOCAL, 0, 0, .5f}, {1});
    quality.x[0] = 0;
    quality.target[0] = .5f;
    quality.run();
    EXPECT_EQ(quality.losses[0], 0);
    EXPECT_EQ(quality.dx[0], 0);
  });
}

TEST(PointwiseLossVectors, InPlaceAndLive) {
  on_every_isa([] {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{6, 11}, {66}}) {
      Call all(kLosses[1], shape), c(kLosses[1], shape);
      all.run();
      c.losses.fill(9);
      const Array<float> before = c.losses;
      const Live live(shape.size() == 1 ? 33 : 3);
      fovea_tensor x = c.x.view();
      x.live = live.get();
      const fovea_tensor t = c.target.view(), l = c.losses.view(), d = c.d_losses.view(), plain = c.x.view();
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, fovea_pointwise_loss(&c.params, &x, &t, &l, stream.get())), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(stream, fovea_pointwise_loss_backward(&c.params, &x, &t, &d, &plain, stream.get())), FOVEA_OK)
          << fovea_last_error();
      for (int64_t i = 0; i < 66; ++i) {
        EXPECT_EQ(c.losses[i], i < 33 ? all.losses[i] : before[i]) << i;
        EXPECT_EQ(c.x[i], i < 33 ? all.dx[i] : all.x[i]) << i;
      }
    }
  });
}

TEST(PointwiseLossArguments, AreChecked) {
  Call c(kLosses[0], {4, 3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor x = c.x.view(), t = c.target.view(), l = c.losses.view(), d = c.d_losses.view(), dx = c.dx.view(),
                     o = other.view();
  const auto refused = [&](const fovea_pointwise_loss_params& p, const fovea_tensor* target, const fovea_tensor* losses,
                           const std::string& message) {
    EXPECT_EQ(fovea_pointwise_loss(&p, &x, target, losses, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_last_error(), "pointwise_loss: " + message);
  };
  refused({7, 0, 0, 0}, &t, &l, "unknown loss 7");
  refused({FOVEA_LOSS_FOCAL, .25f, 0, -1}, &t, &l, "gamma is -1, it must not be negative");
  refused({FOVEA_LOSS_FOCAL, INFINITY, 0, 2}, &t, &l, "alpha is inf, it must be finite");
  refused({FOVEA_LOSS_HEAT_MAP, -2, 4, 0}, &t, &l, "alpha is -2, it must not be negative");
  refused({FOVEA_LOSS_SMOOTH_L1, 0, -1, 0}, &t, &l, "beta is -1, it must not be negative");
  refused(kLosses[0], nullptr, &l, "target is NULL");
  refused(kLosses[0], &o, &l, "x is [4, 3] f32 but target is [3, 4] f32");
  refused(kLosses[0], &t, &o, "x is [4, 3] f32 but losses is [3, 4] f32");
  refused(kLosses[0], &t, &x, "x and losses overlap in memory");
  EXPECT_EQ(fovea_pointwise_loss_backward(&c.params, &x, &t, &o, &dx, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pointwise_loss_backward: x is [4, 3] f32 but d_losses is [3, 4] f32");
  EXPECT_EQ(fovea_pointwise_loss_backward(&c.params, &x, &t, &d, &t, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pointwise_loss_backward: target and dx overlap in memory");
  EXPECT_EQ(fovea_pointwise_loss(nullptr, &x, &t, &l, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pointwise_loss: params is NULL");
}

}  // namespace
