#include "every_isa.h"

#include <algorithm>
#include <limits>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Input {
  int64_t columns = 4;
  std::vector<float> rows, scores;
  std::vector<int32_t> classes;

  int64_t size() const { return static_cast<int64_t>(scores.size()); }
  const float* row(int64_t i) const { return rows.data() + i * columns; }
};

struct Result {
  std::vector<float> rows, scores;
  std::vector<int32_t> classes;
};

Result weighted_nms(const fovea_weighted_nms_params& p, const Input& input, int64_t capacity = -1) {
  const int64_t n = input.size();
  if (capacity < 0) capacity = n;
  Array<float> rows({n, input.columns}, input.columns + 3), scores({n}), y({capacity, input.columns}, input.columns + 1),
      y_scores({capacity});
  Array<int32_t> classes({n}), y_classes({capacity}), count({1});
  rows.assign(input.rows);
  scores.assign(input.scores);
  const bool labelled = !input.classes.empty();
  if (labelled) classes.assign(input.classes);
  const fovea_tensor rt = rows.view(), st = scores.view(), lt = classes.view(), yt = y.view(), yst = y_scores.view(),
                     ylt = y_classes.view(), ct = count.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_weighted_nms_workspace(&p, &rt, &bytes), FOVEA_OK) << fovea_last_error();
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  y.poison(), y_scores.poison(), y_classes.poison();
  EXPECT_EQ(finish(stream, fovea_weighted_nms(&p, &rt, &st, labelled ? &lt : nullptr, nullptr, &yt, &yst,
                                              labelled ? &ylt : nullptr, &ct, workspace.get(), stream.get())),
            FOVEA_OK)
      << fovea_last_error();
  EXPECT_TRUE(y.guards_intact() && y_scores.guards_intact() && y_classes.guards_intact() && count.guards_intact() &&
              workspace.guards_intact());
  Result r{y.values(), y_scores.values(), y_classes.values()};
  for (int64_t k = count[0]; k < capacity; ++k) {
    EXPECT_EQ(r.scores[static_cast<size_t>(k)], 0);
    if (labelled) {
      EXPECT_EQ(r.classes[static_cast<size_t>(k)], -1);
    }
    for (int64_t c = 0; c < input.columns; ++c) EXPECT_EQ(r.rows[static_cast<size_t>(k * input.columns + c)], 0);
  }
  r.rows.resize(static_cast<size_t>(count[0] * input.columns));
  r.scores.resize(static_cast<size_t>(count[0]));
  r.classes.resize(labelled ? static_cast<size_t>(count[0]) : 0);
  return r;
}

double iou(const double* p, const double* q) {
  const double w = std::min(p[2], q[2]) - std::max(p[0], q[0]), h = std::min(p[3], q[3]) - std::max(p[1], q[1]);
  const double inter = std::max(w, 0.0) * std::max(h, 0.0);
  return inter / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - inter);
}

// Lists of members, whose means are taken anew each time. For ordered corners and positive scores.
Result naive(const fovea_weighted_nms_params& p, const Input& input) {
  struct Group {
    std::vector<int64_t> members;
    std::vector<double> mean;
    float score;
  };
  const auto at = [&](int64_t i) { return input.scores[static_cast<size_t>(i)]; };
  const auto label = [&](int64_t i) { return input.classes.empty() ? 0 : input.classes[static_cast<size_t>(i)]; };
  std::vector<int64_t> order;
  for (int64_t i = 0; i < input.size(); ++i)
    if (at(i) > p.score_threshold) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return at(a) > at(b); });
  std::vector<Group> groups;
  for (const int64_t i : order) {
    const std::vector<double> box(input.row(i), input.row(i) + 4);
    Group* joined = nullptr;
    double best = p.iou_threshold;
    for (Group& g : groups) {
      if (label(g.members[0]) != label(i)) continue;
      const std::vector<double> first(input.row(g.members[0]), input.row(g.members[0]) + 4);
      const double overlap = iou(p.method == FOVEA_WEIGHTED_NMS ? first.data() : g.mean.data(), box.data());
      if (!(overlap > best) || (p.method == FOVEA_WEIGHTED_NMS && joined != nullptr)) continue;
      joined = &g;
      best = overlap;
    }
    if (joined == nullptr) joined = &groups.emplace_back();
    joined->members.push_back(i);
    double total = 0;
    joined->mean.assign(static_cast<size_t>(input.columns), 0);
    for (const int64_t m : joined->members) {
      total += at(m);
      for (size_t c = 0; c < joined->mean.size(); ++c) joined->mean[c] += static_cast<double>(at(m)) * input.row(m)[c];
    }
    for (double& c : joined->mean) c /= total;
    const auto n = static_cast<double>(joined->members.size());
    joined->score = p.method == FOVEA_WEIGHTED_NMS ? at(joined->members[0])
                                                   : static_cast<float>(total / n * std::min<double>(n, p.models) / p.models);
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.score > b.score || (a.score == b.score && a.members[0] < b.members[0]);
  });
  Result r;
  for (const Group& g : groups) {
    for (const double c : g.mean) r.rows.push_back(static_cast<float>(c));
    r.scores.push_back(g.score);
    if (!input.classes.empty()) r.classes.push_back(label(g.members[0]));
  }
  return r;
}

