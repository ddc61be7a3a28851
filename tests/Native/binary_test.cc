#include <algorithm>

#include "every_backend.h"

using namespace fovea_test;

namespace {

struct Case {
  std::vector<int64_t> a, b, y;
  int64_t a_pitch, b_pitch, y_pitch;
};

double value(int32_t op, double a, double b) {
  switch (op) {
    case FOVEA_BINARY_ADD:
      return a + b;
    case FOVEA_BINARY_SUB:
      return a - b;
    case FOVEA_BINARY_MUL:
      return a * b;
    case FOVEA_BINARY_DIV:
      return a / b;
    case FOVEA_BINARY_MAX:
      return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b);
    case FOVEA_BINARY_MIN:
      return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b);
    default:
      return std::pow(a, b);
  }
}

// Element of `t` that meets element `index` of y, by NumPy's rule.
int64_t meets(const std::vector<int64_t>& t, const std::vector<int64_t>& y, int64_t index) {
  int64_t at = 0, scale = 1;
  for (size_t back = 1; back <= y.size(); ++back) {
    const int64_t size = y[y.size() - back], coordinate = index % size;
    index /= size;
    if (back > t.size()) continue;
    const int64_t own = t[t.size() - back];
    at += own == 1 ? 0 : coordinate * scale;
    scale *= own;
  }
  return at;
}

class Binary : public ::testing::TestWithParam<int32_t> {};

