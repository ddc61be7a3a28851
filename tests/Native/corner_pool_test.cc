#include <array>
#include <limits>

#include "support.h"

using namespace fovea_test;

namespace {

constexpr std::array<int32_t, 4> kCorners{FOVEA_CORNER_TOP, FOVEA_CORNER_LEFT, FOVEA_CORNER_BOTTOM, FOVEA_CORNER_RIGHT};

// A line shorter and longer than the pixels that a GPU's thread loads ahead; channels below, at and above the groups of
// vectors and the tile.
const std::vector<std::vector<int64_t>> kShapes{{2, 3, 5, 1},  {1, 9, 4, 19}, {1, 2, 3, 64}, {1, 5, 2, 131}, {2, 1, 7, 8},
                                                {1, 7, 1, 33}, {0, 4, 4, 3},  {1, 0, 4, 3},  {1, 4, 0, 3},   {1, 4, 4, 0}};

// Few different values, so that lines have ties.
template <class T>
void fill_steps(Array<T>& a, uint32_t seed) {
  a.fill(seed, -4, 4);
  for (int64_t i = 0; i < a.size(); ++i) a[i] = static_cast<T>(std::floor(static_cast<double>(a[i])) / 2);
}

void pool(int32_t corner, Array<float>& x, Array<float>& y) {
  check_kernel<float>(y, {}, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), yt = y.view();
    return fovea_corner_pool(corner, &xt, &yt, s);
  });
}
void pool_backward(int32_t corner, Array<float>& x, Array<float>& dy, Array<float>& dx, Tolerance tolerance = {}) {
  check_kernel<float>(dx, tolerance, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), dyt = dy.view(), dxt = dx.view();
    return fovea_corner_pool_backward(corner, &xt, &dyt, &dxt, s);
  });
}

TEST(CornerPool, MatchesReference) {
  for (const int32_t corner : kCorners)
    for (const std::vector<int64_t>& shape : kShapes)
      for (const int64_t gap : {0, 5}) {
        SCOPED_TRACE(testing::Message() << "corner " << corner << ", channels " << shape[3] << ", gap " << gap);
        Array<float> x(shape, shape[3] + gap), y(shape, shape[3] + gap);
        fill_steps(x, 1);
        pool(corner, x, y);
      }
}

// The definition, in n^2 comparisons.
TEST(CornerPool, IsTheMaximumOfEverythingBehind) {
  constexpr int64_t height = 4, width = 5;
  Array<float> x({1, height, width, 1}), y({1, height, width, 1});
  x.fill(2);
  for (const int32_t corner : kCorners) {
    pool(corner, x, y);
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < width; ++j) {
        float most = x[i * width + j];
        for (int64_t r = 0; r < height; ++r)
          for (int64_t c = 0; c < width; ++c) {
            const bool behind = corner == FOVEA_CORNER_TOP      ? c == j && r > i
                                : corner == FOVEA_CORNER_LEFT   ? r == i && c > j
                                : corner == FOVEA_CORNER_BOTTOM ? c == j && r < i
                                                                : r == i && c < j;
            if (behind) most = std::max(most, x[r * width + c]);
          }
        EXPECT_EQ(y[i * width + j], most) << corner << ' ' << i << ' ' << j;
      }
  }
}

TEST(CornerPool, WorksInPlace) {
  for (const int32_t corner : kCorners) {
    Array<float> x({1, 6, 5, 9}), y({1, 6, 5, 9});
    fill_steps(x, 3);
    const std::vector<float> before = x.values();
    check_kernel<float>(y, {}, [&](fovea_stream* s) {
      std::copy(before.begin(), before.end(), y.data());
      const fovea_tensor yt = y.view();
      return fovea_corner_pool(corner, &yt, &yt, s);
    });
    Array<float> apart({1, 6, 5, 9});
    pool(corner, x, apart);
    EXPECT_EQ(y.values(), apart.values());
  }
}

TEST(CornerPool, KeepsNaNAndInfinity) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  Array<float> x({1, 1, 5, 1}), y({1, 1, 5, 1}), dy({1, 1, 5, 1}), dx({1, 1, 5, 1});
  x.assign({-inf, 2, nan, inf, nan});
  dy.assign({1, 2, 4, 8, 16});
  pool(FOVEA_CORNER_RIGHT, x, y);
  EXPECT_EQ(y[0], -inf);
  EXPECT_EQ(y[1], 2);
  for (const int64_t i : {2, 3, 4}) EXPECT_TRUE(std::isnan(y[i]));
  pool_backward(FOVEA_CORNER_RIGHT, x, dy, dx);
  EXPECT_EQ(dx.values(), (std::vector<float>{1, 2, 28, 0, 0}));
  x.assign({-inf, -inf, -inf, -inf, -inf});
  pool_backward(FOVEA_CORNER_LEFT, x, dy, dx);
  EXPECT_EQ(dx.values(), (std::vector<float>{0, 0, 0, 0, 31}));
}

TEST(CornerPool, LiveRowsLimitTheWork) {
  Array<float> x({3, 2, 3, 4}), y({3, 2, 3, 4}), dx({3, 2, 3, 4});
  x.fill(4);
  Array<int32_t> live({1});
  live[0] = 2;
  for (Array<float>* out : {&y, &dx}) {
    check_kernel<float>(*out, {}, [&](fovea_stream* s) {
      fovea_tensor xt = x.view();
      const fovea_tensor outt = out->view();
      xt.live = live.data();
      return out == &y ? fovea_corner_pool(FOVEA_CORNER_TOP, &xt, &outt, s)
                       : fovea_corner_pool_backward(FOVEA_CORNER_TOP, &xt, &xt, &outt, s);
    });
    EXPECT_FALSE(std::isnan((*out)[2 * 24 - 1]));
    EXPECT_TRUE(std::isnan((*out)[2 * 24]));
  }
}

