#include "every_isa.h"

#include <algorithm>

using namespace fovea_test;

namespace {

std::vector<float> overlaps(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  const auto n = static_cast<int64_t>(a.size() / 5), m = static_cast<int64_t>(b.size() / 5);
  Array<float> at({n, 5}, 7), bt({m, 5}, 6), y({n, m}, m + 3);
  at.assign(a);
  bt.assign(b);
  check_kernel<float>(y, {0, tolerance}, [&](fovea_stream* s) {
    const fovea_tensor av = at.view(), bv = bt.view(), yv = y.view();
    return fovea_rotated_overlaps(&av, &bv, &yv, s);
  });
  return y.values();
}

struct P {
  double x, y;
};

// Sutherland and Hodgman: the corners of box a, clipped by one side of b after the other; in double.
double clipped_iou(const float* a, const float* b) {
  const auto corners = [](const float* f) {
    const auto x = static_cast<double>(f[0]), y = static_cast<double>(f[1]), w = static_cast<double>(f[2]) / 2,
               h = static_cast<double>(f[3]) / 2, c = std::cos(static_cast<double>(f[4])),
               s = std::sin(static_cast<double>(f[4]));
    std::vector<P> p;
    for (const auto& [u, v] : {std::pair{-w, -h}, {w, -h}, {w, h}, {-w, h}})
      p.push_back({x + u * c - v * s, y + u * s + v * c});
    return p;
  };
  const auto area = [](const std::vector<P>& p) {
    double sum = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      const P &q = p[i], &r = p[(i + 1) % p.size()];
      sum += q.x * r.y - q.y * r.x;
    }
    return sum / 2;
  };
  std::vector<P> rest = corners(a);
  const std::vector<P> all = rest, clip = corners(b);
  for (size_t i = 0; i < 4; ++i) {
    const P &from = clip[i], &to = clip[(i + 1) % 4];
    const auto side = [&](const P& p) { return (to.x - from.x) * (p.y - from.y) - (to.y - from.y) * (p.x - from.x); };
    std::vector<P> next;
    for (size_t k = 0; k < rest.size(); ++k) {
      const P &p = rest[k], &q = rest[(k + 1) % rest.size()];
      const double d = side(p), e = side(q);
      if (d >= 0) next.push_back(p);
      if ((d >= 0) != (e >= 0)) next.push_back({p.x + (q.x - p.x) * d / (d - e), p.y + (q.y - p.y) * d / (d - e)});
    }
    rest = next;
  }
  const double shared = rest.empty() ? 0 : area(rest);
  return shared / (area(all) + area(clip) - shared);
}

std::vector<float> random_boxes(uint32_t seed, int64_t n) {
  Array<float> boxes({n, 5});
  boxes.fill(seed, 0, 20);
  for (int64_t i = 0; i < n; ++i) {
    boxes[5 * i + 2] = 1 + boxes[5 * i + 2] / 2;
    boxes[5 * i + 3] = 1 + boxes[5 * i + 3] / 2;
    boxes[5 * i + 4] -= 10;  // more than a turn either way
  }
  return boxes.values();
}

// A corner in the frame of the other box is off by a rounding of 2^-24 of its distance, up to 20: 1.2e-6. That moves an area by
// its outline times as much, which for sides of at least 1 is at most 4 times the area; the union is no smaller.
constexpr double kTolerance = 5e-6;

TEST(RotatedOverlaps, EqualsClippedPolygons) {
  int meet = 0;
  for (const auto& [n, m] : std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 0}, {1, 1}, {5, 17}, {33, 67}, {19, 260}}) {
    const std::vector<float> a = random_boxes(1 + static_cast<uint32_t>(n), n), b = random_boxes(50, m);
    const std::vector<float> y = overlaps(a, b, kTolerance);
    for (int64_t i = 0; i < n * m; ++i) {
      const double expected = clipped_iou(&a[5 * (i / m)], &b[5 * (i % m)]);
      EXPECT_NEAR(y[i], expected, kTolerance) << i / m << ", " << i % m;
      EXPECT_LE(y[i], 1);
      EXPECT_GE(y[i], 0);
      meet += expected > 0;
    }
  }
  EXPECT_GT(meet, 1000);
}