TEST_P(Binary, BroadcastsLikeNumPy) {
  const std::vector<Case> cases{
      {{}, {}, {}, 0, 0, 0},           // two scalars
      {{0, 3}, {3}, {0, 3}, 0, 0, 0},  // nothing
      {{1}, {1}, {1}, 0, 0, 0},
      {{20000}, {20000}, {20000}, 0, 0, 0},  // one long row
      {{3, 5, 7}, {3, 5, 7}, {3, 5, 7}, 0, 0, 0},
      {{3, 5, 17}, {3, 5, 17}, {3, 5, 17}, 20, 17, 23},  // channel slices
      {{2, 6, 33}, {33}, {2, 6, 33}, 0, 0, 0},           // a channel vector
      {{33}, {2, 6, 33}, {2, 6, 33}, 0, 0, 0},
      {{4, 9}, {1}, {4, 9}, 0, 0, 0},  // one value
      {{}, {4, 9}, {4, 9}, 0, 0, 11},
      {{2, 3, 4, 5}, {2, 1, 1, 5}, {2, 3, 4, 5}, 0, 0, 0},  // squeeze and excite
      {{2, 3, 4, 5}, {3, 1, 5}, {2, 3, 4, 5}, 0, 0, 0},
      {{7, 1}, {1, 19}, {7, 19}, 0, 0, 0},  // outer product
      {{2, 1, 3, 1, 2}, {5, 1, 4, 1}, {2, 5, 3, 4, 2}, 0, 0, 0},
      {{37, 1}, {37, 1}, {37, 1}, 9, 5, 3},  // columns of tables
      {{6, 5}, {6, 1}, {6, 5}, 0, 4, 8},
      {{1, 1, 3}, {1, 1, 1}, {1, 1, 3}, 5, 2, 4},
      {{3, 5, 16}, {16}, {3, 5, 16}, 24, 0, 32},  // whole packs, pitched; one operand constant in a pack
      {{6, 1}, {2, 6, 24}, {2, 6, 24}, 0, 0, 0},
  };
  for (const Case& c : cases) {
    Array<float> a(c.a, c.a_pitch), b(c.b, c.b_pitch), y(c.y, c.y_pitch);
    a.fill(1, 0.25, 4);
    b.fill(2, -3, 3);
    if (a.size() > 7) a[7] = NAN;
    if (b.size() > 5) b[5] = NAN;
    SCOPED_TRACE(::testing::Message() << "case " << &c - cases.data());
    // One rounding each; powf may miss the rounded double by 1 ulp.
    check_kernel<float>(y, {GetParam() == FOVEA_BINARY_POW ? 1.2e-7 : 0, 0}, [&](fovea_stream* s) {
      const fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
      return fovea_binary(GetParam(), &at, &bt, &yt, s);
    });
    for (int64_t i = 0; i < y.size(); ++i)
      ASSERT_TRUE(near(y[i], value(GetParam(), a[meets(c.a, c.y, i)], b[meets(c.b, c.y, i)]), 1.5e-7, 0)) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Binary, ::testing::Range(0, 7));

TEST(BinaryOp, InPlaceAndLiveRows) {
  on_every_backend([](fovea_stream* stream, bool) {
    Array<float> a({4, 3}, 5), b({3});
    a.fill(1);
    b.fill(2);
    const std::vector<float> before = a.values();
    Array<int32_t> live({1});
    live[0] = 2;
    fovea_tensor at = a.view();
    at.live = live.data();
    const fovea_tensor bt = b.view();
    ASSERT_EQ(finish(fovea_binary(FOVEA_BINARY_ADD, &at, &bt, &at, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 12; ++i)
      EXPECT_EQ(a[i], i < 6 ? before[static_cast<size_t>(i)] + b[i % 3] : before[static_cast<size_t>(i)]);
    ASSERT_EQ(finish(fovea_binary(FOVEA_BINARY_SUB, &bt, &at, &at, stream), stream), FOVEA_OK)
        << "the second operand, all rows";
    EXPECT_EQ(a[11], b[2] - before[11]);
    // A vector's leading dimension is the vector.
    Array<float> x({5}), y({5});
    x.fill(4);
    y.poison();
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor yt = y.view();
    ASSERT_EQ(finish(fovea_binary(FOVEA_BINARY_ADD, &xt, &xt, &yt, stream), stream), FOVEA_OK);
    EXPECT_EQ(y[1], 2 * x[1]);
    EXPECT_TRUE(std::isnan(y[2]));
  });
}

// One rounding of the f32 result.
template <class T>
void check_narrow() {
  for (const int64_t n : {31, 40}) {
    Array<float> wide_a({6, n}), wide_b({n}), expected({6, n});
    Array<T> a({6, n}), b({n}), y({6, n}, 48);
    a.fill(1, -3, 3);
    b.fill(2, 0.5, 2);
    for (int64_t i = 0; i < a.size(); ++i) wide_a[i] = static_cast<float>(a[i]);
    for (int64_t i = 0; i < b.size(); ++i) wide_b[i] = static_cast<float>(b[i]);
    check_narrow_kernel<T>(
        y, expected, {},
        [&](fovea_stream* s) {
          const fovea_tensor at = wide_a.view(), bt = wide_b.view(), yt = expected.view();
          return fovea_binary(FOVEA_BINARY_DIV, &at, &bt, &yt, s);
        },
        [&](fovea_stream* s) {
          const fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
          return fovea_binary(FOVEA_BINARY_DIV, &at, &bt, &yt, s);
        });
  }
}
TEST(BinaryOp, HalfPrecision) { check_narrow<Half>(); }
TEST(BinaryOp, BFloat16) { check_narrow<BFloat16>(); }

TEST(BinaryOp, ArgumentsAreChecked) {
  Array<float> a({4, 3}), b({2}), y({4, 3}), wide({2, 4, 3}), row({1, 3});
  Array<int32_t> whole({4, 3});
  const fovea_tensor at = a.view(), bt = b.view(), yt = y.view(), wt = wide.view(), it = whole.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_binary(7, &at, &at, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_binary(0, &at, &bt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "binary: [4, 3] f32 and [2] f32 do not broadcast to y, which is [4, 3] f32");
  EXPECT_EQ(fovea_binary(0, &at, &at, &wt, stream.get()), FOVEA_INVALID_ARGUMENT) << "y wider than the operands";
  EXPECT_EQ(fovea_binary(0, &wt, &at, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_binary(0, &at, &it, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_binary(0, nullptr, &at, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  fovea_tensor first_row = at;  // broadcast operand inside the output
  first_row.shape[0] = 1;
  EXPECT_EQ(fovea_binary(0, &first_row, &yt, &at, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "binary: a and y overlap in memory");
}

}  // namespace
