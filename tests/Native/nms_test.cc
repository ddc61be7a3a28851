#include "every_isa.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

fovea_nms_params params(float iou, int32_t overlap = FOVEA_OVERLAP_UNION, int32_t plus_one = 0, int32_t inclusive = 0) {
  return {iou, -kInf, overlap, plus_one, inclusive, 0};
}

// One image: boxes as rows, keep capacity `capacity` (all boxes when negative).
struct Image {
  std::vector<float> boxes, scores;
  std::vector<int32_t> classes;
  int64_t capacity = -1;

  int64_t n() const { return static_cast<int64_t>(scores.size()); }
};

std::vector<int32_t> nms(const fovea_nms_params& p, const Image& image) {
  const int64_t n = image.n();
  Array<float> boxes({n, 4}), scores({n});
  Array<int32_t> classes({n}), keep({image.capacity < 0 ? n : image.capacity}), count({1});
  boxes.assign(image.boxes);
  scores.assign(image.scores);
  if (!image.classes.empty()) classes.assign(image.classes);
  const fovea_tensor bt = boxes.view(), st = scores.view(), lt = classes.view(), kt = keep.view(), ct = count.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_nms_workspace(&p, &bt, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  EXPECT_EQ(finish(stream, fovea_nms(&p, &bt, &st, image.classes.empty() ? nullptr : &lt, nullptr, &kt, &ct, workspace.get(),
                                     stream.get())),
            FOVEA_OK)
      << fovea_last_error();
  EXPECT_TRUE(keep.guards_intact() && count.guards_intact() && workspace.guards_intact());
  std::vector<int32_t> kept = keep.values();
  for (size_t i = static_cast<size_t>(count[0]); i < kept.size(); ++i) EXPECT_EQ(kept[i], -1);
  kept.resize(static_cast<size_t>(count[0]));
  return kept;
}

// The textbook form, independent of the library: mark everything that a kept box suppresses. Overlaps in double precision.
std::vector<int32_t> textbook(const fovea_nms_params& p, const Image& image) {
  const auto n = static_cast<size_t>(image.n());
  std::vector<int32_t> order(n), kept;
  std::iota(order.begin(), order.end(), 0);
  order.erase(std::remove_if(order.begin(), order.end(), [&](int32_t i) { return !(image.scores[i] > p.score_threshold); }),
              order.end());
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return image.scores[a] > image.scores[b]; });
  const auto side = [&](double low, double high) { return high - low + p.plus_one; };
  const auto overlap = [&](int32_t a, int32_t b) {
    const float *p1 = &image.boxes[4 * a], *p2 = &image.boxes[4 * b];
    double inter = 1, area1 = 1, area2 = 1;
    for (int c = 0; c < 2; ++c) {
      const double low1 = std::min(p1[c], p1[c + 2]), high1 = std::max(p1[c], p1[c + 2]);
      const double low2 = std::min(p2[c], p2[c + 2]), high2 = std::max(p2[c], p2[c + 2]);
      inter *= std::max(0.0, side(std::max(low1, low2), std::min(high1, high2)));
      area1 *= side(low1, high1);
      area2 *= side(low2, high2);
    }
    const double value = inter / (p.overlap == FOVEA_OVERLAP_MIN ? std::min(area1, area2) : area1 + area2 - inter);
    return std::isnan(value) ? 0.0 : value;
  };
  const auto label = [&](int32_t i) { return image.classes.empty() ? 0 : image.classes[i]; };
  std::vector<bool> gone(n);
  const size_t capacity = image.capacity < 0 ? n : static_cast<size_t>(image.capacity);
  for (size_t r = 0; r < order.size() && kept.size() < capacity; ++r) {
    const int32_t i = order[r];
    if (gone[i]) continue;
    const auto same = std::count_if(kept.begin(), kept.end(), [&](int32_t k) { return label(k) == label(i); });
    if (p.max_per_class > 0 && same >= p.max_per_class) continue;
    kept.push_back(i);
    for (size_t q = r + 1; q < order.size(); ++q) {
      const double o = overlap(i, order[q]), t = static_cast<double>(p.iou_threshold);
      if (label(i) == label(order[q]) && (p.inclusive ? o >= t : o > t)) gone[order[q]] = true;
    }
  }
  return kept;
}

