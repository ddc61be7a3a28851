#include <algorithm>
#include <limits>
#include <memory>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Shape {
  int64_t batch, length, heads, groups, key_size, value_size;
  int64_t gap = 0;  // pitch beyond the last dimension
};

enum class Decay { kNone, kConstant, kPerTime };

template <class T>
struct ProblemOf {
  Shape shape;
  fovea_linear_attention_params params;
  Decay decay;
  bool has_state;
  Array<T> q, k, v;
  Array<float> constant, per_time, state, initial;
  Array<T> o;
  std::unique_ptr<Workspace> workspace;  // of the last call

  ProblemOf(const Shape& s, Decay d, bool with_state, int32_t chunk = 0, float scale = 0)
      : shape(s),
        params{scale, chunk},
        decay(d),
        has_state(with_state),
        q({s.batch, s.length, s.groups, s.key_size}, s.key_size + s.gap),
        k({s.batch, s.length, s.groups, s.key_size}, s.key_size + s.gap),
        v({s.batch, s.length, s.heads, s.value_size}, s.value_size + s.gap),
        constant({s.heads}),
        per_time({s.batch, s.length, s.heads}, s.heads + s.gap),
        state({s.batch, s.heads, s.key_size, s.value_size}, s.value_size + s.gap),
        initial(state),
        o({s.batch, s.length, s.heads, s.value_size}, s.value_size + s.gap) {
    q.fill(1);
    k.fill(2);
    v.fill(3);
    constant.fill(4, -0.3, 0);
    per_time.fill(5, -1, 0);
    initial.fill(6);
  }
  int64_t bytes() {
    int64_t n = -1;
    const fovea_tensor qt = q.view(), vt = v.view();
    EXPECT_EQ(fovea_linear_attention_workspace(&params, &qt, &vt, &n), FOVEA_OK) << fovea_last_error();
    return n;
  }
  void reset_state() { state.assign(initial.values()); }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), ot = o.view(), st = state.view();
    const fovea_tensor dt = decay == Decay::kConstant ? constant.view() : per_time.view();
    workspace = std::make_unique<Workspace>(bytes());
    return fovea_linear_attention(&params, &qt, &kt, &vt, decay == Decay::kNone ? nullptr : &dt, has_state ? &st : nullptr, &ot,
                                  workspace->get(), stream);
  }
};
using Problem = ProblemOf<float>;

// The recurrence in double, and the largest sum of absolute values behind an output and a state.
struct Naive {
  std::vector<double> o, state;
  double o_bound = 0, state_bound = 0;

  explicit Naive(const Problem& p) {
    const Shape& s = p.shape;
    const double scale = p.params.scale == 0 ? 1 : static_cast<double>(p.params.scale);
    o.assign(static_cast<size_t>(p.o.size()), 0);
    state.assign(static_cast<size_t>(p.state.size()), 0);
    std::vector<double> bound(state.size(), 0);
    for (size_t i = 0; p.has_state && i < state.size(); ++i) {
      state[i] = p.initial[static_cast<int64_t>(i)];
      bound[i] = std::fabs(state[i]);
    }
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t h = 0; h < s.heads; ++h)
        for (int64_t t = 0; t < s.length; ++t) {
          const int64_t g = h / (s.heads / s.groups), row = (b * s.length + t) * s.groups + g,
                        at = (b * s.length + t) * s.heads + h;
          const double log_decay = p.decay == Decay::kNone ? 0 : p.decay == Decay::kConstant ? p.constant[h] : p.per_time[at];
          for (int64_t c = 0; c < s.value_size; ++c) {
            double sum = 0, sum_bound = 0;
            for (int64_t d = 0; d < s.key_size; ++d) {
              const auto i = static_cast<size_t>(((b * s.heads + h) * s.key_size + d) * s.value_size + c);
              const double kv =
                  static_cast<double>(p.k[row * s.key_size + d]) * static_cast<double>(p.v[at * s.value_size + c]);
              const double q = p.q[row * s.key_size + d];
              state[i] = std::exp(log_decay) * state[i] + kv;
              bound[i] = std::exp(log_decay) * bound[i] + std::fabs(kv);
              sum += q * state[i];
              sum_bound += std::fabs(q) * bound[i];
              state_bound = std::max(state_bound, bound[i]);
            }
            o[static_cast<size_t>(at * s.value_size + c)] = scale * sum;
            o_bound = std::max(o_bound, std::fabs(scale) * sum_bound);
          }
        }
  }
};

