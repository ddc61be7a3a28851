#include <array>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr std::array<int32_t, 3> kModes{FOVEA_ROI_ALIGN, FOVEA_ROI_ALIGN_MAX, FOVEA_ROI_POOL};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

fovea_roi_align_params roi(int32_t mode, float scale, int32_t ratio, int32_t aligned) { return {mode, scale, ratio, aligned}; }

// Inside, across each edge, outside, empty, reversed, larger than the map, at the ends of the sampled range, and not finite.
const std::vector<float> kBoxes{1.2f,  0.7f, 9.4f,  7.1f,  -3, -2.5f, 4,    3.3f, 6,     2,   40,  30, 50, 60,   70,    80,
                                5,     5,    5,     5,     8,  7,     3,    2,    -90,   -70, 120, 95, -1, -1,   0,     0,
                                10.5f, 8.5f, 12.5f, 10.5f, 0,  0,     kNaN, 4,    -kInf, 0,   3,   3,  2,  0.5f, 2.25f, 9};
constexpr int64_t kCount = 12;

struct Rois {
  Array<float> boxes{{kCount, 4}, 6};
  Array<int32_t> images{{kCount}};
  Array<int64_t> wide_images{{kCount}};
  Rois() {
    boxes.assign(kBoxes);
    images.assign({0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0});
    for (int64_t i = 0; i < kCount; ++i) wide_images[i] = images[i];
  }
};

struct Size {
  int64_t height, width, channels, bins_h, bins_w;
};
// Channels beside a vector, a group of vectors and a GPU's block; bins beside the tile; one bin with more samples than a table
// holds; a map of one cell.
const std::vector<Size> kSizes{{9, 11, 1, 2, 3}, {9, 11, 19, 3, 2}, {8, 10, 70, 1, 18}, {40, 37, 5, 1, 1}, {1, 1, 3, 2, 2}};

std::ostream& operator<<(std::ostream& o, const Size& s) {
  return o << s.height << 'x' << s.width << 'x' << s.channels << " to " << s.bins_h << 'x' << s.bins_w;
}

// A mean of values below 1 in magnitude, with weights that sum to at most 1: each table entry, product and sum rounds 2^-24 of
// the running sum, and a bin has at most 42 + 42 of them in a row (cells of an axis of the largest map). The maxima are one
// product of a weight of three roundings.
Tolerance tolerance(int32_t mode) {
  return {0, mode == FOVEA_ROI_POOL ? 0 : mode == FOVEA_ROI_ALIGN ? 96 * 0x1p-24 : 4 * 0x1p-24};
}

void check(const fovea_roi_align_params& p, const Size& size, int64_t gap = 0) {
  SCOPED_TRACE(testing::Message() << size << ", mode " << p.mode << ", ratio " << p.sampling_ratio << ", aligned "
                                  << p.aligned);
  Rois rois;
  Array<float> x({2, size.height, size.width, size.channels}, size.channels + gap);
  Array<float> y({kCount, size.bins_h, size.bins_w, size.channels}, size.channels + gap);
  x.fill(1);
  check_kernel<float>(y, tolerance(p.mode), [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), b = rois.boxes.view(), i = rois.images.view(), yt = y.view();
    return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
  });
}

TEST(RoiAlign, MatchesReference) {
  for (const int32_t mode : kModes)
    for (const Size& size : kSizes)
      for (const int32_t aligned : {0, 1}) {
        if (test_device() != nullptr && aligned != mode % 2) continue;  // the geometry is the CPU's
        check(roi(mode, 1, 2, aligned), size);
        check(roi(mode, 0.37f, 0, aligned), size, 3);
      }
  check(roi(FOVEA_ROI_ALIGN, 1, 77, 1), {9, 11, 19, 1, 2});  // three tables of samples along both axes
  check(roi(FOVEA_ROI_ALIGN_MAX, 1, 77, 1), {9, 11, 19, 1, 2});
}

