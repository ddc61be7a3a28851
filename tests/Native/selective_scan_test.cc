#include "every_backend.h"

using namespace fovea_test;

namespace {

// Which optional tensors a call passes.
struct Parts {
  bool skip = true, z = true, bias = true, state = true, softplus = true;
};

// All tensors of one call; `extra` columns of guard bytes behind each row.
template <class T>
struct ScanOf {
  int64_t length;
  Array<T> u, delta;
  Array<float> A;
  Array<T> Bm, C;
  Array<float> skip;
  Array<T> z;
  Array<float> bias, initial, state;
  Array<T> y;

  ScanOf(int64_t batch, int64_t steps, int64_t channels, int64_t states, int64_t extra = 0)
      : length(steps),
        u({batch, steps, channels}, channels + extra),
        delta({batch, steps, channels}, channels + 2 * extra),
        A({channels, states}, states + extra),
        Bm({batch, steps, states}, states + extra),
        C({batch, steps, states}, states + 3 * extra),
        skip({channels}),
        z({batch, steps, channels}, channels + extra),
        bias({channels}),
        initial({batch, channels, states}, states + extra),
        state({batch, channels, states}, states + extra),
        y({batch, steps, channels}, channels + extra) {
    u.fill(1), delta.fill(2, 0, 0.5), A.fill(3, -16, -0.05), Bm.fill(4), C.fill(5), skip.fill(6), z.fill(7, -3, 3);
    bias.fill(8, -0.3, 0.3), initial.fill(9);
    state.assign(initial.values());
  }

  // Steps [begin, begin + steps); the views reach over one batch entry only unless all steps are meant.
  fovea_status run_steps(const Parts& p, int64_t begin, int64_t steps, fovea_stream* stream) {
    const auto cut = [&](auto& a) {
      fovea_tensor t = a.view();
      t.data = a.data() + begin * t.pitch;
      t.shape[1] = steps;
      return t;
    };
    const fovea_tensor ut = cut(u), dt = cut(delta), bt = cut(Bm), ct = cut(C), zt = cut(z), yt = cut(y);
    const fovea_tensor at = A.view(), skt = skip.view(), dbt = bias.view(), st = state.view();
    const fovea_selective_scan_params params{p.softplus ? 1 : 0, 0};
    return fovea_selective_scan(&params, &ut, &dt, &at, &bt, &ct, p.skip ? &skt : nullptr, p.z ? &zt : nullptr,
                                p.bias ? &dbt : nullptr, p.state ? &st : nullptr, &yt, stream);
  }

