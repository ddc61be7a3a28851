// conv2d: Winograd F(2x2, 3x3) and F(4x4, 3x3), dense and dilated, and their error against double precision.
#include "conv2d_cases.h"

using namespace fovea_test;

namespace {

class Conv2dWinograd : public ::testing::TestWithParam<ConvCase> {};

// The transforms of F(4x4, 3x3) multiply by up to 5*5 and add what nearly cancels: its errors are an order above the direct
// sum's. F(2x2, 3x3) only adds, and sums fewer products: about the direct sum's, allowed twice as much.
TEST_P(Conv2dWinograd, MatchesReference) {
  if (test_device() != nullptr) GTEST_SKIP() << "Winograd is the CPU's";
  ConvCase c = GetParam();
  for (const int32_t algorithm : {FOVEA_CONV2D_AUTO, FOVEA_CONV2D_WINOGRAD_2X2, FOVEA_CONV2D_WINOGRAD_4X4}) {
    SCOPED_TRACE(algorithm);
    c.algorithm = algorithm;
    Conv(c).check(algorithm == FOVEA_CONV2D_WINOGRAD_2X2 ? 2 : 8);
  }
}

ConvCase layer(const char* name, int64_t n, int64_t h, int64_t w, int32_t in, int32_t out, int32_t pad, int32_t activation,
               int32_t dilation = 1) {
  ConvCase c{name, n, h, w, in, out, 3, 3};
  c.top = c.bottom = c.left = c.right = pad;
  c.dilation_h = c.dilation_w = dilation;
  c.activation = activation;
  c.winograd = 1;
  return c;
}

std::vector<ConvCase> cases() {
  std::vector<ConvCase> all{
      layer("OneTile", 1, 6, 6, 16, 16, 0, FOVEA_ACTIVATION_NONE),
      layer("Same", 1, 13, 17, 16, 32, 1, FOVEA_ACTIVATION_RELU),
      layer("Valid", 1, 15, 21, 20, 33, 0, FOVEA_ACTIVATION_PRELU),
      layer("Batch", 3, 9, 8, 17, 48, 1, FOVEA_ACTIVATION_LEAKY_RELU),
      layer("Ragged", 2, 7, 11, 40, 72, 1, FOVEA_ACTIVATION_SILU),
      layer("Wide", 1, 8, 8, 160, 64, 2, FOVEA_ACTIVATION_NONE),
      // More weights than a second-level cache holds: those of the next position are prefetched.
      layer("Streamed", 1, 7, 7, 256, 96, 1, FOVEA_ACTIVATION_RELU),
      layer("SmallMap", 9, 3, 3, 24, 40, 1, FOVEA_ACTIVATION_RELU),
      layer("TooSmallMap", 3, 2, 2, 24, 40, 1, FOVEA_ACTIVATION_RELU),
      layer("FewChannels", 1, 9, 10, 3, 5, 1, FOVEA_ACTIVATION_RELU),
      layer("Empty", 2, 2, 9, 16, 16, 0, FOVEA_ACTIVATION_NONE),
      layer("NoImages", 0, 8, 8, 16, 16, 1, FOVEA_ACTIVATION_NONE),
      layer("Dilated2", 2, 19, 22, 24, 40, 2, FOVEA_ACTIVATION_RELU, 2),
      layer("Dilated3Valid", 1, 17, 14, 20, 17, 0, FOVEA_ACTIVATION_PRELU, 3),
      // Grids of one or two pixels: most tiles hang over the border, some lie beyond it.
      layer("DilatedAsFarAsTheMap", 2, 7, 5, 18, 33, 6, FOVEA_ACTIVATION_LEAKY_RELU, 6),
  };
  ConvCase residual = layer("ResidualPitched", 2, 10, 14, 18, 34, 1, FOVEA_ACTIVATION_RELU);
  residual.residual = true, residual.x_extra = 5, residual.y_extra = 3, residual.residual_extra = 7;
  all.push_back(residual);
  ConvCase asymmetric = layer("Asymmetric", 1, 11, 12, 16, 16, 0, FOVEA_ACTIVATION_NONE);
  asymmetric.top = 2, asymmetric.right = 1, asymmetric.bias = false;
  all.push_back(asymmetric);
  ConvCase uneven = layer("DilatedUnevenlyWithResidual", 1, 16, 13, 19, 20, 3, FOVEA_ACTIVATION_SILU);
  uneven.dilation_h = 2, uneven.dilation_w = 3, uneven.residual = true, uneven.y_extra = 4;
  all.push_back(uneven);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Layers, Conv2dWinograd, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<ConvCase>& c) { return std::string(c.param.name); });

