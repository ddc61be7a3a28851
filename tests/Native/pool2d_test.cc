#include <array>
#include <limits>

#include "support.h"

using namespace fovea_test;

namespace {

fovea_pool2d_params pool(int32_t mode, int32_t kernel, int32_t stride, int32_t pad = 0, int32_t ceil_mode = 0,
                         int32_t include = 0, int32_t dilation = 1) {
  return {mode, kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation, ceil_mode, include, 0};
}

// PyTorch's output size, written independently of the kernel's.
int64_t pooled(int64_t in, const fovea_pool2d_params& p) {
  int64_t out = 0;
  for (int64_t start = -p.pad_top;; start += p.stride_h, ++out) {
    const int64_t stop = start + p.dilation_h * (p.kernel_h - 1) + 1;
    if (p.ceil_mode ? (start >= in || (out > 0 && start - p.stride_h + stop - start >= in + p.pad_bottom))
                    : stop > in + p.pad_bottom)
      return out;
  }
}

// Sums of up to 25 values below 1 in magnitude: 25 * 2^-24 in the worst order, plus the division. Maxima are exact.
constexpr Tolerance kAverageTolerance{0, 2e-6};

void check(const fovea_pool2d_params& p, std::vector<int64_t> shape, int64_t x_pitch = 0, int64_t y_pitch = 0) {
  SCOPED_TRACE(testing::Message() << shape[1] << "x" << shape[2] << "x" << shape[3] << " kernel " << p.kernel_h << " stride "
                                  << p.stride_h << " pad " << p.pad_top << " ceil " << p.ceil_mode << " mode " << p.mode);
  Array<float> x(shape, x_pitch), y({shape[0], pooled(shape[1], p), pooled(shape[2], p), shape[3]}, y_pitch);
  x.fill(7);
  check_kernel<float>(y, p.mode == FOVEA_POOL_AVERAGE ? kAverageTolerance : Tolerance{}, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), yt = y.view();
    return fovea_pool2d(&p, &xt, &yt, s);
  });
}

TEST(Pool2d, MatchesReference) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE})
    for (const int32_t ceil_mode : {0, 1})
      for (const int64_t channels : {1, 3, 7, 10, 16, 28, 33, 48, 64}) {
        check(pool(mode, 2, 2, 0, ceil_mode), {2, 13, 10, channels});
        check(pool(mode, 3, 2, 0, ceil_mode), {1, 22, 9, channels});
        check(pool(mode, 3, 2, 1, ceil_mode, 1), {1, 8, 11, channels});
        check(pool(mode, 5, 3, 2, ceil_mode), {1, 12, 7, channels});
      }
  check(pool(FOVEA_POOL_MAX, 3, 1, 2, 0, 0, 2), {1, 9, 8, 19});
  check(pool(FOVEA_POOL_MAX, 2, 1, 2, 0, 0, 5), {1, 4, 4, 3});  // some windows contain no cell of the image: -inf
  check(pool(FOVEA_POOL_MAX, 1, 2), {1, 7, 7, 5});
  check(pool(FOVEA_POOL_MAX, 2, 2), {1, 64, 91, 10});
}

TEST(Pool2d, TakesEmptyAndPitchedTensors) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
    check(pool(mode, 2, 2), {0, 4, 4, 3});
    check(pool(mode, 2, 2), {1, 4, 4, 0});
    check(pool(mode, 2, 2), {1, 1, 4, 3});
    check(pool(mode, 2, 2), {1, 0, 4, 3});
    check(pool(mode, 2, 2, 0, 1), {1, 1, 1, 3});
    check(pool(mode, 3, 2, 1), {2, 7, 5, 10}, 13, 24);
    check(pool(mode, 3, 2, 1), {1, 7, 5, 21}, 40, 22);
  }
}