  fovea_status run(const Parts& p, fovea_stream* stream) {
    state.assign(initial.values());
    return run_steps(p, 0, length, stream);
  }
};

using Scan = ScanOf<float>;

// A decay exp(delta*A) is good to 2e-7 + |delta*A| * 1.2e-7 relative, and a state remembers about 1/(1 - decay) steps, here 40
// at most (softplus gives delta >= 0.55, A <= -0.05; without it rare larger memories have no weight). States and their sums
// over N <= 256 terms stay below a few tens.
constexpr Tolerance kTolerance{2e-5, 4e-5};

TEST(SelectiveScan, MatchesReference) {
  const struct {
    int64_t batch, length, channels, states, extra;
  } cases[] = {{1, 1, 1, 1, 0},    {1, 33, 1, 16, 0},  {2, 31, 5, 3, 0},    {3, 32, 16, 8, 0},  {1, 70, 19, 16, 3},
               {2, 65, 37, 17, 1}, {1, 41, 33, 64, 0}, {1, 37, 18, 256, 2}, {1, 257, 7, 16, 0}, {2, 3, 300, 16, 0},
               {1, 5, 513, 3, 0},  {1, 34, 530, 1, 0}, {0, 5, 3, 4, 0},     {2, 0, 3, 4, 0},    {2, 5, 0, 4, 0},
               {2, 5, 3, 0, 0},    {1, 1000, 3, 5, 0}, {1, 1, 1536, 16, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " N " << c.states);
    Scan scan(c.batch, c.length, c.channels, c.states, c.extra);
    const auto call = [&](fovea_stream* s) { return scan.run({}, s); };
    check_kernel<float>(scan.y, kTolerance, call);
    check_kernel<float>(scan.state, kTolerance, call);
  }
}

TEST(SelectiveScan, EveryCombinationOfOptionalTensors) {
  for (int bits = 0; bits < 32; ++bits) {
    const Parts p{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
    SCOPED_TRACE(::testing::Message() << "skip " << p.skip << " z " << p.z << " bias " << p.bias << " state " << p.state
                                      << " softplus " << p.softplus);
    Scan scan(2, 35, 19, 5);
    if (!p.softplus && p.bias) scan.bias.fill(8, 0, 0.3);  // delta stays positive: the recurrence would explode
    check_kernel<float>(scan.y, kTolerance, [&](fovea_stream* s) { return scan.run(p, s); });
  }
}

// The recurrence and the sums are f32, from inputs that a wider type holds exactly; y is rounded once, by half an ulp
// (`unit`), as is what it is compared with. The state stays f32.
template <class T>
void check_narrow(double unit) {
  for (const int64_t states : {3, 16, 40, 200}) {
    SCOPED_TRACE(states);
    ScanOf<T> narrow(2, 35, 37, states, 2);
    Scan wide(2, 35, 37, states, 2);
    const auto widen = [](Array<float>& to, const Array<T>& from) {
      for (int64_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(from[i]);
    };
    widen(wide.u, narrow.u), widen(wide.delta, narrow.delta), widen(wide.Bm, narrow.Bm), widen(wide.C, narrow.C);
    widen(wide.z, narrow.z);
    const auto reference = [&](fovea_stream* s) { return wide.run({}, s); };
    const auto call = [&](fovea_stream* s) { return narrow.run({}, s); };
    check_narrow_kernel<T>(narrow.y, wide.y, {2 * unit + 2e-5, 4e-5}, reference, call);
    if (test_device() == nullptr) return;
    for (int64_t i = 0; i < wide.state.size(); ++i) ASSERT_TRUE(near(narrow.state[i], wide.state[i], 2e-5, 4e-5)) << i;
  }
}
TEST(SelectiveScan, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(SelectiveScan, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// u = (1, 2, -1), raw delta = (0, .5, -.5), z = 1: worked out by hand from the formula. delta*B*u with delta = ln 2 is Euler's
// rule: the first state is .6931; the zero-order hold of B would give .5.
TEST(SelectiveScan, WorkedExample) {
  Scan scan(1, 3, 1, 2);
  scan.u.assign({1, 2, -1}), scan.delta.assign({0, 0.5f, -0.5f}), scan.A.assign({-1, -2});
  scan.Bm.assign({1, 0, 0, 1, 1, 1}), scan.C.assign({1, 1, 1, -1, 0.5f, 0.5f});
  scan.skip.assign({1}), scan.z.assign({1, 1, 1}), scan.initial.assign({0, 0});
  const float y[] = {1.2377898f, 0.2292141f, -0.7421848f}, last[] = {-0.3111850f, 0.2807460f};
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(scan.run({true, true, false, true, true}, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t t = 0; t < 3; ++t) EXPECT_NEAR(scan.y[t], y[t], 4e-7) << t;
    for (int64_t n = 0; n < 2; ++n) EXPECT_NEAR(scan.state[n], last[n], 4e-7) << n;
    ASSERT_EQ(finish(scan.run_steps({false, false, false, false, true}, 0, 1, stream), stream), FOVEA_OK);
    EXPECT_NEAR(scan.y[0], 0.69314718f, 1e-7);
  });
}

// A published case of the definition (D 2, L 5, N 3, softplus with bias), values computed in 30 digits.
TEST(SelectiveScan, PublishedVector) {
  Scan scan(1, 5, 2, 3);
  scan.u.assign({0.1445f, 0.6989f, 0.3682f, -0.173f, 0.5681f, -0.63f, 0.949f, -0.1352f, 0.4245f, 0.6949f});
  scan.delta.assign({0.2519f, 0.3464f, 0.1696f, 0.4299f, 0.1091f, 0.4573f, 0.0362f, 0.3249f, 0.417f, 0.1041f});
  scan.bias.assign({0.1195f, 0.2389f});
  scan.A.assign({-0.1875f, -0.4879f, -0.0955f, -0.0993f, -0.3065f, -0.3649f});
  scan.Bm.assign({0.9873f, -0.5412f, 0.7834f, 0.1019f, -0.4679f, 0.2224f, 0.1262f, 0.4197f, 0.6925f, 0.8565f, 0.4546f, 0.0682f,
                  -0.2497f, 0.339f, 0.4187f});
  scan.C.assign({-0.4958f, -0.3946f, -0.4975f, -0.6172f, 0.7004f, 0.4343f, 0.4772f, -0.3572f, -0.3328f, 0.8554f, 0.7791f,
                 -0.2243f, 0.0204f, -0.5797f, -0.3461f});
  scan.skip.assign({0.555f, 0.513f});
  scan.initial.assign({0, 0, 0, 0, 0, 0});
  const double y[] = {-0.00598952500456741, -0.11975016557188264, 0.053416800662926804, -0.4576536006507088,
                      0.22097601667034322,  0.13680267330169232,  1.3828591036457594,   -0.06024857954489142,
                      -0.1860267695113989,  0.3632423772660179};
  const double last[] = {0.544819064835724,   0.3760455894220014,   0.6204708183938558,
                         0.12633257975092319, -0.07982569623622161, 0.121622257928456};
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(scan.run({true, false, true, true, true}, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 10; ++i) EXPECT_NEAR(scan.y[i], y[i], 1e-6) << i;
    for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(scan.state[i], last[i], 1e-6) << i;
  });
}

// Every step does the same operations in the same order wherever the sequence is cut: the bits are equal, also for steps of
// one, which is how a model decodes.
TEST(SelectiveScan, PiecesWithStateEqualTheWhole) {
  for (const int64_t states : {3, 16, 17})
    for (const int64_t piece : {1, 7, 32, 50}) {
      SCOPED_TRACE(::testing::Message() << "N " << states << " pieces of " << piece);
      constexpr int64_t kLength = 101;
      Scan whole(1, kLength, 21, states, 2), cut(1, kLength, 21, states, 2);
      on_every_backend([&](fovea_stream* stream, bool is_reference) {
        ASSERT_EQ(finish(whole.run({}, stream), stream), FOVEA_OK) << fovea_last_error();
        cut.y.poison();
        cut.state.assign(cut.initial.values());
        for (int64_t t = 0; t < kLength; t += piece)
          ASSERT_EQ(finish(cut.run_steps({}, t, std::min(piece, kLength - t), stream), stream), FOVEA_OK) << fovea_last_error();
        if (is_reference) {  // carries doubles within a call, floats between calls
          for (int64_t i = 0; i < cut.y.size(); ++i) ASSERT_TRUE(near(cut.y[i], whole.y[i], 1e-6, 2e-6)) << i;
        } else {
          EXPECT_EQ(cut.y.values(), whole.y.values());
          EXPECT_EQ(cut.state.values(), whole.state.values());
        }
        EXPECT_TRUE(cut.y.guards_intact() && cut.state.guards_intact());
      });
    }
}

// Without a state tensor the scan starts from zeros.
TEST(SelectiveScan, NoStateIsAZeroState) {
  Scan scan(2, 40, 19, 16);
  scan.initial.assign(std::vector<float>(static_cast<size_t>(scan.initial.size()), 0.0f));
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(scan.run({}, stream), stream), FOVEA_OK);
    const std::vector<float> with = scan.y.values();
    ASSERT_EQ(finish(scan.run({true, true, true, false, true}, stream), stream), FOVEA_OK);
    EXPECT_EQ(scan.y.values(), with);
    EXPECT_EQ(scan.state.values(), scan.initial.values()) << "a state that was not passed";
  });
}

