#include <algorithm>

#include "gradients.h"

using namespace fovea_test;

namespace {

enum { kDx, kDKernel, kDSkip, kGradients };

// All tensors of one call and of its gradients; `extra` columns of guard bytes behind each row.
struct Conv {
  Array<float> x, kernel, skip, y, dy, dx, d_kernel, d_skip;
  bool with_skip = true;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Conv(int64_t batch, int64_t length, int64_t channels, int64_t taps, int64_t extra = 0)
      : x({batch, length, channels}, channels + extra),
        kernel({channels, taps}, taps + extra),
        skip({channels}),
        y({batch, length, channels}, channels + 2 * extra),
        dy({batch, length, channels}, channels + 3 * extra),
        dx({batch, length, channels}, channels + extra),
        d_kernel({channels, taps}, taps + 2 * extra),
        d_skip({channels}) {
    x.fill(1), kernel.fill(2), skip.fill(3), dy.fill(4);
  }

  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor kt = kernel.view(), st = skip.view(), yt = y.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_long_conv1d_workspace(&xt, &kt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_long_conv1d(&xt, &kt, with_skip ? &st : nullptr, &yt, workspace->get(), stream);
  }
  // `wanted`: bit i asks for gradient i.
  fovea_status back(fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor kt = kernel.view(), st = skip.view(), dyt = dy.view();
    const fovea_tensor dxt = dx.view(), dkt = d_kernel.view(), dst = d_skip.view();
    const auto asked = [wanted](int i, const fovea_tensor& t) { return (wanted >> i & 1u) != 0 ? &t : nullptr; };
    int64_t bytes = -1;
    EXPECT_EQ(fovea_long_conv1d_backward_workspace(&xt, &kt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_long_conv1d_backward(&xt, &kt, with_skip ? &st : nullptr, &dyt, asked(kDx, dxt), asked(kDKernel, dkt),
                                      with_skip ? asked(kDSkip, dst) : nullptr, workspace->get(), stream);
  }
};

// A transform of n points has an error of a few 2^-24 log2 n of the norm of what it transforms, so a convolution one of that of
// the product of both norms: here sqrt(terms / 3) for numbers in [-1, 1). A direct sum of up to 256 terms at a time stays
// below.
Tolerance tolerance(int64_t batch, int64_t length, int64_t taps) {
  const auto norm = [](int64_t terms) { return std::sqrt(static_cast<double>(terms) / 3 + 1); };
  return {0, 0x1p-24 * std::log2(static_cast<double>(length + taps + 2)) * norm(batch * length) *
                 std::max(norm(taps), norm(batch * length))};
}

struct Shape {
  int64_t batch, length, channels, taps, extra;
};
// Direct sums up to a hundred steps (or of few taps), transforms of 512 (a power of 2 alone) and 1024 points (of 4).
constexpr Shape kShapes[] = {{1, 1, 1, 1, 0},     {2, 7, 5, 3, 3},     {3, 33, 37, 33, 0},   {1, 9, 3, 20, 1},
                             {2, 5, 4, 0, 0},     {1, 600, 3, 4, 0},   {1, 257, 35, 250, 2}, {3, 257, 2, 250, 0},
                             {1, 300, 2, 700, 0}, {2, 513, 3, 500, 0}, {0, 300, 3, 300, 0},  {2, 0, 3, 4, 0},
                             {2, 4, 0, 3, 0}};

TEST(LongConv1d, MatchesReference) {
  bool skip = true;
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.batch << "x" << s.length << "x" << s.channels << " K " << s.taps << " skip "
                                      << skip);
    Conv conv(s.batch, s.length, s.channels, s.taps, s.extra);
    conv.with_skip = skip;
    check_kernel<float>(conv.y, tolerance(1, s.length, s.taps), [&](fovea_stream* stream) { return conv.run(stream); });
    EXPECT_TRUE(conv.workspace->guards_intact());
    skip = !skip;
  }
}

TEST(LongConv1dBackward, MatchesReference) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.batch << "x" << s.length << "x" << s.channels << " K " << s.taps);
    Conv conv(s.batch, s.length, s.channels, s.taps, s.extra);
    const Tolerance one = tolerance(1, s.length, s.taps), all = tolerance(s.batch, s.length, s.taps);
    check_gradients({&conv.dx, &conv.d_kernel, &conv.d_skip}, {one, all, all},
                    [&](fovea_stream* stream) { return conv.back(stream); });
    EXPECT_TRUE(conv.workspace->guards_intact());
  }
}

