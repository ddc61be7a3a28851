#include <algorithm>
#include <limits>
#include <memory>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Shape {
  int64_t batch, q_length, k_length, heads, groups, head_size;
  int64_t gap = 0;  // pitch beyond the last dimension
};

using Values = std::vector<double>;

Values widen(const Array<float>& x) {
  const std::vector<float> v = x.values();
  return {v.begin(), v.end()};
}

// Attention and its gradients in double, written from the definition: nothing is shared with the library. Also the sums of
// absolute values that rounding errors are proportional to.
struct Naive {
  Shape s;
  fovea_attention_params params;
  std::vector<int32_t> lengths;
  Values q, k, v, d_o;
  Values dq, dk, dv, dq_bound, dk_bound, dv_bound;

  double scale() const {
    return params.softmax_scale == 0 ? 1 / std::sqrt(static_cast<double>(s.head_size))
                                     : static_cast<double>(params.softmax_scale);
  }
  size_t q_at(int64_t b, int64_t i, int64_t h) const {
    return static_cast<size_t>(((b * s.q_length + i) * s.heads + h) * s.head_size);
  }
  size_t k_at(int64_t b, int64_t j, int64_t h) const {
    return static_cast<size_t>(((b * s.k_length + j) * s.groups + h / (s.heads / s.groups)) * s.head_size);
  }
  bool visible(int64_t b, int64_t i, int64_t j) const {
    const int64_t keys = lengths.empty() ? s.k_length : std::clamp<int64_t>(lengths[static_cast<size_t>(b)], 0, s.k_length);
    const int64_t last = i + keys - s.q_length;  // with causal
    return j < keys && (params.causal == 0 || (j <= last && (params.window == 0 || j > last - params.window)));
  }
  double raw(size_t a, size_t b) const {
    double sum = 0;
    for (int64_t d = 0; d < s.head_size; ++d) sum += q[a + d] * k[b + d];
    return sum * scale();
  }
  double capped(double x) const {
    const auto cap = static_cast<double>(params.softcap);
    return cap > 0 ? cap * std::tanh(x / cap) : x;
  }
  // Probabilities of one query.
  Values probabilities(int64_t b, int64_t h, int64_t i) const {
    Values p(static_cast<size_t>(s.k_length), 0.0);
    double sum = 0;
    for (int64_t j = 0; j < s.k_length; ++j)
      if (visible(b, i, j)) sum += p[static_cast<size_t>(j)] = std::exp(capped(raw(q_at(b, i, h), k_at(b, j, h))));
    for (double& x : p) x = sum > 0 ? x / sum : 0;
    return p;
  }
  // sum(o * dO): its derivatives are what the kernel computes.
  double loss() const {
    double total = 0;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t h = 0; h < s.heads; ++h)
        for (int64_t i = 0; i < s.q_length; ++i) {
          const Values p = probabilities(b, h, i);
          for (int64_t j = 0; j < s.k_length; ++j)
            for (int64_t d = 0; d < s.head_size; ++d)
              total += p[static_cast<size_t>(j)] * v[k_at(b, j, h) + d] * d_o[q_at(b, i, h) + d];
        }
    return total;
  }
  void gradients() {
    dq.assign(q.size(), 0), dk.assign(k.size(), 0), dv.assign(v.size(), 0);
    dq_bound = dq, dk_bound = dk, dv_bound = dv;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t h = 0; h < s.heads; ++h)
        for (int64_t i = 0; i < s.q_length; ++i) {
          const Values p = probabilities(b, h, i);
          const size_t a = q_at(b, i, h);
          Values dp(p.size(), 0), dp_bound(p.size(), 0);
          double mean = 0, mean_bound = 0;
          for (size_t j = 0; j < p.size(); ++j) {
            const size_t c = k_at(b, static_cast<int64_t>(j), h);
            for (int64_t d = 0; d < s.head_size; ++d) {
              dp[j] += d_o[a + d] * v[c + d];
              dp_bound[j] += std::fabs(d_o[a + d] * v[c + d]);
              dv[c + d] += p[j] * d_o[a + d];
              dv_bound[c + d] += p[j] * std::fabs(d_o[a + d]);
            }
            mean += p[j] * dp[j];
            mean_bound += p[j] * dp_bound[j];
          }
          for (size_t j = 0; j < p.size(); ++j) {
            if (p[j] == 0) continue;
            const size_t c = k_at(b, static_cast<int64_t>(j), h);
            double slope = scale();
            if (params.softcap > 0) {
              const double t = std::tanh(raw(a, c) / static_cast<double>(params.softcap));
              slope *= 1 - t * t;
            }
            const double ds = p[j] * (dp[j] - mean) * slope, ds_bound = p[j] * (dp_bound[j] + mean_bound) * scale();
            for (int64_t d = 0; d < s.head_size; ++d) {
              dq[a + d] += ds * k[c + d];
              dk[c + d] += ds * q[a + d];
              dq_bound[a + d] += ds_bound * std::fabs(k[c + d]);
              dk_bound[c + d] += ds_bound * std::fabs(q[a + d]);
            }
          }
        }
  }
};

