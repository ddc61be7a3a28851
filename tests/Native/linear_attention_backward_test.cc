#include "gradients.h"

using namespace fovea_test;

namespace {

// Gradients, and the inputs they belong to.
enum { kQ, kK, kV, kDecay, kState, kGradients };
enum class Decay { kNone, kPerHead, kPerPosition };

struct Shape {
  int64_t batch, length, heads, groups, key_size, value_size;
};

// All tensors of one call; `extra` columns of guard bytes behind each row.
template <class T>
struct Backward {
  Shape shape;
  Decay decay;
  fovea_linear_attention_params params{0.5f, 0};
  bool with_state = true, with_final = true;
  Array<T> q, k, v, d_o, dq, dk, dv;
  Array<float> log_decay, state, d_final, d_decay, d_state;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Backward(const Shape& s, Decay kind, int64_t extra = 0)
      : shape(s),
        decay(kind),
        q({s.batch, s.length, s.groups, s.key_size}, s.key_size + extra),
        k({s.batch, s.length, s.groups, s.key_size}, s.key_size + 2 * extra),
        v({s.batch, s.length, s.heads, s.value_size}, s.value_size + extra),
        d_o({s.batch, s.length, s.heads, s.value_size}, s.value_size + 3 * extra),
        dq(q),
        dk(k),
        dv(v),
        log_decay(
            kind == Decay::kPerPosition ? std::vector<int64_t>{s.batch, s.length, s.heads} : std::vector<int64_t>{s.heads},
            kind == Decay::kPerPosition ? s.heads + extra : 0),
        state({s.batch, s.heads, s.key_size, s.value_size}, s.value_size + extra),
        d_final(state),
        d_decay(log_decay),
        d_state(state) {
    q.fill(1), k.fill(2), v.fill(3), d_o.fill(4), log_decay.fill(5, -0.4, 0), state.fill(6), d_final.fill(7);
  }

  bool is_wanted(int i) const { return i == kDecay ? decay != Decay::kNone : i == kState ? with_state : true; }

