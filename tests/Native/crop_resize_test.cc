#include <array>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

fovea_crop_resize_params crop(int32_t mode, int32_t plus_one = 0, float pad = 0, float scale = 1, float offset = 0,
                              int32_t antialias = 0, int32_t align_corners = 0) {
  return {{mode, align_corners, antialias, -0.75f, scale, offset}, plus_one, pad};
}

// Weights and sums are rounded to f32 a few times per tap: 1e-6 of the largest value that takes part, per axis.
constexpr Tolerance kTolerance{0, 1e-3};

// Ordinary, ragged, enlarging, straddling every border, outside, empty, reversed, non-finite and gigantic boxes.
const std::vector<float> kBoxes = {
    3,      4,    27, 28,    0,     0,     61,    45,   10.25f, 7.5f, 17.75f, 31.125f, -20, -13, 30, 37,      50,
    33,     90,   70, -5,    -5,    70,    50,    -40,  -30,    -2,   -1,     60,      44,  61,  45, 20.5f,   9,
    20.75f, 9.5f, 5,  5,     5,     20,    20,    10,   10,     20,   NAN,    0,       10,  10,  0,  0,       INFINITY,
    5,      0,    0,  1e30f, 1e30f, -2e4f, -2e4f, 2e4f, 2e4f,   7,    -3,     60,      2,   30,  20, 30.001f, 20.001f};

template <class T>
void check(const fovea_crop_resize_params& p, int64_t channels, int64_t out_h, int64_t out_w, int64_t x_pitch = 0,
           int64_t y_pitch = 0) {
  SCOPED_TRACE(testing::Message() << "mode " << p.resize.mode << " channels " << channels << " to " << out_h << "x" << out_w
                                  << " antialias " << p.resize.antialias << " plus one " << p.plus_one);
  const int64_t count = static_cast<int64_t>(kBoxes.size()) / 4;
  Array<T> x({2, 45, 61, channels}, x_pitch);
  Array<float> boxes({count, 4}, 5), y({count, out_h, out_w, channels}, y_pitch);
  Array<int32_t> image({count});
  x.fill(11, 0, 255);
  boxes.assign(kBoxes);
  for (int64_t i = 0; i < count; ++i) image[i] = i == 3 ? 7 : static_cast<int32_t>(i % 2);  // 7 does not exist: padding
  check_kernel<float>(y, kTolerance, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), bt = boxes.view(), it = image.view(), yt = y.view();
    return fovea_crop_resize(&p, &xt, &bt, &it, &yt, s);
  });
}

TEST(CropResize, MatchesReference) {
  for (const int32_t mode : {FOVEA_RESIZE_NEAREST, FOVEA_RESIZE_NEAREST_EXACT, FOVEA_RESIZE_BILINEAR, FOVEA_RESIZE_AREA})
    for (const int64_t channels : {1, 3, 4, 5, 18}) {
      if (test_device() != nullptr && channels != 3 && (channels != 18 || mode != FOVEA_RESIZE_AREA)) continue;
      check<uint8_t>(crop(mode, 0, 99), channels, 24, 24);
      check<float>(crop(mode, 1, -3, 0.5f, 7), channels, 7, 13);
    }
  for (const int32_t align_corners : {0, 1}) {
    check<uint8_t>(crop(FOVEA_RESIZE_BILINEAR, 0, 5, 1, 0, 1, align_corners), 3, 9, 5);
    check<float>(crop(FOVEA_RESIZE_BILINEAR, 0, 5, 1, 0, 0, align_corners), 3, 48, 1);
  }
}

TEST(CropResize, TakesLargePitchedAndEmptyTensors) {
  check<uint8_t>(crop(FOVEA_RESIZE_AREA), 3, 5, 301);  // several column chunks
  check<uint8_t>(crop(FOVEA_RESIZE_AREA), 3, 11, 12, 5, 8);
  check<float>(crop(FOVEA_RESIZE_BILINEAR), 9, 6, 5, 10, 21);
  check<float>(crop(FOVEA_RESIZE_AREA), test_device() == nullptr ? 700 : 280, 2,
               2);  // a sample's source row does not fit: its definition is used
  check<float>(crop(FOVEA_RESIZE_AREA), 3, 0, 4);
  check<float>(crop(FOVEA_RESIZE_AREA), 0, 3, 4);
}

