#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Up to four roundings, two of them of a quotient that another one multiplies.
constexpr Tolerance kTolerance{4e-7, 0};

template <class T>
struct CallOf {
  int32_t op;
  Array<T> a, b, dy, da, db;

  CallOf(int32_t which, const std::vector<int64_t>& a_shape, const std::vector<int64_t>& b_shape,
         const std::vector<int64_t>& y_shape, int64_t gap = 0)
      : op(which),
        a(a_shape, pitch(a_shape, gap, 1)),
        b(b_shape, pitch(b_shape, gap, 2)),
        dy(y_shape, pitch(y_shape, gap, 3)),
        da(y_shape, pitch(y_shape, gap, 4)),
        db(y_shape, pitch(y_shape, gap, 5)) {
    a.fill(1, 0.25, 3);
    b.fill(2, op == FOVEA_BINARY_DIV ? 0.5 : -2, 2);
    dy.fill(3);
  }
  static int64_t pitch(const std::vector<int64_t>& shape, int64_t gap, int64_t more) {
    return gap == 0 ? 0 : (shape.empty() ? 1 : shape.back()) + more;
  }
  fovea_status run(fovea_stream* stream, bool want_da = true, bool want_db = true, const int32_t* live = nullptr) {
    fovea_tensor at = a.view();
    at.live = live;
    const fovea_tensor bt = b.view(), dyt = dy.view(), dat = da.view(), dbt = db.view();
    return fovea_binary_backward(op, &at, &bt, &dyt, want_da ? &dat : nullptr, want_db ? &dbt : nullptr, stream);
  }
};
using Call = CallOf<float>;

class BinaryBackward : public ::testing::TestWithParam<int32_t> {};

TEST_P(BinaryBackward, MatchesReference) {
  struct Case {
    std::vector<int64_t> a, b, y;
  };
  const Case cases[] = {{{}, {}, {}},
                        {{0, 3}, {3}, {0, 3}},
                        {{9001}, {9001}, {9001}},
                        {{3, 5, 17}, {3, 5, 17}, {3, 5, 17}},
                        {{2, 6, 33}, {33}, {2, 6, 33}},
                        {{}, {4, 9}, {4, 9}},
                        {{2, 3, 4, 5}, {3, 1, 5}, {2, 3, 4, 5}},
                        {{7, 1}, {1, 19}, {7, 19}},
                        {{2, 1, 3, 1, 2}, {5, 1, 4, 1}, {2, 5, 3, 4, 2}},
                        {{37, 1}, {37, 1}, {37, 1}},
                        {{6, 1}, {2, 6, 24}, {2, 6, 24}}};
  for (const Case& k : cases)
    for (const int64_t gap : {0, 1}) {
      SCOPED_TRACE(::testing::PrintToString(k.a) + " and " + ::testing::PrintToString(k.b) + (gap != 0 ? ", pitched" : ""));
      Call c(GetParam(), k.a, k.b, k.y, gap);
      check_kernel<float>(c.da, kTolerance, [&](fovea_stream* s) { return c.run(s, true, gap == 0); });
      check_kernel<float>(c.db, kTolerance, [&](fovea_stream* s) { return c.run(s, gap == 0, true); });
    }
}