double error_of(const ConvCase& c) {
  Conv conv(c);
  Workspace workspace(conv.workspace_bytes());
  const StreamPtr stream = make_stream();
  std::vector<float> expected;
  {
    const ForcedIsa reference(FOVEA_ISA_REFERENCE);
    const StreamPtr slow = make_stream();
    EXPECT_EQ(conv.run(workspace.get(), slow.get()), FOVEA_OK);
    expected = conv.y.values();
  }
  EXPECT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_OK);
  double sum = 0;
  for (int64_t i = 0; i < conv.y.size(); ++i) {
    const double difference = static_cast<double>(conv.y[i]) - static_cast<double>(expected[static_cast<size_t>(i)]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(conv.y.size()));
}

// The price of Winograd, measured on the fastest instruction set (the reference loops have none): root mean square error
// against double precision over that of the direct sum, which is what the header promises.
TEST(Conv2dWinogradError, IsAFewTimesTheDirectSums) {
  const ForcedIsa fastest(available_isas().back());
  for (const int32_t dilation : {1, 2}) {
    for (const int32_t channels : {16, 64, 128}) {
      ConvCase c = layer("Error", 1, 18, 18, channels, 32, dilation, FOVEA_ACTIVATION_NONE, dilation);
      c.algorithm = FOVEA_CONV2D_WINOGRAD_4X4;
      const double large = error_of(c);
      c.algorithm = FOVEA_CONV2D_WINOGRAD_2X2;
      const double small = error_of(c);
      c.algorithm = FOVEA_CONV2D_DIRECT;
      const double direct = error_of(c);
      std::printf("[ error    ] %d channels, dilation %d: direct rms %.2e, F(2x2) %.2f times, F(4x4) %.2f times\n", channels,
                  dilation, direct, small / direct, large / direct);
      EXPECT_NE(small, direct) << "was Winograd used at all?";
      EXPECT_LT(small, 1.5 * direct);
      EXPECT_GT(large, direct) << "was Winograd used at all?";
      EXPECT_LT(large, 8 * direct);
    }
  }
}

int32_t chosen(const ConvCase& c) {
  const fovea_conv2d_params p = params_of(c);
  Array<float> x({c.n, c.h, c.w, c.in});
  const fovea_tensor xt = x.view();
  int32_t algorithm = -1;
  EXPECT_EQ(fovea_conv2d_chosen(&p, &xt, &algorithm), FOVEA_OK) << fovea_last_error();
  return algorithm;
}

// Where the cost model must not be wrong: these differ by 1.3 times or more.
TEST(Conv2dChosen, FollowsTheShape) {
  EXPECT_EQ(chosen(layer("Large", 1, 56, 56, 64, 64, 1, 0)), FOVEA_CONV2D_WINOGRAD_4X4);
  EXPECT_EQ(chosen(layer("Dilated", 1, 28, 28, 64, 64, 2, 0, 2)), FOVEA_CONV2D_WINOGRAD_4X4);
  EXPECT_EQ(chosen(layer("BoundByWeights", 1, 7, 7, 512, 512, 1, 0)), FOVEA_CONV2D_WINOGRAD_2X2);
  EXPECT_EQ(chosen(layer("OnePixel", 1, 1, 1, 512, 512, 1, 0)), FOVEA_CONV2D_DIRECT);
  EXPECT_EQ(chosen(layer("FewChannels", 1, 56, 56, 3, 32, 1, 0)), FOVEA_CONV2D_DIRECT);
  EXPECT_EQ(chosen(layer("AFewMore", 1, 56, 56, 12, 64, 1, 0)), FOVEA_CONV2D_WINOGRAD_4X4);
  EXPECT_EQ(chosen(layer("FewOutputs", 1, 56, 56, 64, 12, 1, 0)), FOVEA_CONV2D_DIRECT);
  EXPECT_EQ(chosen(layer("PnetSecond", 1, 190, 254, 10, 16, 0, 0)), FOVEA_CONV2D_DIRECT);
  ConvCase c = layer("NotAllowed", 1, 56, 56, 64, 64, 1, 0);
  c.winograd = 0;
  EXPECT_EQ(chosen(c), FOVEA_CONV2D_DIRECT);
  c = layer("Stride", 1, 56, 56, 64, 64, 1, 0);
  c.stride_h = 2;
  EXPECT_EQ(chosen(c), FOVEA_CONV2D_DIRECT);
}

