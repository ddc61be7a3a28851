#include "gradients.h"

using namespace fovea_test;

namespace {

// Which optional tensors a call passes.
struct Parts {
  bool decay = true, constant_decay = false, bonus = false, delta = false, state = true;
};
constexpr Parts kGated{true, false, false, false, true}, kRwkv5{true, true, true, false, true},
    kRwkv7{true, false, false, true, true}, kEverything{true, false, true, true, false},
    kNothing{false, false, false, false, false};
constexpr Parts kFamilies[] = {kGated, kRwkv5, kRwkv7, kEverything, kNothing};

enum { kQ, kK, kV, kDecay, kBonus, kRemoval, kReplacement, kInputs };

// All tensors of a call and of its gradients; `extra` columns of guard bytes behind each row.
struct Attention {
  int64_t batch, length, heads, keys, values;
  Array<float> q, k, v, log_decay, head_decay, bonus, removal, replacement, initial, state, o, d_o;
  Array<float> dq, dk, dv, d_log_decay, d_head_decay, d_bonus, d_removal, d_replacement;
  std::unique_ptr<Workspace> workspace;  // of the last gradients

  Attention(int64_t b, int64_t l, int64_t h, int64_t d, int64_t p, int64_t extra = 0)
      : batch(b),
        length(l),
        heads(h),
        keys(d),
        values(p),
        q({b, l, h, d}, d + extra),
        k({b, l, h, d}, d + 2 * extra),
        v({b, l, h, p}, p + extra),
        log_decay({b, l, h, d}, d + extra),
        head_decay({h, d}, d + extra),
        bonus({h, d}, d + 2 * extra),
        removal({b, l, h, d}, d + extra),
        replacement({b, l, h, d}, d + 3 * extra),
        initial({b, h, d, p}, p + extra),
        state({b, h, d, p}, p + extra),
        o({b, l, h, p}, p + 2 * extra),
        d_o({b, l, h, p}, p + extra),
        dq({b, l, h, d}, d + extra),
        dk({b, l, h, d}, d + extra),
        dv({b, l, h, p}, p + extra),
        d_log_decay({b, l, h, d}, d + 2 * extra),
        d_head_decay({h, d}, d + extra),
        d_bonus({h, d}, d + extra),
        d_removal({b, l, h, d}, d + extra),
        d_replacement({b, l, h, d}, d + extra) {
    q.fill(1), k.fill(2), v.fill(3), log_decay.fill(4, -2, -0.05), head_decay.fill(5, -2, -0.05), bonus.fill(6);
    initial.fill(7), d_o.fill(8);
    // removal^T replacement stays within 1 in size: the memory shrinks whatever is rewritten.
    const double part = 1 / std::sqrt(static_cast<double>(d) + 1);
    removal.fill(9, -part, part), replacement.fill(10, -0.7 * part, 0.7 * part);
  }

  // Positions [begin, begin + steps); more than one batch entry only when all positions are meant.
  fovea_status run_steps(const Parts& parts, int64_t begin, int64_t steps, fovea_stream* stream,
                         const int32_t* live = nullptr) {
    const auto cut = [&](Array<float>& a) {
      fovea_tensor t = a.view();
      t.data = a.data() + begin * heads * t.pitch;
      t.shape[1] = steps;
      return t;
    };
    fovea_tensor qt = cut(q);
    qt.live = live;
    const fovea_tensor kt = cut(k), vt = cut(v), wt = parts.constant_decay ? head_decay.view() : cut(log_decay),
                       ut = bonus.view();
    const fovea_tensor at = cut(removal), bt = cut(replacement), st = state.view(), ot = cut(o);
    const fovea_gated_linear_attention_inputs in = inputs(parts, qt, kt, vt, wt, ut, at, bt);
    return fovea_gated_linear_attention(&in, parts.state ? &st : nullptr, &ot, stream);
  }
  fovea_status run(const Parts& parts, fovea_stream* stream) {
    state.assign(initial.values());
    return run_steps(parts, 0, length, stream);
  }