TEST(CropResize, CropsPaddingFromEmptyImages) {
  for (const auto& [n, h, w] : std::vector<std::array<int64_t, 3>>{{0, 4, 4}, {1, 0, 4}, {1, 4, 0}}) {
    Array<uint8_t> x({n, h, w, 3});
    Array<float> boxes({2, 4}), y({2, 3, 5, 3});
    boxes.assign({0, 0, 9, 8, -3, -3, 1, 1});
    const auto p = crop(FOVEA_RESIZE_AREA, 0, 6, 2, 1);
    check_kernel<float>(y, {}, [&](fovea_stream* s) {
      fovea_tensor xt = x.view();
      xt.data = nullptr;
      const fovea_tensor bt = boxes.view(), yt = y.view();
      return fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, s);
    });
    EXPECT_EQ(y[0], 13);
  }
}

TEST(CropResize, TakesVeryWideImages) {
  Array<uint8_t> x({1, 600, 5000, 1});
  Array<float> boxes({2, 4}), y({2, 2, 3, 1});
  x.fill(2, 0, 255);
  boxes.assign({0, 0, 5000, 600, 100, 1, 4900, 599});
  // On a device one mode is enough: a million taps take a second there.
  const std::vector<fovea_crop_resize_params> modes =
      test_device() == nullptr ? std::vector{crop(FOVEA_RESIZE_AREA), crop(FOVEA_RESIZE_BILINEAR, 0, 0, 1, 0, 1)}
                               : std::vector{crop(FOVEA_RESIZE_AREA)};
  if (test_device() != nullptr) boxes.assign({0, 0, 5000, 60, 100, 1, 4900, 59});
  for (const auto& p : modes)
    check_kernel<float>(y, kTolerance, [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), bt = boxes.view(), yt = y.view();
      return fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, s);
    });
}

// Crops of image[i] for one box, on the current device.
std::vector<float> one(const fovea_crop_resize_params& p, Array<float>& x, std::vector<float> box, int64_t h, int64_t w) {
  Array<float> boxes({1, 4}), y({1, h, w, x.last()});
  boxes.assign(box);
  const fovea_tensor xt = x.view(), bt = boxes.view(), yt = y.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(finish(stream, fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, stream.get())), FOVEA_OK) << fovea_last_error();
  return y.values();
}

TEST(CropResize, AveragesIntervalsAndBlendsAsOpenCV) {
  on_every_isa([&] {
    Array<float> x({1, 1, 4, 1});
    x.assign({1, 2, 4, 8});
    const auto area = crop(FOVEA_RESIZE_AREA);
    EXPECT_EQ(one(area, x, {0, 0, 4, 1}, 1, 2), (std::vector<float>{1.5f, 6}));
    const auto three = one(area, x, {0, 0, 4, 1}, 1, 3);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(three[i], (std::vector<float>{1.25f, 3, 7})[i], 1e-6);
    EXPECT_EQ(one(area, x, {0.5f, 0, 3.5f, 1}, 1, 1), (std::vector<float>{(0.5f + 2 + 4 + 4) * (1 / 3.0f)}));
    EXPECT_EQ(one(area, x, {0, 0, 4, 1}, 1, 8), (std::vector<float>{1, 1, 2, 2, 4, 4, 8, 8}));
    EXPECT_EQ(one(area, x, {0, 0, 4, 1}, 1, 6), (std::vector<float>{1, 1.5f, 2, 4, 6, 8}));
    EXPECT_EQ(one(area, x, {1, 0, 3, 1}, 1, 3), (std::vector<float>{2, 3, 4}));  // nothing from outside the box
  });
}

TEST(CropResize, PadsBeforeScaleAndOffset) {
  on_every_isa([&] {
    Array<float> x({1, 2, 2, 1});
    x.assign({10, 20, 30, 40});
    // The MTCNN normalisation: padding of 0 becomes -0.99609375, and half of a pixel over the edge is half padding.
    const auto p = crop(FOVEA_RESIZE_AREA, 1, 0, 0.0078125f, -0.99609375f);
    EXPECT_EQ(one(p, x, {-9, -9, -5, -5}, 1, 1), (std::vector<float>{-0.99609375f}));
    EXPECT_EQ(one(p, x, {1, 1, 2, 2}, 1, 1), (std::vector<float>{25 * 0.0078125f - 0.99609375f}));
    EXPECT_EQ(one(p, x, {0, 1, 1, 1}, 1, 1), (std::vector<float>{5 * 0.0078125f - 0.99609375f}));
    const auto q = crop(FOVEA_RESIZE_AREA, 0, 100);
    EXPECT_EQ(one(q, x, {-1, 0, 1, 1}, 1, 1), (std::vector<float>{55}));
    EXPECT_EQ(one(q, x, {-1, -1, 1, 1}, 2, 2), (std::vector<float>{100, 100, 100, 10}));
  });
}