template <class T>
struct ProblemOf {
  Shape shape;
  fovea_attention_params params;
  Array<T> q, k, v, o;
  Array<float> lse;
  Array<T> d_o, dq, dk, dv;
  Array<int32_t> lengths;
  bool has_lengths;
  std::unique_ptr<Workspace> workspace;  // of the last call

  ProblemOf(const Shape& s, fovea_attention_params p = {}, const std::vector<int32_t>& key_lengths = {})
      : shape(s),
        params(p),
        q(query_shape(), pitch()),
        k(key_shape(), pitch()),
        v(key_shape(), pitch()),
        o(query_shape(), pitch()),
        lse({s.batch, s.heads, s.q_length}, s.q_length + s.gap),
        d_o(query_shape(), pitch()),
        dq(query_shape(), pitch()),
        dk(key_shape(), pitch()),
        dv(key_shape(), pitch()),
        lengths({s.batch}),
        has_lengths(!key_lengths.empty()) {
    q.fill(1, -3, 3);
    k.fill(2);
    v.fill(3);
    d_o.fill(4);
    if (has_lengths) lengths.assign(key_lengths);
    if constexpr (std::is_same_v<T, float>) forward();
  }
  std::vector<int64_t> query_shape() const { return {shape.batch, shape.q_length, shape.heads, shape.head_size}; }
  std::vector<int64_t> key_shape() const { return {shape.batch, shape.k_length, shape.groups, shape.head_size}; }
  int64_t pitch() const { return shape.head_size + shape.gap; }
  int64_t bytes() {
    int64_t n = -1;
    const fovea_tensor qt = q.view(), kt = k.view();
    EXPECT_EQ(fovea_attention_backward_workspace(&params, &qt, &kt, &n), FOVEA_OK) << fovea_last_error();
    return n;
  }
  void forward() {
    const ForcedIsa reference(FOVEA_ISA_REFERENCE);
    const StreamPtr stream = make_stream();
    const fovea_tensor qt = q.view(), kt = k.view(), vt = v.view(), nt = lengths.view(), ot = o.view(), lt = lse.view();
    int64_t n = 0;
    ASSERT_EQ(fovea_attention_workspace(&params, &qt, &kt, &n), FOVEA_OK) << fovea_last_error();
    const Workspace scratch(n);
    ASSERT_EQ(fovea_attention(&params, &qt, &kt, &vt, has_lengths ? &nt : nullptr, &ot, &lt, scratch.get(), stream.get()),
              FOVEA_OK)
        << fovea_last_error();
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), nt = lengths.view(), ot = o.view(), lt = lse.view(), dot = d_o.view(),
                       dqt = dq.view(), dkt = dk.view(), dvt = dv.view();
    workspace = std::make_unique<Workspace>(bytes());
    return fovea_attention_backward(&params, &qt, &kt, &vt, has_lengths ? &nt : nullptr, &ot, &lt, &dot, &dqt, &dkt, &dvt,
                                    workspace->get(), stream);
  }
  void poison() {
    for (Array<T>* x : {&dq, &dk, &dv}) x->poison();
  }
  Naive naive() const {
    Naive n{shape,      params,   has_lengths ? lengths.values() : std::vector<int32_t>{},
            widen(q),   widen(k), widen(v),
            widen(d_o), {},       {},
            {},         {},       {},
            {}};
    n.gradients();
    return n;
  }
};

using Problem = ProblemOf<float>;

double largest(const Values& x) { return x.empty() ? 0 : *std::max_element(x.begin(), x.end()); }