using Keep = std::vector<int32_t>;

TEST(Nms, KnownSets) {
  const Image pairs{{0, 0, 10, 10, 1, 1, 11, 11, 0, 2, 10, 12, 20, 20, 30, 30, 21, 20, 31, 30}, {.9f, .8f, .7f, .6f, .55f}, {}};
  const Image chain{{0, 0, 10, 10, 0, 3, 10, 13, 0, 6, 10, 16}, {.9f, .8f, .7f}, {}};
  on_every_isa([&] {
    // IoU 01 .6807, 02 .6667, 12 .6807, 34 .8182
    EXPECT_EQ(nms(params(.5f), pairs), (Keep{0, 3}));
    EXPECT_EQ(nms(params(.66f), pairs), (Keep{0, 3}));
    EXPECT_EQ(nms(params(.69f), pairs), (Keep{0, 1, 2, 3}));
    // With inclusive pixels the sides are 11: IoU 01 is 100/142 = .7042, 02 is 99/143 = .6923, 34 is 110/132 = .8333.
    EXPECT_EQ(nms(params(.69f, FOVEA_OVERLAP_UNION, 1), pairs), (Keep{0, 3}));
    EXPECT_EQ(nms(params(.70f, FOVEA_OVERLAP_UNION, 1), pairs), (Keep{0, 2, 3}));
    EXPECT_EQ(nms(params(.82f, FOVEA_OVERLAP_UNION, 1), pairs), (Keep{0, 1, 2, 3}));
    EXPECT_EQ(nms(params(.84f, FOVEA_OVERLAP_UNION, 1), pairs), (Keep{0, 1, 2, 3, 4}));
    // A suppressed box suppresses nobody: 1 falls to 0, so 2 stays.
    EXPECT_EQ(nms(params(.5f), chain), (Keep{0, 2}));
  });
}

TEST(Nms, StrictExactlyAtEquality) {
  // The lower half of a box: 50/100 over the union; over the smaller area 1.
  const Image half{{0, 0, 10, 10, 0, 0, 10, 5}, {.9f, .8f}, {}};
  on_every_isa([&] {
    EXPECT_EQ(nms(params(.5f), half), (Keep{0, 1}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_UNION, 0, 1), half), (Keep{0}));
    EXPECT_EQ(nms(params(std::nextafter(.5f, 0.0f)), half), (Keep{0}));
    EXPECT_EQ(nms(params(std::nextafter(.5f, 1.0f), FOVEA_OVERLAP_UNION, 0, 1), half), (Keep{0, 1}));
    EXPECT_EQ(nms(params(1, FOVEA_OVERLAP_MIN), half), (Keep{0, 1}));
    EXPECT_EQ(nms(params(1, FOVEA_OVERLAP_MIN, 0, 1), half), (Keep{0}));
    EXPECT_EQ(nms(params(.7f, FOVEA_OVERLAP_MIN), half), (Keep{0}));
  });
}

