#include "every_isa.h"

#include <algorithm>
#include <limits>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

fovea_peak_params params(int32_t score_mode, int32_t size_mode, float threshold) {
  return {score_mode, size_mode, 3, 0, threshold, 4, 4, 0, 0};
}

// Maps of one head, side by side in a table [h][w][classes + 4 + 2], or the heat map by itself.
struct Maps {
  int64_t h, w, classes, sides;
  bool together;
  Array<float> table, heat;

  Maps(int64_t height, int64_t width, int64_t c, const fovea_peak_params& p, uint32_t seed, bool one_table)
      : h(height),
        w(width),
        classes(c),
        sides(p.size_mode == FOVEA_PEAK_EXTENT ? 2 : 4),
        together(one_table),
        table({height, width, sides + 2 + c}),
        heat({height, width, c}) {
    table.fill(seed, -2, 3);
    // Coarse values: equal neighbours are common.
    for (int64_t i = 0; i < table.size(); ++i)
      if (i % table.last() >= sides + 2) table[i] = std::round(table[i] * 8) / 8;
    copy_heat();
  }
  void copy_heat() {
    for (int64_t i = 0; i < heat.size(); ++i) heat[i] = value(i / classes, i % classes);
  }
  float& value(int64_t cell, int64_t c) { return table[cell * table.last() + sides + 2 + c]; }
  fovea_tensor view(int64_t first, int64_t columns) {
    fovea_tensor t = table.view();
    t.data = table.data() + first;
    t.shape[2] = columns;
    return t;
  }
  fovea_tensor heat_view() { return together ? view(sides + 2, classes) : heat.view(); }
};

struct Row {
  double box[4];
  float score;
  int64_t column;
};

// Double loops over everything, independent of the library.
std::vector<Row> naive(const fovea_peak_params& p, Maps& m, bool offset, int64_t height) {
  std::vector<Row> rows;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < m.w; ++x)
      for (int64_t c = 0; c < m.classes; ++c) {
        const float v = m.value(y * m.w + x, c);
        bool peak = !std::isnan(v);
        for (int64_t r = y - p.window / 2; r <= y + p.window / 2; ++r)
          for (int64_t q = x - p.window / 2; q <= x + p.window / 2; ++q)
            if (r >= 0 && r < height && q >= 0 && q < m.w && m.value(r * m.w + q, c) > v) peak = false;
        const float score =
            p.score_mode == FOVEA_SCORE_PLAIN ? v : static_cast<float>(1 / (1 + std::exp(-static_cast<double>(v))));
        if (!peak || !(score > p.score_threshold)) continue;
        const float* t = m.table.data() + (y * m.w + x) * m.table.last();
        const double cx = (static_cast<double>(x) + (offset ? t[m.sides] : .5)) * p.stride,
                     cy = (static_cast<double>(y) + (offset ? t[m.sides + 1] : .5)) * p.stride;
        const double k = p.size_scale;
        Row row{{cx - k * t[0], cy - k * t[1], 0, 0}, score, c};
        if (m.sides == 4) row.box[2] = cx + k * t[2], row.box[3] = cy + k * t[3];
        if (m.sides == 2)
          row.box[0] = cx - k * t[0] / 2, row.box[1] = cy - k * t[1] / 2, row.box[2] = cx + k * t[0] / 2,
          row.box[3] = cy + k * t[1] / 2;
        for (int side = 0; side < 4; ++side) {
          const double clip = side % 2 == 0 ? p.clip_w : p.clip_h;
          if (clip > 0) row.box[side] = std::clamp(row.box[side], 0.0, clip);
        }
        rows.push_back(row);
      }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.score > b.score; });
  return rows;
}