TEST(CropResize, KeepsPaddingAndNeighboursOut) {
  Array<float> x({1, 4, 4, 1});
  x.fill(3);
  x[0] = NAN;
  const auto p = crop(FOVEA_RESIZE_AREA, 0, INFINITY);
  on_every_isa([&] {
    const std::vector<float> y = one(p, x, {0, 0, 4, 4}, 2, 2);
    EXPECT_TRUE(std::isnan(y[0]));
    for (int i = 1; i < 4; ++i) EXPECT_TRUE(std::isfinite(y[i]));
  });
}

TEST(CropResize, KeepsConstants) {
  on_every_isa([&] {
    Array<float> x({1, 33, 47, 3});
    for (int64_t i = 0; i < x.size(); ++i) x[i] = 200;
    for (const int32_t mode : {FOVEA_RESIZE_NEAREST, FOVEA_RESIZE_BILINEAR, FOVEA_RESIZE_AREA})
      for (const float v : one(crop(mode, 0, 200), x, {-7.3f, 2.1f, 50.9f, 40}, 13, 29)) EXPECT_NEAR(v, 200, 1e-4);
  });
}

// A crop of an integer box is a crop with padding followed by fovea_resize, up to f32 rounding (values to 130).
TEST(CropResize, EqualsPaddingThenResize) {
  Array<uint8_t> x({1, 45, 61, 3});
  x.fill(13, 0, 256);
  const fovea_tensor xt = x.view();
  const StreamPtr stream = make_stream();
  for (const int32_t isa : {0, 1, 2, 3}) {
    if (isa > available_isas().back()) continue;
    const ForcedIsa forced(isa);
    for (const auto& [mode, align_corners, antialias] : std::vector<std::array<int32_t, 3>>{{FOVEA_RESIZE_NEAREST, 0, 0},
                                                                                            {FOVEA_RESIZE_NEAREST_EXACT, 0, 0},
                                                                                            {FOVEA_RESIZE_BILINEAR, 0, 0},
                                                                                            {FOVEA_RESIZE_BILINEAR, 1, 0},
                                                                                            {FOVEA_RESIZE_BILINEAR, 0, 1},
                                                                                            {FOVEA_RESIZE_AREA, 0, 0}})
      for (const auto& [x1, y1, x2, y2] : std::vector<std::array<int64_t, 4>>{
               {3, 4, 40, 31}, {-9, -4, 20, 50}, {55, 40, 70, 49}, {7, 8, 20, 19}, {0, 0, 61, 45}, {30, 30, 31, 31}}) {
        Array<uint8_t> padded({1, y2 - y1, x2 - x1, 3});
        for (int64_t v = y1; v < y2; ++v)
          for (int64_t u = x1; u < x2; ++u)
            for (int64_t c = 0; c < 3; ++c)
              padded[((v - y1) * (x2 - x1) + u - x1) * 3 + c] =
                  v >= 0 && v < 45 && u >= 0 && u < 61 ? x[(v * 61 + u) * 3 + c] : 77;
        Array<float> expected({1, 24, 24, 3});
        const auto p = crop(mode, 1, 77, 0.5f, -3, antialias, align_corners);
        const fovea_tensor pt = padded.view(), et = expected.view();
        int64_t bytes = 0;
        ASSERT_EQ(fovea_resize_workspace(&p.resize, &pt, &et, &bytes), FOVEA_OK);
        const Workspace workspace(bytes);
        ASSERT_EQ(fovea_resize(&p.resize, &pt, &et, workspace.get(), stream.get()), FOVEA_OK) << fovea_last_error();
        Array<float> boxes({1, 4}), y({1, 24, 24, 3});
        boxes.assign({static_cast<float>(x1 + 1), static_cast<float>(y1 + 1), static_cast<float>(x2), static_cast<float>(y2)});
        const fovea_tensor bt = boxes.view(), yt = y.view();
        ASSERT_EQ(fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, stream.get()), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < y.size(); ++i)
          ASSERT_NEAR(y[i], expected[i], 2e-4) << isa_name(isa) << " mode " << mode << " box " << x1 << " at " << i;
      }
  }
}