TEST(Conv2dChosen, IsWhatWasAskedFor) {
  for (const int32_t algorithm : {FOVEA_CONV2D_DIRECT, FOVEA_CONV2D_WINOGRAD_2X2, FOVEA_CONV2D_WINOGRAD_4X4}) {
    for (const int64_t n : {0, 1}) {
      ConvCase c = layer("Forced", n, 20, 20, 32, 32, 1, 0);
      c.algorithm = algorithm;
      EXPECT_EQ(chosen(c), algorithm);
      c.winograd = 0;  // naming the algorithm is permission enough
      EXPECT_EQ(chosen(c), algorithm);
    }
  }
}

TEST(Conv2dChosen, RefusesWhatALayerCannotUse) {
  ConvCase c = layer("Refused", 1, 8, 8, 16, 16, 1, 0);
  c.algorithm = FOVEA_CONV2D_WINOGRAD_2X2;
  const auto refused = [](const ConvCase& wrong) {
    fovea_conv2d_params p = params_of(wrong);
    int64_t bytes = 0;
    EXPECT_EQ(fovea_conv2d_prepared_bytes(cpu(), &p, &bytes), FOVEA_INVALID_ARGUMENT);
    Array<float> x({wrong.n, wrong.h, wrong.w, wrong.in});
    Array<float> weights({wrong.out, wrong.kernel_h, wrong.kernel_w, wrong.in / wrong.groups});
    Array<uint8_t> prepared({64});
    const fovea_tensor xt = x.view(), wt = weights.view(), pt = prepared.view();
    const StreamPtr stream = make_stream();
    int32_t algorithm = 0;
    EXPECT_EQ(fovea_conv2d_chosen(&p, &xt, &algorithm), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_conv2d_prepare(&p, &wt, &pt, stream.get()), FOVEA_INVALID_ARGUMENT);
    return std::string(fovea_last_error());
  };
  ConvCase wrong = c;
  wrong.kernel_w = 5;
  EXPECT_EQ(refused(wrong),
            "conv2d_prepare: Winograd needs a 3x3 kernel, stride 1 and one group; this layer has 3x5, stride 1x1, 1 groups");
  wrong = c, wrong.stride_h = 2;
  EXPECT_EQ(refused(wrong),
            "conv2d_prepare: Winograd needs a 3x3 kernel, stride 1 and one group; this layer has 3x3, stride 2x1, 1 groups");
  wrong = c, wrong.groups = 16;
  EXPECT_EQ(refused(wrong),
            "conv2d_prepare: Winograd needs a 3x3 kernel, stride 1 and one group; this layer has 3x3, stride 1x1, 16 groups");
  wrong = c, wrong.algorithm = 4;
  EXPECT_EQ(refused(wrong), "conv2d_prepare: algorithm is 4, known are 0 (AUTO) to 3");
  wrong = c, wrong.algorithm = -1;
  EXPECT_EQ(refused(wrong), "conv2d_prepare: algorithm is -1, known are 0 (AUTO) to 3");
  const fovea_conv2d_params p = params_of(c);
  Array<float> x({1, 8, 8, 16});
  const fovea_tensor xt = x.view();
  int32_t algorithm = 0;
  EXPECT_EQ(fovea_conv2d_chosen(&p, nullptr, &algorithm), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_chosen(&p, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
}

// Weights prepared for one algorithm do not serve another, even where the byte counts agree.
TEST(Conv2dChosen, WeightsRememberTheirAlgorithm) {
  ConvCase c = layer("Prepared", 1, 8, 8, 16, 16, 1, 0);
  c.algorithm = FOVEA_CONV2D_WINOGRAD_4X4;
  Conv conv(c);
  Workspace workspace(conv.workspace_bytes());
  const StreamPtr stream = make_stream();
  c.algorithm = FOVEA_CONV2D_DIRECT;
  EXPECT_LT(Conv::prepared_bytes(params_of(c)), conv.prepared.size());
  c.winograd = 0, c.algorithm = FOVEA_CONV2D_AUTO;
  EXPECT_LT(Conv::prepared_bytes(params_of(c)), conv.prepared.size()) << "without permission there is no room for it";
  auto* header = reinterpret_cast<int32_t*>(conv.prepared.data());
  header[6] = 2;
  EXPECT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(),
               "conv2d: prepared is for 16 -> 16 channels, kernel 3x3, 1 groups, Winograd 2x2; params say 16 -> 16, 3x3, 1 "
               "groups, Winograd 4x4");
}

}  // namespace
