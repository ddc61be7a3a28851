// linear with BF16 and INT8 weights.
#include <limits>

#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

// One layer with its input, output and workspace.
template <class T>
struct NarrowOf {
  fovea_linear_params params;
  Array<float> weights;
  Array<T> x, y;
  Array<float> bias;
  PerDevice<Array<uint8_t>> packed;
  PerDevice<Workspace> scratch;

  NarrowOf(int32_t format, int64_t rows, int32_t in, int32_t out, int64_t x_pitch = 0, int64_t y_pitch = 0)
      : params{in, out, {}, format, 0}, weights({out, in}), x({rows, in}, x_pitch), y({rows, out}, y_pitch), bias({out}) {
    weights.fill(7);
    x.fill(1);
    bias.fill(2);
  }
  int64_t workspace_bytes(const fovea_tensor& input) const {
    int64_t bytes = -1;
    EXPECT_EQ(fovea_linear_workspace(&params, &input, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  // After the weights have changed.
  void prepare() { packed.reset(); }
  std::unique_ptr<Array<uint8_t>> make_prepared() {
    int64_t bytes = -1;
    EXPECT_EQ(fovea_linear_prepared_bytes(device_in_use(), &params, &bytes), FOVEA_OK) << fovea_last_error();
    auto result = std::make_unique<Array<uint8_t>>(std::vector<int64_t>{bytes});
    const StreamPtr stream = make_stream();
    const fovea_tensor w = weights.view(), p = result->view();
    result->poison();
    EXPECT_EQ(finish(fovea_linear_prepare(&params, &w, &p, stream.get()), stream.get()), FOVEA_OK) << fovea_last_error();
    EXPECT_TRUE(result->guards_intact());
    return result;
  }
  fovea_tensor prepared() {
    return packed.get([&] { return make_prepared(); }).view();
  }
  const fovea_workspace* workspace() {
    return scratch.get([&] { return std::make_unique<Workspace>(workspace_bytes(x.view())); }).get();
  }
  fovea_status run(fovea_stream* stream, bool with_bias = true) {
    const fovea_tensor xt = x.view(), pt = prepared(), bt = bias.view(), yt = y.view();
    return fovea_linear(&params, &xt, &pt, with_bias ? &bt : nullptr, nullptr, &yt, workspace(), stream);
  }
};
using Narrow = NarrowOf<float>;

struct Shape {
  int64_t rows;
  int32_t in, out;
  int64_t x_pitch = 0, y_pitch = 0;
};
const Shape kShapes[] = {
    {1, 1, 1},    {1, 2, 3},          {2, 3, 16},    {3, 5, 17},           {1, 130, 70},   {7, 31, 33},
    {15, 64, 48}, {29, 257, 65, 300}, {43, 66, 130}, {90, 100, 37, 0, 50}, {13, 1500, 40}, {14, 512, 129, 1024},
    {4, 0, 9},    {0, 5, 3},          {5, 3, 0}};

class LinearNarrow : public ::testing::TestWithParam<int32_t> {};

// BF16: the reference rounds x and the weights alike and products of bf16 are exact in f32, so what remains is f32 summation of
// K terms of size 1/4 in the mean: as for f32 weights, 6e-8 * K bounds it with room. vdpbf16ps rounds twice a pair, the same
// bound. INT8: the same integers, exact sums; three f32 roundings of the scaled sum and one of the bias sum, whose terms are
// below K * 1/4 + 1: relative 4 * 2^-24 of the terms, bounded by the absolute part.
TEST_P(LinearNarrow, MatchesReference) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE("M=" + std::to_string(s.rows) + " K=" + std::to_string(s.in) + " N=" + std::to_string(s.out));
    Narrow layer(GetParam(), s.rows, s.in, s.out, s.x_pitch, s.y_pitch);
    const Tolerance tolerance = GetParam() == FOVEA_WEIGHTS_BF16 ? Tolerance{4e-7, 1e-6 + 6e-8 * s.in} : Tolerance{4e-7, 3e-7};
    for (const bool with_bias : {true, false}) {
      check_kernel<float>(layer.y, tolerance, [&](fovea_stream* stream) { return layer.run(stream, with_bias); });
      EXPECT_TRUE(layer.scratch->guards_intact());
    }
    layer.params.activation = {FOVEA_ACTIVATION_RELU, 0, 0, 0};
    check_kernel<float>(layer.y, tolerance, [&](fovea_stream* stream) { return layer.run(stream); });
  }
}

// The reference narrows by the same code as the kernels' prepare, so it is itself checked here against the header's words.
TEST_P(LinearNarrow, ReferenceIsTheContract) {
  Narrow layer(GetParam(), 9, 37, 21);
  const ForcedIsa forced(FOVEA_ISA_REFERENCE);
  ASSERT_EQ(layer.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
  const auto bf16 = [](float v) {
    int exponent = 0;
    const double mantissa = std::frexp(static_cast<double>(v), &exponent);  // 8 bits of mantissa remain
    return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
  };
  const auto largest = [](const float* v, int64_t n) {
    double most = 0;
    for (int64_t k = 0; k < n; ++k) most = std::fmax(most, std::fabs(static_cast<double>(v[k])));
    return most;
  };
  for (int64_t m = 0; m < 9; ++m)
    for (int64_t n = 0; n < 21; ++n) {
      const float *a = &layer.x[m * 37], *w = &layer.weights[n * 37];
      const double a_scale = largest(a, 37) / 127, w_scale = largest(w, 37) / 127;
      double sum = 0;
      for (int64_t k = 0; k < 37; ++k)
        sum += GetParam() == FOVEA_WEIGHTS_BF16 ? bf16(a[k]) * bf16(w[k])
                                                : std::nearbyint(static_cast<double>(a[k]) / a_scale) *
                                                      std::nearbyint(static_cast<double>(w[k]) / w_scale) * a_scale * w_scale;
      const double expected = sum + static_cast<double>(layer.bias[n]);
      EXPECT_TRUE(near(static_cast<double>(layer.y[m * 21 + n]), expected, 4e-7, 4e-7)) << m << " " << n;
    }
}

// x = identity: BF16 gives the rounded weights and INT8 the quantised ones exactly, so a misplaced word cannot hide in a
// tolerance.
TEST_P(LinearNarrow, IdentityReturnsWeights) {
  constexpr int kIn = 39, kOut = 75;
  Narrow layer(GetParam(), kIn, kIn, kOut);
  for (int n = 0; n < kOut; ++n)
    for (int k = 0; k < kIn; ++k) layer.weights[n * kIn + k] = static_cast<float>(k == 0 ? 127 : (n * 7 + k * 3) % 120 - 60);
  layer.prepare();
  for (int i = 0; i < kIn * kIn; ++i) layer.x[i] = i / kIn == i % kIn ? 1.0f : 0.0f;
  on_every_backend([&](fovea_stream* stream, bool) {
    layer.y.poison();
    ASSERT_EQ(finish(layer.run(stream, false), stream), FOVEA_OK) << fovea_last_error();
    for (int k = 0; k < kIn; ++k)
      for (int n = 0; n < kOut; ++n) {
        // INT8: 127 * q of x times the scale 1/127, two roundings.
        const float expected = layer.weights[n * kIn + k], actual = layer.y[k * kOut + n];
        ASSERT_TRUE(GetParam() == FOVEA_WEIGHTS_INT8 || actual == expected) << actual << " is not " << expected;
        ASSERT_NEAR(actual, expected, 2e-5);
      }
  });
}

TEST_P(LinearNarrow, RowsDoNotDependOnTheBatch) {
  constexpr int64_t kRows = 40, kOut = 75;
  for (const int32_t in : {61, 700}) {
    Narrow layer(GetParam(), kRows, in, kOut);
    on_every_backend([&](fovea_stream* stream, bool is_reference) {
      if (is_reference) return;
      ASSERT_EQ(finish(layer.run(stream), stream), FOVEA_OK);
      const std::vector<float> all = layer.y.values();
      for (int64_t rows = 1; rows < kRows; rows += test_device() != nullptr ? 6 : 1) {
        fovea_tensor xt = layer.x.view(), yt = layer.y.view();
        const fovea_tensor pt = layer.prepared(), bt = layer.bias.view();
        xt.shape[0] = yt.shape[0] = rows;
        xt.data = layer.x.data() + (kRows - rows) * in;  // the last rows, so that every row meets every place in a tile
        layer.y.poison();
        ASSERT_EQ(finish(fovea_linear(&layer.params, &xt, &pt, &bt, nullptr, &yt, layer.workspace(), stream), stream),
                  FOVEA_OK);
        ASSERT_EQ(std::memcmp(layer.y.data(), all.data() + (kRows - rows) * kOut, static_cast<size_t>(rows * kOut) * 4), 0)
            << rows << " rows of " << in;
      }
    });
  }
}

// Integers, then multiplications and an addition that round alike: no instruction set may differ in a bit.
TEST(LinearInt8, AllInstructionSetsAgree) {
  for (const Shape& s : kShapes) {
    Narrow layer(FOVEA_WEIGHTS_INT8, s.rows, s.in, s.out, s.x_pitch, s.y_pitch);
    std::vector<float> first;
    const auto check = [&](fovea_stream* stream, bool is_reference) {
      if (is_reference) return;
      ASSERT_EQ(finish(layer.run(stream), stream), FOVEA_OK) << fovea_last_error();
      const std::vector<float> actual = layer.y.values();
      if (first.empty()) first = actual;
      ASSERT_TRUE(actual.empty() || std::memcmp(actual.data(), first.data(), actual.size() * 4) == 0);
    };
    if (test_device() != nullptr) {
      const ForcedIsa forced(FOVEA_ISA_SCALAR);
      check(make_stream().get(), false);
    }
    on_every_backend(check);
  }
}

// All products at their largest, and the most inputs: neither pairs of 16-bit products nor 32-bit sums may saturate or wrap.
TEST(LinearInt8, ExtremesDoNotSaturate) {
  for (const int32_t in : {64, 133144}) {
    Narrow layer(FOVEA_WEIGHTS_INT8, 2, in, 3);
    for (int64_t k = 0; k < in; ++k) {
      layer.x[k] = -127, layer.x[in + k] = 127;
      layer.weights[k] = -127, layer.weights[in + k] = 127, layer.weights[2 * in + k] = k % 2 == 0 ? 127 : -127;
    }
    layer.prepare();
    const float sum = 127.0f * 127.0f * static_cast<float>(in), expected[] = {sum, -sum, 0, -sum, sum, 0};
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(layer.run(stream, false), stream), FOVEA_OK) << fovea_last_error();
      for (int i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(layer.y[i], expected[i]) << in;
    });
  }
}

