#include <limits>

#include "every_backend.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// dx is a difference of terms of up to |dy gamma| / deviation = 2 / 0.5 = 4, times |z| < 2, each a few roundings. Sums over a
// channel are doubles of at most 32 rows in float, 2e-6 of the sum of magnitudes, which is below 2 a row.
constexpr Tolerance kDx{1e-5, 3e-5};
Tolerance sums_of(int64_t rows) { return {1e-5, 4e-6 * static_cast<double>(rows) + 1e-5}; }

enum Parts { kGamma = 1, kFrozen = 2, kDxWanted = 4, kDgamma = 8, kDbeta = 16, kAll = 29 };

template <class T>
struct CallOf {
  Array<T> x, dy, dx;
  Array<float> gamma, mean, rstd, dgamma, dbeta;
  int parts;
  std::unique_ptr<Workspace> workspace;  // of the last call

  explicit CallOf(const std::vector<int64_t>& shape, int which = kAll, int64_t extra = 0)
      : x(shape, shape.back() + extra),
        dy(shape, shape.back() + 2 * extra),
        dx(shape, shape.back() + 3 * extra),
        gamma({shape.back()}),
        mean({shape.back()}),
        rstd({shape.back()}),
        dgamma({shape.back()}),
        dbeta({shape.back()}),
        parts(which) {
    x.fill(1), dy.fill(2), gamma.fill(3, -2, 2);
    mean.fill(4, -0.2, 0.2), rstd.fill(5, 1, 2);  // as good as the true ones for everything but finite differences
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_batch_norm_params p{};
    p.training = (parts & kFrozen) == 0;
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor gt = gamma.view(), mt = mean.view(), rt = rstd.view(), dyt = dy.view(), dxt = dx.view(),
                       dgt = dgamma.view(), dbt = dbeta.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_batch_norm_backward_workspace(&p, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_batch_norm_backward(&p, &xt, (parts & kGamma) != 0 ? &gt : nullptr, &mt, &rt, &dyt,
                                     (parts & kDxWanted) != 0 ? &dxt : nullptr, (parts & kDgamma) != 0 ? &dgt : nullptr,
                                     (parts & kDbeta) != 0 ? &dbt : nullptr, workspace->get(), stream);
  }
};
using Call = CallOf<float>;

void check(Call& c) {
  const auto run = [&](fovea_stream* s) { return c.run(s); };
  const Tolerance sums = sums_of(c.x.rows());
  ASSERT_EQ(run(make_stream().get()), FOVEA_OK) << fovea_last_error();  // also when no gradient is wanted
  if ((c.parts & kDxWanted) != 0) check_kernel<float>(c.dx, kDx, run);
  if ((c.parts & kDgamma) != 0) check_kernel<float>(c.dgamma, sums, run);
  if ((c.parts & kDbeta) != 0) check_kernel<float>(c.dbeta, sums, run);
  EXPECT_TRUE(c.workspace->guards_intact());
  EXPECT_TRUE(c.dx.guards_intact() && c.dgamma.guards_intact() && c.dbeta.guards_intact());
}

TEST(BatchNormBackward, ShapesMatchTheReference) {
  struct Case {
    std::vector<int64_t> shape;
    int64_t extra;
  };
  for (const Case& k : {Case{{1, 1}, 0}, Case{{2, 3, 5, 32}, 0}, Case{{3, 5, 19}, 2}, Case{{7, 300}, 1},
                        Case{{64 * 9 + 5, 3}, 0}, Case{{0, 3, 4}, 0}, Case{{3, 0, 4}, 0}, Case{{3, 4, 0}, 0}})
    for (const int parts : {int{kAll}, kAll | kFrozen}) {
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " parts " + std::to_string(parts));
      Call c(k.shape, parts, k.extra);
      check(c);
    }
}

TEST(BatchNormBackward, PartsMatchTheReference) {
  for (int parts = 0; parts < 32; ++parts) {
    SCOPED_TRACE(parts);
    Call c({2, 7, 15}, parts, 1);
    check(c);
  }
}

// Several runs of rows in a block.
TEST(BatchNormBackward, ManyRowsMatchTheReference) {
  Call c({64 * 33 + 1, 2}, kDgamma | kDbeta);
  check(c);
}

// With a loss that recomputes the statistics when they are not frozen, from the same rows as the forward call.
TEST(BatchNormBackward, ReferenceMatchesFiniteDifferences) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  for (const int parts : {int{kAll}, kAll | kFrozen, kAll & ~kGamma}) {
    constexpr int64_t rows = 6, channels = 3;
    Call c({rows, channels}, parts);
    Values x = widen(c.x), gamma(channels, 1.0), beta(channels, 0.0), mean = widen(c.mean), rstd = widen(c.rstd);
    if ((parts & kGamma) != 0) gamma = widen(c.gamma);
    const auto measure = [&](int64_t k) {
      double m = 0, squares = 0;
      for (int64_t r = 0; r < rows; ++r) m += x[r * channels + k] / rows;
      for (int64_t r = 0; r < rows; ++r) squares += (x[r * channels + k] - m) * (x[r * channels + k] - m) / rows;
      mean[k] = m, rstd[k] = 1 / std::sqrt(squares + 1e-2);
    };
    if ((parts & kFrozen) == 0)
      for (int64_t k = 0; k < channels; ++k)
        measure(k), c.mean[k] = static_cast<float>(mean[k]), c.rstd[k] = static_cast<float>(rstd[k]);
    ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
    const auto loss = [&] {
      double total = 0;
      for (int64_t k = 0; k < channels; ++k) {
        if ((parts & kFrozen) == 0) measure(k);
        for (int64_t r = 0; r < rows; ++r)
          total += c.dy[r * channels + k] * ((x[r * channels + k] - mean[k]) * rstd[k] * gamma[k] + beta[k]);
      }
      return total;
    };
    expect_gradient(x, c.dx, 2e-6, loss);
    expect_gradient(gamma, c.dgamma, 2e-6, loss);
    expect_gradient(beta, c.dbeta, 2e-6, loss);
  }
}

