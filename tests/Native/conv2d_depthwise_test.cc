// conv2d: the depthwise body against the double-precision reference.
#include "conv2d_cases.h"

using namespace fovea_test;

namespace {

class Conv2dDepthwise : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Conv2dDepthwise, MatchesReference) { Conv(GetParam()).check(); }

constexpr int32_t kRelu = FOVEA_ACTIVATION_RELU, kPrelu = FOVEA_ACTIVATION_PRELU, kLeaky = FOVEA_ACTIVATION_LEAKY_RELU,
                  kSilu = FOVEA_ACTIVATION_SILU;

INSTANTIATE_TEST_SUITE_P(Layers, Conv2dDepthwise,
                         ::testing::Values(ConvCase{.name = "Same3x3",
                                                    .n = 2,
                                                    .h = 13,
                                                    .w = 27,
                                                    .in = 50,
                                                    .out = 50,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .top = 1,
                                                    .bottom = 1,
                                                    .left = 1,
                                                    .right = 1,
                                                    .groups = 50,
                                                    .activation = kRelu},
                                           ConvCase{.name = "Stride2",
                                                    .n = 1,
                                                    .h = 33,
                                                    .w = 35,
                                                    .in = 32,
                                                    .out = 32,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .stride_h = 2,
                                                    .stride_w = 2,
                                                    .top = 1,
                                                    .bottom = 1,
                                                    .left = 1,
                                                    .right = 1,
                                                    .groups = 32,
                                                    .activation = kPrelu},
                                           ConvCase{.name = "AsymmetricStride2",
                                                    .n = 1,
                                                    .h = 20,
                                                    .w = 22,
                                                    .in = 17,
                                                    .out = 17,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .stride_h = 2,
                                                    .stride_w = 2,
                                                    .top = 0,
                                                    .bottom = 1,
                                                    .left = 0,
                                                    .right = 1,
                                                    .groups = 17,
                                                    .activation = FOVEA_ACTIVATION_RELU6},
                                           ConvCase{.name = "Valid3x3",
                                                    .n = 1,
                                                    .h = 5,
                                                    .w = 12,
                                                    .in = 16,
                                                    .out = 16,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .groups = 16,
                                                    .bias = false},
                                           ConvCase{.name = "Kernel5x5",
                                                    .n = 1,
                                                    .h = 9,
                                                    .w = 19,
                                                    .in = 24,
                                                    .out = 24,
                                                    .kernel_h = 5,
                                                    .kernel_w = 5,
                                                    .top = 2,
                                                    .bottom = 2,
                                                    .left = 2,
                                                    .right = 2,
                                                    .groups = 24,
                                                    .activation = kLeaky},
                                           ConvCase{.name = "Dilated",
                                                    .n = 1,
                                                    .h = 14,
                                                    .w = 20,
                                                    .in = 9,
                                                    .out = 9,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .top = 3,
                                                    .bottom = 2,
                                                    .left = 2,
                                                    .right = 3,
                                                    .dilation_h = 3,
                                                    .dilation_w = 2,
                                                    .groups = 9},
                                           ConvCase{.name = "Small7x7",
                                                    .n = 2,
                                                    .h = 7,
                                                    .w = 7,
                                                    .in = 33,
                                                    .out = 33,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .top = 1,
                                                    .bottom = 1,
                                                    .left = 1,
                                                    .right = 1,
                                                    .groups = 33,
                                                    .activation = kSilu,
                                                    .residual = true},
                                           ConvCase{.name = "Pitched",
                                                    .n = 2,
                                                    .h = 6,
                                                    .w = 15,
                                                    .in = 20,
                                                    .out = 20,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .top = 1,
                                                    .bottom = 1,
                                                    .left = 1,
                                                    .right = 1,
                                                    .groups = 20,
                                                    .activation = kPrelu,
                                                    .residual = true,
                                                    .x_extra = 3,
                                                    .y_extra = 5,
                                                    .residual_extra = 9},
                                           ConvCase{.name = "Causal",
                                                    .n = 3,
                                                    .h = 1,
                                                    .w = 31,
                                                    .in = 40,
                                                    .out = 40,
                                                    .kernel_h = 1,
                                                    .kernel_w = 4,
                                                    .left = 3,
                                                    .groups = 40,
                                                    .activation = kSilu},
                                           ConvCase{.name = "AllPadding",
                                                    .n = 1,
                                                    .h = 2,
                                                    .w = 2,
                                                    .in = 3,
                                                    .out = 3,
                                                    .kernel_h = 3,
                                                    .kernel_w = 3,
                                                    .top = 7,
                                                    .bottom = 7,
                                                    .left = 7,
                                                    .right = 7,
                                                    .groups = 3}),
                         [](const ::testing::TestParamInfo<ConvCase>& c) { return std::string(c.param.name); });

