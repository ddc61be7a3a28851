#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int64_t workspace_bytes(const fovea_topk_params& p, const fovea_tensor& x) {
  int64_t bytes = -1;
  EXPECT_EQ(fovea_topk_workspace(&p, &x, &bytes), FOVEA_OK) << fovea_last_error();
  return bytes;
}

struct Case {
  std::vector<int64_t> shape;
  int32_t k;
  int64_t x_pitch = 0, y_pitch = 0;
};

const Case kCases[] = {{{1}, 1},         {{5}, 5},       {{1000}, 10},         {{7, 80}, 5, 83, 9}, {{2, 3, 33}, 33},
                       {{3, 2000}, 300}, {{40, 301}, 1}, {{2, 9001}, 1000},    {{5, 3}, 0},         {{5, 4100}, 2060},
                       {{0, 7}, 2},      {{3, 0}, 0},    {{100, 17}, 3, 17, 4}};

// Every few values equal, some NaN, so that order depends on the index.
void fill_with_ties(Array<float>& x) {
  x.fill(1, -50, 50);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = i % 13 == 5 ? kNan : std::round(x[i]) * (i % 7 == 0 ? 1.0f : 0.25f);
}

TEST(Topk, MatchesReference) {
  for (const Case& c : kCases)
    for (const int32_t smallest : {0, 1}) {
      SCOPED_TRACE(::testing::PrintToString(c.shape) + " k " + std::to_string(c.k) + " smallest " + std::to_string(smallest));
      std::vector<int64_t> y_shape = c.shape;
      y_shape.back() = c.k;
      Array<float> x(c.shape, c.x_pitch), values(y_shape, c.y_pitch);
      Array<int32_t> indices(y_shape, c.y_pitch);
      Array<int64_t> wide(y_shape);
      fill_with_ties(x);
      const fovea_topk_params p{c.k, smallest};
      std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
      const auto call = [&](auto* v, auto* i) {
        return [&, v, i](fovea_stream* s) {
          const fovea_tensor xt = x.view(), vt = values.view(), it = i == nullptr ? xt : i->view();
          workspaces.push_back(std::make_unique<Workspace>(workspace_bytes(p, xt)));
          return fovea_topk(&p, &xt, v == nullptr ? nullptr : &vt, i == nullptr ? nullptr : &it, workspaces.back()->get(), s);
        };
      };
      constexpr Array<float>* no_values = nullptr;
      constexpr Array<int32_t>* no_indices = nullptr;
      const bool slow = test_device() != nullptr && c.shape.back() > 1000;
      if (slow) {
        if (smallest == 0) check_kernel<int32_t>(indices, {}, call(&values, &indices));
        continue;
      }
      // Values are copies: exact.
      check_kernel<float>(values, {}, call(&values, &indices));
      check_kernel<int32_t>(indices, {}, call(&values, &indices));
      check_kernel<int64_t>(wide, {}, call(no_values, &wide));
      check_kernel<float>(values, {}, call(&values, no_indices));
      for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
    }
}

// The reference and the bodies share the key, so the order itself is checked against the standard library.
TEST(Topk, IsAStableSort) {
  on_every_isa([&] {
    const StreamPtr stream = make_stream();
    for (const int32_t smallest : {0, 1})
      for (const int32_t k : {1, 20, 777}) {
        Array<float> x({777});
        fill_with_ties(x);
        x[10] = kInf, x[20] = -kInf, x[30] = 0.0f, x[31] = -0.0f, x[32] = 0.0f;
        Array<int32_t> indices({k});
        const fovea_tensor xt = x.view(), it = indices.view();
        const fovea_topk_params p{k, smallest};
        const Workspace workspace(workspace_bytes(p, xt));
        ASSERT_EQ(finish(stream, fovea_topk(&p, &xt, nullptr, &it, workspace.get(), stream.get())), FOVEA_OK)
            << fovea_last_error();
        std::vector<int32_t> expected(777);
        for (int32_t i = 0; i < 777; ++i) expected[static_cast<size_t>(i)] = i;
        std::stable_sort(expected.begin(), expected.end(), [&](int32_t a, int32_t b) {
          if (std::isnan(x[a]) || std::isnan(x[b])) return !std::isnan(x[a]) && std::isnan(x[b]);
          return smallest != 0 ? x[a] < x[b] : x[a] > x[b];
        });
        expected.resize(static_cast<size_t>(k));
        EXPECT_EQ(indices.values(), expected) << " k " << k;
      }
  });
}

