#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Float sums are at most 42 additions deep (see layer_norm_test.cc); what follows is double, and three roundings per element.
// |z| < 1.8 for uniform data of many elements, up to sqrt(count) for few; gamma is below 2, and beta may cancel gamma * z.
constexpr Tolerance kTolerance{4e-6, 1e-5};

enum Parts { kGamma = 1, kBeta = 2, kRms = 4, kAllParts = 7 };

template <class T>
struct CallOf {
  Array<T> x;
  Array<float> gamma, beta;
  Array<T> y;
  int32_t groups;
  int parts;
  float epsilon = 1e-5f;

  CallOf(const std::vector<int64_t>& shape, int32_t group_count, int which, int64_t x_pitch = 0, int64_t y_pitch = 0)
      : x(shape, x_pitch), gamma({shape.back()}), beta({shape.back()}), y(shape, y_pitch), groups(group_count), parts(which) {
    x.fill(1);
    gamma.fill(3, -2, 2);
    beta.fill(4);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) { return run_into(y, stream, live); }
  fovea_status run_into(Array<T>& out, fovea_stream* stream, const int32_t* live = nullptr) {
    const fovea_norm_params p{epsilon, (parts & kRms) != 0, groups, 0};
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor gt = gamma.view(), bt = beta.view(), yt = out.view();
    return fovea_group_norm(&p, &xt, (parts & kGamma) != 0 ? &gt : nullptr, (parts & kBeta) != 0 ? &bt : nullptr, &yt, stream);
  }
};

using Call = CallOf<float>;

struct Case {
  std::vector<int64_t> shape;
  int32_t groups;
  int64_t x_pitch = 0, y_pitch = 0;
};

// Groups narrower and wider than a vector and than a slab, more groups than a slab holds, one stripe and many, and the ranks.
const Case kCases[] = {{{1, 1}, 1},
                       {{3, 6}, 2},
                       {{2, 5, 3}, 1},
                       {{2, 5, 3}, 3},
                       {{2, 7, 9, 32}, 8},
                       {{1, 13, 11, 96}, 3},
                       {{2, 5, 7, 70}, 5, 77, 71},
                       {{2, 5, 7, 130}, 1, 131, 140},
                       {{1, 3, 5, 300}, 300},
                       {{1, 6, 7, 300}, 100},
                       {{1, 31, 17, 520}, 2},
                       {{2, 3, 5000}, 1},
                       {{1, 199, 211, 3}, 3},
                       {{1, 61, 67, 64}, 32},
                       {{1, 37, 41, 192}, 2, 200, 192},
                       {{19, 2, 2, 48}, 4},
                       {{1, 2, 3, 4, 5, 6}, 2},
                       {{0, 5, 4}, 2},
                       {{2, 0, 4}, 2},
                       {{2, 5, 0}, 3}};

TEST(GroupNorm, MatchesReference) {
  for (const Case& k : kCases)
    for (const int parts : {0, static_cast<int>(kAllParts), static_cast<int>(kGamma | kBeta)}) {
      if (test_device() != nullptr && parts != (kGamma | kBeta) && k.shape.size() > 3) continue;  // slow to emulate
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " groups " + std::to_string(k.groups) + " parts " +
                   std::to_string(parts));
      Call c(k.shape, k.groups, parts, k.x_pitch, k.y_pitch);
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
}

TEST(GroupNorm, EveryDivisorAndEveryPartMatchesReference) {
  for (const int32_t groups : {1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 72, 144})
    for (int parts = 0; parts <= kAllParts; ++parts) {
      if (test_device() != nullptr && groups > 4 && parts != kAllParts) continue;  // slow to emulate
      SCOPED_TRACE("groups " + std::to_string(groups) + " parts " + std::to_string(parts));
      Call c({2, 5, 3, 144}, groups, parts);
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
}

TEST(GroupNorm, InPlaceGivesTheSameBits) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const Case& k : {Case{{2, 7, 9, 32}, 8}, Case{{1, 61, 67, 64}, 32}, Case{{1, 6, 7, 300}, 1}}) {
      Call c(k.shape, k.groups, kGamma | kBeta);
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(c.run_into(c.x, s), s), FOVEA_OK);
      EXPECT_EQ(std::memcmp(c.x.data(), c.y.data(), static_cast<size_t>(c.x.size()) * sizeof(float)), 0);
    }
  });
}

// A mean of 1e4 with variance 1; and a mean that drifts over the image, so that blocks differ by more than they vary.
TEST(GroupNorm, LargeAndDriftingMeansCostNoDigits) {
  for (const Case& k : {Case{{2, 9, 9, 32}, 8}, Case{{1, 61, 67, 64}, 2}, Case{{1, 61, 67, 8}, 8}}) {
    SCOPED_TRACE(::testing::PrintToString(k.shape));
    Call c(k.shape, k.groups, kGamma | kBeta);
    c.x.fill(5, 1e4 - 1.7320508, 1e4 + 1.7320508);
    check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] += static_cast<float>(i / k.shape.back());
    check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
  }
}

TEST(GroupNorm, ConstantGroupsGiveBeta) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t groups : {1, 4, 32}) {
      Call c({2, 9, 11, 32}, groups, kGamma | kBeta);
      for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = i < c.x.size() / 2 ? 0.1f : -12345.678f;
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      // x - mean is what rounding left of 0, divided by sqrt(1e-5).
      for (int64_t i = 0; i < c.y.size(); ++i) EXPECT_NEAR(c.y[i], c.beta[i % 32], 1e-5);
    }
  });
}

