#include "every_isa.h"

#include <algorithm>
#include <limits>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Input {
  std::vector<float> boxes, scores, localisation;
  std::vector<int32_t> classes;
};

struct Result {
  std::vector<int32_t> keep;
  std::vector<float> scores;
};

Result guided_nms(float iou_threshold, float score_threshold, const Input& input, int64_t capacity = -1) {
  const auto n = static_cast<int64_t>(input.scores.size());
  if (capacity < 0) capacity = n;
  Array<float> boxes({n, 4}), table({n, 2}), keep_scores({capacity});
  Array<int32_t> classes({n}), keep({capacity}), count({1});
  boxes.assign(input.boxes);
  for (int64_t i = 0; i < n; ++i) {
    table[2 * i] = input.scores[static_cast<size_t>(i)];
    table[2 * i + 1] = input.localisation[static_cast<size_t>(i)];
  }
  if (!input.classes.empty()) classes.assign(input.classes);
  fovea_tensor st = table.view(), gt = table.view();
  st.shape[1] = gt.shape[1] = 1;  // columns of one table
  gt.data = table.data() + 1;
  const fovea_tensor bt = boxes.view(), lt = classes.view(), kt = keep.view(), kst = keep_scores.view(), ct = count.view();
  const fovea_soft_nms_params p{-1, iou_threshold, NAN, score_threshold, 0};
  int64_t bytes = 0;
  EXPECT_EQ(fovea_guided_nms_workspace(&p, &bt, &bytes), FOVEA_OK) << fovea_last_error();
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  EXPECT_EQ(finish(stream, fovea_guided_nms(&p, &bt, &st, &gt, input.classes.empty() ? nullptr : &lt, nullptr, &kt, &kst, &ct,
                                            workspace.get(), stream.get())),
            FOVEA_OK)
      << fovea_last_error();
  EXPECT_TRUE(keep.guards_intact() && keep_scores.guards_intact() && count.guards_intact() && workspace.guards_intact());
  Result r{keep.values(), keep_scores.values()};
  for (size_t i = static_cast<size_t>(count[0]); i < r.keep.size(); ++i) {
    EXPECT_EQ(r.keep[i], -1);
    EXPECT_EQ(r.scores[i], 0);
  }
  r.keep.resize(static_cast<size_t>(count[0]));
  r.scores.resize(static_cast<size_t>(count[0]));
  return r;
}

// Algorithm 1 of the paper over a list that shrinks, in double precision.
Result naive(double threshold, float score_threshold, const Input& input) {
  std::vector<int32_t> rest;
  for (size_t i = 0; i < input.scores.size(); ++i)
    if (input.scores[i] > score_threshold && input.localisation[i] > -kInf) rest.push_back(static_cast<int32_t>(i));
  const auto at = [](const std::vector<float>& v, int32_t i) { return v[static_cast<size_t>(i)]; };
  const auto iou = [&](int32_t a, int32_t b) {
    const float *p = input.boxes.data() + 4 * a, *q = input.boxes.data() + 4 * b;
    const double w = std::min<double>(std::max(p[0], p[2]), std::max(q[0], q[2])) -
                     std::max<double>(std::min(p[0], p[2]), std::min(q[0], q[2]));
    const double h = std::min<double>(std::max(p[1], p[3]), std::max(q[1], q[3])) -
                     std::max<double>(std::min(p[1], p[3]), std::min(q[1], q[3]));
    const auto area = [](const float* r) { return std::fabs(static_cast<double>(r[2] - r[0]) * (r[3] - r[1])); };
    const double inter = std::max(w, 0.0) * std::max(h, 0.0), whole = area(p) + area(q) - inter;
    return whole > 0 ? inter / whole : 0.0;
  };
  std::vector<std::pair<float, int32_t>> groups;
  while (!rest.empty()) {
    const int32_t best = *std::min_element(rest.begin(), rest.end(), [&](int32_t a, int32_t b) {
      return at(input.localisation, a) > at(input.localisation, b) ||
             (at(input.localisation, a) == at(input.localisation, b) && a < b);
    });
    float score = at(input.scores, best);
    std::vector<int32_t> left;
    for (const int32_t i : rest) {
      const bool same =
          input.classes.empty() || input.classes[static_cast<size_t>(i)] == input.classes[static_cast<size_t>(best)];
      if (i == best) continue;
      if (same && iou(best, i) > threshold)
        score = std::max(score, at(input.scores, i));
      else
        left.push_back(i);
    }
    groups.push_back({score, best});
    rest = left;
  }
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); });
  Result r;
  for (const auto& [score, box] : groups) r.keep.push_back(box), r.scores.push_back(score);
  return r;
}