std::vector<float> pooled(const fovea_roi_align_params& p, const std::vector<float>& box, int64_t side,
                          const std::vector<float>& map, int64_t bins) {
  Array<float> x({1, side, side, 1}), boxes({1, 4}), y({1, bins, bins, 1});
  x.assign(map), boxes.assign(box);
  check_kernel<float>(y, {0x1p-22, 0x1p-22}, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), b = boxes.view(), yt = y.view();
    return fovea_roi_align(&p, &xt, &b, nullptr, &yt, s);
  });
  return y.values();
}

TEST(RoiAlign, HasKnownValues) {
  std::vector<float> ramp(16);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i);
  EXPECT_EQ(pooled(roi(FOVEA_ROI_ALIGN, 1, 2, 1), {0, 0, 3, 3}, 4, ramp, 2), (std::vector<float>{1.5625f, 3, 7.3125f, 8.75f}));
  EXPECT_EQ(pooled(roi(FOVEA_ROI_ALIGN, 1, 2, 0), {0, 0, 3, 3}, 4, ramp, 2), (std::vector<float>{3.75f, 5.25f, 9.75f, 11.25f}));
  EXPECT_EQ(pooled(roi(FOVEA_ROI_POOL, 1, 0, 0), {0, 0, 2, 2}, 4, ramp, 2), (std::vector<float>{5, 6, 9, 10}));
  // Halves are rounded up, not to even: 0.5 .. 2.5 covers the cells 1 .. 3.
  EXPECT_EQ(pooled(roi(FOVEA_ROI_POOL, 1, 0, 0), {0.5f, 0.5f, 2.5f, 2.5f}, 4, ramp, 1), (std::vector<float>{15}));
  // One sample at (0.75, 0.75): the largest product is 0.75 * 0.75 * 5, and not the interpolated 3.75.
  EXPECT_EQ(pooled(roi(FOVEA_ROI_ALIGN_MAX, 1, 1, 0), {0.25f, 0.25f, 1.25f, 1.25f}, 4, ramp, 1), (std::vector<float>{2.8125f}));
  // A zero share of a corner takes part in the maximum.
  EXPECT_EQ(pooled(roi(FOVEA_ROI_ALIGN_MAX, 1, 1, 0), {0.5f, 0.5f, 1.5f, 1.5f}, 2, {-1, -2, -3, -4}, 1),
            (std::vector<float>{0}));
}

// However large the box, it has no more than 2^20 samples.
TEST(RoiAlign, BoundsTheWork) {
  Array<float> x({1, 4, 4, 1}), boxes({2, 4}), y({2, 1, 1, 1});
  x.assign(std::vector<float>(16, 1.0f));
  boxes.assign({0, 0, 3e38f, 3e38f, -3e38f, -3e38f, 3e38f, 3e38f});
  for (const int32_t mode : kModes)
    for (const int32_t ratio : {0, INT32_MAX}) {
      const fovea_roi_align_params p = roi(mode, 1e30f, ratio, 1);
      if (test_device() != nullptr && (ratio != 0 || mode == FOVEA_ROI_ALIGN_MAX)) continue;
      check_kernel<float>(y, tolerance(mode), [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), b = boxes.view(), yt = y.view();
        return fovea_roi_align(&p, &xt, &b, nullptr, &yt, s);
      });
    }
}

TEST(RoiAlign, KeepsNaN) {
  Rois rois;
  for (const int32_t mode : kModes) {
    const fovea_roi_align_params p = roi(mode, 1, 2, 1);
    Array<float> x({2, 9, 11, 21}), y({kCount, 2, 2, 21});
    x.fill(2);
    for (int64_t c = 0; c < 21; c += 2) x[(3 * 11 + 4) * 21 + c] = kNaN;
    check_kernel<float>(y, tolerance(mode), [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), b = rois.boxes.view(), i = rois.images.view(), yt = y.view();
      return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
    });
    int64_t nans = 0;
    for (int64_t i = 0; i < 4 * 21; ++i) nans += std::isnan(y[i]);
    EXPECT_GE(nans, 11);
  }
}