// A value that is not finite makes its whole row (of x) or output (of the weights) NaN; rows of zeros and of values too small
// to scale give the bias; neighbours are untouched. The largest finite values still scale.
TEST(LinearInt8, SpecialRows) {
  constexpr int kIn = 37, kOut = 20;
  Narrow layer(FOVEA_WEIGHTS_INT8, 7, kIn, kOut);
  layer.x[0 * kIn + 36] = kNan, layer.x[1 * kIn + 3] = kInf, layer.x[2 * kIn + 0] = -kInf;
  for (int k = 0; k < kIn; ++k) {
    layer.x[3 * kIn + k] = 0, layer.x[4 * kIn + k] = 1e-36f;
    layer.x[5 * kIn + k] = k == 0 ? std::numeric_limits<float>::max() : 0;
    layer.weights[17 * kIn + k] = 0;
  }
  layer.weights[18 * kIn + 30] = kNan, layer.weights[19 * kIn + 5] = kInf;
  layer.prepare();
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(layer.run(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int m = 0; m < 7; ++m)
      for (int n = 0; n < kOut; ++n) {
        const float y = layer.y[m * kOut + n];
        if (m < 3 || n >= 18) {
          EXPECT_TRUE(std::isnan(y)) << m << " " << n;
        } else if (m < 5 || n == 17) {
          EXPECT_EQ(y, layer.bias[n]) << m << " " << n;
        } else {
          EXPECT_TRUE(std::isfinite(y)) << m << " " << n;
        }
      }
  });
}

