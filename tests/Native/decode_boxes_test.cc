#include "every_isa.h"

#include <algorithm>
#include <limits>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A head in one table [n][4*bins + 1 + classes], regression first, then objectness, then scores.
struct Head {
  int64_t n, classes, sides;
  Array<float> table, anchors;

  Head(int64_t rows, int64_t c, const fovea_decode_params& p, uint32_t seed, double low, double high)
      : n(rows),
        classes(c),
        sides(p.box_mode == FOVEA_BOX_BINS ? 4 * p.bins : 4),
        table({rows, sides + 1 + c}),
        anchors({rows, p.box_mode == FOVEA_BOX_DELTAS ? 4 : 3}) {
    table.fill(seed, low, high);
    anchors.fill(seed + 1, 1, 40);
  }
  fovea_tensor view(int64_t first, int64_t columns) {
    fovea_tensor t = table.view();
    t.data = table.data() + first;
    t.shape[1] = columns;
    return t;
  }
  fovea_tensor regression() { return view(0, sides); }
  fovea_tensor objectness() { return view(sides, 1); }
  fovea_tensor scores() { return view(sides + 1, classes); }
  float score(int64_t row, int64_t c) const { return table[row * table.last() + sides + 1 + c]; }
};

struct Row {
  double box[4];
  float score;
  int64_t row, column;
};

// Double loops over everything, independent of the library.
std::vector<Row> naive(const fovea_decode_params& p, const Head& h, bool objectness) {
  std::vector<Row> rows;
  const auto sigmoid = [](double x) { return static_cast<float>(1 / (1 + std::exp(-x))); };
  for (int64_t r = 0; r < h.n; ++r) {
    const float* t = h.table.data() + r * h.table.last();
    const float *logits = t + h.sides + 1, *a = h.anchors.data() + r * h.anchors.last();
    const float o = !objectness ? 1.0f : p.score_mode == FOVEA_SCORE_PLAIN ? t[h.sides] : sigmoid(t[h.sides]);
    double highest = -HUGE_VAL, sum = 0;
    for (int64_t c = 0; c < h.classes; ++c) highest = std::max(highest, static_cast<double>(logits[c]));
    for (int64_t c = 0; c < h.classes; ++c) sum += std::exp(logits[c] - highest);
    int64_t best = -1;
    for (int64_t c = 0; c < h.classes; ++c) {
      if (p.score_mode == FOVEA_SCORE_SOFTMAX && c == p.background) continue;
      if (!std::isnan(logits[c]) && (best < 0 || logits[c] > logits[best])) best = c;
    }
    for (int64_t c = 0; c < h.classes; ++c) {
      if (p.score_mode == FOVEA_SCORE_SOFTMAX && c == p.background) continue;
      if (p.best_class && c != best) continue;
      float s = logits[c];
      if (p.score_mode == FOVEA_SCORE_SIGMOID) s = sigmoid(s);
      if (p.score_mode == FOVEA_SCORE_SOFTMAX) s = static_cast<float>(std::exp(logits[c] - highest) / sum);
      s *= o;
      if (!(s > p.score_threshold) || (objectness && !(o > p.score_threshold))) continue;
      Row out{{}, s, r, c};
      double d[4];
      for (int side = 0; side < 4; ++side) {
        d[side] = t[side];
        if (p.box_mode != FOVEA_BOX_BINS) continue;
        double total = 0, weighted = 0;
        for (int k = 0; k < p.bins; ++k) {
          const double e = std::exp(static_cast<double>(t[side * p.bins + k]));
          total += e, weighted += e * k;
        }
        d[side] = weighted / total;
      }
      double x = d[0], y = d[1], w = d[2], hgt = d[3];
      switch (p.box_mode) {
        case FOVEA_BOX_PLAIN:
          std::copy(d, d + 4, out.box);
          break;
        case FOVEA_BOX_DISTANCES:
        case FOVEA_BOX_BINS: {
          const double s2 = a[2], box[] = {a[0] - d[0] * s2, a[1] - d[1] * s2, a[0] + d[2] * s2, a[1] + d[3] * s2};
          std::copy(box, box + 4, out.box);
          break;
        }
        case FOVEA_BOX_DELTAS: {
          const double aw = static_cast<double>(a[2]) - a[0], ah = static_cast<double>(a[3]) - a[1];
          const auto weight = [&](int i) { return p.delta_weights[i] == 0 ? 1.0 : p.delta_weights[i]; };
          x = a[0] + aw / 2 + d[0] / weight(0) * aw;
          y = a[1] + ah / 2 + d[1] / weight(1) * ah;
          w = std::exp(std::min(d[2] / weight(2), std::log(1000.0 / 16))) * aw;
          hgt = std::exp(std::min(d[3] / weight(3), std::log(1000.0 / 16))) * ah;
          break;
        }
        case FOVEA_BOX_GRID:
          x = (d[0] + a[0]) * a[2], y = (d[1] + a[1]) * a[2], w = std::exp(d[2]) * a[2], hgt = std::exp(d[3]) * a[2];
          break;
        default:
          break;
      }
      if (p.box_mode == FOVEA_BOX_CENTRE || p.box_mode == FOVEA_BOX_DELTAS || p.box_mode == FOVEA_BOX_GRID) {
        const double box[] = {x - w / 2, y - hgt / 2, x + w / 2, y + hgt / 2};
        std::copy(box, box + 4, out.box);
      }
      for (int side = 0; side < 4; ++side) {
        const float clip = side % 2 == 0 ? p.clip_w : p.clip_h;
        if (clip > 0) out.box[side] = std::clamp(out.box[side], 0.0, static_cast<double>(clip));
      }
      rows.push_back(out);
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.score > b.score; });
  return rows;
}

