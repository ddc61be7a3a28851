// conv2d: validation, live rows, and prepared weights that do not belong to the parameters.
#include "conv2d_cases.h"

using namespace fovea_test;

namespace {

constexpr ConvCase kSmall{.name = "Small",
                          .n = 2,
                          .h = 8,
                          .w = 20,
                          .in = 4,
                          .out = 6,
                          .kernel_h = 3,
                          .kernel_w = 3,
                          .top = 1,
                          .bottom = 1,
                          .left = 1,
                          .right = 1};

TEST(Conv2dArguments, ParametersAreChecked) {
  int64_t bytes = 0;
  EXPECT_EQ(fovea_conv2d_prepared_bytes(cpu(), nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  const auto refused = [&](void (*change)(fovea_conv2d_params&)) {
    fovea_conv2d_params p = params_of(kSmall);
    change(p);
    return fovea_conv2d_prepared_bytes(cpu(), &p, &bytes) == FOVEA_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refused([](auto& p) { p.in_channels = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.out_channels = -6; }));
  EXPECT_TRUE(refused([](auto& p) { p.kernel_h = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.stride_w = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.dilation_h = -1; }));
  EXPECT_TRUE(refused([](auto& p) { p.stride_h = INT32_MAX; }));
  EXPECT_TRUE(refused([](auto& p) { p.pad_left = -1; }));
  EXPECT_TRUE(refused([](auto& p) { p.groups = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.groups = 4; }));
  EXPECT_STREQ(fovea_last_error(), "conv2d_prepared_bytes: 4 groups must divide 4 input and 6 output channels");
  EXPECT_TRUE(refused([](auto& p) { p.kernel_h = p.kernel_w = INT32_MAX; }));
  EXPECT_TRUE(refused([](auto& p) { p.in_channels = p.out_channels = p.kernel_h = INT32_MAX; }));
  EXPECT_TRUE(refused([](auto& p) { p.in_channels = p.out_channels = 1 << 20; }));
  const fovea_conv2d_params p = params_of(kSmall);
  EXPECT_EQ(fovea_conv2d_prepared_bytes(cpu(), &p, nullptr), FOVEA_INVALID_ARGUMENT);
}

TEST(Conv2dArguments, TensorsAreChecked) {
  Conv conv(kSmall);
  Workspace workspace(conv.workspace_bytes());
  const StreamPtr stream = make_stream();
  const fovea_tensor x = conv.x.view(), prepared = conv.prepared.view(), y = conv.y.view(), bias = conv.bias.view();
  const auto call = [&](const fovea_tensor* xt, const fovea_tensor* pt, const fovea_tensor* bt, const fovea_tensor* rt,
                        const fovea_tensor* yt, const fovea_workspace* ws) {
    return fovea_conv2d(&conv.params, xt, pt, bt, nullptr, rt, yt, ws, stream.get());
  };
  ASSERT_EQ(call(&x, &prepared, &bias, nullptr, &y, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(nullptr, &prepared, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, nullptr, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, nullptr, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, nullptr, &y, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, &y, &y, workspace.get()), FOVEA_INVALID_ARGUMENT) << "residual may not be y";
  EXPECT_EQ(call(&x, &prepared, &bias, &x, &y, workspace.get()), FOVEA_INVALID_ARGUMENT) << "residual of another shape";
  fovea_tensor wrong = x;
  wrong.shape[3] = 3;
  EXPECT_EQ(call(&wrong, &prepared, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d: weight has 4 input channels, x has 3");
  wrong = x, wrong.rank = 3;
  EXPECT_EQ(call(&wrong, &prepared, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = x, wrong.shape[1] = -8;
  EXPECT_EQ(call(&wrong, &prepared, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = y, wrong.shape[2] = 19;
  EXPECT_EQ(call(&x, &prepared, &bias, nullptr, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d: y is [2, 8, 19, 6] f32, expected [2, 8, 20, 6] for x [2, 8, 20, 4] f32");
  wrong = bias, wrong.shape[0] = 5;
  EXPECT_EQ(call(&x, &prepared, &wrong, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = prepared, wrong.shape[0] -= 1;
  EXPECT_EQ(call(&x, &wrong, &bias, nullptr, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  const fovea_workspace small{workspace.get()->data, 64};
  EXPECT_EQ(call(&x, &prepared, &bias, nullptr, &y, &small), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  EXPECT_EQ(fovea_conv2d_workspace(&conv.params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  wrong = x, wrong.shape[0] = wrong.shape[1] = wrong.shape[2] = int64_t{1} << 40;
  EXPECT_EQ(fovea_conv2d_workspace(&conv.params, &wrong, &bytes), FOVEA_INVALID_ARGUMENT);
  wrong = x, wrong.shape[1] = INT64_MAX, wrong.shape[2] = 0;
  EXPECT_EQ(fovea_conv2d_workspace(&conv.params, &wrong, &bytes), FOVEA_INVALID_ARGUMENT);
  // Padding alone makes an output of 2^62 pixels.
  fovea_conv2d_params padded = conv.params;
  padded.pad_top = padded.pad_bottom = padded.pad_left = padded.pad_right = INT32_MAX;
  EXPECT_EQ(fovea_conv2d_workspace(&padded, &x, &bytes), FOVEA_INVALID_ARGUMENT);
}

// The same byte count for another layer: only the header can tell.
TEST(Conv2dArguments, WeightsOfAnotherLayerAreRefused) {
  Conv conv(kSmall);
  Workspace workspace(conv.workspace_bytes());
  const StreamPtr stream = make_stream();
  conv.prepared.poison();
  EXPECT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv2d: prepared was not written by conv2d_prepare");
  ConvCase other = kSmall;
  other.kernel_h = 1, other.kernel_w = 9;
  Conv wide(other);
  ASSERT_EQ(wide.prepared.size(), conv.prepared.size());
  conv.prepared.assign(wide.prepared.values());
  EXPECT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(),
               "conv2d: prepared is for 4 -> 6 channels, kernel 1x9, 1 groups; params say 4 -> 6, 3x3, 1 groups");
}

// Rows of images beyond `live` are left alone, on every body and instruction set.
TEST(Conv2dLive, LimitsTheBatch) {
  const ConvCase cases[] = {
      kSmall,
      {.name = "Flat", .n = 5, .h = 3, .w = 7, .in = 5, .out = 18, .kernel_h = 1, .kernel_w = 1},
      {.name = "Gathered", .n = 5, .h = 4, .w = 4, .in = 5, .out = 18, .kernel_h = 2, .kernel_w = 2},
      {.name = "Depthwise", .n = 5, .h = 5, .w = 12, .in = 18, .out = 18, .kernel_h = 3, .kernel_w = 3, .groups = 18},
      {.name = "Winograd", .n = 5, .h = 9, .w = 10, .in = 16, .out = 20, .kernel_h = 3, .kernel_w = 3, .winograd = 1},
  };
  for (const ConvCase& c : cases) {
    SCOPED_TRACE(c.name);
    for (const int32_t isa : {-1, 0, 1, 2, 3}) {
      if (isa >= static_cast<int32_t>(available_isas().size()) + 1) continue;
      const ForcedIsa forced(isa);
      const StreamPtr stream = make_stream();
      Conv conv(c);
      Workspace workspace(conv.workspace_bytes());
      ASSERT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
      const std::vector<float> all = conv.y.values();
      const int64_t image = conv.y.size() / c.n;
      for (const int32_t live : {-3, 0, 1, 2, 99}) {
        const int64_t kept = std::min<int64_t>(std::max(live, 0), c.n) * image;
        conv.y.poison();
        ASSERT_EQ(conv.run(workspace.get(), stream.get(), &live), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < conv.y.size(); ++i) {
          if (i < kept)
            ASSERT_EQ(conv.y[i], all[static_cast<size_t>(i)]) << "live " << live << ", element " << i;
          else
            ASSERT_TRUE(std::isnan(conv.y[i])) << "live " << live << ", element " << i;
        }
      }
    }
  }
}

TEST(Conv2dLive, LimitsTheBatchOfEveryBackend) {
  Array<int32_t> live({1});
  for (const int32_t rows : {-3, 0, 2, 99}) {
    live[0] = rows;
    SCOPED_TRACE(rows);
    Conv(kSmall).check(1, live.data());
    Conv({.name = "Depthwise", .n = 5, .h = 5, .w = 12, .in = 18, .out = 18, .kernel_h = 3, .kernel_w = 3, .groups = 18})
        .check(1, live.data());
  }
}

// A graph keeps the choice made at capture and reads x, live and the packed weights when it is replayed.
TEST(Conv2dCapture, PrepareAndRunInOneGraph) {
  Conv conv(kSmall);
  Workspace workspace(conv.workspace_bytes());
  const StreamPtr stream = make_stream();
  ASSERT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_OK);
  const std::vector<float> expected = conv.y.values();
  conv.prepared.poison();
  conv.y.poison();
  const fovea_tensor wt = conv.weights.view(), pt = conv.prepared.view();
  fovea_graph* graph = nullptr;
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_conv2d_prepare(&conv.params, &wt, &pt, stream.get()), FOVEA_OK);
  ASSERT_EQ(conv.run(workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
  ASSERT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_OK);
  ASSERT_EQ(fovea_graph_replay(graph, stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
  EXPECT_EQ(conv.y.values(), expected);
}

}  // namespace
