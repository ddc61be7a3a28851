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

template <class T>
struct ProblemOf {
  Shape shape;
  fovea_attention_params params;
  Array<T> q, k, v, o;
  Array<float> lse;
  Array<int32_t> lengths;
  bool has_lengths;
  std::unique_ptr<Workspace> workspace;  // of the last call

  ProblemOf(const Shape& s, fovea_attention_params p = {}, const std::vector<int32_t>& key_lengths = {})
      : shape(s),
        params(p),
        q({s.batch, s.q_length, s.heads, s.head_size}, pitch(s)),
        k({s.batch, s.k_length, s.groups, s.head_size}, pitch(s)),
        v({s.batch, s.k_length, s.groups, s.head_size}, pitch(s)),
        o({s.batch, s.q_length, s.heads, s.head_size}, pitch(s)),
        lse({s.batch, s.heads, s.q_length}, s.q_length + s.gap),
        lengths({s.batch}),
        has_lengths(!key_lengths.empty()) {
    q.fill(1, -4, 4);
    k.fill(2);
    v.fill(3);
    if (has_lengths) lengths.assign(key_lengths);
  }
  static int64_t pitch(const Shape& s) { return s.head_size + s.gap; }
  int64_t bytes() {
    int64_t n = -1;
    const fovea_tensor qt = q.view(), kt = k.view();
    EXPECT_EQ(fovea_attention_workspace(&params, &qt, &kt, &n), FOVEA_OK) << fovea_last_error();
    return n;
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr, bool with_lse = true) {
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), nt = lengths.view(), ot = o.view(), lt = lse.view();
    workspace = std::make_unique<Workspace>(bytes());
    return fovea_attention(&params, &qt, &kt, &vt, has_lengths ? &nt : nullptr, &ot, with_lse ? &lt : nullptr, workspace->get(),
                           stream);
  }
  fovea_status run_now(fovea_stream* stream, const int32_t* live = nullptr, bool with_lse = true) {
    return finish(run(stream, live, with_lse), stream);
  }
  // First element of a query's row in q and o, of a key's row in k and v.
  int64_t q_at(int64_t b, int64_t i, int64_t h) const { return ((b * shape.q_length + i) * shape.heads + h) * shape.head_size; }
  int64_t k_at(int64_t b, int64_t j, int64_t g) const {
    return ((b * shape.k_length + j) * shape.groups + g) * shape.head_size;
  }
  bool row_is_nan(int64_t b, int64_t i, int64_t h) const {
    for (int64_t d = 0; d < shape.head_size; ++d)
      if (!std::isnan(o[q_at(b, i, h) + d])) return false;
    return true;
  }
};

using Problem = ProblemOf<float>;

// Scores are sums of D products with |partial sum| around sqrt(D) * |q k| / sqrt(D); D roundings of half an ulp, nearly
// independent, stay below 6e-8 * D. That is a relative change of a weight, and the output, a mean of values below 1, moves by
// at most twice as much. exp2, the sums over keys and the last division add some 1e-6. Scores up to `softcap` lose another
// ulp of that size in tanh.
Tolerance tolerance_of(const Shape& s, const fovea_attention_params& p) {
  return {1e-6, 2e-6 + 1.2e-7 * static_cast<double>(s.head_size) + 2.5e-7 * static_cast<double>(p.softcap)};
}

void check(Problem& problem) {
  const Tolerance tolerance = tolerance_of(problem.shape, problem.params);
  std::vector<float> lse;  // of the reference, which runs first
  check_kernel<float>(problem.o, tolerance, [&](fovea_stream* s) {
    const fovea_status status = problem.run(s);
    if (lse.empty()) lse = problem.lse.values();
    return status;
  });
  if (test_device() != nullptr)
    expect_near(problem.lse.values(), lse, tolerance);
  else
    check_kernel<float>(problem.lse, tolerance, [&](fovea_stream* s) { return problem.run(s); });
  EXPECT_TRUE(problem.workspace->guards_intact());
}

std::string name(const Shape& s) {
  std::string text;
  for (const int64_t n : {s.batch, s.q_length, s.k_length, s.heads, s.groups, s.head_size}) text += std::to_string(n) + " ";
  return text;
}

constexpr fovea_attention_params kPlain{}, kCausal{0, 1, 0, 0}, kWindow{0, 1, 7, 0}, kCapped{0.5f, 0, 0, 5},
    kEverything{0.3f, 1, 20, 3};