// Central differences, of order 4, of the operations in double.
TEST_P(BinaryBackward, IsTheDerivativeOfTheForwardFunction) {
  const auto forward = [&](double a, double b) {
    switch (GetParam()) {
      case FOVEA_BINARY_ADD:
        return a + b;
      case FOVEA_BINARY_SUB:
        return a - b;
      case FOVEA_BINARY_MUL:
        return a * b;
      case FOVEA_BINARY_DIV:
        return a / b;
      case FOVEA_BINARY_MAX:
        return std::fmax(a, b);
      case FOVEA_BINARY_MIN:
        return std::fmin(a, b);
      default:
        return std::pow(a, b);
    }
  };
  Call c(GetParam(), {50}, {50}, {50});
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
  constexpr double h = 1e-3;
  const auto difference = [&](const auto& f) { return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h); };
  for (int64_t i = 0; i < 50; ++i) {
    const double a = static_cast<double>(c.a[i]), b = static_cast<double>(c.b[i]), dy = static_cast<double>(c.dy[i]);
    ASSERT_GT(std::fabs(a - b), 2 * h) << "a kink within reach";
    const double by_a = dy * difference([&](double step) { return forward(a + step, b); });
    const double by_b = dy * difference([&](double step) { return forward(a, b + step); });
    EXPECT_NEAR(c.da[i], by_a, 2e-6 * std::fmax(1, std::fabs(by_a))) << i;
    EXPECT_NEAR(c.db[i], by_b, 2e-6 * std::fmax(1, std::fabs(by_b))) << i;
  }
}

// A NaN operand reaches the gradients that depend on it; where max and min would have to compare it, both.
TEST_P(BinaryBackward, Nan) {
  on_every_isa([&] {
    Call c(GetParam(), {19}, {19}, {19});
    c.a[5] = kNan, c.b[17] = kNan, c.dy[2] = kNan;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
    const int32_t op = GetParam();
    const bool linear = op == FOVEA_BINARY_ADD || op == FOVEA_BINARY_SUB, product = op == FOVEA_BINARY_MUL;
    EXPECT_EQ(std::isnan(c.da[5]), !linear && !product && op != FOVEA_BINARY_DIV);
    EXPECT_EQ(std::isnan(c.db[5]), !linear);
    EXPECT_EQ(std::isnan(c.da[17]), !linear);
    EXPECT_EQ(std::isnan(c.db[17]), !linear && !product);
    EXPECT_TRUE(std::isnan(c.da[2]) && std::isnan(c.db[2]));
    EXPECT_FALSE(std::isnan(c.da[3]) || std::isnan(c.db[3]));
  });
}

TEST_P(BinaryBackward, LiveLimitsTheLeadingDimension) {
  on_every_isa([&] {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{5, 19}, {5}})
      for (const int32_t n : {-1, 0, 2, 99}) {
        Call all(GetParam(), shape, {1}, shape), c(GetParam(), shape, {1}, shape);
        const Live live(n);
        const StreamPtr stream = make_stream();
        ASSERT_EQ(finish(stream, all.run(stream.get())), FOVEA_OK) << fovea_last_error();
        c.da.poison();
        c.db.poison();
        ASSERT_EQ(finish(stream, c.run(stream.get(), true, true, live.get())), FOVEA_OK) << fovea_last_error();
        const int64_t count = c.a.size() / 5 * std::min(std::max(n, 0), 5);
        for (int64_t i = 0; i < c.da.size(); ++i) {
          if (i < count)
            EXPECT_TRUE(c.da[i] == all.da[i] && c.db[i] == all.db[i]) << i;
          else
            EXPECT_TRUE(std::isnan(c.da[i]) && std::isnan(c.db[i])) << i;
        }
      }
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, BinaryBackward, ::testing::Range(0, 7));

