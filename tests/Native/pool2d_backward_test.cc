#include <limits>

#include "every_backend.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

fovea_pool2d_params pool(int32_t mode, int32_t kernel, int32_t stride, int32_t pad = 0, int32_t ceil_mode = 0,
                         int32_t include = 0, int32_t dilation = 1) {
  return {mode, kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation, ceil_mode, include, 0};
}

// Size of y, by trying: the forward call accepts one size alone.
int64_t pooled(int64_t in, const fovea_pool2d_params& p) {
  const OnDevice on_cpu(nullptr);
  const StreamPtr stream = make_stream();
  for (int64_t out = 0;; ++out) {
    fovea_pool2d_params one = p;
    one.kernel_w = one.stride_w = one.dilation_w = 1, one.pad_left = one.pad_right = 0;
    Array<float> x({1, in, 1, 1}), y({1, out, 1, 1});
    x.fill(1);
    const fovea_tensor xt = x.view(), yt = y.view();
    if (fovea_pool2d(&one, &xt, &yt, stream.get()) == FOVEA_OK || out > in + 8) return out;
  }
}

// Sums of at most 25 values below 1: 25 * 2^-24 in the worst order, and as many quotients.
constexpr Tolerance kTolerance{0, 4e-6};

template <class T>
struct CallOf {
  fovea_pool2d_params params;  // of kernel 0: adaptive
  Array<T> x, dy, dx;

  CallOf(const fovea_pool2d_params& p, const std::vector<int64_t>& shape, int64_t height, int64_t width, int64_t extra = 0)
      : params(p),
        x(shape, shape[3] + extra),
        dy({shape[0], height, width, shape[3]}, shape[3] + 2 * extra),
        dx(shape, shape[3] + 3 * extra) {
    x.fill(1), dy.fill(2);
  }
  CallOf(const fovea_pool2d_params& p, const std::vector<int64_t>& shape, int64_t extra = 0)
      : CallOf(p, shape, pooled(shape[1], p), pooled(shape[2], p), extra) {}

  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view(), dyt = dy.view();
    const fovea_tensor dxt = dx.view();
    xt.live = dyt.live = live;
    const fovea_tensor* read = params.mode == FOVEA_POOL_AVERAGE ? nullptr : &xt;
    return params.kernel_h == 0 ? fovea_adaptive_pool2d_backward(params.mode, read, &dyt, &dxt, stream)
                                : fovea_pool2d_backward(&params, read, &dyt, &dxt, stream);
  }
};
using Call = CallOf<float>;

void check(Call c) {
  SCOPED_TRACE(testing::Message() << ::testing::PrintToString(c.x.shape()) << " kernel " << c.params.kernel_h << " stride "
                                  << c.params.stride_h << " pad " << c.params.pad_top << " mode " << c.params.mode);
  check_kernel<float>(c.dx, kTolerance, [&](fovea_stream* s) { return c.run(s); });
}

TEST(Pool2dBackward, MatchesTheReference) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE})
    for (const int32_t ceil_mode : {0, 1})
      for (const int64_t channels : {1, 10, 33}) {
        check({pool(mode, 2, 2, 0, ceil_mode), {2, 7, 10, channels}});
        check({pool(mode, 3, 2, 1, ceil_mode, 1), {1, 8, 5, channels}});
        check({pool(mode, 5, 3, 2, ceil_mode), {1, 9, 7, channels}, 3});
      }
  check({pool(FOVEA_POOL_MAX, 3, 1, 2, 0, 0, 2), {1, 9, 8, 5}});
  check({pool(FOVEA_POOL_MAX, 2, 1, 2, 0, 0, 5), {1, 4, 4, 3}});  // some windows contain no cell of the image
  check({pool(FOVEA_POOL_MAX, 1, 2), {1, 7, 7, 5}});              // cells that no window covers
}

TEST(Pool2dBackward, AdaptiveMatchesTheReference) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
    const fovea_pool2d_params adaptive{mode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (const int64_t size : {1, 2, 3, 7}) check({adaptive, {2, 7, 5, 9}, size, 2});
    check({adaptive, {1, 3, 2, 5}, 7, 5, 2});  // more bins than cells: they overlap
  }
}