// exp underflows to 0 and forgets everything; a vanishing delta keeps everything; overflow is inf; nothing else is touched.
TEST(SelectiveScan, ExtremeDecays) {
  const float inf = HUGE_VALF;
  const struct {
    float delta, a, state, expected, tolerance;
  } cases[] = {{1, -200, 1e30f, 0, 0},
               {1e10f, -1e10f, 1e30f, 0, 0},
               {1, -1e-30f, 3, 3, 0},
               {1e-8f, -1, 1, 1, 2e-7f},
               {0, -5, 2, 2, 0},
               {1, -80, 1, 1.8048514e-35f, 4e-40f},
               {1, 80, 1, 5.5406224e34f, 1e30f},
               {1, 200, 1, inf, 0},
               {1, -1, 1, 0.36787944f, 1e-7f},
               {1, 1, 1, 2.7182818f, 8e-7f},
               {1, -86, 1e30f, 4.4737793e-8f, 1e-12f}};
  for (const auto& c : cases)
    on_every_backend([&](fovea_stream* stream, bool) {
      SCOPED_TRACE(::testing::Message() << "delta " << c.delta << " A " << c.a);
      Scan scan(1, 1, 3, 2);
      for (int64_t i = 0; i < 3; ++i) scan.delta[i] = c.delta, scan.u[i] = 0;
      for (int64_t i = 0; i < 6; ++i) scan.A[i] = c.a, scan.initial[i] = c.state;
      for (int64_t i = 0; i < 2; ++i) scan.C[i] = i == 0 ? 1.0f : 0.0f, scan.Bm[i] = 0;
      ASSERT_EQ(finish(scan.run({false, false, false, true, false}, stream), stream), FOVEA_OK);
      for (int64_t i = 0; i < 6; ++i) EXPECT_TRUE(near(scan.state[i], c.expected, 0, c.tolerance)) << scan.state[i];
    });
}

