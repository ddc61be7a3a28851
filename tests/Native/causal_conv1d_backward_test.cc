#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr fovea_activation_params kNone{}, kSilu{FOVEA_ACTIVATION_SILU, 0, 0, 0};

enum { kDx, kDw, kDBias, kDState, kGradients };

// All tensors of one call; `extra` columns of guard bytes behind each row.
template <class T>
struct Backward {
  bool with_bias = true, with_state = true, with_final = true;
  Array<T> x, dy, dx;
  Array<float> w, bias, state, d_final, dw, dbias, d_state;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Backward(int64_t batch, int64_t length, int64_t channels, int64_t kernel, int64_t extra = 0)
      : x({batch, length, channels}, channels + extra),
        dy({batch, length, channels}, channels + 2 * extra),
        dx({batch, length, channels}, channels + 3 * extra),
        w({channels, kernel}, kernel + extra),
        bias({channels}),
        state({batch, kernel - 1, channels}, channels + extra),
        d_final({batch, kernel - 1, channels}, channels + 2 * extra),
        dw({channels, kernel}, kernel + 2 * extra),
        dbias({channels}),
        d_state({batch, kernel - 1, channels}, channels + 3 * extra) {
    x.fill(1), w.fill(2), bias.fill(3), state.fill(4), dy.fill(5), d_final.fill(6);
  }

  int64_t workspace_bytes() {
    const fovea_tensor xt = x.view(), wt = w.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_causal_conv1d_backward_workspace(&kNone, &xt, &wt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }

  // `wanted`: bit i asks for gradient i, among those whose inputs are present.
  fovea_status run(const fovea_activation_params& activation, fovea_stream* stream, uint32_t wanted = ~0u,
                   const int32_t* live = nullptr) {
    workspace = std::make_unique<Workspace>(workspace_bytes());
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor wt = w.view(), bt = bias.view(), st = state.view(), dyt = dy.view(), ft = d_final.view();
    const fovea_tensor dxt = dx.view(), dwt = dw.view(), dbt = dbias.view(), dst = d_state.view();
    const auto asked = [wanted](int i, const fovea_tensor& t) { return (wanted >> i & 1u) != 0 ? &t : nullptr; };
    return fovea_causal_conv1d_backward(&activation, &xt, &wt, with_bias ? &bt : nullptr, with_state ? &st : nullptr, &dyt,
                                        with_final ? &ft : nullptr, asked(kDx, dxt), asked(kDw, dwt),
                                        with_bias ? asked(kDBias, dbt) : nullptr, with_state ? asked(kDState, dst) : nullptr,
                                        workspace->get(), stream);
  }
};

// dx is a sum of up to 17 terms of size 1 times an activation's slope, itself of a sum of 17: a few 1e-6. dw and dbias add
// `steps` such terms, whose sum is of the size of its square root at random and of `steps` at worst: 1e-7 of each running sum.
void check_all(Backward<float>& b, const fovea_activation_params& activation) {
  const auto steps = static_cast<double>(b.x.rows());
  std::vector<Array<float>*> outputs{&b.dx, &b.dw};
  std::vector<Tolerance> tolerances{{8e-6, 8e-6}, {8e-6, 8e-6 + 1e-7 * steps}};
  if (b.with_bias) outputs.push_back(&b.dbias), tolerances.push_back(tolerances[1]);
  if (b.with_state) outputs.push_back(&b.d_state), tolerances.push_back(tolerances[0]);
  check_gradients(outputs, tolerances, [&](fovea_stream* s) { return b.run(activation, s); });
  EXPECT_TRUE(b.workspace->guards_intact());
}

TEST(CausalConv1dBackward, MatchesReference) {
  const struct {
    int64_t batch, length, channels, kernel, extra;
  } cases[] = {{1, 1, 1, 1, 0},   {1, 1, 1, 16, 0},  {2, 7, 5, 2, 0},   {3, 13, 17, 3, 3},  {2, 64, 19, 4, 0},
               {1, 65, 33, 4, 5}, {2, 131, 7, 5, 0}, {1, 9, 300, 4, 0}, {1, 70, 131, 9, 2}, {2, 3, 31, 16, 1},
               {2, 5, 0, 4, 0},   {1, 68, 3, 16, 0}, {1, 200, 16, 4, 0}};
  for (const auto& c : cases)
    for (const bool all : {false, true}) {
      SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " K " << c.kernel << " all "
                                        << all);
      Backward<float> b(c.batch, c.length, c.channels, c.kernel, c.extra);
      b.with_bias = b.with_state = b.with_final = all;
      check_all(b, all ? kSilu : kNone);
    }
}

