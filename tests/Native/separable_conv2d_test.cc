// separable_conv2d: against the reference on every instruction set, and against independent loops.
#include "conv_naive.h"

using namespace fovea_test;

namespace {

struct SeparableCase {
  ConvCase depthwise;  // activation in between
  int32_t out;
  int32_t activation = FOVEA_ACTIVATION_NONE;
};

struct Separable {
  explicit Separable(const SeparableCase& s)
      : c(s.depthwise),
        params{params_of(s.depthwise), s.out, {s.activation, 0.2f, 0.5f, 0}},
        x({c.n, c.h, c.w, c.in}, c.in + c.x_extra),
        depthwise_weights({c.in, c.kernel_h, c.kernel_w}, c.kernel_w + c.x_extra),
        pointwise_weights({s.out, c.in}, c.in + c.y_extra),
        depthwise_bias({c.in}),
        bias({s.out}),
        slope({s.out}),
        y(y_shape(s), s.out + c.y_extra),
        residual(y_shape(s), s.out + c.residual_extra),
        prepared({prepared_bytes(params)}) {
    x.fill(1), depthwise_weights.fill(2), pointwise_weights.fill(3), depthwise_bias.fill(4), bias.fill(5);
    slope.fill(6, 0, 0.5), residual.fill(7);
    prepare(prepared);
  }
  static std::vector<int64_t> y_shape(const SeparableCase& s) {
    const ConvCase& c = s.depthwise;
    return {c.n, output_size(c.h, c.top + c.bottom, c.kernel_h, c.stride_h, c.dilation_h),
            output_size(c.w, c.left + c.right, c.kernel_w, c.stride_w, c.dilation_w), s.out};
  }
  static int64_t prepared_bytes(const fovea_separable_conv2d_params& p) {
    int64_t bytes = 0;
    EXPECT_EQ(fovea_separable_conv2d_prepared_bytes(device_here(), &p, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  void prepare(Array<uint8_t>& into) {
    run_prepare(into, [&](const fovea_tensor* pt, fovea_stream* stream) {
      const fovea_tensor dt = depthwise_weights.view(), wt = pointwise_weights.view();
      return fovea_separable_conv2d_prepare(&params, &dt, &wt, pt, stream);
    });
  }
  int64_t workspace_bytes() {
    int64_t bytes = 0;
    const fovea_tensor xt = x.view();
    EXPECT_EQ(fovea_separable_conv2d_workspace(&params, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  fovea_status run(const fovea_workspace* workspace, fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor pt = prepared_here(*this).view(), dt = depthwise_bias.view(), bt = bias.view(), st = slope.view(),
                       yt = y.view(), rt = residual.view();
    return fovea_separable_conv2d(&params, &xt, &pt, c.bias ? &dt : nullptr, c.bias ? &bt : nullptr,
                                  params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, c.residual ? &rt : nullptr,
                                  &yt, workspace, stream);
  }
  std::vector<double> expected() {
    const fovea_tensor yt = y.view();
    const int64_t oh = yt.shape[1], ow = yt.shape[2], out = params.out_channels;
    std::vector<double> middle(static_cast<size_t>(c.n * oh * ow * c.in)), sums(static_cast<size_t>(y.size()));
    for_each_product(params.depthwise, c.n, c.h, c.w, oh, ow, [&](int64_t at_x, int64_t at_y, int64_t w) {
      middle[static_cast<size_t>(at_y)] += static_cast<double>(x[at_x]) * static_cast<double>(depthwise_weights[w]);
    });
    for (size_t i = 0; i < middle.size(); ++i)
      middle[i] =
          naive_activation(params.depthwise.activation,
                           middle[i] + (c.bias ? static_cast<double>(depthwise_bias[static_cast<int64_t>(i) % c.in]) : 0.0), 0);
    for (int64_t i = 0; i < y.size(); ++i) {
      const int64_t q = i / out, o = i % out;
      double sum = c.bias ? static_cast<double>(bias[o]) : 0.0;
      if (c.residual) sum += static_cast<double>(residual[i]);
      for (int64_t k = 0; k < c.in; ++k)
        sum += middle[static_cast<size_t>(q * c.in + k)] * static_cast<double>(pointwise_weights[o * c.in + k]);
      sums[static_cast<size_t>(i)] = naive_activation(params.activation, sum, static_cast<double>(slope[o]));
    }
    return sums;
  }
  // Sums of `taps` products, about sqrt(taps)/3 in size, are summed over C channels: as in conv2d_cases.h with that size; the
  // errors of the first sums, taps*eps/8 each, add up like sqrt(C) and are covered too.
  Tolerance tolerance() const {
    const double taps = static_cast<double>(c.kernel_h) * c.kernel_w;
    return {2e-6, 1.2e-7 * (c.in + 8) * (1 + std::sqrt(taps) / 3) + 4e-6};
  }

  ConvCase c;
  fovea_separable_conv2d_params params;
  Array<float> x, depthwise_weights, pointwise_weights, depthwise_bias, bias, slope, y, residual;
  Array<uint8_t> prepared;  // on the CPU
  LayerMemory memory;
};

ConvCase same3x3(const char* name, int64_t n, int64_t h, int64_t w, int32_t channels, int32_t stride, int32_t activation) {
  return {.name = name,
          .n = n,
          .h = h,
          .w = w,
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
          .activation = activation};
}

constexpr int32_t kRelu = FOVEA_ACTIVATION_RELU, kPrelu = FOVEA_ACTIVATION_PRELU, kLeaky = FOVEA_ACTIVATION_LEAKY_RELU,
                  kSilu = FOVEA_ACTIVATION_SILU;

std::vector<SeparableCase> cases() {
  std::vector<SeparableCase> list = {
      {same3x3("MobileNet", 2, 14, 27, 48, 1, kRelu), 80, kRelu},
      {same3x3("Stride2", 1, 21, 30, 32, 2, kSilu), 48, kSilu},
      {same3x3("OddChannels", 2, 9, 19, 35, 1, kLeaky), 37, kPrelu},
      {same3x3("PitchedResidual", 1, 8, 20, 18, 1, kRelu), 33, kSilu},
      {same3x3("NoBias", 3, 7, 7, 64, 1, FOVEA_ACTIVATION_NONE), 300, FOVEA_ACTIVATION_NONE},
      {{.name = "Asymmetric5x3",
        .n = 1,
        .h = 13,
        .w = 25,
        .in = 20,
        .out = 20,
        .kernel_h = 5,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 1,
        .top = 0,
        .bottom = 3,
        .left = 2,
        .right = 0,
        .groups = 20},
       16,
       kRelu},
      {{.name = "Dilated",
        .n = 1,
        .h = 16,
        .w = 18,
        .in = 16,
        .out = 16,
        .kernel_h = 3,
        .kernel_w = 3,
        .top = 2,
        .bottom = 2,
        .left = 3,
        .right = 3,
        .dilation_h = 2,
        .dilation_w = 3,
        .groups = 16,
        .activation = kRelu},
       24,
       kLeaky},
      {same3x3("OneChannel", 1, 5, 12, 1, 1, kRelu), 3, kRelu},
      {same3x3("SinglePixel", 1, 1, 1, 17, 1, kRelu), 5, kRelu},
      {same3x3("NoImages", 0, 4, 4, 8, 1, kRelu), 5, kRelu},
      {{.name = "NoOutput", .n = 1, .h = 2, .w = 9, .in = 4, .out = 4, .kernel_h = 3, .kernel_w = 3, .groups = 4}, 6, kRelu},
      {same3x3("LongRow", 1, 3, 333, 16, 1, kRelu), 16, kRelu},
  };
  list[3].depthwise.residual = true;
  list[3].depthwise.x_extra = 3, list[3].depthwise.y_extra = 1, list[3].depthwise.residual_extra = 2;
  list[4].depthwise.bias = false;
  return list;
}

class SeparableConv2d : public ::testing::TestWithParam<SeparableCase> {};

TEST_P(SeparableConv2d, MatchesReferenceAndLoops) {
  Separable layer(GetParam());
  check_kernel<float>(layer.y, layer.tolerance(), [&](fovea_stream* s) { return layer.run(workspace_here(layer), s); });
  EXPECT_TRUE(layer.memory.guards_intact()) << "wrote outside the workspace";
  const std::vector<double> expected = layer.expected();
  for (const int32_t isa : {int32_t{FOVEA_ISA_REFERENCE}, available_isas().back()}) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    layer.y.poison();
    ASSERT_EQ(layer.run(workspace_here(layer), stream.get()), FOVEA_OK);
    expect_near(layer.y, expected, layer.tolerance());
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, SeparableConv2d, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.depthwise.name); });

TEST(SeparableConv2dLive, LimitsTheBatch) {
  Separable layer({same3x3("Live", 4, 5, 12, 18, 1, kSilu), 20, kSilu});
  Workspace workspace(layer.workspace_bytes());
  for (const int32_t isa : {-1, 0, 1}) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    for (const int32_t live : {-1, 0, 3, 9}) {
      layer.y.poison();
      ASSERT_EQ(layer.run(workspace.get(), stream.get(), &live), FOVEA_OK) << fovea_last_error();
      const int64_t kept = std::min<int64_t>(std::max(live, 0), 4) * layer.y.size() / 4;
      for (int64_t i = 0; i < layer.y.size(); ++i) ASSERT_EQ(std::isnan(layer.y[i]), i >= kept) << i;
    }
  }
}

TEST(SeparableConv2dLive, LimitsTheBatchOfEveryBackend) {
  Separable layer({same3x3("Live", 4, 5, 12, 18, 1, kSilu), 20, kSilu});
  Array<int32_t> live({1});
  for (const int32_t rows : {-1, 0, 3, 9}) {
    live[0] = rows;
    check_kernel<float>(layer.y, layer.tolerance(),
                        [&](fovea_stream* s) { return layer.run(workspace_here(layer), s, live.data()); });
  }
}

// The result in between is rounded to the type too: half a unit in the last place of each of C products, which add up like
// sqrt(C), as eight standard deviations of unit/2 * sqrt(taps)/3 * 1/sqrt(3).
template <class T>
void check_narrow() {
  for (const SeparableCase& c : cases()) {
    SCOPED_TRACE(c.depthwise.name);
    Separable layer(c);
    const auto x = narrow_copy<T>(layer.x), residual = narrow_copy<T>(layer.residual), y = narrow_copy<T>(layer.y);
    narrow_copy<T>(layer.depthwise_weights), narrow_copy<T>(layer.pointwise_weights);
    layer.prepare(layer.prepared);
    Tolerance t = narrow_tolerance<T>(layer.tolerance());
    const double taps = static_cast<double>(layer.c.kernel_h) * layer.c.kernel_w;
    t.absolute += 8 * t.relative / 2 * std::sqrt(layer.c.in * (taps / 9 + 1) / 3);
    check_narrow_kernel<T>(
        *y, layer.y, t, [&](fovea_stream* s) { return layer.run(workspace_here(layer), s); },
        [&](fovea_stream* s) {
          const fovea_tensor pt = prepared_here(layer).view(), dt = layer.depthwise_bias.view(), bt = layer.bias.view();
          const fovea_tensor st = layer.slope.view(), xt = x->view(), rt = residual->view(), yt = y->view();
          return fovea_separable_conv2d(&layer.params, &xt, &pt, layer.c.bias ? &dt : nullptr, layer.c.bias ? &bt : nullptr,
                                        layer.params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr,
                                        layer.c.residual ? &rt : nullptr, &yt, workspace_here(layer), s);
        });
  }
}
TEST(SeparableConv2dNarrow, HalfPrecision) { check_narrow<Half>(); }
TEST(SeparableConv2dNarrow, BFloat16) { check_narrow<BFloat16>(); }

TEST(SeparableConv2dArguments, AreChecked) {
  Separable layer({same3x3("Small", 2, 6, 12, 4, 1, kRelu), 6, kRelu});
  Workspace workspace(layer.workspace_bytes());
  const StreamPtr stream = make_stream();
  const fovea_tensor x = layer.x.view(), y = layer.y.view(), prepared = layer.prepared.view(), bias = layer.bias.view(),
                     middle = layer.depthwise_bias.view();
  const auto call = [&](const fovea_tensor* xt, const fovea_tensor* pt, const fovea_tensor* dt, const fovea_tensor* bt,
                        const fovea_tensor* rt, const fovea_tensor* yt, const fovea_workspace* ws) {
    return fovea_separable_conv2d(&layer.params, xt, pt, dt, bt, nullptr, rt, yt, ws, stream.get());
  };
  ASSERT_EQ(call(&x, &prepared, &middle, &bias, nullptr, &y, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(nullptr, &prepared, &middle, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, nullptr, &middle, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "separable_conv2d: depthwise_bias has 6 channels, expected 4");
  EXPECT_EQ(call(&x, &prepared, &middle, &bias, &x, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &middle, &bias, &y, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &middle, &bias, nullptr, &y, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor wrong = x;
  wrong.shape[3] = 3;
  EXPECT_EQ(call(&wrong, &prepared, &middle, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "separable_conv2d: weight has 4 input channels, x has 3");
  wrong = y, wrong.shape[1] = 5;
  EXPECT_EQ(call(&x, &prepared, &middle, &bias, nullptr, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  layer.prepared.poison();
  EXPECT_EQ(call(&x, &prepared, &middle, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "separable_conv2d: prepared was not written by separable_conv2d_prepare");

  int64_t bytes = 0;
  const auto refused = [&](void (*change)(fovea_separable_conv2d_params&)) {
    fovea_separable_conv2d_params p = layer.params;
    change(p);
    return fovea_separable_conv2d_prepared_bytes(cpu(), &p, &bytes) == FOVEA_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refused([](auto& p) { p.depthwise.groups = 2; }));
  EXPECT_TRUE(refused([](auto& p) { p.depthwise.activation.kind = FOVEA_ACTIVATION_PRELU; }));
  EXPECT_STREQ(fovea_last_error(), "separable_conv2d_prepared_bytes: the depthwise activation cannot be PRELU");
  EXPECT_TRUE(refused([](auto& p) { p.out_channels = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.depthwise.algorithm = FOVEA_CONV2D_WINOGRAD_2X2; }));
  EXPECT_EQ(fovea_separable_conv2d_prepared_bytes(cpu(), nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_separable_conv2d_workspace(&layer.params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  fovea_tensor flat = layer.depthwise_weights.view();
  const fovea_tensor pointwise = layer.pointwise_weights.view();
  flat.shape[1] = 2;
  EXPECT_EQ(fovea_separable_conv2d_prepare(&layer.params, &flat, &pointwise, &prepared, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "separable_conv2d_prepare: depthwise_weights is [4, 2, 3] f32, params say [4, 3, 3]");
}

}  // namespace
