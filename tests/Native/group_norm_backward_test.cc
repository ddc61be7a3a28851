#include <limits>

#include "every_backend.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// dx is a difference of terms of up to |dy gamma| / deviation = 2 / 0.5 = 4, times |z| < 2; statistics and sums are 2.5e-6 of
// such a term at most, coefficients a few roundings. Sums over a channel are doubles of at most 32 rows in float, 2e-6 of the
// sum of magnitudes, which is below 2 a row.
constexpr Tolerance kDx{1e-5, 3e-5};
Tolerance sums_of(int64_t rows) { return {1e-5, 4e-6 * static_cast<double>(rows) + 1e-5}; }

enum Parts { kGamma = 1, kRms = 2, kDxWanted = 4, kDgamma = 8, kDbeta = 16, kAll = 29 };

template <class T>
struct CallOf {
  int32_t groups;
  Array<T> x, dy, dx;
  Array<float> gamma, dgamma, dbeta;
  int parts;
  float epsilon = 1e-5f;
  std::unique_ptr<Workspace> workspace;  // of the last call

  CallOf(int32_t count, const std::vector<int64_t>& shape, int which = kAll, int64_t extra = 0)
      : groups(count),
        x(shape, shape.back() + extra),
        dy(shape, shape.back() + 2 * extra),
        dx(shape, shape.back() + 3 * extra),
        gamma({shape.back()}),
        dgamma({shape.back()}),
        dbeta({shape.back()}),
        parts(which) {
    x.fill(1), dy.fill(2), gamma.fill(3, -2, 2);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    const fovea_norm_params p{epsilon, (parts & kRms) != 0, groups, 0};
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor gt = gamma.view(), dyt = dy.view(), dxt = dx.view(), dgt = dgamma.view(), dbt = dbeta.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_group_norm_backward_workspace(&p, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_group_norm_backward(&p, &xt, (parts & kGamma) != 0 ? &gt : nullptr, &dyt,
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

TEST(GroupNormBackward, ShapesMatchTheReference) {
  struct Case {
    int32_t groups;
    std::vector<int64_t> shape;
    int64_t extra;
  };
  // One group, one channel a group, narrow and wide groups, several slabs, stripes with a shorter last one, more images than
  // stripes, nothing.
  for (const Case& k : {Case{1, {1, 5}, 0}, Case{4, {2, 3, 5, 32}, 0}, Case{7, {2, 5, 7}, 2}, Case{2, {1, 61, 2}, 0},
                        Case{5, {1, 9, 5 * 31}, 1}, Case{1, {2, 7, 300}, 3}, Case{1, {17, 2, 12}, 0}, Case{2, {0, 3, 4}, 0},
                        Case{2, {3, 0, 4}, 0}, Case{1, {3, 4, 0}, 0}})
    for (const int parts : {int{kAll}, kRms | kDxWanted}) {
      SCOPED_TRACE(::testing::PrintToString(k.shape) + " parts " + std::to_string(parts));
      Call c(k.groups, k.shape, parts, k.extra);
      check(c);
    }
}

TEST(GroupNormBackward, PartsMatchTheReference) {
  for (int parts = 0; parts < 32; ++parts) {
    SCOPED_TRACE(parts);
    Call c(2, {2, 7, 10}, parts, 1);
    check(c);
  }
}

// Several runs of rows in a stripe.
TEST(GroupNormBackward, ManyPositionsMatchTheReference) {
  Call c(2, {1, 16 * 33 + 1, 6});
  check(c);
}

// No position: the sums are zeros.
TEST(GroupNormBackward, NoPositionsGiveZeroSums) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{0, 3, 6}, {3, 0, 6}}) {
      Call c(2, shape);
      c.dgamma.poison(), c.dbeta.poison();
      ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(std::fabs(c.dgamma[i]) + std::fabs(c.dbeta[i]), 0);
    }
  });
}

TEST(GroupNormBackward, ReferenceMatchesFiniteDifferences) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  for (const int parts : {int{kAll}, kAll | kRms, kAll & ~kGamma}) {
    constexpr int64_t images = 2, positions = 3, groups = 2, width = 2, channels = groups * width;
    Call c(groups, {images, positions, channels}, parts);
    c.epsilon = 1e-2f;
    const bool rms = (parts & kRms) != 0;
    ASSERT_EQ(c.run(make_stream().get()), FOVEA_OK) << fovea_last_error();
    Values x = widen(c.x), gamma(channels, 1.0), beta(channels, 0.0);
    if ((parts & kGamma) != 0) gamma = widen(c.gamma);
    const auto loss = [&] {
      double total = 0;
      for (int64_t n = 0; n < images; ++n)
        for (int64_t g = 0; g < groups; ++g) {
          // body(index, channel) over the group
          const auto each = [&](const auto& body) {
            for (int64_t p = 0; p < positions; ++p)
              for (int64_t k = g * width; k < (g + 1) * width; ++k) body((n * positions + p) * channels + k, k);
          };
          double mean = 0, squares = 0;
          each([&](int64_t i, int64_t) { mean += rms ? 0 : x[i] / (positions * width); });
          each([&](int64_t i, int64_t) { squares += (x[i] - mean) * (x[i] - mean) / (positions * width); });
          const double deviation = std::sqrt(squares + static_cast<double>(c.epsilon));
          each([&](int64_t i, int64_t k) { total += c.dy[i] * ((x[i] - mean) / deviation * gamma[k] + beta[k]); });
        }
      return total;
    };
    expect_gradient(x, c.dx, 1e-6, loss);
    expect_gradient(gamma, c.dgamma, 1e-6, loss);
    expect_gradient(beta, c.dbeta, 1e-6, loss);
  }
}

