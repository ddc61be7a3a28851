#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

struct Case {
  std::vector<int64_t> shape;
  int64_t x_pitch, y_pitch;
};

class Unary : public ::testing::TestWithParam<int32_t> {};

// exp is good to 2 ulp and flushes subnormal results; log, erf and rsqrt lose a few ulp; erf's middle is good to 5e-7;
// alpha*x + beta may or may not be fused, an error of half an ulp of alpha*x. Everything else is one rounding.
Tolerance tolerance(int32_t op) {
  switch (op) {
    case FOVEA_UNARY_EXP:
      return {3e-7, 1.2e-38};
    case FOVEA_UNARY_LOG:
      return {3e-7, 1e-7};
    case FOVEA_UNARY_RSQRT:
      return {2e-7, 0};
    case FOVEA_UNARY_SIN:
    case FOVEA_UNARY_COS:
      return {1.2e-7, 0};
    case FOVEA_UNARY_ERF:
      return {1e-6, 1e-44};
    case FOVEA_UNARY_AFFINE:
      return {1e-6, 1e-6};
    default:
      return {0, 0};
  }
}

TEST_P(Unary, MatchesReference) {
  for (const Case& c : {Case{{}, 0, 0}, Case{{0}, 0, 0}, Case{{1}, 0, 0}, Case{{2, 7, 9, 17}, 0, 0}, Case{{13, 31}, 40, 33},
                        Case{{20011}, 0, 0}, Case{{3, 9001}, 9004, 9001}}) {
    Array<float> x(c.shape, c.x_pitch), y(c.shape, c.y_pitch);
    x.fill(1, -12, 12);
    const fovea_unary_params p{GetParam(), -0.75f, 2.5f, 0};
    check_kernel<float>(y, tolerance(GetParam()), [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), yt = y.view();
      return fovea_unary(&p, &xt, &yt, s);
    });
  }
}

TEST_P(Unary, SpecialValues) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values{
      0.0f,  -0.0f, 0.5f,   -0.5f,     1.5f,      2.5f,    -2.5f,      1e-3f,       -1e-3f,     1e-40f,    -1e-40f, 1.0f,
      0.49f, 0.51f, 88.7f,  88.8f,     -87.3f,    -100.0f, -200.0f,    1e5f,        1e30f,      -1e30f,    inf,     -inf,
      NAN,   1e-8f, 3.999f, 0x1p-126f, 0x1p-127f, 3.4e38f, 8388609.0f, -8388609.0f, 0.9999999f, 1.0000001f};
  Array<float> x({static_cast<int64_t>(values.size())}), y({static_cast<int64_t>(values.size())});
  x.assign(values);
  const fovea_unary_params p{GetParam(), 2, -1, 0};
  Tolerance t = tolerance(GetParam());
  if (GetParam() == FOVEA_UNARY_RECIPROCAL || GetParam() == FOVEA_UNARY_SQUARE) t.relative = 1e-7;
  check_kernel<float>(y, t, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), yt = y.view();
    return fovea_unary(&p, &xt, &yt, s);
  });
  if (GetParam() == FOVEA_UNARY_NEG) {
    EXPECT_TRUE(std::signbit(y[0]) && !std::signbit(y[1]));
  }
  if (GetParam() == FOVEA_UNARY_ROUND) {
    EXPECT_EQ(y[4], 2.0f);
    EXPECT_EQ(y[5], 2.0f);
    EXPECT_EQ(y[6], -2.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Unary, ::testing::Range(0, 16));

TEST(UnaryOp, InPlaceAndLiveRows) {
  on_every_backend([](fovea_stream* stream, bool) {
    Array<float> x({4, 3}, 5);
    Array<int32_t> live({1});
    x.fill(1);
    const std::vector<float> before = x.values();
    live[0] = 3;
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_unary_params p{FOVEA_UNARY_NEG, 0, 0, 0};
    ASSERT_EQ(finish(fovea_unary(&p, &xt, &xt, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(x[i], i < 9 ? -before[static_cast<size_t>(i)] : before[static_cast<size_t>(i)]);
    EXPECT_TRUE(x.guards_intact());
  });
}

// Backends with narrow types compute in f32 and round once. 40 elements are whole packs, 31 are not.
template <class T>
void check_narrow(double relative) {
  for (const int64_t n : {31, 40}) {
    Array<float> wide({13, n}), expected({13, n});
    Array<T> x({13, n}, 40), y({13, n});
    x.fill(1, -12, 12);
    for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
    const fovea_unary_params erf{FOVEA_UNARY_ERF, 0, 0, 0};
    check_narrow_kernel<T>(
        y, expected, {relative, 1e-7},
        [&](fovea_stream* s) {
          const fovea_tensor xt = wide.view(), yt = expected.view();
          return fovea_unary(&erf, &xt, &yt, s);
        },
        [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_unary(&erf, &xt, &yt, s);
        });
  }
}
// Where f32 differs in the last place the two may round apart: one unit of the narrow type.
TEST(UnaryOp, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(UnaryOp, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(UnaryOp, ArgumentsAreChecked) {
  Array<float> x({4, 3}), y({3, 4});
  Array<int32_t> whole({4, 3});
  const fovea_tensor xt = x.view(), yt = y.view(), wt = whole.view();
  const fovea_unary_params good{}, unknown{16, 0, 0, 0};
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_unary(&unknown, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "unary: unknown operation 16");
  EXPECT_EQ(fovea_unary(nullptr, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_unary(&good, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_unary(&good, &wt, &wt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_unary(&good, &xt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  fovea_tensor shifted = xt;
  shifted.shape[0] = 3;
  shifted.data = x.data() + 3;
  fovea_tensor front = xt;
  front.shape[0] = 3;
  EXPECT_EQ(fovea_unary(&good, &front, &shifted, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
