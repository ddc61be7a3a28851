#include "support.h"

#include <limits>

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
    const fovea_tensor xt = x.view(), yt = y.view();
    check_kernel<float>(y, tolerance(GetParam()), [&](fovea_stream* s) { return fovea_unary(&p, &xt, &yt, s); });
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
  const fovea_tensor xt = x.view(), yt = y.view();
  Tolerance t = tolerance(GetParam());
  if (GetParam() == FOVEA_UNARY_RECIPROCAL || GetParam() == FOVEA_UNARY_SQUARE) t.relative = 1e-7;
  check_kernel<float>(y, t, [&](fovea_stream* s) { return fovea_unary(&p, &xt, &yt, s); });
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
  for (const int32_t isa : {0, 1}) {
    const ForcedIsa forced(isa);
    Array<float> x({4, 3}, 5);
    x.fill(1);
    const std::vector<float> before = x.values();
    const int32_t live = 3;
    fovea_tensor xt = x.view();
    xt.live = &live;
    const fovea_unary_params p{FOVEA_UNARY_NEG, 0, 0, 0};
    const StreamPtr stream = make_stream();
    ASSERT_EQ(fovea_unary(&p, &xt, &xt, stream.get()), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(x[i], i < 9 ? -before[static_cast<size_t>(i)] : before[static_cast<size_t>(i)]);
    EXPECT_TRUE(x.guards_intact());
  }
}

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