TEST(CausalConv1dBackward, EveryKernelSize) {
  for (int64_t kernel = 1; kernel <= 16; ++kernel) {
    SCOPED_TRACE(kernel);
    Backward<float> b(1, 67, 21, kernel);
    check_all(b, kSilu);
  }
}

TEST(CausalConv1dBackward, EveryActivation) {
  for (int kind = 0; kind <= FOVEA_ACTIVATION_CLAMP; ++kind) {
    if (kind == FOVEA_ACTIVATION_PRELU) continue;
    SCOPED_TRACE(kind);
    Backward<float> b(1, 9, 21, 4);
    check_all(b, {kind, 0.3f, 0.5f, 0});
  }
}

// Central differences of the plain forward formula in double: steps of 1e-5 leave 1e-10 of truncation and 1e-10 of
// cancellation; the result is an f32 of size 10. Sequences shorter than the kernel pass d_final_state to the state.
TEST(CausalConv1dBackward, EqualsFiniteDifferences) {
  for (const int64_t length : {2, 9}) {
    constexpr int64_t kBatch = 2, kChannels = 3, kKernel = 5, kBefore = kKernel - 1;
    Backward<float> b(kBatch, length, kChannels, kKernel);
    Values in[] = {widen(b.x), widen(b.w), widen(b.bias), widen(b.state)};
    const auto loss = [&] {
      double total = 0;
      for (int64_t i = 0; i < kBatch; ++i)
        for (int64_t d = 0; d < kChannels; ++d) {
          const auto input = [&](int64_t r) {
            return r < kBefore ? in[kDState][(i * kBefore + r) * kChannels + d]
                               : in[kDx][(i * length + r - kBefore) * kChannels + d];
          };
          for (int64_t t = 0; t < length; ++t) {
            double sum = in[kDBias][d];
            for (int64_t k = 0; k < kKernel; ++k) sum += in[kDw][d * kKernel + k] * input(t + k);
            total += static_cast<double>(b.dy[(i * length + t) * kChannels + d]) * sum / (1 + std::exp(-sum));
          }
          for (int64_t k = 0; k < kBefore; ++k)
            total += static_cast<double>(b.d_final[(i * kBefore + k) * kChannels + d]) * input(length + k);
        }
      return total;
    };
    Values expected[kGradients];
    for (int i = 0; i < kGradients; ++i) expected[i] = slopes(in[i], 1e-5, loss);
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(b.run(kSilu, stream), stream), FOVEA_OK) << fovea_last_error();
      const Array<float>* outputs[] = {&b.dx, &b.dw, &b.dbias, &b.d_state};
      for (int i = 0; i < kGradients; ++i)
        for (size_t k = 0; k < expected[i].size(); ++k)
          ASSERT_TRUE(near((*outputs[i])[static_cast<int64_t>(k)], expected[i][k], 1e-5, 1e-5)) << i << " element " << k;
    });
  }
}