Input random_input(uint32_t seed, int64_t n, int32_t classes) {
  Array<float> random({n, 6});
  random.fill(seed, 0, 1);
  Input input;
  for (int64_t i = 0; i < n; ++i) {
    const float *r = random.data() + 6 * i, x = r[0] * 60, y = r[1] * 60;
    input.boxes.insert(input.boxes.end(), {x, y, x + 10 + 30 * r[2], y + 10 + 30 * r[3]});
    input.scores.push_back(std::floor(r[4] * 20) / 20 + .01f);
    input.localisation.push_back(std::floor(r[5] * 20) / 20);
    if (classes > 0) input.classes.push_back(static_cast<int32_t>(i * 7 % classes) - 1);
  }
  return input;
}

TEST(GuidedNms, TheBetterFitKeepsTheHigherScore) {
  // Two boxes with IoU .7: greedy suppression keeps the first, whose classification is more certain.
  const Input pair{{0, 0, 17, 10, 3, 0, 20, 10}, {.9f, .8f}, {.6f, .9f}, {}};
  on_every_isa([&] {
    const Result r = guided_nms(.5f, 0, pair);
    EXPECT_EQ(r.keep, (std::vector<int32_t>{1}));
    EXPECT_EQ(r.scores, (std::vector<float>{.9f}));
    EXPECT_EQ(guided_nms(.71f, 0, pair).keep, (std::vector<int32_t>{0, 1})) << "14/20 is not over the threshold";
  });
}

TEST(GuidedNms, EqualsThePaperOnRandomBoxes) {
  for (const int64_t n : {0, 1, 2, 15, 33, 48, 211})  // 48: the workspace's tables touch
    for (const int32_t classes : {0, 3}) {
      if (test_device() != nullptr && n == 211 && classes == 0) continue;
      const Input input = random_input(static_cast<uint32_t>(n + 7), n, classes);
      const Result expected = naive(.4, .1f, input);
      on_every_isa([&] {
        const Result r = guided_nms(.4f, .1f, input);
        EXPECT_EQ(r.keep, expected.keep) << n;
        EXPECT_EQ(r.scores, expected.scores) << n;
        const Result few = guided_nms(.4f, .1f, input, 5);
        for (size_t i = 0; i < few.keep.size(); ++i) EXPECT_EQ(few.keep[i], r.keep[i]) << "capacity only cuts";
      });
    }
}

TEST(GuidedNms, HostileInput) {
  // NaN scores, NaN and infinite localisation, boxes without area, NaN corners, twins.
  const int64_t n = test_device() == nullptr ? 100000 : 2000;
  Input input = random_input(3, n, 0);
  for (size_t i = 0; i < input.scores.size(); ++i) {
    if (i % 997 != 0) input.scores[i] = i % 2 == 0 ? NAN : -1;
    if (i % 5 == 0) input.localisation[i] = i % 15 == 0 ? NAN : i % 25 == 0 ? -kInf : kInf;
    if (i % 7 == 0) input.boxes[4 * i + 2] = input.boxes[4 * i];
  }
  const Result expected = naive(.3, 0, input);
  EXPECT_GT(expected.keep.size(), 0u);
  input.boxes[1] = NAN;  // box 0 takes no part: its localisation is NaN
  on_every_isa([&] {
    const Result r = guided_nms(.3f, 0, input);
    EXPECT_EQ(r.keep, expected.keep);
    EXPECT_EQ(r.scores, expected.scores);
    EXPECT_EQ(guided_nms(-1, 0, input).keep.size(), 1u) << "even no overlap is over a negative threshold";
  });
  Input odd = random_input(4, 40, 0);
  for (size_t i = 0; i < 40; ++i) odd.boxes[4 * i + i % 4] = i % 3 == 0 ? NAN : kInf;
  const Result reference = [&] {
    const ForcedIsa forced(FOVEA_ISA_REFERENCE);
    return guided_nms(.3f, 0, odd);
  }();
  on_every_isa([&] {
    const Result r = guided_nms(.3f, 0, odd);
    EXPECT_EQ(r.keep, reference.keep);
    EXPECT_EQ(r.scores, reference.scores);
  });
}