ConvCase grouped(const char* name, int32_t channels, int32_t groups, int32_t stride, int32_t dilation, int32_t activation) {
  ConvCase c{name, 2, 11, 21, channels, channels, 3, 3};
  c.stride_h = c.stride_w = stride, c.dilation_h = c.dilation_w = dilation;
  c.top = c.bottom = c.left = c.right = dilation;
  c.groups = groups, c.activation = activation;
  return c;
}

// Groups of 2, 4 and 8 channels share a vector; 48/4 has 12 channels per group and takes the direct body.
std::vector<ConvCase> grouped_cases() {
  std::vector<ConvCase> all{grouped("Two", 32, 16, 1, 1, kRelu),    grouped("Four", 48, 12, 1, 1, kPrelu),
                            grouped("Eight", 64, 8, 1, 1, kLeaky),  grouped("Strided", 32, 8, 2, 1, kRelu),
                            grouped("Dilated", 32, 4, 1, 3, kSilu), grouped("Ragged", 40, 10, 1, 1, kRelu),
                            grouped("Twelve", 48, 4, 1, 1, kRelu)};
  ConvCase pitched = grouped("PitchedWithResidual", 32, 8, 1, 1, kRelu);
  pitched.residual = true, pitched.x_extra = 3, pitched.y_extra = 5;
  all.push_back(pitched);
  ConvCase wide = grouped("Wide5x3", 32, 4, 1, 1, FOVEA_ACTIVATION_NONE);
  wide.kernel_h = 5, wide.bias = false;
  all.push_back(wide);
  ConvCase narrow = grouped("NarrowerThanItsKernel", 32, 8, 1, 1, kRelu);
  narrow.w = 2;
  all.push_back(narrow);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Grouped, Conv2dDepthwise, ::testing::ValuesIn(grouped_cases()),
                         [](const ::testing::TestParamInfo<ConvCase>& c) { return std::string(c.param.name); });

// The last channels in half a vector, part of one, or more; odd heights leave a row without a partner.
std::vector<ConvCase> tails() {
  std::vector<ConvCase> list;
  int index = 0;
  static const char* const names[] = {"5", "8", "13", "20", "24", "28", "40", "72"};
  for (const int32_t channels : {5, 8, 13, 20, 24, 28, 40, 72}) {
    const int32_t stride = 1 + index % 2, activations[] = {kRelu, kLeaky, kPrelu, kSilu};
    list.push_back({.name = names[index],
                    .n = 2,
                    .h = 7 + index % 3,
                    .w = 39,
                    .in = channels,
                    .out = channels,
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .stride_h = stride,
                    .stride_w = stride,
                    .top = 1,
                    .bottom = 1,
                    .left = 1,
                    .right = 1,
                    .groups = channels,
                    .activation = activations[index / 2 % 4],
                    .x_extra = index % 3,
                    .y_extra = index % 2});
    ++index;
  }
  return list;
}
INSTANTIATE_TEST_SUITE_P(Tails, Conv2dDepthwise, ::testing::ValuesIn(tails()),
                         [](const auto& c) { return std::string(c.param.name); });

}  // namespace