// Sums are f32; dx is rounded by half an ulp (`unit`), as is what it is compared with. dw, dbias and d_state stay f32.
template <class T>
void check_narrow(double unit) {
  for (const int64_t kernel : {4, 7}) {
    SCOPED_TRACE(kernel);
    Backward<T> narrow(2, 37, 19, kernel, 3);
    Backward<float> wide(2, 37, 19, kernel);
    for (int64_t i = 0; i < wide.x.size(); ++i)
      wide.x[i] = static_cast<float>(narrow.x[i]), wide.dy[i] = static_cast<float>(narrow.dy[i]);
    check_narrow_kernel<T>(
        narrow.dx, wide.dx, {2 * unit + 8e-6, 8e-6}, [&](fovea_stream* s) { return wide.run(kSilu, s); },
        [&](fovea_stream* s) { return narrow.run(kSilu, s); });
    if (test_device() == nullptr) return;
    expect_near(narrow.dw.values(), wide.dw.values(), {8e-6, 2e-5});
    expect_near(narrow.dbias.values(), wide.dbias.values(), {8e-6, 2e-5});
    expect_near(narrow.d_state.values(), wide.d_state.values(), {8e-6, 8e-6});
  }
}
TEST(CausalConv1dBackward, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(CausalConv1dBackward, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// Gradients that nobody asks for change nothing in the others.
TEST(CausalConv1dBackward, GradientsMayBeLeftOut) {
  Backward<float> b(2, 70, 18, 4);
  Array<float>* outputs[] = {&b.dx, &b.dw, &b.dbias, &b.d_state};
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(b.run(kSilu, stream), stream), FOVEA_OK);
    std::vector<std::vector<float>> all;
    for (const Array<float>* g : outputs) all.push_back(g->values());
    for (const uint32_t wanted : {0u, 1u << kDx, 1u << kDw, 1u << kDBias, 1u << kDState}) {
      for (Array<float>* g : outputs) g->poison();
      ASSERT_EQ(finish(b.run(kSilu, stream, wanted), stream), FOVEA_OK);
      for (size_t i = 0; i < kGradients; ++i) {
        if ((wanted >> i & 1u) != 0)
          EXPECT_EQ(outputs[i]->values(), all[i]) << i;
        else
          EXPECT_TRUE(std::isnan((*outputs[i])[0])) << i;
      }
    }
  });
}

// Nothing came in: the state went through as it was, and so does its gradient; sums are zeros.
TEST(CausalConv1dBackward, EmptySequence) {
  for (const int64_t batch : {0, 2}) {
    Backward<float> b(batch, 0, 5, 4);
    on_every_backend([&](fovea_stream* stream, bool) {
      b.dw.poison(), b.dbias.poison(), b.d_state.poison();
      ASSERT_EQ(finish(b.run(kSilu, stream), stream), FOVEA_OK) << fovea_last_error();
      EXPECT_EQ(b.dw.values(), std::vector<float>(20));
      EXPECT_EQ(b.dbias.values(), std::vector<float>(5));
      EXPECT_EQ(b.d_state.values(), b.d_final.values());
    });
  }
}

// A NaN of the newest input reaches what looks back at it: steps from it on, and through their sums K - 1 inputs before it.
TEST(CausalConv1dBackward, NanStaysWhereItIsSeen) {
  Backward<float> b(1, 90, 2, 4);
  b.x[2 * 70] = std::numeric_limits<float>::quiet_NaN();
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(b.run(kSilu, stream), stream), FOVEA_OK);
    for (int64_t t = 0; t < 90; ++t) {
      EXPECT_EQ(std::isnan(b.dx[2 * t]), t >= 67 && t <= 73) << t;
      EXPECT_FALSE(std::isnan(b.dx[2 * t + 1])) << t;
    }
    EXPECT_TRUE(std::isnan(b.dw[0]) && std::isnan(b.dbias[0]));
    EXPECT_FALSE(std::isnan(b.dw[4]) || std::isnan(b.dbias[1]));
  });
}