TEST(Pool2d, CountsCellsAsPyTorchDoes) {
  // Row 1 2 3, kernel 2, stride 2, ceil: windows [1 2] and [3 .]; with padding 1 and count_include_pad: [. 1], [2 3].
  Array<float> x({1, 1, 3, 1}), y({1, 1, 2, 1});
  x.assign({1, 2, 3});
  const fovea_tensor xt = x.view(), yt = y.view();
  const StreamPtr stream = make_stream();
  fovea_pool2d_params p{FOVEA_POOL_AVERAGE, 1, 2, 1, 2, 0, 0, 0, 0, 1, 1, 1, 1, 0};
  ASSERT_EQ(fovea_pool2d(&p, &xt, &yt, stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(y.values(), (std::vector<float>{1.5f, 3.0f}));  // a ceil-mode overhang is not padding
  p.pad_left = 1;
  ASSERT_EQ(fovea_pool2d(&p, &xt, &yt, stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(y.values(), (std::vector<float>{0.5f, 2.5f}));
  p.count_include_pad = 0;
  ASSERT_EQ(fovea_pool2d(&p, &xt, &yt, stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(y.values(), (std::vector<float>{1.0f, 2.5f}));
}

TEST(Pool2d, HasMtcnnSizes) {
  // R-Net 22 -> 11 (ceil) -> conv -> 9 -> 4 (floor); O-Net 46 -> 23 (ceil), 21 -> 10 (floor), 8 -> 4.
  for (const auto& [in, out, kernel, ceil_mode] : std::vector<std::array<int, 4>>{
           {22, 11, 3, 1}, {9, 4, 3, 0}, {46, 23, 3, 1}, {21, 10, 3, 0}, {8, 4, 2, 0}, {5, 3, 2, 1}}) {
    Array<float> x({1, in, in, 4}), y({1, out, out, 4});
    x.fill(1);
    const fovea_tensor xt = x.view(), yt = y.view();
    const fovea_pool2d_params p = pool(FOVEA_POOL_MAX, kernel, 2, 0, ceil_mode);
    EXPECT_EQ(fovea_pool2d(&p, &xt, &yt, make_stream().get()), FOVEA_OK) << fovea_last_error();
  }
}

TEST(Pool2d, PropagatesNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const int64_t position : {0, 1, 2, 3}) {
    Array<float> x({1, 2, 2, 17}), y({1, 1, 1, 17});
    x.fill(3);
    for (int64_t c = 0; c < 17; ++c) x[position * 17 + c] = nan;
    for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
      const fovea_pool2d_params p = pool(mode, 2, 2);
      check_kernel<float>(y, {}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), yt = y.view();
        return fovea_pool2d(&p, &xt, &yt, s);
      });
      for (int64_t c = 0; c < 17; ++c) EXPECT_TRUE(std::isnan(y[c]));
    }
  }
}

TEST(Pool2d, LiveRowsLimitTheWork) {
  Array<float> x({3, 4, 4, 5}), y({3, 2, 2, 5});
  x.fill(9);
  Array<int32_t> live({1});
  live[0] = 2;
  const fovea_pool2d_params p = pool(FOVEA_POOL_MAX, 2, 2);
  check_kernel<float>(y, {}, [&](fovea_stream* s) {
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor yt = y.view();
    return fovea_pool2d(&p, &xt, &yt, s);
  });
  EXPECT_FALSE(std::isnan(y[2 * 20 - 1]));
  EXPECT_TRUE(std::isnan(y[2 * 20]));
}

TEST(AdaptivePool2d, MatchesReference) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE})
    for (const auto& [h, w, oh, ow, c] : std::vector<std::array<int64_t, 5>>{{7, 7, 1, 1, 300},
                                                                             {13, 17, 4, 4, 21},
                                                                             {5, 3, 7, 6, 9},
                                                                             {8, 8, 2, 2, 129},
                                                                             {37, 23, 1, 1, 3},
                                                                             {6, 6, 3, 3, 64},
                                                                             {4, 4, 0, 2, 3},
                                                                             {1, 1, 1, 1, 1}}) {
      Array<float> x({2, h, w, c}, c + 3), y({2, oh, ow, c}, c + 1);
      x.fill(5);
      check_kernel<float>(y, mode == FOVEA_POOL_AVERAGE ? kAverageTolerance : Tolerance{}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), yt = y.view();
        return fovea_adaptive_pool2d(mode, &xt, &yt, s);
      });
    }
}

// Backends with narrow types sum in f32 and round once; 8 channels move as one, 7 one by one.
template <class T>
void check_narrow(double relative) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE})
    for (const int64_t channels : {7, 16}) {
      const fovea_pool2d_params p = pool(mode, 3, 2, 1);
      Array<float> wide({2, 9, 8, channels}), expected({2, 5, 4, channels});
      Array<T> x({2, 9, 8, channels}, channels + 8), y({2, 5, 4, channels}, channels + 8);
      x.fill(3);
      for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
      check_narrow_kernel<T>(
          y, expected, mode == FOVEA_POOL_AVERAGE ? Tolerance{relative, 2e-6} : Tolerance{},
          [&](fovea_stream* s) {
            const fovea_tensor xt = wide.view(), yt = expected.view();
            return fovea_pool2d(&p, &xt, &yt, s);
          },
          [&](fovea_stream* s) {
            const fovea_tensor xt = x.view(), yt = y.view();
            return fovea_pool2d(&p, &xt, &yt, s);
          });
    }
}
// Twice half a unit in the last place: the reference is rounded to the type too.
TEST(Pool2d, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(Pool2d, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(Pool2dArguments, AreChecked) {
  Array<float> x({1, 4, 4, 3}), y({1, 2, 2, 3});
  const fovea_tensor xt = x.view(), yt = y.view();
  const StreamPtr stream = make_stream();
  const auto refuse = [&](fovea_pool2d_params p) {
    EXPECT_EQ(fovea_pool2d(&p, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  };
  refuse(pool(2, 2, 2));
  refuse(pool(FOVEA_POOL_MAX, 0, 2));
  refuse(pool(FOVEA_POOL_MAX, 2, 0));
  refuse(pool(FOVEA_POOL_MAX, 2, -1));
  refuse(pool(FOVEA_POOL_MAX, 2, 2, 2));
  refuse(pool(FOVEA_POOL_MAX, 2, 2, -1));
  refuse(pool(FOVEA_POOL_MAX, 2, 2, 0, 0, 0, 0));
  refuse(pool(FOVEA_POOL_AVERAGE, 2, 2, 0, 0, 0, 2));
  refuse(pool(FOVEA_POOL_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 1, 0, INT32_MAX));
  refuse(pool(FOVEA_POOL_MAX, 3, 2));
  EXPECT_STREQ(fovea_last_error(), "pool2d: x [1, 4, 4, 3] f32 pools to 1 x 1, y is [1, 2, 2, 3] f32");
  const fovea_pool2d_params good = pool(FOVEA_POOL_MAX, 2, 2);
  EXPECT_EQ(fovea_pool2d(nullptr, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_pool2d(&good, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_pool2d(&good, &xt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_adaptive_pool2d(2, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_adaptive_pool2d(0, &xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  fovea_tensor channels = yt;
  channels.shape[3] = 2;
  EXPECT_EQ(fovea_adaptive_pool2d(0, &xt, &channels, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
