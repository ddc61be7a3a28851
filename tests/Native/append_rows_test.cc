#include "every_isa.h"

using namespace fovea_test;

namespace {

TEST(AppendRows, PicksLiveIndicesAndSkipsPadding) {
  Array<float> x({4, 3}, 5), y({5, 3}, 4);
  x.fill(1);
  Array<int32_t> indices({6}), count({1});
  indices.assign({2, -1, 0, 7, 2, 1});  // 7 is no row: skipped like padding
  const Live live(5);                   // the last index is not live
  check_kernel<float>(y, {0, 0}, [&](fovea_stream* s) {
    count[0] = 1;
    const fovea_tensor xt = x.view(), yt = y.view(), ct = count.view();
    fovea_tensor it = indices.view();
    it.live = live.get();
    return fovea_append_rows(&xt, &it, &yt, &ct, s);
  });
  EXPECT_EQ(count[0], 4);
  const int64_t picked[] = {2, 0, 2};
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(y[(r + 1) * 3 + c], x[picked[r] * 3 + c]);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[12])) << "other rows are left alone";
  EXPECT_TRUE(count.guards_intact());
}

TEST(AppendRows, WithoutIndicesTakesLiveRowsUpToTheCapacity) {
  Array<int32_t> x({6, 2, 2}, 3), y({7, 2, 2}, 5), count({1});
  x.fill(2, -1000, 1000);
  const Live live(4);
  on_every_isa([&] {
    fovea_tensor xt = x.view();
    xt.live = live.get();
    const fovea_tensor yt = y.view(), ct = count.view();
    const StreamPtr stream = make_stream();
    count[0] = 0;
    ASSERT_EQ(finish(stream, fovea_append_rows(&xt, nullptr, &yt, &ct, stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(count[0], 4);
    ASSERT_EQ(finish(stream, fovea_append_rows(&xt, nullptr, &yt, &ct, stream.get())), FOVEA_OK);
    EXPECT_EQ(count[0], 7) << "one row too many is dropped";
    for (int64_t r = 0; r < 7; ++r)
      for (int64_t c = 0; c < 4; ++c) EXPECT_EQ(y[r * 4 + c], x[r % 4 * 4 + c]);
    EXPECT_TRUE(y.guards_intact());
  });
}

// More picks than the block of a device takes at once, more elements than it has threads.
TEST(AppendRows, ManyPicksKeepTheirOrder) {
  Array<int32_t> x({700, 3}), indices({1100}), y({900, 3}), count({1});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<int32_t>(i);
  for (int64_t i = 0; i < 1100; ++i) indices[i] = i % 11 == 3 ? -1 : static_cast<int32_t>(i * 37 % 700);
  for (const int32_t before : {0, 17, 890}) {
    check_kernel<int32_t>(y, {0, 0}, [&](fovea_stream* s) {
      count[0] = before;
      const fovea_tensor xt = x.view(), it = indices.view(), yt = y.view(), ct = count.view();
      return fovea_append_rows(&xt, &it, &yt, &ct, s);
    });
    EXPECT_EQ(count[0], 900);
    int64_t at = before;
    for (int64_t i = 0; i < 1100 && at < 900; ++i)
      if (indices[i] >= 0) {
        EXPECT_EQ(y[at++ * 3 + 2], x[indices[i] * 3 + 2]);
      }
  }
}

TEST(AppendRows, CountsOutsideTheTableAreClamped) {
  Array<float> x({2}), y({3});  // vectors: a row is one element
  x.assign({1, 2});
  Array<int32_t> count({1});
  on_every_isa([&] {
    const fovea_tensor xt = x.view(), yt = y.view(), ct = count.view();
    const StreamPtr stream = make_stream();
    count[0] = 99;
    ASSERT_EQ(finish(stream, fovea_append_rows(&xt, nullptr, &yt, &ct, stream.get())), FOVEA_OK);
    EXPECT_EQ(count[0], 3);
    count[0] = -5;
    ASSERT_EQ(finish(stream, fovea_append_rows(&xt, nullptr, &yt, &ct, stream.get())), FOVEA_OK);
    EXPECT_EQ(count[0], 2);
    EXPECT_EQ(y[1], 2.0f);
  });
}

TEST(AppendRows, EmptyShapesComputeNothing) {
  Array<float> none({0, 3}), thin({4, 0}, 5), y({3, 3}), thin_y({3, 0}, 7);
  Array<int32_t> count({1}), indices({0});
  on_every_isa([&] {
    const fovea_tensor nt = none.view(), yt = y.view(), ct = count.view(), it = indices.view();
    fovea_tensor tt = thin.view(), tyt = thin_y.view();
    tt.data = tyt.data = nullptr;
    const StreamPtr stream = make_stream();
    count[0] = 1;
    EXPECT_EQ(finish(stream, fovea_append_rows(&nt, nullptr, &yt, &ct, stream.get())), FOVEA_OK);
    EXPECT_EQ(fovea_append_rows(&yt, &it, &yt, &ct, stream.get()), FOVEA_INVALID_ARGUMENT) << "x and y are one table";
    EXPECT_EQ(count[0], 1);
    EXPECT_EQ(finish(stream, fovea_append_rows(&tt, nullptr, &tyt, &ct, stream.get())), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(count[0], 3);
  });
}

TEST(AppendRows, ArgumentsAreChecked) {
  Array<float> x({4, 3}), y({5, 2}), good({5, 3});
  Array<int32_t> indices({2}), count({1}), count2({2});
  Array<uint8_t> bytes({4, 3});
  const fovea_tensor xt = x.view(), yt = y.view(), gt = good.view(), it = indices.view(), ct = count.view(), c2 = count2.view(),
                     bt = bytes.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_append_rows(&xt, &it, &yt, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "append_rows: rows of x ([4, 3] f32) and y ([5, 2] f32) differ");
  EXPECT_EQ(fovea_append_rows(&xt, &it, &gt, &c2, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_append_rows(&xt, &xt, &gt, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_append_rows(&bt, &it, &bt, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_append_rows(&xt, &it, nullptr, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_append_rows(&xt, &it, &gt, &ct, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
