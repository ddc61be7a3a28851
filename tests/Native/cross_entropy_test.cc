#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Logits are within 5: a float near log_sum_exp (at most 14) is off by 2^-21, which is the error of a loss and of the exponent
// in a gradient; exponentials are good to 3 ulp, their sums are at most 68 additions deep with random signs of the errors.
constexpr Tolerance kTolerance{1e-6, 1e-6};

template <class T, class Target = int64_t>
struct CallOf {
  fovea_cross_entropy_params params;
  Array<T> logits, d_logits;
  Array<Target> targets;
  Array<float> class_weights, losses, weights, log_sum_exp, d_losses;
  bool weighted;

  CallOf(int64_t rows, int64_t classes, float smoothing = 0, bool with_weights = false, int64_t pitch = 0, int64_t d_pitch = 0)
      : params{smoothing, 0, -100},
        logits({rows, classes}, pitch),
        d_logits({rows, classes}, d_pitch),
        targets({rows}),
        class_weights({classes}),
        losses({rows}),
        weights({rows}),
        log_sum_exp({rows}),
        d_losses({rows}),
        weighted(with_weights) {
    logits.fill(1, -5, 5);
    class_weights.fill(2, 0.1, 2);
    d_losses.fill(3);
    for (int64_t i = 0; i < rows && classes > 0; ++i) targets[i] = static_cast<Target>(i % 5 == 4 ? -100 : i * 7 % classes);
  }
  fovea_status forward(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = logits.view();
    xt.live = live;
    const fovea_tensor tt = targets.view(), ct = class_weights.view(), lt = losses.view(), wt = weights.view(),
                       et = log_sum_exp.view();
    return fovea_cross_entropy(&params, &xt, &tt, weighted ? &ct : nullptr, &lt, &wt, &et, stream);
  }
  fovea_status backward(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = logits.view();
    xt.live = live;
    const fovea_tensor tt = targets.view(), ct = class_weights.view(), et = log_sum_exp.view(), dlt = d_losses.view(),
                       dt = d_logits.view();
    return fovea_cross_entropy_backward(&params, &xt, &tt, weighted ? &ct : nullptr, &et, &dlt, &dt, stream);
  }
};
using Call = CallOf<float>;

TEST(CrossEntropy, MatchesReference) {
  struct Case {
    int64_t rows, classes, pitch;
  };
  for (const Case& k : {Case{0, 3, 0}, Case{3, 0, 0}, Case{1, 1, 0}, Case{7, 2, 0}, Case{6, 3, 8}, Case{70, 15, 0},
                        Case{9, 16, 0}, Case{9, 33, 40}, Case{2, 1100, 0}, Case{2, 5000, 0}})
    for (const float smoothing : {0.0f, 0.1f})
      for (const bool weighted : {false, true}) {
        SCOPED_TRACE(std::to_string(k.rows) + "x" + std::to_string(k.classes) + ", smoothing " + std::to_string(smoothing) +
                     (weighted ? ", weighted" : ""));
        Call c(k.rows, k.classes, smoothing, weighted, k.pitch, k.pitch == 0 ? 0 : k.pitch + 1);
        const auto forward = [&](fovea_stream* s) { return c.forward(s); };
        if (k.classes != 0) {
          check_kernel<float>(c.losses, kTolerance, forward);
          check_kernel<float>(c.weights, {}, forward);
          check_kernel<float>(c.log_sum_exp, kTolerance, forward);
        }
        check_kernel<float>(c.d_logits, kTolerance, [&](fovea_stream* s) { return c.backward(s); });
      }
}

