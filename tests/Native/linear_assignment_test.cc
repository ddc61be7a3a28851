#include <algorithm>
#include <limits>
#include <numeric>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();

struct Problems {
  int64_t B, Q, T;
  std::vector<float> costs;
  std::vector<int32_t> counts = {};  // empty: NULL
};

struct Pairs {
  std::vector<int32_t> rows, columns;
  std::vector<float> totals;
};

// B = 0 stands for one problem without a batch.
Pairs assign(const Problems& p, int32_t threads = 0, bool captured = false, const int32_t* live = nullptr) {
  const int64_t problems = std::max<int64_t>(p.B, 1);
  std::vector<int64_t> shape{p.Q, p.T}, rows_shape{p.T}, columns_shape{p.Q};
  if (p.B > 0)
    for (auto* s : {&shape, &rows_shape, &columns_shape}) s->insert(s->begin(), p.B);
  Array<float> costs(shape, p.T + 3), totals({problems});
  Array<int32_t> counts({problems}), rows(rows_shape), columns(columns_shape);
  costs.assign(p.costs);
  if (!p.counts.empty()) counts.assign(p.counts);
  rows.poison(), columns.poison(), totals.poison();
  fovea_tensor ct = costs.view();
  ct.live = live;
  const fovea_tensor nt = counts.view(), rt = rows.view(), lt = columns.view(), tt = totals.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_linear_assignment_workspace(&ct, &bytes), FOVEA_OK) << fovea_last_error();
  const Workspace workspace(bytes);
  run_call(make_stream(threads).get(), captured, [&](fovea_stream* stream) {
    return fovea_linear_assignment(&ct, p.counts.empty() ? nullptr : &nt, &rt, &lt, &tt, workspace.get(), stream);
  });
  EXPECT_TRUE(costs.guards_intact() && rows.guards_intact() && columns.guards_intact() && totals.guards_intact() &&
              workspace.guards_intact());
  return {rows.values(), columns.values(), totals.values()};
}

void expect_equal(const Pairs& actual, const Pairs& expected) {
  EXPECT_EQ(actual.rows, expected.rows);
  EXPECT_EQ(actual.columns, expected.columns);
  ASSERT_EQ(actual.totals.size(), expected.totals.size());
  EXPECT_EQ(std::memcmp(actual.totals.data(), expected.totals.data(), actual.totals.size() * sizeof(float)), 0);
}

Problems random_problems(uint32_t seed, int64_t B, int64_t Q, int64_t T, int32_t levels) {
  Array<float> random({std::max<int64_t>(B, 1) * Q * T});
  random.fill(seed, 0, levels);
  Problems p{B, Q, T, random.values()};
  for (float& c : p.costs) c = std::floor(c);
  return p;
}

// The pairs are one to one, as many as can be, and cost what the total says. Costs are whole numbers, so sums are exact.
double checked_total(const Problems& p, const Pairs& r, int64_t index = 0) {
  const float* costs = p.costs.data() + index * p.Q * p.T;
  const int32_t *rows = r.rows.data() + index * p.T, *columns = r.columns.data() + index * p.Q;
  double sum = 0;
  int64_t pairs = 0;
  for (int64_t q = 0; q < p.Q; ++q) {
    if (columns[q] < 0) continue;
    EXPECT_EQ(rows[columns[q]], q);
    sum += static_cast<double>(costs[q * p.T + columns[q]]);
    ++pairs;
  }
  EXPECT_EQ(pairs, std::min(p.Q, p.T));
  EXPECT_EQ(std::count_if(rows, rows + p.T, [](int32_t q) { return q >= 0; }), pairs);
  EXPECT_EQ(static_cast<double>(r.totals[static_cast<size_t>(index)]), sum);
  return sum;
}

