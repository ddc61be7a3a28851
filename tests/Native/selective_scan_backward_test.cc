#include <memory>

#include "every_backend.h"

using namespace fovea_test;

namespace {

// Which optional tensors a call passes.
struct Parts {
  bool skip = true, z = true, bias = true, initial = true, final = true, softplus = true;
};

enum { kDu, kDDelta, kDa, kDb, kDc, kDSkip, kDz, kDBias, kDInitial, kGradients };

// All tensors of one call; `extra` columns of guard bytes behind each row.
struct Backward {
  int64_t batch, length, channels, states;
  Array<float> u, delta, A, Bm, C, skip, z, bias, initial, dy, d_final;
  std::vector<Array<float>> gradients;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Backward(int64_t entries, int64_t steps, int64_t width, int64_t n, int64_t extra = 0)
      : batch(entries),
        length(steps),
        channels(width),
        states(n),
        u({batch, steps, channels}, channels + extra),
        delta({batch, steps, channels}, channels + 2 * extra),
        A({channels, states}, states + extra),
        Bm({batch, steps, states}, states + extra),
        C({batch, steps, states}, states + 3 * extra),
        skip({channels}),
        z({batch, steps, channels}, channels + extra),
        bias({channels}),
        initial({batch, channels, states}, states + extra),
        dy({batch, steps, channels}, channels + extra),
        d_final({batch, channels, states}, states + 2 * extra) {
    u.fill(1), delta.fill(2, 0, 0.5), A.fill(3, -8, -0.05), Bm.fill(4), C.fill(5), skip.fill(6), z.fill(7, -3, 3);
    bias.fill(8, 0, 0.3), initial.fill(9), dy.fill(10), d_final.fill(11);
    for (const Array<float>* like : {&u, &delta, &A, &Bm, &C, &skip, &z, &bias, &initial}) gradients.emplace_back(*like);
  }

  bool present(const Parts& p, int i) const {
    return i == kDSkip ? p.skip : i == kDz ? p.z : i == kDBias ? p.bias : i == kDInitial ? p.initial : true;
  }

  int64_t workspace_bytes(const Parts& p) {
    const fovea_selective_scan_params params{p.softplus ? 1 : 0, 0};
    const fovea_tensor ut = u.view(), at = A.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_selective_scan_backward_workspace(&params, &ut, &at, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }

  // `wanted`: bit i asks for gradient i, among those whose inputs are present.
  fovea_status run(const Parts& p, fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    workspace = std::make_unique<Workspace>(workspace_bytes(p));
    const fovea_selective_scan_params params{p.softplus ? 1 : 0, 0};
    fovea_tensor ut = u.view();
    ut.live = live;
    const fovea_tensor dt = delta.view(), at = A.view(), bt = Bm.view(), ct = C.view(), skt = skip.view(), zt = z.view();
    const fovea_tensor dbt = bias.view(), it = initial.view(), dyt = dy.view(), ft = d_final.view();
    fovea_tensor g[kGradients];
    const fovea_tensor* at_gradient[kGradients];
    for (int i = 0; i < kGradients; ++i) {
      g[i] = gradients[static_cast<size_t>(i)].view();
      at_gradient[i] = present(p, i) && (wanted >> i & 1u) != 0 ? &g[i] : nullptr;
    }
    const fovea_selective_scan_gradients out{at_gradient[kDu], at_gradient[kDDelta], at_gradient[kDa],
                                             at_gradient[kDb], at_gradient[kDc],     at_gradient[kDSkip],
                                             at_gradient[kDz], at_gradient[kDBias],  at_gradient[kDInitial]};
    return fovea_selective_scan_backward(&params, &ut, &dt, &at, &bt, &ct, p.skip ? &skt : nullptr, p.z ? &zt : nullptr,
                                         p.bias ? &dbt : nullptr, p.initial ? &it : nullptr, &dyt, p.final ? &ft : nullptr,
                                         &out, workspace->get(), stream);
  }

  Array<float>* inputs(int i) {
    Array<float>* all[] = {&u, &delta, &A, &Bm, &C, &skip, &z, &bias, &initial};
    return all[i];
  }
};

using Values = std::vector<double>;
Values widen(const Array<float>& a) {
  const std::vector<float> v = a.values();
  return Values(v.begin(), v.end());
}

// The inputs as doubles, in the order of the gradients, so that finite differences can disturb any of them.
struct Model {
  int64_t batch, length, channels, states;
  Parts p;
  std::vector<Values> in;
  Values dy, d_final;

  Model(Backward& b, const Parts& parts)
      : batch(b.batch),
        length(b.length),
        channels(b.channels),
        states(b.states),
        p(parts),
        dy(widen(b.dy)),
        d_final(widen(b.d_final)) {
    for (int i = 0; i < kGradients; ++i) in.push_back(widen(*b.inputs(i)));
  }

