// conv_transpose2d: against scattering loops, on every instruction set; shapes as in ONNX's ConvTranspose models.
#include "conv_naive.h"

using namespace fovea_test;

namespace {

struct TransposeCase {
  ConvCase conv;  // in, h, w describe x
  int32_t output_pad_h = 0, output_pad_w = 0;
};

int64_t transposed_size(int64_t in, int64_t stride, int64_t pads, int64_t kernel, int64_t dilation, int64_t extra) {
  return std::max<int64_t>((in - 1) * stride - pads + dilation * (kernel - 1) + 1 + extra, 0);
}

struct Transpose {
  explicit Transpose(const TransposeCase& t)
      : c(t.conv),
        params{params_of(t.conv), t.output_pad_h, t.output_pad_w},
        x({c.n, c.h, c.w, c.in}, c.in + c.x_extra),
        weights({c.out, c.kernel_h, c.kernel_w, c.in / c.groups}),
        bias({c.out}),
        slope({c.out}),
        y({c.n, transposed_size(c.h, c.stride_h, c.top + c.bottom, c.kernel_h, c.dilation_h, t.output_pad_h),
           transposed_size(c.w, c.stride_w, c.left + c.right, c.kernel_w, c.dilation_w, t.output_pad_w), c.out},
          c.out + c.y_extra),
        prepared({prepared_bytes(params)}) {
    x.fill(1), weights.fill(2), bias.fill(3), slope.fill(4, 0, 0.5);
    prepare(prepared);
  }
  static int64_t prepared_bytes(const fovea_conv_transpose2d_params& p) {
    int64_t bytes = 0;
    EXPECT_EQ(fovea_conv_transpose2d_prepared_bytes(device_here(), &p, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  void prepare(Array<uint8_t>& into) {
    run_prepare(into, [&](const fovea_tensor* pt, fovea_stream* stream) {
      const fovea_tensor wt = weights.view();
      return fovea_conv_transpose2d_prepare(&params, &wt, pt, stream);
    });
  }
  int64_t workspace_bytes() {
    int64_t bytes = 0;
    const fovea_tensor xt = x.view();
    EXPECT_EQ(fovea_conv_transpose2d_workspace(&params, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  fovea_status run(const fovea_workspace* workspace, fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor pt = prepared_here(*this).view(), bt = bias.view(), st = slope.view(), yt = y.view();
    return fovea_conv_transpose2d(&params, &xt, &pt, c.bias ? &bt : nullptr,
                                  c.activation == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &yt, workspace, stream);
  }
  // y has the x's role of a forward convolution from y to x, whose groups are the same.
  std::vector<double> expected() {
    fovea_conv2d_params swapped = params.conv;
    std::swap(swapped.in_channels, swapped.out_channels);
    std::vector<double> sums(static_cast<size_t>(y.size()));
    const int64_t gi = c.in / c.groups, go = c.out / c.groups, taps = int64_t{c.kernel_h} * c.kernel_w;
    const fovea_tensor yt = y.view();
    for_each_product(swapped, c.n, yt.shape[1], yt.shape[2], c.h, c.w, [&](int64_t at_y, int64_t at_x, int64_t w) {
      // w counts [in][tap][out/groups]; the tensor is [out][tap][in/groups].
      const int64_t i = w / go / taps, tap = w / go % taps, o = i / gi * go + w % go;
      sums[static_cast<size_t>(at_y)] +=
          static_cast<double>(x[at_x]) * static_cast<double>(weights[(o * taps + tap) * gi + i % gi]);
    });
    for (size_t i = 0; i < sums.size(); ++i) {
      const int64_t o = static_cast<int64_t>(i) % c.out;
      sums[i] = naive_activation(params.conv.activation, sums[i] + (c.bias ? static_cast<double>(bias[o]) : 0.0),
                                 static_cast<double>(slope[o]));
    }
    return sums;
  }
  Tolerance tolerance() const {
    const double k = static_cast<double>(c.kernel_h) * c.kernel_w * (c.in / c.groups);
    return {1e-6, 1.2e-7 * (c.winograd != 0 ? 8 : 1) * k + 4e-6, 1.1 * k};  // 1.1: SiLU's steepest slope
  }

  ConvCase c;
  fovea_conv_transpose2d_params params;
  Array<float> x, weights, bias, slope, y;
  Array<uint8_t> prepared;  // on the CPU
  LayerMemory memory;
};

constexpr int32_t kRelu = FOVEA_ACTIVATION_RELU, kPrelu = FOVEA_ACTIVATION_PRELU, kLeaky = FOVEA_ACTIVATION_LEAKY_RELU,
                  kSilu = FOVEA_ACTIVATION_SILU;

const std::vector<TransposeCase>& cases() {
  static const std::vector<TransposeCase> list = {
      {{.name = "K2S2",
        .n = 2,
        .h = 7,
        .w = 19,
        .in = 24,
        .out = 37,
        .kernel_h = 2,
        .kernel_w = 2,
        .stride_h = 2,
        .stride_w = 2,
        .activation = kRelu}},
      {{.name = "K4S2P1",
        .n = 1,
        .h = 9,
        .w = 17,
        .in = 20,
        .out = 18,
        .kernel_h = 4,
        .kernel_w = 4,
        .stride_h = 2,
        .stride_w = 2,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1,
        .activation = kPrelu}},
      {{.name = "K3S2P1OutputPad",
        .n = 2,
        .h = 8,
        .w = 13,
        .in = 16,
        .out = 33,
        .kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1,
        .activation = kLeaky},
       1,
       1},
      {{.name = "K3S3OutputPad",
        .n = 1,
        .h = 4,
        .w = 6,
        .in = 5,
        .out = 6,
        .kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 3,
        .stride_w = 2,
        .activation = kSilu,
        .x_extra = 2,
        .y_extra = 3},
       2,
       1},
      {{.name = "K3S1", .n = 1, .h = 6, .w = 20, .in = 8, .out = 12, .kernel_h = 3, .kernel_w = 3, .activation = kRelu}},
      {{.name = "K3S1Winograd",
        .n = 1,
        .h = 12,
        .w = 16,
        .in = 32,
        .out = 32,
        .kernel_h = 3,
        .kernel_w = 3,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1,
        .winograd = 1}},
      {{.name = "DilatedOutputPad",
        .n = 1,
        .h = 5,
        .w = 7,
        .in = 6,
        .out = 7,
        .kernel_h = 3,
        .kernel_w = 2,
        .top = 1,
        .dilation_h = 3,
        .dilation_w = 2,
        .activation = kRelu},
       2,
       1},
      {{.name = "CutBeyondKernel",
        .n = 1,
        .h = 9,
        .w = 8,
        .in = 6,
        .out = 7,
        .kernel_h = 2,
        .kernel_w = 3,
        .top = 3,
        .bottom = 2,
        .left = 0,
        .right = 4}},
      {{.name = "CutBeyondKernelStride2",
        .n = 1,
        .h = 9,
        .w = 8,
        .in = 6,
        .out = 7,
        .kernel_h = 2,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .top = 3,
        .bottom = 4,
        .left = 5,
        .right = 2,
        .activation = kSilu}},
      {{.name = "GroupedK4S2",
        .n = 2,
        .h = 5,
        .w = 9,
        .in = 12,
        .out = 20,
        .kernel_h = 4,
        .kernel_w = 4,
        .stride_h = 2,
        .stride_w = 2,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1,
        .groups = 4,
        .activation = kSilu}},
      {{.name = "DepthwiseK4S2",
        .n = 2,
        .h = 6,
        .w = 13,
        .in = 35,
        .out = 35,
        .kernel_h = 4,
        .kernel_w = 4,
        .stride_h = 2,
        .stride_w = 2,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1,
        .groups = 35,
        .activation = kPrelu,
        .y_extra = 1}},
      {{.name = "DepthwiseK3S2",
        .n = 1,
        .h = 4,
        .w = 5,
        .in = 16,
        .out = 16,
        .kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .groups = 16,
        .activation = kSilu}},
      {{.name = "GapsBetweenTaps",
        .n = 1,
        .h = 5,
        .w = 6,
        .in = 4,
        .out = 9,
        .kernel_h = 2,
        .kernel_w = 1,
        .stride_h = 4,
        .stride_w = 3,
        .activation = kSilu},
       3,
       2},
      {{.name = "EvenStrideAndDilation",
        .n = 1,
        .h = 6,
        .w = 9,
        .in = 17,
        .out = 9,
        .kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 4,
        .top = 1,
        .bottom = 2,
        .left = 2,
        .right = 1,
        .dilation_h = 2,
        .dilation_w = 6}},
      {{.name = "SegmentationHead",
        .n = 1,
        .h = 3,
        .w = 5,
        .in = 21,
        .out = 21,
        .kernel_h = 16,
        .kernel_w = 16,
        .stride_h = 8,
        .stride_w = 8,
        .top = 4,
        .bottom = 4,
        .left = 4,
        .right = 4,
        .bias = false}},
      {{.name = "NoImages",
        .n = 0,
        .h = 3,
        .w = 5,
        .in = 2,
        .out = 3,
        .kernel_h = 2,
        .kernel_w = 2,
        .stride_h = 2,
        .stride_w = 2}},
      {{.name = "NoColumns",
        .n = 1,
        .h = 3,
        .w = 0,
        .in = 2,
        .out = 3,
        .kernel_h = 4,
        .kernel_w = 4,
        .stride_h = 2,
        .stride_w = 2}},
      {{.name = "NothingLeft", .n = 1, .h = 2, .w = 2, .in = 2, .out = 3, .kernel_h = 2, .kernel_w = 2, .top = 5}},
      {{.name = "Wide",
        .n = 1,
        .h = 30,
        .w = 50,
        .in = 16,
        .out = 8,
        .kernel_h = 4,
        .kernel_w = 4,
        .stride_h = 2,
        .stride_w = 2,
        .top = 1,
        .bottom = 1,
        .left = 1,
        .right = 1}},
  };
  return list;
}

class ConvTranspose2d : public ::testing::TestWithParam<TransposeCase> {};

TEST_P(ConvTranspose2d, MatchesScatteredProducts) {
  Transpose layer(GetParam());
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

INSTANTIATE_TEST_SUITE_P(Layers, ConvTranspose2d, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.conv.name); });

// Published in ONNX's operator tests (convtranspose): x = 0..8 as 3x3, two filters of ones.
TEST(ConvTranspose2dVectors, OnnxOnes) {
  fovea_conv_transpose2d_params params{};
  params.conv = params_of({.name = "", .n = 1, .h = 3, .w = 3, .in = 1, .out = 2, .kernel_h = 3, .kernel_w = 3});
  Array<float> x({1, 3, 3, 1}), weights({2, 3, 3, 1}), y({1, 5, 5, 2});
  for (int64_t i = 0; i < 9; ++i) x[i] = static_cast<float>(i);
  weights.fill(1, 1, 1);
  Array<uint8_t> prepared({Transpose::prepared_bytes(params)});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), wt = weights.view(), pt = prepared.view(), yt = y.view();
  int64_t bytes = 0;
  ASSERT_EQ(fovea_conv_transpose2d_workspace(&params, &xt, &bytes), FOVEA_OK);
  Workspace workspace(bytes);
  ASSERT_EQ(fovea_conv_transpose2d_prepare(&params, &wt, &pt, stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_conv_transpose2d(&params, &xt, &pt, nullptr, nullptr, &yt, workspace.get(), stream.get()), FOVEA_OK)
      << fovea_last_error();
  const float expected[25] = {0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8};
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(y[i], expected[i / 2]) << i;
}

TEST(ConvTranspose2dLive, LimitsTheBatch) {
  Transpose layer({{.name = "Live",
                    .n = 4,
                    .h = 5,
                    .w = 6,
                    .in = 5,
                    .out = 18,
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .stride_h = 2,
                    .stride_w = 2,
                    .top = 1,
                    .bottom = 1,
                    .left = 1,
                    .right = 1,
                    .activation = kSilu}});
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

TEST(ConvTranspose2dLive, LimitsTheBatchOfEveryBackend) {
  Array<int32_t> live({1});
  for (const TransposeCase& c : {cases()[2], cases()[9]}) {
    Transpose layer(c);
    for (const int32_t rows : {-1, 0, 1, 9}) {
      live[0] = rows;
      check_kernel<float>(layer.y, layer.tolerance(),
                          [&](fovea_stream* s) { return layer.run(workspace_here(layer), s, live.data()); });
    }
  }
}

template <class T>
void check_narrow() {
  for (size_t i = 0; i < cases().size(); i += 4) {
    const TransposeCase c = cases()[i];
    if (c.conv.kernel_h > 4 || c.conv.w > 40) continue;  // slow under emulation
    SCOPED_TRACE(c.conv.name);
    Transpose layer(c);
    const auto x = narrow_copy<T>(layer.x), y = narrow_copy<T>(layer.y);
    narrow_copy<T>(layer.weights);
    layer.prepare(layer.prepared);
    check_narrow_kernel<T>(
        *y, layer.y, narrow_tolerance<T>(layer.tolerance()),
        [&](fovea_stream* s) { return layer.run(workspace_here(layer), s); },
        [&](fovea_stream* s) {
          const fovea_tensor pt = prepared_here(layer).view(), bt = layer.bias.view(), st = layer.slope.view();
          const fovea_tensor xt = x->view(), yt = y->view();
          return fovea_conv_transpose2d(&layer.params, &xt, &pt, layer.c.bias ? &bt : nullptr,
                                        layer.c.activation == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &yt,
                                        workspace_here(layer), s);
        });
  }
}
TEST(ConvTranspose2dNarrow, HalfPrecision) { check_narrow<Half>(); }
TEST(ConvTranspose2dNarrow, BFloat16) { check_narrow<BFloat16>(); }

TEST(ConvTranspose2dArguments, AreChecked) {
  Transpose layer({{.name = "Small",
                    .n = 2,
                    .h = 4,
                    .w = 5,
                    .in = 4,
                    .out = 6,
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .stride_h = 2,
                    .stride_w = 2,
                    .top = 1,
                    .bottom = 1,
                    .left = 1,
                    .right = 1},
                   1,
                   1});
  Workspace workspace(layer.workspace_bytes());
  const StreamPtr stream = make_stream();
  const fovea_tensor x = layer.x.view(), y = layer.y.view(), prepared = layer.prepared.view(), bias = layer.bias.view();
  const auto call = [&](const fovea_tensor* xt, const fovea_tensor* pt, const fovea_tensor* bt, const fovea_tensor* yt,
                        const fovea_workspace* ws) {
    return fovea_conv_transpose2d(&layer.params, xt, pt, bt, nullptr, yt, ws, stream.get());
  };
  ASSERT_EQ(call(&x, &prepared, &bias, &y, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(nullptr, &prepared, &bias, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, nullptr, &bias, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&x, &prepared, &bias, &y, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor wrong = x;
  wrong.shape[3] = 3;
  EXPECT_EQ(call(&wrong, &prepared, &bias, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv_transpose2d: weight has 4 input channels, x has 3");
  wrong = y, wrong.shape[1] = 7;
  EXPECT_EQ(call(&x, &prepared, &bias, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "conv_transpose2d: y is [2, 7, 10, 6] f32, expected [2, 8, 10, 6] for x [2, 4, 5, 4] f32");
  wrong = bias, wrong.shape[0] = 5;
  EXPECT_EQ(call(&x, &prepared, &wrong, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);
  wrong = y, wrong.data = x.data;
  EXPECT_EQ(call(&x, &prepared, &bias, &wrong, workspace.get()), FOVEA_INVALID_ARGUMENT);
  layer.prepared.poison();
  EXPECT_EQ(call(&x, &prepared, &bias, &y, workspace.get()), FOVEA_INVALID_ARGUMENT);

  int64_t bytes = 0;
  const auto refused = [&](void (*change)(fovea_conv_transpose2d_params&)) {
    fovea_conv_transpose2d_params p = layer.params;
    change(p);
    return fovea_conv_transpose2d_prepared_bytes(cpu(), &p, &bytes) == FOVEA_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refused([](auto& p) { p.output_pad_h = 2; }));
  EXPECT_STREQ(fovea_last_error(),
               "conv_transpose2d_prepared_bytes: output_pad_h is 2, it must be in [0, max(stride 2, dilation 1))");
  EXPECT_TRUE(refused([](auto& p) { p.output_pad_w = -1; }));
  EXPECT_TRUE(refused([](auto& p) { p.conv.algorithm = FOVEA_CONV2D_DIRECT; }));
  EXPECT_TRUE(refused([](auto& p) { p.conv.groups = 3; }));
  EXPECT_TRUE(refused([](auto& p) { p.conv.stride_h = 0; }));
  EXPECT_EQ(fovea_conv_transpose2d_prepared_bytes(cpu(), nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_conv_transpose2d_workspace(&layer.params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  // Sizes that cannot exist must not overflow on the way to a refusal.
  wrong = x, wrong.shape[1] = wrong.shape[2] = int64_t{1} << 40;
  EXPECT_EQ(fovea_conv_transpose2d_workspace(&layer.params, &wrong, &bytes), FOVEA_INVALID_ARGUMENT);
  wrong = x, wrong.shape[0] = 0, wrong.shape[1] = int64_t{1} << 40;
  EXPECT_EQ(fovea_conv_transpose2d_workspace(&layer.params, &wrong, &bytes), FOVEA_OK);
  fovea_conv_transpose2d_params huge = layer.params;
  huge.conv.kernel_w = 1 << 27, huge.conv.dilation_w = 4096, huge.conv.pad_left = INT32_MAX;
  huge.conv.in_channels = huge.conv.out_channels = 4;
  wrong = x, wrong.shape[0] = 1;
  EXPECT_EQ(fovea_conv_transpose2d_workspace(&huge, &wrong, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
