#include "gradients.h"

using namespace fovea_test;

namespace {

// All tensors of a call and of its gradients; `extra` columns of guard bytes behind each row.
struct Wkv {
  int64_t batch, length, channels;
  Array<float> decay, bonus, k, v, initial, state, y, dy, d_decay, d_bonus, dk, dv;
  std::unique_ptr<Workspace> workspace;  // of the last gradients

  Wkv(int64_t b, int64_t l, int64_t c, int64_t extra = 0)
      : batch(b),
        length(l),
        channels(c),
        decay({c}),
        bonus({c}),
        k({b, l, c}, c + extra),
        v({b, l, c}, c + 2 * extra),
        initial({b, 3, c}, c + extra),
        state({b, 3, c}, c + extra),
        y({b, l, c}, c + extra),
        dy({b, l, c}, c + extra),
        d_decay({c}),
        d_bonus({c}),
        dk({b, l, c}, c + extra),
        dv({b, l, c}, c + 3 * extra) {
    decay.fill(1, -3, -0.02), bonus.fill(2, -1, 2), k.fill(3, -4, 4), v.fill(4), dy.fill(5);
    initial.fill(6, 0.1, 2);
  }

  // Positions [begin, begin + steps); more than one batch entry only when all positions are meant.
  fovea_status run_steps(bool with_state, int64_t begin, int64_t steps, fovea_stream* stream) {
    const auto cut = [&](Array<float>& a) {
      fovea_tensor t = a.view();
      t.data = a.data() + begin * t.pitch;
      t.shape[1] = steps;
      return t;
    };
    const fovea_tensor wt = decay.view(), ut = bonus.view(), kt = cut(k), vt = cut(v), st = state.view(), yt = cut(y);
    return fovea_wkv(&wt, &ut, &kt, &vt, with_state ? &st : nullptr, &yt, stream);
  }
  fovea_status run(bool with_state, fovea_stream* stream) {
    state.assign(initial.values());
    return run_steps(with_state, 0, length, stream);
  }

  // `wanted`: bit i asks for d_decay, d_bonus, dk, dv.
  fovea_status run_backward(fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    const fovea_tensor wt = decay.view(), ut = bonus.view(), vt = v.view(), dyt = dy.view();
    fovea_tensor kt = k.view();
    kt.live = live;
    const fovea_tensor dwt = d_decay.view(), dut = d_bonus.view(), dkt = dk.view(), dvt = dv.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_wkv_backward_workspace(&kt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    const auto asked = [wanted](int i, const fovea_tensor& t) { return (wanted >> i & 1u) != 0 ? &t : nullptr; };
    return fovea_wkv_backward(&wt, &ut, &kt, &vt, &dyt, asked(0, dwt), asked(1, dut), asked(2, dkt), asked(3, dvt),
                              workspace->get(), stream);
  }
};

constexpr struct {
  int64_t batch, length, channels, extra;
} kCases[] = {{1, 1, 1, 0},   {2, 7, 5, 0}, {3, 33, 17, 3}, {1, 65, 33, 1}, {2, 32, 16, 0},
              {1, 3, 131, 2}, {2, 0, 3, 0}, {0, 3, 4, 0},   {2, 5, 0, 0}};

// y is an average of values of size 1: a weight is an exponential of a difference of exponents, good to 3e-7 plus the rounding
// of exponents below 200 (65 positions times 3), 1e-5 each; only weights near 1, whose exponents differ by little, count.
TEST(Wkv, MatchesReference) {
  for (const auto& c : kCases) {
    SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels);
    Wkv w(c.batch, c.length, c.channels, c.extra);
    for (const bool with_state : {true, false})
      check_kernel<float>(w.y, {1e-5, 1e-5}, [&](fovea_stream* s) { return w.run(with_state, s); });
    check_kernel<float>(w.state, {2e-5, 2e-5}, [&](fovea_stream* s) { return w.run(true, s); });
  }
}

// The published recurrence with raw decay 0, that is -1, and bonus 1/2.
TEST(Wkv, WorkedExample) {
  Wkv w(1, 4, 1);
  w.decay.assign({-1}), w.bonus.assign({0.5f});
  w.k.assign({0.1f, 0.2f, -0.3f, 1}), w.v.assign({1, 2, -1, 0.5f}), w.initial.assign({0, 0, -1e38f});
  const float y[] = {1, 1.6456563f, 0.5713437f, 0.4377385f}, last[] = {0.5416032f, 1.1813108f, 1};
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const bool with_state : {false, true}) {
      ASSERT_EQ(finish(w.run(with_state, stream), stream), FOVEA_OK) << fovea_last_error();
      for (int64_t t = 0; t < 4; ++t) EXPECT_NEAR(w.y[t], y[t], 3e-7) << t;
    }
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(w.state[i], last[i], 3e-7) << i;
  });
}