// An impulse gives the kernel back, later by as many steps; a kernel (0, .., 0, 1) is a delay.
TEST(LongConv1d, ImpulsesAndDelays) {
  constexpr int64_t kLength = 400;
  Conv conv(1, kLength, 2, kLength), delay(1, kLength, 2, kLength);
  conv.with_skip = delay.with_skip = false;
  conv.x.assign(std::vector<float>(2 * kLength)), delay.kernel.assign(std::vector<float>(2 * kLength));
  conv.x[0] = 1, conv.x[2 * 150 + 1] = 1;
  delay.kernel[37] = delay.kernel[kLength + 90] = 1;
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(conv.run(stream), stream), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(delay.run(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t t = 0; t < kLength; ++t) {
      ASSERT_NEAR(conv.y[2 * t], conv.kernel[t], 1e-5) << t;
      ASSERT_NEAR(conv.y[2 * t + 1], t < 150 ? 0 : conv.kernel[kLength + t - 150], 1e-5) << t;
      ASSERT_NEAR(delay.y[2 * t], t < 37 ? 0 : delay.x[2 * (t - 37)], 1e-5) << t;
      ASSERT_NEAR(delay.y[2 * t + 1], t < 90 ? 0 : delay.x[2 * (t - 90) + 1], 1e-5) << t;
    }
  });
}

// Sums that are linear in each tensor: central differences in double are exact but for their rounding.
TEST(LongConv1dBackward, EqualsFiniteDifferences) {
  constexpr int64_t kBatch = 2, kLength = 5, kChannels = 2, kTaps = 4;
  Conv conv(kBatch, kLength, kChannels, kTaps);
  Values in[] = {widen(conv.x), widen(conv.kernel), widen(conv.skip)};
  const Values dy = widen(conv.dy);
  const auto loss = [&] {
    double total = 0;
    for (size_t b = 0; b < kBatch; ++b)
      for (size_t d = 0; d < kChannels; ++d)
        for (size_t t = 0; t < kLength; ++t) {
          const auto x = [&](size_t at) { return in[kDx][(b * kLength + at) * kChannels + d]; };
          double sum = in[kDSkip][d] * x(t);
          for (size_t k = 0; k < kTaps && k <= t; ++k) sum += in[kDKernel][d * kTaps + k] * x(t - k);
          total += dy[(b * kLength + t) * kChannels + d] * sum;
        }
    return total;
  };
  Values expected[kGradients];
  for (int i = 0; i < kGradients; ++i) expected[i] = slopes(in[i], 1e-4, loss);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const uint32_t wanted : {7u, 1u << kDx, 1u << kDKernel, 1u << kDSkip}) {
      Array<float>* outputs[] = {&conv.dx, &conv.d_kernel, &conv.d_skip};
      for (Array<float>* output : outputs) output->poison();
      ASSERT_EQ(finish(conv.back(stream, wanted), stream), FOVEA_OK) << fovea_last_error();
      for (int i = 0; i < kGradients; ++i)
        for (size_t k = 0; k < expected[i].size(); ++k) {
          const float value = (*outputs[i])[static_cast<int64_t>(k)];
          if ((wanted >> i & 1u) == 0)
            ASSERT_TRUE(std::isnan(value)) << i << " element " << k;
          else
            ASSERT_TRUE(near(value, expected[i][k], 1e-5, 1e-5)) << i << " element " << k;
        }
    }
  });
}

