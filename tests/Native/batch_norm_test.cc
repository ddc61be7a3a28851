#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Float sums are at most 32 additions deep and what follows is double; three roundings per element. |z| < 1.8 for uniform data
// of many elements, gamma is below 2, and beta may cancel gamma * z. Inference rounds 1/sqrt and its product once each.
constexpr Tolerance kTolerance{4e-6, 1e-5};

enum Parts { kGamma = 1, kBeta = 2, kTraining = 4, kAllParts = 7 };

template <class T>
struct CallOf {
  Array<T> x;
  Array<float> gamma, beta, mean, variance, saved_mean, saved_rstd;
  Array<T> y;
  int parts;
  fovea_batch_norm_params params{1e-5f, 0.1f, 0, {}};

  CallOf(const std::vector<int64_t>& shape, int which, int64_t x_pitch = 0, int64_t y_pitch = 0)
      : x(shape, x_pitch),
        gamma({shape.back()}),
        beta({shape.back()}),
        mean({shape.back()}),
        variance({shape.back()}),
        saved_mean({shape.back()}),
        saved_rstd({shape.back()}),
        y(shape, y_pitch),
        parts(which) {
    params.training = (which & kTraining) != 0;
    x.fill(1);
    gamma.fill(3, -2, 2);
    beta.fill(4);
    reset();
  }
  void reset() {
    mean.fill(5);
    variance.fill(6, 0.1, 2);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) { return run_into(y, stream, live); }
  fovea_status run_into(Array<T>& out, fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor gt = gamma.view(), bt = beta.view(), mt = mean.view(), vt = variance.view(), smt = saved_mean.view(),
                       srt = saved_rstd.view(), yt = out.view();
    const bool training = params.training != 0;
    return fovea_batch_norm(&params, &xt, (parts & kGamma) != 0 ? &gt : nullptr, (parts & kBeta) != 0 ? &bt : nullptr, &mt, &vt,
                            training ? &smt : nullptr, training ? &srt : nullptr, &yt, stream);
  }
};

using Call = CallOf<float>;

struct Case {
  std::vector<int64_t> shape;
  int64_t x_pitch = 0, y_pitch = 0;
};

const Case kCases[] = {{{2, 1}},          {{7, 3}},        {{2, 5, 3, 17}},  {{3, 7, 9, 32}},   {{2, 5, 7, 70}, 77, 71},
                       {{4, 3, 130}},     {{9, 300}},      {{5, 31, 17, 8}}, {{1, 61, 67, 64}}, {{2, 199, 211, 3}},
                       {{1, 2, 3, 4, 5}}, {{40, 2, 2100}}, {{0, 5, 4}},      {{2, 0, 4}},       {{2, 5, 0}}};

TEST(BatchNorm, MatchesReference) {
  for (const Case& k : kCases)
    for (const int parts : {0, static_cast<int>(kTraining), static_cast<int>(kAllParts), static_cast<int>(kGamma | kBeta)}) {
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " parts " + std::to_string(parts));
      if (test_device() != nullptr && k.shape[0] * k.shape[1] > 300 && parts == (kGamma | kBeta)) continue;  // slow
      Call c(k.shape, parts, k.x_pitch, k.y_pitch);
      const auto run = [&](fovea_stream* s) {
        c.reset();
        return c.run(s);
      };
      check_kernel<float>(c.y, kTolerance, run);
      if ((parts & kTraining) == 0 || c.x.size() == 0) continue;
      // A running statistic is the old value and the new, each below 2, rounded once. rstd is below 1/sqrt(1e-5).
      for (Array<float>* output : {&c.saved_mean, &c.saved_rstd}) check_kernel<float>(*output, {2e-6, 2e-7}, run);
      if (parts == kAllParts) {
        const ForcedIsa isa(available_isas().back());
        const StreamPtr stream = make_stream();
        ASSERT_EQ(run(stream.get()), FOVEA_OK);
        const std::vector<float> mean = c.mean.values(), variance = c.variance.values();
        const ForcedIsa reference(FOVEA_ISA_REFERENCE);
        ASSERT_EQ(run(stream.get()), FOVEA_OK);
        for (size_t i = 0; i < mean.size(); ++i) {
          EXPECT_TRUE(near(mean[i], c.mean[static_cast<int64_t>(i)], 2e-6, 2e-7));
          EXPECT_TRUE(near(variance[i], c.variance[static_cast<int64_t>(i)], 2e-6, 2e-7));
        }
      }
    }
}

