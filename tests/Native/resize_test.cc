#include "every_isa.h"

using namespace fovea_test;

namespace {

fovea_resize_params mode(int32_t m, int32_t align_corners = 0, int32_t antialias = 0, float cubic_a = -0.75f, float scale = 1,
                         float offset = 0) {
  return {m, align_corners, antialias, cubic_a, scale, offset};
}

const std::vector<fovea_resize_params> kModes = {mode(FOVEA_RESIZE_NEAREST),        mode(FOVEA_RESIZE_NEAREST_EXACT),
                                                 mode(FOVEA_RESIZE_AREA),           mode(FOVEA_RESIZE_BILINEAR),
                                                 mode(FOVEA_RESIZE_BILINEAR, 1),    mode(FOVEA_RESIZE_BILINEAR, 0, 1),
                                                 mode(FOVEA_RESIZE_BILINEAR, 1, 1), mode(FOVEA_RESIZE_BICUBIC),
                                                 mode(FOVEA_RESIZE_BICUBIC, 1),     mode(FOVEA_RESIZE_BICUBIC, 0, 1, -0.5f)};

template <class X, class Y>
fovea_status resize(const fovea_resize_params& p, Array<X>& x, Array<Y>& y) {
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_resize_workspace(&p, &xt, &yt, &bytes), FOVEA_OK) << fovea_last_error();
  const Workspace workspace(bytes);
  const fovea_status status = finish(stream, fovea_resize(&p, &xt, &yt, workspace.get(), stream.get()));
  EXPECT_TRUE(workspace.guards_intact());
  return status;
}

// A captured graph runs after `call` returns, so workspaces live longer.
template <class X, class Y>
void check(const fovea_resize_params& p, Array<X>& x, Array<Y>& y, Tolerance tolerance, const int32_t* live = nullptr) {
  SCOPED_TRACE(testing::Message() << "mode " << p.mode << " align " << p.align_corners << " antialias " << p.antialias
                                  << " size " << x.size() << " to " << y.size());
  std::vector<std::unique_ptr<Workspace>> workspaces;
  check_kernel<Y>(y, tolerance, [&](fovea_stream* s) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor yt = y.view();
    int64_t bytes = 0;
    EXPECT_EQ(fovea_resize_workspace(&p, &xt, &yt, &bytes), FOVEA_OK) << fovea_last_error();
    workspaces.push_back(std::make_unique<Workspace>(bytes));
    return fovea_resize(&p, &xt, &yt, workspaces.back()->get(), s);
  });
  for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
}

struct Sizes {
  int64_t n, h, w, out_h, out_w, c;
};
const std::vector<Sizes> kSizes = {{1, 1, 1, 1, 1, 1},   {2, 13, 17, 7, 5, 3}, {1, 7, 5, 13, 17, 3},   {1, 9, 40, 9, 40, 4},
                                   {1, 3, 31, 8, 11, 2}, {1, 6, 5, 4, 9, 19},  {1, 60, 83, 37, 52, 3}, {1, 50, 2, 1, 7, 1}};

// Separable equals the direct 2-D sum in double: weights rounded to f32 and up to a few dozen f32 additions of values below
// 1, whose weights (bicubic) sum to at most 1.6 in magnitude per axis.
TEST(Resize, EqualsTheDirectSum) {
  for (const fovea_resize_params& p : kModes)
    for (const Sizes& s : kSizes) {
      Array<float> x({s.n, s.h, s.w, s.c}), y({s.n, s.out_h, s.out_w, s.c});
      x.fill(3);
      check(p, x, y, {0, 1e-6});
    }
}

TEST(Resize, ConvertsBytes) {
  for (const fovea_resize_params& p : kModes)
    for (const Sizes& s : kSizes) {
      Array<uint8_t> x({s.n, s.h, s.w, s.c}), bytes({s.n, s.out_h, s.out_w, s.c});
      Array<float> floats({s.n, s.out_h, s.out_w, s.c}), scaled({s.n, s.out_h, s.out_w, s.c});
      x.fill(4, 0, 256);
      check(p, x, floats, {0, 255 * 1e-6});
      // An exact half may fall on either side when the weights are not dyadic, hence 1; the true bound is checked below.
      check(p, x, bytes, {0, 1});
      ASSERT_EQ(resize(p, x, floats), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < bytes.size(); ++i)
        ASSERT_LE(std::fabs(bytes[i] - std::fmin(std::fmax(floats[i], 0.0f), 255.0f)), 0.5f + 255e-6f);
      fovea_resize_params normalised = p;
      normalised.scale = 0.0078125f, normalised.offset = -0.99609375f;
      check(normalised, x, scaled, {0, 2e-6});
      check(normalised, x, bytes, {0, 1});  // ignored for u8 output
    }
}

