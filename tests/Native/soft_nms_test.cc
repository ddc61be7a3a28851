#include "every_isa.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Input {
  std::vector<float> boxes, scores;
  std::vector<int32_t> classes;
};

struct Result {
  std::vector<int32_t> keep;
  std::vector<float> scores;
};

Result soft_nms(const fovea_soft_nms_params& p, const Input& input, int64_t capacity = -1) {
  const auto n = static_cast<int64_t>(input.scores.size());
  if (capacity < 0) capacity = n;
  Array<float> boxes({n, 4}), scores({n}), keep_scores({capacity});
  Array<int32_t> classes({n}), keep({capacity}), count({1});
  boxes.assign(input.boxes);
  scores.assign(input.scores);
  if (!input.classes.empty()) classes.assign(input.classes);
  const fovea_tensor bt = boxes.view(), st = scores.view(), lt = classes.view(), kt = keep.view(), kst = keep_scores.view(),
                     ct = count.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_soft_nms_workspace(&p, &bt, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  EXPECT_EQ(finish(stream, fovea_soft_nms(&p, &bt, &st, input.classes.empty() ? nullptr : &lt, nullptr, &kt, &kst, &ct,
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

// By the reference loops of the CPU.
Result reference(const fovea_soft_nms_params& p, const Input& input, int64_t capacity = -1) {
  const ForcedIsa forced(FOVEA_ISA_REFERENCE);
  return soft_nms(p, input, capacity);
}

void expect(const Result& r, const std::vector<int32_t>& keep, const std::vector<float>& scores) {
  EXPECT_EQ(r.keep, keep);
  ASSERT_EQ(r.scores.size(), scores.size());
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(r.scores[i], scores[i], 6e-7) << i;
}

Input random_input(uint32_t seed, int64_t n, int32_t classes, float extent = 100) {
  Array<float> random({n, 5});
  random.fill(seed, 0, 1);
  Input input;
  for (int64_t i = 0; i < n; ++i) {
    const float x = random[5 * i] * extent, y = random[5 * i + 1] * extent;
    input.boxes.insert(input.boxes.end(), {x, y, x + 10 + 30 * random[5 * i + 2], y + 10 + 30 * random[5 * i + 3]});
    input.scores.push_back(0.05f + 0.9f * random[5 * i + 4]);
    if (classes > 0) input.classes.push_back(static_cast<int32_t>(i * 7 % classes) - 1);
  }
  return input;
}

std::vector<int32_t> greedy(const Input& input, float threshold) {
  const auto n = static_cast<int64_t>(input.scores.size());
  Array<float> boxes({n, 4}), scores({n});
  Array<int32_t> keep({n}), count({1}), classes({n});
  boxes.assign(input.boxes);
  scores.assign(input.scores);
  if (!input.classes.empty()) classes.assign(input.classes);
  const fovea_tensor bt = boxes.view(), st = scores.view(), kt = keep.view(), ct = count.view(), lt = classes.view();
  const fovea_nms_params p{threshold, -kInf, FOVEA_OVERLAP_UNION, 0, 0, 0};
  int64_t bytes = 0;
  EXPECT_EQ(fovea_nms_workspace(&p, &bt, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  EXPECT_EQ(finish(stream, fovea_nms(&p, &bt, &st, input.classes.empty() ? nullptr : &lt, nullptr, &kt, &ct, workspace.get(),
                                     stream.get())),
            FOVEA_OK);
  std::vector<int32_t> kept = keep.values();
  kept.resize(static_cast<size_t>(count[0]));
  return kept;
}

const Input kSet1{{0, 0, 10, 10, 1, 1, 11, 11, 0, 2, 10, 12, 20, 20, 30, 30, 21, 20, 31, 30}, {.9f, .8f, .7f, .6f, .55f}, {}};
const Input kSet2{{0, 0, 10, 10, 0, 3, 10, 13, 0, 6, 10, 16}, {.9f, .8f, .7f}, {}};

TEST(SoftNms, PublishedVectors) {
  on_every_isa([] {
    expect(soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, 0, 0}, kSet1), {0, 3, 1, 4, 2}, {.9f, .6f, .255462f, .1f, .074510f});
    expect(soft_nms({FOVEA_SOFT_NMS_GAUSSIAN, 0, .5f, 0, 0}, kSet1), {0, 3, 1, 4, 2}, {.9f, .6f, .316709f, .144182f, .113927f});
    expect(soft_nms({FOVEA_MATRIX_NMS_GAUSSIAN, 0, 2, 0, 0}, kSet1), {0, 3, 1, 2, 4}, {.9f, .6f, .316709f, .287779f, .144182f});
    expect(soft_nms({FOVEA_MATRIX_NMS_LINEAR, 0, 0, 0, 0}, kSet1), {0, 3, 1, 2, 4}, {.9f, .6f, .255462f, .233333f, .1f});
    expect(soft_nms({FOVEA_FAST_NMS, .5f, 0, 0, 0}, kSet1), {0, 3}, {.9f, .6f});
    expect(soft_nms({FOVEA_FAST_NMS, .5f, 0, 0, 0}, kSet2), {0}, {.9f});
    expect(soft_nms({FOVEA_CLUSTER_NMS, .5f, 0, 0, 0}, kSet1), {0, 3}, {.9f, .6f});
    expect(soft_nms({FOVEA_CLUSTER_NMS, .5f, 0, 0, 0}, kSet2), {0, 2}, {.9f, .7f});
    // Kept are 0 and 2: exp(-.538462^2 / .2) for box 1, exp(-.25^2 / .2) for box 2.
    expect(soft_nms({FOVEA_CLUSTER_NMS_SPM, .5f, .2f, 0, 0}, kSet2), {0, 2, 1},
           {.9f, .7f * std::exp(-.0625f / .2f), .8f * std::exp(-(7.0f / 13) * (7.0f / 13) / .2f)});
    expect(soft_nms({FOVEA_MATRIX_NMS_GAUSSIAN, 0, 2, 0, 0}, kSet2), {0, 2, 1}, {.9f, .617748f, .447972f});
    // With inclusive pixels IoU 01 is 100/142.
    expect(soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, .2f, 1}, {{0, 0, 10, 10, 1, 1, 11, 11}, {.9f, .8f}, {}}), {0, 1},
           {.9f, .8f * 42 / 142});
    // Lowered to the threshold or below: gone.
    expect(soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, .11f, 0}, kSet1), {0, 3, 1}, {.9f, .6f, .255462f});
    expect(soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, 0, 0}, kSet1, 2), {0, 3}, {.9f, .6f});
    expect(soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, 0, 0}, kSet1, 0), {}, {});
  });
}