TEST(BatchNorm, EveryActivationIsFused) {
  for (int kind = FOVEA_ACTIVATION_NONE; kind <= FOVEA_ACTIVATION_CLAMP; ++kind) {
    if (kind == FOVEA_ACTIVATION_PRELU) continue;
    for (const int parts : {static_cast<int>(kGamma | kBeta), static_cast<int>(kAllParts)}) {
      SCOPED_TRACE("activation " + std::to_string(kind));
      Call c({3, 5, 21}, parts);
      c.params.activation = {kind, 0.2f, 0.5f, 0};
      check_kernel<float>(c.y, {8e-6, 2e-5}, [&](fovea_stream* s) {
        c.reset();
        return c.run(s);
      });
    }
  }
}

// Four values of one channel by hand: mean 2.5, biased variance 1.25, unbiased 5/3.
TEST(BatchNorm, TrainingFollowsPyTorch) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c({4, 1}, kTraining);
    c.x.assign({1, 2, 3, 4});
    c.mean[0] = 1, c.variance[0] = 2;
    c.params.epsilon = 0.75f;
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK) << fovea_last_error();
    EXPECT_FLOAT_EQ(c.saved_mean[0], 2.5f);
    EXPECT_FLOAT_EQ(c.saved_rstd[0], 0.70710678f);
    EXPECT_FLOAT_EQ(c.mean[0], 0.9f + 0.25f);
    EXPECT_FLOAT_EQ(c.variance[0], 1.8f + 0.1f * 5 / 3);
    EXPECT_FLOAT_EQ(c.y[0], -1.5f * 0.70710678f);
  });
}

TEST(BatchNorm, OneRowHasNoUnbiasedVariance) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c({1, 20}, kTraining);
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    Call fresh({1, 20}, kTraining);
    for (int64_t i = 0; i < 20; ++i) {
      EXPECT_EQ(c.y[i], 0);
      EXPECT_FLOAT_EQ(c.variance[i], 0.9f * fresh.variance[i]);
    }
  });
}

TEST(BatchNorm, InPlaceGivesTheSameBits) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int parts : {static_cast<int>(kGamma), static_cast<int>(kAllParts)})
      for (const Case& k : {Case{{2, 7, 9, 32}}, Case{{1, 61, 67, 24}}, Case{{8, 300}}}) {
        Call c(k.shape, parts);
        ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
        c.reset();
        ASSERT_EQ(finish(c.run_into(c.x, s), s), FOVEA_OK);
        EXPECT_EQ(c.x.values(), c.y.values());
      }
  });
}

// A mean of 1e4 with variance 1; and one that drifts over the rows, so that no few rows stand for all.
TEST(BatchNorm, LargeAndDriftingMeansCostNoDigits) {
  Call c({3, 41, 37, 20}, kAllParts);
  const auto run = [&](fovea_stream* s) {
    c.reset();
    return c.run(s);
  };
  c.x.fill(5, 1e4 - 1.7320508, 1e4 + 1.7320508);
  check_kernel<float>(c.y, kTolerance, run);
  for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] += static_cast<float>(i / 20);
  check_kernel<float>(c.y, kTolerance, run);
  // Every sampled row is 100 away from all others.
  for (int64_t i = 0; i < c.x.size(); ++i)
    c.x[i] = static_cast<float>(i % 7) + (i / 20 % (3 * 41 * 37 / 16) == 0 ? 100.0f : 0.0f);
  check_kernel<float>(c.y, kTolerance, run);
}

TEST(BatchNorm, ExtremeValuesMatchTheReference) {
  for (const float scale : {3e38f, 1e20f, 1e-20f, 1e-30f}) {
    SCOPED_TRACE("scale " + std::to_string(scale));
    Call c({50, 60, 24}, kTraining);
    c.params.epsilon = 0;
    for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] *= scale;
    check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) {
      c.reset();
      return c.run(s);
    });
    EXPECT_TRUE(std::isfinite(c.y[0]));
  }
}

TEST(BatchNorm, NanStaysInItsChannel) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int parts : {0, static_cast<int>(kTraining)}) {
      Call c({9, 24}, parts);
      c.x[4 * 24 + 13] = kNan;
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < c.y.size(); ++i)
        EXPECT_EQ(std::isnan(c.y[i]), i % 24 == 13 && (parts == kTraining || i / 24 == 4));
    }
  });
}