// An emulated device takes a thousand times as long: it gets every shape, but not with every mask.
bool emulated_enough(const Shape& s, const fovea_attention_params& p) {
  const double products = static_cast<double>(s.batch * s.heads * s.q_length * s.k_length * s.head_size);
  return test_device() != nullptr && products > 2e4 && p.softcap != kEverything.softcap;
}

TEST(Attention, HeadSizesMatchReference) {
  for (const int64_t head_size : {1, 8, 32, 40, 64, 80, 128, 256})
    for (const int64_t q_length : {1, 19}) {
      const Shape shape{2, q_length, 37, 2, 2, head_size, 3};
      SCOPED_TRACE(name(shape));
      for (const fovea_attention_params& params : {kPlain, kCausal}) {
        if (test_device() != nullptr && params.causal == (q_length == 1)) continue;
        Problem problem(shape, params);
        check(problem);
      }
    }
}

TEST(Attention, LengthsAndMasksMatchReference) {
  const Shape shapes[] = {{1, 1, 1, 1, 1, 8},     {1, 2, 3, 1, 1, 2},      {1, 17, 5, 2, 1, 16},   {2, 5, 31, 4, 2, 24},
                          {1, 131, 67, 1, 1, 20}, {1, 67, 301, 3, 1, 33},  {1, 150, 530, 2, 2, 8}, {3, 7, 64, 6, 3, 12, 5},
                          {1, 9, 130, 2, 1, 200}, {1, 1, 1100, 2, 1, 12},  {2, 1, 600, 8, 2, 24},  {1, 1, 300, 9, 1, 16},
                          {1, 1, 77, 40, 20, 48}, {1, 129, 129, 2, 2, 32}, {1, 3, 590, 3, 3, 20},  {2, 8, 140, 12, 6, 64, 1},
                          {1, 4, 66, 16, 4, 130}, {1, 16, 100, 1, 1, 17}};
  for (const Shape& shape : shapes)
    for (const fovea_attention_params& params : {kPlain, kCausal, kWindow, kCapped, kEverything}) {
      if (emulated_enough(shape, params)) continue;
      SCOPED_TRACE(name(shape) + "causal " + std::to_string(params.causal) + " window " + std::to_string(params.window) +
                   " softcap " + std::to_string(params.softcap));
      Problem problem(shape, params);
      check(problem);
    }
}

