#include "gradients.h"

#include <complex>

using namespace fovea_test;

namespace {

struct Kind {
  bool complex, constant;
};
constexpr Kind kKinds[] = {{false, true}, {false, false}, {true, true}, {true, false}};
enum { kDx, kDa, kDInitial, kGradients };

// All tensors of one call and of its gradients; `extra` columns of guard bytes behind each row.
struct Scan {
  Kind kind;
  int64_t length;
  Array<float> x, a, initial, state, y, dy, d_final, dx, da, d_initial;
  bool with_state = true;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Scan(Kind k, int64_t batch, int64_t steps, int64_t channels, int64_t extra = 0)
      : kind(k),
        length(steps),
        x({batch, steps, channels}, channels + extra),
        a(k.constant ? std::vector{channels} : std::vector{batch, steps, channels}, k.constant ? 0 : channels + 2 * extra),
        initial({batch, channels}),
        state({batch, channels}, channels + extra),
        y({batch, steps, channels}, channels + 3 * extra),
        dy({batch, steps, channels}, channels + extra),
        d_final({batch, channels}, channels + 2 * extra),
        dx({batch, steps, channels}, channels + 2 * extra),
        da(k.constant ? std::vector{channels} : std::vector{batch, steps, channels}, k.constant ? 0 : channels + extra),
        d_initial({batch, channels}, channels + 3 * extra) {
    x.fill(1), initial.fill(3), dy.fill(4), d_final.fill(5);
    a.fill(2, -0.68, 0.68);  // both parts of a complex number: at most 0.97 in size
    state.assign(initial.values());
  }

  fovea_diagonal_scan_params params() const { return {kind.complex ? 1 : 0, 0}; }

