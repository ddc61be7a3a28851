#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr fovea_activation_params kNone{}, kSilu{FOVEA_ACTIVATION_SILU, 0, 0, 0};

// All tensors of one call; `extra` columns of guard bytes behind each row.
template <class T>
struct Conv {
  Array<T> x;
  Array<float> w, bias, initial, state;
  Array<T> y;

  Conv(int64_t batch, int64_t length, int64_t channels, int64_t kernel, int64_t extra = 0)
      : x({batch, length, channels}, channels + extra),
        w({channels, kernel}, kernel + extra),
        bias({channels}),
        initial({batch, kernel - 1, channels}, channels + extra),
        state({batch, kernel - 1, channels}, channels + extra),
        y({batch, length, channels}, channels + 2 * extra) {
    x.fill(1), w.fill(2), bias.fill(3), initial.fill(4);
    state.assign(initial.values());
  }

  fovea_status run(const fovea_activation_params& activation, bool with_bias, bool with_state, fovea_stream* stream) {
    state.assign(initial.values());
    const fovea_tensor xt = x.view(), wt = w.view(), bt = bias.view(), st = state.view(), yt = y.view();
    return fovea_causal_conv1d(&activation, &xt, &wt, with_bias ? &bt : nullptr, with_state ? &st : nullptr, &yt, stream);
  }
};

TEST(CausalConv1d, MatchesReference) {
  const struct {
    int64_t batch, length, channels, kernel, extra;
  } cases[] = {{1, 1, 1, 1, 0},   {1, 1, 1, 16, 0},  {2, 7, 5, 2, 0},    {3, 13, 17, 3, 3},  {2, 64, 19, 4, 0},
               {1, 65, 33, 4, 5}, {2, 131, 7, 5, 0}, {1, 30, 300, 4, 0}, {1, 70, 513, 9, 2}, {2, 3, 31, 16, 1},
               {0, 5, 3, 4, 0},   {2, 0, 3, 4, 0},   {2, 5, 0, 4, 0},    {1, 15, 8, 16, 0},  {1, 200, 16, 4, 0}};
  for (const auto& c : cases)
    for (const bool with_bias : {false, true})
      for (const bool with_state : {false, true}) {
        SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " K " << c.kernel << " bias "
                                          << with_bias << " state " << with_state);
        Conv<float> conv(c.batch, c.length, c.channels, c.kernel, c.extra);
        const fovea_activation_params& activation = with_bias ? kSilu : kNone;
        const auto call = [&](fovea_stream* s) { return conv.run(activation, with_bias, with_state, s); };
        // At most 17 terms below 1: 17 roundings of a sum below 17, half an ulp is 1e-6 at worst; SiLU adds a few ulp.
        check_kernel<float>(conv.y, {4e-6, 4e-6}, call);
        if (with_state) check_kernel<float>(conv.state, {}, call);  // copies: exact
      }
}

TEST(CausalConv1d, EveryKernelSize) {
  for (int64_t kernel = 1; kernel <= 16; ++kernel) {
    SCOPED_TRACE(kernel);
    Conv<float> conv(2, 21, 37, kernel);
    check_kernel<float>(conv.y, {4e-6, 4e-6}, [&](fovea_stream* s) { return conv.run(kSilu, true, true, s); });
  }
}

TEST(CausalConv1d, EveryActivation) {
  for (int kind = 0; kind <= FOVEA_ACTIVATION_CLAMP; ++kind) {
    if (kind == FOVEA_ACTIVATION_PRELU) continue;
    SCOPED_TRACE(kind);
    Conv<float> conv(1, 9, 21, 4);
    const fovea_activation_params activation{kind, 0.3f, 0.5f, 0};
    check_kernel<float>(conv.y, {6e-6, 6e-6}, [&](fovea_stream* s) { return conv.run(activation, true, true, s); });
  }
}

// Weights, bias and state stay f32; sums are rounded once, by half an ulp (`unit`), as is what they are compared with; and the
// inputs that enter the state are exact.
template <class T>
void check_narrow(double unit) {
  for (const int64_t kernel : {4, 7}) {
    SCOPED_TRACE(kernel);
    Conv<T> narrow(2, 37, 19, kernel, 3);
    Conv<float> wide(2, 37, 19, kernel);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    const auto reference = [&](fovea_stream* s) { return wide.run(kSilu, true, true, s); };
    const auto call = [&](fovea_stream* s) { return narrow.run(kSilu, true, true, s); };
    check_narrow_kernel<T>(narrow.y, wide.y, {2 * unit + 4e-6, 4e-6}, reference, call);
    if (test_device() == nullptr) return;
    EXPECT_EQ(narrow.state.values(), wide.state.values());
  }
}
TEST(CausalConv1d, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(CausalConv1d, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// Tap K-1 meets the present, tap 0 the oldest input; the state comes before x.
TEST(CausalConv1d, LooksBackOnly) {
  Conv<float> conv(1, 3, 1, 3);
  conv.x.assign({10, 20, 30});
  conv.w.assign({100, 10, 1});
  conv.initial.assign({1, 2});
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(conv.run(kNone, false, true, stream), stream), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(conv.y.values(), (std::vector<float>{130, 320, 1230}));
    EXPECT_EQ(conv.state.values(), (std::vector<float>{20, 30}));
    ASSERT_EQ(finish(conv.run(kNone, false, false, stream), stream), FOVEA_OK);
    EXPECT_EQ(conv.y.values(), (std::vector<float>{10, 120, 1230}));
    EXPECT_EQ(conv.state.values(), (std::vector<float>{1, 2})) << "a state that was not passed";
  });
}