// Scores and sums are f32. Tensor cores take probabilities rounded to the narrow type: each by at most `unit` of itself, so a
// mean of values below 1 moves by at most `unit`; the result and what it is compared with are rounded by `unit` of themselves.
template <class T>
void check_narrow(double unit) {
  const Shape shapes[] = {{2, 35, 70, 2, 1, 64},    {1, 150, 130, 2, 2, 16}, {1, 70, 67, 4, 2, 128, 8},
                          {1, 20, 90, 1, 1, 256},   {2, 33, 66, 3, 3, 80},   {1, 40, 37, 2, 1, 24},
                          {1, 19, 33, 2, 1, 64, 3}, {2, 1, 300, 8, 2, 64},   {1, 3, 70, 4, 2, 13}};
  for (const Shape& shape : shapes)
    for (const fovea_attention_params& params : {kPlain, kEverything}) {
      SCOPED_TRACE(name(shape) + "causal " + std::to_string(params.causal) + " window " + std::to_string(params.window));
      const bool has_lengths = shape.batch == 2;
      const std::vector<int32_t> lengths = has_lengths ? std::vector<int32_t>{61, 17} : std::vector<int32_t>{};
      ProblemOf<T> narrow(shape, params, lengths);
      Problem wide(shape, params, lengths);
      for (int64_t i = 0; i < wide.q.size(); ++i) wide.q[i] = static_cast<float>(narrow.q[i]);
      for (int64_t i = 0; i < wide.k.size(); ++i) wide.k[i] = static_cast<float>(narrow.k[i]);
      for (int64_t i = 0; i < wide.v.size(); ++i) wide.v[i] = static_cast<float>(narrow.v[i]);
      const Tolerance f32 = tolerance_of(shape, params);
      check_narrow_kernel<T>(
          narrow.o, wide.o, {2 * unit + f32.relative, unit + f32.absolute}, [&](fovea_stream* s) { return wide.run(s); },
          [&](fovea_stream* s) { return narrow.run(s); });
      if (test_device() == nullptr) return;
      EXPECT_TRUE(narrow.workspace->guards_intact());
      for (int64_t i = 0; i < wide.lse.size(); ++i)
        ASSERT_TRUE(near(narrow.lse[i], wide.lse[i], f32.relative, f32.absolute)) << i;
    }
}
TEST(Attention, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(Attention, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

TEST(Attention, KeyLengthsMatchReference) {
  for (const Shape& shape :
       {Shape{6, 1, 70, 4, 2, 16}, Shape{6, 1, 900, 2, 1, 8}, Shape{6, 23, 70, 4, 2, 16}, Shape{6, 4, 70, 4, 1, 20}})
    for (const fovea_attention_params& params : {kPlain, kCausal, kWindow}) {
      SCOPED_TRACE(name(shape) + "causal " + std::to_string(params.causal));
      Problem problem(shape, params, {0, 1, 33, 70, -5, 100000});
      check(problem);
      for (const int64_t batch : {0, 4})
        for (int64_t h = 0; h < shape.heads; ++h) {
          EXPECT_EQ(problem.o[problem.q_at(batch, 0, h)], 0.0f);
          EXPECT_EQ(problem.lse[(batch * shape.heads + h) * shape.q_length], -kInf);
        }
    }
}

// A cache beyond its length may hold anything.
TEST(Attention, KeysBeyondTheLengthAreNotRead) {
  for (const int64_t q_length : {1, 20}) {
    const Shape shape{2, q_length, 90, 2, 1, 24};
    Problem problem(shape, kPlain, {41, 64});
    for (const int64_t batch : {0, 1})
      for (int64_t j = problem.lengths[batch]; j < shape.k_length; ++j)
        for (int64_t d = 0; d < shape.head_size; ++d)
          problem.k[problem.k_at(batch, j, 0) + d] = problem.v[problem.k_at(batch, j, 0) + d] = d % 2 == 0 ? kNan : kInf;
    check(problem);
    for (int64_t i = 0; i < problem.o.size(); ++i) ASSERT_TRUE(std::isfinite(problem.o[i]));
  }
}

TEST(Attention, EmptyDimensions) {
  for (const Shape& shape : {Shape{0, 3, 4, 2, 1, 8}, Shape{2, 0, 4, 2, 1, 8}, Shape{2, 3, 4, 0, 0, 8}, Shape{2, 3, 4, 0, 5, 8},
                             Shape{2, 3, 4, 2, 1, 0}, Shape{2, 3, 0, 2, 1, 8}, Shape{2, 1, 0, 2, 1, 8}}) {
    SCOPED_TRACE(name(shape));
    Problem problem(shape);
    on_every_backend([&](fovea_stream* stream, bool) {
      problem.o.poison();
      problem.lse.poison();
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < problem.o.size(); ++i) ASSERT_EQ(problem.o[i], 0.0f);
      for (int64_t i = 0; i < problem.lse.size() && problem.o.size() > 0; ++i) ASSERT_EQ(problem.lse[i], -kInf);
    });
  }
}

TEST(Attention, TwoQueriesByHand) {
  Problem problem({1, 2, 3, 1, 1, 2});
  problem.q.assign({1, 0, 0, 1});
  problem.k.assign({1, 0, 0, 1, 1, 1});
  problem.v.assign({1, 2, 3, 4, 5, 6});
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(problem.run_now(stream), FOVEA_OK) << fovea_last_error();
    const double expected[] = {3, 4, 3.406673, 4.406673};
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(problem.o[i], expected[i], 2e-6);
    for (int i = 0; i < 2; ++i) EXPECT_NEAR(problem.lse[i], 1.620621, 1e-6);
  });
}

// Reading one more query than the cache has seen is the same as recomputing everything.
TEST(Attention, DecodeIsTheLastRowOfFullCausalAttention) {
  for (const int64_t heads : {4, 20}) {  // with one group of 20 heads the tiles decode
    const int64_t groups = heads == 4 ? 2 : 1;
    Problem full({1, 75, 75, heads, groups, 40}, kCausal), last({1, 1, 75, heads, groups, 40}, kCausal);
    last.k.assign(full.k.values());
    last.v.assign(full.v.values());
    for (int64_t i = 0; i < last.q.size(); ++i) last.q[i] = full.q[full.q_at(0, 74, 0) + i];
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(full.run_now(stream), FOVEA_OK);
      ASSERT_EQ(last.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < last.o.size(); ++i) ASSERT_NEAR(last.o[i], full.o[full.q_at(0, 74, 0) + i], 1e-5);
      for (int64_t h = 0; h < heads; ++h) ASSERT_NEAR(last.lse[h], full.lse[h * 75 + 74], 1e-5);
    });
  }
}