// e^300 is no float: only differences of exponents may be taken.
TEST(Wkv, LargeKeysDoNotOverflow) {
  Wkv w(1, 4, 1);
  w.decay.assign({-1}), w.bonus.assign({0.5f}), w.k.assign({100, 200, -300, 150}), w.v.assign({1, 2, -1, 0.5f});
  const float y[] = {1, 2, 2, 2};
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(w.run(false, stream), stream), FOVEA_OK);
    for (int64_t t = 0; t < 4; ++t) EXPECT_FLOAT_EQ(w.y[t], y[t]) << t;
    ASSERT_EQ(finish(w.run_backward(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t t = 0; t < 4; ++t) EXPECT_TRUE(std::isfinite(w.dk[t]) && std::isfinite(w.dv[t])) << t;
    EXPECT_TRUE(std::isfinite(w.d_decay[0]) && std::isfinite(w.d_bonus[0]));
  });
}

// NaN stays in its channel and reaches every later position; a key of -inf is no position at all.
TEST(Wkv, NanAndInfinity) {
  on_every_backend([&](fovea_stream* stream, bool) {
    Wkv w(1, 20, 19);
    w.k[7 * 19 + 3] = NAN, w.v[5 * 19 + 18] = NAN, w.k[4 * 19 + 10] = -HUGE_VALF;
    ASSERT_EQ(finish(w.run(false, stream), stream), FOVEA_OK);
    for (int64_t t = 0; t < 20; ++t)
      for (int64_t c = 0; c < 19; ++c)
        EXPECT_EQ(std::isnan(w.y[t * 19 + c]), (c == 3 && t >= 7) || (c == 18 && t >= 5)) << t << " " << c;
  });
}

// Every position does the same wherever the sequence is cut: the bits are equal.
TEST(Wkv, PiecesWithStateEqualTheWhole) {
  for (const int64_t piece : {1, 7}) {
    Wkv whole(1, 40, 21, 2), cut(1, 40, 21, 2);
    on_every_backend([&](fovea_stream* stream, bool is_reference) {
      ASSERT_EQ(finish(whole.run(true, stream), stream), FOVEA_OK);
      cut.state.assign(cut.initial.values());
      for (int64_t t = 0; t < 40; t += piece)
        ASSERT_EQ(finish(cut.run_steps(true, t, std::min(piece, 40 - t), stream), stream), FOVEA_OK);
      if (is_reference) {  // carries doubles within a call, floats between calls
        for (int64_t i = 0; i < cut.y.size(); ++i) ASSERT_TRUE(near(cut.y[i], whole.y[i], 2e-5, 2e-5)) << i;
      } else {
        EXPECT_EQ(cut.y.values(), whole.y.values());
        EXPECT_EQ(cut.state.values(), whole.state.values());
      }
    });
  }
}

TEST(Wkv, LiveLimitsTheBatch) {
  Wkv w(3, 5, 18);
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    const fovea_tensor wt = w.decay.view(), ut = w.bonus.view(), vt = w.v.view(), yt = w.y.view();
    fovea_tensor kt = w.k.view();
    kt.live = live.data();
    w.y.poison();
    ASSERT_EQ(finish(fovea_wkv(&wt, &ut, &kt, &vt, nullptr, &yt, stream), stream), FOVEA_OK);
    for (int64_t i = 0; i < w.y.size(); ++i) EXPECT_EQ(std::isnan(w.y[i]), i >= 2 * 5 * 18) << i;
  });
}