TEST(Nms, TiesNanAndThresholds) {
  const float box[] = {0, 0, 10, 10};
  Image same;
  for (int i = 0; i < 5; ++i) same.boxes.insert(same.boxes.end(), box, box + 4);
  Image apart = same;
  for (int i = 0; i < 5; ++i)
    apart.boxes[4 * i] += 20.0f * static_cast<float>(i), apart.boxes[4 * i + 2] += 20.0f * static_cast<float>(i);
  on_every_isa([&] {
    same.scores = {.5f, .5f, .5f, .5f, .5f};
    EXPECT_EQ(nms(params(.5f), same), (Keep{0})) << "equal scores: lowest index";
    apart.scores = {.5f, .7f, .5f, .7f, .5f};
    EXPECT_EQ(nms(params(.5f), apart), (Keep{1, 3, 0, 2, 4}));
    apart.scores = {NAN, .1f, kInf, -0.0f, 0.0f};
    EXPECT_EQ(nms(params(.5f), apart), (Keep{2, 1, 3, 4})) << "NaN is dropped, both zeros are equal";
    apart.scores = {-1, -3, -2, -kInf, -1};
    EXPECT_EQ(nms(params(.5f), apart), (Keep{0, 4, 2, 1})) << "strictly above the threshold, -inf too";
    fovea_nms_params p = params(.5f);
    p.score_threshold = -2;
    EXPECT_EQ(nms(p, apart), (Keep{0, 4}));
    apart.capacity = 1;
    EXPECT_EQ(nms(params(.5f), apart), (Keep{0}));
    apart.capacity = 0;
    EXPECT_EQ(nms(params(.5f), apart), (Keep{}));
    apart.capacity = 9;
    EXPECT_EQ(nms(params(.5f), apart), (Keep{0, 4, 2, 1}));
    apart.capacity = -1;
  });
}

TEST(Nms, DegenerateBoxes) {
  const Image points{{5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 10, 10}, {.9f, .8f, .7f}, {}};
  const Image turned{{10, 10, 0, 0, 0, 10, 10, 0, NAN, 0, 10, 10, 0, 0, 10, NAN}, {.9f, .8f, .7f, .6f}, {}};
  const Image endless{
      {-kInf, -kInf, kInf, kInf, -kInf, -kInf, kInf, kInf, kInf, 0, kInf, 1, 0, 0, 1, 1}, {.9f, .8f, .7f, .6f}, {}};
  on_every_isa([&] {
    // 0/0 is no overlap, also for >= with a positive threshold; with +1 a point is a pixel and two points coincide.
    EXPECT_EQ(nms(params(.5f), points), (Keep{0, 1, 2}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_UNION, 0, 1), points), (Keep{0, 1, 2}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_MIN, 0, 1), points), (Keep{0, 1, 2}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_UNION, 1), points), (Keep{0, 2}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_MIN, 1), points), (Keep{0}));
    // Corners in any order; a NaN corner overlaps nothing.
    EXPECT_EQ(nms(params(.5f), turned), (Keep{0, 2, 3}));
    EXPECT_EQ(nms(params(0, FOVEA_OVERLAP_MIN), turned), (Keep{0, 2, 3}));
    // Overlap 0 >= 0: one box is left; overlap > 0 keeps what only touches.
    EXPECT_EQ(nms(params(0, FOVEA_OVERLAP_UNION, 0, 1), turned), (Keep{0}));
    EXPECT_EQ(nms(params(-1), turned), (Keep{0}));
    EXPECT_EQ(nms(params(.5f), endless), (Keep{0, 1, 2, 3}));
    EXPECT_EQ(nms(params(.5f, FOVEA_OVERLAP_MIN, 0, 1), endless), (Keep{0, 1, 2}));
  });
}

TEST(Nms, ClassesAndNegativeCoordinates) {
  // Shifting boxes by class * (max + 1) would let class 1 of the first pair meet class 0 of another place.
  const Image image{{-100, -100, -90, -90, -100, -100, -90, -90, -1, -1, 9, 9, -1, -1, 9, 9, -100, -99, -90, -89},
                    {.9f, .8f, .7f, .6f, .5f},
                    {0, 1, -7, 2000000000, 1}};
  on_every_isa([&] {
    EXPECT_EQ(nms(params(.5f), image), (Keep{0, 1, 2, 3}));
    fovea_nms_params p = params(.9f);
    p.max_per_class = 1;
    EXPECT_EQ(nms(p, image), (Keep{0, 1, 2, 3}));
    p.max_per_class = 2;
    EXPECT_EQ(nms(p, image), (Keep{0, 1, 2, 3, 4}));
    Image one_class = image;
    one_class.classes.clear();
    EXPECT_EQ(nms(p, one_class), (Keep{0, 2}));
  });
}