TEST(RoiAlign, TakesImagesOfBothWidthsAndRefusesOthers) {
  Rois rois;
  rois.wide_images[1] = 2, rois.wide_images[4] = -1, rois.wide_images[6] = int64_t{1} << 32;
  for (const int32_t mode : kModes) {
    const fovea_roi_align_params p = roi(mode, 1, 0, 1);
    Array<float> x({2, 9, 11, 4}), y({kCount, 2, 2, 4}), narrow({kCount, 2, 2, 4});
    x.fill(3);
    check_kernel<float>(narrow, tolerance(mode), [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), b = rois.boxes.view(), i = rois.images.view(), yt = narrow.view();
      return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
    });
    check_kernel<float>(y, tolerance(mode), [&](fovea_stream* s) {
      const fovea_tensor xt = x.view(), b = rois.boxes.view(), i = rois.wide_images.view(), yt = y.view();
      return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
    });
    for (int64_t r = 0; r < kCount; ++r)
      for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(y[r * 16 + i], r == 1 || r == 4 || r == 6 ? 0 : narrow[r * 16 + i]) << r;
  }
}

TEST(RoiAlign, LiveBoxesLimitTheWork) {
  Rois rois;
  Live live(3);
  const fovea_roi_align_params p = roi(FOVEA_ROI_ALIGN, 1, 2, 1);
  Array<float> x({2, 9, 11, 4}), y({kCount, 2, 2, 4});
  x.fill(4);
  check_kernel<float>(y, tolerance(p.mode), [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), i = rois.images.view(), yt = y.view();
    fovea_tensor b = rois.boxes.view();
    b.live = live.get();
    return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
  });
  EXPECT_FALSE(std::isnan(y[3 * 16 - 1]));
  EXPECT_TRUE(std::isnan(y[3 * 16]));
}

TEST(RoiAlign, TakesEmptyTensors) {
  for (const int32_t mode : kModes)
    for (const auto& [n, h, w, c, r, bins] : std::vector<std::array<int64_t, 6>>{{0, 4, 4, 3, 2, 2},
                                                                                 {1, 0, 4, 3, 2, 2},
                                                                                 {1, 4, 0, 3, 2, 2},
                                                                                 {1, 4, 4, 0, 2, 2},
                                                                                 {1, 4, 4, 3, 0, 2},
                                                                                 {1, 4, 4, 3, 2, 0}}) {
      const fovea_roi_align_params p = roi(mode, 1, 0, 0);
      Array<float> x({n, h, w, c}), boxes({r, 4}), y({r, bins, bins, c}), dx({n, h, w, c});
      x.fill(5), boxes.fill(6, 0, 2);
      check_kernel<float>(y, {}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), b = boxes.view(), yt = y.view();
        return fovea_roi_align(&p, &xt, &b, nullptr, &yt, s);
      });
      for (const float v : y.values()) EXPECT_TRUE(h * w * n > 0 || v == 0);
      const Workspace space(4096);
      check_kernel<float>(dx, {}, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), b = boxes.view(), dy = y.view(), dxt = dx.view();
        return fovea_roi_align_backward(&p, &xt, &b, nullptr, &dy, &dxt, space.get(), s);
      });
      for (const float v : dx.values()) EXPECT_EQ(v, 0);
    }
}

// Backward owns its views and workspace per call.
fovea_status backward(const fovea_roi_align_params& p, Array<float>* x, Rois& rois, Array<float>& dy, Array<float>& dx,
                      Workspace& space, fovea_stream* s) {
  const fovea_tensor b = rois.boxes.view(), i = rois.images.view(), dyt = dy.view(), dxt = dx.view();
  const fovea_tensor xt = x == nullptr ? fovea_tensor{} : x->view();
  return fovea_roi_align_backward(&p, x == nullptr ? nullptr : &xt, &b, &i, &dyt, &dxt, space.get(), s);
}
int64_t backward_bytes(const fovea_roi_align_params& p, Array<float>& dy, Array<float>& dx) {
  const fovea_tensor dyt = dy.view(), dxt = dx.view();
  int64_t bytes = -1;
  EXPECT_EQ(fovea_roi_align_backward_workspace(&p, &dyt, &dxt, &bytes), FOVEA_OK) << fovea_last_error();
  return bytes;
}
// Workspaces of the CPU and of the device under test differ.
void check_backward(const fovea_roi_align_params& p, Array<float>* x, Rois& rois, Array<float>& dy, Array<float>& dx,
                    Tolerance allowed) {
  Workspace cpu_space(backward_bytes(p, dy, dx));
  std::unique_ptr<Workspace> device_space;
  if (test_device() != nullptr) {
    const OnDevice scope(test_device());
    device_space = std::make_unique<Workspace>(backward_bytes(p, dy, dx));
  }
  check_kernel<float>(dx, allowed, [&](fovea_stream* s) {
    return backward(p, x, rois, dy, dx, current_device() == nullptr ? cpu_space : *device_space, s);
  });
  EXPECT_TRUE(cpu_space.guards_intact());
  EXPECT_TRUE(device_space == nullptr || device_space->guards_intact());
}