TEST(GuidedNms, LiveValidAndEveryWayOfRunning) {
  constexpr int64_t n = 67, capacity = 50;
  const Input input = random_input(4, n, 3);
  Array<float> boxes({n, 4}, 6), scores({n}), localisation({n}), keep_scores({capacity});
  Array<int32_t> classes({n}), keep({capacity}), count({1}), valid({1});
  boxes.assign(input.boxes), scores.assign(input.scores), localisation.assign(input.localisation),
      classes.assign(input.classes);
  const Live live(60);
  valid[0] = 55;
  const fovea_soft_nms_params p{0, .3f, 0, .1f, 1};
  std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
  const auto call = [&](fovea_stream* s) {
    fovea_tensor bt = boxes.view();
    bt.live = live.get();
    const fovea_tensor st = scores.view(), gt = localisation.view(), lt = classes.view(), vt = valid.view(), kt = keep.view(),
                       kst = keep_scores.view(), ct = count.view();
    int64_t bytes = 0;
    EXPECT_EQ(fovea_guided_nms_workspace(&p, &bt, &bytes), FOVEA_OK);
    workspaces.push_back(std::make_unique<Workspace>(bytes));
    return fovea_guided_nms(&p, &bt, &st, &gt, &lt, &vt, &kt, &kst, &ct, workspaces.back()->get(), s);
  };
  check_kernel<int32_t>(keep, {0, 0}, call);
  check_kernel<float>(keep_scores, {0, 0}, call);
  EXPECT_GT(count[0], 0);
  for (int32_t k = 0; k < count[0]; ++k) EXPECT_LT(keep[k], 55);
}

TEST(GuidedNms, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), scores({4}), localisation({4}), five({5}), keep_scores({4});
  Array<int32_t> keep({4}), count({1});
  boxes.fill(1, 0, 1), scores.fill(2, 0, 1), localisation.fill(3, 0, 1);
  const fovea_tensor bt = boxes.view(), st = scores.view(), gt = localisation.view(), ft = five.view(), kt = keep.view(),
                     kst = keep_scores.view(), ct = count.view();
  const Workspace workspace(4096), small(8);
  const StreamPtr stream = make_stream();
  const fovea_soft_nms_params good{0, .5f, 0, 0, 0};
  const auto call = [&](const fovea_soft_nms_params& p, const fovea_tensor* g, const fovea_tensor* ks, const Workspace& w) {
    return fovea_guided_nms(&p, &bt, &st, g, nullptr, nullptr, &kt, ks, &ct, w.get(), stream.get());
  };
  EXPECT_EQ(call(good, &gt, &kst, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, nullptr, &kst, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "guided_nms: localisation is NULL");
  EXPECT_EQ(call(good, &ft, &kst, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "guided_nms: localisation is [5] f32, boxes is [4, 4] f32");
  EXPECT_EQ(call(good, &gt, &gt, workspace), FOVEA_INVALID_ARGUMENT) << "keep_scores overlaps localisation";
  EXPECT_EQ(call(good, &gt, &kst, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call({0, NAN, 0, 0, 0}, &gt, &kst, workspace), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