TEST(Nms, EqualsTheTextbookOnRandomCases) {
  // Whole coordinates and eighths as thresholds are exact in f32 and double, so equality is decided alike.
  uint64_t state = 88172645463325252ull;
  const auto next = [&](int64_t bound) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<int64_t>(state % static_cast<uint64_t>(bound));
  };
  for (int round = 0; round < (test_device() == nullptr ? 10000 : 120); ++round) {
    Image image;
    const int64_t n = round % 50 == 0 ? next(150) : next(24), extent = 1 + next(40), levels = 1 + next(30);
    for (int64_t i = 0; i < n; ++i) {
      const bool copy = i > 0 && next(5) == 0;
      const int64_t from = copy ? next(i) : 0;
      for (int c = 0; c < 4; ++c)
        image.boxes.push_back(copy ? image.boxes[static_cast<size_t>(4 * from + c)]
                                   : static_cast<float>(next(extent) - extent / 2));
      image.scores.push_back(next(25) == 0 ? NAN : static_cast<float>(next(levels)) / 16 - 0.5f);
    }
    if (next(2) == 0)
      for (int64_t i = 0; i < n; ++i) image.classes.push_back(static_cast<int32_t>(next(3)) - 1);
    if (next(3) == 0) image.capacity = next(12);
    const fovea_nms_params p{static_cast<float>(next(9)) / 8, next(2) == 0 ? -kInf : 0.0f,   static_cast<int32_t>(next(2)),
                             static_cast<int32_t>(next(2)),   static_cast<int32_t>(next(2)), static_cast<int32_t>(next(4))};
    const Keep expected = textbook(p, image);
    on_every_isa([&] { ASSERT_EQ(nms(p, image), expected) << "round " << round; });
    if (HasFatalFailure()) return;
  }
}

TEST(Nms, InstructionSetsAgreeBitForBit) {
  // Thousands of ordinary boxes: no exact arithmetic to lean on, only the same formula.
  for (const int32_t overlap : {FOVEA_OVERLAP_UNION, FOVEA_OVERLAP_MIN}) {
    if (test_device() != nullptr && overlap == FOVEA_OVERLAP_MIN) continue;
    Image image;
    Array<float> random({3000, 5});
    random.fill(9, 0, 1);
    for (int64_t i = 0; i < 3000; ++i) {
      const float x = random[5 * i] * 600, y = random[5 * i + 1] * 600, w = 20 + random[5 * i + 2] * 80,
                  h = 20 + random[5 * i + 3] * 80;
      image.boxes.insert(image.boxes.end(), {x, y, x + w, y + h});
      image.scores.push_back(random[5 * i + 4]);
    }
    Keep expected;
    on_every_isa([&] {
      const Keep kept = nms(params(.45f, overlap), image);
      if (expected.empty()) expected = kept;
      EXPECT_GT(kept.size(), 100u);
      EXPECT_EQ(kept, expected);
    });
  }
}

