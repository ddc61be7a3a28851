#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Sums are at most 42 additions deep in float: 42 * 2^-24 = 2.5e-6 of the sum of magnitudes, half of it after the square root;
// an error of the mean counts in units of the deviation, so it is absolute. The rest are a handful of roundings. Uniform data
// normalises to |z| < 1.8 and gamma is below 2; beta may cancel what gamma * z gives, so these errors are absolute too.
constexpr Tolerance kTolerance{4e-6, 1e-5};

// All that a call takes. Optional tensors are there or not by `parts`.
enum Parts { kResidual = 1, kGamma = 2, kBeta = 4, kSum = 8, kRms = 16, kAllParts = 31 };

template <class T>
struct CallOf {
  Array<T> x, residual;
  Array<float> gamma, beta;
  Array<T> sum, y;
  int parts;
  float epsilon = 1e-5f;

  CallOf(const std::vector<int64_t>& shape, int which, int64_t x_pitch = 0, int64_t y_pitch = 0)
      : x(shape, x_pitch),
        residual(shape, y_pitch),
        gamma({shape.back()}),
        beta({shape.back()}),
        sum(shape, x_pitch),
        y(shape, y_pitch),
        parts(which) {
    x.fill(1);
    residual.fill(2);
    gamma.fill(3, -2, 2);
    beta.fill(4);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    const fovea_norm_params p{epsilon, (parts & kRms) != 0, 0, 0};
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor rt = residual.view(), gt = gamma.view(), bt = beta.view(), st = sum.view(), yt = y.view();
    return fovea_layer_norm(&p, &xt, (parts & kResidual) != 0 ? &rt : nullptr, (parts & kGamma) != 0 ? &gt : nullptr,
                            (parts & kBeta) != 0 ? &bt : nullptr, (parts & kSum) != 0 ? &st : nullptr, &yt, stream);
  }
};

using Call = CallOf<float>;

bool same_bits(const Array<float>& a, const Array<float>& b) {
  const std::vector<float> u = a.values(), v = b.values();
  return u.size() == v.size() && std::memcmp(u.data(), v.data(), u.size() * sizeof(float)) == 0;
}

TEST(LayerNorm, LengthsMatchTheReference) {
  for (const int64_t n : {1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 47, 63, 64, 65, 127, 129, 255, 768, 1023, 1025, 2049, 3072, 5000})
    for (const int parts : {0, kResidual | kGamma | kBeta, kRms | kGamma}) {
      SCOPED_TRACE("n " + std::to_string(n) + " parts " + std::to_string(parts));
      Call c({n < 100 ? 41 : 5, n}, parts);
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
}

TEST(LayerNorm, PartsAndShapesMatchTheReference) {
  struct Case {
    std::vector<int64_t> shape;
    int64_t x_pitch, y_pitch;
  };
  for (const Case& k : {Case{{37}, 0, 0}, Case{{3, 5, 19}, 0, 0}, Case{{2, 3, 4, 70}, 75, 71}, Case{{13, 33}, 40, 33},
                        Case{{0, 7}, 0, 0}, Case{{7, 0}, 0, 0}})
    for (int parts = 0; parts <= kAllParts; ++parts) {
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " parts " + std::to_string(parts));
      Call c(k.shape, parts, k.x_pitch, k.y_pitch);
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
      // One float addition: the same everywhere.
      if ((parts & kSum) != 0) check_kernel<float>(c.sum, {}, [&](fovea_stream* s) { return c.run(s); });
      EXPECT_TRUE(c.y.guards_intact());
    }
}

TEST(LayerNorm, SumIsTheFloatSumAndDoesNotChangeTheResult) {
  on_every_backend([](fovea_stream* s, bool) {
    Call with({7, 131}, kResidual | kSum), without({7, 131}, kResidual), plain({7, 131}, kSum);
    ASSERT_EQ(finish(with.run(s), s), FOVEA_OK);
    ASSERT_EQ(finish(without.run(s), s), FOVEA_OK);
    ASSERT_EQ(finish(plain.run(s), s), FOVEA_OK);
    EXPECT_TRUE(same_bits(with.y, without.y));
    EXPECT_TRUE(same_bits(plain.sum, plain.x));
    for (int64_t i = 0; i < with.x.size(); ++i) ASSERT_EQ(with.sum[i], with.x[i] + with.residual[i]);
  });
}