  // Steps [begin, begin + steps) of a single batch entry, or all.
  fovea_status run_steps(int64_t begin, int64_t steps, fovea_stream* stream, const int32_t* live = nullptr) {
    const auto cut = [&](Array<float>& array) {
      fovea_tensor t = array.view();
      t.data = array.data() + begin * t.pitch;
      t.shape[1] = steps;
      return t;
    };
    fovea_tensor xt = cut(x);
    xt.live = live;
    const fovea_tensor at = kind.constant ? a.view() : cut(a), st = state.view(), yt = cut(y);
    const fovea_diagonal_scan_params p = params();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_diagonal_scan_workspace(&p, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_diagonal_scan(&p, &xt, &at, with_state ? &st : nullptr, &yt, workspace->get(), stream);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    state.assign(initial.values());
    return run_steps(0, length, stream, live);
  }
  // `wanted`: bit i asks for gradient i.
  fovea_status back(fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor at = a.view(), it = initial.view(), yt = y.view(), dyt = dy.view(), ft = d_final.view();
    const fovea_tensor dxt = dx.view(), dat = da.view(), dit = d_initial.view();
    const auto asked = [wanted](int i, const fovea_tensor& t) { return (wanted >> i & 1u) != 0 ? &t : nullptr; };
    const fovea_diagonal_scan_params p = params();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_diagonal_scan_backward_workspace(&p, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_diagonal_scan_backward(&p, &xt, &at, with_state ? &it : nullptr, &yt, &dyt, with_state ? &ft : nullptr,
                                        asked(kDx, dxt), asked(kDa, dat), with_state ? asked(kDInitial, dit) : nullptr,
                                        workspace->get(), stream);
  }
};

// A step rounds by 2^-24 of the numbers it adds, at most 3 of them; a decay of 0.97 remembers 30 such errors of numbers below
// 30. Usual decays forget in a few steps.
constexpr Tolerance kTolerance{2e-6, 1e-5};

TEST(DiagonalScan, MatchesReference) {
  const struct {
    int64_t batch, length, channels, extra;
  } cases[] = {{1, 1, 2, 0}, {2, 7, 6, 3}, {1, 64, 34, 0},  {3, 65, 62, 0}, {1, 200, 130, 2}, {2, 131, 8, 1}, {0, 5, 4, 0},
               {2, 0, 4, 0}, {2, 5, 0, 0}, {1, 4097, 2, 0}, {2, 3, 198, 0}, {1, 9, 64, 0},    {1, 1, 300, 0}};
  for (const Kind kind : kKinds)
    for (const auto& c : cases) {
      SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " complex " << kind.complex
                                        << " constant " << kind.constant);
      Scan scan(kind, c.batch, c.length, c.channels, c.extra);
      check_gradients({&scan.y}, {kTolerance}, [&](fovea_stream* s) { return scan.run(s); });
      EXPECT_TRUE(scan.workspace->guards_intact());
      check_gradients({&scan.state}, {kTolerance}, [&](fovea_stream* s) { return scan.run(s); });
      scan.with_state = false;
      check_gradients({&scan.y}, {kTolerance}, [&](fovea_stream* s) { return scan.run(s); });
    }
}

// h = 0.5 h + x from 4: 3, 3.5, -1.25. With a = i the state turns by 90 degrees a step: 1, 1 + i, 1 + i - 1 = i.
TEST(DiagonalScan, WorkedExample) {
  Scan real({false, true}, 1, 3, 1), turn({true, false}, 1, 3, 2);
  real.x.assign({1, 2, -3}), real.a.assign({0.5f}), real.initial.assign({4});
  turn.x.assign({1, 0, 1, 0, 0, -1}), turn.a.assign({0, 1, 0, 1, 0, 1}), turn.initial.assign({0, 0});
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(real.run(stream), stream), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(real.y.values(), (std::vector<float>{3, 3.5f, -1.25f}));
    EXPECT_EQ(real.state[0], -1.25f);
    ASSERT_EQ(finish(turn.run(stream), stream), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(turn.y.values(), (std::vector<float>{1, 0, 1, 1, -1, 0}));
  });
}

// Cut anywhere, with the state carried on; a step at a time is streaming inference. The CPU's vector bodies run a sequence in
// one piece, in f32, so there the bits are the same.
TEST(DiagonalScan, StateCarriesOn) {
  for (const Kind kind : kKinds) {
    Scan scan(kind, 1, 300, 38), cut(kind, 1, 300, 38);
    on_every_backend([&](fovea_stream* stream, bool is_reference) {
      ASSERT_EQ(finish(scan.run(stream), stream), FOVEA_OK);
      cut.state.assign(cut.initial.values());
      for (int64_t t = 0; t < 300;) {
        const int64_t steps = t < 5 ? 1 : t < 100 ? 95 : 200;
        ASSERT_EQ(finish(cut.run_steps(t, steps, stream), stream), FOVEA_OK);
        t += steps;
      }
      if (current_device() == nullptr && !is_reference) {
        EXPECT_EQ(scan.y.values(), cut.y.values());
        EXPECT_EQ(scan.state.values(), cut.state.values());
      }
      expect_near(scan.y.values(), cut.y.values(), kTolerance);
      expect_near(scan.state.values(), cut.state.values(), kTolerance);
    });
  }
}

// da of a constant a adds batch * length terms of size up to 30, that of a step is one of them.
TEST(DiagonalScanBackward, MatchesReference) {
  const struct {
    int64_t batch, length, channels, extra;
  } cases[] = {{1, 1, 2, 0}, {2, 7, 6, 3}, {3, 65, 62, 0}, {1, 200, 130, 2}, {2, 131, 8, 1}, {0, 5, 4, 0}, {2, 0, 4, 0}};
  for (const Kind kind : kKinds)
    for (const auto& c : cases) {
      SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " complex " << kind.complex
                                        << " constant " << kind.constant);
      Scan scan(kind, c.batch, c.length, c.channels, c.extra);
      {
        const ForcedIsa isa(FOVEA_ISA_REFERENCE);
        ASSERT_EQ(scan.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
      }
      const auto terms = static_cast<double>(kind.constant ? c.batch * c.length + 1 : 1);
      const Tolerance sums{2e-6, 1e-5 * (1 + 0.1 * terms)};
      check_gradients({&scan.dx, &scan.da, &scan.d_initial}, {kTolerance, sums, kTolerance},
                      [&](fovea_stream* s) { return scan.back(s); });
      EXPECT_TRUE(scan.workspace->guards_intact());
      scan.with_state = false;
      check_gradients({&scan.dx, &scan.da}, {kTolerance, sums}, [&](fovea_stream* s) { return scan.back(s); });
    }
}

// Central differences of the recurrence in double: a step of 1e-5 leaves 1e-10 of truncation; results are f32 of size 10.
TEST(DiagonalScanBackward, EqualsFiniteDifferences) {
  using Number = std::complex<double>;
  constexpr int64_t kBatch = 2, kLength = 6, kChannels = 4;
  for (const Kind kind : kKinds) {
    Scan scan(kind, kBatch, kLength, kChannels);
    Values in[] = {widen(scan.x), widen(scan.a), widen(scan.initial)};
    const Values dy = widen(scan.dy), d_final = widen(scan.d_final);
    const int64_t floats = kind.complex ? 2 : 1;
    const auto number = [&](const Values& v, int64_t at) {
      return Number(v[static_cast<size_t>(at)], kind.complex ? v[static_cast<size_t>(at) + 1] : 0.0);
    };
    const auto loss = [&] {
      double total = 0;
      for (int64_t b = 0; b < kBatch; ++b)
        for (int64_t d = 0; d < kChannels; d += floats) {
          Number h = number(in[kDInitial], b * kChannels + d);
          for (int64_t t = 0; t < kLength; ++t) {
            const int64_t at = (b * kLength + t) * kChannels + d;
            h = number(in[kDa], kind.constant ? d : at) * h + number(in[kDx], at);
            total += (std::conj(number(dy, at)) * h).real();
          }
          total += (std::conj(number(d_final, b * kChannels + d)) * h).real();
        }
      return total;
    };
    Values expected[kGradients];
    for (int i = 0; i < kGradients; ++i) expected[i] = slopes(in[i], 1e-5, loss);
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(scan.run(stream), stream), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(scan.back(stream), stream), FOVEA_OK) << fovea_last_error();
      const Array<float>* outputs[] = {&scan.dx, &scan.da, &scan.d_initial};
      for (int i = 0; i < kGradients; ++i)
        for (size_t k = 0; k < expected[i].size(); ++k)
          ASSERT_TRUE(near((*outputs[i])[static_cast<int64_t>(k)], expected[i][k], 1e-5, 1e-5)) << i << " element " << k;
    });
  }
}