TEST(Attention, LaterTokensDoNotLeak) {
  constexpr int64_t kToken = 40;
  for (const float value : {0.5f, kNan, kInf}) {
    Problem problem({1, 70, 70, 2, 1, 24}, kCausal);
    on_every_backend([&](fovea_stream* stream, bool) {
      problem.k.fill(2);
      problem.v.fill(3);
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      const std::vector<float> before = problem.o.values(), lse = problem.lse.values();
      for (int64_t d = 0; d < 24; ++d)
        problem.k[problem.k_at(0, kToken, 0) + d] = problem.v[problem.k_at(0, kToken, 0) + d] = value;
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      const std::vector<float> after = problem.o.values(), lse_after = problem.lse.values();
      const auto rows = static_cast<size_t>(problem.q_at(0, kToken, 0));
      EXPECT_EQ(std::memcmp(after.data(), before.data(), rows * sizeof(float)), 0) << "with " << value;
      EXPECT_EQ(std::memcmp(lse_after.data(), lse.data(), kToken * sizeof(float)), 0) << "with " << value;
      for (size_t i = rows; i < after.size(); ++i) ASSERT_NE(after[i], before[i]) << "the token must matter at " << i;
    });
  }
}

// As above on tensor cores, whose zero times NaN is not zero: such tiles take another way, which rounds differently.
template <class T>
void check_narrow_leaks() {
  if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN";
  constexpr int64_t kToken = 40;
  ProblemOf<T> problem({1, 70, 70, 2, 1, 32}, kCausal);
  on_every_backend([&](fovea_stream* stream, bool) {
    problem.k.fill(2);
    problem.v.fill(3);
    ASSERT_EQ(problem.run_now(stream), FOVEA_OK) << fovea_last_error();
    const std::vector<T> before = problem.o.values();
    for (const float value : {kInf, kNan}) {
      for (int64_t d = 0; d < 32; ++d)
        problem.k[problem.k_at(0, kToken, 0) + d] = problem.v[problem.k_at(0, kToken, 0) + d] = T(value);
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < problem.o.size(); ++i) {
        const bool sees_it = i >= problem.q_at(0, kToken, 0);
        const double x = static_cast<double>(problem.o[i]), y = static_cast<double>(before[static_cast<size_t>(i)]);
        if (sees_it)
          ASSERT_FALSE(x == y) << i;
        else
          ASSERT_NEAR(x, y, 0x1p-7) << i;
      }
    }
  });
}
TEST(Attention, LaterTokensDoNotLeakInHalfPrecision) { check_narrow_leaks<Half>(); }
TEST(Attention, LaterTokensDoNotLeakInBFloat16) { check_narrow_leaks<BFloat16>(); }

// A few queries at once (speculative decoding): each sees one key more than the one before, whatever the last keys hold.
TEST(Attention, DraftedTokensDoNotLeak) {
  for (const float value : {0.5f, kNan, kInf})
    for (const int64_t k_length : {64, 75}) {
      Problem problem({1, 5, k_length, 4, 2, 24}, kCausal);
      on_every_backend([&](fovea_stream* stream, bool) {
        problem.k.fill(2);
        problem.v.fill(3);
        ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
        const std::vector<float> before = problem.o.values();
        const int64_t token = k_length - 2;  // queries 3 and 4 see it
        for (int64_t d = 0; d < 48; ++d)
          problem.k[problem.k_at(0, token, 0) + d] = problem.v[problem.k_at(0, token, 0) + d] = value;
        ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
        const std::vector<float> after = problem.o.values();
        const auto rows = static_cast<size_t>(problem.q_at(0, 3, 0));
        EXPECT_EQ(std::memcmp(after.data(), before.data(), rows * sizeof(float)), 0) << "with " << value;
        for (size_t i = rows; i < after.size(); ++i) ASSERT_NE(after[i], before[i]) << "the token must matter at " << i;
      });
    }
}