TEST(LongConv1d, LiveLimitsTheBatch) {
  for (const int64_t length : {20, 300}) {
    Conv conv(3, length, 3, length), one(1, length, 3, length);
    for (auto [to, from] : {std::pair{&one.x, &conv.x}, {&one.dy, &conv.dy}})
      for (int64_t i = 0; i < to->size(); ++i) (*to)[i] = (*from)[i];
    const Live live(1);
    on_every_backend([&](fovea_stream* stream, bool) {
      conv.y.poison(), conv.dx.poison();
      ASSERT_EQ(finish(conv.run(stream, live.get()), stream), FOVEA_OK);
      ASSERT_EQ(finish(conv.back(stream, ~0u, live.get()), stream), FOVEA_OK);
      ASSERT_EQ(finish(one.run(stream), stream), FOVEA_OK);
      ASSERT_EQ(finish(one.back(stream), stream), FOVEA_OK);
      EXPECT_EQ(conv.d_kernel.values(), one.d_kernel.values());
      EXPECT_EQ(conv.d_skip.values(), one.d_skip.values());
      for (auto [all, written] : {std::pair{&conv.y, &one.y}, {&conv.dx, &one.dx}})
        for (int64_t i = 0; i < all->size(); ++i) {
          if (i < written->size())
            ASSERT_EQ((*all)[i], (*written)[i]) << i;
          else
            ASSERT_TRUE(std::isnan((*all)[i])) << i;
        }
    });
  }
}

TEST(LongConv1d, ArgumentsAreChecked) {
  Conv conv(2, 5, 3, 4), other(2, 5, 4, 4);
  const StreamPtr stream = make_stream();
  const Workspace workspace(1 << 20);
  const fovea_tensor x = conv.x.view(), kernel = conv.kernel.view(), skip = conv.skip.view(), y = conv.y.view();
  const fovea_tensor dx = conv.dx.view(), dk = conv.d_kernel.view(), ds = conv.d_skip.view();
  const fovea_tensor other_kernel = other.kernel.view(), other_skip = other.skip.view();
  const auto refused = [&](const fovea_tensor* px, const fovea_tensor* pk, const fovea_tensor* ps, const fovea_tensor* py,
                           const char* message) {
    EXPECT_EQ(fovea_long_conv1d(px, pk, ps, py, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(&x, &other_kernel, nullptr, &y, "long_conv1d: kernel has 4 channels, x has 3");
  refused(&x, &kernel, &other_skip, &y, "long_conv1d: skip has 4 channels, expected 3");
  refused(&x, &kernel, nullptr, &x, "long_conv1d: x and y overlap in memory");
  refused(nullptr, &kernel, nullptr, &y, "long_conv1d: x is NULL");
  refused(&x, &kernel, nullptr, nullptr, "long_conv1d: y is NULL");
  EXPECT_EQ(fovea_long_conv1d(&x, &kernel, nullptr, &y, workspace.get(), nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_long_conv1d(&x, &kernel, nullptr, &y, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  const auto back = [&](const fovea_tensor* ps, const fovea_tensor* pdx, const fovea_tensor* pdk, const fovea_tensor* pds) {
    return fovea_long_conv1d_backward(&x, &kernel, ps, &y, pdx, pdk, pds, workspace.get(), stream.get());
  };
  EXPECT_EQ(back(&skip, &dx, &dk, &ds), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(back(nullptr, &dx, &dk, &ds), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "long_conv1d_backward: d_skip is given without skip");
  EXPECT_EQ(back(&skip, &y, &dk, &ds), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "long_conv1d_backward: dy and dx overlap in memory");
  EXPECT_EQ(back(&skip, &dx, &other_kernel, &ds), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  fovea_tensor huge = x;
  for (int i = 0; i < 2; ++i) huge.shape[i] = INT64_MAX;
  EXPECT_EQ(fovea_long_conv1d_workspace(&huge, &kernel, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_long_conv1d_backward_workspace(&huge, &kernel, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_long_conv1d_workspace(&x, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_long_conv1d_workspace(&x, &kernel, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