// Gradients that nobody asks for change nothing in the others.
TEST(DiagonalScanBackward, GradientsMayBeLeftOut) {
  for (const Kind kind : kKinds) {
    Scan scan(kind, 2, 70, 18);
    Array<float>* outputs[] = {&scan.dx, &scan.da, &scan.d_initial};
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(scan.run(stream), stream), FOVEA_OK);
      ASSERT_EQ(finish(scan.back(stream), stream), FOVEA_OK);
      std::vector<std::vector<float>> all;
      for (const Array<float>* g : outputs) all.push_back(g->values());
      for (const uint32_t wanted : {0u, 1u << kDx, 1u << kDa, 1u << kDInitial}) {
        for (Array<float>* g : outputs) g->poison();
        ASSERT_EQ(finish(scan.back(stream, wanted), stream), FOVEA_OK);
        for (size_t i = 0; i < kGradients; ++i) {
          if ((wanted >> i & 1u) != 0)
            EXPECT_EQ(outputs[i]->values(), all[i]) << i;
          else
            EXPECT_TRUE(std::isnan((*outputs[i])[0])) << i;
        }
      }
    });
  }
}

TEST(DiagonalScan, LiveLimitsTheBatch) {
  const Kind kind{true, true};
  Scan scan(kind, 3, 70, 6), two(kind, 2, 70, 6);
  const Live live(2);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (Array<float>* a : {&scan.y, &scan.dx, &scan.d_initial}) a->poison();
    ASSERT_EQ(finish(scan.run(stream, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.run(stream), stream), FOVEA_OK);
    ASSERT_EQ(finish(scan.back(stream, ~0u, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.back(stream), stream), FOVEA_OK);
    EXPECT_EQ(scan.da.values(), two.da.values());
    for (auto [all, written] : {std::pair{&scan.y, &two.y}, {&scan.dx, &two.dx}, {&scan.d_initial, &two.d_initial}})
      for (int64_t i = 0; i < all->size(); ++i) {
        if (i < written->size())
          ASSERT_EQ((*all)[i], (*written)[i]) << i;
        else
          ASSERT_TRUE(std::isnan((*all)[i])) << i;
      }
    for (int64_t i = two.state.size(); i < scan.state.size(); ++i) ASSERT_EQ(scan.state[i], scan.initial[i]) << i;
  });
}