TEST(GroupNormBackward, LargeMeanCostsNoDigits) {
  for (const int32_t groups : {1, 20}) {
    Call c(groups, {1, 7, 100});
    c.x.fill(5, 1e4 - 1.7320508, 1e4 + 1.7320508);
    check(c);
  }
}

// The squares of the first image leave the range of float; dy keeps dx inside it.
TEST(GroupNormBackward, ExtremeImagesMatchTheReference) {
  for (const float scale : {3e38f, 1e20f, 1e-20f, 1e-30f}) {
    SCOPED_TRACE(scale);
    Call c(3, {2, 5, 12});
    c.epsilon = 0;
    for (int64_t i = 0; i < c.x.size() / 2; ++i) c.x[i] *= scale;
    for (int64_t i = 0; i < c.dy.size(); ++i) c.dy[i] *= scale < 1 ? scale : 1.0f;
    check(c);
    EXPECT_NE(c.dgamma[0], 0);
  }
}

TEST(GroupNormBackward, NanStaysInItsGroup) {
  on_every_backend([](fovea_stream* s, bool) {
    Call clean(3, {2, 5, 12}), c(3, {2, 5, 12});
    c.x[60 + 5] = kNan;  // image 1, group 1
    ASSERT_EQ(finish(clean.run(s), s), FOVEA_OK);
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < 120; ++i) {
      const bool touched = i >= 60 && i % 12 / 4 == 1;
      EXPECT_EQ(std::isnan(c.dx[i]), touched);
      if (!touched) {
        EXPECT_TRUE(near(c.dx[i], clean.dx[i], kDx.relative, kDx.absolute));
      }
    }
    for (int64_t i = 0; i < 12; ++i) {
      EXPECT_EQ(std::isnan(c.dgamma[i]), i / 4 == 1);
      EXPECT_FALSE(std::isnan(c.dbeta[i]));
    }
  });
}

TEST(GroupNormBackward, LiveLimitsTheImages) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-3, 0, 2, 100}) {
      Array<int32_t> live({1});
      live[0] = count;
      const int64_t images = std::min(std::max(count, 0), 3);
      Call some(2, {3, 9, 6}), part(2, {images, 9, 6});
      for (int64_t i = 0; i < part.x.size(); ++i) part.x[i] = some.x[i], part.dy[i] = some.dy[i];
      some.dx.poison(), some.dgamma.poison(), some.dbeta.poison();
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      ASSERT_EQ(finish(part.run(s), s), FOVEA_OK);
      // The cut into stripes depends on the shape, so the last bits may differ.
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
  CallOf<T> narrow(4, {2, 7, 20}, kAll, 3);
  Call wide(4, {2, 7, 20});
  for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
  for (int64_t i = 0; i < wide.dy.size(); ++i) wide.dy[i] = static_cast<float>(narrow.dy[i]);
  const auto reference = [&](fovea_stream* s) { return wide.run(s); };
  const auto run = [&](fovea_stream* s) { return narrow.run(s); };
  check_narrow_kernel<T>(narrow.dx, wide.dx, {relative, 1e-5}, reference, run);
  if (::testing::Test::IsSkipped()) return;
  check_narrow_kernel<float>(narrow.dgamma, wide.dgamma, sums_of(14), reference, run);
}
TEST(GroupNormBackward, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(GroupNormBackward, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

// What all normalisations check alike is tested with layer_norm_backward.
TEST(GroupNormBackward, ArgumentsAreChecked) {
  Array<float> x({4, 6}), dy({4, 6}), dx({4, 6}), dgamma({6}), vector({6});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), dyt = dy.view(), dxt = dx.view(), dgt = dgamma.view(), vt = vector.view();
  const auto call = [&](float epsilon, int32_t groups, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* da,
                        int64_t bytes) {
    const fovea_norm_params p{epsilon, 0, groups, 0};
    const Workspace workspace(bytes);
    return fovea_group_norm_backward(&p, a, nullptr, b, da, &dgt, nullptr, workspace.get(), stream.get());
  };
  const fovea_norm_params good{1e-5f, 0, 3, 0}, bad{1e-5f, 0, 4, 0};
  int64_t bytes = 0;
  ASSERT_EQ(fovea_group_norm_backward_workspace(&good, &xt, &bytes), FOVEA_OK);
  EXPECT_EQ(call(1e-5f, 3, &xt, &dyt, &dxt, bytes), FOVEA_OK);
  EXPECT_EQ(call(1e-5f, 3, &xt, &dyt, &dxt, bytes - 1), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(kNan, 3, &xt, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(1e-5f, 4, &xt, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "group_norm_backward: 4 groups do not divide the channels of [4, 6] f32");
  EXPECT_EQ(call(1e-5f, 0, &xt, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(1e-5f, 1, &vt, &vt, nullptr, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "group_norm_backward: x must be [N][..][C], it is [6] f32");
  EXPECT_EQ(call(1e-5f, 3, nullptr, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(1e-5f, 3, &xt, &dyt, &xt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "group_norm_backward: x and dx overlap in memory");
  EXPECT_EQ(fovea_group_norm_backward(&good, &xt, nullptr, &dyt, &dxt, nullptr, nullptr, nullptr, nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_group_norm_backward_workspace(nullptr, &xt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_group_norm_backward_workspace(&bad, &xt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_group_norm_backward_workspace(&good, &xt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
