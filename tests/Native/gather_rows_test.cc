#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr int64_t kRows = 23;

// Hostile on purpose: padding, ends of the range and beyond, and repeats.
template <class Index>
void fill_indices(Array<Index>& indices) {
  const Index odd[] = {0, 22, -1, 23, 5, 5, std::numeric_limits<Index>::max(), std::numeric_limits<Index>::min(), 7, 5};
  for (int64_t i = 0; i < indices.size(); ++i) indices[i] = i % 17 < 10 ? odd[i % 17] : static_cast<Index>(i * 7 % kRows);
}

struct Case {
  std::vector<int64_t> indices, row;
  int64_t index_pitch = 0, x_pitch = 0, y_pitch = 0;
};

const Case kCases[] = {{{}, {}},
                       {{}, {5}},
                       {{0}, {5}},
                       {{9}, {0}},
                       {{9}, {}},
                       {{3, 7}, {}, 11, 0, 8},
                       {{31}, {1}},
                       {{31}, {3, 5}},
                       {{31}, {3, 5}, 0, 7, 6},
                       {{4, 5, 3}, {2, 3, 17}, 4, 0, 19},
                       {{200}, {600}},
                       {{3000}, {16}},
                       {{2, 40}, {1100}, 41, 1111, 1105}};

std::vector<int64_t> joined(std::vector<int64_t> a, const std::vector<int64_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
int64_t product(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (const int64_t s : shape) n *= s;
  return n;
}

template <class Index>
void check_both(const Case& c) {
  SCOPED_TRACE(::testing::PrintToString(c.indices) + " rows of " + ::testing::PrintToString(c.row));
  Array<Index> indices(c.indices, c.index_pitch);
  fill_indices(indices);
  Array<float> x(joined({kRows}, c.row), c.x_pitch), y(joined(c.indices, c.row), c.y_pitch);
  x.fill(1);
  check_kernel<float>(y, {}, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), it = indices.view(), yt = y.view();
    return fovea_gather_rows(&xt, &it, &yt, s);
  });
  // Independently: element k of row i.
  const int64_t row = product(c.row);
  for (int64_t i = 0; i < indices.size(); ++i)
    for (int64_t k = 0; k < row; ++k) {
      const int64_t at = static_cast<int64_t>(indices[i]);
      ASSERT_EQ(y[i * row + k], at < 0 || at >= kRows ? 0.0f : x[at * row + k]) << "pick " << i << ", element " << k;
    }

  y.fill(2);
  const std::vector<float> start = x.values();
  // The order of the sums is part of the contract: no tolerance.
  check_kernel<float>(x, {}, [&](fovea_stream* s) {
    x.assign(start);
    const fovea_tensor xt = x.view(), it = indices.view(), yt = y.view();
    return fovea_scatter_add_rows(&yt, &it, &xt, s);
  });
}

TEST(GatherRows, MatchesReferenceBothWays) {
  for (const Case& c : kCases) {
    check_both<int32_t>(c);
    check_both<int64_t>(c);
  }
}

// 1e8 - 1e8 + 1 is 1 in this order only.
TEST(ScatterAddRows, EqualIndicesSumInTheirOrder) {
  on_every_backend([](fovea_stream* s, bool) {
    Array<float> dy({4, 3}), dx({2, 3});
    Array<int32_t> indices({4});
    indices.assign({1, 1, 0, 1});
    dy.assign({1e8f, 1e8f, 1e8f, -1e8f, -1e8f, -1e8f, 5, 5, 5, 1, 1, 1});
    for (int64_t i = 0; i < 6; ++i) dx[i] = 0;
    const fovea_tensor dt = dy.view(), it = indices.view(), xt = dx.view();
    ASSERT_EQ(finish(fovea_scatter_add_rows(&dt, &it, &xt, s), s), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(dx.values(), (std::vector<float>{5, 5, 5, 1, 1, 1}));
  });
}

// <gather(x), dy> = <x, scatter(dy)>: one is the other's transpose. Small integers make the sums exact.
TEST(ScatterAddRows, IsTheGradientOfGatherRows) {
  on_every_backend([](fovea_stream* s, bool) {
    Array<float> x({kRows, 6}), y({50, 6}), dy({50, 6}), dx({kRows, 6});
    Array<int32_t> indices({50});
    fill_indices(indices);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 19), dx[i] = 0;
    for (int64_t i = 0; i < dy.size(); ++i) dy[i] = static_cast<float>(i * 23 % 17);
    const fovea_tensor xt = x.view(), yt = y.view(), dyt = dy.view(), dxt = dx.view(), it = indices.view();
    ASSERT_EQ(finish(fovea_gather_rows(&xt, &it, &yt, s), s), FOVEA_OK);
    ASSERT_EQ(finish(fovea_scatter_add_rows(&dyt, &it, &dxt, s), s), FOVEA_OK);
    float forward = 0, backward = 0;
    for (int64_t i = 0; i < y.size(); ++i) forward += y[i] * dy[i];
    for (int64_t i = 0; i < x.size(); ++i) backward += x[i] * dx[i];
    EXPECT_EQ(forward, backward);
  });
}

