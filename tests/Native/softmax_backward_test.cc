#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class T>
struct CallOf {
  fovea_softmax_params params;
  Array<T> y, dy, dx;

  CallOf(int32_t axis, bool log, const std::vector<int64_t>& shape, int64_t y_pitch = 0, int64_t dy_pitch = 0,
         int64_t dx_pitch = 0)
      : params{axis, log ? 1 : 0}, y(shape, y_pitch), dy(shape, dy_pitch), dx(shape, dx_pitch) {
    // Of the size of a forward result; that a line adds up to 1 plays no part in the formula.
    const double n = static_cast<double>(shape[static_cast<size_t>(axis < 0 ? axis + static_cast<int>(shape.size()) : axis)]);
    log ? y.fill(1, -1 - std::log(n + 1), 0) : y.fill(1, 0, 2 / (n + 1));
    dy.fill(2);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor yt = y.view();
    yt.live = live;
    const fovea_tensor dyt = dy.view(), dxt = dx.view();
    return fovea_softmax_backward(&params, &yt, &dyt, &dxt, stream);
  }
};
using Call = CallOf<float>;

// |sum| is at most 1 (times 2), or for the logarithm at most n with a factor exp(y) of about 1 / n in the result. Terms are
// rounded once and added at most 70 deep, which for the random signs here stays within 8 roundings of 2^-24; exp is good to 2
// ulp.
constexpr Tolerance kTolerance{1e-6, 1e-6};

TEST(SoftmaxBackward, MatchesReference) {
  struct Case {
    std::vector<int64_t> shape;
    int32_t axis;
    int64_t gap;
  };
  const Case cases[] = {
      {{1}, 0, 0},          {{37}, -1, 0},       {{0, 5}, 1, 0},      {{5, 0}, 1, 0},   {{5, 0}, 0, 0},    {{7, 2}, 1, 0},
      {{7, 8}, 1, 3},       {{3, 33}, -1, 5},    {{2, 5000}, 1, 0},   {{300, 3}, 0, 0}, {{5, 7, 3}, 1, 0}, {{5, 7, 3}, 1, 2},
      {{3, 4, 5, 9}, 1, 4}, {{2, 3, 300}, 1, 0}, {{2, 3, 300}, 0, 1}, {{600, 2}, 0, 0},
  };
  for (const Case& k : cases)
    for (const bool log : {false, true}) {
      SCOPED_TRACE("axis " + std::to_string(k.axis) + " of " + std::to_string(k.shape.size()) + (log ? ", log" : ""));
      const int64_t pitch = k.gap == 0 ? 0 : k.shape.back() + k.gap;
      Call c(k.axis, log, k.shape, pitch, pitch == 0 ? 0 : pitch + 1, pitch == 0 ? 0 : pitch + 2);
      check_kernel<float>(c.dx, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
}

// Central differences, of order 4 in h, of the loss sum(dy * softmax(x)) in double; what is left is the rounding of y to f32.
TEST(SoftmaxBackward, IsTheDerivativeOfTheForwardFormula) {
  constexpr int64_t n = 6;
  for (const bool log : {false, true}) {
    Call c(0, log, {n});
    Array<float> x({n});
    x.fill(3, -2, 2);
    const auto forward = [&](int64_t at, double step) {
      double values[n], sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += values[i] = std::exp(static_cast<double>(x[i]) + (i == at ? step : 0));
      for (double& v : values) v = log ? std::log(v / sum) : v / sum;
      return std::vector<double>(values, values + n);
    };
    const auto loss = [&](int64_t at, double step) {
      const auto y = forward(at, step);
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += static_cast<double>(c.dy[i]) * y[static_cast<size_t>(i)];
      return total;
    };
    for (int64_t i = 0; i < n; ++i) c.y[i] = static_cast<float>(forward(0, 0)[static_cast<size_t>(i)]);
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
    constexpr double h = 1e-3;
    for (int64_t i = 0; i < n; ++i) {
      const double difference = (8 * (loss(i, h) - loss(i, -h)) - (loss(i, 2 * h) - loss(i, -2 * h))) / (12 * h);
      EXPECT_NEAR(c.dx[i], difference, 1e-6) << "element " << i << (log ? ", log" : "");
    }
  }
}

TEST(SoftmaxBackward, InPlace) {
  for (const int32_t axis : {0, 1})
    on_every_isa([&] {
      Call expected(axis, false, {20, 33}), c(axis, false, {20, 33});
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, expected.run(stream.get())), FOVEA_OK) << fovea_last_error();
      const fovea_tensor yt = c.y.view(), dyt = c.dy.view();
      ASSERT_EQ(finish(stream, fovea_softmax_backward(&c.params, &yt, &dyt, &dyt, stream.get())), FOVEA_OK);
      EXPECT_EQ(std::memcmp(c.dy.data(), expected.dx.data(), 20 * 33 * sizeof(float)), 0);
    });
}