  int64_t workspace_bytes() {
    const fovea_tensor qt = q.view(), vt = v.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_linear_attention_backward_workspace(&params, &qt, &vt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }

  // `wanted`: bit i asks for gradient i, among those whose inputs are present.
  fovea_status run(fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    workspace = std::make_unique<Workspace>(workspace_bytes());
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), at = log_decay.view(), st = state.view(), ot = d_o.view();
    const fovea_tensor ft = d_final.view(), dqt = dq.view(), dkt = dk.view(), dvt = dv.view(), dat = d_decay.view();
    const fovea_tensor dst = d_state.view();
    const auto asked = [&](int i, const fovea_tensor& t) { return is_wanted(i) && (wanted >> i & 1u) != 0 ? &t : nullptr; };
    const fovea_linear_attention_gradients g{asked(kQ, dqt), asked(kK, dkt), asked(kV, dvt), asked(kDecay, dat),
                                             asked(kState, dst)};
    return fovea_linear_attention_backward(&params, &qt, &kt, &vt, decay == Decay::kNone ? nullptr : &at,
                                           with_state ? &st : nullptr, &ot, with_final ? &ft : nullptr, &g, workspace->get(),
                                           stream);
  }
};

std::vector<Array<float>*> outputs_of(Backward<float>& b) {
  Array<float>* all[] = {&b.dq, &b.dk, &b.dv, &b.d_decay, &b.d_state};
  std::vector<Array<float>*> wanted;
  for (int i = 0; i < kGradients; ++i)
    if (b.is_wanted(i)) wanted.push_back(all[i]);
  return wanted;
}

// Every gradient is a sum over up to `length` positions (without decay all of them count) of products of D- or P-term scores of
// terms of size 1/3 at random: of the size of sqrt(length * D), rounded some times at 6e-8 of its largest partial sum. The
// decay's multiplies two scores and adds over two ranges of positions, and over batch and positions when it is constant.
void check_all(Backward<float>& b) {
  const Shape& s = b.shape;
  const double scale = std::sqrt(static_cast<double>((s.length + 1) * (s.key_size + s.value_size + 1)));
  const double heads = std::sqrt(static_cast<double>(s.groups == 0 ? 1 : s.heads / s.groups));
  std::vector<Tolerance> tolerances(3, {1e-5, 1e-6 * scale * heads});
  if (b.is_wanted(kDecay)) {
    const double sums = b.decay == Decay::kPerHead ? static_cast<double>(s.batch * s.length) : 1.0;
    tolerances.push_back({1e-5, 4e-7 * scale * scale * std::sqrt(sums)});
  }
  if (b.is_wanted(kState)) tolerances.push_back(tolerances[0]);
  check_gradients(outputs_of(b), tolerances, [&](fovea_stream* stream) { return b.run(stream); });
  EXPECT_TRUE(b.workspace->guards_intact());
}

TEST(LinearAttentionBackward, MatchesReference) {
  const struct {
    Shape shape;
    int64_t extra;
  } cases[] = {{{1, 1, 1, 1, 1, 1}, 0},   {{2, 3, 2, 1, 5, 7}, 0},    {{1, 65, 2, 2, 16, 33}, 3}, {{2, 17, 4, 2, 19, 16}, 1},
               {{1, 130, 1, 1, 3, 5}, 0}, {{1, 10, 3, 1, 70, 66}, 0}, {{0, 3, 2, 1, 4, 4}, 0},    {{2, 0, 2, 1, 4, 4}, 0},
               {{1, 3, 2, 1, 0, 4}, 0},   {{1, 3, 2, 1, 4, 0}, 0},    {{1, 3, 0, 1, 4, 4}, 0}};
  for (const auto& c : cases)
    for (const Decay decay : {Decay::kNone, Decay::kPerHead, Decay::kPerPosition}) {
      const Shape& s = c.shape;
      SCOPED_TRACE(::testing::Message() << s.batch << "x" << s.length << ", heads " << s.heads << "/" << s.groups << ", D "
                                        << s.key_size << ", P " << s.value_size << ", decay " << static_cast<int>(decay));
      Backward<float> b(s, decay, c.extra);
      check_all(b);
    }
}

TEST(LinearAttentionBackward, EveryCombinationOfParts) {
  for (int bits = 0; bits < 4; ++bits)
    for (const Decay decay : {Decay::kNone, Decay::kPerHead, Decay::kPerPosition}) {
      SCOPED_TRACE(::testing::Message() << "parts " << bits << " decay " << static_cast<int>(decay));
      Backward<float> b({2, 70, 2, 1, 5, 6}, decay);
      b.with_state = (bits & 1) != 0, b.with_final = (bits & 2) != 0;
      check_all(b);
    }
}

TEST(LinearAttentionBackward, ChunkSizes) {
  for (const int32_t chunk : {1, 2, 7, 32, 33, 256, 1000}) {
    SCOPED_TRACE(chunk);
    Backward<float> b({1, 77, 2, 1, 6, 5}, Decay::kPerPosition);
    b.params.chunk = chunk;
    check_all(b);
  }
}

// Central differences of the plain recurrence in double: steps of 1e-5 leave 1e-10 of truncation and, of a loss of some 100,
// 1e-9 of cancellation; the result is an f32 of size 10.
TEST(LinearAttentionBackward, EqualsFiniteDifferences) {
  for (const Decay decay : {Decay::kPerHead, Decay::kPerPosition}) {
    const Shape s{2, 5, 4, 2, 3, 2};
    Backward<float> b(s, decay);
    b.params.chunk = 2;
    Values in[] = {widen(b.q), widen(b.k), widen(b.v), widen(b.log_decay), widen(b.state)};
    const auto loss = [&] {
      double total = 0;
      for (int64_t e = 0; e < s.batch; ++e)
        for (int64_t head = 0; head < s.heads; ++head)
          for (int64_t p = 0; p < s.value_size; ++p) {
            const int64_t group = head / (s.heads / s.groups), first = (e * s.heads + head) * s.key_size;
            Values state(static_cast<size_t>(s.key_size));
            for (int64_t d = 0; d < s.key_size; ++d) state[d] = in[kState][(first + d) * s.value_size + p];
            for (int64_t t = 0; t < s.length; ++t) {
              const int64_t at = e * s.length + t, key = (at * s.groups + group) * s.key_size;
              const int64_t value = (at * s.heads + head) * s.value_size + p;
              const double a = std::exp(in[kDecay][decay == Decay::kPerHead ? head : at * s.heads + head]);
              double o = 0;
              for (int64_t d = 0; d < s.key_size; ++d) {
                state[d] = a * state[d] + in[kK][key + d] * in[kV][value];
                o += in[kQ][key + d] * state[d];
              }
              total += static_cast<double>(b.d_o[value]) * static_cast<double>(b.params.scale) * o;
            }
            for (int64_t d = 0; d < s.key_size; ++d)
              total += static_cast<double>(b.d_final[(first + d) * s.value_size + p]) * state[d];
          }
      return total;
    };
    Values expected[kGradients];
    for (int i = 0; i < kGradients; ++i) expected[i] = slopes(in[i], 1e-5, loss);
    const std::vector<Array<float>*> outputs = outputs_of(b);
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(b.run(stream), stream), FOVEA_OK) << fovea_last_error();
      for (size_t i = 0; i < outputs.size(); ++i)
        for (size_t n = 0; n < expected[i].size(); ++n)
          ASSERT_TRUE(near((*outputs[i])[static_cast<int64_t>(n)], expected[i][n], 1e-5, 1e-5)) << i << " element " << n;
    });
  }
}

