// conv2d: Winograd F(4x4, 3x3), its error against double precision, and when it may be used.
#include "conv2d_cases.h"

using namespace fovea_test;

namespace {

class Conv2dWinograd : public ::testing::TestWithParam<ConvCase> {};

// The transforms multiply by up to 5*5 and add what nearly cancels; errors of F(4x4, 3x3) are an order above the direct sum's.
TEST_P(Conv2dWinograd, MatchesReference) { Conv(GetParam()).check(8); }

ConvCase layer(const char* name, int64_t n, int64_t h, int64_t w, int32_t in, int32_t out, int32_t pad, int32_t activation) {
  ConvCase c{name, n, h, w, in, out, 3, 3};
  c.top = c.bottom = c.left = c.right = pad;
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
      layer("SmallMap", 9, 3, 3, 24, 40, 1, FOVEA_ACTIVATION_RELU),
      layer("TooSmallMap", 3, 2, 2, 24, 40, 1, FOVEA_ACTIVATION_RELU),
      layer("Empty", 2, 2, 9, 16, 16, 0, FOVEA_ACTIVATION_NONE),
  };
  ConvCase residual = layer("ResidualPitched", 2, 10, 14, 18, 34, 1, FOVEA_ACTIVATION_RELU);
  residual.residual = true, residual.x_extra = 5, residual.y_extra = 3, residual.residual_extra = 7;
  all.push_back(residual);
  ConvCase asymmetric = layer("Asymmetric", 1, 11, 12, 16, 16, 0, FOVEA_ACTIVATION_NONE);
  asymmetric.top = 2, asymmetric.right = 1, asymmetric.bias = false;
  all.push_back(asymmetric);
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

// The price of allow_winograd, measured on the fastest instruction set (the reference loops have no Winograd): root mean square
// error against double precision, Winograd over direct.
TEST(Conv2dWinogradError, IsAFewTimesTheDirectSums) {
  const ForcedIsa fastest(available_isas().back());
  for (const int32_t channels : {16, 64, 128}) {
    ConvCase c = layer("Error", 1, 18, 18, channels, 32, 1, FOVEA_ACTIVATION_NONE);
    const double winograd = error_of(c);
    c.winograd = 0;
    const double direct = error_of(c);
    RecordProperty("ratio_" + std::to_string(channels), std::to_string(winograd / direct));
    std::printf("[ error    ] %d channels: Winograd rms %.2e, direct rms %.2e, ratio %.2f\n", channels, winograd, direct,
                winograd / direct);
    EXPECT_GT(winograd, direct) << "was Winograd used at all?";
    EXPECT_LT(winograd, 8 * direct);
  }
}

// Without permission the packed form has no room for it, so it cannot be used by accident.
TEST(Conv2dWinogradError, NeedsPermission) {
  ConvCase c = layer("Permission", 1, 8, 8, 16, 16, 1, FOVEA_ACTIVATION_NONE);
  const int64_t with = Conv::prepared_bytes(params_of(c));
  c.winograd = 0;
  EXPECT_LT(Conv::prepared_bytes(params_of(c)), with);
}

}  // namespace