void check(const fovea_peak_params& p, Maps& m, bool offset, int64_t capacity, int32_t present, int64_t height = -1) {
  const Live live(static_cast<int32_t>(height));
  Array<float> rows({capacity, 6}, 7);
  Array<int32_t> count({1});
  std::vector<Row> expected = naive(p, m, offset, height < 0 ? m.h : height);
  const auto first = std::clamp<int64_t>(present, 0, capacity);
  expected.resize(std::min(
      {expected.size(), static_cast<size_t>(capacity - first), p.top_k > 0 ? static_cast<size_t>(p.top_k) : expected.size()}));
  on_every_isa([&] {
    fovea_tensor ht = m.heat_view();
    if (height >= 0) ht.live = live.get();
    const fovea_tensor st = m.view(0, m.sides), ot = m.view(m.sides, 2), yt = rows.view(), ct = count.view();
    int64_t bytes = 0;
    ASSERT_EQ(fovea_peak_boxes_workspace(&p, &ht, &bytes), FOVEA_OK) << fovea_last_error();
    const Workspace workspace(bytes);
    const StreamPtr stream = make_stream();
    rows.poison();
    count[0] = present;
    ASSERT_EQ(finish(stream, fovea_peak_boxes(&p, &ht, &st, offset ? &ot : nullptr, &yt, &ct, workspace.get(), stream.get())),
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
      // Double precision rounded once.
      for (int c = 0; c < 4; ++c) EXPECT_FLOAT_EQ(rows[6 * k + c], static_cast<float>(e.box[c])) << k;
    }
  });
}

TEST(PeakBoxes, EveryModeOnRandomMaps) {
  uint32_t seed = 1;
  for (const int32_t score_mode : {FOVEA_SCORE_PLAIN, FOVEA_SCORE_SIGMOID})
    for (const int32_t size_mode : {FOVEA_PEAK_EXTENT, FOVEA_PEAK_DISTANCES})
      for (const int32_t window : {1, 3, 5})
        for (const int64_t classes : {1, 3, 20}) {
          if (test_device() != nullptr && (classes == 3 || window == 5)) continue;
          SCOPED_TRACE(::testing::Message()
                       << "scores " << score_mode << " sizes " << size_mode << " window " << window << " classes " << classes);
          fovea_peak_params p = params(score_mode, size_mode, score_mode == FOVEA_SCORE_PLAIN ? 0 : .4f);
          p.window = window;
          if (window == 3) p.clip_w = 40, p.clip_h = 30, p.size_scale = 1;
          Maps m(9, 13, classes, p, ++seed, window == 3);
          check(p, m, true, 150, 0);
          check(p, m, false, 37, 7);
          check(p, m, true, 200, 0, 4);  // neighbours beyond the live rows do not count
        }
}

TEST(PeakBoxes, SizesAroundTheEdges) {
  const fovea_peak_params p = params(FOVEA_SCORE_SIGMOID, FOVEA_PEAK_EXTENT, -kInf);
  for (const auto& [h, w] : {std::pair{0, 5}, {5, 0}, {1, 1}, {1, 7}, {7, 1}, {2, 2}}) {
    SCOPED_TRACE(::testing::Message() << h << "x" << w);
    Maps m(h, w, 2, p, 5, false);
    check(p, m, true, 40, 0);
    check(p, m, true, 0, 0);
  }
}

TEST(PeakBoxes, ManyPeaksKeepTheBest) {
  // Every value is a peak: 12000 of them, over ten times the buffer of top_k 25, which is cut again and again.
  fovea_peak_params p = params(FOVEA_SCORE_SIGMOID, FOVEA_PEAK_EXTENT, -kInf);
  p.window = 1;
  p.top_k = 25;
  Maps m(20, 20, 30, p, 9, false);
  check(p, m, true, 1000, 0);
  check(p, m, true, 40, 20);
}