  static fovea_gated_linear_attention_inputs inputs(const Parts& parts, const fovea_tensor& qt, const fovea_tensor& kt,
                                                    const fovea_tensor& vt, const fovea_tensor& wt, const fovea_tensor& ut,
                                                    const fovea_tensor& at, const fovea_tensor& bt) {
    return {&qt,
            &kt,
            &vt,
            parts.decay ? &wt : nullptr,
            parts.bonus ? &ut : nullptr,
            parts.delta ? &at : nullptr,
            parts.delta ? &bt : nullptr};
  }

  // `wanted`: bit i asks for the gradient of input i, among those that are present.
  fovea_status run_backward(const Parts& parts, fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), wt = (parts.constant_decay ? head_decay : log_decay).view();
    const fovea_tensor ut = bonus.view(), at = removal.view(), bt = replacement.view(), dot = d_o.view();
    const fovea_gated_linear_attention_inputs in = inputs(parts, qt, kt, vt, wt, ut, at, bt);
    const fovea_tensor outputs[kInputs] = {
        dq.view(),      dk.view(),        dv.view(),           (parts.constant_decay ? d_head_decay : d_log_decay).view(),
        d_bonus.view(), d_removal.view(), d_replacement.view()};
    const bool present[kInputs] = {true, true, true, parts.decay, parts.bonus, parts.delta, parts.delta};
    const auto asked = [&](int i) { return present[i] && (wanted >> i & 1u) != 0 ? &outputs[i] : nullptr; };
    const fovea_gated_linear_attention_gradients g{asked(kQ),     asked(kK),       asked(kV),          asked(kDecay),
                                                   asked(kBonus), asked(kRemoval), asked(kReplacement)};
    int64_t bytes = -1;
    EXPECT_EQ(fovea_gated_linear_attention_backward_workspace(&qt, &vt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_gated_linear_attention_backward(&in, &dot, &g, workspace->get(), stream);
  }

  std::vector<Array<float>*> gradients(const Parts& parts) {
    std::vector<Array<float>*> all{&dq, &dk, &dv};
    if (parts.decay) all.push_back(parts.constant_decay ? &d_head_decay : &d_log_decay);
    if (parts.bonus) all.push_back(&d_bonus);
    if (parts.delta) all.push_back(&d_removal), all.push_back(&d_replacement);
    return all;
  }
};

constexpr struct {
  int64_t batch, length, heads, keys, values, extra;
} kCases[] = {{1, 1, 1, 1, 1, 0},    {2, 3, 2, 4, 7, 0}, {1, 17, 1, 9, 34, 3}, {1, 2, 1, 64, 64, 0}, {1, 2, 2, 130, 33, 1},
              {1, 2, 1, 256, 50, 0}, {0, 3, 2, 4, 5, 0}, {2, 0, 2, 4, 5, 0},   {1, 3, 2, 0, 5, 0},   {1, 3, 2, 4, 0, 0}};

// Emulated devices are slow: everything at once where there are many keys, each family where there are few.
bool is_worth_it(int64_t keys, const Parts& parts) { return keys <= 8 || (parts.bonus && parts.delta); }

// o is a sum of at most 256 products of size 1 with memories of size 4 (1/(1 - decay) at worst 20, but signs mix): half an ulp
// of every running sum, 256 * 6e-8 * 4.
TEST(GatedLinearAttention, MatchesReference) {
  for (const auto& c : kCases)
    for (const Parts& parts : kFamilies) {
      if (!is_worth_it(c.keys, parts)) continue;
      SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.heads << " D " << c.keys << " P " << c.values
                                        << " bonus " << parts.bonus << " delta " << parts.delta);
      Attention a(c.batch, c.length, c.heads, c.keys, c.values, c.extra);
      const auto call = [&](fovea_stream* s) { return a.run(parts, s); };
      check_kernel<float>(a.o, {2e-5, 6e-5}, call);
      if (parts.state) check_kernel<float>(a.state, {2e-5, 6e-5}, call);
    }
}

// Decay 1/2 everywhere, bonus 2, keys and queries of ones, worked out by hand.
TEST(GatedLinearAttention, WorkedExample) {
  Attention a(1, 3, 1, 1, 1);
  a.q.assign({1, 2, 1}), a.k.assign({1, 1, 2}), a.v.assign({1, 2, 3}), a.head_decay.assign({-0.69314718f}), a.bonus.assign({2});
  a.initial.assign({4});
  // S: 4, 3, 3.5, 7.75. o = q (S + 2 k v): 1 (4 + 2), 2 (3 + 4), 1 (3.5 + 12).
  const float o[] = {6, 14, 15.5f};
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(a.run(kRwkv5, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t t = 0; t < 3; ++t) EXPECT_FLOAT_EQ(a.o[t], o[t]) << t;
    EXPECT_FLOAT_EQ(a.state[0], 7.75f);
  });
}