TEST(SoftNms, EqualsTheReferenceOnRandomBoxes) {
  for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method)
    for (const int64_t n : {0, 1, 2, 15, 33, 211})
      for (const int32_t classes : {0, 3}) {
        const Input input = random_input(static_cast<uint32_t>(n + 1000 * method), n, classes);
        const fovea_soft_nms_params p{method, .4f, .5f, .01f, 0};
        if (test_device() != nullptr && n == 211 && classes == 0) continue;
        const Result expected = reference(p, input);
        on_every_isa([&] {
          const Result r = soft_nms(p, input);
          EXPECT_EQ(r.keep, expected.keep) << "method " << method << ", n " << n;
          ASSERT_EQ(r.scores.size(), expected.scores.size());
          // A score is a product of at most n factors, each within 4 roundings (exp: 2 ulp, argument 2).
          for (size_t i = 0; i < r.scores.size(); ++i)
            EXPECT_NEAR(r.scores[i], expected.scores[i], expected.scores[i] * (1e-5f + 2.4e-7f * static_cast<float>(n)));
          const Result few = soft_nms(p, input, 5);
          for (size_t i = 0; i < few.keep.size(); ++i) EXPECT_EQ(few.keep[i], r.keep[i]) << "capacity only cuts";
        });
      }
}