// y = x and sum = residual, alone and together.
TEST(LayerNorm, InPlaceGivesTheSameBits) {
  on_every_backend([](fovea_stream* s, bool) {
    for (int parts = 0; parts <= kAllParts; ++parts)
      for (const int64_t n : {5, 64, 777}) {
        SCOPED_TRACE("n " + std::to_string(n) + " parts " + std::to_string(parts));
        Call apart({9, n}, parts), inside({9, n}, parts);
        ASSERT_EQ(finish(apart.run(s), s), FOVEA_OK);
        const fovea_norm_params p{inside.epsilon, (parts & kRms) != 0, 0, 0};
        const fovea_tensor xt = inside.x.view(), rt = inside.residual.view(), gt = inside.gamma.view(), bt = inside.beta.view(),
                           st = inside.sum.view();
        const bool both = (parts & kResidual) != 0 && (parts & kSum) != 0;
        const fovea_tensor* sum = (parts & kSum) == 0 ? nullptr : both ? &rt : &st;
        ASSERT_EQ(
            finish(fovea_layer_norm(&p, &xt, (parts & kResidual) != 0 ? &rt : nullptr, (parts & kGamma) != 0 ? &gt : nullptr,
                                    (parts & kBeta) != 0 ? &bt : nullptr, sum, &xt, s),
                   s),
            FOVEA_OK);
        EXPECT_TRUE(same_bits(inside.x, apart.y));
        if ((parts & kSum) != 0) {
          EXPECT_TRUE(same_bits(both ? inside.residual : inside.sum, apart.sum));
        }
      }
  });
}

// E[x^2] - E[x]^2 in float would have lost all digits: 1e8 against 1.
TEST(LayerNorm, LargeMeanCostsNoDigits) {
  for (const double mean : {1e4, -1e4, 1e6})
    for (const int64_t n : {16, 100, 768, 5000}) {
      SCOPED_TRACE("mean " + std::to_string(mean) + " n " + std::to_string(n));
      Call c({5, n}, kGamma | kBeta);
      c.x.fill(5, mean - 1.7320508, mean + 1.7320508);
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
    }
  // One far value in front, the trap of a shift by the first element.
  Call c({3, 1000}, 0);
  for (int64_t r = 0; r < 3; ++r) c.x[r * 1000] = 1e4f;
  check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
}

TEST(LayerNorm, ConstantRowsGiveBeta) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int64_t n : {1, 7, 100, 768}) {
      Call c({4, n}, kGamma | kBeta);
      const float values[] = {0, 0.1f, -12345.678f, 3e38f};
      for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = values[i / n];
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      // x - mean is what rounding left of 0, at most 2^-24 of x and divided by sqrt(1e-5). The double mean of 3e38 is exact.
      for (int64_t i = 0; i < c.y.size(); ++i) EXPECT_NEAR(c.y[i], c.beta[i % n], 1e-5) << "row " << i / n;
    }
  });
}

// The squares of all of these leave the range of float in one direction or the other.
TEST(LayerNorm, ExtremeRowsMatchTheReference) {
  for (const int parts : {0, static_cast<int>(kRms)})
    for (const float scale : {3e38f, 1e30f, 1e20f, 1e-20f, 1e-30f}) {
      SCOPED_TRACE("scale " + std::to_string(scale));
      Call c({6, 100}, parts);
      c.epsilon = 0;
      for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] *= scale;
      check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
      EXPECT_TRUE(std::isfinite(c.y[0]));
    }
}

// 0 / sqrt(0 + 0).
TEST(LayerNorm, NoVarianceAndNoEpsilonGiveNan) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int parts : {0, static_cast<int>(kRms)}) {
      Call c({2, 33}, parts);
      for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = 0;
      c.epsilon = 0;
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < c.y.size(); ++i) EXPECT_TRUE(std::isnan(c.y[i]));
    }
  });
}

TEST(LayerNorm, NanAndInfinityStayInTheirRows) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int64_t n : {3, 16, 100})
      for (const int parts : {0, static_cast<int>(kRms), static_cast<int>(kResidual | kSum)}) {
        Call clean({4, n}, parts), c({4, n}, parts);
        c.x[1 * n + n - 1] = kNan;
        c.x[2 * n] = kInf;
        ASSERT_EQ(finish(clean.run(s), s), FOVEA_OK);
        ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
        for (int64_t i = 0; i < n; ++i) {
          EXPECT_EQ(c.y[i], clean.y[i]);
          EXPECT_TRUE(std::isnan(c.y[n + i]));
          EXPECT_EQ(std::isnan(c.y[2 * n + i]), (parts & kRms) == 0 || i == 0);  // rms: x / inf = 0
          EXPECT_EQ(c.y[3 * n + i], clean.y[3 * n + i]);
        }
      }
  });
}

TEST(LayerNorm, LiveLimitsTheLeadingDimension) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-3, 0, 2, 5, 100}) {
      Array<int32_t> live({1});
      live[0] = count;
      Call all({5, 3, 21}, kResidual | kSum), some({5, 3, 21}, kResidual | kSum);
      some.y.poison();
      some.sum.poison();
      ASSERT_EQ(finish(all.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      for (int64_t i = 0; i < some.y.size(); ++i) {
        EXPECT_EQ(std::isnan(some.y[i]), i / 63 >= count);
        EXPECT_EQ(std::isnan(some.sum[i]), i / 63 >= count);
        if (i / 63 < count) {
          EXPECT_EQ(some.y[i], all.y[i]);
        }
      }
    }
  });
}