// A decay that is the same for all keys of a head, without bonus, is fovea_linear_attention.
TEST(GatedLinearAttention, EqualsLinearAttention) {
  Attention a(2, 37, 2, 16, 24);
  Array<float> scalar({2, 37, 2}), other({2, 37, 2, 24});
  scalar.fill(11, -1, -0.01);
  for (int64_t i = 0; i < a.log_decay.size(); ++i) a.log_decay[i] = scalar[i / 16];
  on_every_backend([&](fovea_stream* stream, bool) {
    const fovea_tensor q = a.q.view(), k = a.k.view(), v = a.v.view(), decay = scalar.view(), o = other.view();
    const fovea_linear_attention_params params{};
    int64_t bytes = 0;
    ASSERT_EQ(fovea_linear_attention_workspace(&params, &q, &v, &bytes), FOVEA_OK);
    const Workspace workspace(bytes);
    ASSERT_EQ(finish(fovea_linear_attention(&params, &q, &k, &v, &decay, nullptr, &o, workspace.get(), stream), stream),
              FOVEA_OK);
    Parts parts = kGated;
    parts.state = false;
    ASSERT_EQ(finish(a.run(parts, stream), stream), FOVEA_OK);
    for (int64_t i = 0; i < other.size(); ++i) ASSERT_TRUE(near(a.o[i], other[i], 2e-5, 2e-5)) << i;
  });
}

// The delta rule with unit keys (removal = k, replacement = -beta k, k = beta k): a key reads back what was last written for
// it.
TEST(GatedLinearAttention, DeltaRuleOverwrites) {
  Attention a(1, 3, 1, 2, 2);
  a.k.assign({1, 0, 0, 1, 1, 0}), a.q.assign({1, 0, 1, 1, 1, 0}), a.v.assign({1, 2, 5, 6, 7, 8});
  a.removal.assign({1, 0, 0, 1, 1, 0}), a.replacement.assign({-1, 0, 0, -1, -1, 0});
  const float o[] = {1, 2, 6, 8, 7, 8};  // at last 7, 8, not 8, 10
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(a.run({false, false, false, true, false}, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(a.o[i], o[i]) << i;
  });
}

// Every position does the same wherever the sequence is cut: the bits are equal.
TEST(GatedLinearAttention, PiecesWithStateEqualTheWhole) {
  for (const Parts& parts : {kRwkv5, kRwkv7})
    for (const int64_t piece : {1, 5}) {
      Attention whole(1, 12, 2, 9, 21, 2), cut(1, 12, 2, 9, 21, 2);
      on_every_backend([&](fovea_stream* stream, bool is_reference) {
        ASSERT_EQ(finish(whole.run(parts, stream), stream), FOVEA_OK);
        cut.state.assign(cut.initial.values());
        for (int64_t t = 0; t < 12; t += piece)
          ASSERT_EQ(finish(cut.run_steps(parts, t, std::min(piece, 12 - t), stream), stream), FOVEA_OK);
        if (is_reference) {  // carries doubles within a call, floats between calls
          for (int64_t i = 0; i < cut.o.size(); ++i) ASSERT_TRUE(near(cut.o[i], whole.o[i], 1e-5, 1e-5)) << i;
        } else {
          EXPECT_EQ(cut.o.values(), whole.o.values());
          EXPECT_EQ(cut.state.values(), whole.state.values());
        }
      });
    }
}