// Every gradient is a sum of terms P * (...), and an error is a relative error of a term: that of P, 6e-8 * D from the D
// roundings of a score (and 2.5e-7 per unit of softcap), 1e-6 from lse, o and the exponential; that of dO v^T, the same 6e-8 *
// D of its sum of absolute values; and the roundings of long sums, 6e-8 * sqrt(terms), below 2e-6.
void check(Problem& problem) {
  const Naive naive = problem.naive();
  const double epsilon =
      3e-6 + 1.2e-7 * static_cast<double>(problem.shape.head_size) + 2.5e-7 * static_cast<double>(problem.params.softcap);
  struct {
    const char* name;
    Array<float>& actual;
    const Values &expected, &bound;
  } const outputs[] = {{"dq", problem.dq, naive.dq, naive.dq_bound},
                       {"dk", problem.dk, naive.dk, naive.dk_bound},
                       {"dv", problem.dv, naive.dv, naive.dv_bound}};
  for (const auto& out : outputs) {
    SCOPED_TRACE(out.name);
    const Tolerance tolerance{1e-6, epsilon * largest(out.bound)};
    if (test_device() == nullptr || &out.actual == &problem.dq)  // there one run fills all three
      check_kernel<float>(out.actual, tolerance, [&](fovea_stream* s) { return problem.run(s); });
    for (int64_t i = 0; i < out.actual.size(); ++i)
      ASSERT_TRUE(near(out.actual[i], out.expected[static_cast<size_t>(i)], tolerance.relative, 2 * tolerance.absolute)) << i;
  }
  EXPECT_TRUE(problem.workspace->guards_intact());
}

std::string name(const Shape& s) {
  std::string text;
  for (const int64_t n : {s.batch, s.q_length, s.k_length, s.heads, s.groups, s.head_size}) text += std::to_string(n) + " ";
  return text;
}

constexpr fovea_attention_params kPlain{}, kCausal{0, 1, 0, 0}, kWindow{0, 1, 7, 0}, kCapped{0.5f, 0, 0, 2},
    kEverything{0.3f, 1, 20, 3};

// The naive gradients are those of the naive loss: central differences in double.
TEST(AttentionBackward, NaiveGradientsAreDerivatives) {
  for (const fovea_attention_params& params : {kPlain, kCausal, kEverything}) {
    Naive n = Problem({2, 4, 5, 4, 2, 3}, params, {5, 3}).naive();
    constexpr double kStep = 1e-5;  // error of a central difference: step^2 times third derivatives, and 1e-16 / step
    const auto compare = [&](Values Naive::*input, const Values& gradient) {
      for (size_t i = 0; i < gradient.size(); ++i) {
        const double x = (n.*input)[i];
        (n.*input)[i] = x + kStep;
        const double above = n.loss();
        (n.*input)[i] = x - kStep;
        const double below = n.loss();
        (n.*input)[i] = x;
        ASSERT_NEAR((above - below) / (2 * kStep), gradient[i], 1e-8) << i;
      }
    };
    compare(&Naive::q, n.dq);
    compare(&Naive::k, n.dk);
    compare(&Naive::v, n.dv);
  }
}

TEST(AttentionBackward, MatchesNaiveGradients) {
  const Shape shapes[] = {{1, 1, 1, 1, 1, 1},      {1, 5, 7, 2, 1, 8},      {2, 37, 45, 4, 2, 20, 3}, {1, 150, 150, 2, 1, 16},
                          {1, 131, 270, 1, 1, 33}, {1, 20, 140, 6, 3, 64},  {1, 1, 40, 2, 2, 24},     {1, 140, 9, 1, 1, 130},
                          {1, 3, 3, 1, 1, 256},    {2, 9, 33, 10, 10, 5, 1}};
  for (const Shape& shape : shapes)
    for (const fovea_attention_params& params : {kPlain, kCausal, kWindow, kCapped, kEverything}) {
      // An emulated device takes a thousand times as long: it gets every shape, but not with every mask.
      if (test_device() != nullptr && shape.q_length * shape.k_length > 100 && params.softcap != kEverything.softcap) continue;
      SCOPED_TRACE(name(shape) + "causal " + std::to_string(params.causal) + " window " + std::to_string(params.window) +
                   " softcap " + std::to_string(params.softcap));
      Problem problem(shape, params);
      check(problem);
    }
}

