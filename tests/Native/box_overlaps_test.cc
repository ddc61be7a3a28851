#include "every_isa.h"

#include <algorithm>
#include <limits>

using namespace fovea_test;

namespace {

// Coordinates are exact, so a side or an intersection is off by a few roundings of 2^-24 relative to itself, and a ratio of
// such numbers, all at most 1, by less than ten of them. CIoU adds v^2 / (1 - IoU + v) with a slope of at most 1 in v, and v is
// off by 1.3 times the 7e-7 of two angles; each exp of SIoU is good to 1.5e-7, and 1 - exp to the fourth power has a slope of
// at most 1.02.
Tolerance tolerance(int32_t kind) { return {0, kind >= FOVEA_OVERLAP_CIOU ? 2e-6 : 1e-6}; }

std::vector<float> overlaps(int32_t kind, int32_t plus_one, const std::vector<float>& a, const std::vector<float>& b) {
  const auto n = static_cast<int64_t>(a.size() / 4), m = static_cast<int64_t>(b.size() / 4);
  Array<float> at({n, 4}, 7), bt({m, 4}, 5), y({n, m}, m + 3);
  at.assign(a);
  bt.assign(b);
  check_kernel<float>(y, tolerance(kind), [&](fovea_stream* s) {
    const fovea_tensor av = at.view(), bv = bt.view(), yv = y.view();
    return fovea_box_overlaps(kind, plus_one, &av, &bv, &yv, s);
  });
  return y.values();
}

TEST(BoxOverlaps, PublishedVectors) {
  struct Pair {
    std::vector<float> a, b;
    float iou, giou, diou, ciou, eiou, siou;
  };
  const Pair pairs[] = {{{0, 0, 2, 2}, {1, 1, 3, 3}, .142857f, -.079365f, .031746f, .031746f, .031746f, .037696f},
                        {{0, 0, 2, 2}, {3, 3, 5, 5}, 0, -.68f, -.36f, -.36f, -.36f, -.302324f},
                        {{0, 0, 4, 2}, {1, 0, 3, 4}, .333333f, .083333f, .302083f, .268332f, -.197917f, .250613f},
                        {{0, 0, 10, 10}, {2, 2, 8, 8}, .36f, .36f, .36f, .36f, .04f, .348187f},
                        {{0, 0, 4, 2}, {6, 1, 8, 5}, 0, -.6f, -.325843f, -.349961f, -.548343f, -.318845f},
                        {{0, 0, 10, 10}, {1, 1, 11, 11}, .680672f, NAN, .672408f, NAN, NAN, NAN},
                        {{20, 20, 30, 30}, {21, 20, 31, 30}, .818182f, NAN, .813657f, NAN, NAN, NAN}};
  for (const Pair& p : pairs) {
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_UNION, 0, p.a, p.b)[0], p.iou, 6e-7);
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_DIOU, 0, p.a, p.b)[0], p.diou, 6e-7);
    if (std::isnan(p.giou)) continue;
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_GIOU, 0, p.a, p.b)[0], p.giou, 6e-7);
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_CIOU, 0, p.a, p.b)[0], p.ciou, 1e-6);
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_EIOU, 0, p.a, p.b)[0], p.eiou, 1e-6);
    EXPECT_NEAR(overlaps(FOVEA_OVERLAP_SIOU, 0, p.a, p.b)[0], p.siou, 1e-6);
  }
  EXPECT_EQ(overlaps(FOVEA_OVERLAP_MIN, 0, {0, 0, 10, 10}, {2, 2, 8, 8})[0], 1);
  EXPECT_NEAR(overlaps(FOVEA_OVERLAP_UNION, 1, {0, 0, 10, 10}, {1, 1, 11, 11})[0], 100.0 / 142, 1e-6);
}

TEST(BoxOverlaps, RandomBoxesOfEveryShape) {
  uint32_t seed = 1;
  for (const auto& [n, m] : std::vector<std::pair<int64_t, int64_t>>{{0, 5}, {5, 0}, {1, 1}, {3, 17}, {67, 31}, {131, 193}})
    for (int32_t kind = FOVEA_OVERLAP_UNION; kind <= FOVEA_OVERLAP_SIOU; ++kind)
      for (const int32_t plus_one : {0, 1}) {
        Array<float> a({n, 4}), b({m, 4});
        a.fill(++seed, -30, 30);  // corners in any order
        b.fill(++seed, -30, 30);
        const std::vector<float> y = overlaps(kind, plus_one, a.values(), b.values());
        const float least = kind <= FOVEA_OVERLAP_GIOU ? -1.000001f : kind == FOVEA_OVERLAP_CIOU ? -1.5f : -3.000001f;
        for (const float v : y) EXPECT_TRUE(v <= 1.000001f && v >= least) << v;
      }
}