// A term of an output goes through D roundings of q k^T, those of its decay (a sum of at most L logarithms, whose errors weigh
// exp(-x) x < 1/2 each), and those of a sum of L terms: 6e-8 each, and some 1e-6 for the exponentials.
void check(Problem& p) {
  const Naive naive(p);
  const double epsilon = 2e-6 + 6e-8 * static_cast<double>(2 * p.shape.key_size + 2 * p.shape.length);
  const auto call = [&](fovea_stream* s) {
    p.reset_state();
    return p.run(s);
  };
  check_kernel<float>(p.o, {1e-6, epsilon * naive.o_bound}, call);
  for (int64_t i = 0; i < p.o.size(); ++i)
    ASSERT_TRUE(near(p.o[i], naive.o[static_cast<size_t>(i)], 1e-6, 2 * epsilon * naive.o_bound)) << i;
  if (p.has_state) {
    // check_kernel poisons its output, which here is also an input: the call restores it.
    if (test_device() == nullptr)  // there the run before has left the state
      check_kernel<float>(p.state, {1e-6, epsilon * naive.state_bound}, call);
    for (int64_t i = 0; i < p.state.size(); ++i)
      ASSERT_TRUE(near(p.state[i], naive.state[static_cast<size_t>(i)], 1e-6, 2 * epsilon * naive.state_bound)) << i;
  }
  EXPECT_TRUE(p.workspace->guards_intact());
}

std::string name(const Shape& s) {
  std::string text;
  for (const int64_t n : {s.batch, s.length, s.heads, s.groups, s.key_size, s.value_size}) text += std::to_string(n) + " ";
  return text;
}

TEST(LinearAttention, MatchesReference) {
  const Shape shapes[] = {{1, 1, 1, 1, 1, 1},     {2, 1, 4, 2, 20, 70, 3}, {1, 2, 1, 1, 3, 5},    {2, 37, 4, 2, 20, 24, 3},
                          {1, 130, 3, 1, 16, 33}, {1, 65, 10, 1, 40, 17},  {1, 100, 2, 2, 33, 8}, {3, 7, 6, 3, 5, 130, 1}};
  for (const Shape& shape : shapes)
    for (const Decay decay : {Decay::kNone, Decay::kConstant, Decay::kPerTime})
      for (const bool state : {false, true}) {
        // Emulated: every shape, and every option with small ones.
        if (test_device() != nullptr && shape.length > 10 && (!state || decay != Decay::kPerTime)) continue;
        SCOPED_TRACE(name(shape) + "decay " + std::to_string(static_cast<int>(decay)) + (state ? " state" : ""));
        Problem problem(shape, decay, state, 0, state ? 0.25f : 0.0f);
        check(problem);
      }
}

// Sums, decays and states are f32; an output is rounded once, by `unit` of itself, and so is what it is compared with.
template <class T>
void check_narrow(double unit) {
  for (const Shape& shape : {Shape{2, 70, 4, 2, 20, 24, 8}, Shape{1, 9, 3, 1, 7, 5, 1}}) {
    SCOPED_TRACE(name(shape));
    ProblemOf<T> narrow(shape, Decay::kPerTime, true);
    Problem wide(shape, Decay::kPerTime, true);
    for (int64_t i = 0; i < wide.q.size(); ++i) wide.q[i] = static_cast<float>(narrow.q[i]);
    for (int64_t i = 0; i < wide.k.size(); ++i) wide.k[i] = static_cast<float>(narrow.k[i]);
    for (int64_t i = 0; i < wide.v.size(); ++i) wide.v[i] = static_cast<float>(narrow.v[i]);
    const Naive naive(wide);
    const double epsilon = 2e-6 + 6e-8 * static_cast<double>(2 * shape.key_size + 2 * shape.length);
    const auto reference = [&](fovea_stream* s) { return wide.reset_state(), wide.run(s); };
    const auto call = [&](fovea_stream* s) { return narrow.reset_state(), narrow.run(s); };
    check_narrow_kernel<T>(narrow.o, wide.o, {2 * unit + 1e-6, epsilon * naive.o_bound}, reference, call);
    if (test_device() == nullptr) return;
    for (int64_t i = 0; i < wide.state.size(); ++i)
      ASSERT_TRUE(near(narrow.state[i], wide.state[i], 1e-6, epsilon * naive.state_bound)) << i;
  }
}
TEST(LinearAttention, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(LinearAttention, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

TEST(LinearAttention, ChunksOfEverySize) {
  for (const int32_t chunk : {1, 2, 4, 7, 32, 50, 300})
    for (const Decay decay : {Decay::kNone, Decay::kConstant, Decay::kPerTime})
      for (const bool state : {false, true}) {
        if (test_device() != nullptr && chunk != 7) continue;  // a device may choose its own
        SCOPED_TRACE("chunk " + std::to_string(chunk) + " decay " + std::to_string(static_cast<int>(decay)));
        Problem problem({1, 50, 4, 2, 12, 20}, decay, state, chunk);
        check(problem);
      }
}

// Retention with gamma 1/2, one dimension, by hand: S = 1, 2.5, 7.25; o = q S.
TEST(LinearAttention, RetentionByHand) {
  for (const int32_t chunk : {0, 1, 2, 3}) {
    Problem p({1, 3, 1, 1, 1, 1}, Decay::kConstant, false, chunk);
    p.q.assign({1, 2, 1});
    p.k.assign({1, 1, 2});
    p.v.assign({1, 2, 3});
    p.constant.assign({std::log(0.5f)});
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(p.run(stream), stream), FOVEA_OK) << fovea_last_error();
      const double expected[] = {1, 5, 7.25};
      for (int i = 0; i < 3; ++i) EXPECT_NEAR(p.o[i], expected[i], 2e-6);
    });
  }
}