TEST(BatchNormBackward, LargeMeanCostsNoDigits) {
  Call c({2, 20, 37});
  c.x.fill(5, 1e4 - 1, 1e4 + 1);
  c.mean.fill(6, 1e4 - 0.1, 1e4 + 0.1);
  check(c);
}

TEST(BatchNormBackward, NanStaysInItsChannel) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c({9, 20}), frozen({9, 20}, kAll | kFrozen);
    c.x[3 * 20 + 17] = frozen.x[3 * 20 + 17] = kNan;
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    ASSERT_EQ(finish(frozen.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < c.dx.size(); ++i) {
      EXPECT_EQ(std::isnan(c.dx[i]), i % 20 == 17);
      EXPECT_FALSE(std::isnan(frozen.dx[i]));  // x has no part in it
    }
    for (int64_t i = 0; i < 20; ++i) {
      EXPECT_EQ(std::isnan(c.dgamma[i]), i == 17);
      EXPECT_FALSE(std::isnan(c.dbeta[i]));
    }
  });
}

// Rows behind live count neither in the sums nor in what they are divided by.
TEST(BatchNormBackward, LiveLimitsTheLeadingDimension) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-3, 0, 2, 100}) {
      Array<int32_t> live({1});
      live[0] = count;
      const int64_t images = std::min(std::max(count, 0), 3);
      Call some({3, 9, 6}), part({images, 9, 6});
      for (int64_t i = 0; i < part.x.size(); ++i) part.x[i] = some.x[i], part.dy[i] = some.dy[i];
      some.dx.poison(), some.dgamma.poison(), some.dbeta.poison();
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      ASSERT_EQ(finish(part.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < some.dx.size(); ++i) {
        EXPECT_EQ(std::isnan(some.dx[i]), i >= part.dx.size());
        if (i < part.dx.size()) {
          EXPECT_TRUE(near(some.dx[i], part.dx[i], kDx.relative, kDx.absolute));
        }
      }
      for (int64_t i = 0; i < 6; ++i) {
        EXPECT_TRUE(near(some.dgamma[i], part.dgamma[i], 1e-5, 1e-4));
        EXPECT_TRUE(near(some.dbeta[i], part.dbeta[i], 1e-5, 1e-4));
      }
    }
  });
}

// The arithmetic is that of f32; dx is rounded once, and the two may fall on either side of a boundary.
template <class T>
void check_narrow(double relative) {
  CallOf<T> narrow({2, 7, 20}, kAll, 3);
  Call wide({2, 7, 20});
  for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
  for (int64_t i = 0; i < wide.dy.size(); ++i) wide.dy[i] = static_cast<float>(narrow.dy[i]);
  const auto reference = [&](fovea_stream* s) { return wide.run(s); };
  const auto run = [&](fovea_stream* s) { return narrow.run(s); };
  check_narrow_kernel<T>(narrow.dx, wide.dx, {relative, 1e-5}, reference, run);
  if (::testing::Test::IsSkipped()) return;
  check_narrow_kernel<float>(narrow.dgamma, wide.dgamma, sums_of(14), reference, run);
}
TEST(BatchNormBackward, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(BatchNormBackward, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

// What all normalisations check alike is tested with layer_norm_backward.
TEST(BatchNormBackward, ArgumentsAreChecked) {
  Array<float> x({4, 6}), dy({4, 6}), dx({4, 6}), mean({6}), rstd({6}), dgamma({6}), short_one({5});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), dyt = dy.view(), dxt = dx.view(), mt = mean.view(), rt = rstd.view(), dgt = dgamma.view(),
                     st = short_one.view();
  fovea_batch_norm_params good{}, fused{};
  fused.activation.kind = FOVEA_ACTIVATION_RELU;
  int64_t bytes = 0;
  ASSERT_EQ(fovea_batch_norm_backward_workspace(&good, &xt, &bytes), FOVEA_OK);
  const auto call = [&](const fovea_batch_norm_params* p, const fovea_tensor* a, const fovea_tensor* m, const fovea_tensor* r,
                        const fovea_tensor* dg, int64_t size) {
    const Workspace workspace(size);
    return fovea_batch_norm_backward(p, a, nullptr, m, r, &dyt, &dxt, dg, nullptr, workspace.get(), stream.get());
  };
  EXPECT_EQ(call(&good, &xt, &mt, &rt, &dgt, bytes), FOVEA_OK);
  EXPECT_EQ(call(&good, &xt, &mt, &rt, &dgt, bytes - 1), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(nullptr, &xt, &mt, &rt, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&fused, &xt, &mt, &rt, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(),
               "batch_norm_backward: the gradient of a fused activation comes first; activation must be NONE, it is 1");
  EXPECT_EQ(call(&good, nullptr, &mt, &rt, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &mt, &mt, &rt, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, nullptr, &rt, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm_backward: mean or rstd is NULL");
  EXPECT_EQ(call(&good, &xt, &mt, &st, &dgt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm_backward: rstd has 5 channels, expected 6");
  EXPECT_EQ(call(&good, &xt, &mt, &rt, &rt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "batch_norm_backward: rstd and dgamma overlap in memory");
  EXPECT_EQ(fovea_batch_norm_backward(&good, &xt, nullptr, &mt, &rt, &dyt, &dxt, nullptr, nullptr, nullptr, nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_batch_norm_backward_workspace(&fused, &xt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_batch_norm_backward_workspace(&good, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