// The window drops the oldest keys, also when they hold NaN.
TEST(Attention, ForgottenKeysDoNotLeak) {
  for (const int64_t q_length : {1, 4, 70}) {
    Problem problem({1, q_length, 70, 2, 1, 16}, kWindow);
    for (int64_t d = 0; d < 16; ++d) problem.k[problem.k_at(0, 40, 0) + d] = problem.v[problem.k_at(0, 40, 0) + d] = kNan;
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < q_length; ++i) {
        const int64_t position = 70 - q_length + i;
        EXPECT_EQ(problem.row_is_nan(0, i, 1), position >= 40 && position < 47) << "query " << i;
      }
    });
  }
}

TEST(Attention, NanOfAQueryStaysInItsRow) {
  for (const int64_t q_length : {1, 30}) {
    Problem problem({1, q_length, 50, 3, 3, 20});
    problem.q[problem.q_at(0, q_length / 2, 1) + 7] = kNan;
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < q_length; ++i)
        for (int64_t h = 0; h < 3; ++h) {
          const bool poisoned = i == q_length / 2 && h == 1;
          EXPECT_EQ(problem.row_is_nan(0, i, h), poisoned) << i << " " << h;
          EXPECT_EQ(std::isnan(problem.lse[h * q_length + i]), poisoned);
          for (int64_t d = 0; d < 20 && !poisoned; ++d) ASSERT_TRUE(std::isfinite(problem.o[problem.q_at(0, i, h) + d]));
        }
    });
  }
}

// exp of the scores would overflow, and they differ by more than exp can express: the best key takes everything.
TEST(Attention, HugeScoresDoNotOverflow) {
  for (const int64_t q_length : {1, 5}) {
    Problem problem({1, q_length, 400, 1, 1, 8});
    for (int64_t i = 0; i < problem.q.size(); ++i) problem.q[i] = 1e15f;
    for (int64_t j = 0; j < 400; ++j)
      for (int64_t d = 0; d < 8; ++d) problem.k[j * 8 + d] = j == 333 ? 1e15f : static_cast<float>(j - 390) * 1e14f;
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < q_length; ++i) {
        EXPECT_TRUE(near(problem.lse[i], 8e30 / std::sqrt(8.0), 1e-6, 0));
        for (int64_t d = 0; d < 8; ++d) EXPECT_TRUE(near(problem.o[i * 8 + d], problem.v[333 * 8 + d], 1e-6, 0));
      }
    });
  }
}

// Every score -inf: 0/0, as the formula says; a query without keys is the case that gives zeros.
TEST(Attention, OnlyMinusInfinityGivesNan) {
  for (const int64_t q_length : {1, 3}) {
    Problem problem({1, q_length, 9, 1, 1, 8});
    for (int64_t i = 0; i < problem.q.size(); ++i) problem.q[i] = 1.0f;
    for (int64_t i = 0; i < problem.k.size(); ++i) problem.k[i] = -kInf;
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(problem.run_now(stream), FOVEA_OK);
      for (int64_t i = 0; i < q_length; ++i) {
        EXPECT_TRUE(problem.row_is_nan(0, i, 0));
        EXPECT_EQ(problem.lse[i], -kInf);
      }
    });
  }
}

TEST(Attention, LiveLimitsTheBatch) {
  for (const int64_t q_length : {1, 6}) {
    Problem problem({5, q_length, 11, 2, 1, 8});
    Array<int32_t> count({1});
    on_every_backend([&](fovea_stream* stream, bool) {
      for (const int32_t live : {-1, 0, 3, 5, 99}) {
        count[0] = live;
        problem.o.poison();
        ASSERT_EQ(problem.run_now(stream, count.data()), FOVEA_OK);
        for (int64_t b = 0; b < 5; ++b) EXPECT_EQ(problem.row_is_nan(b, q_length - 1, 1), b >= live) << "live " << live;
      }
    });
  }
}

TEST(Attention, LseIsOptionalAndOneThreadsScratchIsEnough) {
  for (const int64_t q_length : {1, 200}) {
    Problem problem({1, q_length, 40, 2, 1, 16});
    fovea_thread_options threads{};
    ASSERT_EQ(fovea_threads_query(&threads), FOVEA_OK);
    const bool per_thread = q_length > 1;
    const Workspace small(per_thread ? problem.bytes() / threads.count : problem.bytes());
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(problem.run_now(stream, nullptr, false), FOVEA_OK);
      const std::vector<float> expected = problem.o.values();
      problem.o.poison();
      const fovea_tensor q = problem.q.view(), k = problem.k.view(), v = problem.v.view(), o = problem.o.view();
      ASSERT_EQ(finish(fovea_attention(&problem.params, &q, &k, &v, nullptr, &o, nullptr, small.get(), stream), stream),
                FOVEA_OK)
          << fovea_last_error();
      EXPECT_EQ(problem.o.values(), expected);
      EXPECT_TRUE(small.guards_intact());
    });
  }
}