TEST(Wkv, ArgumentsAreChecked) {
  Wkv w(2, 5, 3), other(2, 5, 4);
  const StreamPtr stream = make_stream();
  const fovea_tensor d = w.decay.view(), u = w.bonus.view(), k = w.k.view(), v = w.v.view(), s = w.state.view(), y = w.y.view();
  const fovea_tensor ou = other.bonus.view(), ov = other.v.view(), os = other.state.view(), oy = other.y.view();
  const auto run = [&](const fovea_tensor* ds, const fovea_tensor* us, const fovea_tensor* ks, const fovea_tensor* vs,
                       const fovea_tensor* ss,
                       const fovea_tensor* ys) { return fovea_wkv(ds, us, ks, vs, ss, ys, stream.get()); };
  EXPECT_EQ(run(&d, &u, &k, &v, &s, &y), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(run(&d, &u, &k, &v, &os, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "wkv: state is [2, 3, 4] f32, expected [B][3][C] of k [2, 5, 3] f32");
  EXPECT_EQ(run(nullptr, &u, &k, &v, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "wkv: decay is NULL");
  EXPECT_EQ(run(&d, nullptr, &k, &v, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d, &ou, &k, &v, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d, &u, nullptr, &v, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d, &u, &k, &ov, &s, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d, &u, &k, &v, &s, &oy), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d, &u, &k, &v, &s, &k), FOVEA_INVALID_ARGUMENT) << "in place";
  EXPECT_EQ(fovea_wkv(&d, &u, &k, &v, &s, &y, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor huge = w.k.view();
  huge.shape[1] = INT64_MAX;
  EXPECT_EQ(run(&d, &u, &huge, &v, &s, &y), FOVEA_INVALID_ARGUMENT);
}

// ---- gradients -----------------------------------------------------------------------------------------------------------

// dk and dv are sums over later positions whose weights shrink: a few terms of size 1 with weights good to 1e-5. The sums over
// positions and batch add up to 200 of them.
TEST(WkvBackward, MatchesReference) {
  for (const auto& c : kCases) {
    SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels);
    Wkv w(c.batch, c.length, c.channels, c.extra);
    const Tolerance position{2e-5, 3e-5}, sum{2e-5, 2e-4};
    check_gradients({&w.d_decay, &w.d_bonus, &w.dk, &w.dv}, {sum, sum, position, position},
                    [&](fovea_stream* s) { return w.run_backward(s); });
    EXPECT_TRUE(w.workspace->guards_intact());
  }
}

// The definition in double, without running maxima.
TEST(WkvBackward, EqualsFiniteDifferences) {
  constexpr int64_t kBatch = 2, kLength = 7, kChannels = 3;
  Wkv w(kBatch, kLength, kChannels);
  Values in[] = {widen(w.decay), widen(w.bonus), widen(w.k), widen(w.v)};
  const auto loss = [&] {
    double total = 0;
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t c = 0; c < kChannels; ++c)
        for (int64_t t = 0; t < kLength; ++t) {
          double numerator = 0, denominator = 0;
          for (int64_t i = 0; i <= t; ++i) {
            const auto at = static_cast<size_t>((b * kLength + i) * kChannels + c), channel = static_cast<size_t>(c);
            const double weight =
                std::exp(in[2][at] + (i == t ? in[1][channel] : static_cast<double>(t - 1 - i) * in[0][channel]));
            numerator += weight * in[3][at], denominator += weight;
          }
          total += static_cast<double>(w.dy[(b * kLength + t) * kChannels + c]) * numerator / denominator;
        }
    return total;
  };
  const Array<float>* outputs[] = {&w.d_decay, &w.d_bonus, &w.dk, &w.dv};
  Values expected[4];
  for (int i = 0; i < 4; ++i) expected[i] = slopes(in[i], 1e-4, loss);
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(w.run_backward(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int i = 0; i < 4; ++i)
      for (size_t n = 0; n < expected[i].size(); ++n)
        ASSERT_TRUE(near((*outputs[i])[static_cast<int64_t>(n)], expected[i][n], 1e-5, 1e-5)) << i << " element " << n;
  });
}

TEST(WkvBackward, GradientsAreOptionalAndLiveLimitsTheBatch) {
  Wkv w(2, 5, 18);
  Array<int32_t> live({1});
  live[0] = 1;
  on_every_backend([&](fovea_stream* stream, bool) {
    w.dk.poison(), w.dv.poison();
    ASSERT_EQ(finish(w.run_backward(stream, 0b0100, live.data()), stream), FOVEA_OK);
    for (int64_t i = 0; i < w.dk.size(); ++i) EXPECT_EQ(std::isnan(w.dk[i]), i >= 5 * 18) << i;
    for (int64_t i = 0; i < w.dv.size(); ++i) EXPECT_TRUE(std::isnan(w.dv[i])) << "was not asked for";
  });
}

TEST(WkvBackward, ArgumentsAreChecked) {
  Wkv w(2, 5, 3), other(2, 5, 4);
  const StreamPtr stream = make_stream();
  const fovea_tensor d = w.decay.view(), u = w.bonus.view(), k = w.k.view(), v = w.v.view(), dy = w.dy.view();
  const fovea_tensor dk = w.dk.view(), dv = w.dv.view(), other_dk = other.dk.view();
  const Workspace small(4);
  const auto run = [&](const fovea_tensor* dys, const fovea_tensor* dks, const fovea_tensor* dvs,
                       const fovea_workspace* space) {
    return fovea_wkv_backward(&d, &u, &k, &v, dys, nullptr, nullptr, dks, dvs, space, stream.get());
  };
  EXPECT_EQ(run(&dy, &dk, &dv, small.get()), FOVEA_INVALID_ARGUMENT) << "workspace";
  int64_t bytes = 0;
  ASSERT_EQ(fovea_wkv_backward_workspace(&k, &bytes), FOVEA_OK);
  const Workspace enough(bytes);
  EXPECT_EQ(run(&dy, &dk, &dv, enough.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(run(nullptr, &dk, &dv, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&dy, &other_dk, &dv, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "wkv_backward: k is [2, 5, 3] f32 but dk is [2, 5, 4] f32");
  EXPECT_EQ(run(&dy, &dk, &dk, enough.get()), FOVEA_INVALID_ARGUMENT) << "one place for two gradients";
  EXPECT_EQ(run(&dy, &k, &dv, enough.get()), FOVEA_INVALID_ARGUMENT) << "over an input";
  EXPECT_EQ(fovea_wkv_backward_workspace(nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_wkv_backward_workspace(&k, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_wkv_backward_workspace(&d, &bytes), FOVEA_INVALID_ARGUMENT) << "rank";
}

}  // namespace