// A record gathers up to 9 values below 1 in magnitude, one rounding of 2^-24 of the sum for each.
TEST(CornerPoolBackward, MatchesReference) {
  for (const int32_t corner : kCorners)
    for (const std::vector<int64_t>& shape : kShapes)
      for (const int64_t gap : {0, 5}) {
        SCOPED_TRACE(testing::Message() << "corner " << corner << ", channels " << shape[3] << ", gap " << gap);
        Array<float> x(shape, shape[3] + gap), dy(shape, shape[3] + gap), dx(shape, shape[3] + gap);
        fill_steps(x, 5);
        dy.fill(6);
        pool_backward(corner, x, dy, dx, {0, 9 * 9 * 0x1p-24});
      }
}

// Ties: the maximum met first, which is the one farthest from the corner's edge.
TEST(CornerPoolBackward, TiesGoToTheFirst) {
  Array<float> x({1, 1, 5, 1}), dy({1, 1, 5, 1}), dx({1, 1, 5, 1});
  x.assign({3, 1, 3, 4, 4});
  dy.assign({1, 2, 4, 8, 16});
  pool_backward(FOVEA_CORNER_LEFT, x, dy, dx);
  EXPECT_EQ(dx.values(), (std::vector<float>{0, 0, 0, 0, 31}));
  pool_backward(FOVEA_CORNER_RIGHT, x, dy, dx);
  EXPECT_EQ(dx.values(), (std::vector<float>{7, 0, 0, 24, 0}));
}

// The pool is linear while the order of the values stays: values here differ by at least 2^-8, the step is a quarter of that.
TEST(CornerPoolBackward, IsTheSlope) {
  constexpr float step = 0x1p-10f;
  Array<float> x({1, 3, 4, 2}), y({1, 3, 4, 2}), dy({1, 3, 4, 2}), dx({1, 3, 4, 2});
  dy.fill(8);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % x.size()) * 0x1p-8f;
  for (const int32_t corner : kCorners) {
    pool_backward(corner, x, dy, dx, {0, 1e-6});
    const ForcedIsa reference(FOVEA_ISA_REFERENCE);
    const auto loss = [&](float moved, int64_t i) {
      const float before = std::exchange(x[i], moved);
      const fovea_tensor xt = x.view(), yt = y.view();
      EXPECT_EQ(fovea_corner_pool(corner, &xt, &yt, make_stream().get()), FOVEA_OK);
      x[i] = before;
      double sum = 0;
      for (int64_t k = 0; k < y.size(); ++k) sum += static_cast<double>(y[k]) * static_cast<double>(dy[k]);
      return sum;
    };
    for (int64_t i = 0; i < x.size(); ++i) {
      const double slope = (loss(x[i] + step, i) - loss(x[i] - step, i)) / (2 * static_cast<double>(step));
      EXPECT_TRUE(near(static_cast<double>(dx[i]), slope, 0, 1e-6)) << "corner " << corner << ", element " << i;
    }
  }
}

// Maxima are exact in every type; sums are f32 and rounded once, as the reference's are: twice half a unit in the last place.
template <class T>
void check_narrow(double relative) {
  for (const int32_t corner : kCorners)
    for (const int64_t channels : {3, 16}) {
      const std::vector<int64_t> shape{2, 5, 6, channels};
      Array<float> x(shape), dy(shape), y(shape);
      Array<T> narrow_x(shape, channels + 8), narrow_dy(shape, channels + 8), out(shape, channels + 8);
      fill_steps(narrow_x, 9);
      narrow_dy.fill(10);
      for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(narrow_x[i]), dy[i] = static_cast<float>(narrow_dy[i]);
      const fovea_tensor xt = x.view(), dyt = dy.view(), yt = y.view();
      check_narrow_kernel<T>(
          out, y, {}, [&](fovea_stream* s) { return fovea_corner_pool(corner, &xt, &yt, s); },
          [&](fovea_stream* s) {
            const fovea_tensor nx = narrow_x.view(), no = out.view();
            return fovea_corner_pool(corner, &nx, &no, s);
          });
      check_narrow_kernel<T>(
          out, y, {relative, 1e-6}, [&](fovea_stream* s) { return fovea_corner_pool_backward(corner, &xt, &dyt, &yt, s); },
          [&](fovea_stream* s) {
            const fovea_tensor nx = narrow_x.view(), ndy = narrow_dy.view(), no = out.view();
            return fovea_corner_pool_backward(corner, &nx, &ndy, &no, s);
          });
    }
}
TEST(CornerPool, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(CornerPool, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(CornerPoolArguments, AreChecked) {
  Array<float> x({1, 4, 4, 3}), y({1, 4, 4, 3}), small({1, 4, 3, 3});
  const fovea_tensor xt = x.view(), yt = y.view(), st = small.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_corner_pool(4, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "corner_pool: unknown corner 4");
  EXPECT_EQ(fovea_corner_pool(-1, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool(0, &xt, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool(0, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool(0, &xt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool(0, &xt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor shifted = xt;
  shifted.data = x.data() + 3;
  EXPECT_EQ(fovea_corner_pool(0, &shifted, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool_backward(4, &xt, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool_backward(0, &xt, &st, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool_backward(0, &xt, &yt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool_backward(0, &yt, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_corner_pool_backward(0, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