TEST(Nms, DistanceAndEnclosureVectors) {
  const Image pairs{{0, 0, 10, 10, 1, 1, 11, 11, 0, 2, 10, 12, 20, 20, 30, 30, 21, 20, 31, 30}, {.9f, .8f, .7f, .6f, .55f}, {}};
  const Image apart{{0, 0, 2, 2, 3, 3, 5, 5, 100, 0, 102, 2, NAN, 0, 1, 1}, {.9f, .8f, .7f, .6f}, {}};
  on_every_isa([&] {
    // DIoU 01 .672408, 02 .650273, 34 .813657
    EXPECT_EQ(nms(params(.66f, FOVEA_OVERLAP_DIOU), pairs), (Keep{0, 2, 3}));
    EXPECT_EQ(nms(params(.65f, FOVEA_OVERLAP_DIOU), pairs), (Keep{0, 3}));
    // GIoU 01: 81/119 - 2/121 = .664144, 02 .666667
    EXPECT_EQ(nms(params(.664f, FOVEA_OVERLAP_GIOU), pairs), (Keep{0, 3}));
    EXPECT_EQ(nms(params(.6642f, FOVEA_OVERLAP_GIOU), pairs), (Keep{0, 1, 3}));
    // Boxes apart: DIoU 01 -.36, GIoU 01 -.68, both near -1 for 02. A NaN box has overlap 0 with everything.
    EXPECT_EQ(nms(params(-.3f, FOVEA_OVERLAP_DIOU), apart), (Keep{0, 1, 2}));
    EXPECT_EQ(nms(params(-.4f, FOVEA_OVERLAP_DIOU), apart), (Keep{0, 2}));
    EXPECT_EQ(nms(params(-.7f, FOVEA_OVERLAP_GIOU), apart), (Keep{0, 2}));
    EXPECT_EQ(nms(params(0, FOVEA_OVERLAP_DIOU), apart), (Keep{0, 1, 2, 3}));
    EXPECT_EQ(nms(params(0, FOVEA_OVERLAP_DIOU, 0, 1), apart), (Keep{0, 1, 2}));
  });
}

TEST(Nms, GridsOfListsChangeNothing) {
  // Enough boxes for both grids, with and without classes; some far out, some endless, some NaN; ties everywhere.
  for (const int64_t n : {1500, 5000})
    for (int32_t overlap = FOVEA_OVERLAP_UNION; overlap <= FOVEA_OVERLAP_GIOU; ++overlap)
      for (const bool classes : {false, true}) {
        if (n == 5000 && overlap != FOVEA_OVERLAP_UNION) continue;
        if (test_device() != nullptr && (n == 5000 || classes != (overlap == FOVEA_OVERLAP_MIN))) continue;
        Image image;
        Array<float> random({n, 5});
        random.fill(static_cast<uint32_t>(n + overlap), 0, 1);
        for (int64_t i = 0; i < n; ++i) {
          const float x = std::floor(random[5 * i] * 900) - 300, y = std::floor(random[5 * i + 1] * 900),
                      w = 10 + random[5 * i + 2] * 60, h = 10 + random[5 * i + 3] * 60;
          image.boxes.insert(image.boxes.end(), {x, y, x + w, y + h});
          image.scores.push_back(std::floor(random[5 * i + 4] * 500));
          if (i % 97 == 0) image.boxes[4 * i] = i % 2 == 0 ? NAN : -kInf;
          if (i % 89 == 0) image.boxes[4 * i + 2] = 1e6f;
          if (classes) image.classes.push_back(static_cast<int32_t>(random[5 * i] * 37) - 5);
        }
        const fovea_nms_params p = params(.35f, overlap, static_cast<int32_t>(n / 5000));
        Keep expected;
        on_every_isa([&] {
          const Keep kept = nms(p, image);
          if (expected.empty()) expected = kept;
          EXPECT_GT(kept.size(), 300u);
          EXPECT_EQ(kept, expected);
        });
      }
}