// One NaN makes the whole line NaN, and no other. For the logarithm a NaN of y is in no sum.
TEST(SoftmaxBackward, NanFillsItsLine) {
  on_every_isa([&] {
    for (const bool log : {false, true})
      for (const int32_t axis : {0, 1}) {
        Call c(axis, log, {3, 40});
        (log ? c.dy : c.y)[40 + 35] = kNan;
        const StreamPtr stream = make_stream();
        ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < 120; ++i) EXPECT_EQ(std::isnan(c.dx[i]), axis == 1 ? i / 40 == 1 : i % 40 == 35) << i;
      }
  });
}

// A masked position: log-softmax -inf. Its probability is 0, so dy passes as it is.
TEST(SoftmaxBackward, MaskedPositions) {
  on_every_isa([&] {
    Call c(0, true, {19});
    c.y[3] = -std::numeric_limits<float>::infinity();
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(c.dx[3], c.dy[3]);
  });
}

TEST(SoftmaxBackward, LiveLimitsTheLeadingDimension) {
  on_every_isa([&] {
    for (const int32_t axis : {0, 1, 2})
      for (const int32_t n : {-1, 0, 3, 99}) {
        Call c(axis, false, {5, 4, 3});
        const Live live(n);
        const int64_t rows = std::min(std::max(n, 0), 5);
        Call cut(axis, false, {std::max<int64_t>(rows, 1), 4, 3});
        for (int64_t i = 0; i < cut.y.size(); ++i) cut.y[i] = c.y[i], cut.dy[i] = c.dy[i];
        const StreamPtr stream = make_stream();
        ASSERT_EQ(finish(stream, cut.run(stream.get())), FOVEA_OK) << fovea_last_error();
        c.dx.poison();
        ASSERT_EQ(finish(stream, c.run(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < c.dx.size(); ++i) {
          if (i < rows * 12)
            EXPECT_EQ(c.dx[i], cut.dx[i]) << "axis " << axis << ", element " << i;
          else
            EXPECT_TRUE(std::isnan(c.dx[i])) << "axis " << axis << ", element " << i;
        }
      }
  });
}

// Backends with narrow types compute in f32 and round once.
template <class T>
void check_narrow(int32_t axis, double relative) {
  CallOf<T> c(axis, false, {13, 40});
  Call wide(axis, false, {13, 40});
  for (int64_t i = 0; i < c.y.size(); ++i) {
    wide.y[i] = static_cast<float>(c.y[i]);
    wide.dy[i] = static_cast<float>(c.dy[i]);
  }
  check_narrow_kernel<T>(
      c.dx, wide.dx, {relative, 1e-6}, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
}
TEST(SoftmaxBackward, HalfPrecision) { check_narrow<Half>(1, 0x1p-11 + 1e-6); }
TEST(SoftmaxBackward, BFloat16) { check_narrow<BFloat16>(0, 0x1p-8 + 1e-6); }

TEST(SoftmaxBackwardArguments, AreChecked) {
  Call c(1, false, {4, 3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor yt = c.y.view(), dyt = c.dy.view(), dxt = c.dx.view(), ot = other.view();
  const auto refused = [&](int32_t axis, const fovea_tensor* dy, const fovea_tensor* dx, const char* message) {
    const fovea_softmax_params p{axis, 0};
    EXPECT_EQ(fovea_softmax_backward(&p, &yt, dy, dx, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(2, &dyt, &dxt, "softmax_backward: axis 2 is outside of [4, 3] f32");
  refused(-3, &dyt, &dxt, "softmax_backward: axis -3 is outside of [4, 3] f32");
  refused(1, &ot, &dxt, "softmax_backward: y is [4, 3] f32 but dy is [3, 4] f32");
  refused(1, &dyt, &ot, "softmax_backward: y is [4, 3] f32 but dx is [3, 4] f32");
  refused(1, &dyt, &yt, "softmax_backward: y and dx overlap in memory");
  refused(1, &dyt, nullptr, "softmax_backward: dx is NULL");
}

}  // namespace