TEST(CropResize, LiveBoxesLimitTheWork) {
  Array<float> x({1, 8, 8, 3}), boxes({3, 4}), y({3, 4, 4, 3});
  x.fill(1);
  boxes.assign({0, 0, 8, 8, 1, 1, 5, 5, 0, 0, 4, 4});
  const Live live(2);
  const auto p = crop(FOVEA_RESIZE_AREA);
  check_kernel<float>(y, kTolerance, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), yt = y.view();
    fovea_tensor bt = boxes.view();
    bt.live = live.get();
    return fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, s);
  });
  EXPECT_FALSE(std::isnan(y[2 * 48 - 1]));
  EXPECT_TRUE(std::isnan(y[2 * 48]));
}

// A device repeats the vector bodies' weights and fused multiply-adds in their order, for every kind of box.
TEST(CropResize, DevicesEqualTheVectorBodies) {
  if (test_device() == nullptr || available_isas().back() == FOVEA_ISA_SCALAR)
    GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN and AVX2";
  const int64_t count = static_cast<int64_t>(kBoxes.size()) / 4;
  Array<uint8_t> x({1, 45, 61, 3});
  Array<float> wide({1, 45, 61, 3}), boxes({count, 4}), y({count, 24, 37, 3});
  x.fill(11, 0, 256), wide.fill(12), boxes.assign(kBoxes);
  for (const auto& p : {crop(FOVEA_RESIZE_NEAREST, 1, 9), crop(FOVEA_RESIZE_BILINEAR, 0, 5, 0.5f, 7),
                        crop(FOVEA_RESIZE_BILINEAR, 0, 5, 1, 0, 1), crop(FOVEA_RESIZE_AREA, 1, 3, 0.0078125f, -0.99609375f)}) {
    const auto run = [&] {
      std::vector<float> all;
      for (const bool bytes : {true, false}) {
        const StreamPtr stream = make_stream();
        const fovea_tensor xt = bytes ? x.view() : wide.view(), bt = boxes.view(), yt = y.view();
        EXPECT_EQ(finish(stream, fovea_crop_resize(&p, &xt, &bt, nullptr, &yt, stream.get())), FOVEA_OK) << fovea_last_error();
        for (const float v : y.values()) all.push_back(v);
      }
      return all;
    };
    const std::vector<float> expected = run();
    const OnDevice scope(test_device());
    EXPECT_EQ(run(), expected) << "mode " << p.resize.mode;
  }
}

TEST(CropResizeArguments, AreChecked) {
  Array<float> x({1, 8, 8, 3}), boxes({2, 4}), narrow({2, 3}), y({2, 4, 4, 3}), wrong({3, 4, 4, 3}), channels({2, 4, 4, 2});
  Array<int32_t> integers({1, 8, 8, 3}), image({3});
  const StreamPtr stream = make_stream();
  fovea_tensor xt = x.view(), bt = boxes.view(), nt = narrow.view(), yt = y.view(), wt = wrong.view(), ct = channels.view(),
               it = integers.view(), mt = image.view();
  const auto area = crop(FOVEA_RESIZE_AREA), cubic = crop(FOVEA_RESIZE_BICUBIC);
  const auto call = [&](const fovea_crop_resize_params* p, fovea_tensor* a, fovea_tensor* b, fovea_tensor* c, fovea_tensor* d) {
    return fovea_crop_resize(p, a, b, c, d, stream.get());
  };
  EXPECT_EQ(call(&area, &xt, &bt, nullptr, &yt), FOVEA_OK);
  EXPECT_EQ(call(nullptr, &xt, &bt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&cubic, &xt, &bt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, nullptr, &bt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, &it, &bt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, &xt, &nt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, &xt, &bt, &mt, &yt), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, &xt, &bt, nullptr, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&area, &xt, &bt, nullptr, &wt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "crop_resize: 2 boxes, but y is [3, 4, 4, 3] f32");
  yt.data = bt.data;
  EXPECT_EQ(call(&area, &xt, &bt, nullptr, &yt), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