// Everything between the inputs, o among them, and the rounding of each gradient is f32. Rounding moves a gradient by `unit` of
// itself, and so what it is compared with first.
template <class T>
void check_narrow(double unit) {
  for (const Shape& shape : {Shape{2, 35, 70, 2, 1, 16}, Shape{1, 5, 17, 1, 1, 80, 8}}) {
    SCOPED_TRACE(name(shape));
    const std::vector<int32_t> lengths = shape.batch == 2 ? std::vector<int32_t>{61, 17} : std::vector<int32_t>{};
    ProblemOf<T> narrow(shape, kEverything, lengths);
    Problem wide(shape, kEverything, lengths);
    const auto widen_into = [](Array<float>& to, const Array<T>& from) {
      for (int64_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(from[i]);
    };
    widen_into(wide.q, narrow.q), widen_into(wide.k, narrow.k), widen_into(wide.v, narrow.v);
    widen_into(wide.d_o, narrow.d_o);
    wide.forward();
    for (int64_t i = 0; i < wide.o.size(); ++i) narrow.o[i] = T(wide.o[i]);
    widen_into(wide.o, narrow.o);
    narrow.lse.assign(wide.lse.values());
    const Naive naive = wide.naive();
    const double epsilon = 3e-6 + 1.2e-7 * static_cast<double>(shape.head_size) + 2.5e-7 * 3;
    const auto reference = [&](fovea_stream* s) { return wide.run(s); };
    const auto call = [&](fovea_stream* s) { return narrow.run(s); };
    check_narrow_kernel<T>(narrow.dq, wide.dq, {2 * unit + 1e-6, epsilon * largest(naive.dq_bound)}, reference, call);
    if (test_device() == nullptr) return;
    for (int64_t i = 0; i < wide.dk.size(); ++i) {
      ASSERT_TRUE(near(double(narrow.dk[i]), wide.dk[i], unit + 1e-6, epsilon * largest(naive.dk_bound))) << i;
      ASSERT_TRUE(near(double(narrow.dv[i]), wide.dv[i], unit + 1e-6, epsilon * largest(naive.dv_bound))) << i;
    }
  }
}
TEST(AttentionBackward, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(AttentionBackward, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// What lies behind the length is not read, and its gradients are 0; so are those of queries that see no key.
TEST(AttentionBackward, KeyLengths) {
  for (const fovea_attention_params& params : {kPlain, kCausal, kWindow}) {
    if (test_device() != nullptr && params.window == 0) continue;
    const Shape shape{6, 23, 150, 4, 2, 16};
    Problem problem(shape, params, {0, 1, 33, 150, -5, 100000});
    check(problem);
    for (const int64_t b : {0, 4})
      for (int64_t i = 0; i < 23 * 4 * 16; ++i) ASSERT_EQ(problem.dq[b * 23 * 4 * 16 + i], 0.0f);
    const std::vector<float> dq = problem.dq.values();
    for (int64_t b = 0; b < 6; ++b)
      for (int64_t j = std::clamp<int64_t>(problem.lengths[b], 0, 150); j < 150; ++j)
        for (int64_t d = 0; d < 32; ++d) {
          const int64_t at = (b * 150 + j) * 32 + d;
          ASSERT_EQ(problem.dk[at], 0.0f);
          ASSERT_EQ(problem.dv[at], 0.0f);
          problem.k[at] = problem.v[at] = d % 2 == 0 ? kNan : kInf;
        }
    Problem again(shape, params, {0, 1, 33, 150, -5, 100000});
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(again.run(stream), stream), FOVEA_OK);
      const std::vector<float> expected = again.dq.values();
      ASSERT_EQ(finish(problem.run(stream), stream), FOVEA_OK);
      EXPECT_EQ(problem.dq.values(), expected);
    });
  }
}

// More queries than keys with causal: the first see nothing.
TEST(AttentionBackward, QueriesWithoutKeysHaveNoGradient) {
  Problem problem({1, 40, 12, 2, 1, 8}, kCausal);
  check(problem);
  for (int64_t i = 0; i < 28 * 2 * 8; ++i) ASSERT_EQ(problem.dq[i], 0.0f);
  for (int64_t i = 28 * 2 * 8; i < problem.dk.size(); ++i) ASSERT_NE(problem.dk[i], 0.0f);
}

