// conv2d: every body against the double-precision reference, on every instruction set.
#include "conv2d_cases.h"

using namespace fovea_test;

namespace {

class Conv2d : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Conv2d, MatchesReference) { Conv(GetParam()).check(); }

std::string case_name(const ::testing::TestParamInfo<ConvCase>& c) { return c.param.name; }

constexpr int32_t kRelu = FOVEA_ACTIVATION_RELU, kPrelu = FOVEA_ACTIVATION_PRELU, kLeaky = FOVEA_ACTIVATION_LEAKY_RELU,
                  kSilu = FOVEA_ACTIVATION_SILU;

// Rows: more than one tile per row, all borders, strides, odd channels.
INSTANTIATE_TEST_SUITE_P(
    Rows, Conv2d,
    ::testing::Values(
        ConvCase{.name = "PnetFirst",
                 .n = 1,
                 .h = 31,
                 .w = 45,
                 .in = 3,
                 .out = 10,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .activation = kPrelu},
        ConvCase{.name = "PnetSecond",
                 .n = 1,
                 .h = 17,
                 .w = 25,
                 .in = 10,
                 .out = 16,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .activation = kPrelu},
        ConvCase{.name = "PnetThird",
                 .n = 2,
                 .h = 12,
                 .w = 19,
                 .in = 16,
                 .out = 32,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .activation = kPrelu},
        ConvCase{.name = "RnetFirst",
                 .n = 3,
                 .h = 24,
                 .w = 24,
                 .in = 3,
                 .out = 28,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .activation = kPrelu},
        ConvCase{.name = "RnetSecond",
                 .n = 3,
                 .h = 11,
                 .w = 11,
                 .in = 28,
                 .out = 48,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .activation = kPrelu},
        ConvCase{.name = "Stem7x7",
                 .n = 1,
                 .h = 37,
                 .w = 41,
                 .in = 3,
                 .out = 64,
                 .kernel_h = 7,
                 .kernel_w = 7,
                 .stride_h = 2,
                 .stride_w = 2,
                 .top = 3,
                 .bottom = 3,
                 .left = 3,
                 .right = 3,
                 .activation = kRelu},
        ConvCase{.name = "PaddedFirst",
                 .n = 1,
                 .h = 7,
                 .w = 50,
                 .in = 3,
                 .out = 10,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .activation = kPrelu},
        ConvCase{.name = "Stride2First",
                 .n = 1,
                 .h = 11,
                 .w = 97,
                 .in = 3,
                 .out = 16,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .stride_h = 2,
                 .stride_w = 2,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .activation = kSilu},
        ConvCase{
            .name = "GrayFirst", .n = 1, .h = 8, .w = 40, .in = 1, .out = 8, .kernel_h = 3, .kernel_w = 3, .activation = kRelu},
        ConvCase{.name = "Same3x3",
                 .n = 2,
                 .h = 9,
                 .w = 33,
                 .in = 17,
                 .out = 50,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .activation = kRelu,
                 .residual = true},
        ConvCase{.name = "Asymmetric",
                 .n = 1,
                 .h = 10,
                 .w = 29,
                 .in = 5,
                 .out = 7,
                 .kernel_h = 2,
                 .kernel_w = 5,
                 .stride_h = 3,
                 .stride_w = 1,
                 .top = 0,
                 .bottom = 2,
                 .left = 3,
                 .right = 1,
                 .activation = kLeaky},
        ConvCase{.name = "Dilated",
                 .n = 1,
                 .h = 15,
                 .w = 27,
                 .in = 6,
                 .out = 18,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 4,
                 .bottom = 4,
                 .left = 2,
                 .right = 2,
                 .dilation_h = 4,
                 .dilation_w = 2},
        ConvCase{.name = "KernelAboveImage",
                 .n = 1,
                 .h = 2,
                 .w = 30,
                 .in = 4,
                 .out = 3,
                 .kernel_h = 5,
                 .kernel_w = 1,
                 .top = 6,
                 .bottom = 6},
        ConvCase{.name = "Pitched",
                 .n = 2,
                 .h = 8,
                 .w = 21,
                 .in = 9,
                 .out = 20,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .activation = kPrelu,
                 .residual = true,
                 .x_extra = 7,
                 .y_extra = 5,
                 .residual_extra = 11},
        ConvCase{.name = "Strided1x1",
                 .n = 1,
                 .h = 9,
                 .w = 23,
                 .in = 12,
                 .out = 33,
                 .kernel_h = 1,
                 .kernel_w = 1,
                 .stride_h = 2,
                 .stride_w = 2,
                 .activation = kSilu},
        ConvCase{.name = "Groups",
                 .n = 1,
                 .h = 7,
                 .w = 19,
                 .in = 12,
                 .out = 60,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .groups = 3,
                 .activation = kRelu},
        ConvCase{.name = "Multiplier", .n = 1, .h = 6, .w = 17, .in = 5, .out = 15, .kernel_h = 3, .kernel_w = 3, .groups = 5}),
    case_name);