TEST(BinaryBackward, SpecialValues) {
  struct Point {
    int32_t op;
    float a, b, da, db;
  };
  const Point points[] = {{FOVEA_BINARY_MAX, 2, 2, 0.5f, 0.5f},
                          {FOVEA_BINARY_MIN, -kInf, -kInf, 0.5f, 0.5f},
                          {FOVEA_BINARY_MAX, 0.0f, -0.0f, 0.5f, 0.5f},
                          {FOVEA_BINARY_MAX, kInf, 1, 1, 0},
                          {FOVEA_BINARY_MIN, kInf, 1, 0, 1},
                          {FOVEA_BINARY_POW, 0, 2, 0, 0},
                          {FOVEA_BINARY_POW, 0, 1, 1, 0},
                          {FOVEA_BINARY_POW, 0, 0, 0, 0},
                          {FOVEA_BINARY_POW, 0, 0.5f, kInf, 0},
                          {FOVEA_BINARY_POW, 3, 0, 0, 1.0986123f},
                          {FOVEA_BINARY_POW, -2, 3, 12, kNan},
                          {FOVEA_BINARY_DIV, 1, 0, kInf, -kInf},
                          {FOVEA_BINARY_DIV, 1e30f, 1e30f, 1e-30f, -1e-30f}};  // b * b would leave the range
  on_every_isa([&] {
    for (const Point& p : points) {
      Call c(p.op, {19}, {19}, {19});
      for (int64_t i = 0; i < 19; ++i) c.a[i] = p.a, c.b[i] = p.b, c.dy[i] = 1;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 19; ++i) {
        EXPECT_TRUE(is_near(c.da[i], p.da, 2e-7, 0)) << "op " << p.op << " of " << p.a << ", " << p.b << ": da " << c.da[i];
        EXPECT_TRUE(is_near(c.db[i], p.db, 2e-7, 0)) << "op " << p.op << " of " << p.a << ", " << p.b << ": db " << c.db[i];
      }
    }
  });
}

// Backends with narrow types compute in f32 and round once.
template <class T>
void check_narrow(int32_t op, double relative) {
  CallOf<T> c(op, {13, 40}, {40}, {13, 40});
  Call wide(op, {13, 40}, {40}, {13, 40});
  for (int64_t i = 0; i < c.dy.size(); ++i) {
    wide.a[i] = static_cast<float>(c.a[i]);
    wide.dy[i] = static_cast<float>(c.dy[i]);
  }
  for (int64_t i = 0; i < 40; ++i) wide.b[i] = static_cast<float>(c.b[i]);
  check_narrow_kernel<T>(
      c.db, wide.db, {relative, 0}, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
}
TEST(BinaryBackward, HalfPrecision) { check_narrow<Half>(FOVEA_BINARY_DIV, 0x1p-10 + 4e-7); }
TEST(BinaryBackward, BFloat16) { check_narrow<BFloat16>(FOVEA_BINARY_MUL, 0x1p-8 + 4e-7); }

TEST(BinaryBackwardArguments, AreChecked) {
  Call c(FOVEA_BINARY_MUL, {4, 3}, {3}, {4, 3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor at = c.a.view(), bt = c.b.view(), dyt = c.dy.view(), dat = c.da.view(), dbt = c.db.view(),
                     ot = other.view();
  const auto refused = [&](int32_t op, const fovea_tensor* b, const fovea_tensor* dy, const fovea_tensor* da,
                           const fovea_tensor* db, const char* message) {
    EXPECT_EQ(fovea_binary_backward(op, &at, b, dy, da, db, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(7, &bt, &dyt, &dat, &dbt, "binary_backward: unknown operation 7");
  refused(FOVEA_BINARY_MUL, &ot, &dyt, &dat, &dbt,
          "binary_backward: [4, 3] f32 and [3, 4] f32 do not broadcast to dy, which is [4, 3] f32");
  refused(FOVEA_BINARY_MUL, &bt, &dyt, &ot, &dbt, "binary_backward: dy is [4, 3] f32 but da is [3, 4] f32");
  refused(FOVEA_BINARY_MUL, &bt, &dyt, &dat, &ot, "binary_backward: dy is [4, 3] f32 but db is [3, 4] f32");
  refused(FOVEA_BINARY_MUL, &bt, &dyt, &dyt, &dbt, "binary_backward: dy and da overlap in memory");
  refused(FOVEA_BINARY_MUL, &bt, &dyt, &dat, &at, "binary_backward: a and db overlap in memory");
  refused(FOVEA_BINARY_MUL, &bt, &dyt, &dat, &dat, "binary_backward: da and db overlap in memory");
}

}  // namespace