// A cell gets at most the dy of all bins, 12 * 36 values below 1 whose weights sum to at most 1 a bin, each rounded thrice.
Tolerance backward_tolerance(const Size& s) { return {0, static_cast<double>(kCount * s.bins_h * s.bins_w) * 0x1p-22}; }

TEST(RoiAlignBackward, MatchesReference) {
  for (const int32_t mode : kModes)
    for (const Size& size : kSizes)
      for (const int32_t ratio : {0, 2}) {
        SCOPED_TRACE(testing::Message() << size << ", mode " << mode << ", ratio " << ratio);
        Rois rois;
        const int64_t gap = ratio == 0 ? 3 : 0;
        Array<float> x({2, size.height, size.width, size.channels}, size.channels + gap);
        Array<float> dx({2, size.height, size.width, size.channels}, size.channels + gap);
        Array<float> dy({kCount, size.bins_h, size.bins_w, size.channels}, size.channels + gap);
        x.fill(7), dy.fill(8);
        check_backward(roi(mode, ratio == 0 ? 0.37f : 1, ratio, ratio == 0), mode == FOVEA_ROI_ALIGN ? nullptr : &x, rois, dy,
                       dx, backward_tolerance(size));
      }
}

TEST(RoiAlignBackward, ManySamplesOfABin) {
  const Size size{9, 11, 19, 1, 2};
  for (const int32_t mode : {FOVEA_ROI_ALIGN, FOVEA_ROI_ALIGN_MAX}) {
    Rois rois;
    Array<float> x({2, 9, 11, 19}), dx({2, 9, 11, 19}), dy({kCount, 1, 2, 19});
    x.fill(9), dy.fill(10);
    check_backward(roi(mode, 1, 77, 1), &x, rois, dy, dx, backward_tolerance(size));
  }
}

// The slope of sum(y * dy), which is linear in x for the mean, and for the maxima while the winners stay: the values of x are
// multiples of 2^-6 in an order without ties, and half a step of 2^-12 cannot make a smaller product the larger one... unless
// two products of different weights lie that close, which the data does not have: both slopes are asked for.
TEST(RoiAlignBackward, IsTheSlope) {
  constexpr float step = 0x1p-12f;
  Rois rois;
  for (const int32_t mode : kModes) {
    const fovea_roi_align_params p = roi(mode, 1, 2, 1);
    Array<float> x({2, 6, 7, 2}), dx({2, 6, 7, 2}), dy({kCount, 2, 3, 2}), y({kCount, 2, 3, 2});
    dy.fill(11);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 59 % x.size() - 40) * 0x1p-6f;
    check_backward(p, &x, rois, dy, dx, backward_tolerance({6, 7, 2, 2, 3}));
    const ForcedIsa reference(FOVEA_ISA_REFERENCE);
    const auto loss = [&](float moved, int64_t i) {
      const float before = std::exchange(x[i], moved);
      const fovea_tensor xt = x.view(), b = rois.boxes.view(), images = rois.images.view(), yt = y.view();
      EXPECT_EQ(fovea_roi_align(&p, &xt, &b, &images, &yt, make_stream().get()), FOVEA_OK);
      x[i] = before;
      double sum = 0;
      for (int64_t k = 0; k < y.size(); ++k) sum += static_cast<double>(y[k]) * static_cast<double>(dy[k]);
      return sum;
    };
    // y is rounded to 2^-24 of values up to 2: over the step of 2^-11 that is 2^-12 for each of the few bins that see the cell.
    for (int64_t i = 0; i < x.size(); ++i) {
      const double slope = (loss(x[i] + step, i) - loss(x[i] - step, i)) / (2 * static_cast<double>(step));
      EXPECT_TRUE(near(static_cast<double>(dx[i]), slope, 0, 16 * 0x1p-12)) << "mode " << mode << ", element " << i;
    }
  }
}