// A log decay of -inf forgets everything, NaN stays in its head.
TEST(GatedLinearAttention, InfinityAndNan) {
  Attention a(1, 4, 3, 5, 6);
  for (int64_t d = 0; d < 5; ++d) a.log_decay[(2 * 3 + 1) * 5 + d] = -HUGE_VALF;
  a.k[(1 * 3 + 2) * 5] = NAN;
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(a.run(kGated, stream), stream), FOVEA_OK);
    for (int64_t p = 0; p < 6; ++p) {
      double sum = 0;
      for (int64_t d = 0; d < 5; ++d)
        sum += static_cast<double>(a.q[(2 * 3 + 1) * 5 + d]) * static_cast<double>(a.k[(2 * 3 + 1) * 5 + d]);
      EXPECT_TRUE(near(a.o[(2 * 3 + 1) * 6 + p], sum * static_cast<double>(a.v[(2 * 3 + 1) * 6 + p]), 1e-5, 1e-6));
    }
    for (int64_t t = 0; t < 4; ++t)
      for (int64_t h = 0; h < 3; ++h) EXPECT_EQ(std::isnan(a.o[(t * 3 + h) * 6]), h == 2 && t >= 1) << t << " " << h;
  });
}

TEST(GatedLinearAttention, LiveLimitsTheBatch) {
  Attention a(2, 3, 2, 4, 5);
  Array<int32_t> live({1});
  live[0] = 1;
  on_every_backend([&](fovea_stream* stream, bool) {
    a.state.assign(a.initial.values());
    a.o.poison();
    ASSERT_EQ(finish(a.run_steps(kRwkv7, 0, 3, stream, live.data()), stream), FOVEA_OK);
    for (int64_t i = 0; i < a.o.size(); ++i) EXPECT_EQ(std::isnan(a.o[i]), i >= 30) << i;
    for (int64_t i = 40; i < 80; ++i) EXPECT_EQ(a.state[i], a.initial[i]) << i;
  });
}

