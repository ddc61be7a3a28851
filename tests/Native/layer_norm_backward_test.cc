#include <limits>

#include "every_backend.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// dx is a difference of terms of up to |dy gamma| / deviation = 2 / 0.5 = 4, times |z| < 2; float sums are at most 42 additions
// deep, 2.5e-6 of such a term. Sums over the channel are doubles of at most 32 rows in float: 2e-6 of the sum of magnitudes,
// which is below 2 a row; 300 rows at most.
constexpr Tolerance kDx{1e-5, 3e-5}, kSums{1e-5, 1e-4};

enum Parts { kGamma = 1, kRms = 2, kDxWanted = 4, kDgamma = 8, kDbeta = 16, kAll = 29 };

template <class T>
struct CallOf {
  Array<T> x, dy, dx;
  Array<float> gamma, dgamma, dbeta;
  int parts;
  float epsilon = 1e-5f;
  std::unique_ptr<Workspace> workspace;  // of the last call

  explicit CallOf(const std::vector<int64_t>& shape, int which = kAll, int64_t extra = 0)
      : x(shape, shape.back() + extra),
        dy(shape, shape.back() + 2 * extra),
        dx(shape, shape.back() + 3 * extra),
        gamma({shape.back()}),
        dgamma({shape.back()}),
        dbeta({shape.back()}),
        parts(which) {
    x.fill(1), dy.fill(2), gamma.fill(3, -2, 2);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    const fovea_norm_params p{epsilon, (parts & kRms) != 0, 0, 0};
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor gt = gamma.view(), dyt = dy.view(), dxt = dx.view(), dgt = dgamma.view(), dbt = dbeta.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_layer_norm_backward_workspace(&p, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_layer_norm_backward(&p, &xt, (parts & kGamma) != 0 ? &gt : nullptr, &dyt,
                                     (parts & kDxWanted) != 0 ? &dxt : nullptr, (parts & kDgamma) != 0 ? &dgt : nullptr,
                                     (parts & kDbeta) != 0 ? &dbt : nullptr, workspace->get(), stream);
  }
};
using Call = CallOf<float>;

void check(Call& c) {
  const auto run = [&](fovea_stream* s) { return c.run(s); };
  ASSERT_EQ(run(make_stream().get()), FOVEA_OK) << fovea_last_error();  // also when no gradient is wanted
  if ((c.parts & kDxWanted) != 0) check_kernel<float>(c.dx, kDx, run);
  if ((c.parts & kDgamma) != 0) check_kernel<float>(c.dgamma, kSums, run);
  if ((c.parts & kDbeta) != 0) check_kernel<float>(c.dbeta, kSums, run);
  EXPECT_TRUE(c.workspace->guards_intact());
  EXPECT_TRUE(c.dx.guards_intact() && c.dgamma.guards_intact() && c.dbeta.guards_intact());
}

TEST(LayerNormBackward, LengthsMatchTheReference) {
  for (const int64_t n : {1, 2, 3, 7, 8, 16, 17, 31, 65, 129, 768, 1025})
    for (const int parts : {int{kAll}, kRms | kDxWanted}) {
      SCOPED_TRACE("n " + std::to_string(n) + " parts " + std::to_string(parts));
      Call c({n < 16 ? 41 : 3, n}, parts);
      check(c);
    }
}

TEST(LayerNormBackward, PartsAndShapesMatchTheReference) {
  struct Case {
    std::vector<int64_t> shape;
    int64_t extra;
  };
  for (const Case& k : {Case{{37}, 0}, Case{{3, 5, 19}, 2}, Case{{0, 7}, 0}, Case{{7, 0}, 0}})
    for (int parts = 0; parts < 32; ++parts) {
      if (k.extra == 0 && parts != kAll) continue;  // all combinations of one shape
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " parts " + std::to_string(parts));
      Call c(k.shape, parts, k.extra);
      check(c);
    }
}

// Blocks of more rows than a float sum may take.
TEST(LayerNormBackward, ManyRowsMatchTheReference) {
  Call c({64 * 33 + 1, 3}, kDgamma | kDbeta);
  for (int64_t i = 0; i < c.dy.size(); ++i) c.dy[i] *= 0.1f;  // as much as 211 rows
  check(c);
}

// No row: the sums are zeros.
TEST(LayerNormBackward, NoRowsGiveZeroSums) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c({0, 5});
    c.dgamma.poison(), c.dbeta.poison();
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(std::fabs(c.dgamma[i]) + std::fabs(c.dbeta[i]), 0);
  });
}