// The state-space dual of Mamba-2 in one dimension: q = C, k = B, v = x, decays per time.
TEST(LinearAttention, StateSpaceDualByHand) {
  for (const int32_t chunk : {0, 1, 2, 4}) {
    Problem p({1, 4, 1, 1, 1, 1}, Decay::kPerTime, true, chunk);
    p.q.assign({1, 1, 2, 0.5f});
    p.k.assign({1, 0.5f, -1, 2});
    p.v.assign({1, 2, 3, 4});
    p.per_time.assign({-0.5f, -1, -0.25f, -2});
    p.initial.assign({0});
    on_every_backend([&](fovea_stream* stream, bool) {
      p.reset_state();
      ASSERT_EQ(finish(p.run(stream), stream), FOVEA_OK) << fovea_last_error();
      const double expected[] = {1, 1.3678794, -3.8693888, 3.8690838};
      for (int i = 0; i < 4; ++i) EXPECT_NEAR(p.o[i], expected[i], 2e-6);
    });
  }
}

// One position at a time with a carried state is the same as one long call.
TEST(LinearAttention, StreamingEqualsOneCall) {
  for (const Decay decay : {Decay::kNone, Decay::kConstant, Decay::kPerTime}) {
    if (test_device() != nullptr && decay != Decay::kPerTime) continue;  // 80 launches each
    Problem whole({1, 80, 4, 2, 24, 40}, decay, true), one({1, 1, 4, 2, 24, 40}, decay, true);
    const double bound = Naive(whole).o_bound;
    on_every_backend([&](fovea_stream* stream, bool) {
      whole.reset_state();
      one.reset_state();
      one.constant.assign(whole.constant.values());
      ASSERT_EQ(finish(whole.run(stream), stream), FOVEA_OK);
      for (int64_t t = 0; t < 80; ++t) {
        for (int64_t i = 0; i < 48; ++i) one.q[i] = whole.q[t * 48 + i], one.k[i] = whole.k[t * 48 + i];
        for (int64_t i = 0; i < 160; ++i) one.v[i] = whole.v[t * 160 + i];
        for (int64_t h = 0; h < 4; ++h) one.per_time[h] = whole.per_time[t * 4 + h];
        ASSERT_EQ(finish(one.run(stream), stream), FOVEA_OK);
        for (int64_t i = 0; i < 160; ++i) ASSERT_TRUE(near(one.o[i], whole.o[t * 160 + i], 1e-6, 1e-5 * bound)) << t;
      }
      for (int64_t i = 0; i < one.state.size(); ++i) ASSERT_TRUE(near(one.state[i], whole.state[i], 1e-5, 1e-4)) << i;
    });
  }
}

// Far apart positions, whose summed log decays a difference of long sums would lose; and a decay to exactly 0.
TEST(LinearAttention, LargeDecaysLoseNothing) {
  Problem p({1, 120, 1, 1, 2, 3}, Decay::kPerTime, true);
  for (int64_t t = 0; t < 120; ++t) p.per_time[t] = t < 60 ? -1e6f : -1e-4f;
  check(p);
  for (const Decay decay : {Decay::kConstant, Decay::kPerTime}) {
    Problem forgetful({1, 5, 1, 1, 2, 3}, decay, true);
    for (int64_t t = 0; t < 5; ++t) forgetful.per_time[t] = -kInf;
    forgetful.constant[0] = -kInf;
    on_every_backend([&](fovea_stream* stream, bool) {
      forgetful.reset_state();
      ASSERT_EQ(finish(forgetful.run(stream), stream), FOVEA_OK);
      for (int64_t t = 0; t < 5; ++t)
        for (int64_t c = 0; c < 3; ++c) {
          const double score = forgetful.q[t * 2] * forgetful.k[t * 2] + forgetful.q[t * 2 + 1] * forgetful.k[t * 2 + 1];
          ASSERT_NEAR(forgetful.o[t * 3 + c], score * forgetful.v[t * 3 + c], 1e-6);
        }
    });
  }
}