TEST(Resize, TakesPitchedLiveAndEmptyTensors) {
  for (const fovea_resize_params& p : kModes) {
    for (const int64_t c : {3, 21}) {
      Array<float> x({2, 11, 7, c}, c + 2), y({2, 6, 9, c}, c + 5);
      Array<uint8_t> bx({2, 11, 7, c}, c + 2), by({2, 6, 9, c}, c + 1);
      x.fill(5), bx.fill(6, 0, 256);
      check(p, x, y, {0, 1e-6});
      check(p, bx, y, {0, 255e-6});
      check(p, bx, by, {0, 1});
      const Live live(1);
      check(p, x, y, {0, 1e-6}, live.get());
      EXPECT_FALSE(std::isnan(y[54 * c - 1]));
      EXPECT_TRUE(std::isnan(y[54 * c]));
    }
    for (const auto& [n, h, w, oh, ow, c] :
         {Sizes{0, 4, 4, 2, 2, 3}, Sizes{1, 4, 4, 0, 2, 3}, Sizes{1, 4, 4, 2, 2, 0}, Sizes{1, 0, 4, 2, 2, 3}}) {
      Array<float> x({n, h, w, c}), y({n, oh, ow, c});
      check(p, x, y, {});
    }
  }
}

std::vector<float> row(const fovea_resize_params& p, std::vector<float> values, int64_t out) {
  // Once along each axis: the two passes are different code.
  const int64_t n = static_cast<int64_t>(values.size());
  Array<float> x({1, 1, n, 1}), y({1, 1, out, 1}), xt({1, n, 1, 1}), yt({1, out, 1, 1});
  x.assign(values), xt.assign(values);
  EXPECT_EQ(resize(p, x, y), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(resize(p, xt, yt), FOVEA_OK) << fovea_last_error();
  for (int64_t i = 0; i < out; ++i) EXPECT_NEAR(y[i], yt[i], 1e-6);
  return y.values();
}

void expect_row(const fovea_resize_params& p, std::vector<float> expected, double digits = 5e-7) {
  on_every_isa([&] {
    const std::vector<float> y = row(p, {1, 2, 4, 8}, static_cast<int64_t>(expected.size()));
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(y[i], expected[i], digits * 8) << " element " << i;
  });
}

TEST(Resize, HasThePublishedVectors) {
  expect_row(mode(FOVEA_RESIZE_BILINEAR), {1, 1.25f, 1.75f, 2.5f, 3.5f, 5, 7, 8});
  expect_row(mode(FOVEA_RESIZE_BILINEAR), {1.5f, 6});
  expect_row(mode(FOVEA_RESIZE_BILINEAR), {1.1666667f, 3, 7.3333333f});
  expect_row(mode(FOVEA_RESIZE_BILINEAR, 1), {1, 1.4285714f, 1.8571429f, 2.5714286f, 3.4285714f, 4.5714286f, 6.2857143f, 8});
  expect_row(mode(FOVEA_RESIZE_BILINEAR, 1), {1});
  expect_row(mode(FOVEA_RESIZE_BICUBIC), {.894531f, 1.15625f, 1.5625f, 2.417969f, 3.160156f, 5.117188f, 7.164062f, 8.421875f});
  expect_row(mode(FOVEA_RESIZE_BICUBIC, 0, 0, -0.5f),
             {.929688f, 1.15625f, 1.65625f, 2.382812f, 3.335938f, 4.953125f, 7.234375f, 8.28125f});
  expect_row(mode(FOVEA_RESIZE_BILINEAR, 0, 1), {1.8571429f, 5.4285714f});
  expect_row(mode(FOVEA_RESIZE_BILINEAR, 0, 1), {1.3f, 3, 6.8f});
  expect_row(mode(FOVEA_RESIZE_BICUBIC, 0, 1, -0.5f), {1.5578512f, 5.7066116f});
  expect_row(mode(FOVEA_RESIZE_AREA), {1.5f, 6});
  expect_row(mode(FOVEA_RESIZE_AREA), {1.25f, 3, 7});
  // OpenCV's enlarging rule: a blend only where the output pixel straddles two source pixels.
  expect_row(mode(FOVEA_RESIZE_AREA), {1, 1, 2, 2, 4, 4, 8, 8});
  expect_row(mode(FOVEA_RESIZE_AREA), {1, 1.5f, 2, 4, 6, 8});
  expect_row(mode(FOVEA_RESIZE_AREA), {1, 2, 4, 8});
}

TEST(Resize, PicksTheNearestIndex) {
  const auto indices = [](int32_t m, int64_t in, int64_t out) {
    std::vector<float> x(static_cast<size_t>(in));
    for (int64_t i = 0; i < in; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i);
    return row(mode(m), x, out);
  };
  EXPECT_EQ(indices(FOVEA_RESIZE_NEAREST, 5, 3), (std::vector<float>{0, 1, 3}));
  EXPECT_EQ(indices(FOVEA_RESIZE_NEAREST_EXACT, 5, 3), (std::vector<float>{0, 2, 4}));
  EXPECT_EQ(indices(FOVEA_RESIZE_NEAREST, 3, 7), (std::vector<float>{0, 0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(indices(FOVEA_RESIZE_NEAREST_EXACT, 3, 7), (std::vector<float>{0, 0, 1, 1, 1, 2, 2}));
  for (int64_t in = 1; in < 60; ++in)
    for (int64_t out = 1; out < 60; out += 3) {
      const std::vector<float> legacy = indices(FOVEA_RESIZE_NEAREST, in, out),
                               exact = indices(FOVEA_RESIZE_NEAREST_EXACT, in, out);
      for (int64_t i = 0; i < out; ++i) {
        ASSERT_EQ(legacy[i], i * in / out);
        ASSERT_EQ(exact[i], (2 * i + 1) * in / (2 * out));
      }
    }
}

TEST(Resize, KeepsConstantsExactlyInBytes) {
  for (const fovea_resize_params& p : kModes)
    for (const int value : {1, 128, 255})
      on_every_isa([&] {
        Array<uint8_t> x({1, 37, 53, 3}), small({1, 11, 23, 3}), large({1, 41, 90, 3});
        Array<float> floats({1, 11, 23, 3});
        for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(value);
        for (Array<uint8_t>* y : {&small, &large}) {
          ASSERT_EQ(resize(p, x, *y), FOVEA_OK) << fovea_last_error();
          for (int64_t i = 0; i < y->size(); ++i) ASSERT_EQ((*y)[i], value);
        }
        ASSERT_EQ(resize(p, x, floats), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < floats.size(); ++i) ASSERT_NEAR(floats[i], value, value * 1e-6);
      });
}

TEST(Resize, RoundsHalvesToEvenAndSaturates) {
  on_every_isa([&] {
    Array<uint8_t> x({1, 1, 6, 1}), y({1, 1, 3, 1}), edge({1, 1, 4, 1}), wide({1, 1, 32, 1});
    x.assign({0, 1, 1, 2, 254, 255});
    ASSERT_EQ(resize(mode(FOVEA_RESIZE_AREA), x, y), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(y.values(), (std::vector<uint8_t>{0, 2, 254}));
    edge.assign({0, 0, 255, 255});  // bicubic overshoots on both sides
    ASSERT_EQ(resize(mode(FOVEA_RESIZE_BICUBIC), edge, wide), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(wide[8], 0);
    EXPECT_EQ(wide[23], 255);
  });
}

TEST(Resize, KeepsNaNInsideItsSupport) {
  Array<float> x({1, 6, 6, 1}), y({1, 3, 3, 1});
  x.fill(1);
  x[0] = NAN;
  for (const fovea_resize_params& p : {mode(FOVEA_RESIZE_AREA), mode(FOVEA_RESIZE_BILINEAR)}) {
    check(p, x, y, {0, 1e-6});
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_FALSE(std::isnan(y[1]));
  }
}

// A device repeats the vector bodies' weights and fused multiply-adds in their order.
TEST(Resize, DevicesEqualTheVectorBodies) {
  if (test_device() == nullptr || available_isas().back() == FOVEA_ISA_SCALAR)
    GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN and AVX2";
  for (const fovea_resize_params& p : kModes)
    for (const Sizes& s : kSizes) {
      SCOPED_TRACE(testing::Message() << "mode " << p.mode << " to " << s.out_h << "x" << s.out_w);
      Array<uint8_t> x({s.n, s.h, s.w, s.c}), bytes({s.n, s.out_h, s.out_w, s.c});
      Array<float> wide({s.n, s.h, s.w, s.c}), y({s.n, s.out_h, s.out_w, s.c});
      x.fill(4, 0, 256), wide.fill(5);
      fovea_resize_params scaled = p;
      scaled.scale = 0.0078125f, scaled.offset = -0.99609375f;
      const auto run = [&] {
        EXPECT_EQ(resize(p, x, bytes), FOVEA_OK) << fovea_last_error();
        EXPECT_EQ(resize(scaled, x, y), FOVEA_OK) << fovea_last_error();
        std::vector<float> all = y.values();
        EXPECT_EQ(resize(scaled, wide, y), FOVEA_OK) << fovea_last_error();
        for (const uint8_t v : bytes.values()) all.push_back(v);
        for (const float v : y.values()) all.push_back(v);
        return all;
      };
      const std::vector<float> expected = run();
      const OnDevice scope(test_device());
      EXPECT_EQ(run(), expected);
    }
}

TEST(Resize, RunsOnLessWorkspaceThanAskedFor) {
  // Scratch for one thread less than the pool has is enough: fewer threads are used.
  Array<uint8_t> x({1, 64, 64, 3});
  Array<float> y({1, 30, 30, 3}), z({1, 30, 30, 3});
  x.fill(1, 0, 255);
  const auto p = mode(FOVEA_RESIZE_AREA);
  const fovea_tensor xt = x.view(), yt = y.view(), zt = z.view();
  int64_t bytes = 0;
  ASSERT_EQ(fovea_resize_workspace(&p, &xt, &yt, &bytes), FOVEA_OK);
  fovea_thread_options pool{};
  ASSERT_EQ(fovea_threads_query(&pool), FOVEA_OK);
  const Workspace full(bytes), small(bytes - 64);
  const StreamPtr stream = make_stream();
  ASSERT_EQ(fovea_resize(&p, &xt, &yt, full.get(), stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_resize(&p, &xt, &zt, small.get(), stream.get()), pool.count > 1 ? FOVEA_OK : FOVEA_INVALID_ARGUMENT);
  if (pool.count > 1) {
    EXPECT_EQ(y.values(), z.values());
  }
  EXPECT_TRUE(small.guards_intact());
  const Workspace tiny(64);
  EXPECT_EQ(fovea_resize(&p, &xt, &yt, tiny.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_resize(&p, &xt, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
}

TEST(ResizeArguments, AreChecked) {
  Array<float> x({1, 8, 8, 3}), y({1, 4, 4, 3});
  Array<uint8_t> bytes({1, 4, 4, 3});
  Array<int32_t> integers({1, 4, 4, 3});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), yt = y.view(), bt = bytes.view(), it = integers.view();
  int64_t need = 0;
  const auto refuse = [&](const fovea_resize_params* p, const fovea_tensor* a, const fovea_tensor* b) {
    const Workspace workspace(1 << 16);
    EXPECT_EQ(fovea_resize_workspace(p, a, b, &need), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_resize(p, a, b, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  };
  const auto good = mode(FOVEA_RESIZE_AREA), unknown = mode(5), negative = mode(-1),
             nan = mode(FOVEA_RESIZE_BICUBIC, 0, 0, NAN);
  refuse(nullptr, &xt, &yt);
  refuse(&unknown, &xt, &yt);
  refuse(&negative, &xt, &yt);
  refuse(&nan, &xt, &yt);
  refuse(&good, nullptr, &yt);
  refuse(&good, &xt, nullptr);
  refuse(&good, &it, &yt);
  refuse(&good, &xt, &it);
  refuse(&good, &xt, &bt);
  EXPECT_STREQ(fovea_last_error(), "resize: no kernel from f32 to u8");
  for (const int64_t side : {int64_t{-1}, int64_t{1} << 25, INT64_MAX}) {
    fovea_tensor hostile = xt;
    hostile.shape[1] = side;
    refuse(&good, &hostile, &yt);
    refuse(&good, &xt, &hostile);
  }
  fovea_tensor channels = yt;
  channels.shape[3] = 2;
  refuse(&good, &xt, &channels);
  fovea_tensor flat = yt;
  flat.rank = 3;
  refuse(&good, &xt, &flat);
  EXPECT_EQ(fovea_resize_workspace(&good, &xt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_resize(&good, &xt, &yt, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
