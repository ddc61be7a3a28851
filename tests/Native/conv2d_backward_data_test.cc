// conv2d_backward_data: against scattering loops over every kind of layer, on every instruction set.
#include "conv_naive.h"

using namespace fovea_test;

namespace {

struct BackwardData {
  explicit BackwardData(const ConvCase& c)
      : params(params_of(c)),
        dx({c.n, c.h, c.w, c.in}, c.in + c.x_extra),
        weights({c.out, c.kernel_h, c.kernel_w, c.in / c.groups}),
        dy({c.n, output_size(c.h, c.top + c.bottom, c.kernel_h, c.stride_h, c.dilation_h),
            output_size(c.w, c.left + c.right, c.kernel_w, c.stride_w, c.dilation_w), c.out},
           c.out + c.y_extra),
        prepared({prepared_bytes(params)}) {
    dy.fill(1), weights.fill(2);
    prepare(prepared);
  }
  static int64_t prepared_bytes(const fovea_conv2d_params& p) {
    int64_t bytes = 0;
    EXPECT_EQ(fovea_conv2d_backward_data_prepared_bytes(device_here(), &p, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  void prepare(Array<uint8_t>& into) {
    run_prepare(into, [&](const fovea_tensor* pt, fovea_stream* stream) {
      const fovea_tensor wt = weights.view();
      return fovea_conv2d_backward_data_prepare(&params, &wt, pt, stream);
    });
  }
  int64_t workspace_bytes() {
    int64_t bytes = 0;
    const fovea_tensor dyt = dy.view(), dxt = dx.view();
    EXPECT_EQ(fovea_conv2d_backward_data_workspace(&params, &dyt, &dxt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  fovea_status run(const fovea_workspace* workspace, fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor dyt = dy.view();
    dyt.live = live;
    const fovea_tensor dxt = dx.view(), pt = prepared_here(*this).view();
    return fovea_conv2d_backward_data(&params, &dyt, &pt, &dxt, workspace, stream);
  }
  // As in conv2d_cases.h: K*eps for a sum of K products of values in [-1, 1].
  Tolerance tolerance(double factor) const {
    const double k = static_cast<double>(params.kernel_h) * params.kernel_w * (params.out_channels / params.groups);
    return {1e-6, 1.2e-7 * factor * k + 4e-6, k};
  }

  fovea_conv2d_params params;
  Array<float> dx, weights, dy;
  Array<uint8_t> prepared;  // on the CPU
  LayerMemory memory;
};

class Conv2dBackwardData : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Conv2dBackwardData, MatchesScatteredProducts) {
  const ConvCase& c = GetParam();
  BackwardData layer(c);
  // Winograd's sums have larger terms than the direct ones: see conv2d_winograd_test.cc.
  const Tolerance tolerance = layer.tolerance(c.winograd != 0 ? 8 : 1);
  check_kernel<float>(layer.dx, tolerance, [&](fovea_stream* s) { return layer.run(workspace_here(layer), s); });
  EXPECT_TRUE(layer.memory.guards_intact()) << "wrote outside the workspace";

  std::vector<double> expected(static_cast<size_t>(layer.dx.size()));
  const int64_t oh = layer.dy.view().shape[1], ow = layer.dy.view().shape[2];
  for_each_product(layer.params, c.n, c.h, c.w, oh, ow, [&](int64_t x, int64_t y, int64_t w) {
    expected[static_cast<size_t>(x)] += static_cast<double>(layer.dy[y]) * static_cast<double>(layer.weights[w]);
  });
  for (const int32_t isa : {int32_t{FOVEA_ISA_REFERENCE}, available_isas().back()}) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    layer.dx.poison();
    ASSERT_EQ(layer.run(workspace_here(layer), stream.get()), FOVEA_OK);
    expect_near(layer.dx, expected, tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, Conv2dBackwardData, ::testing::ValuesIn(gradient_cases()),
                         [](const auto& c) { return std::string(c.param.name); });

// <conv(x, w), dy> == <x, backward_data(dy)>.
TEST(Conv2dBackwardDataIdentity, IsTheTransposeOfConv2d) {
  for (const ConvCase& c : gradient_cases()) {
    SCOPED_TRACE(c.name);
    ConvCase no_bias = c;
    no_bias.bias = false;
    Conv conv(no_bias);
    BackwardData layer(c);
    Workspace forward_workspace(conv.workspace_bytes()), workspace(layer.workspace_bytes());
    const StreamPtr stream = make_stream();
    ASSERT_EQ(conv.run(forward_workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(layer.run(workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
    double left = 0, right = 0, terms = 0;
    for (int64_t i = 0; i < conv.y.size(); ++i) left += static_cast<double>(conv.y[i]) * static_cast<double>(layer.dy[i]);
    for (int64_t i = 0; i < conv.x.size(); ++i) {
      right += static_cast<double>(conv.x[i]) * static_cast<double>(layer.dx[i]);
      terms += std::fabs(static_cast<double>(conv.x[i]) * static_cast<double>(layer.dx[i]));
    }
    // Errors of the elements, eps*K at most, are independent; the sum of the terms' sizes is far above their effect.
    EXPECT_NEAR(left, right, 1e-5 * terms + 1e-5);
  }
}

TEST(Conv2dBackwardDataLive, LimitsTheBatch) {
  const ConvCase cases[] = {
      {.name = "Phases", .n = 4, .h = 7, .w = 9, .in = 5, .out = 6, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2},
      {.name = "Forward", .n = 4, .h = 7, .w = 9, .in = 5, .out = 6, .kernel_h = 3, .kernel_w = 3}};
  for (const ConvCase& c : cases) {
    BackwardData layer(c);
    Workspace workspace(layer.workspace_bytes());
    for (const int32_t isa : {-1, 0, 1}) {
      const ForcedIsa forced(isa);
      const StreamPtr stream = make_stream();
      for (const int32_t live : {-1, 0, 3, 9}) {
        layer.dx.poison();
        ASSERT_EQ(layer.run(workspace.get(), stream.get(), &live), FOVEA_OK) << fovea_last_error();
        const int64_t kept = std::min<int64_t>(std::max(live, 0), c.n) * layer.dx.size() / c.n;
        for (int64_t i = 0; i < layer.dx.size(); ++i) ASSERT_EQ(std::isnan(layer.dx[i]), i >= kept) << i;
      }
    }
  }
}

TEST(Conv2dBackwardDataLive, LimitsTheBatchOfEveryBackend) {
  BackwardData layer(
      {.name = "", .n = 4, .h = 7, .w = 9, .in = 5, .out = 6, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2});
  Array<int32_t> live({1});
  for (const int32_t rows : {-1, 0, 3, 9}) {
    live[0] = rows;
    check_kernel<float>(layer.dx, layer.tolerance(1),
                        [&](fovea_stream* s) { return layer.run(workspace_here(layer), s, live.data()); });
  }
}

template <class T>
void check_narrow() {
  for (size_t i = 0; i < gradient_cases().size(); i += 4) {
    const ConvCase c = gradient_cases()[i];
    if (c.n * c.h * c.w > 1000) continue;  // slow under emulation
    SCOPED_TRACE(c.name);
    BackwardData layer(c);
    const auto dx = narrow_copy<T>(layer.dx), dy = narrow_copy<T>(layer.dy);
    narrow_copy<T>(layer.weights);
    layer.prepare(layer.prepared);
    check_narrow_kernel<T>(
        *dx, layer.dx, narrow_tolerance<T>(layer.tolerance(1)),
        [&](fovea_stream* s) { return layer.run(workspace_here(layer), s); },
        [&](fovea_stream* s) {
          const fovea_tensor pt = prepared_here(layer).view(), dyt = dy->view(), dxt = dx->view();
          return fovea_conv2d_backward_data(&layer.params, &dyt, &pt, &dxt, workspace_here(layer), s);
        });
  }
}
TEST(Conv2dBackwardDataNarrow, HalfPrecision) { check_narrow<Half>(); }
TEST(Conv2dBackwardDataNarrow, BFloat16) { check_narrow<BFloat16>(); }

TEST(Conv2dBackwardDataArguments, AreChecked) {
  const ConvCase c{.name = "Small",
                   .n = 2,
                   .h = 8,
                   .w = 10,
                   .in = 4,
                   .out = 6,
                   .kernel_h = 3,
                   .kernel_w = 3,
                   .stride_h = 2,
                   .stride_w = 2,
                   .top = 1,
                   .bottom = 1,
                   .left = 1,
                   .right = 1};
  BackwardData layer(c);
  Workspace workspace(layer.workspace_bytes());
  const StreamPtr stream = make_stream();
  const fovea_tensor dy = layer.dy.view(), dx = layer.dx.view(), prepared = layer.prepared.view();
  const auto call = [&](const fovea_tensor* dyt, const fovea_tensor* pt, const fovea_tensor* dxt, const fovea_workspace* ws) {
    return fovea_conv2d_backward_data(&layer.params, dyt, pt, dxt, ws, stream.get());
  };
  ASSERT_EQ(call(&dy, &prepared, &dx, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(nullptr, &prepared, &dx, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&dy, nullptr, &dx, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&dy, &prepared, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&dy, &prepared, &dx, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor wrong = dy;
  wrong.shape[2] = 4;
  EXPECT_EQ(call(&wrong, &prepared, &dx, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(),
               "conv2d_backward_data: dy is [2, 4, 4, 6] f32, expected [2, 4, 5, 6] for dx [2, 8, 10, 4] f32");
  wrong = dx, wrong.shape[3] = 3;
  EXPECT_EQ(call(&dy, &prepared, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d_backward_data: weight has 4 input channels, dx has 3");
  wrong = dx, wrong.data = dy.data;
  EXPECT_EQ(call(&dy, &prepared, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  // Weights of the layer with another stride have the same size.
  fovea_conv2d_params other = layer.params;
  other.stride_w = 1;
  layer.dx.poison();
  fovea_tensor wide = dy;
  wide.shape[2] = 10, wide.shape[1] = 4, wide.shape[0] = 1;
  wrong = dx, wrong.shape[0] = 1;
  EXPECT_EQ(fovea_conv2d_backward_data(&other, &wide, &prepared, &wrong, workspace.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_NE(std::string(fovea_last_error()).find("stride 2x2"), std::string::npos) << fovea_last_error();
  // conv2d's own weights are not flipped.
  layer.prepared.poison();
  EXPECT_EQ(call(&dy, &prepared, &dx, workspace.get()), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  EXPECT_EQ(fovea_conv2d_backward_data_prepared_bytes(cpu(), nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_data_prepared_bytes(cpu(), &layer.params, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_data_workspace(&layer.params, nullptr, &dx, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_data_workspace(&layer.params, &dy, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  other = layer.params, other.algorithm = FOVEA_CONV2D_WINOGRAD_4X4;
  EXPECT_EQ(fovea_conv2d_backward_data_prepared_bytes(cpu(), &other, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