TEST(CausalConv1dBackward, LiveLimitsTheBatch) {
  Backward<float> b(3, 66, 6, 4), two(2, 66, 6, 4);
  for (auto [to, from] : {std::pair{&two.x, &b.x}, {&two.dy, &b.dy}, {&two.state, &b.state}, {&two.d_final, &b.d_final}})
    for (int64_t i = 0; i < to->size(); ++i) (*to)[i] = (*from)[i];
  const Live live(2);
  on_every_backend([&](fovea_stream* stream, bool) {
    b.dx.poison(), b.d_state.poison();
    ASSERT_EQ(finish(b.run(kSilu, stream, ~0u, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.run(kSilu, stream), stream), FOVEA_OK);
    EXPECT_EQ(b.dw.values(), two.dw.values());
    EXPECT_EQ(b.dbias.values(), two.dbias.values());
    for (auto [all, written] : {std::pair{&b.dx, &two.dx}, {&b.d_state, &two.d_state}})
      for (int64_t i = 0; i < all->size(); ++i) {
        if (i < written->size())
          ASSERT_EQ((*all)[i], (*written)[i]) << i;
        else
          ASSERT_TRUE(std::isnan((*all)[i])) << i;
      }
  });
}

TEST(CausalConv1dBackward, ArgumentsAreChecked) {
  Backward<float> b(2, 5, 3, 4), other(2, 5, 4, 4), wide(2, 5, 3, 17);
  const StreamPtr stream = make_stream();
  const Workspace workspace(b.workspace_bytes());
  const fovea_tensor x = b.x.view(), w = b.w.view(), bias = b.bias.view(), state = b.state.view(), dy = b.dy.view();
  const fovea_tensor dx = b.dx.view(), dw = b.dw.view(), dbias = b.dbias.view(), d_state = b.d_state.view();
  struct Call {
    const fovea_tensor *x, *w, *bias, *state, *dy, *d_final, *dx, *dw, *dbias, *d_state;
    const fovea_workspace* workspace;
  };
  const Call good{&x, &w, &bias, &state, &dy, &d_state, &dx, &dw, &dbias, nullptr, workspace.get()};
  const auto run = [&](const Call& c) {
    return fovea_causal_conv1d_backward(&kNone, c.x, c.w, c.bias, c.state, c.dy, c.d_final, c.dx, c.dw, c.dbias, c.d_state,
                                        c.workspace, stream.get());
  };
  EXPECT_EQ(run(good), FOVEA_OK) << fovea_last_error();
  const auto refused = [&](auto change, const char* message) {
    Call c = good;
    change(c);
    EXPECT_EQ(run(c), FOVEA_INVALID_ARGUMENT);
    if (message != nullptr) {
      EXPECT_STREQ(fovea_last_error(), message);
    }
  };
  const fovea_tensor other_w = other.w.view(), wide_w = wide.w.view(), other_x = other.x.view();
  refused([&](Call& c) { c.w = &other_w; }, "causal_conv1d_backward: w has 4 channels, x has 3");
  refused([&](Call& c) { c.w = &wide_w; }, "causal_conv1d_backward: w has 17 taps, allowed are 1 to 16");
  refused([&](Call& c) { c.bias = nullptr; }, "causal_conv1d_backward: dbias is given without bias");
  refused([&](Call& c) { c.state = nullptr, c.d_final = nullptr, c.d_state = &d_state; },
          "causal_conv1d_backward: d_state is given without state");
  refused([&](Call& c) { c.d_final = &x; },
          "causal_conv1d_backward: d_final_state is [2, 5, 3] f32, but x is [2, 5, 3] f32 and w is [3, 4] f32");
  refused([&](Call& c) { c.dy = &other_x; }, nullptr);
  refused([&](Call& c) { c.dx = &dy; }, nullptr);
  refused([&](Call& c) { c.dx = &x; }, nullptr);
  refused([&](Call& c) { c.d_state = &d_state; }, nullptr);  // overlaps d_final_state
  refused([&](Call& c) { c.dw = &dx; }, nullptr);
  refused([&](Call& c) { c.workspace = nullptr; }, nullptr);
  refused([&](Call& c) { c.x = nullptr; }, "causal_conv1d_backward: x is NULL");
  refused([&](Call& c) { c.dy = nullptr; }, "causal_conv1d_backward: dy is NULL");
  fovea_workspace small = *workspace.get();
  small.bytes -= 1;
  refused([&](Call& c) { c.workspace = &small; }, nullptr);
  const fovea_activation_params prelu{FOVEA_ACTIVATION_PRELU, 0, 0, 0};
  for (const fovea_activation_params* activation : {&prelu, static_cast<const fovea_activation_params*>(nullptr)})
    EXPECT_EQ(fovea_causal_conv1d_backward(activation, &x, &w, &bias, &state, &dy, nullptr, &dx, &dw, &dbias, nullptr,
                                           workspace.get(), stream.get()),
              FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  fovea_tensor huge = x;
  for (int i = 0; i < 3; ++i) huge.shape[i] = INT64_MAX;
  EXPECT_EQ(fovea_causal_conv1d_backward_workspace(&kNone, &huge, &w, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_causal_conv1d_backward_workspace(&kNone, &x, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_causal_conv1d_backward_workspace(&kNone, &x, &w, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