// The squares of all of these leave the range of float in one direction or the other.
TEST(GroupNorm, ExtremeValuesMatchTheReference) {
  for (const int parts : {0, static_cast<int>(kRms)})
    for (const float scale : {3e38f, 1e20f, 1e-20f, 1e-30f}) {
      SCOPED_TRACE("scale " + std::to_string(scale));
      Call c({1, 50, 60, 24}, 3, parts);
      c.epsilon = 0;
      for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] *= scale;
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
      EXPECT_TRUE(std::isfinite(c.y[0]));
    }
}

TEST(GroupNorm, NanStaysInItsGroup) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t groups : {1, 2, 8, 24}) {
      SCOPED_TRACE("groups " + std::to_string(groups));
      Call clean({2, 9, 24}, groups, 0), c({2, 9, 24}, groups, 0);
      c.x[4 * 24 + 13] = kNan;
      ASSERT_EQ(finish(clean.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      const int64_t width = 24 / groups;
      for (int64_t i = 0; i < c.y.size(); ++i) {
        if (i < 9 * 24 && i % 24 / width == 13 / width)
          EXPECT_TRUE(std::isnan(c.y[i]));
        else
          EXPECT_TRUE(near(c.y[i], clean.y[i], kTolerance.relative, kTolerance.absolute));
      }
    }
  });
}

TEST(GroupNorm, LiveLimitsTheImages) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-1, 0, 2, 3, 9}) {
      Array<int32_t> live({1});
      live[0] = count;
      Call all({3, 5, 16}, 4, kGamma), some({3, 5, 16}, 4, kGamma);
      some.y.poison();
      ASSERT_EQ(finish(all.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      for (int64_t i = 0; i < some.y.size(); ++i) {
        EXPECT_EQ(std::isnan(some.y[i]), i / 80 >= count);
        if (i / 80 < count) {
          EXPECT_EQ(some.y[i], all.y[i]);
        }
      }
    }
  });
}

// One group over the whole image of one position is layer norm.
TEST(GroupNorm, OneGroupOfOnePositionIsLayerNorm) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c({7, 333}, 1, kGamma | kBeta);
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    Array<float> y({7, 333});
    const fovea_norm_params p{c.epsilon, 0, 0, 0};
    const fovea_tensor xt = c.x.view(), gt = c.gamma.view(), bt = c.beta.view(), yt = y.view();
    ASSERT_EQ(finish(fovea_layer_norm(&p, &xt, nullptr, &gt, &bt, nullptr, &yt, s), s), FOVEA_OK);
    for (int64_t i = 0; i < y.size(); ++i) EXPECT_TRUE(near(c.y[i], y[i], 2 * kTolerance.relative, 2 * kTolerance.absolute));
  });
}

// Statistics and results are those of f32 or better; y is rounded once, the reference too.
template <class T>
void check_narrow(double relative) {
  for (const int32_t groups : {1, 5, 70}) {
    CallOf<T> narrow({2, 5, 7, 70}, groups, kGamma | kBeta, 77, 71);
    Call wide({2, 5, 7, 70}, groups, kGamma | kBeta);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    check_narrow_kernel<T>(
        narrow.y, wide.y, {relative, 1e-5}, [&](fovea_stream* s) { return wide.run(s); },
        [&](fovea_stream* s) { return narrow.run(s); });
  }
}
TEST(GroupNorm, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(GroupNorm, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(GroupNorm, ArgumentsAreChecked) {
  Array<float> x({2, 3, 6}), y({2, 3, 6}), other({2, 3, 5}), gamma({6}), short_gamma({5}), vector({6});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), ot = other.view(), gt = gamma.view(), sg = short_gamma.view(),
                     vt = vector.view();
  const fovea_norm_params good{1e-5f, 0, 3, 0};
  const auto call = [&](const fovea_norm_params* p, const fovea_tensor* a, const fovea_tensor* g, const fovea_tensor* b,
                        const fovea_tensor* out) { return fovea_group_norm(p, a, g, b, out, stream.get()); };
  for (const float epsilon : {-1.0f, kNan, kInf}) {
    const fovea_norm_params bad{epsilon, 0, 3, 0};
    EXPECT_EQ(call(&bad, &xt, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  }
  for (const int32_t groups : {0, -1, INT32_MIN, 12, 4}) {
    const fovea_norm_params bad{1e-5f, 0, groups, 0};
    EXPECT_EQ(call(&bad, &xt, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  }
  EXPECT_STREQ(fovea_last_error(), "group_norm: 4 groups do not divide the channels of [2, 3, 6] f32");
  EXPECT_EQ(call(nullptr, &xt, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, &ot), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &vt, nullptr, nullptr, &vt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "group_norm: x must be [N][..][C], it is [6] f32");
  EXPECT_EQ(call(&good, &xt, &sg, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &gt, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_group_norm(&good, &xt, nullptr, nullptr, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor inside = gt, hostile = xt;
  inside.data = y.data() + 6;
  EXPECT_EQ(call(&good, &xt, &inside, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, &inside, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "group_norm: beta and y overlap in memory");
  hostile.shape[1] = INT64_MAX / 2;
  EXPECT_EQ(call(&good, &hostile, nullptr, nullptr, &hostile), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