// States and sums are f32; dq, dk and dv are rounded by half an ulp (`unit`), as is what they are compared with.
template <class T>
void check_narrow(double unit) {
  const Shape s{2, 67, 4, 2, 9, 7};
  Backward<T> narrow(s, Decay::kPerPosition, 3);
  Backward<float> wide(s, Decay::kPerPosition);
  for (int64_t i = 0; i < wide.q.size(); ++i)
    wide.q[i] = static_cast<float>(narrow.q[i]), wide.k[i] = static_cast<float>(narrow.k[i]);
  for (int64_t i = 0; i < wide.v.size(); ++i)
    wide.v[i] = static_cast<float>(narrow.v[i]), wide.d_o[i] = static_cast<float>(narrow.d_o[i]);
  const Tolerance rounded{2 * unit + 1e-5, 5e-5}, exact{1e-5, 5e-4};
  check_narrow_kernel<T>(
      narrow.dq, wide.dq, rounded, [&](fovea_stream* stream) { return wide.run(stream); },
      [&](fovea_stream* stream) { return narrow.run(stream); });
  if (test_device() == nullptr) return;
  for (auto [actual, expected] : {std::pair{&narrow.dk, &wide.dk}, {&narrow.dv, &wide.dv}})
    for (int64_t i = 0; i < expected->size(); ++i)
      ASSERT_TRUE(near(static_cast<double>((*actual)[i]), (*expected)[i], rounded.relative, rounded.absolute)) << i;
  expect_near(narrow.d_decay.values(), wide.d_decay.values(), exact);
  expect_near(narrow.d_state.values(), wide.d_state.values(), exact);
}
TEST(LinearAttentionBackward, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(LinearAttentionBackward, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// A decay of 0 cuts the sequence: no NaN from exp(-inf), nothing flows across, and its own gradient is 0.
TEST(LinearAttentionBackward, InfiniteDecayForgets) {
  Backward<float> b({1, 80, 1, 1, 4, 5}, Decay::kPerPosition);
  b.log_decay[20] = b.log_decay[70] = -std::numeric_limits<float>::infinity();
  check_all(b);
  EXPECT_EQ(b.d_decay[20], 0);
  EXPECT_EQ(b.d_decay[70], 0);
  for (int64_t i = 0; i < b.d_state.size(); ++i) EXPECT_NE(b.d_state[i], 0) << "reached by the positions before the cut";
}

// The decay's gradient is a sum of what passes and no difference: small where the decay is strong, with all its digits.
TEST(LinearAttentionBackward, StrongDecaysKeepTheirDigits) {
  Backward<float> b({1, 130, 1, 1, 8, 8}, Decay::kPerPosition);
  b.log_decay.fill(5, -12, -8);
  {
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(b.run(stream.get()), stream.get()), FOVEA_OK);
  }
  const std::vector<float> expected = b.d_decay.values();
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(b.run(stream), stream), FOVEA_OK);
    // Between neighbours three products of some 16 rounded terms, which may cancel to a hundredth; others weigh e^-8.
    for (int64_t t = 0; t < 130; ++t) ASSERT_TRUE(near(b.d_decay[t], expected[static_cast<size_t>(t)], 1e-4, 1e-10)) << t;
  });
}

// Gradients that nobody asks for change nothing in the others.
TEST(LinearAttentionBackward, GradientsMayBeLeftOut) {
  Backward<float> b({1, 70, 2, 1, 5, 6}, Decay::kPerHead);
  const std::vector<Array<float>*> outputs = outputs_of(b);
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(b.run(stream), stream), FOVEA_OK);
    std::vector<std::vector<float>> all;
    for (const Array<float>* g : outputs) all.push_back(g->values());
    for (int only = -1; only < kGradients; ++only) {
      for (Array<float>* g : outputs) g->poison();
      ASSERT_EQ(finish(b.run(stream, only < 0 ? 0u : 1u << only), stream), FOVEA_OK);
      for (int i = 0; i < kGradients; ++i) {
        if (i == only)
          EXPECT_EQ(outputs[static_cast<size_t>(i)]->values(), all[static_cast<size_t>(i)]) << i;
        else
          EXPECT_TRUE(std::isnan((*outputs[static_cast<size_t>(i)])[0])) << i;
      }
    }
  });
}