TEST(LayerNormBackward, ReferenceMatchesFiniteDifferences) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  for (const int parts : {int{kAll}, kAll | kRms, kAll & ~kGamma}) {
    constexpr int64_t rows = 3, n = 7;
    Call c({rows, n}, parts);
    c.epsilon = 1e-2f;
    const bool rms = (parts & kRms) != 0;
    ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
    Values x = widen(c.x), gamma(n, 1.0), beta(n, 0.0);
    if ((parts & kGamma) != 0) gamma = widen(c.gamma);
    const auto loss = [&] {
      double total = 0;
      for (int64_t r = 0; r < rows; ++r) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < n && !rms; ++i) mean += x[r * n + i] / n;
        for (int64_t i = 0; i < n; ++i) squares += (x[r * n + i] - mean) * (x[r * n + i] - mean) / n;
        for (int64_t i = 0; i < n; ++i)
          total += c.dy[r * n + i] *
                   ((x[r * n + i] - mean) / std::sqrt(squares + static_cast<double>(c.epsilon)) * gamma[i] + beta[i]);
      }
      return total;
    };
    expect_gradient(x, c.dx, 1e-6, loss);
    expect_gradient(gamma, c.dgamma, 1e-6, loss);
    expect_gradient(beta, c.dbeta, 1e-6, loss);
  }
}

TEST(LayerNormBackward, LargeMeanCostsNoDigits) {
  for (const int64_t n : {16, 100, 1500}) {
    Call c({5, n});
    c.x.fill(5, 1e4 - 1.7320508, 1e4 + 1.7320508);
    check(c);
  }
  Call c({3, 1000});  // one far value in front, the trap of a shift by the first elements
  for (int64_t r = 0; r < 3; ++r) c.x[r * 1000] = 1e4f;
  check(c);
}

// The squares of these leave the range of float; dy keeps dx inside it.
TEST(LayerNormBackward, ExtremeRowsMatchTheReference) {
  for (const float scale : {3e38f, 1e20f, 1e-20f, 1e-30f}) {
    SCOPED_TRACE(scale);
    Call c({6, 100});
    c.epsilon = 0;
    for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] *= i / 100 % 2 == 0 ? scale : 1.0f;
    for (int64_t i = 0; i < c.dy.size(); ++i) c.dy[i] *= scale < 1 ? scale : 1.0f;
    check(c);
    EXPECT_NE(c.dgamma[0], 0);
  }
}

// A row's dx and every sum of the parameters that it touches; other rows keep their bits.
TEST(LayerNormBackward, NanAndInfinityStayInTheirRows) {
  on_every_backend([](fovea_stream* s, bool) {
    constexpr int64_t n = 33;
    Call clean({4, n}), c({4, n});
    c.x[1 * n + 3] = kNan;
    c.dy[2 * n + 5] = kInf;
    ASSERT_EQ(finish(clean.run(s), s), FOVEA_OK);
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_TRUE(near(c.dx[i], clean.dx[i], kDx.relative, kDx.absolute));
      EXPECT_TRUE(std::isnan(c.dx[n + i]));
      EXPECT_TRUE(!std::isfinite(c.dx[2 * n + i]));
      EXPECT_TRUE(std::isnan(c.dgamma[i]));
      EXPECT_EQ(std::isfinite(c.dbeta[i]), i != 5);
    }
  });
}

TEST(LayerNormBackward, LiveLimitsTheLeadingDimension) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-3, 0, 2, 100}) {
      Array<int32_t> live({1});
      live[0] = count;
      const int64_t rows = std::min(std::max(count, 0), 5);
      Call some({5, 3, 21}), part({rows, 3, 21});
      for (int64_t i = 0; i < part.x.size(); ++i) part.x[i] = some.x[i], part.dy[i] = some.dy[i];
      some.dx.poison(), some.dgamma.poison(), some.dbeta.poison();
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      ASSERT_EQ(finish(part.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < some.dx.size(); ++i) {
        EXPECT_EQ(std::isnan(some.dx[i]), i >= part.dx.size());
        if (i < part.dx.size()) {
          EXPECT_EQ(some.dx[i], part.dx[i]);
        }
      }
      for (int64_t i = 0; i < 21; ++i) {
        EXPECT_TRUE(near(some.dgamma[i], part.dgamma[i], kSums.relative, kSums.absolute));
        EXPECT_TRUE(near(some.dbeta[i], part.dbeta[i], kSums.relative, kSums.absolute));
      }
    }
  });
}