  // What the gradients are gradients of: sum(dy * y) + sum(d_final * h_L), by the plain forward recurrence.
  double loss() const {
    double total = 0;
    for (int64_t e = 0; e < batch; ++e)
      for (int64_t d = 0; d < channels; ++d) {
        Values h(static_cast<size_t>(states));
        for (int64_t n = 0; n < states; ++n) h[n] = p.initial ? in[kDInitial][(e * channels + d) * states + n] : 0.0;
        for (int64_t t = 0; t < length; ++t) {
          const int64_t row = e * length + t, at = row * channels + d;
          const double u = in[kDu][at];
          double delta = in[kDDelta][at] + (p.bias ? in[kDBias][d] : 0.0);
          if (p.softplus) delta = std::log1p(std::exp(delta));
          double y = p.skip ? in[kDSkip][d] * u : 0.0;
          for (int64_t n = 0; n < states; ++n) {
            h[n] = std::exp(delta * in[kDa][d * states + n]) * h[n] + delta * in[kDb][row * states + n] * u;
            y += in[kDc][row * states + n] * h[n];
          }
          if (p.z) y *= in[kDz][at] / (1 + std::exp(-in[kDz][at]));
          total += dy[at] * y;
        }
        for (int64_t n = 0; p.final && n < states; ++n) total += d_final[(e * channels + d) * states + n] * h[n];
      }
    return total;
  }
};

// Sums run over up to 257 steps or 130 channels of terms of order 1 (states remember about 1/(delta*|A|) <= 40 steps), so
// absolute values reach a few hundred; f32 rounding of each term, of decays raised along the memory and of the running sums is
// some 1e-6 of the largest partial sum.
constexpr Tolerance kTolerance{3e-5, 3e-4};

void check_all(Backward& b, const Parts& p) {
  std::vector<std::vector<float>> expected;  // of the reference, which runs first
  for (int i = 0; i < kGradients; ++i) {
    if (!b.present(p, i)) continue;
    SCOPED_TRACE(::testing::Message() << "gradient " << i);
    if (test_device() == nullptr || expected.empty())
      check_kernel<float>(b.gradients[static_cast<size_t>(i)], kTolerance, [&](fovea_stream* s) {
        const fovea_status status = b.run(p, s);
        for (int k = 0; k < kGradients && expected.size() < kGradients; ++k)
          expected.push_back(b.gradients[static_cast<size_t>(k)].values());
        return status;
      });
    else  // there one run fills all
      expect_near(b.gradients[static_cast<size_t>(i)].values(), expected[static_cast<size_t>(i)], kTolerance);
  }
  EXPECT_TRUE(b.workspace->guards_intact());
}

TEST(SelectiveScanBackward, MatchesReference) {
  const struct {
    int64_t batch, length, channels, states, extra;
  } cases[] = {{1, 1, 1, 1, 0},    {1, 17, 3, 1, 0},   {2, 31, 5, 4, 0},  {1, 16, 16, 16, 0}, {1, 33, 19, 16, 3},
               {2, 15, 65, 16, 1}, {1, 20, 17, 64, 2}, {1, 257, 7, 5, 0}, {3, 1, 130, 16, 0}, {1, 18, 2, 256, 0},
               {0, 5, 3, 4, 0},    {2, 0, 3, 4, 0},    {2, 5, 0, 4, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.channels << " N " << c.states);
    Backward b(c.batch, c.length, c.channels, c.states, c.extra);
    check_all(b, {});
  }
}

TEST(SelectiveScanBackward, EveryCombinationOfOptionalInputs) {
  for (int bits = 0; bits < 64; ++bits) {
    if (test_device() != nullptr && bits % 3 != 0) continue;  // every pair of them, emulated in a third of the time
    const Parts p{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0, (bits & 32) != 0};
    SCOPED_TRACE(::testing::Message() << "parts " << bits);
    Backward b(2, 18, 5, 3);
    check_all(b, p);
  }
}

// Central differences of the plain double recurrence: steps of 1e-5 leave 1e-10 of truncation and 1e-10 of cancellation; the
// result is an f32.
TEST(SelectiveScanBackward, EqualsFiniteDifferences) {
  for (const bool softplus : {true, false})
    for (const int64_t states : {1, 4}) {
      Parts p;
      p.softplus = softplus;
      Backward b(2, 19, 3, states);
      Model model(b, p);
      std::vector<Values> expected;
      for (int i = 0; i < kGradients; ++i) {
        Values slopes;
        for (double& x : model.in[i]) {
          const double kept = x, step = 1e-5;
          x = kept + step;
          const double above = model.loss();
          x = kept - step;
          slopes.push_back((above - model.loss()) / (2 * step));
          x = kept;
        }
        expected.push_back(slopes);
      }
      on_every_backend([&](fovea_stream* stream, bool) {
        ASSERT_EQ(finish(b.run(p, stream), stream), FOVEA_OK) << fovea_last_error();
        for (int i = 0; i < kGradients; ++i)
          for (size_t k = 0; k < expected[i].size(); ++k)
            ASSERT_TRUE(near(b.gradients[i][k], expected[i][k], 1e-5, 1e-5)) << "gradient " << i << " element " << k;
      });
    }
}

// The recurrences and all sums are f32; a gradient is rounded by `unit` of itself, and so is what it is compared with.
// Gradients of parameters and states stay f32.
template <class T>
void check_narrow(double unit) {
  for (const int64_t states : {3, 16}) {
    SCOPED_TRACE(states);
    Backward wide(2, 19, 35, states);
    const auto narrow = [](Array<float>& from) {
      std::vector<int64_t> shape;
      const fovea_tensor t = from.view();
      for (int i = 0; i < t.rank; ++i) shape.push_back(t.shape[i]);
      Array<T> to(shape, t.pitch + 3);
      for (int64_t i = 0; i < from.size(); ++i) to[i] = T(from[i]), from[i] = static_cast<float>(to[i]);
      return to;
    };
    Array<T> u = narrow(wide.u), delta = narrow(wide.delta), Bm = narrow(wide.Bm), C = narrow(wide.C), z = narrow(wide.z);
    Array<T> dy = narrow(wide.dy), du(u), d_delta(u), dz(u), db(Bm), dc(C);
    Array<float> da(wide.A), d_skip(wide.skip), d_bias(wide.bias), d_initial(wide.initial);
    std::unique_ptr<Workspace> memory;
    const fovea_selective_scan_params params{1, 0};
    const auto call = [&](fovea_stream* s) {
      const fovea_tensor ut = u.view(), dt = delta.view(), at = wide.A.view(), bt = Bm.view(), ct = C.view(), zt = z.view();
      const fovea_tensor skt = wide.skip.view(), bit = wide.bias.view(), it = wide.initial.view(), dyt = dy.view();
      const fovea_tensor ft = wide.d_final.view(), dut = du.view(), ddt = d_delta.view(), dat = da.view(), dbt = db.view();
      const fovea_tensor dct = dc.view(), dst = d_skip.view(), dzt = dz.view(), dbit = d_bias.view(), dit = d_initial.view();
      const fovea_selective_scan_gradients out{&dut, &ddt, &dat, &dbt, &dct, &dst, &dzt, &dbit, &dit};
      int64_t bytes = 0;
      EXPECT_EQ(fovea_selective_scan_backward_workspace(&params, &ut, &at, &bytes), FOVEA_OK);
      memory = std::make_unique<Workspace>(bytes);
      return fovea_selective_scan_backward(&params, &ut, &dt, &at, &bt, &ct, &skt, &zt, &bit, &it, &dyt, &ft, &out,
                                           memory->get(), s);
    };
    const auto reference = [&](fovea_stream* s) { return wide.run({}, s); };
    const Tolerance rounded{2 * unit + kTolerance.relative, kTolerance.absolute};
    check_narrow_kernel<T>(du, wide.gradients[kDu], rounded, reference, call);
    if (test_device() == nullptr) return;
    EXPECT_TRUE(memory->guards_intact());
    const auto compare = [&](const auto& actual, int gradient, Tolerance tolerance) {
      SCOPED_TRACE(gradient);
      const Array<float>& expected = wide.gradients[static_cast<size_t>(gradient)];
      for (int64_t i = 0; i < expected.size(); ++i)
        ASSERT_TRUE(near(static_cast<double>(actual[i]), expected[i], tolerance.relative, tolerance.absolute)) << i;
    };
    compare(d_delta, kDDelta, rounded), compare(db, kDb, rounded), compare(dc, kDc, rounded), compare(dz, kDz, rounded);
    compare(da, kDa, kTolerance), compare(d_skip, kDSkip, kTolerance), compare(d_bias, kDBias, kTolerance);
    compare(d_initial, kDInitial, kTolerance);
  }
}
TEST(SelectiveScanBackward, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(SelectiveScanBackward, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// Gradients that nobody asks for change nothing in the others.
TEST(SelectiveScanBackward, GradientsMayBeLeftOut) {
  Backward b(2, 21, 18, 5);
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(b.run({}, stream), stream), FOVEA_OK);
    std::vector<std::vector<float>> all;
    for (const Array<float>& g : b.gradients) all.push_back(g.values());
    for (uint32_t wanted : {0u, 1u << kDu, 1u << kDDelta, 1u << kDa, 1u << kDb, 1u << kDc, 1u << kDSkip, 1u << kDz,
                            1u << kDBias, 1u << kDInitial, ~(1u << kDz)}) {
      for (Array<float>& g : b.gradients) g.poison();
      ASSERT_EQ(finish(b.run({}, stream, wanted), stream), FOVEA_OK);
      for (size_t i = 0; i < b.gradients.size(); ++i) {
        if ((wanted >> i & 1u) != 0)
          EXPECT_EQ(b.gradients[i].values(), all[i]) << i;
        else
          EXPECT_TRUE(b.gradients[i].size() == 0 || std::isnan(b.gradients[i][0])) << i;
      }
    }
  });
}

// exp(-200) is 0 in f32: the state forgets, gradients stay finite, and nothing flows to the initial state.
TEST(SelectiveScanBackward, VanishingDecays) {
  Backward b(1, 40, 18, 4);
  Parts p;
  p.softplus = p.bias = false;
  for (int64_t i = 0; i < b.delta.size(); ++i) b.delta[i] = 1;
  for (int64_t i = 0; i < b.A.size(); ++i) b.A[i] = -200;
  check_all(b, p);
  for (int64_t i = 0; i < b.initial.size(); ++i) EXPECT_EQ(b.gradients[kDInitial][i], 0);
}

TEST(SelectiveScanBackward, LiveLimitsTheBatch) {
  Backward b(3, 18, 5, 2), two(2, 18, 5, 2);
  Array<int32_t> live({1});
  live[0] = 2;
  for (int i = 0; i < kGradients; ++i) {
    if (i == kDa || i == kDSkip || i == kDBias) continue;
    for (int64_t k = 0; k < two.inputs(i)->size(); ++k) (*two.inputs(i))[k] = (*b.inputs(i))[k];
  }
  for (int64_t k = 0; k < two.dy.size(); ++k) two.dy[k] = b.dy[k];
  for (int64_t k = 0; k < two.d_final.size(); ++k) two.d_final[k] = b.d_final[k];
  on_every_backend([&](fovea_stream* stream, bool) {
    for (Array<float>& g : b.gradients) g.poison();
    ASSERT_EQ(finish(b.run({}, stream, ~0u, live.data()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.run({}, stream), stream), FOVEA_OK);
    for (int i = 0; i < kGradients; ++i) {
      const int64_t written = two.gradients[i].size();
      for (int64_t k = 0; k < written; ++k) ASSERT_EQ(b.gradients[i][k], two.gradients[i][k]) << i << " " << k;
      for (int64_t k = written; k < b.gradients[i].size(); ++k) ASSERT_TRUE(std::isnan(b.gradients[i][k])) << i << " " << k;
    }
  });
}

TEST(SelectiveScanBackward, ArgumentsAreChecked) {
  Backward b(2, 5, 3, 4);
  const StreamPtr stream = make_stream();
  const Workspace workspace(b.workspace_bytes({}));
  const fovea_selective_scan_params params{1, 0};
  const fovea_tensor u = b.u.view(), delta = b.delta.view(), A = b.A.view(), Bm = b.Bm.view(), C = b.C.view();
  const fovea_tensor skip = b.skip.view(), dy = b.dy.view(), du = b.gradients[kDu].view();
  const auto run = [&](const fovea_selective_scan_gradients* g, const fovea_workspace* w, const fovea_tensor* d_y,
                       const fovea_tensor* d_final = nullptr) {
    return fovea_selective_scan_backward(&params, &u, &delta, &A, &Bm, &C, &skip, nullptr, nullptr, nullptr, d_y, d_final, g, w,
                                         stream.get());
  };
  fovea_selective_scan_gradients g{};
  g.du = &du;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(run(nullptr, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&g, workspace.get(), nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&g, nullptr, &dy), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&g, workspace.get(), &A), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&g, workspace.get(), &dy, &u), FOVEA_INVALID_ARGUMENT);
  fovea_workspace small = *workspace.get();
  small.bytes -= 1;
  EXPECT_EQ(run(&g, &small, &dy), FOVEA_INVALID_ARGUMENT);
  g.dz = &du;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "selective_scan_backward: dz is given without z");
  g.dz = nullptr, g.d_delta = &du;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT) << "du and d_delta are the same memory";
  g.d_delta = nullptr, g.du = &dy;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT) << "du overlaps dy";
  g.du = &u;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT) << "du overlaps u";
  g.du = &A;
  EXPECT_EQ(run(&g, workspace.get(), &dy), FOVEA_INVALID_ARGUMENT) << "shape";
  int64_t bytes = 0;
  fovea_tensor huge = u;
  for (int i = 0; i < 3; ++i) huge.shape[i] = INT64_MAX;
  EXPECT_EQ(fovea_selective_scan_backward_workspace(&params, &huge, &A, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_selective_scan_backward_workspace(&params, nullptr, &A, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_selective_scan_backward_workspace(&params, &u, &A, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