// Steps of one and pieces of any length give the bits of the whole sequence, and the same state.
TEST(CausalConv1d, PiecesWithStateEqualTheWhole) {
  for (const int64_t kernel : {1, 2, 4, 7, 16})
    for (const int64_t piece : {1, 2, 5, 64, 100}) {
      SCOPED_TRACE(::testing::Message() << "K " << kernel << " pieces of " << piece);
      constexpr int64_t kLength = 133, kChannels = 41;
      Conv<float> whole(1, kLength, kChannels, kernel), cut(1, kLength, kChannels, kernel);
      on_every_backend([&](fovea_stream* stream, bool) {
        ASSERT_EQ(finish(whole.run(kSilu, true, true, stream), stream), FOVEA_OK);
        cut.y.poison();
        cut.state.assign(cut.initial.values());
        const fovea_tensor wt = cut.w.view(), bt = cut.bias.view(), st = cut.state.view();
        for (int64_t t = 0; t < kLength; t += piece) {
          fovea_tensor xt = cut.x.view(), yt = cut.y.view();
          xt.data = cut.x.data() + t * kChannels, yt.data = cut.y.data() + t * kChannels;
          xt.shape[1] = yt.shape[1] = std::min(piece, kLength - t);
          ASSERT_EQ(fovea_causal_conv1d(&kSilu, &xt, &wt, &bt, &st, &yt, stream), FOVEA_OK) << fovea_last_error();
        }
        ASSERT_EQ(fovea_stream_synchronize(stream), FOVEA_OK);
        EXPECT_EQ(cut.y.values(), whole.y.values());
        EXPECT_EQ(cut.state.values(), whole.state.values());
      });
    }
}

TEST(CausalConv1d, LiveLimitsTheBatch) {
  Conv<float> conv(3, 5, 6, 4);
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor xt = conv.x.view();
    xt.live = live.data();
    const fovea_tensor wt = conv.w.view(), st = conv.state.view(), yt = conv.y.view();
    conv.y.poison();
    conv.state.assign(conv.initial.values());
    ASSERT_EQ(finish(fovea_causal_conv1d(&kNone, &xt, &wt, nullptr, &st, &yt, stream), stream), FOVEA_OK);
    EXPECT_FALSE(std::isnan(conv.y[2 * 30 - 1]));
    EXPECT_TRUE(std::isnan(conv.y[2 * 30]));
    EXPECT_NE(conv.state[2 * 18 - 1], conv.initial[2 * 18 - 1]);
    EXPECT_EQ(conv.state[2 * 18], conv.initial[2 * 18]);
  });
}

TEST(CausalConv1d, ArgumentsAreChecked) {
  Conv<float> conv(2, 5, 3, 4), other(2, 5, 4, 4), wide(2, 5, 3, 17), shorter(2, 5, 3, 3);
  const StreamPtr stream = make_stream();
  fovea_tensor x = conv.x.view();
  const fovea_tensor w = conv.w.view(), b = conv.bias.view(), s = conv.state.view(), y = conv.y.view();
  const auto run = [&](const fovea_tensor* xs, const fovea_tensor* ws, const fovea_tensor* bs, const fovea_tensor* ss,
                       const fovea_tensor* ys) { return fovea_causal_conv1d(&kNone, xs, ws, bs, ss, ys, stream.get()); };
  EXPECT_EQ(run(&x, &w, &b, &s, &y), FOVEA_OK);
  const fovea_tensor ow = other.w.view(), oy = other.y.view(), ww = wide.w.view(), ss = shorter.state.view();
  EXPECT_EQ(run(&x, &ow, &b, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "causal_conv1d: w has 4 channels, x has 3");
  EXPECT_EQ(run(&x, &ww, &b, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "causal_conv1d: w has 17 taps, allowed are 1 to 16");
  EXPECT_EQ(run(&x, &w, &b, &ss, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "causal_conv1d: state is [2, 2, 3] f32, but x is [2, 5, 3] f32 and w is [3, 4] f32");
  EXPECT_EQ(run(&x, &w, &b, &s, &oy), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &w, &b, &s, &x), FOVEA_INVALID_ARGUMENT) << "in place";
  EXPECT_EQ(run(nullptr, &w, &b, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, nullptr, &b, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &w, &w, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &w, &b, &s, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_causal_conv1d(nullptr, &x, &w, &b, &s, &y, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_causal_conv1d(&kNone, &x, &w, &b, &s, &y, nullptr), FOVEA_INVALID_ARGUMENT);
  const fovea_activation_params prelu{FOVEA_ACTIVATION_PRELU, 0, 0, 0}, unknown{77, 0, 0, 0};
  EXPECT_EQ(fovea_causal_conv1d(&prelu, &x, &w, &b, &s, &y, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_causal_conv1d(&unknown, &x, &w, &b, &s, &y, stream.get()), FOVEA_INVALID_ARGUMENT);
  fovea_tensor no_taps = conv.w.view();
  no_taps.shape[1] = 0;
  EXPECT_EQ(run(&x, &no_taps, &b, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  x.shape[1] = INT64_MAX;
  EXPECT_EQ(run(&x, &w, &b, &s, &y), FOVEA_INVALID_ARGUMENT);
  x.shape[1] = -1;
  EXPECT_EQ(run(&x, &w, &b, &s, &y), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