// logits (2, 1, 0), target 0: the negative log-likelihood, and label smoothing 0.1 as PyTorch spreads it.
TEST(CrossEntropy, KnownValues) {
  on_every_isa([&] {
    Call c(1, 3);
    c.logits[0] = 2, c.logits[1] = 1, c.logits[2] = 0;
    c.targets[0] = 0;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_NEAR(c.losses[0], 0.4076060, 5e-7);
    EXPECT_NEAR(c.log_sum_exp[0], 2.4076060, 5e-7);
    c.params.label_smoothing = 0.1f;
    ASSERT_EQ(finish(stream, c.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_NEAR(c.losses[0], 0.5076060, 5e-7);
  });
}

// A confident row: the loss, 2 exp(-50), is not lost in the rounding of log_sum_exp.
TEST(CrossEntropy, LargeLogits) {
  on_every_isa([&] {
    Call c(2, 3);
    for (int64_t i = 0; i < 3; ++i) c.logits[i] = i == 0 ? 1000.0f : -1000.0f, c.logits[3 + i] = i == 0 ? -1e30f : -kInf;
    c.targets[0] = c.targets[1] = 0;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(c.losses[0], 0);
    EXPECT_EQ(c.log_sum_exp[0], 1000);
    EXPECT_EQ(c.losses[1], 0);  // masked classes have no share
  });
}

// Central differences, of order 4, of the loss in double: the formula as the header states it, written once more.
TEST(CrossEntropy, GradientIsTheDerivativeOfTheLoss) {
  constexpr int64_t n = 5;
  for (const float smoothing : {0.0f, 0.25f})
    for (const bool weighted : {false, true}) {
      Call c(1, n, smoothing, weighted);
      c.targets[0] = 3;
      const auto weight = [&](int64_t k) { return weighted ? static_cast<double>(c.class_weights[k]) : 1; };
      const auto loss = [&](int64_t at, double step) {
        double x[n], sum = 0, all = 0;
        for (int64_t k = 0; k < n; ++k) sum += std::exp(x[k] = static_cast<double>(c.logits[k]) + (k == at ? step : 0));
        for (int64_t k = 0; k < n; ++k) all += weight(k) * (std::log(sum) - x[k]);
        const double e = static_cast<double>(smoothing);
        return ((1 - e) * weight(3) * (std::log(sum) - x[3]) + e / n * all) * static_cast<double>(c.d_losses[0]);
      };
      const ForcedIsa isa(FOVEA_ISA_REFERENCE);
      const StreamPtr stream = make_stream();
      ASSERT_EQ(c.forward(stream.get()), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(c.backward(stream.get()), FOVEA_OK) << fovea_last_error();
      EXPECT_NEAR(c.losses[0] * c.d_losses[0], loss(0, 0), 1e-6);
      constexpr double h = 1e-3;
      for (int64_t k = 0; k < n; ++k) {
        const double difference = (8 * (loss(k, h) - loss(k, -h)) - (loss(k, 2 * h) - loss(k, -2 * h))) / (12 * h);
        EXPECT_NEAR(c.d_logits[k], difference, 2e-6) << "class " << k;
      }
    }
}

// Ignored rows have neither loss, weight nor gradient, whatever stands in them; unknown targets give NaN. The same for i32.
template <class Target>
void check_targets() {
  on_every_isa([&] {
    CallOf<float, Target> c(6, 19, 0.1f, true);
    const Target targets[] = {18, -100, 19, -1, std::numeric_limits<Target>::max(), 0};
    for (int64_t i = 0; i < 6; ++i) c.targets[i] = targets[i];
    c.logits[19 + 4] = kNan;
    c.d_losses[1] = kNan;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, c.backward(stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 6; ++i) {
      const bool unknown = i >= 2 && i <= 4;
      EXPECT_EQ(std::isnan(c.losses[i]), unknown) << i;
      EXPECT_EQ(std::isnan(c.weights[i]), unknown) << i;
      for (int64_t k = 0; k < 19; ++k) {
        EXPECT_EQ(std::isnan(c.d_logits[i * 19 + k]), unknown) << i;
        if (i == 1) {
          EXPECT_EQ(c.d_logits[i * 19 + k], 0);
        }
      }
    }
    EXPECT_EQ(c.losses[1], 0);
    EXPECT_EQ(c.weights[1], 0);
    EXPECT_EQ(c.weights[0], c.class_weights[18]);
    EXPECT_EQ(c.weights[5], c.class_weights[0]);
  });
}
TEST(CrossEntropy, IgnoredAndUnknownTargets) { check_targets<int64_t>(); }
TEST(CrossEntropy, IgnoredAndUnknownTargetsI32) { check_targets<int32_t>(); }

TEST(CrossEntropy, NanStaysInItsRow) {
  on_every_isa([&] {
    Call c(3, 19);
    c.logits[19 + 17] = kNan;
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, c.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, c.backward(stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(std::isnan(c.losses[i]), i == 1);
      EXPECT_EQ(std::isnan(c.log_sum_exp[i]), i == 1);
      for (int64_t k = 0; k < 19; ++k) EXPECT_EQ(std::isnan(c.d_logits[i * 19 + k]), i == 1);
    }
  });
}

TEST(CrossEntropy, InPlaceAndOptionalOutputs) {
  on_every_isa([&] {
    Call expected(9, 33, 0.1f), c(9, 33, 0.1f);
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, expected.forward(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, expected.backward(stream.get())), FOVEA_OK) << fovea_last_error();
    const fovea_tensor xt = c.logits.view(), tt = c.targets.view(), et = c.log_sum_exp.view(), dlt = c.d_losses.view();
    ASSERT_EQ(finish(stream, fovea_cross_entropy(&c.params, &xt, &tt, nullptr, nullptr, nullptr, &et, stream.get())), FOVEA_OK);
    EXPECT_EQ(c.log_sum_exp.values(), expected.log_sum_exp.values());
    ASSERT_EQ(finish(stream, fovea_cross_entropy_backward(&c.params, &xt, &tt, nullptr, &et, &dlt, &xt, stream.get())),
              FOVEA_OK);
    EXPECT_EQ(c.logits.values(), expected.d_logits.values());
  });
}

TEST(CrossEntropy, LiveLimitsTheRows) {
  on_every_isa([&] {
    for (const int32_t n : {-1, 0, 3, 99}) {
      Call all(7, 5), c(7, 5);
      const Live live(n);
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, all.forward(stream.get())), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(stream, all.backward(stream.get())), FOVEA_OK) << fovea_last_error();
      c.losses.poison();
      c.d_logits.poison();
      ASSERT_EQ(finish(stream, c.forward(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(stream, c.backward(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 7; ++i) {
        const bool computed = i < n;
        EXPECT_EQ(std::isnan(c.losses[i]), !computed) << i;
        EXPECT_EQ(std::isnan(c.d_logits[5 * i]), !computed) << i;
        if (!computed) continue;
        EXPECT_EQ(c.losses[i], all.losses[i]);
        EXPECT_EQ(c.d_logits[5 * i], all.d_logits[5 * i]);
      }
    }
  });
}

// Narrow logits: what is computed from them stays f32, their gradient is rounded once.
template <class T>
void check_narrow(double relative) {
  CallOf<T> c(13, 40, 0.1f, true);
  Call wide(13, 40, 0.1f, true);
  for (int64_t i = 0; i < c.logits.size(); ++i) wide.logits[i] = static_cast<float>(c.logits[i]);
  const auto both = [](auto& call, fovea_stream* s) {
    const fovea_status status = call.forward(s);
    return status == FOVEA_OK ? call.backward(s) : status;
  };
  check_narrow_kernel<T>(
      c.d_logits, wide.d_logits, {relative, 1e-6}, [&](fovea_stream* s) { return both(wide, s); },
      [&](fovea_stream* s) { return both(c, s); });
}
TEST(CrossEntropy, HalfPrecision) { check_narrow<Half>(0x1p-11 + 2e-6); }
TEST(CrossEntropy, BFloat16) { check_narrow<BFloat16>(0x1p-8 + 2e-6); }

TEST(CrossEntropyArguments, AreChecked) {
  Call c(4, 3);
  Array<float> five({5}), other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.logits.view(), tt = c.targets.view(), lt = c.losses.view(), wt = c.weights.view(),
                     et = c.log_sum_exp.view(), dlt = c.d_losses.view(), dt = c.d_logits.view(), ft = five.view(),
                     ot = other.view();
  const auto refused = [&](const fovea_cross_entropy_params& p, const fovea_tensor* targets, const fovea_tensor* class_weights,
                           const fovea_tensor* losses, const fovea_tensor* log_sum_exp, const char* message) {
    EXPECT_EQ(fovea_cross_entropy(&p, &xt, targets, class_weights, losses, &wt, log_sum_exp, stream.get()),
              FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  const fovea_cross_entropy_params good{0, 0, -1};
  refused({1, 0, -1}, &tt, nullptr, &lt, &et, "cross_entropy: label_smoothing is 1, it must be in [0, 1)");
  refused({kNan, 0, -1}, &tt, nullptr, &lt, &et, "cross_entropy: label_smoothing is nan, it must be in [0, 1)");
  refused({0, 0, 2}, &tt, nullptr, &lt, &et, "cross_entropy: ignore_index is 2, which is one of the 3 classes");
  refused(good, &lt, nullptr, &lt, &et, "cross_entropy: targets must be i32 or i64, they are [4] f32");
  refused(good, &tt, &ft, &lt, &et, "cross_entropy: class_weights has 5 channels, expected 3");
  refused(good, &tt, nullptr, &ft, &et, "cross_entropy: losses has 5 rows, logits have 4");
  refused(good, &tt, nullptr, &lt, nullptr, "cross_entropy: log_sum_exp is NULL");
  refused(good, &tt, nullptr, &et, &et, "cross_entropy: losses and log_sum_exp overlap in memory");
  const auto backward_refused = [&](const fovea_tensor* d_losses, const fovea_tensor* d_logits, const char* message) {
    EXPECT_EQ(fovea_cross_entropy_backward(&good, &xt, &tt, nullptr, &et, d_losses, d_logits, stream.get()),
              FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  backward_refused(&ft, &dt, "cross_entropy_backward: d_losses has 5 rows, logits have 4");
  backward_refused(&dlt, &ot, "cross_entropy_backward: logits is [4, 3] f32 but d_logits is [3, 4] f32");
  backward_refused(&dlt, nullptr, "cross_entropy_backward: d_logits is NULL");
}

}  // namespace