// BF16 rounds to nearest even, NaN stays NaN, infinities and what rounds to them behave as in f32 arithmetic.
TEST(LinearBf16, SpecialValues) {
  Narrow layer(FOVEA_WEIGHTS_BF16, 8, 2, 2);
  const float low_nan = std::numeric_limits<float>::signaling_NaN();
  const float x[] = {1.00390625f, 1.01171875f, -1.00390625f, 1.00390637f, kNan, kInf, -kInf, std::numeric_limits<float>::max()};
  const float expected[] = {1.0f, 1.015625f, -1.0f, 1.0078125f, kNan, kInf, -kInf, kInf};
  for (int m = 0; m < 8; ++m) layer.x[2 * m] = x[m], layer.x[2 * m + 1] = 0;
  layer.weights.assign({1, 0, low_nan, 1});
  layer.prepare();
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(layer.run(stream, false), stream), FOVEA_OK) << fovea_last_error();
    for (int m = 0; m < 8; ++m) {
      EXPECT_TRUE(near(layer.y[2 * m], expected[m], 0, 0)) << x[m] << " gives " << layer.y[2 * m];
      EXPECT_TRUE(std::isnan(layer.y[2 * m + 1]));
    }
  });
}

TEST_P(LinearNarrow, LiveRowsLimitTheWork) {
  Narrow layer(GetParam(), 30, 6, 20);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const int32_t count : {0, 3, 99}) {
      Array<int32_t> live({1});
      live[0] = count;
      fovea_tensor xt = layer.x.view();
      xt.live = live.data();
      const fovea_tensor pt = layer.prepared(), yt = layer.y.view();
      layer.y.poison();
      ASSERT_EQ(finish(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, layer.workspace(), stream), stream),
                FOVEA_OK);
      for (int64_t m = 0; m < 30; ++m) EXPECT_EQ(std::isnan(layer.y[m * 20 + 19]), m >= count) << "row " << m;
    }
  });
}