TEST(GatedLinearAttention, ArgumentsAreChecked) {
  Attention a(2, 5, 3, 4, 6), other(2, 5, 3, 7, 6), many(1, 1, 1, 257, 2);
  const StreamPtr stream = make_stream();
  const fovea_tensor q = a.q.view(), k = a.k.view(), v = a.v.view(), w = a.log_decay.view(), u = a.bonus.view();
  const fovea_tensor removal = a.removal.view(), replacement = a.replacement.view(), s = a.state.view(), o = a.o.view();
  const fovea_tensor ok = other.k.view(), ou = other.bonus.view(), os = other.state.view(), mq = many.q.view(),
                     mv = many.v.view();
  using Inputs = fovea_gated_linear_attention_inputs;
  const auto run = [&](const Inputs& in, const fovea_tensor* state, const fovea_tensor* out) {
    return fovea_gated_linear_attention(&in, state, out, stream.get());
  };
  const Inputs good{&q, &k, &v, &w, &u, &removal, &replacement};
  EXPECT_EQ(run(good, &s, &o), FOVEA_OK) << fovea_last_error();
  Inputs bad = good;
  bad.replacement = nullptr;
  EXPECT_EQ(run(bad, &s, &o), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gated_linear_attention: removal and replacement go together");
  bad = good, bad.bonus = &ou;
  EXPECT_EQ(run(bad, &s, &o), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gated_linear_attention: bonus is [3, 7] f32, expected [H][D] of q [2, 5, 3, 4] f32");
  for (const auto field : {&Inputs::q, &Inputs::k, &Inputs::v}) {
    bad = good, bad.*field = nullptr;
    EXPECT_EQ(run(bad, &s, &o), FOVEA_INVALID_ARGUMENT);
  }
  for (const auto field : {&Inputs::k, &Inputs::log_decay, &Inputs::removal, &Inputs::replacement}) {
    bad = good, bad.*field = &ok;
    EXPECT_EQ(run(bad, &s, &o), FOVEA_INVALID_ARGUMENT);
  }
  EXPECT_EQ(run({&mq, &mq, &mv, nullptr, nullptr, nullptr, nullptr}, nullptr, &mv), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gated_linear_attention: q has 257 keys, allowed are 0 to 256");
  EXPECT_EQ(run(good, &os, &o), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(good, &s, &v), FOVEA_INVALID_ARGUMENT) << "in place";
  EXPECT_EQ(run(good, &s, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_gated_linear_attention(nullptr, &s, &o, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_gated_linear_attention(&good, &s, &o, nullptr), FOVEA_INVALID_ARGUMENT);
}

// ---- gradients -----------------------------------------------------------------------------------------------------------

// As above, with a gradient of the memory of the same size as the memory: sums of up to 256 products of the two.
TEST(GatedLinearAttentionBackward, MatchesReference) {
  for (const auto& c : kCases)
    for (const Parts& parts : kFamilies) {
      if (!is_worth_it(c.keys, parts)) continue;
      SCOPED_TRACE(::testing::Message() << c.batch << "x" << c.length << "x" << c.heads << " D " << c.keys << " P " << c.values
                                        << " bonus " << parts.bonus << " delta " << parts.delta);
      Attention a(c.batch, c.length, c.heads, c.keys, c.values, c.extra);
      const std::vector<Array<float>*> outputs = a.gradients(parts);
      check_gradients(outputs, std::vector<Tolerance>(outputs.size(), {3e-5, 5e-4}),
                      [&](fovea_stream* s) { return a.run_backward(parts, s); });
      EXPECT_TRUE(a.workspace->guards_intact());
    }
}

// The definition in double, in a loop of its own.
TEST(GatedLinearAttentionBackward, EqualsFiniteDifferences) {
  constexpr int64_t kLength = 18, kHeads = 2, kKeys = 3, kValues = 4;  // more positions than are kept at once
  for (const Parts& parts : {kRwkv5, kEverything, kRwkv7}) {
    Attention a(1, kLength, kHeads, kKeys, kValues);
    Values in[kInputs] = {
        widen(a.q),     widen(a.k),       widen(a.v),          widen(parts.constant_decay ? a.head_decay : a.log_decay),
        widen(a.bonus), widen(a.removal), widen(a.replacement)};
    const auto loss = [&] {
      double total = 0;
      for (int64_t h = 0; h < kHeads; ++h)
        for (int64_t p = 0; p < kValues; ++p) {
          double s[kKeys] = {};
          for (int64_t t = 0; t < kLength; ++t) {
            const auto x = [&](int i, int64_t d) { return in[i][static_cast<size_t>((t * kHeads + h) * kKeys + d)]; };
            const auto by_head = [&](int i, int64_t d) { return in[i][static_cast<size_t>(h * kKeys + d)]; };
            const double v = in[kV][static_cast<size_t>((t * kHeads + h) * kValues + p)];
            double removed = 0, o = 0, after[kKeys];
            for (int64_t d = 0; d < kKeys && parts.delta; ++d) removed += x(kRemoval, d) * s[d];
            for (int64_t d = 0; d < kKeys; ++d) {
              const double decay = parts.constant_decay ? by_head(kDecay, d) : x(kDecay, d);
              after[d] = std::exp(decay) * s[d] + x(kK, d) * v + (parts.delta ? x(kReplacement, d) * removed : 0.0);
              o += x(kQ, d) * (parts.bonus ? s[d] + by_head(kBonus, d) * x(kK, d) * v : after[d]);
            }
            std::copy(after, after + kKeys, s);
            total += o * static_cast<double>(a.d_o[(t * kHeads + h) * kValues + p]);
          }
        }
      return total;
    };
    const bool present[kInputs] = {true, true, true, true, parts.bonus, parts.delta, parts.delta};
    Values expected[kInputs];
    for (int i = 0; i < kInputs; ++i)
      if (present[i]) expected[i] = slopes(in[i], 1e-4, loss);
    const Array<float>* outputs[kInputs] = {
        &a.dq,      &a.dk,        &a.dv,           parts.constant_decay ? &a.d_head_decay : &a.d_log_decay,
        &a.d_bonus, &a.d_removal, &a.d_replacement};
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(a.run_backward(parts, stream), stream), FOVEA_OK) << fovea_last_error();
      for (int i = 0; i < kInputs; ++i)
        for (size_t n = 0; n < expected[i].size(); ++n)
          ASSERT_TRUE(near((*outputs[i])[static_cast<int64_t>(n)], expected[i][n], 2e-5, 2e-5)) << i << " element " << n;
    });
  }
}

TEST(GatedLinearAttentionBackward, GradientsAreOptionalAndLiveLimitsTheBatch) {
  Attention a(2, 3, 2, 4, 5);
  Array<int32_t> live({1});
  live[0] = 1;
  on_every_backend([&](fovea_stream* stream, bool) {
    a.dk.poison(), a.dv.poison();
    ASSERT_EQ(finish(a.run_backward(kEverything, stream, 1u << kK, live.data()), stream), FOVEA_OK);
    for (int64_t i = 0; i < a.dk.size(); ++i) EXPECT_EQ(std::isnan(a.dk[i]), i >= 24) << i;
    for (int64_t i = 0; i < a.dv.size(); ++i) EXPECT_TRUE(std::isnan(a.dv[i])) << "was not asked for";
  });
}

TEST(GatedLinearAttentionBackward, ArgumentsAreChecked) {
  Attention a(2, 5, 3, 4, 6);
  const StreamPtr stream = make_stream();
  const fovea_tensor q = a.q.view(), k = a.k.view(), v = a.v.view(), d_o = a.d_o.view(), dq = a.dq.view(), dv = a.dv.view();
  const fovea_tensor du = a.d_bonus.view();
  const fovea_gated_linear_attention_inputs in{&q, &k, &v, nullptr, nullptr, nullptr, nullptr};
  using Gradients = fovea_gated_linear_attention_gradients;
  int64_t bytes = 0;
  ASSERT_EQ(fovea_gated_linear_attention_backward_workspace(&q, &v, &bytes), FOVEA_OK);
  const Workspace enough(bytes), small(4);
  const auto run = [&](const fovea_tensor* from, const Gradients& g, const fovea_workspace* workspace) {
    return fovea_gated_linear_attention_backward(&in, from, &g, workspace, stream.get());
  };
  const Gradients good{&dq, nullptr, &dv, nullptr, nullptr, nullptr, nullptr};
  EXPECT_EQ(run(&d_o, good, enough.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(run(&d_o, good, small.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(nullptr, good, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&q, good, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d_o, {&dq, nullptr, nullptr, nullptr, &du, nullptr, nullptr}, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gated_linear_attention_backward: d_bonus is given without bonus");
  EXPECT_EQ(run(&d_o, {&dq, &dq, nullptr, nullptr, nullptr, nullptr, nullptr}, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&d_o, {&k, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr}, enough.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_gated_linear_attention_backward_workspace(&q, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_gated_linear_attention_backward_workspace(&q, &v, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
