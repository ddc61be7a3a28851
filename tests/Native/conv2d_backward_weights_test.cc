// conv2d_backward_weights: against scattering loops over every kind of layer, on every instruction set.
#include "conv_naive.h"

using namespace fovea_test;

namespace {

struct BackwardWeights {
  explicit BackwardWeights(const ConvCase& c)
      : params(params_of(c)),
        x({c.n, c.h, c.w, c.in}, c.in + c.x_extra),
        dy({c.n, output_size(c.h, c.top + c.bottom, c.kernel_h, c.stride_h, c.dilation_h),
            output_size(c.w, c.left + c.right, c.kernel_w, c.stride_w, c.dilation_w), c.out},
           c.out + c.y_extra),
        dw({c.out, c.kernel_h, c.kernel_w, c.in / c.groups}, c.in / c.groups + c.y_extra),
        dbias({c.out}) {
    x.fill(1), dy.fill(2);
  }
  int64_t workspace_bytes() {
    int64_t bytes = 0;
    const fovea_tensor xt = x.view(), dyt = dy.view();
    EXPECT_EQ(fovea_conv2d_backward_weights_workspace(&params, &xt, &dyt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  fovea_status run(bool with_dw, bool with_dbias, int32_t accumulate, const fovea_workspace* workspace, fovea_stream* stream,
                   const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor dyt = dy.view(), dwt = dw.view(), dbt = dbias.view();
    return fovea_conv2d_backward_weights(&params, &xt, &dyt, with_dw ? &dwt : nullptr, with_dbias ? &dbt : nullptr, accumulate,
                                         workspace, stream);
  }
  // As in conv2d_cases.h: eps times the number of products, here one per pixel, values in [-1, 1].
  Tolerance tolerance() const { return {1e-6, 1.2e-7 * static_cast<double>(dy.rows()) + 4e-6}; }

  fovea_conv2d_params params;
  Array<float> x, dy, dw, dbias;
  LayerMemory memory;
};

class Conv2dBackwardWeights : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Conv2dBackwardWeights, MatchesScatteredProducts) {
  const ConvCase& c = GetParam();
  BackwardWeights layer(c);
  const bool device = test_device() != nullptr;
  if (device && layer.dy.size() * layer.dw.size() / c.out > 2000000) GTEST_SKIP() << "too slow under emulation";
  Tolerance of_products = layer.tolerance();
  of_products.products = static_cast<double>(layer.dy.rows());
  check_kernel<float>(layer.dw, of_products,
                      [&](fovea_stream* s) { return layer.run(true, true, 0, workspace_here(layer), s); });
  check_kernel<float>(layer.dbias, layer.tolerance(),
                      [&](fovea_stream* s) { return layer.run(false, true, 0, workspace_here(layer), s); });
  if (device) {
    // Added to ones, so that a second run must not see the first one's result.
    check_kernel<float>(layer.dw, layer.tolerance(), [&](fovea_stream* s) {
      layer.dw.fill(1, 1, 1), layer.dbias.fill(1, 1, 1);
      return layer.run(true, true, 1, workspace_here(layer), s);
    });
    check_kernel<float>(layer.dbias, layer.tolerance(), [&](fovea_stream* s) {
      layer.dbias.fill(1, 1, 1);
      return layer.run(false, true, 1, workspace_here(layer), s);
    });
  }
  const fovea_workspace* const workspace = workspace_here(layer);
  EXPECT_TRUE(layer.memory.guards_intact()) << "wrote outside the workspace";

  std::vector<double> dw(static_cast<size_t>(layer.dw.size())), dbias(static_cast<size_t>(c.out));
  const int64_t oh = layer.dy.view().shape[1], ow = layer.dy.view().shape[2];
  for_each_product(layer.params, c.n, c.h, c.w, oh, ow, [&](int64_t x, int64_t y, int64_t w) {
    dw[static_cast<size_t>(w)] += static_cast<double>(layer.x[x]) * static_cast<double>(layer.dy[y]);
  });
  for (int64_t i = 0; i < layer.dy.size(); ++i) dbias[static_cast<size_t>(i % c.out)] += static_cast<double>(layer.dy[i]);
  for (const int32_t isa : {int32_t{FOVEA_ISA_REFERENCE}, available_isas().back()}) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    layer.dw.poison(), layer.dbias.poison();
    ASSERT_EQ(layer.run(true, true, 0, workspace, stream.get()), FOVEA_OK);
    expect_near(layer.dw, dw, layer.tolerance());
    expect_near(layer.dbias, dbias, layer.tolerance());
    // Adding to ones; then dw alone, whose ones must become the sums again.
    layer.dw.fill(1, 1, 1), layer.dbias.fill(1, 1, 1);
    ASSERT_EQ(layer.run(true, true, 1, workspace, stream.get()), FOVEA_OK);
    std::vector<double> more = dw, more_bias = dbias;
    for (double& v : more) v += 1;
    for (double& v : more_bias) v += 1;
    expect_near(layer.dw, more, layer.tolerance());
    expect_near(layer.dbias, more_bias, layer.tolerance());
    ASSERT_EQ(layer.run(true, false, 0, workspace, stream.get()), FOVEA_OK);
    expect_near(layer.dw, dw, layer.tolerance());
    expect_near(layer.dbias, more_bias, layer.tolerance());
    ASSERT_EQ(layer.run(false, false, 0, workspace, stream.get()), FOVEA_OK);
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, Conv2dBackwardWeights, ::testing::ValuesIn(gradient_cases()),
                         [](const auto& c) { return std::string(c.param.name); });

// Shapes that reach every cut of the work: many panels, packed kernel rows, pieces of a long row, parts of the pixels.
INSTANTIATE_TEST_SUITE_P(
    Cuts, Conv2dBackwardWeights,
    ::testing::Values(
        ConvCase{.name = "ManyPanels", .n = 1, .h = 6, .w = 9, .in = 150, .out = 290, .kernel_h = 1, .kernel_w = 1},
        ConvCase{.name = "LongRow",
                 .n = 1,
                 .h = 1,
                 .w = 1300,
                 .in = 20,
                 .out = 9,
                 .kernel_h = 1,
                 .kernel_w = 5,
                 .left = 2,
                 .right = 2},
        ConvCase{.name = "LongRowStride",
                 .n = 2,
                 .h = 1,
                 .w = 2301,
                 .in = 18,
                 .out = 7,
                 .kernel_h = 1,
                 .kernel_w = 3,
                 .stride_w = 2,
                 .left = 1,
                 .right = 1,
                 .dilation_w = 2},
        ConvCase{.name = "LongRowColumns",
                 .n = 1,
                 .h = 2,
                 .w = 1101,
                 .in = 2,
                 .out = 5,
                 .kernel_h = 1,
                 .kernel_w = 19,
                 .left = 9,
                 .right = 9},
        ConvCase{.name = "ManyRows",
                 .n = 1,
                 .h = 150,
                 .w = 40,
                 .in = 16,
                 .out = 20,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .stride_w = 2,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1},
        ConvCase{.name = "DepthwiseRows",
                 .n = 2,
                 .h = 70,
                 .w = 37,
                 .in = 19,
                 .out = 19,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .top = 1,
                 .bottom = 1,
                 .left = 1,
                 .right = 1,
                 .groups = 19},
        ConvCase{.name = "Depthwise7x7",
                 .n = 1,
                 .h = 11,
                 .w = 12,
                 .in = 16,
                 .out = 16,
                 .kernel_h = 7,
                 .kernel_w = 7,
                 .top = 3,
                 .bottom = 3,
                 .left = 3,
                 .right = 3,
                 .groups = 16},
        ConvCase{.name = "WideDilation",
                 .n = 1,
                 .h = 40,
                 .w = 45,
                 .in = 17,
                 .out = 6,
                 .kernel_h = 2,
                 .kernel_w = 3,
                 .left = 30,
                 .right = 70,
                 .dilation_h = 25,
                 .dilation_w = 60}),
    [](const auto& c) { return std::string(c.param.name); });

// <conv(x, w), dy> == <w, backward_weights>.
TEST(Conv2dBackwardWeightsIdentity, IsTheTransposeOfConv2d) {
  for (const ConvCase& c : gradient_cases()) {
    SCOPED_TRACE(c.name);
    ConvCase no_bias = c;
    no_bias.bias = false;
    Conv conv(no_bias);
    BackwardWeights layer(c);
    Workspace forward_workspace(conv.workspace_bytes()), workspace(layer.workspace_bytes());
    const StreamPtr stream = make_stream();
    ASSERT_EQ(conv.run(forward_workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(layer.run(true, false, 0, workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
    double left = 0, right = 0, terms = 0;
    for (int64_t i = 0; i < conv.y.size(); ++i) {
      left += static_cast<double>(conv.y[i]) * static_cast<double>(layer.dy[i]);
      terms += std::fabs(static_cast<double>(conv.y[i]) * static_cast<double>(layer.dy[i]));
    }
    for (int64_t i = 0; i < layer.dw.size(); ++i)
      right += static_cast<double>(conv.weights[i]) * static_cast<double>(layer.dw[i]);
    EXPECT_NEAR(left, right, 1e-5 * terms + 1e-5);
  }
}

// Images beyond `live` count for nothing, whatever they hold.
TEST(Conv2dBackwardWeightsLive, LimitsTheBatch) {
  const ConvCase cases[] = {
      {.name = "Dense", .n = 5, .h = 9, .w = 40, .in = 24, .out = 18, .kernel_h = 3, .kernel_w = 3},
      {.name = "Columns", .n = 5, .h = 30, .w = 40, .in = 3, .out = 18, .kernel_h = 3, .kernel_w = 3},
      {.name = "Depthwise", .n = 5, .h = 9, .w = 40, .in = 18, .out = 18, .kernel_h = 3, .kernel_w = 3, .groups = 18}};
  for (const ConvCase& c : cases) {
    SCOPED_TRACE(c.name);
    BackwardWeights layer(c);
    Workspace workspace(layer.workspace_bytes());
    for (const int32_t live : {-1, 0, 2, 9}) {
      ConvCase shorter = c;
      shorter.n = std::min<int64_t>(std::max(live, 0), c.n);
      BackwardWeights expected(shorter);
      for (int64_t i = 0; i < expected.x.size(); ++i) expected.x[i] = layer.x[i];
      for (int64_t i = 0; i < expected.dy.size(); ++i) expected.dy[i] = layer.dy[i];
      Workspace short_workspace(expected.workspace_bytes());
      for (const int32_t isa : {-1, 0, 1}) {
        const ForcedIsa forced(isa);
        const StreamPtr stream = make_stream();
        layer.dw.poison(), layer.dbias.poison();
        ASSERT_EQ(layer.run(true, true, 0, workspace.get(), stream.get(), &live), FOVEA_OK) << fovea_last_error();
        ASSERT_EQ(expected.run(true, true, 0, short_workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
        // Another cut into parts adds in another order.
        const std::vector<float> dw = expected.dw.values(), dbias = expected.dbias.values();
        expect_near(layer.dw, std::vector<double>(dw.begin(), dw.end()), layer.tolerance());
        expect_near(layer.dbias, std::vector<double>(dbias.begin(), dbias.end()), layer.tolerance());
      }
    }
  }
}

TEST(Conv2dBackwardWeightsLive, LimitsTheBatchOfEveryBackend) {
  Array<int32_t> live({1});
  const ConvCase dense{.name = "", .n = 5, .h = 9, .w = 20, .in = 24, .out = 18, .kernel_h = 3, .kernel_w = 3};
  ConvCase depthwise = dense;
  depthwise.in = depthwise.out = depthwise.groups = 18;
  for (const ConvCase& c : {dense, depthwise})
    for (const int32_t rows : {-1, 0, 2, 9}) {
      BackwardWeights layer(c);
      live[0] = rows;
      check_kernel<float>(layer.dw, layer.tolerance(),
                          [&](fovea_stream* s) { return layer.run(true, false, 0, workspace_here(layer), s, live.data()); });
      check_kernel<float>(layer.dbias, layer.tolerance(),
                          [&](fovea_stream* s) { return layer.run(false, true, 0, workspace_here(layer), s, live.data()); });
    }
}

// x and dy in a 16-bit type; sums and results are f32, so the tolerance is the same.
template <class T>
void check_narrow() {
  for (size_t i = 0; i < gradient_cases().size(); i += 4) {
    const ConvCase& c = gradient_cases()[i];
    if (c.n * c.h * c.w > 1000) continue;  // slow under emulation
    SCOPED_TRACE(c.name);
    BackwardWeights layer(c);
    const auto x = narrow_copy<T>(layer.x), dy = narrow_copy<T>(layer.dy);
    check_kernel<float>(layer.dw, layer.tolerance(), [&](fovea_stream* s) {
      const bool wide = current_device() == nullptr;
      const fovea_tensor xt = wide ? layer.x.view() : x->view(), dyt = wide ? layer.dy.view() : dy->view();
      const fovea_tensor dwt = layer.dw.view(), dbt = layer.dbias.view();
      return fovea_conv2d_backward_weights(&layer.params, &xt, &dyt, &dwt, &dbt, 0, workspace_here(layer), s);
    });
  }
}
TEST(Conv2dBackwardWeightsNarrow, HalfPrecision) {
  if (test_device() == nullptr) GTEST_SKIP() << "the CPU computes in f32 only";
  check_narrow<Half>();
}
TEST(Conv2dBackwardWeightsNarrow, BFloat16) {
  if (test_device() == nullptr) GTEST_SKIP() << "the CPU computes in f32 only";
  check_narrow<BFloat16>();
}

TEST(Conv2dBackwardWeightsArguments, AreChecked) {
  BackwardWeights layer({.name = "Small", .n = 2, .h = 8, .w = 10, .in = 4, .out = 6, .kernel_h = 3, .kernel_w = 3});
  Workspace workspace(layer.workspace_bytes());
  const StreamPtr stream = make_stream();
  const fovea_tensor x = layer.x.view(), dy = layer.dy.view(), dw = layer.dw.view(), dbias = layer.dbias.view();
  const auto call = [&](const fovea_tensor* xt, const fovea_tensor* dyt, const fovea_tensor* dwt, const fovea_tensor* dbt,
                        int32_t accumulate, const fovea_workspace* ws) {
    return fovea_conv2d_backward_weights(&layer.params, xt, dyt, dwt, dbt, accumulate, ws, stream.get());
  };
  ASSERT_EQ(call(&x, &dy, &dw, &dbias, 0, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(nullptr, &dy, &dw, &dbias, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, nullptr, &dw, &dbias, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &dy, &dw, &dbias, 2, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d_backward_weights: accumulate is 2, it must be 0 or 1");
  EXPECT_EQ(call(&x, &dy, &dw, &dbias, 0, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor wrong = dw;
  wrong.shape[1] = 2;
  EXPECT_EQ(call(&x, &dy, &wrong, &dbias, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d_backward_weights: dw is [6, 2, 3, 4] f32, params say [6, 3, 3, 4]");
  wrong = dy, wrong.shape[3] = 5;
  EXPECT_EQ(call(&x, &wrong, &dw, &dbias, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(),
               "conv2d_backward_weights: dy is [2, 6, 8, 5] f32, expected [2, 6, 8, 6] for x [2, 8, 10, 4] f32");
  wrong = dbias, wrong.shape[0] = 5;
  EXPECT_EQ(call(&x, &dy, &dw, &wrong, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = dw, wrong.data = dy.data;
  EXPECT_EQ(call(&x, &dy, &wrong, &dbias, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = dbias, wrong.data = dw.data;
  EXPECT_EQ(call(&x, &dy, &dw, &wrong, 0, workspace.get()), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  EXPECT_EQ(fovea_conv2d_backward_weights_workspace(nullptr, &x, &dy, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_weights_workspace(&layer.params, nullptr, &dy, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_weights_workspace(&layer.params, &x, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv2d_backward_weights_workspace(&layer.params, &x, &dy, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