void check(const fovea_decode_params& p, Head& h, bool objectness, int64_t capacity, int32_t present) {
  Array<float> rows({capacity, 6}, 7);
  Array<int32_t> count({1});
  std::vector<Row> expected = naive(p, h, objectness);
  const size_t room = static_cast<size_t>(std::max<int64_t>(capacity - std::max(present, 0), 0));
  expected.resize(std::min({expected.size(), room, p.top_k > 0 ? static_cast<size_t>(p.top_k) : expected.size()}));
  const auto first = std::clamp<int64_t>(present, 0, capacity);
  on_every_isa([&] {
    const fovea_tensor st = h.scores(), ot = h.objectness(), rt = h.regression(), at = h.anchors.view(), yt = rows.view(),
                       ct = count.view();
    int64_t bytes = 0;
    ASSERT_EQ(fovea_decode_boxes_workspace(&p, &st, &bytes), FOVEA_OK) << fovea_last_error();
    const Workspace workspace(bytes);
    const StreamPtr stream = make_stream();
    rows.poison();
    count[0] = present;
    ASSERT_EQ(finish(stream, fovea_decode_boxes(&p, &st, objectness ? &ot : nullptr, &rt,
                                                p.box_mode <= FOVEA_BOX_CENTRE ? nullptr : &at, &yt, &ct, workspace.get(),
                                                stream.get())),
              FOVEA_OK)
        << fovea_last_error();
    EXPECT_TRUE(rows.guards_intact() && count.guards_intact() && workspace.guards_intact());
    ASSERT_EQ(count[0], first + static_cast<int64_t>(expected.size()));
    for (int64_t k = 0; k < capacity; ++k) {
      if (k < first || k >= count[0]) {
        EXPECT_TRUE(std::isnan(rows[6 * k])) << "row " << k << " was written";
        continue;
      }
      const Row& e = expected[static_cast<size_t>(k - first)];
      EXPECT_EQ(rows[6 * k + 4], e.score) << "scores follow one rule, bit for bit; row " << k;
      EXPECT_EQ(rows[6 * k + 5], static_cast<float>(e.column)) << k;
      // An edge is a sum of at most three products: a dozen roundings (exp: 4) of its largest term. Terms of these heads stay
      // below 40 * exp(4.2) * 1.5 = 4000.
      for (int c = 0; c < 4; ++c) EXPECT_NEAR(rows[6 * k + c], e.box[c], 2e-6 * std::max(std::fabs(e.box[c]), 100.0)) << k;
    }
  });
}

fovea_decode_params params(int32_t score_mode, int32_t box_mode, float threshold) {
  return {score_mode, box_mode, -1, box_mode == FOVEA_BOX_BINS ? 16 : 0, 0, 0, threshold, {0, 0, 0, 0}, 0, 0};
}