// Gathered: short rows, so that tiles span rows and images.
INSTANTIATE_TEST_SUITE_P(
    Gathered, Conv2d,
    ::testing::Values(
        ConvCase{.name = "RnetThird",
                 .n = 5,
                 .h = 4,
                 .w = 4,
                 .in = 48,
                 .out = 64,
                 .kernel_h = 2,
                 .kernel_w = 2,
                 .activation = kPrelu},
        ConvCase{.name = "OnetLast",
                 .n = 7,
                 .h = 4,
                 .w = 4,
                 .in = 64,
                 .out = 128,
                 .kernel_h = 2,
                 .kernel_w = 2,
                 .activation = kPrelu},
        ConvCase{.name = "WholeImage", .n = 9, .h = 3, .w = 3, .in = 20, .out = 37, .kernel_h = 3, .kernel_w = 3},
        ConvCase{.name = "Padded7x7",
                 .n = 2,
                 .h = 7,
                 .w = 7,
                 .in = 33,
                 .out = 40,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .stride_h = 2,
                 .stride_w = 1,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .activation = kRelu,
                 .residual = true},
        ConvCase{
            .name = "OnePixel", .n = 1, .h = 1, .w = 1, .in = 1, .out = 1, .kernel_h = 1, .kernel_w = 1, .top = 1, .left = 1},
        ConvCase{.name = "GroupsPitched",
                 .n = 2,
                 .h = 6,
                 .w = 6,
                 .in = 8,
                 .out = 36,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 2,
                 .bottom = 2,
                 .left = 2,
                 .right = 2,
                 .dilation_h = 2,
                 .dilation_w = 2,
                 .groups = 2,
                 .x_extra = 3,
                 .y_extra = 1}),
    case_name);

// Flat: 1x1 over all pixels of the batch.
INSTANTIATE_TEST_SUITE_P(
    Flat, Conv2d,
    ::testing::Values(
        ConvCase{.name = "PnetScore", .n = 1, .h = 13, .w = 21, .in = 32, .out = 2, .kernel_h = 1, .kernel_w = 1},
        ConvCase{.name = "PnetBox", .n = 2, .h = 13, .w = 21, .in = 32, .out = 4, .kernel_h = 1, .kernel_w = 1, .bias = false},
        ConvCase{.name = "Wide",
                 .n = 1,
                 .h = 7,
                 .w = 7,
                 .in = 65,
                 .out = 300,
                 .kernel_h = 1,
                 .kernel_w = 1,
                 .activation = kRelu,
                 .residual = true},
        ConvCase{.name = "Sigmoid",
                 .n = 1,
                 .h = 3,
                 .w = 5,
                 .in = 19,
                 .out = 47,
                 .kernel_h = 1,
                 .kernel_w = 1,
                 .activation = FOVEA_ACTIVATION_SIGMOID},
        ConvCase{.name = "Pitched",
                 .n = 2,
                 .h = 5,
                 .w = 11,
                 .in = 24,
                 .out = 40,
                 .kernel_h = 1,
                 .kernel_w = 1,
                 .activation = kPrelu,
                 .x_extra = 8,
                 .y_extra = 24},
        ConvCase{.name = "Groups", .n = 1, .h = 5, .w = 9, .in = 12, .out = 68, .kernel_h = 1, .kernel_w = 1, .groups = 2},
        ConvCase{.name = "OnePixel", .n = 1, .h = 1, .w = 1, .in = 70, .out = 19, .kernel_h = 1, .kernel_w = 1}),
    case_name);

// Few output channels, where lanes are pixels: every count of them, widths around a tile's, strides beyond the kernel, padding
// on either side, more rows than one block's, pitches (what lies between the pixels must survive).
std::vector<ConvCase> few_channels() {
  static std::vector<std::string> names;
  names.reserve(64);
  std::vector<ConvCase> all;
  const auto add = [&](ConvCase c) {
    names.push_back("Case" + std::to_string(names.size()) + "Out" + std::to_string(c.out));
    c.name = names.back().c_str();
    all.push_back(c);
  };
  for (int32_t out = 1; out <= 12; ++out) {
    ConvCase c{.name = "", .n = 1, .h = 9, .w = 15 + 6 * out, .in = 1 + out * 5 % 7, .out = out, .kernel_h = 3, .kernel_w = 3};
    c.top = out % 2, c.bottom = out % 3, c.left = out % 4, c.right = out % 3;
    c.activation = out % 4 == 0 ? kRelu : out % 4 == 1 ? kPrelu : out % 4 == 2 ? kLeaky : kSilu;
    add(c);
    c.n = 2, c.h = 21, c.w = 83, c.in = 3, c.stride_h = 2, c.stride_w = 2, c.bias = false, c.y_extra = 1 + out % 3;
    c.x_extra = out % 2 * 3;
    add(c);
    c.w = 61, c.kernel_h = 1 + out % 5, c.kernel_w = 1 + out % 4, c.stride_h = 1 + out % 3, c.stride_w = 1;
    c.residual = out % 2 == 0;
    add(c);
  }
  // Strides larger than the kernel, padding wider than a tile, and kernel rows that all lie outside.
  add({.name = "", .n = 1, .h = 12, .w = 99, .in = 3, .out = 10, .kernel_h = 2, .kernel_w = 2, .stride_h = 3, .stride_w = 4});
  add({.name = "", .n = 1, .h = 5, .w = 7, .in = 3, .out = 10, .kernel_h = 3, .kernel_w = 3, .left = 40, .right = 45});
  add({.name = "", .n = 1, .h = 3, .w = 64, .in = 2, .out = 5, .kernel_h = 3, .kernel_w = 3, .top = 7, .bottom = 6});
  add({.name = "", .n = 1, .h = 90, .w = 120, .in = 3, .out = 10, .kernel_h = 3, .kernel_w = 3, .top = 1, .left = 1});
  return all;
}
INSTANTIATE_TEST_SUITE_P(FewChannels, Conv2d, ::testing::ValuesIn(few_channels()), case_name);