TEST(SoftNms, InstructionSetsAgreeBitForBit) {
  const Input input = random_input(77, 700, 2, 200);
  for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method) {
    Result first;
    for (const int32_t isa : available_isas()) {
      const ForcedIsa forced(isa);
      const Result r = soft_nms({method, .4f, .5f, .001f, 0}, input);
      if (first.keep.empty()) first = r;
      EXPECT_EQ(r.keep, first.keep);
      // The scalar exp rounds where the vectors fuse.
      if (method != FOVEA_SOFT_NMS_GAUSSIAN && method != FOVEA_MATRIX_NMS_GAUSSIAN && method != FOVEA_CLUSTER_NMS_SPM)
        EXPECT_EQ(r.scores, first.scores);
      else
        for (size_t i = 0; i < r.scores.size(); ++i) EXPECT_NEAR(r.scores[i], first.scores[i], 1e-5f * first.scores[i]);
    }
  }
}

TEST(SoftNms, FastKeepsNoMoreThanGreedy) {
  for (uint32_t seed = 1; seed < (test_device() == nullptr ? 30 : 6); ++seed) {
    const Input input = random_input(seed, 120, seed % 3 == 0 ? 4 : 0, 60);
    on_every_isa([&] {
      const std::vector<int32_t> all = greedy(input, .4f), few = soft_nms({FOVEA_FAST_NMS, .4f, 0, 0, 0}, input).keep;
      const std::set<int32_t> kept(all.begin(), all.end());
      EXPECT_LE(few.size(), all.size());
      for (const int32_t i : few) EXPECT_TRUE(kept.count(i)) << i;
    });
  }
}

// Boxes in a few cells of a coarse grid: duplicates, equal scores, boxes without area, turned corners, NaN.
Input hostile_input(uint32_t seed, int64_t n, int32_t classes) {
  Array<float> random({n, 7});
  random.fill(seed, 0, 1);
  Input input;
  for (int64_t i = 0; i < n; ++i) {
    const float* r = random.data() + 7 * i;
    for (int c = 0; c < 4; ++c) input.boxes.push_back(std::floor(r[c] * 6));
    if (r[5] < .04f) input.boxes[static_cast<size_t>(4 * i) + static_cast<size_t>(r[5] * 100)] = r[6] < .5f ? NAN : kInf;
    input.scores.push_back(r[6] < .05f ? NAN : std::floor(r[4] * 8) / 8 + .01f);
    if (classes > 0) input.classes.push_back(static_cast<int32_t>(r[6] * 1000) % classes);
  }
  return input;
}

TEST(SoftNms, ClusterKeepsWhatGreedyKeeps) {
  const uint32_t cases = test_device() == nullptr ? 3000 : 12;
  for (uint32_t seed = 1; seed <= cases; ++seed) {
    const Input input = hostile_input(seed, 1 + seed % 37, seed % 3 == 0 ? 3 : 0);
    const float threshold = static_cast<float>(seed % 11) / 10 - .1f;  // among them: below 0, 0, exactly at an overlap
    const Result expected = reference({FOVEA_CLUSTER_NMS, threshold, 0, -kInf, 0}, input);
    on_every_isa([&] {
      const Result r = soft_nms({FOVEA_CLUSTER_NMS, threshold, 0, -kInf, 0}, input);
      ASSERT_EQ(r.keep, greedy(input, threshold)) << "case " << seed;
      ASSERT_EQ(r.keep, expected.keep) << "case " << seed;
      for (size_t k = 0; k < r.keep.size(); ++k)
        ASSERT_EQ(r.scores[k], input.scores[static_cast<size_t>(r.keep[k])]) << "case " << seed;
    });
    if (HasFatalFailure()) return;
  }
}

TEST(SoftNms, AnOrderOfTheInputIsNoOrderOfTheBoxes) {
  const Input input = random_input(31, 90, 3, 60);
  Input turned;  // the last first; scores are distinct
  for (size_t i = 90; i-- > 0;) {
    turned.boxes.insert(turned.boxes.end(), input.boxes.begin() + static_cast<int64_t>(4 * i),
                        input.boxes.begin() + static_cast<int64_t>(4 * i + 4));
    turned.scores.push_back(input.scores[i]);
    turned.classes.push_back(input.classes[i]);
  }
  on_every_isa([&] {
    for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method) {
      const fovea_soft_nms_params p{method, .4f, .5f, .05f, 0};
      const Result a = soft_nms(p, input);
      Result b = soft_nms(p, turned);
      for (int32_t& i : b.keep) i = 89 - i;
      EXPECT_EQ(b.keep, a.keep) << "method " << method;
      EXPECT_EQ(b.scores, a.scores) << "method " << method;
    }
  });
}