TEST(LinearAttention, EmptyDimensions) {
  for (const Shape& shape : {Shape{0, 3, 2, 1, 4, 5}, Shape{2, 0, 2, 1, 4, 5}, Shape{2, 3, 0, 0, 4, 5}, Shape{2, 3, 2, 1, 0, 5},
                             Shape{2, 1, 2, 1, 0, 5}, Shape{2, 3, 2, 1, 4, 0}}) {
    SCOPED_TRACE(name(shape));
    Problem p(shape, Decay::kPerTime, true);
    on_every_backend([&](fovea_stream* stream, bool) {
      p.reset_state();
      ASSERT_EQ(finish(p.run(stream), stream), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < p.o.size(); ++i) ASSERT_EQ(p.o[i], 0.0f);
      EXPECT_EQ(p.state.values(), p.initial.values());
    });
  }
}

TEST(LinearAttention, LiveLimitsTheBatch) {
  Array<int32_t> count({1});
  for (const int64_t length : {1, 20}) {
    Problem p({4, length, 2, 1, 3, 5}, Decay::kPerTime, true);
    on_every_backend([&](fovea_stream* stream, bool) {
      for (const int32_t live : {-1, 0, 3, 99}) {
        count[0] = live;
        p.reset_state();
        p.o.poison();
        ASSERT_EQ(finish(p.run(stream, count.data()), stream), FOVEA_OK);
        for (int64_t b = 0; b < 4; ++b) {
          EXPECT_EQ(std::isnan(p.o[b * length * 10]), b >= live);
          EXPECT_EQ(p.state[b * 30] == p.initial[b * 30], b >= live);
        }
      }
    });
  }
}

TEST(LinearAttention, ArgumentsAreChecked) {
  Problem p({2, 3, 4, 2, 8, 6}, Decay::kPerTime, true);
  const StreamPtr stream = make_stream();
  fovea_tensor q = p.q.view(), k = p.k.view(), v = p.v.view(), decay = p.per_time.view(), state = p.state.view(),
               o = p.o.view();
  fovea_linear_attention_params params{};
  const Workspace memory(p.bytes());
  const fovea_workspace* workspace = memory.get();
  const auto run = [&] { return fovea_linear_attention(&params, &q, &k, &v, &decay, &state, &o, workspace, stream.get()); };
  const auto refused = [&](auto& field, auto value) {
    const auto previous = field;
    field = value;
    const fovea_status status = run();
    field = previous;
    return status == FOVEA_INVALID_ARGUMENT;
  };
  p.reset_state();
  ASSERT_EQ(run(), FOVEA_OK) << fovea_last_error();
  EXPECT_TRUE(refused(params.scale, kInf));
  EXPECT_TRUE(refused(params.chunk, -1));
  EXPECT_STREQ(fovea_last_error(), "linear_attention: chunk is -1, it must not be negative");
  EXPECT_TRUE(refused(k.shape[1], int64_t{2}));
  EXPECT_TRUE(refused(q.rank, 3));
  EXPECT_TRUE(refused(o.shape[3], int64_t{5}));
  EXPECT_TRUE(refused(decay.shape[1], int64_t{2}));
  EXPECT_STREQ(fovea_last_error(),
               "linear_attention: log_decay is [2, 2, 4] f32, expected [H] or [B][L][H] of v [2, 3, 4, 6] f32");
  EXPECT_TRUE(refused(decay.rank, 2));
  EXPECT_TRUE(refused(decay.rank, 1));
  EXPECT_TRUE(refused(state.shape[2], int64_t{7}));
  EXPECT_TRUE(refused(o.data, p.v.data()));
  EXPECT_TRUE(refused(state.data, p.o.data()));
  EXPECT_TRUE(refused(workspace, static_cast<const fovea_workspace*>(nullptr)));
  const fovea_workspace small{workspace->data, 64};
  EXPECT_TRUE(refused(workspace, &small));
  v.shape[2] = o.shape[2] = 3;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  v.shape[2] = o.shape[2] = 4;
  EXPECT_EQ(fovea_linear_attention(nullptr, &q, &k, &v, &decay, &state, &o, workspace, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_attention(&params, &q, &k, &v, &decay, &state, &o, workspace, nullptr), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = -1;
  EXPECT_EQ(fovea_linear_attention_workspace(&params, &q, &v, nullptr), FOVEA_INVALID_ARGUMENT);
  q.shape[3] = INT64_MAX;
  EXPECT_EQ(fovea_linear_attention_workspace(&params, &q, &v, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
