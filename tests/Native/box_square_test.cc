#include "every_isa.h"

using namespace fovea_test;

namespace {

std::vector<float> square(const std::vector<float>& box, int32_t rounding) {
  Array<float> boxes({1, 4}), y({1, 4});
  boxes.assign(box);
  // One body for all instruction sets; the check runs it captured and under thread limits.
  check_kernel<float>(y, {0, 0}, [&](fovea_stream* s) {
    const fovea_tensor bt = boxes.view(), yt = y.view();
    return fovea_box_square(rounding, &bt, &yt, s);
  });
  return y.values();
}

TEST(BoxSquare, GrowsTheShorterSideAboutTheCentre) {
  EXPECT_EQ(square({10, 20, 30, 30}, 0), (std::vector<float>{10, 15, 30, 35}));
  EXPECT_EQ(square({10, 20, 15, 31}, 0), (std::vector<float>{7, 20, 18, 31}));
  EXPECT_EQ(square({-3, -4, -3, -4}, 0), (std::vector<float>{-3, -4, -3, -4}));
  // Truncation after the square is complete, toward zero on both sides of it.
  EXPECT_EQ(square({0.75f, 0.5f, 1.25f, 4.25f}, FOVEA_ROUNDING_TRUNCATE), (std::vector<float>{0, 0, 2, 4}));
  EXPECT_EQ(square({-4.75f, -1.5f, -0.25f, 3.0f}, 1), (std::vector<float>{-4, -1, 0, 3}));
  // Nearest: the first corner and the side, so the result stays square.
  EXPECT_EQ(square({0.75f, 0.5f, 1.25f, 4.25f}, FOVEA_ROUNDING_NEAREST), (std::vector<float>{-1, 0, 3, 4}));
}

TEST(BoxSquare, NanSpreadsOverTheBox) {
  for (const auto& box : {std::vector<float>{NAN, 0, 4, 4}, {0, 0, 4, NAN}})
    for (const float v : square(box, FOVEA_ROUNDING_TRUNCATE)) EXPECT_TRUE(std::isnan(v));
}

TEST(BoxSquare, InPlaceColumnsLiveRowsAndEmpty) {
  Array<float> table({9, 9}), none({0, 4});
  const Live live(7);
  on_every_isa([&] {
    table.fill(4, -50, 50);
    const std::vector<float> before = table.values();
    fovea_tensor boxes = table.view();
    boxes.shape[1] = 4;
    boxes.live = live.get();
    const fovea_tensor nt = none.view();
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, fovea_box_square(0, &boxes, &boxes, stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t r = 0; r < 9; ++r)
      for (int64_t c = 0; c < 9; ++c) {
        const float* old = before.data() + r * 9;
        const float w = old[2] - old[0], h = old[3] - old[1], side = std::max(w, h);
        const float x1 = old[0] + (w - side) / 2, y1 = old[1] + (h - side) / 2;
        const float wanted[4] = {x1, y1, x1 + side, y1 + side};
        EXPECT_EQ(table[r * 9 + c], c < 4 && r < 7 ? wanted[c] : old[c]);
      }
    EXPECT_EQ(finish(stream, fovea_box_square(0, &nt, &nt, stream.get())), FOVEA_OK);
  });
}

TEST(BoxSquare, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), three({4, 3}), fewer({3, 4});
  const fovea_tensor bt = boxes.view(), tt = three.view(), ft = fewer.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_box_square(0, &tt, &tt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_square(0, &bt, &ft, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_square: boxes is [4, 4] f32 but y is [3, 4] f32");
  EXPECT_EQ(fovea_box_square(0, nullptr, &bt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_square(0, &bt, &bt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
