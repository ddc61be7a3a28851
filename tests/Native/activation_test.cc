#include "support.h"

using namespace fovea_test;

namespace {

struct Case {
  std::vector<int64_t> shape;
  int64_t pitch;
};

class Activation : public ::testing::TestWithParam<int> {};

TEST_P(Activation, MatchesReference) {
  for (const Case& c :
       {Case{{0}, 0}, Case{{1}, 0}, Case{{3, 5}, 0}, Case{{2, 7, 9, 17}, 0}, Case{{13, 31}, 40}, Case{{5000}, 0}}) {
    Array<float> x(c.shape, c.pitch), y(c.shape, c.pitch), slope({x.last()});
    x.fill(1, -12, 12);
    slope.fill(2, -0.5, 0.5);
    const fovea_activation_params p{GetParam(), GetParam() == FOVEA_ACTIVATION_SELU ? 1.6732632f : 0.2f,
                                    GetParam() == FOVEA_ACTIVATION_SELU ? 1.0507010f : 0.5f, 0};
    // Transcendentals: exp is good to 2 ulp and the formulas lose a few more; erf is an approximation to 5e-7.
    check_kernel<float>(y, {4e-6, 4e-6}, [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), st = slope.view(), yt = y.view();
      return fovea_activate(&p, &xt, GetParam() == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &yt, s);
    });
  }
}

// Backends with narrow types compute in f32 and round once.
template <class T>
void check_narrow(double relative) {
  Array<float> wide({13, 31}), expected({13, 31});
  Array<T> x({13, 31}, 40), y({13, 31});
  x.fill(1, -12, 12);
  for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
  const fovea_activation_params silu{FOVEA_ACTIVATION_SILU, 0, 0, 0};
  check_narrow_kernel<T>(
      y, expected, {relative, 1e-6},
      [&](fovea_stream* s) {
        const fovea_tensor xt = wide.view(), yt = expected.view();
        return fovea_activate(&silu, &xt, nullptr, &yt, s);
      },
      [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), yt = y.view();
        return fovea_activate(&silu, &xt, nullptr, &yt, s);
      });
}
TEST(Activation, HalfPrecision) { check_narrow<Half>(0x1p-11 + 4e-6); }
TEST(Activation, BFloat16) { check_narrow<BFloat16>(0x1p-8 + 4e-6); }

INSTANTIATE_TEST_SUITE_P(Kinds, Activation, ::testing::Range(0, 18));

TEST(ActivationArguments, AreChecked) {
  Array<float> x({4, 3}), y({4, 3}), slope({2});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), st = slope.view();
  const fovea_activation_params prelu{FOVEA_ACTIVATION_PRELU, 0, 0, 0}, unknown{99, 0, 0, 0};
  EXPECT_EQ(fovea_activate(&unknown, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_activate(&prelu, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_activate(&prelu, &xt, &st, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "activate: slope has 2 channels, expected 3");
}

TEST(Activation, LiveRowsLimitTheWork) {
  Array<float> x({4, 3}), y({4, 3});
  x.fill(3);
  for (const int32_t isa : {0, 1}) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    const int32_t live = 2;
    fovea_tensor xt = x.view();
    xt.live = &live;
    const fovea_tensor yt = y.view();
    y.poison();
    const fovea_activation_params none{};
    ASSERT_EQ(fovea_activate(&none, &xt, nullptr, &yt, stream.get()), FOVEA_OK);
    EXPECT_EQ(y[5], x[5]);
    EXPECT_TRUE(std::isnan(y[6]));
  }
}

// A vector's leading dimension is its elements, with a slope per element too.
TEST(Activation, LiveLimitsTheElementsOfAVector) {
  Array<float> x({37}), y({37}), slope({37});
  x.fill(5);
  slope.fill(6);
  const fovea_activation_params none{}, prelu{FOVEA_ACTIVATION_PRELU, 0, 0, 0};
  for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= available_isas().back(); ++isa) {
    SCOPED_TRACE(isa_name(isa));
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    for (const int32_t live : {-1, 0, 1, 19, 37, 99}) {
      fovea_tensor xt = x.view();
      xt.live = &live;
      const fovea_tensor yt = y.view(), st = slope.view();
      for (const bool with_slope : {false, true}) {
        y.poison();
        ASSERT_EQ(fovea_activate(with_slope ? &prelu : &none, &xt, with_slope ? &st : nullptr, &yt, stream.get()), FOVEA_OK);
        for (int64_t i = 0; i < 37; ++i) {
          if (i < live)
            EXPECT_FLOAT_EQ(y[i], with_slope && x[i] < 0 ? x[i] * slope[i] : x[i]);
          else
            EXPECT_TRUE(std::isnan(y[i])) << "live " << live << ", element " << i;
        }
      }
    }
  }
}

}  // namespace