TEST(SoftNms, ManyBoxesAreDefinedForEveryMethod) {
  // 100,000 boxes of which few have a score that takes part: NaN, -inf and scores at the threshold do not.
  const int64_t n = test_device() == nullptr ? 100000 : 3000;
  Input input = hostile_input(5, n, 0);
  for (size_t i = 0; i < input.scores.size(); ++i)
    if (i % 1009 != 0) input.scores[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? -kInf : .001f;
  for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method) {
    const Result expected = reference({method, .5f, .5f, .001f, 0}, input, 20);
    on_every_isa([&] {
      const Result r = soft_nms({method, .5f, .5f, .001f, 0}, input, 20);
      EXPECT_EQ(r.keep, expected.keep) << "method " << method;
      EXPECT_GT(r.keep.size(), 0u);
      for (const int32_t i : r.keep) EXPECT_EQ(i % 1009, 0);
    });
  }
}

TEST(SoftNms, ANarrowGaussianIsGreedyWithoutThreshold) {
  // exp(-IoU^2/sigma) is 0 in f32 for every overlap that these boxes have, and 1 without.
  for (uint32_t seed = 1; seed < (test_device() == nullptr ? 20 : 4); ++seed) {
    const Input input = random_input(seed, 80, 0);
    on_every_isa([&] {
      EXPECT_EQ(soft_nms({FOVEA_SOFT_NMS_GAUSSIAN, 0, 1e-20f, 0, 0}, input).keep, greedy(input, 0)) << seed;
    });
  }
}

TEST(SoftNms, MatrixOfOnePairIsSoft) {
  const Input pair{{0, 0, 10, 10, 1, 1, 11, 11}, {.9f, .8f}, {}};
  on_every_isa([&] {
    const Result matrix = soft_nms({FOVEA_MATRIX_NMS_GAUSSIAN, 0, 2, 0, 0}, pair),
                 soft = soft_nms({FOVEA_SOFT_NMS_GAUSSIAN, 0, .5f, 0, 0}, pair);
    expect(matrix, soft.keep, soft.scores);
  });
}

TEST(SoftNms, TiesNanTwinsAndNegativeScores) {
  Input twins;
  for (int i = 0; i < 40; ++i) twins.boxes.insert(twins.boxes.end(), {0, 0, 10, 10});
  twins.scores.assign(40, .5f);
  Input apart = twins;
  for (int i = 0; i < 40; ++i) {
    const float shift = 20.0f * static_cast<float>(i);
    apart.boxes[4 * i] += shift, apart.boxes[4 * i + 2] += shift;
  }
  apart.scores[7] = NAN;
  apart.boxes[4 * 9] = NAN;
  std::vector<int32_t> order;
  for (int i = 0; i < 40; ++i)
    if (i != 7) order.push_back(i);
  const Input negative{{0, 0, 10, 10, 0, 0, 10, 10, 0, 5, 10, 15, 50, 50, 60, 60}, {-.5f, -.75f, -1, -.25f}, {}};
  on_every_isa([&] {
    for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method) {
      EXPECT_EQ(soft_nms({method, .5f, 1e-9f, 0, 0}, apart).keep, order) << "method " << method;
      if (method == FOVEA_MATRIX_NMS_GAUSSIAN) continue;  // 1e-9 is a wide Gaussian there
      EXPECT_EQ(soft_nms({method, .5f, 1e-9f, 0, 0}, twins).keep, (std::vector<int32_t>{0})) << "method " << method;
    }
    // Lowering moves a negative score toward 0: 1 becomes -0, 2 is -1 * 2/3.
    const Result r = soft_nms({FOVEA_SOFT_NMS_LINEAR, .3f, 0, -kInf, 0}, negative, 2);
    expect(r, {1, 3}, {0, -.25f});
  });
}