TEST(RoiAlignBackward, TiesGoToTheFirst) {
  Rois rois;
  rois.boxes.assign(std::vector<float>(kBoxes.size(), kNaN));
  for (int64_t i = 0; i < 4; ++i) rois.boxes[i] = i < 2 ? 0.0f : 3.0f;
  Array<float> x({1, 4, 4, 1}), dx({1, 4, 4, 1}), dy({kCount, 1, 1, 1});
  x.assign({1, 1, 1, 1, 1, 7, 7, 1, 1, 7, 7, 1, 1, 1, 1, 1});
  dy.assign(std::vector<float>(kCount, 3.0f));
  check_backward(roi(FOVEA_ROI_POOL, 1, 0, 0), &x, rois, dy, dx, {});
  std::vector<float> expected(16);
  expected[5] = 3;
  EXPECT_EQ(dx.values(), expected);
}

TEST(RoiAlignBackward, LiveBoxesLimitTheWork) {
  Rois rois;
  Live live(2);
  const fovea_roi_align_params p = roi(FOVEA_ROI_ALIGN, 1, 2, 1);
  Array<float> dy({kCount, 2, 2, 4}), dx({2, 9, 11, 4});
  dy.fill(12);
  for (int64_t i = 2 * 16; i < dy.size(); ++i) dy[i] = kNaN;
  Workspace space(1 << 16);
  check_kernel<float>(dx, backward_tolerance({9, 11, 4, 2, 2}), [&](fovea_stream* s) {
    const fovea_tensor i = rois.images.view(), dyt = dy.view(), dxt = dx.view();
    fovea_tensor b = rois.boxes.view();
    b.live = live.get();
    return fovea_roi_align_backward(&p, nullptr, &b, &i, &dyt, &dxt, space.get(), s);
  });
  for (const float v : dx.values()) EXPECT_FALSE(std::isnan(v));
}