// Ascending data beats the bar at every element; NaN first keeps the bar at NaN for long.
TEST(Topk, HardOrders) {
  Array<float> x({2, 5000});
  for (int64_t i = 0; i < 5000; ++i) {
    x[i] = static_cast<float>(i);
    x[5000 + i] = i < 4990 ? kNan : static_cast<float>(i);
  }
  Array<float> values({2, 20});
  for (const int32_t smallest : {0, 1}) {
    const fovea_topk_params p{20, smallest};
    std::vector<std::unique_ptr<Workspace>> workspaces;
    check_kernel<float>(values, {}, [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), vt = values.view();
      workspaces.push_back(std::make_unique<Workspace>(workspace_bytes(p, xt)));
      return fovea_topk(&p, &xt, &vt, nullptr, workspaces.back()->get(), s);
    });
    EXPECT_EQ(values[0], smallest != 0 ? 0 : 4999);
    EXPECT_EQ(values[20], smallest != 0 ? 4990 : 4999);
    EXPECT_TRUE(std::isnan(values[30]));
  }
}

TEST(Topk, LiveLimitsRowsAndRankOneCandidates) {
  Array<float> x({4, 3}), line({6});
  x.assign({1, 3, 2, 6, 5, 4, 7, 8, 9, 1, 1, 1});
  line.assign({1, 4, 2, 9, 9, 9});
  Array<int32_t> rows({4, 1}), picked({4});
  const Live two(2), three(3);
  on_every_isa([&] {
    fovea_tensor xt = x.view(), lt = line.view();
    const fovea_tensor rt = rows.view(), pt = picked.view();
    const StreamPtr stream = make_stream();
    xt.live = two.get();
    lt.live = three.get();
    const fovea_topk_params one{1, 0}, four{4, 0};
    const Workspace a(workspace_bytes(one, xt)), b(workspace_bytes(four, lt));
    rows.poison();
    ASSERT_EQ(finish(stream, fovea_topk(&one, &xt, nullptr, &rt, a.get(), stream.get())), FOVEA_OK);
    EXPECT_EQ(rows.values(), (std::vector<int32_t>{1, 0, -1, -1}));
    picked.poison();
    ASSERT_EQ(finish(stream, fovea_topk(&four, &lt, nullptr, &pt, b.get(), stream.get())), FOVEA_OK);
    EXPECT_EQ(picked.values(), (std::vector<int32_t>{1, 2, 0, -1}));  // three candidates fill three places
  });
}

// Indices of 16-bit values are those of the same values in f32, and values are copies.
template <class T>
void check_narrow() {
  if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN: the CPU computes in f32 only";
  Array<T> x({7, 300}, 303), values({7, 20});
  Array<float> wide({7, 300}), expected_values({7, 20});
  Array<int32_t> indices({7, 20}), expected({7, 20});
  x.fill(1, -4, 4);
  for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
  const fovea_topk_params p{20, 0};
  const auto run = [&](auto& from, auto& best, auto& at) {
    const StreamPtr stream = make_stream();
    const fovea_tensor xt = from.view(), vt = best.view(), it = at.view();
    const Workspace workspace(workspace_bytes(p, xt));
    EXPECT_EQ(finish(stream, fovea_topk(&p, &xt, &vt, &it, workspace.get(), stream.get())), FOVEA_OK) << fovea_last_error();
  };
  run(wide, expected_values, expected);
  on_every_isa([&] { run(x, values, indices); });
  EXPECT_EQ(indices.values(), expected.values());
  for (int64_t i = 0; i < values.size(); ++i) EXPECT_EQ(static_cast<float>(values[i]), expected_values[i]);
}
TEST(Topk, HalfPrecision) { check_narrow<Half>(); }
TEST(Topk, BFloat16) { check_narrow<BFloat16>(); }

TEST(Topk, ArgumentsAreChecked) {
  Array<float> x({4, 9}), values({4, 2}), wrong({4, 3});
  Array<int32_t> indices({4, 2});
  const StreamPtr stream = make_stream();
  fovea_tensor xt = x.view();
  const fovea_tensor vt = values.view(), wt = wrong.view(), it = indices.view();
  const fovea_topk_params good{2, 0}, many{10, 0}, negative{-1, 0};
  const Workspace workspace(workspace_bytes(good, xt)), small(8);
  const auto run = [&](const fovea_topk_params* p, const fovea_tensor* v, const fovea_tensor* i, const fovea_workspace* w) {
    return fovea_topk(p, &xt, v, i, w, stream.get());
  };
  EXPECT_EQ(run(&good, &vt, &it, workspace.get()), FOVEA_OK);
  EXPECT_EQ(run(&many, &vt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "topk: k is 10, allowed are 0 to 9");
  EXPECT_EQ(run(&negative, &vt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, &wt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "topk: values is [4, 3] f32, but x is [4, 9] f32 and k is 2");
  EXPECT_EQ(run(&good, nullptr, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, &vt, &vt, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, &vt, &it, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, &vt, &it, small.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(nullptr, &vt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  EXPECT_EQ(fovea_topk_workspace(&good, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_topk_workspace(&good, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
  xt.shape[0] = INT64_MAX;
  xt.shape[1] = INT32_MAX;
  EXPECT_EQ(fovea_topk_workspace(&good, &xt, &bytes), FOVEA_OK) << "only sizes are asked for";
  EXPECT_EQ(run(&good, &vt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
  xt.rank = 0;
  EXPECT_EQ(run(&good, &vt, &it, workspace.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