INSTANTIATE_TEST_SUITE_P(
    Empty, Conv2d,
    ::testing::Values(
        ConvCase{.name = "Batch", .n = 0, .h = 9, .w = 9, .in = 3, .out = 4, .kernel_h = 3, .kernel_w = 3},
        ConvCase{.name = "KernelLargerThanImage", .n = 1, .h = 2, .w = 9, .in = 3, .out = 4, .kernel_h = 3, .kernel_w = 3},
        ConvCase{.name = "OnlyPadding",
                 .n = 1,
                 .h = 0,
                 .w = 9,
                 .in = 3,
                 .out = 4,
                 .kernel_h = 1,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1},
        ConvCase{.name = "OnlyPaddingAcross",
                 .n = 1,
                 .h = 9,
                 .w = 0,
                 .in = 3,
                 .out = 4,
                 .kernel_h = 3,
                 .kernel_w = 1,
                 .left = 4,
                 .right = 5}),
    case_name);

// Aligned rows and others, wide and narrow tiles of outputs, groups, depthwise layers, residuals and pitches.
const std::vector<ConvCase>& narrow_cases() {
  static const std::vector<ConvCase> cases = [] {
    ConvCase c{.name = "", .n = 2, .h = 9, .w = 11, .in = 24, .out = 70, .kernel_h = 3, .kernel_w = 3};
    c.top = c.left = c.right = 1, c.activation = kPrelu, c.residual = true;
    std::vector<ConvCase> all{c};
    c.x_extra = 3, c.y_extra = 5, c.residual_extra = 2;
    all.push_back(c);
    c.in = 3, c.out = 10, c.x_extra = 0, c.stride_h = c.stride_w = 2;
    all.push_back(c);
    c.in = 32, c.out = 24, c.groups = 2, c.residual = false, c.activation = kSilu;
    all.push_back(c);
    c.in = c.out = c.groups = 24, c.y_extra = 8, c.dilation_w = 2;
    all.push_back(c);
    c.in = c.out = c.groups = 13, c.residual = true;
    all.push_back(c);
    return all;
  }();
  return cases;
}
TEST(Conv2dNarrow, HalfPrecision) {
  for (const ConvCase& c : narrow_cases()) Conv(c).check_narrow<Half>();
}
TEST(Conv2dNarrow, BFloat16) {
  for (const ConvCase& c : narrow_cases()) Conv(c).check_narrow<BFloat16>();
}
// The last vector of a panel: half of one, less, or more than half, alone or behind whole ones; residuals join in the tile.
std::vector<ConvCase> tails() {
  std::vector<ConvCase> list;
  int index = 0;
  static const char* const names[] = {"3", "8", "11", "20", "24", "28", "40", "55", "56", "72"};
  for (const int32_t out : {3, 8, 11, 20, 24, 28, 40, 55, 56, 72}) {
    const int32_t kernel = index % 2 == 0 ? 1 : 3, activations[] = {kRelu, kLeaky, kPrelu, kSilu};
    list.push_back({.name = names[index],
                    .n = 1,
                    .h = 5,
                    .w = 37,
                    .in = 19,
                    .out = out,
                    .kernel_h = kernel,
                    .kernel_w = kernel,
                    .top = kernel / 2,
                    .bottom = kernel / 2,
                    .left = kernel / 2,
                    .right = kernel / 2,
                    .activation = activations[index % 4],
                    .residual = true,
                    .y_extra = index % 3,
                    .residual_extra = index % 5});
    ++index;
  }
  return list;
}
INSTANTIATE_TEST_SUITE_P(Tails, Conv2d, ::testing::ValuesIn(tails()), case_name);

}  // namespace