// delta inf with A < 0 replaces the state by inf * B * u; NaN stays in its channel and reaches every later step.
TEST(SelectiveScan, InfinityAndNan) {
  on_every_backend([&](fovea_stream* stream, bool) {
    Scan scan(1, 40, 20, 3);
    for (int64_t i = 0; i < scan.Bm.size(); ++i) scan.Bm[i] = 1, scan.C[i] = 1;
    for (int64_t i = 0; i < scan.u.size(); ++i) scan.u[i] = 1;
    scan.delta[5 * 20 + 7] = HUGE_VALF;
    scan.u[35 * 20 + 17] = NAN;
    scan.delta[33 * 20 + 2] = NAN;
    ASSERT_EQ(finish(scan.run({false, false, false, true, true}, stream), stream), FOVEA_OK);
    for (int64_t t = 0; t < 40; ++t)
      for (int64_t d = 0; d < 20; ++d) {
        const float y = scan.y[t * 20 + d];
        if (d == 7 && t >= 5)
          EXPECT_EQ(y, HUGE_VALF) << t;
        else
          EXPECT_EQ(std::isnan(y), (d == 17 && t >= 35) || (d == 2 && t >= 33)) << t << " " << d;
      }
  });
}

// With delta = 1, u = 0 and a state of 1 the new state is exp(A). The kernel's 2^x is good to 1.8e-7 (1.5 ulp); x = A log2 e is
// rounded twice (the constant and the product), which costs |A| times 1e-7. The scalar set rounds fma twice: half an ulp more.
TEST(SelectiveScan, DecaysAreWithinTheirDocumentedError) {
  for (const double lowest : {-0.02, -0.7, -87.0}) {
    Scan scan(1, 1, 500, 16);
    for (int64_t d = 0; d < 500; ++d) scan.u[d] = 0, scan.delta[d] = 1;
    scan.A.fill(3, lowest, 0);
    for (int64_t i = 0; i < scan.initial.size(); ++i) scan.initial[i] = 1;
    for (const int32_t isa : available_isas()) {
      SCOPED_TRACE(isa_name(isa));
      const ForcedIsa forced(isa);
      ASSERT_EQ(scan.run({false, false, false, true, false}, make_stream().get()), FOVEA_OK);
      for (int64_t i = 0; i < scan.state.size(); ++i) {
        const double a = static_cast<double>(scan.A[i]), bound = (isa == FOVEA_ISA_SCALAR ? 2.4e-7 : 1.8e-7) - a * 1e-7;
        ASSERT_TRUE(near(scan.state[i], std::exp(a), bound, 0)) << "exp(" << a << ")";
      }
    }
  }
}

// Trained models have delta near 1e-3, where log(1 + exp(x)) in f32 would have lost four digits.
TEST(SelectiveScan, SoftplusIsAccurateWhereItIsSmall) {
  for (const float raw : {-80.0f, -30.0f, -15.0f, -9.21f, -6.907255f, -2.252168f, 0.0f, 3.0f, 19.0f, 100.0f}) {
    SCOPED_TRACE(raw);
    Scan scan(1, 1, 17, 1);
    for (int64_t i = 0; i < 17; ++i) scan.delta[i] = raw, scan.u[i] = 1, scan.A[i] = 0;
    scan.Bm[0] = scan.C[0] = 1;
    // y is delta itself: a logarithm, an exponential and a division, 1e-6 relative.
    check_kernel<float>(scan.y, {1e-6, 1e-37}, [&](fovea_stream* s) {
      return scan.run({false, false, false, false, true}, s);
    });
  }
}