// Sums are f32 in every type, rounded once as the reference's are: twice half a unit in the last place.
template <class T>
void check_narrow(double relative) {
  for (const int32_t mode : kModes)
    for (const int64_t channels : {3, 16}) {
      SCOPED_TRACE(testing::Message() << "mode " << mode << ", channels " << channels);
      const fovea_roi_align_params p = roi(mode, 1, 2, 1);
      Rois rois;
      Array<float> x({2, 9, 11, channels}), y({kCount, 2, 3, channels}), dx({2, 9, 11, channels});
      Array<T> narrow_x({2, 9, 11, channels}, channels + 8), narrow_y({kCount, 2, 3, channels}, channels + 8);
      Array<T> narrow_dy({kCount, 2, 3, channels}, channels + 8), narrow_dx({2, 9, 11, channels}, channels + 8);
      Array<float> dy({kCount, 2, 3, channels});
      narrow_x.fill(13), narrow_dy.fill(14);
      for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(narrow_x[i]);
      for (int64_t i = 0; i < dy.size(); ++i) dy[i] = static_cast<float>(narrow_dy[i]);
      const fovea_tensor xt = x.view(), b = rois.boxes.view(), i = rois.images.view();
      check_narrow_kernel<T>(
          narrow_y, y, {relative, 1e-6},
          [&](fovea_stream* s) {
            const fovea_tensor yt = y.view();
            return fovea_roi_align(&p, &xt, &b, &i, &yt, s);
          },
          [&](fovea_stream* s) {
            const fovea_tensor nx = narrow_x.view(), nb = rois.boxes.view(), ni = rois.images.view(), ny = narrow_y.view();
            return fovea_roi_align(&p, &nx, &nb, &ni, &ny, s);
          });
      Workspace space(1 << 20);
      check_narrow_kernel<T>(
          narrow_dx, dx, {relative, 2e-5}, [&](fovea_stream* s) { return backward(p, &x, rois, dy, dx, space, s); },
          [&](fovea_stream* s) {
            const fovea_tensor nx = narrow_x.view(), nb = rois.boxes.view(), ni = rois.images.view();
            const fovea_tensor ndy = narrow_dy.view(), ndx = narrow_dx.view();
            return fovea_roi_align_backward(&p, &nx, &nb, &ni, &ndy, &ndx, space.get(), s);
          });
    }
}
TEST(RoiAlign, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(RoiAlign, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(RoiAlignArguments, AreChecked) {
  Array<float> x({1, 4, 4, 3}), boxes({2, 4}), y({2, 2, 2, 3}), thin({2, 5}), other({2, 2, 2, 4});
  Array<int32_t> images({2}), more({3});
  const fovea_tensor xt = x.view(), b = boxes.view(), yt = y.view(), i = images.view(), m = more.view(), t = thin.view(),
                     o = other.view();
  const StreamPtr stream = make_stream();
  const fovea_roi_align_params good = roi(FOVEA_ROI_ALIGN_MAX, 1, 0, 1);
  const auto refuse = [&](const fovea_roi_align_params& p, const fovea_tensor* x_, const fovea_tensor* boxes_,
                          const fovea_tensor* images_, const fovea_tensor* y_) {
    EXPECT_EQ(fovea_roi_align(&p, x_, boxes_, images_, y_, stream.get()), FOVEA_INVALID_ARGUMENT);
    Workspace space(4096);
    EXPECT_EQ(fovea_roi_align_backward(&p, x_, boxes_, images_, y_, x_, space.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  };
  refuse(roi(3, 1, 0, 1), &xt, &b, &i, &yt);
  EXPECT_STREQ(fovea_last_error(), "roi_align_backward: unknown mode 3");
  refuse(roi(0, 0, 0, 1), &xt, &b, &i, &yt);
  refuse(roi(0, kNaN, 0, 1), &xt, &b, &i, &yt);
  refuse(roi(0, kInf, 0, 1), &xt, &b, &i, &yt);
  refuse(roi(0, 1, -1, 1), &xt, &b, &i, &yt);
  refuse(good, nullptr, &b, &i, &yt);
  refuse(good, &xt, nullptr, &i, &yt);
  refuse(good, &xt, &t, &i, &yt);
  refuse(good, &xt, &b, &m, &yt);
  EXPECT_STREQ(fovea_last_error(), "roi_align_backward: 2 boxes, but images is [3] i32");
  refuse(good, &xt, &b, &i, nullptr);
  refuse(good, &xt, &b, &i, &o);
  refuse(good, &xt, &b, &b, &yt);
  refuse(good, &yt, &b, &i, &yt);
  EXPECT_EQ(fovea_roi_align(nullptr, &xt, &b, &i, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_roi_align(&good, &xt, &b, &i, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
  Array<float> dx({1, 4, 4, 3});
  const fovea_tensor dxt = dx.view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_roi_align_backward_workspace(&good, &yt, &dxt, &bytes), FOVEA_OK);
  EXPECT_EQ(bytes, 2 * 2 * 2 * 3 * 8);
  EXPECT_EQ(fovea_roi_align_backward_workspace(&good, &o, &dxt, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_roi_align_backward_workspace(&good, nullptr, &dxt, &bytes), FOVEA_INVALID_ARGUMENT);
  const Workspace space(bytes - 1);
  EXPECT_EQ(fovea_roi_align_backward(&good, nullptr, &b, &i, &yt, &dxt, space.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "roi_align_backward: x is NULL, but a maximum needs it");
  EXPECT_NE(fovea_roi_align_backward(&good, &xt, &b, &i, &yt, &dxt, space.get(), stream.get()), FOVEA_OK);
}

}  // namespace