TEST(Nms, SizesWhereTheBodyChanges) {
  // One list up to 64 boxes, blocks of 64 up to 2048, then a grid. The scale decides whether areas underflow;
  // far from 0 (negative scale: by its size) corners are multiples of 2.
  for (const int64_t n : {64, 65, 127, 1000, 2048, 2049})
    for (const float scale : {1.0f, 1e-22f, 1e20f, -3e7f})
      for (const float threshold : {1e-6f, .5f, 1.0f}) {
        if (n > 1000 && (scale != 1.0f || threshold != .5f)) continue;
        if (n > 127 && test_device() != nullptr) continue;
        Image image;
        Array<float> random({n, 5});
        random.fill(static_cast<uint32_t>(n), 0, 1);
        for (int64_t i = 0; i < n; ++i) {
          // Neighbours share places: about half of the boxes are suppressed at .5. Some are lines, turned, NaN or endless.
          const int64_t place = i % 5 == 0 ? i : i % 61;
          const float x = random[5 * place] * 600 + random[5 * i] * 9, y = random[5 * place + 1] * 600 + random[5 * i + 1] * 9,
                      w = 1 + random[5 * i + 2] * 60, h = i % 53 == 0 ? 0 : 1 + random[5 * i + 3] * 60;
          for (const float corner : {i % 3 == 0 ? x + w : x, y, i % 3 == 0 ? x : x + w, y + h})
            image.boxes.push_back(scale > 0 ? scale * corner : corner - scale);
          image.scores.push_back(random[5 * i + 4]);
          if (i % 97 == 13) image.boxes[4 * i] = i % 2 == 0 ? NAN : -kInf;
        }
        const fovea_nms_params p = params(threshold, FOVEA_OVERLAP_UNION, 0, static_cast<int32_t>(n % 2));
        Keep expected;
        on_every_isa([&] {
          const Keep kept = nms(p, image);
          if (expected.empty()) expected = kept;
          EXPECT_EQ(kept, expected) << n << " boxes, scale " << scale << ", threshold " << threshold;
        });
      }
}

TEST(Nms, OrderOfTheInputDoesNotMatterWhenScoresDiffer) {
  constexpr int32_t n = 499;
  Array<float> random({n, 4});
  random.fill(21, 0, 60);
  Image image{random.values(), {}, {}}, shuffled;
  for (int32_t i = 0; i < n; ++i) image.scores.push_back(static_cast<float>(i * 37 % n));
  for (int32_t i = 0; i < n; ++i) {
    const int32_t from = i * 101 % n;  // n is prime: a permutation
    shuffled.boxes.insert(shuffled.boxes.end(), &image.boxes[4 * from], &image.boxes[4 * from] + 4);
    shuffled.scores.push_back(image.scores[from]);
  }
  on_every_isa([&] {
    Keep kept = nms(params(.3f), shuffled);
    for (int32_t& k : kept) k = k * 101 % n;
    EXPECT_EQ(kept, nms(params(.3f), image));
  });
}

