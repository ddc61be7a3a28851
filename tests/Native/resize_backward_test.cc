#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

fovea_resize_params mode(int32_t m, int32_t align_corners = 0, int32_t antialias = 0, float cubic_a = -0.75f, float scale = 1) {
  return {m, align_corners, antialias, cubic_a, scale, 5};  // the offset has no part in the gradient
}

const std::vector<fovea_resize_params> kModes = {
    mode(FOVEA_RESIZE_NEAREST),        mode(FOVEA_RESIZE_NEAREST_EXACT),
    mode(FOVEA_RESIZE_AREA),           mode(FOVEA_RESIZE_BILINEAR),
    mode(FOVEA_RESIZE_BILINEAR, 1),    mode(FOVEA_RESIZE_BILINEAR, 0, 1),
    mode(FOVEA_RESIZE_BILINEAR, 1, 1), mode(FOVEA_RESIZE_BICUBIC, 0, 0, -0.75f, -3),
    mode(FOVEA_RESIZE_BICUBIC, 1),     mode(FOVEA_RESIZE_BICUBIC, 0, 1, -0.5f)};

struct Sizes {
  int64_t n, h, w, out_h, out_w, c;
};
// Same size, shrinking, enlarging with more samples per pixel than are gathered at once (16), single pixels on either side.
const std::vector<Sizes> kSizes = {{1, 1, 1, 1, 1, 1},  {2, 13, 11, 7, 5, 3}, {1, 7, 5, 13, 17, 3},  {1, 4, 6, 4, 6, 2},
                                   {1, 2, 3, 41, 8, 2}, {1, 6, 5, 4, 9, 35},  {1, 1, 1, 19, 40, 17}, {1, 9, 2, 1, 7, 1}};

struct Call {
  fovea_resize_params params;
  Array<float> dy, dx;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Call(const fovea_resize_params& p, const Sizes& s, int64_t extra = 0)
      : params(p), dy({s.n, s.out_h, s.out_w, s.c}, s.c + extra), dx({s.n, s.h, s.w, s.c}, s.c + 2 * extra) {
    dy.fill(1);
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor dyt = dy.view();
    dyt.live = live;
    const fovea_tensor dxt = dx.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_resize_backward_workspace(&params, &dyt, &dxt, &bytes), FOVEA_OK) << fovea_last_error();
    workspace = std::make_unique<Workspace>(bytes);
    return fovea_resize_backward(&params, &dyt, &dxt, workspace->get(), stream);
  }
};

// A pixel sums about as many samples as both axes are enlarged, 760 at most, with weights whose magnitudes sum to that
// (bicubic: 1.6 times on each axis). dy has either sign, so sums grow as the root of their length: to sqrt(enlargement). Each
// of the up to 61 additions (two passes) and the weights err by 2^-24 of that, together as a root again: 8 * 6e-8 *
// sqrt(enlargement), twice that being allowed.
void check(Call& c, const Sizes& s) {
  SCOPED_TRACE(testing::Message() << "mode " << c.params.mode << " align " << c.params.align_corners << " antialias "
                                  << c.params.antialias << " from " << ::testing::PrintToString(c.dy.shape()) << " to "
                                  << ::testing::PrintToString(c.dx.shape()));
  const double enlargement = std::max(1.0, static_cast<double>(s.out_h) / static_cast<double>(s.h)) *
                             std::max(1.0, static_cast<double>(s.out_w) / static_cast<double>(s.w));
  const double scale = std::fabs(static_cast<double>(c.params.scale));
  check_kernel<float>(c.dx, {0, 1e-6 * scale * std::sqrt(enlargement)}, [&](fovea_stream* stream) { return c.run(stream); });
  EXPECT_TRUE(c.workspace->guards_intact());
}

TEST(ResizeBackward, EqualsTheDirectSum) {
  for (const fovea_resize_params& p : kModes)
    for (const Sizes& s : kSizes) {
      Call c(p, s);
      check(c, s);
    }
}