// The leading dimension of a vector is the one that is normalised; what is behind it does not count.
TEST(LayerNormBackward, LiveShortensAVector) {
  on_every_backend([](fovea_stream* s, bool) {
    Call whole({40}), part({23});
    Array<int32_t> live({1});
    live[0] = 23;
    for (int64_t i = 23; i < 40; ++i) whole.x[i] = whole.dy[i] = kNan;
    whole.dx.poison(), whole.dgamma.poison(), whole.dbeta.poison();
    ASSERT_EQ(finish(whole.run(s, live.data()), s), FOVEA_OK);
    ASSERT_EQ(finish(part.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < 40; ++i) {
      EXPECT_EQ(whole.dgamma[i], i < 23 ? part.dgamma[i] : 0.0f);
      EXPECT_EQ(whole.dbeta[i], i < 23 ? part.dbeta[i] : 0.0f);
      if (i < 23)
        EXPECT_EQ(whole.dx[i], part.dx[i]);
      else
        EXPECT_TRUE(std::isnan(whole.dx[i]));
    }
  });
}

// The arithmetic is that of f32; dx is rounded once, and the two may fall on either side of a boundary.
template <class T>
void check_narrow(double relative) {
  for (const int64_t n : {33, 1500}) {
    CallOf<T> narrow({7, n}, kAll, 3);
    Call wide({7, n});
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    for (int64_t i = 0; i < wide.dy.size(); ++i) wide.dy[i] = static_cast<float>(narrow.dy[i]);
    const auto reference = [&](fovea_stream* s) { return wide.run(s); };
    const auto run = [&](fovea_stream* s) { return narrow.run(s); };
    check_narrow_kernel<T>(narrow.dx, wide.dx, {relative, 1e-5}, reference, run);
    if (::testing::Test::IsSkipped()) return;
    check_narrow_kernel<float>(narrow.dgamma, wide.dgamma, kSums, reference, run);
    check_narrow_kernel<float>(narrow.dbeta, wide.dbeta, kSums, reference, run);
  }
}
TEST(LayerNormBackward, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(LayerNormBackward, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(LayerNormBackward, ArgumentsAreChecked) {
  Array<float> x({4, 6}), dy({4, 6}), dx({4, 6}), other({4, 5}), gamma({6}), dgamma({6}), dbeta({5}), scalar({});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), dyt = dy.view(), dxt = dx.view(), ot = other.view(), gt = gamma.view(), dgt = dgamma.view(),
                     dbt = dbeta.view(), st = scalar.view();
  const fovea_norm_params good{1e-5f, 0, 0, 0}, bad{-1, 0, 0, 0};
  int64_t bytes = 0;
  ASSERT_EQ(fovea_layer_norm_backward_workspace(&good, &xt, &bytes), FOVEA_OK);
  const Workspace enough(bytes), short_one(bytes - 1);
  const auto call = [&](const fovea_norm_params* p, const fovea_tensor* a, const fovea_tensor* g, const fovea_tensor* b,
                        const fovea_tensor* da, const fovea_tensor* dg, const fovea_tensor* db, const Workspace& w) {
    return fovea_layer_norm_backward(p, a, g, b, da, dg, db, w.get(), stream.get());
  };
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dxt, &dgt, nullptr, enough), FOVEA_OK);
  EXPECT_EQ(call(&bad, &xt, &gt, &dyt, &dxt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: epsilon is -1, it must be finite and not negative");
  EXPECT_EQ(call(nullptr, &xt, &gt, &dyt, &dxt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, nullptr, &gt, &dyt, &dxt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &gt, nullptr, &dxt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &gt, &ot, &dxt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: x is [4, 6] f32 but dy is [4, 5] f32");
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &ot, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dxt, &dgt, &dbt, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: dbeta has 5 channels, expected 6");
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dyt, &dgt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: dy and dx overlap in memory");
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dxt, &gt, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dxt, &dgt, &dgt, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: dgamma and dbeta overlap in memory");
  EXPECT_EQ(call(&good, &xt, &gt, &dyt, &dxt, &dgt, nullptr, short_one), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &st, nullptr, &st, nullptr, nullptr, nullptr, enough), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "layer_norm_backward: x is [] f32, there is no dimension to normalise over");
  EXPECT_EQ(fovea_layer_norm_backward(&good, &xt, nullptr, &dyt, &dxt, nullptr, nullptr, enough.get(), nullptr),
            FOVEA_INVALID_ARGUMENT);
  fovea_tensor hostile = xt;
  hostile.shape[0] = INT64_MAX / 2;
  EXPECT_EQ(fovea_layer_norm_backward_workspace(&good, &hostile, &bytes), FOVEA_INVALID_ARGUMENT);
  hostile.shape[0] = -1;
  EXPECT_EQ(fovea_layer_norm_backward_workspace(&good, &hostile, &bytes), FOVEA_INVALID_ARGUMENT);
  hostile.rank = 77;
  EXPECT_EQ(fovea_layer_norm_backward_workspace(&good, &hostile, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_layer_norm_backward_workspace(&good, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