TEST(Attention, ArgumentsAreChecked) {
  Problem p({2, 3, 5, 4, 2, 8});
  const StreamPtr stream = make_stream();
  fovea_tensor q = p.q.view(), k = p.k.view(), v = p.v.view(), n = p.lengths.view(), o = p.o.view(), lse = p.lse.view();
  fovea_attention_params params{};
  const Workspace memory(p.bytes());
  const fovea_workspace* workspace = memory.get();
  p.lengths.assign({5, 5});
  const auto run = [&] { return fovea_attention(&params, &q, &k, &v, &n, &o, &lse, workspace, stream.get()); };
  const auto refused = [&](auto& field, auto value) {
    const auto previous = field;
    field = value;
    const fovea_status status = run();
    field = previous;
    return status == FOVEA_INVALID_ARGUMENT;
  };
  ASSERT_EQ(run(), FOVEA_OK) << fovea_last_error();
  EXPECT_TRUE(refused(params.softmax_scale, kNan));
  EXPECT_TRUE(refused(params.softcap, -1.0f));
  EXPECT_TRUE(refused(params.softcap, kInf));
  EXPECT_TRUE(refused(params.window, 4));
  EXPECT_STREQ(fovea_last_error(), "attention: a window (4) needs causal");
  EXPECT_TRUE(refused(params.window, -1));
  EXPECT_TRUE(refused(k.shape[0], 1));
  EXPECT_TRUE(refused(k.shape[1], 4)) << "v is longer";
  EXPECT_TRUE(refused(v.shape[2], 1));
  EXPECT_TRUE(refused(o.shape[1], 2));
  EXPECT_TRUE(refused(n.shape[0], 1));
  EXPECT_TRUE(refused(lse.shape[2], 2));
  EXPECT_TRUE(refused(lse.rank, 2));
  EXPECT_TRUE(refused(q.rank, 3));
  EXPECT_TRUE(refused(q.shape[1], -1));
  EXPECT_TRUE(refused(q.shape[1], INT64_MAX));
  EXPECT_TRUE(refused(n.dtype, k.dtype));
  EXPECT_TRUE(refused(o.data, p.q.data())) << "o overlaps q";
  EXPECT_TRUE(refused(lse.data, p.o.data())) << "lse overlaps o";
  EXPECT_TRUE(refused(workspace, static_cast<const fovea_workspace*>(nullptr)));
  const fovea_workspace small{workspace->data, 64}, crooked{static_cast<char*>(workspace->data) + 4, workspace->bytes};
  EXPECT_TRUE(refused(workspace, &small));
  EXPECT_TRUE(refused(workspace, &crooked));
  k.shape[2] = v.shape[2] = 1;
  k.shape[1] = v.shape[1] = 3;
  EXPECT_EQ(run(), FOVEA_OK) << fovea_last_error();
  k.shape[2] = v.shape[2] = 3;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "attention: 4 heads are no multiple of 3 groups");
  k.shape[2] = v.shape[2] = 0;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);

  k = p.k.view(), v = p.v.view();
  int64_t bytes = -1;
  EXPECT_EQ(fovea_attention_workspace(&params, &q, &k, &bytes), FOVEA_OK);
  EXPECT_EQ(fovea_attention_workspace(nullptr, &q, &k, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_workspace(&params, nullptr, &k, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_workspace(&params, &q, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_workspace(&params, &q, &k, nullptr), FOVEA_INVALID_ARGUMENT);
  q.shape[0] = k.shape[0] = INT64_MAX;
  EXPECT_EQ(fovea_attention_workspace(&params, &q, &k, &bytes), FOVEA_INVALID_ARGUMENT);
  q.shape[0] = k.shape[0] = 2;
  q.shape[3] = k.shape[3] = 257;
  EXPECT_EQ(fovea_attention_workspace(&params, &q, &k, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "attention: head size 257, at most 256 is possible");
  EXPECT_EQ(fovea_attention(nullptr, &q, &k, &v, &n, &o, &lse, workspace, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention(&params, nullptr, &k, &v, &n, &o, &lse, workspace, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention(&params, &q, &k, &v, &n, nullptr, &lse, workspace, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention(&params, &q, &k, &v, &n, &o, &lse, workspace, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