TEST(DiagonalScan, ArgumentsAreChecked) {
  Scan scan({true, true}, 2, 5, 4), other({true, true}, 2, 5, 6), odd({false, true}, 2, 5, 3);
  const StreamPtr stream = make_stream();
  const fovea_tensor x = scan.x.view(), a = scan.a.view(), state = scan.state.view(), y = scan.y.view();
  const fovea_tensor other_a = other.a.view(), other_x = other.x.view(), other_state = other.state.view();
  const fovea_tensor odd_x = odd.x.view(), odd_a = odd.a.view(), odd_y = odd.y.view();
  const fovea_tensor dy = scan.dy.view(), dx = scan.dx.view(), da = scan.da.view(), d_initial = scan.d_initial.view();
  const fovea_diagonal_scan_params params = scan.params();
  ASSERT_EQ(scan.run(stream.get()), FOVEA_OK);
  const Workspace workspace(1 << 12);
  const auto refused = [&](const fovea_tensor* px, const fovea_tensor* pa, const fovea_tensor* ps, const fovea_tensor* py,
                           const char* message) {
    EXPECT_EQ(fovea_diagonal_scan(&params, px, pa, ps, py, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(&x, &other_a, nullptr, &y, "diagonal_scan: a has 6 channels, expected 4");
  refused(&x, &other_x, nullptr, &y, "diagonal_scan: x is [2, 5, 4] f32 but a is [2, 5, 6] f32");
  refused(&x, &a, &other_state, &y, "diagonal_scan: state is [2, 6] f32, but x is [2, 5, 4] f32");
  refused(&odd_x, &odd_a, nullptr, &odd_y, "diagonal_scan: x has 3 channels, complex numbers need an even number");
  refused(&x, &a, nullptr, &x, "diagonal_scan: x and y overlap in memory");
  refused(&x, nullptr, nullptr, &y, "diagonal_scan: a is NULL");
  refused(nullptr, &a, nullptr, &y, "diagonal_scan: x is NULL");
  EXPECT_EQ(fovea_diagonal_scan(nullptr, &x, &a, &state, &y, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_diagonal_scan(&params, &x, &a, &state, &y, workspace.get(), nullptr), FOVEA_INVALID_ARGUMENT);

  const auto back = [&](const fovea_tensor* initial, const fovea_tensor* pdx, const fovea_tensor* pda, const fovea_tensor* pdi,
                        const fovea_workspace* space) {
    return fovea_diagonal_scan_backward(&params, &x, &a, initial, &y, &dy, nullptr, pdx, pda, pdi, space, stream.get());
  };
  EXPECT_EQ(back(&state, &dx, &da, &d_initial, workspace.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(back(nullptr, &dx, &da, &d_initial, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "diagonal_scan_backward: d_initial_state is given without initial_state");
  EXPECT_EQ(back(&state, &dy, &da, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "diagonal_scan_backward: dy and dx overlap in memory");
  EXPECT_EQ(back(&state, &dx, &other_a, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(back(&state, &dx, &da, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "diagonal_scan_backward: needs a workspace of 32 bytes, got none");
  int64_t bytes = 0;
  fovea_tensor huge = x;
  for (int i = 0; i < 3; ++i) huge.shape[i] = INT64_MAX;
  EXPECT_EQ(fovea_diagonal_scan_workspace(&params, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_diagonal_scan_backward_workspace(&params, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_diagonal_scan_workspace(&params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_diagonal_scan_workspace(&params, &x, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