TEST(BoxOverlaps, OrderOfTheMeasures) {
  Array<float> a({40, 4}), b({50, 4});
  a.fill(5, 0, 20);
  b.fill(6, 0, 20);
  const auto of = [&](int32_t kind) { return overlaps(kind, 0, a.values(), b.values()); };
  const std::vector<float> iou = of(FOVEA_OVERLAP_UNION), diou = of(FOVEA_OVERLAP_DIOU), giou = of(FOVEA_OVERLAP_GIOU),
                           ciou = of(FOVEA_OVERLAP_CIOU), eiou = of(FOVEA_OVERLAP_EIOU), min = of(FOVEA_OVERLAP_MIN);
  for (size_t i = 0; i < iou.size(); ++i) {
    EXPECT_LE(diou[i], iou[i]);
    EXPECT_LE(ciou[i], diou[i] + 1e-6f);
    EXPECT_LE(eiou[i], diou[i] + 1e-6f);
    EXPECT_LE(giou[i], iou[i]);
    EXPECT_LE(iou[i], min[i] + 1e-6f);
  }
  // Far from the origin coordinates are whole numbers, so nothing may change.
  std::vector<float> near{0, 0, 8, 4, 3, 1, 9, 7, 40, 40, 44, 48}, far = near;
  for (float& v : far) v += 1048576;
  for (int32_t kind = FOVEA_OVERLAP_UNION; kind <= FOVEA_OVERLAP_SIOU; ++kind)
    EXPECT_EQ(overlaps(kind, 0, near, near), overlaps(kind, 0, far, far));
}

// Every measure is symmetric, does not change with the scale, and is 1 of a box with itself.
TEST(BoxOverlaps, SymmetryScaleAndIdentity) {
  constexpr int64_t n = 19;
  Array<float> a({n, 4});
  a.fill(8, -20, 20);
  std::vector<float> large = a.values();
  for (float& v : large) v *= 1024;
  for (int32_t kind = FOVEA_OVERLAP_UNION; kind <= FOVEA_OVERLAP_SIOU; ++kind) {
    const std::vector<float> y = overlaps(kind, 0, a.values(), a.values());
    const std::vector<float> scaled = overlaps(kind, 0, large, large);
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(y[i * n + i], 1);
      for (int64_t k = 0; k < n; ++k) EXPECT_NEAR(y[i * n + k], y[k * n + i], 1e-6) << kind;
    }
    EXPECT_EQ(y, scaled) << kind;
  }
}

// Widths with +1 see other shapes.
TEST(BoxOverlaps, PlusOneChangesEveryKind) {
  for (int32_t kind = FOVEA_OVERLAP_UNION; kind <= FOVEA_OVERLAP_SIOU; ++kind)
    EXPECT_GT(std::fabs(overlaps(kind, 0, {0, 0, 4, 2}, {1, 0, 3, 4})[0] - overlaps(kind, 1, {0, 0, 4, 2}, {1, 0, 3, 4})[0]),
              0.01f)
        << kind;
}

TEST(BoxOverlaps, NoValueIsZero) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> odd{5, 5, 5, 5, NAN, 0, 1, 1, -inf, -inf, inf, inf, 0, 0, 1, 1};
  for (int32_t kind = FOVEA_OVERLAP_UNION; kind <= FOVEA_OVERLAP_SIOU; ++kind) {
    const std::vector<float> y = overlaps(kind, 0, odd, odd);
    for (const float v : y) EXPECT_FALSE(std::isnan(v));
    EXPECT_EQ(y[0], 0) << "two points";
    EXPECT_EQ(y[5], 0) << "NaN";
    EXPECT_EQ(y[15], 1);
  }
}

TEST(BoxOverlaps, LiveRowsAndArguments) {
  Array<float> a({4, 4}), b({3, 4}), y({4, 3}), three({4, 3});
  a.fill(1, 0, 9);
  b.fill(2, 0, 9);
  y.fill(3, 7, 8);
  const Live live(2);
  const float before = y[6];
  on_every_isa([&] {
    fovea_tensor av = a.view();
    const fovea_tensor bv = b.view(), yv = y.view();
    av.live = live.get();
    const StreamPtr stream = make_stream();
    EXPECT_EQ(finish(stream, fovea_box_overlaps(0, 0, &av, &bv, &yv, stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_LE(y[5], 1);
    EXPECT_EQ(y[6], before);
  });
  const fovea_tensor av = a.view(), bv = b.view(), yv = y.view(), tv = three.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_box_overlaps(7, 0, &av, &bv, &yv, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_overlaps: unknown overlap 7");
  EXPECT_EQ(fovea_box_overlaps(0, 0, &tv, &bv, &yv, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_overlaps(0, 0, &bv, &av, &yv, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_overlaps(0, 0, &av, &bv, &av, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_overlaps(0, 0, nullptr, &bv, &yv, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_overlaps(0, 0, &av, &bv, &yv, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