TEST(SelectiveScan, LiveLimitsTheBatch) {
  Scan scan(3, 4, 5, 2);
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor ut = scan.u.view();
    ut.live = live.data();
    const fovea_tensor dt = scan.delta.view(), at = scan.A.view(), bt = scan.Bm.view(), ct = scan.C.view();
    const fovea_tensor st = scan.state.view(), yt = scan.y.view();
    const fovea_selective_scan_params params{1, 0};
    scan.y.poison();
    scan.state.assign(scan.initial.values());
    ASSERT_EQ(
        finish(fovea_selective_scan(&params, &ut, &dt, &at, &bt, &ct, nullptr, nullptr, nullptr, &st, &yt, stream), stream),
        FOVEA_OK);
    EXPECT_FALSE(std::isnan(scan.y[2 * 20 - 1]));
    EXPECT_TRUE(std::isnan(scan.y[2 * 20]));
    EXPECT_NE(scan.state[2 * 10 - 1], scan.initial[2 * 10 - 1]);
    EXPECT_EQ(scan.state[2 * 10], scan.initial[2 * 10]);
  });
}

TEST(SelectiveScan, ArgumentsAreChecked) {
  Scan scan(2, 5, 3, 4), other(2, 5, 4, 4), wide(2, 5, 3, 257);
  const StreamPtr stream = make_stream();
  const fovea_selective_scan_params params{1, 0};
  enum { kU, kDelta, kA, kB, kC, kSkip, kZ, kBias, kState, kY, kCount };
  const auto views = [](Scan& s) {
    return std::vector<fovea_tensor>{s.u.view(),    s.delta.view(), s.A.view(),    s.Bm.view(),    s.C.view(),
                                     s.skip.view(), s.z.view(),     s.bias.view(), s.state.view(), s.y.view()};
  };
  const std::vector<fovea_tensor> good = views(scan), four = views(other), many = views(wide);
  const auto run = [&](const std::vector<fovea_tensor>& v, int missing = -1) {
    const auto at = [&](int i) { return i == missing ? nullptr : &v[static_cast<size_t>(i)]; };
    return fovea_selective_scan(&params, at(kU), at(kDelta), at(kA), at(kB), at(kC), at(kSkip), at(kZ), at(kBias), at(kState),
                                at(kY), stream.get());
  };
  EXPECT_EQ(run(good), FOVEA_OK) << fovea_last_error();
  for (int i = 0; i < kCount; ++i) {
    SCOPED_TRACE(i);
    const bool optional = i == kSkip || i == kZ || i == kBias || i == kState;
    EXPECT_EQ(run(good, i), optional ? FOVEA_OK : FOVEA_INVALID_ARGUMENT);
    const auto with = [&](const fovea_tensor& t) {
      std::vector<fovea_tensor> v = good;
      v[static_cast<size_t>(i)] = t;
      return run(v);
    };
    fovea_tensor t = good[static_cast<size_t>(i)];
    const bool has_channels = i != kB && i != kC;
    EXPECT_EQ(with(has_channels ? four[static_cast<size_t>(i)] : many[static_cast<size_t>(i)]), FOVEA_INVALID_ARGUMENT)
        << "sizes";
    t.rank -= 1;
    EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "rank";
    t = good[static_cast<size_t>(i)], t.shape[0] = -1;
    EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "negative";
    t = good[static_cast<size_t>(i)], t.shape[t.rank - 1] = INT64_MAX;
    EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "huge";
    t = good[static_cast<size_t>(i)], t.dtype = dtype_of<int32_t>();
    EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "dtype";
    t = good[static_cast<size_t>(i)], t.data = nullptr;
    EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "no data";
    if (i != kY) {
      t = good[static_cast<size_t>(i)], t.data = good[kY].data;
      EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "overlaps y";
    }
    if (i != kState) {
      t = good[static_cast<size_t>(i)], t.data = good[kState].data;
      EXPECT_EQ(with(t), FOVEA_INVALID_ARGUMENT) << "overlaps state";
    }
  }
  EXPECT_EQ(run(many), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "selective_scan: A has 257 states, allowed are 0 to 256");
  std::vector<fovea_tensor> v = good;
  v[kA] = four[kA];
  EXPECT_EQ(run(v), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "selective_scan: A has 4 channels, u has 3");
  v = good, v[kB] = many[kB];
  EXPECT_EQ(run(v), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "selective_scan: Bm is [2, 5, 257] f32, but u is [2, 5, 3] f32 and A is [3, 4] f32");
  const fovea_tensor *u = &good[kU], *d = &good[kDelta], *a = &good[kA], *b = &good[kB], *c = &good[kC], *y = &good[kY];
  EXPECT_EQ(fovea_selective_scan(nullptr, u, d, a, b, c, nullptr, nullptr, nullptr, nullptr, y, stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_selective_scan(&params, u, d, a, b, c, nullptr, nullptr, nullptr, nullptr, y, nullptr),
            FOVEA_INVALID_ARGUMENT);
}

}  // namespace