TEST(GatherRows, LiveLimitsTheTableAndTheIndices) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t live : {-1, 0, 3, 5, 9})
      for (const int32_t picks : {-1, 0, 2, 4, 7}) {
        Array<float> x({5, 2}), y({4, 2}), dy({4, 2});
        Array<int32_t> live_rows({1}), live_picks({1});
        live_rows[0] = live, live_picks[0] = picks;
        Array<int32_t> indices({4});
        indices.assign({4, 0, 2, 4});
        for (int64_t i = 0; i < 10; ++i) x[i] = static_cast<float>(i + 1);
        for (int64_t i = 0; i < 8; ++i) dy[i] = 100;
        y.poison();
        fovea_tensor xt = x.view(), it = indices.view(), dt = dy.view();
        const fovea_tensor yt = y.view();
        xt.live = live_rows.data(), it.live = live_picks.data();
        ASSERT_EQ(finish(fovea_gather_rows(&xt, &it, &yt, s), s), FOVEA_OK);
        for (int64_t i = 0; i < 4; ++i) {
          if (i >= picks)
            EXPECT_TRUE(std::isnan(y[2 * i]));
          else
            EXPECT_EQ(y[2 * i], indices[i] < live ? x[2 * indices[i]] : 0.0f);
        }
        xt.live = nullptr, it.live = nullptr, dt.live = live_picks.data();
        ASSERT_EQ(finish(fovea_scatter_add_rows(&dt, &it, &xt, s), s), FOVEA_OK);
        for (int64_t row = 0; row < 5; ++row) {
          int hits = 0;
          for (int64_t i = 0; i < std::min(picks, 4); ++i) hits += indices[i] == row;
          EXPECT_EQ(x[2 * row], static_cast<float>(2 * row + 1 + 100 * hits));
        }
      }
  });
}

// Rows of narrow types move as they are; their sums are f32, rounded at every pick.
template <class T>
void check_narrow() {
  Array<float> wide({kRows, 6}), expected({40, 6});
  Array<T> x({kRows, 6}), y({40, 6}, 7);
  Array<int32_t> indices({40});
  fill_indices(indices);
  x.fill(1);
  for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
  check_narrow_kernel<T>(
      y, expected, {},
      [&](fovea_stream* s) {
        const fovea_tensor xt = wide.view(), it = indices.view(), yt = expected.view();
        return fovea_gather_rows(&xt, &it, &yt, s);
      },
      [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), it = indices.view(), yt = y.view();
        return fovea_gather_rows(&xt, &it, &yt, s);
      });
  // Small integers: all sums are exact in both types.
  for (int64_t i = 0; i < y.size(); ++i) expected[i] = static_cast<float>(i % 3), y[i] = T(expected[i]);
  check_narrow_kernel<T>(
      x, wide, {},
      [&](fovea_stream* s) {
        for (int64_t i = 0; i < wide.size(); ++i) wide[i] = 0;
        const fovea_tensor dt = expected.view(), it = indices.view(), xt = wide.view();
        return fovea_scatter_add_rows(&dt, &it, &xt, s);
      },
      [&](fovea_stream* s) {
        for (int64_t i = 0; i < x.size(); ++i) x[i] = T(0.0);
        const fovea_tensor dt = y.view(), it = indices.view(), xt = x.view();
        return fovea_scatter_add_rows(&dt, &it, &xt, s);
      });
}
TEST(GatherRows, HalfPrecision) { check_narrow<Half>(); }
TEST(GatherRows, BFloat16) { check_narrow<BFloat16>(); }

TEST(GatherRows, ArgumentsAreChecked) {
  Array<float> x({5, 3}), y({4, 3}), wrong({4, 2}), scalar({});
  Array<int32_t> indices({4});
  Array<uint8_t> bytes({4});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), wt = wrong.view(), st = scalar.view(), it = indices.view(),
                     bt = bytes.view();
  const auto gather = [&](const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* c) {
    return fovea_gather_rows(a, b, c, stream.get());
  };
  EXPECT_EQ(fovea_gather_rows(&xt, &it, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_scatter_add_rows(&yt, &it, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(gather(nullptr, &it, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(gather(&xt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(gather(&xt, &it, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(gather(&st, &it, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gather_rows: x has no rows: [] f32");
  EXPECT_EQ(gather(&xt, &bt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gather_rows: indices must be i32 or i64, they are [4] u8");
  EXPECT_EQ(gather(&xt, &it, &wt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "gather_rows: indices [4] i32 of rows of x [5, 3] f32 do not make y [4, 2] f32");
  EXPECT_EQ(gather(&it, &it, &yt), FOVEA_INVALID_ARGUMENT);
  fovea_tensor inside = yt;
  inside.data = x.data() + 3;
  EXPECT_EQ(gather(&xt, &it, &inside), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_scatter_add_rows(&inside, &it, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "scatter_add_rows: dy and dx overlap in memory");
  fovea_tensor hostile = xt;
  hostile.shape[0] = INT64_MAX / 4;
  EXPECT_EQ(gather(&hostile, &it, &yt), FOVEA_INVALID_ARGUMENT);
  // 9 dimensions in all cannot be described, so no y matches.
  Array<float> deep({1, 1, 1, 1, 1, 1, 1, 1});
  Array<int32_t> also({1, 1});
  const fovea_tensor dt = deep.view(), at = also.view();
  EXPECT_EQ(gather(&dt, &at, &dt), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