TEST(ResizeBackward, PitchedAndEmptyTensors) {
  for (const Sizes& s : {Sizes{2, 7, 5, 13, 4, 3}, Sizes{1, 3, 4, 5, 2, 18}, Sizes{0, 3, 4, 5, 2, 3}, Sizes{1, 0, 4, 5, 2, 3},
                         Sizes{1, 3, 4, 5, 2, 0}}) {
    Call c(mode(FOVEA_RESIZE_BICUBIC), s, 3);
    check(c, s);
  }
  // Without samples the gradient is 0.
  const Sizes none{1, 3, 4, 0, 2, 3};
  Call c(mode(FOVEA_RESIZE_BILINEAR), none);
  check(c, none);
  for (int64_t i = 0; i < c.dx.size(); ++i) EXPECT_EQ(c.dx[i], 0);
}

// Resizing is linear, so a difference of any width is its derivative: sum(dy * resize(x)) = sum(dx * x), here by unit steps
// from 0. The forward reference rounds its results to float; dx sums up to 66 of them.
TEST(ResizeBackward, ReferenceMatchesFiniteDifferences) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  for (const fovea_resize_params& p : kModes)
    for (const Sizes& s : {Sizes{1, 5, 4, 3, 2, 2}, Sizes{2, 3, 4, 7, 5, 1}, Sizes{1, 3, 2, 11, 6, 1}}) {
      SCOPED_TRACE(testing::Message() << "mode " << p.mode << " size " << s.h << " to " << s.out_h);
      const StreamPtr stream = make_stream();
      Call c(p, s);
      ASSERT_EQ(c.run(stream.get()), FOVEA_OK) << fovea_last_error();
      fovea_resize_params forward = p;
      forward.offset = 0;
      Array<float> x({s.n, s.h, s.w, s.c}), y({s.n, s.out_h, s.out_w, s.c});
      const fovea_tensor xt = x.view(), yt = y.view();
      int64_t bytes = 0;
      ASSERT_EQ(fovea_resize_workspace(&forward, &xt, &yt, &bytes), FOVEA_OK) << fovea_last_error();
      const Workspace workspace(bytes);
      for (int64_t i = 0; i < x.size(); ++i) x[i] = 0;
      for (int64_t i = 0; i < x.size(); ++i) {
        x[i] = 1;
        ASSERT_EQ(fovea_resize(&forward, &xt, &yt, workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
        x[i] = 0;
        double expected = 0;
        for (int64_t k = 0; k < y.size(); ++k) expected += static_cast<double>(y[k]) * static_cast<double>(c.dy[k]);
        EXPECT_NEAR(static_cast<double>(c.dx[i]), expected, 2e-6) << "element " << i;
      }
    }
}

// Two samples a pixel. Bilinear: a quarter of the neighbour's nearer sample, and all of the outermost one.
TEST(ResizeBackward, KnownValues) {
  on_every_backend([](fovea_stream* s, bool) {
    Call nearest(mode(FOVEA_RESIZE_NEAREST), {1, 1, 2, 1, 4, 1}), linear(mode(FOVEA_RESIZE_BILINEAR), {1, 1, 2, 1, 4, 1});
    for (Call* c : {&nearest, &linear}) {
      c->dy.assign({1, 2, 4, 8});
      ASSERT_EQ(finish(c->run(s), s), FOVEA_OK);
    }
    EXPECT_EQ(nearest.dx.values(), (std::vector<float>{3, 12}));
    EXPECT_EQ(linear.dx.values(), (std::vector<float>{1 + 0.75f * 2 + 0.25f * 4, 0.25f * 2 + 0.75f * 4 + 8}));
  });
}

// Bicubic samples that fall on a pixel have one tap: neighbours between which they lie do not see their NaN.
TEST(ResizeBackward, NanReachesOnlyPixelsWithATap) {
  on_every_backend([](fovea_stream* s, bool) {
    Call c(mode(FOVEA_RESIZE_BICUBIC, 1), {1, 1, 9, 1, 17, 5});
    for (int64_t k = 0; k < 5; ++k) c.dy[8 * 5 + k] = kNan;  // at position 4
    ASSERT_EQ(finish(c.run(s), s), FOVEA_OK);
    for (int64_t i = 0; i < c.dx.size(); ++i) EXPECT_EQ(std::isnan(c.dx[i]), i / 5 == 4) << i;
  });
}

TEST(ResizeBackward, LiveLimitsTheImages) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-3, 0, 1, 100}) {
      Array<int32_t> live({1});
      live[0] = count;
      Call all(mode(FOVEA_RESIZE_BILINEAR), {2, 3, 4, 5, 6, 2}), some(mode(FOVEA_RESIZE_BILINEAR), {2, 3, 4, 5, 6, 2});
      some.dx.poison();
      ASSERT_EQ(finish(all.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(some.run(s, live.data()), s), FOVEA_OK);
      for (int64_t i = 0; i < some.dx.size(); ++i) {
        EXPECT_EQ(std::isnan(some.dx[i]), i / 24 >= count);
        if (i / 24 < count) {
          EXPECT_EQ(some.dx[i], all.dx[i]);
        }
      }
    }
  });
}