TEST(PeakBoxes, PlateausAndDecodedTargets) {
  // Two boxes planted as CenterNet's targets are: a Gaussian splat of radius 1 (sigma 1/2) around the cell of each centre, its
  // offset from there, its size. Decoding gives the boxes back; a plateau of two equal cells gives two.
  fovea_peak_params p = params(FOVEA_SCORE_PLAIN, FOVEA_PEAK_EXTENT, .3f);
  p.size_scale = 1;
  Maps m(16, 16, 2, p, 1, false);
  for (int64_t i = 0; i < m.table.size(); ++i) m.table[i] = 0;
  const double boxes[2][4] = {{10, 12, 31, 40}, {33, 5, 60, 18}};
  for (int64_t b = 0; b < 2; ++b) {
    const double x = (boxes[b][0] + boxes[b][2]) / 8, y = (boxes[b][1] + boxes[b][3]) / 8;
    const auto column = static_cast<int64_t>(x), row = static_cast<int64_t>(y);
    for (int64_t dy = -1; dy <= 1; ++dy)
      for (int64_t dx = -1; dx <= 1; ++dx)
        m.value((row + dy) * 16 + column + dx, b) = static_cast<float>(std::exp(-2.0 * static_cast<double>(dx * dx + dy * dy)));
    float* t = m.table.data() + (row * 16 + column) * m.table.last();
    t[0] = static_cast<float>(boxes[b][2] - boxes[b][0]), t[1] = static_cast<float>(boxes[b][3] - boxes[b][1]);
    t[2] = static_cast<float>(x - static_cast<double>(column)), t[3] = static_cast<float>(y - static_cast<double>(row));
  }
  m.copy_heat();
  const std::vector<Row> rows = naive(p, m, true, 16);
  ASSERT_EQ(rows.size(), 2u);
  for (size_t b = 0; b < 2; ++b)  // equal scores: the second box's cell comes first
    for (int c = 0; c < 4; ++c) EXPECT_FLOAT_EQ(static_cast<float>(rows[b].box[c]), static_cast<float>(boxes[1 - b][c]));
  check(p, m, true, 10, 0);
  m.value(0, 0) = m.value(1, 0) = .5f;
  m.copy_heat();
  EXPECT_EQ(naive(p, m, true, 16).size(), 4u);
  check(p, m, true, 10, 0);
}

TEST(PeakBoxes, NanInfinityAndHostileCounts) {
  for (const int32_t mode : {FOVEA_SCORE_PLAIN, FOVEA_SCORE_SIGMOID}) {
    fovea_peak_params p = params(mode, FOVEA_PEAK_DISTANCES, .1f);
    Maps m(8, 9, 5, p, 3, false);
    const float odd[] = {NAN, kInf, -kInf};
    for (int64_t cell = 0; cell < 72; ++cell)
      if (cell % 4 == 0) m.value(cell, cell % 5) = odd[cell / 4 % 3];
    m.copy_heat();
    check(p, m, true, 300, 0);
    check(p, m, true, 5, -7);
    check(p, m, true, 5, 5);
    check(p, m, true, 5, 1 << 30);
  }
}

TEST(PeakBoxes, ArgumentsAreChecked) {
  Array<float> heat({4, 3, 2}), size({4, 3, 2}), four({4, 3, 4}), rows({9, 6}), five({9, 5});
  Array<int32_t> count({1});
  count[0] = 0;
  heat.fill(1), size.fill(2), four.fill(3);
  const fovea_tensor ht = heat.view(), st = size.view(), ft = four.view(), yt = rows.view(), vt = five.view(),
                     ct = count.view();
  const Workspace workspace(4096), small(8);
  const StreamPtr stream = make_stream();
  const fovea_peak_params good = params(FOVEA_SCORE_SIGMOID, FOVEA_PEAK_EXTENT, .5f);
  const auto call = [&](const fovea_peak_params& p, const fovea_tensor* s, const fovea_tensor* o, const fovea_tensor* y,
                        const Workspace& w) { return fovea_peak_boxes(&p, &ht, s, o, y, &ct, w.get(), stream.get()); };
  EXPECT_EQ(call(good, &st, nullptr, &yt, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, &ft, nullptr, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "peak_boxes: size is [4, 3, 4] f32, heat is [4, 3, 2] f32: expected 2 columns");
  EXPECT_EQ(call(good, &st, &ft, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &st, nullptr, &vt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &st, nullptr, &yt, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, nullptr, nullptr, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  for (const auto& change : std::vector<std::function<void(fovea_peak_params&)>>{
           [](auto& p) { p.score_mode = FOVEA_SCORE_SOFTMAX; }, [](auto& p) { p.size_mode = 2; }, [](auto& p) { p.window = 2; },
           [](auto& p) { p.window = -1; }, [](auto& p) { p.top_k = -1; }, [](auto& p) { p.score_threshold = NAN; },
           [](auto& p) { p.stride = kInf; }, [](auto& p) { p.size_scale = NAN; },
           [](auto& p) { p.size_mode = FOVEA_PEAK_DISTANCES; }}) {
    fovea_peak_params p = good;
    change(p);
    EXPECT_EQ(call(p, &st, nullptr, &yt, workspace), FOVEA_INVALID_ARGUMENT);
  }
}

}  // namespace