TEST(SoftNms, ValidLiveColumnsAndEveryWayOfRunning) {
  constexpr int64_t n = 67, capacity = 50;
  Array<float> table({n, 7}), keep_scores({capacity});
  Array<int32_t> keep({capacity}), count({1}), valid({1}), classes({n});
  const Input input = random_input(4, n, 0);
  for (int64_t i = 0; i < n; ++i) {
    for (int c = 0; c < 4; ++c) table[7 * i + c] = input.boxes[static_cast<size_t>(4 * i + c)];
    table[7 * i + 4] = input.scores[static_cast<size_t>(i)];
    classes[i] = static_cast<int32_t>(i % 3);
  }
  const Live live(60);
  valid[0] = 55;
  for (int32_t method = FOVEA_SOFT_NMS_LINEAR; method <= FOVEA_CLUSTER_NMS_SPM; ++method) {
    const fovea_soft_nms_params p{method, .3f, .5f, .1f, 0};
    std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
    const auto call = [&](fovea_stream* s) {
      fovea_tensor boxes = table.view(), scores = table.view();
      boxes.shape[1] = 4;
      scores.shape[1] = 1;
      scores.data = table.data() + 4;
      boxes.live = live.get();
      const fovea_tensor kt = keep.view(), kst = keep_scores.view(), ct = count.view(), vt = valid.view(), lt = classes.view();
      int64_t bytes = 0;
      EXPECT_EQ(fovea_soft_nms_workspace(&p, &boxes, &bytes), FOVEA_OK);
      workspaces.push_back(std::make_unique<Workspace>(bytes));
      return fovea_soft_nms(&p, &boxes, &scores, &lt, &vt, &kt, &kst, &ct, workspaces.back()->get(), s);
    };
    check_kernel<int32_t>(keep, {0, 0}, call);
    check_kernel<float>(keep_scores, {3e-5, 0}, call);
    check_kernel<int32_t>(count, {0, 0}, call);
    for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
    EXPECT_GT(count[0], 0);
    for (int32_t k = 0; k < count[0]; ++k) EXPECT_LT(keep[k], 55);
  }
}

TEST(SoftNms, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), three({4, 3}), scores({4}), five({5}), keep_scores({4});
  Array<int32_t> keep({4}), count({1});
  const fovea_tensor bt = boxes.view(), tt = three.view(), st = scores.view(), ft = five.view(), kt = keep.view(),
                     kst = keep_scores.view(), ct = count.view();
  const fovea_soft_nms_params good{FOVEA_SOFT_NMS_GAUSSIAN, .5f, .5f, 0, 0};
  const Workspace workspace(4096), small(8);
  const StreamPtr stream = make_stream();
  const auto call = [&](const fovea_soft_nms_params& p, const fovea_tensor* b, const fovea_tensor* s, const fovea_tensor* ks,
                        const Workspace& w) {
    return fovea_soft_nms(&p, b, s, nullptr, nullptr, &kt, ks, &ct, w.get(), stream.get());
  };
  boxes.fill(1, 0, 1);
  scores.fill(1, 0, 1);
  EXPECT_EQ(call(good, &bt, &st, &kst, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, &tt, &st, &kst, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &ft, &kst, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, &ft, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, &kst, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, &st, workspace), FOVEA_INVALID_ARGUMENT) << "keep_scores overlaps scores";
  for (const auto& change : std::vector<std::function<void(fovea_soft_nms_params&)>>{
           [](auto& p) { p.method = 7; }, [](auto& p) { p.method = FOVEA_CLUSTER_NMS_SPM, p.sigma = -1; },
           [](auto& p) { p.sigma = 0; }, [](auto& p) { p.sigma = NAN; }, [](auto& p) { p.iou_threshold = NAN; },
           [](auto& p) { p.score_threshold = NAN; }}) {
    fovea_soft_nms_params p = good;
    change(p);
    EXPECT_EQ(call(p, &bt, &st, &kst, workspace), FOVEA_INVALID_ARGUMENT);
  }
  EXPECT_STREQ(fovea_last_error(), "soft_nms: a threshold is NaN");
}

}  // namespace