TEST(ResizeBackward, ArgumentsAreChecked) {
  Array<float> dy({1, 4, 4, 3}), dx({1, 2, 2, 3}), other({1, 2, 2, 4}), vector({3});
  Array<uint8_t> bytes_image({1, 2, 2, 3});
  const StreamPtr stream = make_stream();
  const fovea_tensor dyt = dy.view(), dxt = dx.view(), ot = other.view(), vt = vector.view(), bt = bytes_image.view();
  const fovea_resize_params good = mode(FOVEA_RESIZE_BILINEAR), bad = mode(9);
  int64_t bytes = 0;
  ASSERT_EQ(fovea_resize_backward_workspace(&good, &dyt, &dxt, &bytes), FOVEA_OK);
  const auto call = [&](const fovea_resize_params* p, const fovea_tensor* d, const fovea_tensor* out, int64_t size) {
    const Workspace workspace(size);
    return fovea_resize_backward(p, d, out, workspace.get(), stream.get());
  };
  EXPECT_EQ(call(&good, &dyt, &dxt, bytes), FOVEA_OK);
  EXPECT_EQ(call(&good, &dyt, &dxt, 64), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(nullptr, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&bad, &dyt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "resize_backward: unknown mode 9");
  EXPECT_EQ(call(&good, nullptr, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &dyt, nullptr, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &vt, &dxt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &dyt, &ot, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "resize_backward: batch or channels differ: dx is [1, 2, 2, 4] f32, dy is [1, 4, 4, 3] f32");
  EXPECT_EQ(call(&good, &dyt, &bt, bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&good, &dyt, &dyt, bytes + 4096), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "resize_backward: dy and dx overlap in memory");
  EXPECT_EQ(fovea_resize_backward(&good, &dyt, &dxt, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_resize_backward_workspace(&good, &dyt, &bt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "resize_backward_workspace: dy and dx must be f32, they are f32 and u8");
  EXPECT_EQ(fovea_resize_backward_workspace(&good, &dyt, &dxt, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor tall = dxt,
               wide = dyt;  // each possible, but not the image that has the height of one and the width of the other
  tall.shape[0] = wide.shape[0] = int64_t{1} << 10, tall.shape[3] = wide.shape[3] = 1;
  tall.shape[1] = wide.shape[2] = int64_t{1} << 24, tall.shape[2] = wide.shape[1] = 1;
  EXPECT_EQ(fovea_resize_backward_workspace(&good, &wide, &tall, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
