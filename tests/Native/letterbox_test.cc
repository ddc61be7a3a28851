#include "every_isa.h"

using namespace fovea_test;

namespace {

fovea_letterbox_params letterbox(int32_t mode, int32_t x, int32_t y, int32_t w, int32_t h, int32_t reverse) {
  return {{mode, 0, 0, -0.75f, 9, 9}, x, y, w, h, reverse, 114, {103.5f, 116.25f, 123.75f, 1}, {0.017f, 0.0175f, 0.0171f, -2}};
}

template <class T>
void check(const fovea_letterbox_params& p, int64_t channels, int64_t h, int64_t w, int64_t out_h, int64_t out_w,
           int64_t x_extra = 0, int64_t y_extra = 0, const int32_t* live = nullptr) {
  SCOPED_TRACE(testing::Message() << "mode " << p.resize.mode << " channels " << channels << " place " << p.place_w << "x"
                                  << p.place_h << " reverse " << p.reverse_channels);
  Array<T> x({2, h, w, channels}, channels + x_extra);
  Array<float> y({2, out_h, out_w, channels}, channels + y_extra);
  x.fill(21, 0, 255);
  std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
  // 255e-6 for the resize (see resize_test.cc) times the largest scale, 2.
  check_kernel<float>(y, {0, 6e-4}, [&](fovea_stream* s) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor yt = y.view();
    int64_t bytes = 0;
    EXPECT_EQ(fovea_letterbox_workspace(&p, &xt, &yt, &bytes), FOVEA_OK) << fovea_last_error();
    workspaces.push_back(std::make_unique<Workspace>(bytes));
    return fovea_letterbox(&p, &xt, &yt, workspaces.back()->get(), s);
  });
  for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
  if (live != nullptr) {
    EXPECT_FALSE(std::isnan(y[out_h * out_w * channels - 1]));
    EXPECT_TRUE(std::isnan(y[out_h * out_w * channels]));
  }
}

TEST(Letterbox, MatchesReference) {
  for (const int32_t mode : {FOVEA_RESIZE_NEAREST, FOVEA_RESIZE_BILINEAR, FOVEA_RESIZE_BICUBIC, FOVEA_RESIZE_AREA})
    for (const int64_t channels : {1, 2, 3, 4})
      for (const int32_t reverse : {0, 1}) {
        check<uint8_t>(letterbox(mode, 0, 3, 17, 9, reverse), channels, 13, 23, 16, 17);
        check<float>(letterbox(mode, 5, 0, 7, 20, reverse), channels, 11, 4, 20, 19);
      }
  const Live live(1);
  check<uint8_t>(letterbox(FOVEA_RESIZE_AREA, 2, 1, 6, 5, 1), 3, 12, 13, 9, 8, 2, 3, live.get());
  check<uint8_t>(letterbox(FOVEA_RESIZE_BILINEAR, 0, 0, 8, 8, 1), 3, 8, 8, 8, 8);  // no padding at all
  check<uint8_t>(letterbox(FOVEA_RESIZE_BILINEAR, 3, 3, 0, 4, 1), 3, 8, 8, 8, 8);  // padding only
  check<uint8_t>(letterbox(FOVEA_RESIZE_BILINEAR, 0, 0, 0, 0, 0), 3, 8, 8, 0, 8);
  check<uint8_t>(letterbox(FOVEA_RESIZE_BILINEAR, 0, 0, 4, 4, 0), 0, 8, 8, 4, 4);
  check<float>(letterbox(FOVEA_RESIZE_BILINEAR, 0, 0, 4, 4, 0), 3, 0, 8, 4, 4);
}

TEST(Letterbox, PlacesReversesAndNormalises) {
  Array<uint8_t> x({1, 1, 2, 3});
  x.assign({10, 20, 30, 40, 50, 60});
  Array<float> y({1, 2, 4, 3});
  fovea_letterbox_params p{{FOVEA_RESIZE_NEAREST, 0, 0, -0.75f, 1, 0}, 1, 1, 2, 1, 1, 114, {10, 20, 30, 0}, {1, 2, 0.5f, 0}};
  on_every_isa([&] {
    const fovea_tensor xt = x.view(), yt = y.view();
    int64_t bytes = 0;
    ASSERT_EQ(fovea_letterbox_workspace(&p, &xt, &yt, &bytes), FOVEA_OK);
    const Workspace workspace(bytes);
    y.poison();
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, fovea_letterbox(&p, &xt, &yt, workspace.get(), stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 8; ++i) {
      const std::vector<float> expected = i == 5   ? std::vector<float>{20, 0, -10}
                                          : i == 6 ? std::vector<float>{50, 60, 5}
                                                   : std::vector<float>{104, 188, 42};
      for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(y[i * 3 + c], expected[static_cast<size_t>(c)]) << i;
    }
  });
}

TEST(LetterboxArguments, AreChecked) {
  Array<uint8_t> x({1, 8, 8, 3});
  Array<float> y({1, 6, 6, 3}), wide({1, 8, 8, 5}), wide_y({1, 6, 6, 5});
  const fovea_tensor xt = x.view(), yt = y.view(), wx = wide.view(), wy = wide_y.view();
  const StreamPtr stream = make_stream();
  int64_t bytes = 0;
  const auto refuse = [&](const fovea_letterbox_params& p, const fovea_tensor* a, const fovea_tensor* b) {
    const Workspace workspace(1 << 16);
    EXPECT_EQ(fovea_letterbox_workspace(&p, a, b, &bytes), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_letterbox(&p, a, b, workspace.get(), stream.get()), FOVEA_INVALID_ARGUMENT);
  };
  refuse(letterbox(9, 0, 0, 4, 4, 0), &xt, &yt);
  refuse(letterbox(2, -1, 0, 4, 4, 0), &xt, &yt);
  refuse(letterbox(2, 0, 0, -4, 4, 0), &xt, &yt);
  refuse(letterbox(2, INT32_MAX, 0, INT32_MAX, 4, 0), &xt, &yt);
  refuse(letterbox(2, 0, 0, 4, 4, 0), &wx, &wy);
  refuse(letterbox(2, 0, 0, 4, 4, 0), &xt, &xt);
  refuse(letterbox(2, 0, 0, 4, 4, 0), nullptr, &yt);
  refuse(letterbox(2, 0, 0, 4, 4, 0), &xt, nullptr);
  refuse(letterbox(2, 3, 0, 4, 4, 0), &xt, &yt);
  EXPECT_STREQ(fovea_last_error(), "letterbox: 4 x 4 (width x height) at 3, 0 does not fit y [1, 6, 6, 3] f32");
  const auto good = letterbox(2, 0, 0, 4, 4, 0);
  EXPECT_EQ(fovea_letterbox(&good, &xt, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_letterbox(nullptr, &xt, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_letterbox_workspace(&good, &xt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