TEST(DecodeBoxes, EveryBoxMode) {
  for (int32_t mode = FOVEA_BOX_PLAIN; mode <= FOVEA_BOX_BINS; ++mode)
    for (const bool clip : {false, true}) {
      SCOPED_TRACE(mode);
      fovea_decode_params p = params(FOVEA_SCORE_SIGMOID, mode, .8f);
      if (mode == FOVEA_BOX_BINS && clip) p.bins = 7;
      if (clip) p.clip_w = 50, p.clip_h = 30;
      if (mode == FOVEA_BOX_DELTAS && clip) p.delta_weights[0] = p.delta_weights[1] = 10, p.delta_weights[2] = 5;
      Head h(67, 5, p, static_cast<uint32_t>(mode + 1), -2, 2.5);
      check(p, h, false, 400, 0);
      check(p, h, true, 400, 0);
    }
}

TEST(DecodeBoxes, EveryScoreModeOnRandomHeads) {
  uint32_t seed = 100;
  for (int32_t mode = FOVEA_SCORE_PLAIN; mode <= FOVEA_SCORE_SOFTMAX; ++mode)
    for (const int64_t classes : {1, 2, 3, 17, 80})
      for (const int64_t n : {0, 1, 37, 150})
        for (const int variant : {0, 1, 2, 3}) {
          if (test_device() != nullptr && (classes == 2 || (n == 150 && variant % 2 == 0) || (n == 37 && classes == 80)))
            continue;
          fovea_decode_params p = params(mode, FOVEA_BOX_PLAIN, 0);
          const float thresholds[] = {.25f, .5f, 0, -1};
          p.score_threshold = thresholds[variant];
          p.best_class = variant % 2;
          p.background = static_cast<int32_t>(variant == 0 ? -1 : variant == 1 ? 0 : classes - 1);
          p.top_k = variant == 2 ? 20 : 0;
          SCOPED_TRACE(::testing::Message()
                       << "mode " << mode << " classes " << classes << " n " << n << " variant " << variant);
          Head h(n, classes, p, ++seed, mode == FOVEA_SCORE_PLAIN ? 0 : -5, mode == FOVEA_SCORE_PLAIN ? 1 : 4);
          check(p, h, false, 100, 0);
          check(p, h, true, 61, 7);
          if (HasFailure()) return;
        }
}

TEST(DecodeBoxes, ManyCandidatesKeepTheBest) {
  // 12000 candidates pass, over ten times the buffer of top_k 25: it is cut again and again. Coarse scores tie everywhere.
  fovea_decode_params p = params(FOVEA_SCORE_SIGMOID, FOVEA_BOX_PLAIN, .01f);
  p.top_k = 25;
  Head h(400, 30, p, 9, -3, 3);
  for (int64_t i = 0; i < h.table.size(); ++i) h.table[i] = std::round(h.table[i] * 4) / 4;
  check(p, h, false, 1000, 0);
  check(p, h, false, 40, 20);
  check(p, h, true, 1000, 0);
  p.best_class = 1;
  check(p, h, false, 1000, 0);
  p.score_mode = FOVEA_SCORE_SOFTMAX;
  p.best_class = 0;
  check(p, h, false, 1000, 3);
}

TEST(DecodeBoxes, ThresholdsExactlyAtAScore) {
  // Every f32 threshold next to the probability of a logit decides as the rule does, also where sigmoids saturate.
  fovea_decode_params p = params(FOVEA_SCORE_SIGMOID, FOVEA_BOX_PLAIN, 0);
  for (const float logit : {-100.0f, -20.0f, -3.0f, -.5f, 0.0f, .1f, 2.0f, 9.0f, 16.0f, 17.5f}) {
    if (test_device() != nullptr && logit != -3.0f && logit != 9.0f && logit != 17.5f) continue;
    Head h(3, 33, p, 1, -1, 1);
    for (int64_t i = 0; i < h.table.size(); ++i) {
      float x = logit;
      for (int64_t step = i % 9; step > 0; --step) x = std::nextafter(x, i % 2 == 0 ? 1e9f : -1e9f);
      h.table[i] = x;
    }
    const auto at = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit))));
    for (const float threshold : {std::nextafter(at, -1.0f), at, std::nextafter(at, 2.0f)}) {
      p.score_threshold = threshold;
      check(p, h, false, 200, 0);
      check(p, h, true, 200, 0);
    }
  }
}