TEST(Nms, BatchesAreImagesOfTheirOwn) {
  constexpr int64_t images = 5, n = 67, capacity = 20;
  Array<float> boxes({images, n, 4}, 9), scores({images, n}, 70);
  Array<int32_t> classes({images, n}, 68), valid({images}), keep({images, capacity}, 23), count({images});
  boxes.fill(1, 0, 30);
  scores.fill(2, 0, 1);
  for (int64_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int32_t>(i % 4);
  valid.assign({67, 0, -3, 1000, 31});
  fovea_nms_params p = params(.4f);
  p.score_threshold = .25f;
  p.max_per_class = 7;
  std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
  const auto call = [&](fovea_stream* s) {
    const fovea_tensor bt = boxes.view(), st = scores.view(), lt = classes.view(), vt = valid.view(), kt = keep.view(),
                       ct = count.view();
    int64_t bytes = 0;
    EXPECT_EQ(fovea_nms_workspace(&p, &bt, &bytes), FOVEA_OK);
    workspaces.push_back(std::make_unique<Workspace>(bytes));
    return fovea_nms(&p, &bt, &st, &lt, &vt, &kt, &ct, workspaces.back()->get(), s);
  };
  check_kernel<int32_t>(keep, {0, 0}, call);
  check_kernel<int32_t>(count, {0, 0}, call);
  for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
  for (int64_t b = 0; b < images; ++b) {
    const int64_t live = std::clamp<int64_t>(valid[b], 0, n);
    Image image;
    image.capacity = capacity;
    for (int64_t i = 0; i < live; ++i) {
      for (int c = 0; c < 4; ++c) image.boxes.push_back(boxes[(b * n + i) * 4 + c]);
      image.scores.push_back(scores[b * n + i]);
      image.classes.push_back(classes[b * n + i]);
    }
    Keep expected = live == 0 ? Keep{} : nms(p, image);
    EXPECT_EQ(count[b], static_cast<int32_t>(expected.size()));
    for (size_t k = 0; k < expected.size(); ++k) EXPECT_EQ(keep[b * capacity + static_cast<int64_t>(k)], expected[k]);
  }
}

TEST(Nms, ColumnsOfATableWithLiveRows) {
  // Rows of 9: boxes, score, deltas. Only the live rows take part, and of those the valid ones.
  Array<float> table({6, 9});
  table.fill(3, 0, 1);
  for (int64_t r = 0; r < 6; ++r) {
    const float x = static_cast<float>(20 * r);
    for (int c = 0; c < 4; ++c) table[r * 9 + c] = c % 2 == 0 ? x + 5 * static_cast<float>(c) : 5 * static_cast<float>(c);
    table[r * 9 + 4] = static_cast<float>(r);
  }
  const Live live(4);
  Array<int32_t> valid({1}), keep({6}), count({1});
  const fovea_nms_params p = params(.5f);
  std::vector<std::unique_ptr<Workspace>> workspaces;
  const auto call = [&](fovea_stream* s) {
    fovea_tensor boxes = table.view(), scores = table.view();
    boxes.shape[1] = 4;
    scores.shape[1] = 1;
    scores.data = table.data() + 4;
    boxes.live = live.get();
    const fovea_tensor vt = valid.view(), kt = keep.view(), ct = count.view();
    int64_t bytes = 0;
    EXPECT_EQ(fovea_nms_workspace(&p, &boxes, &bytes), FOVEA_OK);
    workspaces.push_back(std::make_unique<Workspace>(bytes));
    return fovea_nms(&p, &boxes, &scores, nullptr, &vt, &kt, &ct, workspaces.back()->get(), s);
  };
  valid[0] = 5;
  check_kernel<int32_t>(keep, {0, 0}, call);
  EXPECT_EQ(keep.values(), (Keep{3, 2, 1, 0, -1, -1}));
  valid[0] = 2;
  check_kernel<int32_t>(keep, {0, 0}, call);
  EXPECT_EQ(keep.values(), (Keep{1, 0, -1, -1, -1, -1}));
}

// What a device keeps is what the CPU keeps, bit for bit: shapes that wrap a group of 64, the mask, the sort in one block and
// the sort in several; all overlaps, with and without classes and limits.
TEST(Nms, DevicesEqualTheCpu) {
  if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN";
  for (const int64_t n : {1, 63, 64, 65, 129, 700, 4097, 8300})
    for (int32_t overlap = FOVEA_OVERLAP_UNION; overlap <= FOVEA_OVERLAP_GIOU; ++overlap) {
      if (n > 1000 && overlap != n % 2) continue;
      Image image;
      Array<float> random({n, 5});
      random.fill(static_cast<uint32_t>(n + overlap), 0, 1);
      const bool classes = overlap % 2 == 1;
      for (int64_t i = 0; i < n; ++i) {
        const float x = random[5 * i] * 90, y = random[5 * i + 1] * 90, w = 10 + random[5 * i + 2] * 60,
                    h = 10 + random[5 * i + 3] * 60;
        image.boxes.insert(image.boxes.end(), {x, y, x + w, y + h});
        image.scores.push_back(std::floor(random[5 * i + 4] * 500));
        if (i % 97 == 5) image.boxes[4 * i] = NAN;
        if (classes) image.classes.push_back(static_cast<int32_t>(i % 3));
      }
      fovea_nms_params p = params(overlap >= FOVEA_OVERLAP_DIOU ? -.1f : .45f, overlap, overlap == FOVEA_OVERLAP_MIN);
      if (n == 129) p.max_per_class = 5;
      const Keep expected = nms(p, image);
      EXPECT_FALSE(expected.empty());
      const OnDevice scope(test_device());
      EXPECT_EQ(nms(p, image), expected) << n << " boxes, overlap " << overlap;
    }
}

TEST(Nms, OverlapsForLossesAreRefused) {
  Array<float> boxes({4, 4}), scores({4});
  Array<int32_t> keep({4}), count({1});
  on_every_isa([&] {
    const fovea_tensor b = boxes.view(), s = scores.view(), k = keep.view(), c = count.view();
    const StreamPtr stream = make_stream();
    for (const int32_t overlap : {FOVEA_OVERLAP_CIOU, FOVEA_OVERLAP_EIOU, FOVEA_OVERLAP_SIOU}) {
      fovea_nms_params p = params(.5f);
      p.overlap = overlap;
      EXPECT_EQ(fovea_nms(&p, &b, &s, nullptr, nullptr, &k, &c, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
      EXPECT_EQ(fovea_last_error(),
                "nms: overlap " + std::to_string(overlap) + " does not suppress, only UNION, MIN, DIOU and GIOU do");
    }
  });
}

TEST(Nms, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), three({4, 3}), scores({4}), five({5}), batch({2, 4, 4}), none({0, 4}), no_scores({0});
  Array<int32_t> keep({4}), keep2({3, 4}), count({1}), classes({5}), valid({2});
  const fovea_tensor bt = boxes.view(), tt = three.view(), st = scores.view(), ft = five.view(), bb = batch.view(),
                     nt = none.view(), ns = no_scores.view(), kt = keep.view(), k2 = keep2.view(), ct = count.view(),
                     lt = classes.view(), vt = valid.view();
  const fovea_nms_params good = params(.5f);
  const Workspace workspace(8192), small(8);
  const StreamPtr stream = make_stream();
  const auto call = [&](const fovea_nms_params& p, const fovea_tensor* b, const fovea_tensor* s, const fovea_tensor* l,
                        const fovea_tensor* v, const fovea_tensor* k, const fovea_tensor* c,
                        const Workspace& w) { return fovea_nms(&p, b, s, l, v, k, c, w.get(), stream.get()); };
  EXPECT_EQ(call(good, &bt, &st, nullptr, nullptr, &kt, &ct, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(good, &tt, &st, nullptr, nullptr, &kt, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &ft, nullptr, nullptr, &kt, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "nms: scores is [5] f32, expected 4 entries for 1 images");
  EXPECT_EQ(call(good, &bt, &st, &lt, nullptr, &kt, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, nullptr, &vt, &kt, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, nullptr, nullptr, &k2, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bb, &st, nullptr, nullptr, &k2, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, nullptr, nullptr, &kt, &ct, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &bt, &st, nullptr, nullptr, &ct, &ct, workspace), FOVEA_INVALID_ARGUMENT) << "keep and count overlap";
  for (const auto& change : std::vector<std::function<void(fovea_nms_params&)>>{
           [](auto& p) { p.iou_threshold = NAN; }, [](auto& p) { p.score_threshold = NAN; }, [](auto& p) { p.overlap = 4; },
           [](auto& p) { p.max_per_class = -1; }}) {
    fovea_nms_params p = good;
    change(p);
    EXPECT_EQ(call(p, &bt, &st, nullptr, nullptr, &kt, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  }
  fovea_tensor huge = bt;
  huge.shape[0] = int64_t{1} << 33;
  int64_t bytes = 0;
  EXPECT_EQ(fovea_nms_workspace(&good, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  // No boxes: no workspace, an empty list.
  ASSERT_EQ(fovea_nms_workspace(&good, &nt, &bytes), FOVEA_OK);
  EXPECT_EQ(bytes, 0);
  EXPECT_EQ(fovea_nms(&good, &nt, &ns, nullptr, nullptr, &kt, &ct, nullptr, stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(keep.values(), (Keep{-1, -1, -1, -1}));
  EXPECT_EQ(count[0], 0);
}

}  // namespace
