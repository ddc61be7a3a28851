#include "every_isa.h"

using namespace fovea_test;

namespace {

TEST(BoxPoints, ConventionsOfMtcnnAndOfIntervals) {
  Array<float> boxes({1, 4}), points({1, 4}), y({1, 4});
  boxes.assign({11, 21, 30, 60});
  points.assign({0.5f, 1.0f, 0.25f, 0.75f});
  const auto place = [&](int32_t plus_one, int32_t planar) {
    const fovea_box_points_params p{plus_one, planar};
    check_kernel<float>(y, {0, 0}, [&](fovea_stream* s) {
      const fovea_tensor bt = boxes.view(), pt = points.view(), yt = y.view();
      return fovea_box_points(&p, &bt, &pt, &yt, s);
    });
    return y.values();
  };
  EXPECT_EQ(place(1, 1), (std::vector<float>{20, 30, 30, 50}));             // x 0.5 1, y 0.25 0.75; sides 20 x 40
  EXPECT_EQ(place(1, 0), (std::vector<float>{20, 60, 15, 50}));             // (0.5, 1), (0.25, 0.75)
  EXPECT_EQ(place(0, 0), (std::vector<float>{20.5f, 60, 15.75f, 50.25f}));  // sides 19 x 39
}

TEST(BoxPoints, TablesLiveRowsInPlaceAndEmpty) {
  constexpr int64_t n = 13;
  Array<float> table({n, 9}), points({n, 10}, 12), y({n, 10}, 11);
  const Live live(10);
  on_every_isa([&] {
    table.fill(1, 0, 100);
    points.fill(2, 0, 1);
    fovea_tensor boxes = table.view();
    boxes.shape[1] = 4;
    boxes.live = live.get();
    const fovea_tensor pt = points.view(), yt = y.view();
    const fovea_box_points_params interleaved{1, 0}, planar{1, 1};
    const StreamPtr stream = make_stream();
    y.poison();
    ASSERT_EQ(finish(stream, fovea_box_points(&planar, &boxes, &pt, &yt, stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t r = 0; r < n; ++r)
      for (int64_t k = 0; k < 10; ++k) {
        if (r >= 10) {
          EXPECT_TRUE(std::isnan(y[r * 10 + k]));
          continue;
        }
        const int64_t axis = k % 2;
        const double low = table[r * 9 + axis], high = table[r * 9 + axis + 2];
        EXPECT_NEAR(y[r * 10 + k], (high - low + 1) * points[r * 10 + axis * 5 + k / 2] + low - 1, 3e-5);
      }
    EXPECT_TRUE(y.guards_intact());
    ASSERT_EQ(finish(stream, fovea_box_points(&interleaved, &boxes, &pt, &yt, stream.get())), FOVEA_OK);
    ASSERT_EQ(finish(stream, fovea_box_points(&interleaved, &boxes, &pt, &pt, stream.get())), FOVEA_OK) << "in place";
    for (int64_t i = 0; i < 10 * 10; ++i) EXPECT_EQ(points[i], y[i]);
    EXPECT_EQ(fovea_box_points(&planar, &boxes, &pt, &pt, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), "box_points: points and y overlap in memory");
    Array<float> no_boxes({0, 4}), no_points({0, 10});
    const fovea_tensor nb = no_boxes.view(), np = no_points.view();
    EXPECT_EQ(fovea_box_points(&interleaved, &nb, &np, &np, stream.get()), FOVEA_OK);
  });
}

TEST(BoxPoints, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), odd({4, 5}), fewer({3, 4}), points({4, 6}), y({4, 6}), narrow({4, 4});
  const fovea_tensor bt = boxes.view(), ot = odd.view(), ft = fewer.view(), pt = points.view(), yt = y.view(),
                     nt = narrow.view();
  const StreamPtr stream = make_stream();
  const fovea_box_points_params p{};
  EXPECT_EQ(fovea_box_points(&p, &bt, &ot, &ot, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_points: points must be [4][2P], it is [4, 5] f32");
  EXPECT_EQ(fovea_box_points(&p, &bt, &ft, &ft, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_points(&p, &ot, &pt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_points(&p, &bt, &pt, &nt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_points(nullptr, &bt, &pt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