TEST(BatchNorm, LiveLimitsTheImages) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int parts : {0, static_cast<int>(kTraining)})
      for (const int32_t count : {-1, 0, 1, 2, 3, 9}) {
        Array<int32_t> live({1});
        live[0] = count;
        Call some({3, 5, 16}, parts), fresh({3, 5, 16}, parts);
        const int64_t images = std::min(std::max(count, 0), 3);
        for (int64_t i = images * 80; i < 240; ++i) some.x[i] = kNan;
        some.y.poison();
        ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
        for (int64_t i = 0; i < 240; ++i) EXPECT_EQ(std::isnan(some.y[i]), i >= images * 80);
        if (images == 0) {
          EXPECT_EQ(some.mean.values(), fresh.mean.values());
        }
      }
  });
}

// Statistics and results are those of f32 or better; y is rounded once, the reference too.
template <class T>
void check_narrow(double relative) {
  for (const int parts : {static_cast<int>(kGamma | kBeta), static_cast<int>(kAllParts)}) {
    CallOf<T> narrow({2, 5, 7, 70}, parts, 77, 71);
    Call wide({2, 5, 7, 70}, parts);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    check_narrow_kernel<T>(
        narrow.y, wide.y, {relative, 1e-5}, [&](fovea_stream* s) { return wide.run(s); },
        [&](fovea_stream* s) {
          narrow.reset();
          return narrow.run(s);
        });
  }
}
TEST(BatchNorm, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(BatchNorm, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(BatchNorm, ArgumentsAreChecked) {
  Call c({2, 3, 6}, kAllParts);
  Array<float> other({2, 3, 5}), short_vector({5}), vector({6});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.x.view(), yt = c.y.view(), gt = c.gamma.view(), mt = c.mean.view(), vt = c.variance.view(),
                     st = c.saved_mean.view(), rt = c.saved_rstd.view(), ot = other.view(), sv = short_vector.view(),
                     one = vector.view();
  const fovea_batch_norm_params train{1e-5f, 0.1f, 1, {}}, infer{1e-5f, 0.1f, 0, {}};
  const auto call = [&](const fovea_batch_norm_params& p, const fovea_tensor* x, const fovea_tensor* gamma,
                        const fovea_tensor* mean, const fovea_tensor* variance, const fovea_tensor* saved_mean,
                        const fovea_tensor* saved_rstd, const fovea_tensor* y) {
    return fovea_batch_norm(&p, x, gamma, nullptr, mean, variance, saved_mean, saved_rstd, y, stream.get());
  };
  EXPECT_EQ(fovea_batch_norm(nullptr, &xt, nullptr, nullptr, &mt, &vt, &st, &rt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_batch_norm(&train, &xt, nullptr, nullptr, &mt, &vt, &st, &rt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, nullptr, &gt, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, &one, &gt, &mt, &vt, &st, &rt, &one), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm: x must be [N][..][C], it is [6] f32");
  EXPECT_EQ(call(train, &xt, &gt, &mt, &vt, &st, &rt, &ot), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, &xt, &sv, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm: gamma has 5 channels, expected 6");
  EXPECT_EQ(call(train, &xt, &gt, nullptr, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(infer, &xt, &gt, &mt, nullptr, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, &xt, &gt, &mt, &vt, nullptr, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm: training needs saved_mean and saved_rstd, one is NULL");
  EXPECT_EQ(call(train, &xt, &gt, &mt, &vt, &st, &sv, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, &xt, &gt, &mt, &mt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(train, &xt, &gt, &gt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm: gamma and mean overlap in memory");
  fovea_tensor inside = mt;
  inside.data = c.y.data() + 6;
  EXPECT_EQ(call(infer, &xt, &gt, &inside, &vt, nullptr, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  fovea_batch_norm_params bad = train;
  bad.activation.kind = FOVEA_ACTIVATION_PRELU;
  EXPECT_EQ(call(bad, &xt, &gt, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm: PReLU is not an activation of this kernel");
  bad.activation.kind = 99;
  EXPECT_EQ(call(bad, &xt, &gt, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  for (const float value : {-1.0f, kNan, kInf}) {
    bad = train;
    bad.epsilon = value;
    EXPECT_EQ(call(bad, &xt, &gt, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  }
  bad = train;
  bad.momentum = kNan;
  EXPECT_EQ(call(bad, &xt, &gt, &mt, &vt, &st, &rt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(infer, &xt, &gt, &mt, &mt, nullptr, nullptr, &yt), FOVEA_OK) << "inference only reads its statistics";
}

}  // namespace