Input random_input(uint32_t seed, int64_t n, int64_t columns, int32_t classes) {
  Array<float> random({n, columns + 1});
  random.fill(seed, 0, 1);
  Input input{columns, {}, {}, {}};
  for (int64_t i = 0; i < n; ++i) {
    const float *r = random.data() + i * (columns + 1), x = r[0] * 60, y = r[1] * 60;
    const float box[] = {x, y, x + 10 + 30 * r[2], y + 10 + 30 * r[3]};
    for (int64_t c = 0; c < columns; ++c) input.rows.push_back(c < 4 ? box[c] : r[c] * 100 - 50);
    input.scores.push_back(std::floor(r[columns] * 50) / 50 + .01f);
    if (classes > 0) input.classes.push_back(static_cast<int32_t>(i * 7 % classes) - 1);
  }
  return input;
}

void expect(const Result& r, const std::vector<float>& rows, const std::vector<float>& scores) {
  ASSERT_EQ(r.rows.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_FLOAT_EQ(r.rows[i], rows[i]) << i;
  ASSERT_EQ(r.scores.size(), scores.size());
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_FLOAT_EQ(r.scores[i], scores[i]) << i;
}

TEST(WeightedNms, PublishedVectors) {
  const Input pair{4, {0, 0, 10, 10, 1, 1, 11, 11}, {.9f, .6f}, {}};
  on_every_isa([&] {
    // Two detectors, a box each: (.9*0 + .6*1)/1.5 = .4, the mean score counts in full.
    expect(weighted_nms({FOVEA_BOX_FUSION, .55f, 0, 2, 0, 0}, pair), {.4f, .4f, 10.4f, 10.4f}, {.75f});
    // A third detector saw nothing: 2/3 of it.
    expect(weighted_nms({FOVEA_BOX_FUSION, .55f, 0, 3, 0, 0}, pair), {.4f, .4f, 10.4f, 10.4f}, {.5f});
    // One detector with two boxes is no more than one.
    expect(weighted_nms({FOVEA_BOX_FUSION, .55f, 0, 1, 0, 0}, pair), {.4f, .4f, 10.4f, 10.4f}, {.75f});
    // MediaPipe's keeps the best score.
    expect(weighted_nms({FOVEA_WEIGHTED_NMS, .55f, 0, 0, 0, 0}, pair), {.4f, .4f, 10.4f, 10.4f}, {.9f});
    // Over the threshold only: IoU 81/119.
    expect(weighted_nms({FOVEA_WEIGHTED_NMS, .69f, 0, 0, 0, 0}, pair), pair.rows, {.9f, .6f});
    // A lone box with no other detector to agree: half its score, behind the pair.
    const Input three{4, {50, 50, 60, 60, 0, 0, 10, 10, 1, 1, 11, 11}, {.8f, .9f, .6f}, {}};
    expect(weighted_nms({FOVEA_BOX_FUSION, .55f, 0, 2, 0, 0}, three), {.4f, .4f, 10.4f, 10.4f, 50, 50, 60, 60}, {.75f, .4f});
  });
}

TEST(WeightedNms, EqualsListsOfMembersOnRandomBoxes) {
  for (const int32_t method : {FOVEA_WEIGHTED_NMS, FOVEA_BOX_FUSION})
    for (const int64_t n : {0, 1, 2, 15, 33, 211})
      for (const int32_t classes : {0, 3}) {
        if (test_device() != nullptr && (n == 15 || (n == 211 && classes == 0))) continue;
        SCOPED_TRACE(::testing::Message() << "method " << method << ", n " << n << ", classes " << classes);
        const Input input = random_input(static_cast<uint32_t>(n + 7), n, classes == 0 ? 4 : 16, classes);
        const fovea_weighted_nms_params p{method, .4f, .1f, 2, 0, 0};
        const Result expected = naive(p, input);
        on_every_isa([&] {
          const Result r = weighted_nms(p, input);
          EXPECT_EQ(r.scores, expected.scores);
          EXPECT_EQ(r.classes, expected.classes);
          ASSERT_EQ(r.rows.size(), expected.rows.size());
          for (size_t i = 0; i < r.rows.size(); ++i) EXPECT_FLOAT_EQ(r.rows[i], expected.rows[i]) << i;
          const Result few = weighted_nms(p, input, 3);
          for (size_t i = 0; i < few.rows.size(); ++i) EXPECT_EQ(few.rows[i], r.rows[i]) << "capacity only cuts";
        });
      }
}

// Exactly equal results of all backends.
void expect_one_result(const fovea_weighted_nms_params& p, const Input& input, int64_t capacity) {
  Result first;
  {
    const ForcedIsa forced(FOVEA_ISA_REFERENCE);
    first = weighted_nms(p, input, capacity);
  }
  on_every_isa([&] {
    const Result r = weighted_nms(p, input, capacity);
    EXPECT_EQ(r.scores, first.scores);
    EXPECT_EQ(r.classes, first.classes);
    ASSERT_EQ(r.rows.size(), first.rows.size());
    for (size_t i = 0; i < r.rows.size(); ++i) {
      if (std::isnan(first.rows[i]))
        EXPECT_TRUE(std::isnan(r.rows[i])) << i;
      else
        EXPECT_EQ(r.rows[i], first.rows[i]) << i;
    }
  });
}

TEST(WeightedNms, HostileInput) {
  // Twins, equal scores, boxes without area, turned corners, NaN and infinite corners, NaN, infinite, zero and negative scores.
  for (const int32_t method : {FOVEA_WEIGHTED_NMS, FOVEA_BOX_FUSION})
    for (const float threshold : {-1.0f, 0.0f, .25f, 1.0f})
      for (const int32_t classes : {0, 2}) {
        SCOPED_TRACE(::testing::Message() << "method " << method << ", threshold " << threshold << ", classes " << classes);
        Input input = random_input(9, 90, 6, classes);
        for (float& v : input.rows) v = std::floor(v / 8);
        const float odd_scores[] = {NAN, kInf, 0, -.5f, -kInf}, odd[] = {NAN, kInf, -kInf, 3e38f};
        for (size_t i = 0; i < 90; ++i) {
          if (i % 6 == 5) input.scores[i] = odd_scores[i / 6 % 5];
          if (i % 7 == 3) input.rows[6 * i + i % 6] = odd[i / 7 % 4];
        }
        expect_one_result({method, threshold, -1, 2, 0, 0}, input, 40);
        expect_one_result({method, threshold, .3f, 3, 1, 0}, input, 0);
      }
}

TEST(WeightedNms, ManyBoxes) {
  // Few of them take part.
  const int64_t n = test_device() == nullptr ? 100000 : 3000;
  Input input = random_input(5, n, 4, 0);
  for (size_t i = 0; i < input.scores.size(); ++i)
    if (i % 1009 != 0) input.scores[i] = i % 2 == 0 ? NAN : 0;
  for (const int32_t method : {FOVEA_WEIGHTED_NMS, FOVEA_BOX_FUSION}) {
    const Result expected = naive({method, .5f, 0, 1, 0, 0}, input);
    EXPECT_GT(expected.scores.size(), 2u);
    on_every_isa([&] { EXPECT_EQ(weighted_nms({method, .5f, 0, 1, 0, 0}, input, 200).scores, expected.scores); });
  }
}

TEST(WeightedNms, LiveValidAndEveryWayOfRunning) {
  constexpr int64_t n = 67, capacity = 30;
  const Input input = random_input(4, n, 6, 3);
  Array<float> table({n, 7}), y({capacity, 6}), y_scores({capacity});
  Array<int32_t> classes({n}), y_classes({capacity}), count({1}), valid({1});
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < 6; ++c) table[7 * i + c] = input.row(i)[c];
    table[7 * i + 6] = input.scores[static_cast<size_t>(i)];
  }
  classes.assign(input.classes);
  const Live live(60);
  valid[0] = 55;
  Input part = input;
  part.rows.resize(55 * 6), part.scores.resize(55), part.classes.resize(55);
  for (const int32_t method : {FOVEA_WEIGHTED_NMS, FOVEA_BOX_FUSION}) {
    const fovea_weighted_nms_params p{method, .3f, .1f, 2, 0, 0};
    std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
    const auto call = [&](fovea_stream* s) {
      fovea_tensor rows = table.view(), scores = table.view();
      rows.shape[1] = 6;
      rows.live = live.get();
      scores.shape[1] = 1;
      scores.data = table.data() + 6;
      const fovea_tensor lt = classes.view(), vt = valid.view(), yt = y.view(), yst = y_scores.view(), ylt = y_classes.view(),
                         ct = count.view();
      int64_t bytes = 0;
      EXPECT_EQ(fovea_weighted_nms_workspace(&p, &rows, &bytes), FOVEA_OK);
      workspaces.push_back(std::make_unique<Workspace>(bytes));
      return fovea_weighted_nms(&p, &rows, &scores, &lt, &vt, &yt, &yst, &ylt, &ct, workspaces.back()->get(), s);
    };
    check_kernel<float>(y, {0, 0}, call);
    check_kernel<float>(y_scores, {0, 0}, call);
    check_kernel<int32_t>(y_classes, {0, 0}, call);
    std::vector<float> expected = naive(p, part).scores;
    EXPECT_EQ(count[0], static_cast<int32_t>(std::min<size_t>(expected.size(), capacity)));
  }
}