TEST(LinearAttentionBackward, LiveLimitsTheBatch) {
  Backward<float> b({3, 6, 2, 1, 3, 4}, Decay::kPerHead), two({2, 6, 2, 1, 3, 4}, Decay::kPerHead);
  for (auto [to, from] : {std::pair{&two.q, &b.q},
                          {&two.k, &b.k},
                          {&two.v, &b.v},
                          {&two.d_o, &b.d_o},
                          {&two.state, &b.state},
                          {&two.d_final, &b.d_final}})
    for (int64_t i = 0; i < to->size(); ++i) (*to)[i] = (*from)[i];
  const Live live(2);
  const std::vector<Array<float>*> all = outputs_of(b), written = outputs_of(two);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (Array<float>* g : all) g->poison();
    ASSERT_EQ(finish(b.run(stream, ~0u, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.run(stream), stream), FOVEA_OK);
    for (size_t g = 0; g < all.size(); ++g)
      for (int64_t i = 0; i < all[g]->size(); ++i) {
        if (i < written[g]->size())
          ASSERT_EQ((*all[g])[i], (*written[g])[i]) << g << " " << i;
        else
          ASSERT_TRUE(std::isnan((*all[g])[i])) << g << " " << i;
      }
  });
}

TEST(LinearAttentionBackward, ArgumentsAreChecked) {
  Backward<float> b({2, 3, 4, 2, 5, 6}, Decay::kPerHead);
  const StreamPtr stream = make_stream();
  const Workspace workspace(b.workspace_bytes());
  const fovea_tensor q = b.q.view(), k = b.k.view(), v = b.v.view(), a = b.log_decay.view(), s = b.state.view();
  const fovea_tensor d_o = b.d_o.view(), f = b.d_final.view(), dq = b.dq.view(), dv = b.dv.view(), da = b.d_decay.view();
  struct Call {
    const fovea_tensor *q, *k, *v, *a, *s, *d_o, *f;
    fovea_linear_attention_gradients g;
    const fovea_workspace* workspace;
  };
  const Call good{&q, &k, &v, &a, &s, &d_o, &f, {&dq, nullptr, &dv, &da, nullptr}, workspace.get()};
  const auto run = [&](const Call& c) {
    return fovea_linear_attention_backward(&b.params, c.q, c.k, c.v, c.a, c.s, c.d_o, c.f, &c.g, c.workspace, stream.get());
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
  refused([&](Call& c) { c.a = nullptr; }, "linear_attention_backward: d_log_decay is given without log_decay");
  refused([&](Call& c) { c.s = nullptr, c.g.d_initial_state = &f; },
          "linear_attention_backward: d_initial_state is given without initial_state");
  refused(
      [&](Call& c) { c.f = &v; },
      "linear_attention_backward: d_final_state is [2, 3, 4, 6] f32, expected [B][H][D][P] of q [2, 3, 2, 5] f32 and v [2, 3, "
      "4, 6] f32");
  refused([&](Call& c) { c.d_o = &q; }, nullptr);
  refused([&](Call& c) { c.k = &v; }, nullptr);
  refused([&](Call& c) { c.g.dq = &q; }, nullptr);
  refused([&](Call& c) { c.g.dk = &dq; }, nullptr);
  refused([&](Call& c) { c.g.d_log_decay = &dq; }, nullptr);
  refused([&](Call& c) { c.d_o = nullptr; }, "linear_attention_backward: d_o is NULL");
  refused([&](Call& c) { c.workspace = nullptr; }, nullptr);
  EXPECT_EQ(fovea_linear_attention_backward(&b.params, &q, &k, &v, &a, &s, &d_o, &f, nullptr, workspace.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_attention_backward(nullptr, &q, &k, &v, &a, &s, &d_o, &f, &good.g, workspace.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  fovea_tensor huge_q = q, huge_v = v;
  huge_q.shape[0] = huge_v.shape[0] = huge_q.shape[1] = huge_v.shape[1] = INT64_MAX;
  EXPECT_EQ(fovea_linear_attention_backward_workspace(&b.params, &huge_q, &huge_v, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_attention_backward_workspace(&b.params, &q, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_attention_backward_workspace(&b.params, &q, &v, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