TEST(AttentionBackward, EmptyDimensions) {
  for (const Shape& shape : {Shape{0, 3, 4, 2, 1, 8}, Shape{2, 0, 4, 2, 1, 8}, Shape{2, 3, 4, 0, 5, 8}, Shape{2, 3, 4, 2, 1, 0},
                             Shape{2, 3, 0, 2, 1, 8}}) {
    SCOPED_TRACE(name(shape));
    Problem problem(shape);
    on_every_backend([&](fovea_stream* stream, bool) {
      problem.poison();
      ASSERT_EQ(finish(problem.run(stream), stream), FOVEA_OK) << fovea_last_error();
      for (Array<float>* x : {&problem.dq, &problem.dk, &problem.dv})
        for (int64_t i = 0; i < x->size(); ++i) ASSERT_EQ((*x)[i], 0.0f);
    });
  }
}

TEST(AttentionBackward, LiveLimitsTheBatch) {
  Problem problem({4, 6, 11, 2, 1, 8});
  Array<int32_t> count({1});
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const int32_t live : {-1, 0, 3, 99}) {
      count[0] = live;
      problem.poison();
      ASSERT_EQ(finish(problem.run(stream, count.data()), stream), FOVEA_OK);
      for (int64_t b = 0; b < 4; ++b) {
        EXPECT_EQ(std::isnan(problem.dq[b * 6 * 16]), b >= live);
        EXPECT_EQ(std::isnan(problem.dk[b * 11 * 8]), b >= live);
        EXPECT_EQ(std::isnan(problem.dv[b * 11 * 8 + 87]), b >= live);
      }
    }
  });
}

TEST(AttentionBackward, ArgumentsAreChecked) {
  Problem p({2, 3, 5, 4, 2, 8});
  const StreamPtr stream = make_stream();
  p.lengths.assign({5, 5});
  fovea_tensor q = p.q.view(), k = p.k.view(), v = p.v.view(), n = p.lengths.view(), o = p.o.view(), lse = p.lse.view(),
               d_o = p.d_o.view(), dq = p.dq.view(), dk = p.dk.view(), dv = p.dv.view();
  fovea_attention_params params{};
  const Workspace memory(p.bytes());
  const fovea_workspace* workspace = memory.get();
  const auto run = [&] {
    return fovea_attention_backward(&params, &q, &k, &v, &n, &o, &lse, &d_o, &dq, &dk, &dv, workspace, stream.get());
  };
  const auto refused = [&](auto& field, auto value) {
    const auto previous = field;
    field = value;
    const fovea_status status = run();
    field = previous;
    return status == FOVEA_INVALID_ARGUMENT;
  };
  ASSERT_EQ(run(), FOVEA_OK) << fovea_last_error();
  EXPECT_TRUE(refused(params.softcap, -1.0f));
  EXPECT_TRUE(refused(params.window, 3));
  EXPECT_TRUE(refused(d_o.shape[1], int64_t{2}));
  EXPECT_STREQ(fovea_last_error(), "attention_backward: q is [2, 3, 4, 8] f32 but dO is [2, 2, 4, 8] f32");
  EXPECT_TRUE(refused(dq.shape[3], int64_t{7}));
  EXPECT_TRUE(refused(dk.shape[2], int64_t{1}));
  EXPECT_TRUE(refused(dv.rank, 3));
  EXPECT_TRUE(refused(lse.shape[2], int64_t{2}));
  EXPECT_TRUE(refused(n.shape[0], int64_t{1}));
  EXPECT_TRUE(refused(dq.data, p.d_o.data()));
  EXPECT_TRUE(refused(dk.data, p.k.data()));
  EXPECT_TRUE(refused(dv.data, p.dk.data()));
  EXPECT_TRUE(refused(dv.data, static_cast<float*>(nullptr)));
  EXPECT_TRUE(refused(workspace, static_cast<const fovea_workspace*>(nullptr)));
  const fovea_workspace small{workspace->data, 640};
  EXPECT_TRUE(refused(workspace, &small));
  EXPECT_EQ(fovea_attention_backward(&params, &q, &k, &v, &n, &o, nullptr, &d_o, &dq, &dk, &dv, workspace, stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "attention_backward: lse is NULL");
  EXPECT_EQ(fovea_attention_backward(&params, &q, &k, &v, &n, &o, &lse, &d_o, &dq, &dk, &dv, workspace, nullptr),
            FOVEA_INVALID_ARGUMENT);
  int64_t bytes = -1;
  EXPECT_EQ(fovea_attention_backward_workspace(&params, &q, &k, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_backward_workspace(&params, &q, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  q.shape[0] = k.shape[0] = INT64_MAX;
  EXPECT_EQ(fovea_attention_backward_workspace(&params, &q, &k, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
