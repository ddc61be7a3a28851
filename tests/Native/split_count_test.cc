#include "support.h"

using namespace fovea_test;

namespace {

TEST(SplitCount, FillsChunksInOrder) {
  Array<int32_t> count({1}), counts({4});
  const auto split = [&](int32_t total) {
    count[0] = total;
    check_kernel<int32_t>(counts, {0, 0}, [&](fovea_stream* s) {
      const fovea_tensor ct = count.view(), st = counts.view();
      return fovea_split_count(8, &ct, &st, s);
    });
    return counts.values();
  };
  EXPECT_EQ(split(0), (std::vector<int32_t>{0, 0, 0, 0}));
  EXPECT_EQ(split(8), (std::vector<int32_t>{8, 0, 0, 0}));
  EXPECT_EQ(split(19), (std::vector<int32_t>{8, 8, 3, 0}));
  EXPECT_EQ(split(1000), (std::vector<int32_t>{8, 8, 8, 8}));
  EXPECT_EQ(split(-3), (std::vector<int32_t>{0, 0, 0, 0}));
}

TEST(SplitCount, ArgumentsAreChecked) {
  Array<int32_t> count({1}), counts({4}), none({0});
  Array<float> floats({4});
  count[0] = 5;
  const fovea_tensor ct = count.view(), st = counts.view(), ft = floats.view(), nt = none.view();
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_split_count(8, &ct, &nt, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_split_count(0, &ct, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "split_count: chunk is 0, it must be positive");
  EXPECT_EQ(fovea_split_count(8, &st, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_split_count(8, &ct, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_split_count(8, &ct, &ft, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_split_count(8, nullptr, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