TEST(WeightedNms, ArgumentsAreChecked) {
  Array<float> rows({4, 5}), three({4, 3}), scores({4}), y({4, 5}), narrow({4, 4}), y_scores({4});
  Array<int32_t> classes({4}), y_classes({4}), count({1});
  rows.fill(1, 0, 1), scores.fill(2, 0, 1);
  for (int64_t i = 0; i < 4; ++i) classes[i] = 0;
  const fovea_tensor rt = rows.view(), tt = three.view(), st = scores.view(), yt = y.view(), nt = narrow.view(),
                     yst = y_scores.view(), lt = classes.view(), ylt = y_classes.view(), ct = count.view();
  const Workspace workspace(4096), small(8);
  const StreamPtr stream = make_stream();
  const fovea_weighted_nms_params good{FOVEA_BOX_FUSION, .5f, 0, 1, 0, 0};
  const auto call = [&](const fovea_weighted_nms_params& p, const fovea_tensor* r, const fovea_tensor* l,
                        const fovea_tensor* yr, const fovea_tensor* yl, const Workspace& w) {
    return fovea_weighted_nms(&p, r, &st, l, nullptr, yr, &yst, yl, &ct, w.get(), stream.get());
  };
  EXPECT_EQ(call(good, &rt, &lt, &yt, &ylt, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, &rt, nullptr, &yt, &ylt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "weighted_nms: classes and y_classes go together");
  EXPECT_EQ(call(good, &rt, &lt, &yt, nullptr, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &tt, nullptr, &yt, nullptr, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &rt, nullptr, &nt, nullptr, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &rt, nullptr, &rt, nullptr, workspace), FOVEA_INVALID_ARGUMENT) << "y overlaps rows";
  EXPECT_EQ(call(good, &rt, nullptr, &yt, nullptr, small), FOVEA_INVALID_ARGUMENT);
  for (const auto& change : std::vector<std::function<void(fovea_weighted_nms_params&)>>{
           [](auto& p) { p.method = 2; }, [](auto& p) { p.iou_threshold = NAN; }, [](auto& p) { p.score_threshold = NAN; },
           [](auto& p) { p.models = 0; }}) {
    fovea_weighted_nms_params p = good;
    change(p);
    EXPECT_EQ(call(p, &rt, nullptr, &yt, nullptr, workspace), FOVEA_INVALID_ARGUMENT);
  }
  EXPECT_STREQ(fovea_last_error(), "weighted_nms: models is 0, it must be positive");
}

}  // namespace