// The leading dimension of a vector is the one that is normalised.
TEST(LayerNorm, LiveShortensAVector) {
  on_every_backend([](fovea_stream* s, bool) {
    Call whole({40}, kGamma | kBeta), part({23}, kGamma | kBeta);
    Array<int32_t> live({1}), none({1});
    live[0] = 23, none[0] = 0;
    whole.y.poison();
    ASSERT_EQ(finish(whole.run(s, none.data()), s), FOVEA_OK);
    EXPECT_TRUE(std::isnan(whole.y[0]));
    ASSERT_EQ(finish(whole.run(s, live.data()), s), FOVEA_OK);
    ASSERT_EQ(finish(part.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < 40; ++i) {
      if (i < 23)
        EXPECT_EQ(whole.y[i], part.y[i]);
      else
        EXPECT_TRUE(std::isnan(whole.y[i]));
    }
  });
}

// Statistics and the result are those of the f32 sum; y and sum are rounded once.
template <class T>
void check_narrow(double relative) {
  for (const int64_t n : {33, 1500})
    for (const int parts : {0, kResidual | kGamma | kBeta | kSum, static_cast<int>(kRms)}) {
      CallOf<T> narrow({7, n}, parts, n + 3);
      Call wide({7, n}, parts);
      for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
      for (int64_t i = 0; i < wide.x.size(); ++i) wide.residual[i] = static_cast<float>(narrow.residual[i]);
      check_narrow_kernel<T>(
          narrow.y, wide.y, {relative, 1e-5}, [&](fovea_stream* s) { return wide.run(s); },
          [&](fovea_stream* s) { return narrow.run(s); });
    }
}
// The reference is rounded to the type as well, and the two may fall on either side of a boundary.
TEST(LayerNorm, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(LayerNorm, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(LayerNorm, ArgumentsAreChecked) {
  Array<float> x({4, 6}), y({4, 6}), other({4, 5}), gamma({6}), short_gamma({5}), scalar({});
  Array<int32_t> integers({4, 6});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), ot = other.view(), gt = gamma.view(), sg = short_gamma.view(),
                     st = scalar.view(), it = integers.view();
  const fovea_norm_params good{1e-5f, 0, 0, 0};
  const auto call = [&](const fovea_norm_params* p, const fovea_tensor* a, const fovea_tensor* residual, const fovea_tensor* g,
                        const fovea_tensor* b, const fovea_tensor* sum,
                        const fovea_tensor* out) { return fovea_layer_norm(p, a, residual, g, b, sum, out, stream.get()); };
  for (const float epsilon : {-1e-5f, kNan, kInf}) {
    const fovea_norm_params bad{epsilon, 0, 0, 0};
    EXPECT_EQ(call(&bad, &xt, nullptr, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  }
  EXPECT_STREQ(fovea_last_error(), "layer_norm: epsilon is inf, it must be finite and not negative");
  EXPECT_EQ(call(nullptr, &xt, nullptr, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, nullptr, nullptr, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr, nullptr, &ot), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &ot, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr, &ot, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, &xt, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, &gt, &sg, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm: beta has 5 channels, expected 6");
  EXPECT_EQ(call(&good, &st, nullptr, nullptr, nullptr, nullptr, &st), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm: x is [] f32, there is no dimension to normalise over");
  EXPECT_EQ(call(&good, &it, nullptr, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_layer_norm(&good, &xt, nullptr, nullptr, nullptr, nullptr, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  // Outputs that would eat each other or what is still to be read.
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr, &yt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm: sum and y overlap in memory");
  EXPECT_EQ(call(&good, &xt, &yt, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, nullptr, &xt, &yt), FOVEA_INVALID_ARGUMENT);
  fovea_tensor shifted = xt, inside = gt;
  shifted.data = x.data() + 6;
  shifted.shape[0] = 3;
  fovea_tensor head = xt;
  head.shape[0] = 3;
  EXPECT_EQ(call(&good, &head, nullptr, nullptr, nullptr, nullptr, &shifted), FOVEA_INVALID_ARGUMENT);
  inside.data = y.data() + 12;
  EXPECT_EQ(call(&good, &xt, nullptr, &inside, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm: gamma and y overlap in memory");
  EXPECT_EQ(call(&good, &xt, nullptr, nullptr, &inside, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  fovea_tensor hostile = xt;
  hostile.shape[0] = INT64_MAX / 2;
  EXPECT_EQ(call(&good, &hostile, nullptr, nullptr, nullptr, nullptr, &hostile), FOVEA_INVALID_ARGUMENT);
  hostile.shape[0] = -1;
  EXPECT_EQ(call(&good, &hostile, nullptr, nullptr, nullptr, nullptr, &hostile), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