// Behind the scores of a row lies the next row's box: a number far above them, which no softmax may take for one of its own.
TEST(DecodeBoxes, RowsEndWithTheirScores) {
  for (int32_t mode = FOVEA_SCORE_PLAIN; mode <= FOVEA_SCORE_SOFTMAX; ++mode)
    for (const int32_t best : {0, 1}) {
      fovea_decode_params p = params(mode, FOVEA_BOX_PLAIN, .1f);
      p.best_class = best;
      Head h(20, 7, p, 5, -1, 1);
      for (int64_t r = 0; r < h.n; ++r) h.table[r * h.table.last()] = 2000;
      check(p, h, false, 200, 0);
    }
}

TEST(DecodeBoxes, NanInfinityAndHostileCounts) {
  for (int32_t mode = FOVEA_SCORE_PLAIN; mode <= FOVEA_SCORE_SOFTMAX; ++mode) {
    fovea_decode_params p = params(mode, FOVEA_BOX_PLAIN, .1f);
    Head h(40, 19, p, 3, -1, 1);
    for (int64_t r = 0; r < 40; ++r) {
      const int64_t at = r * h.table.last() + 5;
      if (r % 4 == 0) h.table[at + r % 19] = NAN;
      if (r % 4 == 1) h.table[at + r % 19] = kInf;
      if (r % 4 == 2) h.table[at + r % 19] = -kInf;
      if (r % 10 == 0) h.table[at - 1] = NAN;
    }
    for (const int32_t best : {0, 1}) {
      p.best_class = best;
      check(p, h, false, 800, 0);
      check(p, h, true, 800, 0);
      check(p, h, false, 5, -7);
      check(p, h, false, 5, 5);
      check(p, h, false, 5, 1 << 30);
      check(p, h, false, 0, 0);
    }
  }
}

TEST(DecodeBoxes, HostileAnchorsStayNumbersOrNan) {
  for (int32_t mode = FOVEA_BOX_DELTAS; mode <= FOVEA_BOX_BINS; ++mode) {
    fovea_decode_params p = params(FOVEA_SCORE_SIGMOID, mode, .1f);
    p.clip_w = p.clip_h = 100;
    Head h(64, 2, p, 8, -1, 1);
    const float odd[] = {NAN, kInf, -kInf, 3e38f, -3e38f, 0, 1e-45f};
    for (int64_t i = 0; i < h.anchors.size(); ++i) h.anchors[i] = odd[i * 5 % 7];
    for (int64_t r = 0; r < 64; ++r) h.table[r * h.table.last() + r % 4] = odd[r % 7];
    Array<float> rows({200, 6});
    Array<int32_t> count({1});
    on_every_isa([&] {
      const fovea_tensor st = h.scores(), rt = h.regression(), at = h.anchors.view(), yt = rows.view(), ct = count.view();
      int64_t bytes = 0;
      ASSERT_EQ(fovea_decode_boxes_workspace(&p, &st, &bytes), FOVEA_OK);
      const Workspace workspace(bytes);
      const StreamPtr stream = make_stream();
      count[0] = 0;
      EXPECT_EQ(finish(stream, fovea_decode_boxes(&p, &st, nullptr, &rt, &at, &yt, &ct, workspace.get(), stream.get())),
                FOVEA_OK);
      EXPECT_EQ(count[0], 128);
      for (int64_t k = 0; k < 128; ++k)
        for (int c = 0; c < 4; ++c)
          EXPECT_TRUE(std::isnan(rows[6 * k + c]) || (rows[6 * k + c] >= 0 && rows[6 * k + c] <= 100)) << rows[6 * k + c];
    });
  }
}