TEST(RotatedOverlaps, KnownPairs) {
  constexpr auto kQuarter = static_cast<float>(M_PI / 2), kEighth = static_cast<float>(M_PI / 4);
  const double octagon = 8 * (std::sqrt(2.0) - 1);  // two squares of side 2, one turned by 45 degrees
  struct Pair {
    std::vector<float> a, b;
    double iou;
  };
  const Pair pairs[] = {{{0, 0, 2, 2, 0}, {0, 0, 2, 2, kEighth}, octagon / (8 - octagon)},
                        {{0, 0, 4, 2, 0}, {0, 0, 4, 2, kQuarter}, 4.0 / 12},
                        {{0, 0, 4, 2, 0}, {0, 0, 2, 4, kQuarter}, 1},
                        {{0, 0, 10, 10, 0.3f}, {0, 0, 5, 5, 0.3f}, 0.25},  // nested
                        {{0, 0, 2, 2, 0}, {2, 0, 2, 2, 0}, 0},             // touching sides
                        {{0, 0, 2, 2, 0}, {2, 2, 2, 2, 0}, 0},             // touching corners
                        {{1, 1, 2, 2, 0}, {2, 2, 2, 2, 0}, 1.0 / 7},       // as the unturned overlap
                        {{565, 565, 10, 10, 0}, {565, 565, 10, 8.3f, 0}, 0.83},
                        {{1e5f, 1e5f, 4, 2, 1}, {1e5f, 1e5f, 4, 2, 1}, 1},         // equal, far away
                        {{0, 0, 100, 1e-3f, 0.7f}, {0, 0, 100, 1e-3f, 0.7f}, 1}};  // a needle
  for (const Pair& p : pairs) EXPECT_NEAR(overlaps(p.a, p.b, 1e-6)[0], p.iou, 2e-6) << p.b[0] << ", " << p.b[4];
}

// Boxes that do not meet have the overlap 0, not a rounding of it, in whichever frame they are apart.
TEST(RotatedOverlaps, ApartIsZero) {
  for (int turn = 0; turn < 16; ++turn) {
    const float angle = 0.4f * static_cast<float>(turn), x = 9 * std::cos(angle), y = 9 * std::sin(angle);
    const std::vector<float> a{0, 0, 8, 4, 0.3f}, b{x, y, 3, 2, 2 * angle};
    if (clipped_iou(a.data(), b.data()) != 0) continue;
    EXPECT_EQ(overlaps(a, b, 0)[0], 0) << turn;
    EXPECT_EQ(overlaps(b, a, 0)[0], 0) << turn;
  }
}

TEST(RotatedOverlaps, NoValueIsZero) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<std::vector<float>> odd = {{5, 5, 0, 0, 1},   {5, 5, 0, 3, 1},   {5, 5, -2, 3, 1},  {NAN, 5, 2, 3, 1},
                                               {5, 5, NAN, 3, 1}, {5, 5, 2, 3, NAN}, {5, 5, 2, 3, inf}, {5, inf, 2, 3, 0}};
  for (const std::vector<float>& box : odd) {
    EXPECT_EQ(overlaps(box, {5, 5, 4, 4, 0}, 0)[0], 0);
    EXPECT_EQ(overlaps({5, 5, 4, 4, 0}, box, 0)[0], 0);
    EXPECT_EQ(overlaps(box, box, 0)[0], 0);
  }
}

TEST(RotatedOverlaps, LiveRowsAndArguments) {
  Array<float> a({4, 5}), b({3, 5}), y({4, 3}), four({4, 4});
  a.assign(random_boxes(1, 4));
  b.assign(random_boxes(2, 3));
  y.fill(3, 7, 8);
  const Live live(2);
  const float before = y[6];
  on_every_isa([&] {
    fovea_tensor av = a.view();
    const fovea_tensor bv = b.view(), yv = y.view();
    av.live = live.get();
    const StreamPtr stream = make_stream();
    EXPECT_EQ(finish(stream, fovea_rotated_overlaps(&av, &bv, &yv, stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_LE(y[5], 1);
    EXPECT_EQ(y[6], before);
  });
  const fovea_tensor av = a.view(), bv = b.view(), yv = y.view(), fv = four.view();
  const StreamPtr stream = make_stream();
  const auto refused = [&](const fovea_tensor* first, const fovea_tensor* second, const fovea_tensor* to, const char* message) {
    EXPECT_EQ(fovea_rotated_overlaps(first, second, to, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(&fv, &bv, &yv, "rotated_overlaps: boxes must be [N][5], a is [4, 4] f32, b is [3, 5] f32");
  refused(&bv, &av, &yv, "rotated_overlaps: y is [4, 3] f32, a is [3, 5] f32, b is [4, 5] f32");
  refused(nullptr, &bv, &yv, "rotated_overlaps: a is NULL");
  EXPECT_EQ(fovea_rotated_overlaps(&av, &bv, &yv, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