// x of a narrow type is rounded to bf16 or quantised from its values; y is rounded once. 128 inputs in bf16 are read in place.
template <class T>
void check_narrow(int32_t format, double relative) {
  for (const Shape& s : {Shape{5, 70, 33}, Shape{67, 128, 40}, Shape{9, 128, 65, 136}}) {
    Narrow wide(format, s.rows, s.in, s.out);
    NarrowOf<T> narrow(format, s.rows, s.in, s.out, s.x_pitch, s.y_pitch);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    check_narrow_kernel<T>(
        narrow.y, wide.y, {relative, 1e-6 + 6e-8 * s.in}, [&](fovea_stream* stream) { return wide.run(stream); },
        [&](fovea_stream* stream) { return narrow.run(stream); });
  }
}
// The reference is rounded to the type too.
TEST_P(LinearNarrow, HalfPrecision) { check_narrow<Half>(GetParam(), 0x1p-10); }
TEST_P(LinearNarrow, BFloat16) { check_narrow<BFloat16>(GetParam(), 0x1p-7); }

// More tiles of 128 x 128 than half of the multiprocessors: BF16's large tile.
TEST(LinearBf16, LargeTilesMatchTheSmall) {
  if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN: tiles of tensor cores";
  Narrow layer(FOVEA_WEIGHTS_BF16, 1100, 72, 1000);
  const OnDevice scope(test_device());
  const StreamPtr stream = make_stream();
  ASSERT_EQ(finish(layer.run(stream.get()), stream.get()), FOVEA_OK) << fovea_last_error();
  const std::vector<float> all = layer.y.values();
  fovea_tensor xt = layer.x.view(), yt = layer.y.view();
  const fovea_tensor pt = layer.prepared(), bt = layer.bias.view();
  xt.shape[0] = yt.shape[0] = 100;
  xt.data = layer.x.data() + 1000 * 72;
  layer.y.poison();
  ASSERT_EQ(finish(fovea_linear(&layer.params, &xt, &pt, &bt, nullptr, &yt, layer.workspace(), stream.get()), stream.get()),
            FOVEA_OK);
  ASSERT_EQ(std::memcmp(layer.y.data(), all.data() + 1000 * 1000, 100 * 1000 * 4), 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, LinearNarrow, ::testing::Values(FOVEA_WEIGHTS_BF16, FOVEA_WEIGHTS_INT8));

TEST(LinearNarrowArguments, AreChecked) {
  const StreamPtr stream = make_stream();
  Narrow layer(FOVEA_WEIGHTS_INT8, 4, 6, 20);
  const fovea_tensor xt = layer.x.view(), pt = layer.prepared(), yt = layer.y.view();
  EXPECT_EQ(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(fovea_last_error()).rfind("linear: needs a workspace of ", 0), 0u) << fovea_last_error();
  fovea_linear_params params{6, 20, {}, 3, 0};
  int64_t bytes = 0;
  EXPECT_EQ(fovea_linear_prepared_bytes(cpu(), &params, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear_prepared_bytes: unknown weight format 3");
  params = {133145, 20, {}, FOVEA_WEIGHTS_INT8, 0};
  EXPECT_EQ(fovea_linear_prepared_bytes(cpu(), &params, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear_prepared_bytes: 133145 inputs are too many for INT8 weights (at most 133144)");
  params = {6, 20, {}, FOVEA_WEIGHTS_F32, 0};
  EXPECT_EQ(fovea_linear_workspace(&params, &xt, &bytes), FOVEA_OK);
  EXPECT_EQ(bytes, 0);
  EXPECT_EQ(fovea_linear(&params, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear: prepared has 512 bytes, expected 768 for 6 inputs and 20 outputs");
  EXPECT_EQ(fovea_linear_workspace(&params, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_workspace(&params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_workspace(nullptr, &xt, &bytes), FOVEA_INVALID_ARGUMENT);
  fovea_tensor bad = xt;
  bad.shape[0] = INT64_MAX;
  EXPECT_EQ(fovea_linear_workspace(&params, &bad, &bytes), FOVEA_INVALID_ARGUMENT);
  bad.shape[0] = -1;
  EXPECT_EQ(fovea_linear_workspace(&params, &bad, &bytes), FOVEA_INVALID_ARGUMENT);
  bad = xt;
  bad.shape[1] = 5;
  EXPECT_EQ(fovea_linear_workspace(&params, &bad, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear_workspace: x is [4, 5] f32, its last dimension must be 6");
}

}  // namespace