TEST(DecodeBoxes, LevelsAppendAndLiveRows) {
  const fovea_decode_params p = params(FOVEA_SCORE_SIGMOID, FOVEA_BOX_DISTANCES, .5f);
  Head a(50, 4, p, 1, -2, 1), b(20, 4, p, 5, -2, 1);
  const size_t in_a = naive(p, a, false).size(), in_b = naive(p, b, false).size();
  Array<float> rows({300, 6});
  Array<int32_t> count({1});
  const Workspace workspace(1 << 16);
  Array<int32_t> zero({1});
  zero[0] = 0;
  check_kernel<float>(rows, {1e-6, 1e-5}, [&](fovea_stream* s) {
    // Two levels of a pyramid; the first call starts from an empty table.
    const fovea_tensor sa = a.scores(), ra = a.regression(), aa = a.anchors.view(), sb = b.scores(), rb = b.regression(),
                       ab = b.anchors.view(), zt = zero.view(), yt = rows.view(), ct = count.view();
    const fovea_status copied = fovea_copy(&zt, &ct, s);
    if (copied != FOVEA_OK) return copied;
    const fovea_status first = fovea_decode_boxes(&p, &sa, nullptr, &ra, &aa, &yt, &ct, workspace.get(), s);
    return first != FOVEA_OK ? first : fovea_decode_boxes(&p, &sb, nullptr, &rb, &ab, &yt, &ct, workspace.get(), s);
  });
  if (IsSkipped()) return;  // no copy yet
  EXPECT_EQ(count[0], static_cast<int32_t>(in_a + in_b));
  const Live live(9);
  Head few(9, 4, p, 1, 0, 1);
  std::copy(a.table.data(), a.table.data() + 9 * a.table.last(), few.table.data());
  const auto expected = static_cast<int32_t>(naive(p, few, false).size());
  on_every_isa([&] {
    fovea_tensor sa = a.scores();
    sa.live = live.get();
    const fovea_tensor ra = a.regression(), aa = a.anchors.view(), yt = rows.view(), ct = count.view();
    const StreamPtr stream = make_stream();
    count[0] = 0;
    EXPECT_EQ(finish(stream, fovea_decode_boxes(&p, &sa, nullptr, &ra, &aa, &yt, &ct, workspace.get(), stream.get())),
              FOVEA_OK);
    EXPECT_EQ(count[0], expected);
  });
}

TEST(DecodeBoxes, ArgumentsAreChecked) {
  Array<float> scores({6, 3}), regression({6, 4}), anchors({6, 3}), rows({9, 6}), five({9, 5});
  Array<int32_t> count({1});
  count[0] = 0;
  scores.fill(1), regression.fill(2), anchors.fill(3);
  const fovea_tensor st = scores.view(), rt = regression.view(), at = anchors.view(), yt = rows.view(), ft = five.view(),
                     ct = count.view();
  const Workspace workspace(4096), small(8);
  const StreamPtr stream = make_stream();
  const fovea_decode_params good = params(FOVEA_SCORE_SOFTMAX, FOVEA_BOX_GRID, .5f);
  const auto call = [&](const fovea_decode_params& p, const fovea_tensor* o, const fovea_tensor* r, const fovea_tensor* a,
                        const fovea_tensor* y,
                        const Workspace& w) { return fovea_decode_boxes(&p, &st, o, r, a, y, &ct, w.get(), stream.get()); };
  EXPECT_EQ(call(good, nullptr, &rt, &at, &yt, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, nullptr, &rt, nullptr, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "decode_boxes: box mode 4 needs anchors [N][3]");
  EXPECT_EQ(call(good, &st, &rt, &at, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, nullptr, &st, &at, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, nullptr, &rt, &at, &ft, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, nullptr, &rt, &at, &yt, small), FOVEA_INVALID_ARGUMENT);
  for (const auto& change : std::vector<std::function<void(fovea_decode_params&)>>{
           [](auto& p) { p.score_mode = 3; }, [](auto& p) { p.box_mode = 6; }, [](auto& p) { p.background = 3; },
           [](auto& p) { p.background = -2; }, [](auto& p) { p.top_k = -1; }, [](auto& p) { p.score_threshold = NAN; },
           [](auto& p) { p.delta_weights[2] = NAN; }, [](auto& p) { p.box_mode = FOVEA_BOX_BINS, p.bins = 65; }}) {
    fovea_decode_params p = good;
    change(p);
    EXPECT_EQ(call(p, nullptr, &rt, &at, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  }
}

}  // namespace