TEST(Pool2dBackward, EmptyTensors) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
    check({pool(mode, 2, 2), {0, 4, 4, 3}});
    check({pool(mode, 2, 2), {1, 4, 4, 0}});
    check({pool(mode, 2, 2), {1, 0, 4, 3}});
    check({pool(mode, 2, 2), {1, 1, 4, 3}});  // no window: zeros
    Call none(pool(mode, 2, 2), {1, 1, 4, 3});
    ASSERT_EQ(none.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < none.dx.size(); ++i) EXPECT_EQ(none.dx[i], 0);
  }
}

// Bands of 65536 / (8 * 40 * 24) + 1 = 9 rows: some windows lie across two.
TEST(Pool2dBackward, BandsMatchTheReference) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) check({pool(mode, 2, 1), {1, 21, 40, 24}});
}

TEST(Pool2dBackward, ReferenceMatchesFiniteDifferences) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  const fovea_pool2d_params adaptive{FOVEA_POOL_MAX, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  std::vector<Call> calls;
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
    calls.emplace_back(pool(mode, 3, 2, 1, 1), std::vector<int64_t>{2, 6, 5, 2});
    calls.emplace_back(pool(mode, 2, 1, 1, 0, 1), std::vector<int64_t>{1, 4, 5, 2});
    calls.emplace_back(adaptive, std::vector<int64_t>{1, 5, 4, 2}, 3, 3);
    calls.back().params.mode = mode;
  }
  for (Call& c : calls) {
    const StreamPtr stream = make_stream();
    // Distinct values, far enough apart that no disturbance changes which is largest.
    for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = static_cast<float>(i * 37 % 101) * 0.01f;
    ASSERT_EQ(c.run(stream.get()), FOVEA_OK) << fovea_last_error();
    Array<float> y(c.dy.shape());
    // The loss by the forward kernel in f32: pooling is linear between kinks, so a large step is exact but for rounding.
    const auto loss = [&] {
      const fovea_tensor xt = c.x.view(), yt = y.view();
      const fovea_status status = c.params.kernel_h == 0 ? fovea_adaptive_pool2d(c.params.mode, &xt, &yt, stream.get())
                                                         : fovea_pool2d(&c.params, &xt, &yt, stream.get());
      EXPECT_EQ(status, FOVEA_OK) << fovea_last_error();
      double total = 0;
      for (int64_t i = 0; i < y.size(); ++i) total += static_cast<double>(y[i]) * static_cast<double>(c.dy[i]);
      return total;
    };
    for (int64_t i = 0; i < c.x.size(); ++i) {
      const float v = c.x[i], h = 0x1p-9f;  // a fifth of the distance between two values
      c.x[i] = v + h;
      const double above = loss();
      c.x[i] = v - h;
      const double below = loss();
      c.x[i] = v;
      // y is rounded to 2^-24: 16 windows * 2^-24 / 2^-8.
      EXPECT_NEAR(static_cast<double>(c.dx[i]), (above - below) / 0x1p-8, 3e-4) << "element " << i;
    }
  }
}

// PyTorch's rule: the first in row-major order. A NaN is larger than everything, another NaN included that comes later.
TEST(Pool2dBackward, TheFirstLargestGetsItAll) {
  on_every_backend([](fovea_stream* s, bool) {
    struct Case {
      std::vector<float> x;
      int64_t winner;
    };
    for (const Case& k : {Case{{1, 2, 2, 2}, 1}, Case{{0.0f, -0.0f, 0, 0}, 0}, Case{{-kInf, -kInf, -kInf, -kInf}, 0},
                          Case{{5, kNan, 9, kNan}, 1}, Case{{kNan, kInf, kNan, 1}, 0}, Case{{1, 2, kInf, kInf}, 2}}) {
      Call c(pool(FOVEA_POOL_MAX, 2, 2), {1, 2, 2, 3});
      for (int64_t i = 0; i < 12; ++i) c.x[i] = k.x[static_cast<size_t>(i / 3)];
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(c.dx[i], i / 3 == k.winner ? c.dy[i % 3] : 0.0f);
    }
  });
}

// What is infinite or NaN in dy reaches the cells of its window alone.
TEST(Pool2dBackward, NanStaysInItsWindow) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
      Call c(pool(mode, 2, 2), {1, 4, 4, 1});
      for (int64_t i = 0; i < 16; ++i) c.x[i] = static_cast<float>(i);
      c.dy[3] = kNan;  // cells 10, 11, 14, 15
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < 16; ++i)
        EXPECT_EQ(std::isnan(c.dx[i]), i == 15 || (mode == FOVEA_POOL_AVERAGE && (i == 10 || i == 11 || i == 14)));
    }
  });
}