// The least sum over all ways to give the shorter side partners.
double brute_force(const Problems& p) {
  const int64_t n = std::min(p.Q, p.T), m = std::max(p.Q, p.T);
  std::vector<int64_t> order(static_cast<size_t>(m));
  std::iota(order.begin(), order.end(), 0);
  double least = 1e300;
  do {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t j = order[static_cast<size_t>(i)];
      sum += static_cast<double>(p.costs[static_cast<size_t>(p.Q <= p.T ? i * p.T + j : j * p.T + i)]);
    }
    least = std::min(least, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

// Bertsekas' auction: rows bid for columns until each has one. From prices of 0 it ends within n * step of the least sum, which
// is less than 1, so for whole numbers it ends there.
double auction(const Problems& p) {
  const auto n = static_cast<size_t>(std::min(p.Q, p.T)), m = static_cast<size_t>(std::max(p.Q, p.T));
  const auto cost = [&](size_t i, size_t j) { return static_cast<double>(p.costs[p.Q <= p.T ? i * m + j : j * n + i]); };
  const double step = 1.0 / (static_cast<double>(n) + 1);
  std::vector<double> price(m, 0);
  std::vector<size_t> owner(m, n);
  std::vector<size_t> waiting(n);
  std::iota(waiting.begin(), waiting.end(), size_t{0});
  while (!waiting.empty()) {
    const size_t i = waiting.back();
    waiting.pop_back();
    size_t best = 0;
    double first = 1e300, second = 1e300;
    for (size_t j = 0; j < m; ++j) {
      const double value = cost(i, j) + price[j];
      if (value < first)
        second = first, first = value, best = j;
      else
        second = std::min(second, value);
    }
    price[best] += (m == 1 ? 0 : second - first) + step;
    if (owner[best] < n) waiting.push_back(owner[best]);
    owner[best] = i;
  }
  double sum = 0;
  for (size_t j = 0; j < m; ++j)
    if (owner[j] < n) sum += cost(owner[j], j);
  return sum;
}

TEST(LinearAssignment, PublishedVectors) {
  on_every_isa([] {
    const Pairs wide = assign({0, 4, 3, {.9f, .2f, .7f, .1f, .4f, .8f, .5f, .3f, .2f, .6f, .1f, .9f}});
    EXPECT_EQ(wide.rows, (std::vector<int32_t>{1, 3, 2}));
    EXPECT_EQ(wide.columns, (std::vector<int32_t>{-1, 0, 2, 1}));
    EXPECT_FLOAT_EQ(wide.totals[0], .4f);
    const Pairs square = assign({0, 3, 3, {4, 1, 3, 2, 0, 5, 3, 2, 2}});
    EXPECT_EQ(square.columns, (std::vector<int32_t>{1, 0, 2}));
    EXPECT_EQ(square.rows, (std::vector<int32_t>{1, 0, 2}));
    EXPECT_EQ(square.totals[0], 5);
  });
}

TEST(LinearAssignment, FindsTheLeastSumOfAllPermutations) {
  std::vector<Problems> cases;
  uint32_t seed = 0;
  for (int64_t Q = 1; Q <= 7; ++Q)
    for (int64_t T = 1; T <= 7; ++T)
      for (const int32_t levels : {3, 100}) cases.push_back(random_problems(++seed, 0, Q, T, levels));
  for (const Problems& p : cases) {
    const double least = brute_force(p);
    on_every_isa([&] { EXPECT_EQ(checked_total(p, assign(p)), least) << p.Q << " x " << p.T; });
  }
}

TEST(LinearAssignment, CostsAsMuchAsAnAuction) {
  uint32_t seed = 100;
  for (const auto& [Q, T] : {std::pair{31, 31}, {32, 17}, {100, 9}, {13, 64}, {90, 70}}) {
    const Problems p = random_problems(++seed, 0, Q, T, 50);
    const double least = auction(p);
    on_every_isa([&] { EXPECT_EQ(checked_total(p, assign(p)), least) << Q << " x " << T; });
  }
}

// What does not fit a GPU's shared memory is solved in its workspace.
TEST(LinearAssignment, LargeProblems) {
  const Problems p = random_problems(7, 0, 1100, 60, 1000);
  const Pairs expected = assign(p);
  on_every_isa([&] { expect_equal(assign(p), expected); });
}

TEST(LinearAssignment, EveryBackendFindsTheSamePairsOnTies) {
  uint32_t seed = 500;
  for (const auto& [Q, T] : {std::pair{7, 7}, {40, 33}, {33, 40}, {65, 12}}) {
    const Problems p = random_problems(++seed, 3, Q, T, 2);  // 0 and 1: hundreds of least sums
    const Pairs expected = assign(p);
    on_every_isa([&] { expect_equal(assign(p), expected); });
  }
  on_every_isa([] {
    const Pairs r = assign({0, 2, 4, std::vector<float>(8, 1)});
    EXPECT_EQ(r.columns, (std::vector<int32_t>{0, 1})) << "the lowest columns";
    EXPECT_EQ(r.rows, (std::vector<int32_t>{0, 1, -1, -1}));
  });
}

TEST(LinearAssignment, ThreadsAndCaptureChangeNothing) {
  Problems p = random_problems(3, 9, 21, 13, 1000);
  p.counts = {13, 0, 5, 20, -3, 1, 13, 12, 7};
  const Pairs expected = assign(p);
  on_every_isa([&] {
    for (const int32_t threads : {1, 2}) expect_equal(assign(p, threads, true), expected);
  });
  // Each problem by itself, cut to its count.
  for (int64_t b = 0; b < p.B; ++b) {
    const int64_t count = std::clamp<int64_t>(p.counts[static_cast<size_t>(b)], 0, p.T);
    Problems one{0, p.Q, count, {}};
    for (int64_t q = 0; q < p.Q; ++q)
      for (int64_t t = 0; t < count; ++t) one.costs.push_back(p.costs[static_cast<size_t>((b * p.Q + q) * p.T + t)]);
    const Pairs alone = assign(one);
    for (int64_t t = 0; t < p.T; ++t)
      EXPECT_EQ(expected.rows[static_cast<size_t>(b * p.T + t)], t < count ? alone.rows[static_cast<size_t>(t)] : -1);
    for (int64_t q = 0; q < p.Q; ++q)
      EXPECT_EQ(expected.columns[static_cast<size_t>(b * p.Q + q)], alone.columns[static_cast<size_t>(q)]);
    EXPECT_EQ(expected.totals[static_cast<size_t>(b)], alone.totals[0]);
  }
}

TEST(LinearAssignment, NothingToAssign) {
  on_every_isa([] {
    EXPECT_EQ(assign({0, 3, 0, {}}).columns, (std::vector<int32_t>{-1, -1, -1}));
    EXPECT_EQ(assign({0, 0, 2, {}}).rows, (std::vector<int32_t>{-1, -1}));
    EXPECT_EQ(assign({2, 0, 0, {}}).totals, (std::vector<float>{0, 0}));
  });
}

TEST(LinearAssignment, ForbiddenPairsAndUnusableCosts) {
  on_every_isa([] {
    // Allowed: 0-1 and 1-0, though both cost more than the others would.
    const Pairs forced = assign({0, 2, 2, {kInf, 9, 8, kInf}});
    EXPECT_EQ(forced.columns, (std::vector<int32_t>{1, 0}));
    EXPECT_EQ(forced.totals[0], 17);
    // Of five problems with a third column that only the last two use, the second has no allowed pair for its second row.
    const Pairs r = assign({5,
                            2,
                            3,
                            {1,      2,     kNaN, 4,     3,      -kInf,  //
                             1,      2,     0,    kInf,  kInf,   0,      //
                             1,      -kInf, 0,    4,     3,      0,      //
                             1,      2,     3,    4,     kNaN,   6,      //
                             -1e30f, 1e30f, 5,    3e38f, -3e38f, kInf},
                            {2, 2, 2, 3, 3}});
    EXPECT_EQ(r.columns, (std::vector<int32_t>{0, 1, -1, -1, -1, -1, -1, -1, 0, 1}));
    EXPECT_EQ(r.rows, (std::vector<int32_t>{0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, -1}));
    EXPECT_EQ(r.totals[0], 4);
    for (const size_t b : {1, 2, 3}) EXPECT_TRUE(std::isnan(r.totals[b])) << b;
    EXPECT_EQ(r.totals[4], static_cast<float>(double{-1e30f} - double{3e38f}));
  });
}

TEST(LinearAssignment, Live) {
  on_every_isa([] {
    const Live one(1);
    // Of a batch, the first problem; of a single problem, the first row.
    const Pairs batch = assign({2, 1, 2, {3, 1, 1, 3}}, 0, false, one.get());
    EXPECT_EQ(batch.columns, (std::vector<int32_t>{1, -1}));
    EXPECT_EQ(batch.rows, (std::vector<int32_t>{-1, 0, -1, -1}));
    EXPECT_TRUE(std::isnan(batch.totals[1])) << "not written";
    const Pairs single = assign({0, 2, 2, {3, 1, 0, 0}}, 0, false, one.get());
    EXPECT_EQ(single.columns, (std::vector<int32_t>{1, -1}));
    EXPECT_EQ(single.totals[0], 1);
  });
}

TEST(LinearAssignment, OutputsAreOptional) {
  on_every_isa([] {
    Array<float> costs({2, 2}), totals({1});
    costs.assign({5, 1, 1, 5});
    Array<int32_t> rows({2});
    const fovea_tensor ct = costs.view(), rt = rows.view(), tt = totals.view();
    const Workspace workspace(1 << 10);
    const StreamPtr stream = make_stream();
    EXPECT_EQ(finish(stream, fovea_linear_assignment(&ct, nullptr, &rt, nullptr, nullptr, workspace.get(), stream.get())),
              FOVEA_OK);
    EXPECT_EQ(rows.values(), (std::vector<int32_t>{1, 0}));
    EXPECT_EQ(finish(stream, fovea_linear_assignment(&ct, nullptr, nullptr, nullptr, &tt, workspace.get(), stream.get())),
              FOVEA_OK);
    EXPECT_EQ(totals[0], 2);
  });
}

TEST(LinearAssignment, BadArgumentsNameThemselves) {
  Array<float> costs({2, 3, 4}), totals({2}), flat({4});
  Array<int32_t> counts({2}), rows({2, 4}), columns({2, 3}), wrong({2, 5});
  costs.fill(1);
  const fovea_tensor ct = costs.view(), nt = counts.view(), rt = rows.view(), lt = columns.view(), tt = totals.view(),
                     wt = wrong.view(), ft = flat.view();
  int64_t bytes = 0;
  ASSERT_EQ(fovea_linear_assignment_workspace(&ct, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  const auto refused = [&](const fovea_tensor* c, const fovea_tensor* n, const fovea_tensor* r, const fovea_tensor* l,
                           const fovea_tensor* t, const fovea_workspace* w, const char* message) {
    EXPECT_EQ(fovea_linear_assignment(c, n, r, l, t, w, stream.get()), FOVEA_INVALID_ARGUMENT) << message;
    EXPECT_STREQ(fovea_last_error(), message);
  };
  const fovea_workspace* w = workspace.get();
  refused(&ft, nullptr, nullptr, nullptr, nullptr, w, "linear_assignment: costs must be [Q][T] or [B][Q][T], it is [4] f32");
  refused(&rt, nullptr, nullptr, nullptr, nullptr, w, "linear_assignment: costs must be f32, it is [2, 4] i32");
  refused(&ct, &tt, &rt, &lt, &tt, w, "linear_assignment: counts must be i32, it is [2] f32");
  refused(&ct, &rt, &rt, &lt, &tt, w, "linear_assignment: counts is [2, 4] i32, costs is [2, 3, 4] f32");
  refused(&ct, &nt, &wt, &lt, &tt, w, "linear_assignment: rows is [2, 5] i32, costs is [2, 3, 4] f32");
  refused(&ct, &nt, &rt, &rt, &tt, w, "linear_assignment: columns is [2, 4] i32, costs is [2, 3, 4] f32");
  refused(&ct, &nt, &rt, &lt, &ft, w, "linear_assignment: totals is [4] f32, costs is [2, 3, 4] f32");
  const fovea_workspace none{nullptr, 0};
  EXPECT_EQ(fovea_linear_assignment(&ct, &nt, &rt, &lt, &tt, &none, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(fovea_last_error()).rfind("linear_assignment: ", 0), 0u);
  EXPECT_EQ(fovea_linear_assignment(&ct, &nt, &rt, &lt, &tt, w, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear_assignment: stream is NULL");
  EXPECT_EQ(fovea_linear_assignment_workspace(&ct, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor huge = ct;
  huge.shape[1] = huge.shape[2] = int64_t{1} << 30;
  EXPECT_EQ(fovea_linear_assignment_workspace(&huge, &bytes), FOVEA_INVALID_ARGUMENT);
  fovea_tensor alias = rt;  // the counts' own memory as an output
  alias.data = counts.data();
  EXPECT_EQ(fovea_linear_assignment(&ct, &nt, &alias, &lt, &tt, w, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