TEST(Pool2dBackward, LiveLimitsTheImages) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE})
      for (const int32_t count : {-3, 0, 1, 100}) {
        Array<int32_t> live({1});
        live[0] = count;
        Call all(pool(mode, 2, 2), {2, 4, 4, 3}), some(pool(mode, 2, 2), {2, 4, 4, 3});
        some.dx.poison();
        ASSERT_EQ(finish(all.run(s), s), FOVEA_OK);
        ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
        for (int64_t i = 0; i < 96; ++i) {
          EXPECT_EQ(std::isnan(some.dx[i]), i / 48 >= count);
          if (i / 48 < count) {
            EXPECT_EQ(some.dx[i], all.dx[i]);
          }
        }
      }
  });
}

// Sums are f32 and rounded once; the reference is rounded too, and the two may fall on either side of a boundary. Maxima of
// rounded values tie, which the first of them wins in both.
template <class T>
void check_narrow(double relative) {
  for (const int32_t mode : {FOVEA_POOL_MAX, FOVEA_POOL_AVERAGE}) {
    CallOf<T> narrow(pool(mode, 3, 2, 1), {1, 9, 7, 11}, 3);
    Call wide(pool(mode, 3, 2, 1), {1, 9, 7, 11});
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    for (int64_t i = 0; i < wide.dy.size(); ++i) wide.dy[i] = static_cast<float>(narrow.dy[i]);
    check_narrow_kernel<T>(
        narrow.dx, wide.dx, {relative, 1e-6}, [&](fovea_stream* s) { return wide.run(s); },
        [&](fovea_stream* s) { return narrow.run(s); });
  }
}
TEST(Pool2dBackward, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(Pool2dBackward, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(Pool2dBackward, ArgumentsAreChecked) {
  Array<float> x({1, 4, 4, 3}), dx({1, 4, 4, 3}), dy({1, 2, 2, 3}), other({1, 4, 5, 3});
  Array<int32_t> integers({1, 4, 4, 3});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), dxt = dx.view(), dyt = dy.view(), ot = other.view(), it = integers.view();
  const fovea_pool2d_params good = pool(FOVEA_POOL_MAX, 2, 2), average = pool(FOVEA_POOL_AVERAGE, 2, 2);
  const auto call = [&](const fovea_pool2d_params* p, const fovea_tensor* a, const fovea_tensor* d, const fovea_tensor* out) {
    return fovea_pool2d_backward(p, a, d, out, stream.get());
  };
  EXPECT_EQ(call(&good, &xt, &dyt, &dxt), FOVEA_OK);
  EXPECT_EQ(call(&average, nullptr, &dyt, &dxt), FOVEA_OK);
  EXPECT_EQ(call(&good, nullptr, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pool2d_backward: max needs x, it is NULL");
  EXPECT_EQ(call(nullptr, &xt, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &dyt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &ot, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pool2d_backward: x is [1, 4, 5, 3] f32 but dx is [1, 4, 4, 3] f32");
  EXPECT_EQ(call(&good, &it, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &xt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pool2d_backward: dx [1, 4, 4, 3] f32 pools to 2 x 2, dy is [1, 4, 4, 3] f32");
  EXPECT_EQ(call(&good, &xt, &dyt, &xt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pool2d_backward: x and dx overlap in memory");
  const fovea_pool2d_params mode = pool(7, 2, 2), kernel = pool(FOVEA_POOL_MAX, 0, 2);
  EXPECT_EQ(call(&mode, &xt, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "pool2d_backward: unknown mode 7");
  EXPECT_EQ(call(&kernel, &xt, &dyt, &dxt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_pool2d_backward(&good, &xt, &dyt, &dxt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_adaptive_pool2d_backward(FOVEA_POOL_MAX, &xt, &dyt, &dxt, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_adaptive_pool2d_backward(FOVEA_POOL_MAX, nullptr, &dyt, &dxt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "adaptive_pool2d_backward: max needs x, it is NULL");
  EXPECT_EQ(fovea_adaptive_pool2d_backward(FOVEA_POOL_MAX, &xt, &dyt, &dxt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_adaptive_pool2d_backward(-1, &xt, &dyt, &dxt, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
