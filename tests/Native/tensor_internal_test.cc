// Reading tensor descriptors: every refusal with its sentence, hostile shapes, and which overlaps are allowed.
#include "core/tensor.h"

#include "support.h"

using namespace fovea_test;
using namespace fovea;

namespace {

alignas(64) float storage[256];

fovea_tensor tensor(std::vector<int64_t> shape, void* data = storage, int64_t pitch = 0) {
  fovea_tensor t{};
  t.data = data;
  t.rank = static_cast<int32_t>(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) t.shape[i] = shape[i];
  t.pitch = pitch != 0 ? pitch : shape.empty() ? 1 : shape.back();
  t.dtype = kF32;
  t.device_type = FOVEA_CPU;
  return t;
}

class TensorCheck : public ::testing::Test {
 protected:
  void refused(const fovea_tensor& t, const char* message, int rank = kAnyRank) {
    EXPECT_EQ(check_tensor("op", "x", &t, rank, kF32, stream_.get()), FOVEA_INVALID_ARGUMENT) << message;
    EXPECT_STREQ(fovea_last_error(), message);
  }
  void accepted(const fovea_tensor& t, int rank = kAnyRank) {
    EXPECT_EQ(check_tensor("op", "x", &t, rank, kF32, stream_.get()), FOVEA_OK) << fovea_last_error();
  }
  StreamPtr stream_ = make_stream();
};

TEST_F(TensorCheck, GoodOnesPass) {
  accepted(tensor({}));
  accepted(tensor({0}, nullptr));
  accepted(tensor({1}));
  accepted(tensor({2, 3, 4}));
  accepted(tensor({1, 1, 1, 1, 1, 1, 1, 5}));
  accepted(tensor({3, 4}, storage, 9), 2);
  accepted(tensor({4, 0, 7}, nullptr));
  accepted(tensor({int64_t{1} << 46}));
}

TEST_F(TensorCheck, NullsAreNamed) {
  const fovea_tensor t = tensor({1});
  EXPECT_EQ(check_tensor("op", "x", nullptr, kAnyRank, kF32, stream_.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: x is NULL");
  EXPECT_EQ(check_tensor("op", "x", &t, kAnyRank, kF32, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: stream is NULL");
  refused(tensor({2, 3}, nullptr), "op: x has no data: [2, 3] f32");
}

TEST_F(TensorCheck, RankAndDimensions) {
  fovea_tensor t = tensor({2});
  t.rank = -1;
  refused(t, "op: x has rank -1, allowed are 0 to 8");
  t.rank = 9;
  refused(t, "op: x has rank 9, allowed are 0 to 8");
  t.rank = INT32_MIN;
  refused(t, "op: x has rank -2147483648, allowed are 0 to 8");
  refused(tensor({2, 3}), "op: x must have rank 4, it is [2, 3] f32", 4);
  refused(tensor({2, -3}), "op: x has a negative dimension 1: [2, -3] f32");
}

TEST_F(TensorCheck, ProductsDoNotOverflow) {
  const int64_t big = int64_t{1} << 40;
  refused(tensor({big, big}), "op: x is too large: [1099511627776, 1099511627776] f32");
  refused(tensor({INT64_MAX}), "op: x is too large: [9223372036854775807] f32");
  // A kernel may multiply the other dimensions before it meets the 0.
  refused(tensor({0, big, big}), "op: x is too large: [0, 1099511627776, 1099511627776] f32");
  refused(tensor({big, 0, big}), "op: x is too large: [1099511627776, 0, 1099511627776] f32");
  refused(tensor({big, 1}, storage, big), "op: x has too large a pitch (1099511627776)");
  refused(tensor({0, 1}, storage, INT64_MAX), "op: x has too large a pitch (9223372036854775807)");
  refused(tensor({2, 1}, storage, INT64_MAX), "op: x has too large a pitch (9223372036854775807)");
}

TEST_F(TensorCheck, TheLongestShapeFitsItsMessage) {
  refused(tensor({INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}),
          "op: x has a negative dimension 0: [-9223372036854775808, -9223372036854775808, -9223372036854775808, "
          "-9223372036854775808, -9223372036854775808, -9223372036854775808, -9223372036854775808, -9223372036854775808] f32");
}

TEST_F(TensorCheck, PitchAlignmentTypeAndDevice) {
  refused(tensor({2, 8}, storage, 7), "op: x has pitch 7, smaller than its last dimension: [2, 8] f32");
  refused(tensor({2, 8}, storage, -8), "op: x has pitch -8, smaller than its last dimension: [2, 8] f32");
  refused(tensor({2}, reinterpret_cast<char*>(storage) + 2), "op: x is not aligned to its element size");
  fovea_tensor scalar = tensor({});
  scalar.pitch = 0;
  refused(scalar, "op: x has pitch 0, smaller than its last dimension: [] f32");

  fovea_tensor t = tensor({2});
  t.dtype = kU8;
  refused(t, "op: x must be f32, it is [2] u8");
  t.dtype = {FOVEA_FLOAT, 64, 1};
  refused(t, "op: x has an unknown data type (code 2, 64 bits, 1 lanes)");
  t.dtype = {FOVEA_FLOAT, 32, 4};
  refused(t, "op: x has an unknown data type (code 2, 32 bits, 4 lanes)");
  t.dtype = {FOVEA_FLOAT, 0, 1};
  refused(t, "op: x has an unknown data type (code 2, 0 bits, 1 lanes)");

  t = tensor({2});
  t.device_type = FOVEA_CUDA;
  t.device_id = 3;
  refused(t, "op: x is on cuda:3, the stream on cpu:0");
  t.device_type = 99;
  refused(t, "op: x is on unknown:3, the stream on cpu:0");
}

TEST_F(TensorCheck, LiveCounts) {
  alignas(8) int32_t live[2] = {1, 1};
  fovea_tensor t = tensor({4});
  t.live = live;
  accepted(t);
  t.live = reinterpret_cast<const int32_t*>(reinterpret_cast<const char*>(live) + 2);
  refused(t, "op: the live count of x is not aligned");
  t = tensor({});
  t.live = live;
  refused(t, "op: x has a live count but no leading dimension");
  EXPECT_EQ(live_rows(nullptr, 5), 5);
  for (const auto& [count, expected] : {std::pair<int32_t, int64_t>{-1, 0}, {0, 0}, {3, 3}, {5, 5}, {6, 5}, {INT32_MIN, 0}})
    EXPECT_EQ(live_rows(&count, 5), expected);
}

TEST_F(TensorCheck, EveryTypeOfTheAbiPassesTheGeneralCheck) {
  for (const fovea_dtype dtype : {kF32, kF16, kBF16, kU8, kI32, kI64, fovea_dtype{FOVEA_BOOL, 8, 1}}) {
    fovea_tensor t = tensor({2});
    t.dtype = dtype;
    EXPECT_EQ(check_any_tensor("op", "x", &t, 1, stream_.get()), FOVEA_OK) << fovea_last_error();
  }
}

TEST_F(TensorCheck, ChannelVectors) {
  const fovea_tensor good = tensor({7}), matrix = tensor({1, 7});
  EXPECT_EQ(check_channel_vector("op", "bias", nullptr, 7, stream_.get()), FOVEA_OK);
  EXPECT_EQ(check_channel_vector("op", "bias", &good, 7, stream_.get()), FOVEA_OK);
  EXPECT_EQ(check_channel_vector("op", "bias", &good, 8, stream_.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: bias has 7 channels, expected 8");
  EXPECT_EQ(check_channel_vector("op", "bias", &matrix, 7, stream_.get()), FOVEA_INVALID_ARGUMENT);
}

TEST(TensorShape, MustAgree) {
  EXPECT_EQ(check_same_shape("op", "x", tensor({2, 3}), "y", tensor({2, 3}, storage, 8)), FOVEA_OK);
  EXPECT_EQ(check_same_shape("op", "x", tensor({2, 3}), "y", tensor({3, 2})), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: x is [2, 3] f32 but y is [3, 2] f32");
  EXPECT_EQ(check_same_shape("op", "x", tensor({6}), "y", tensor({6, 1})), FOVEA_INVALID_ARGUMENT);
}

fovea_status overlap(const fovea_tensor& a, const fovea_tensor& b, bool in_place = false) {
  const fovea_status forward = check_no_overlap("op", "x", a, "y", b, in_place);
  EXPECT_EQ(check_no_overlap("op", "y", b, "x", a, in_place), forward) << "not symmetric";
  return forward;
}

TEST(TensorOverlap, SeparateAndTouchingAreFine) {
  EXPECT_EQ(overlap(tensor({4}, storage), tensor({4}, storage + 4)), FOVEA_OK);
  EXPECT_EQ(overlap(tensor({4}, storage), tensor({4}, storage + 100)), FOVEA_OK);
  EXPECT_EQ(overlap(tensor({3, 2}, storage, 8), tensor({2}, storage + 18)), FOVEA_OK);  // right after the last row
}

TEST(TensorOverlap, PartialIsRefused) {
  EXPECT_EQ(overlap(tensor({4}, storage), tensor({4}, storage + 3)), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(check_no_overlap("op", "x", tensor({4}), "y", tensor({4}, storage + 1), true), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: x and y overlap in memory");
}

TEST(TensorOverlap, InPlaceNeedsTheSamePitch) {
  EXPECT_EQ(overlap(tensor({3, 2}), tensor({3, 2}), false), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(overlap(tensor({3, 2}), tensor({3, 2}), true), FOVEA_OK);
  EXPECT_EQ(overlap(tensor({3, 2}), tensor({3, 2}, storage, 5), true), FOVEA_INVALID_ARGUMENT);
  fovea_tensor bytes = tensor({3, 2});
  bytes.dtype = kU8;
  EXPECT_EQ(overlap(tensor({3, 2}), bytes, true), FOVEA_INVALID_ARGUMENT);
}

TEST(TensorOverlap, InterleavedChannelSlices) {
  // Rows of 8: x has channels 0..2, y 3..7.
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({5, 5}, storage + 3, 8)), FOVEA_OK);
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({5, 5}, storage + 2, 8)), FOVEA_INVALID_ARGUMENT);
  // One channel too wide: it runs into the next row's first.
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({5, 6}, storage + 3, 8)), FOVEA_INVALID_ARGUMENT);
  // Shifted by whole rows, the slices stay disjoint.
  EXPECT_EQ(overlap(tensor({5, 3}, storage + 16, 8), tensor({5, 5}, storage + 3, 8)), FOVEA_OK);
  // Different pitches meet somewhere.
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({5, 5}, storage + 3, 9)), FOVEA_INVALID_ARGUMENT);
}

TEST(TensorOverlap, EmptyOnesNeverOverlap) {
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({0, 3}, storage + 4, 8)), FOVEA_OK);
  EXPECT_EQ(overlap(tensor({5, 3}, storage, 8), tensor({5, 0}, storage + 4)), FOVEA_OK);
}

TEST(TensorWorkspace, IsChecked) {
  alignas(64) char bytes[256];
  const fovea_workspace good{bytes, 256}, small{bytes, 100}, none{nullptr, 256}, odd{bytes + 32, 200}, negative{bytes, -1};
  EXPECT_EQ(check_workspace("op", nullptr, 0), FOVEA_OK);
  EXPECT_EQ(check_workspace("op", &good, 256), FOVEA_OK);
  EXPECT_EQ(check_workspace("op", nullptr, 128), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: needs a workspace of 128 bytes, got none");
  EXPECT_EQ(check_workspace("op", &none, 128), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(check_workspace("op", &small, 128), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: workspace has 100 bytes, needs 128");
  EXPECT_EQ(check_workspace("op", &negative, 128), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(check_workspace("op", &odd, 128), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "op: workspace is not 64-byte aligned");
}

TEST(TensorDescribe, FourFitInOneMessage) {
  const char* a = describe(tensor({1}));
  const char* b = describe(tensor({2, 2}));
  const char* c = describe(tensor({}));
  const char* d = describe(tensor({4}));
  EXPECT_STREQ(a, "[1] f32");
  EXPECT_STREQ(b, "[2, 2] f32");
  EXPECT_STREQ(c, "[] f32");
  EXPECT_STREQ(d, "[4] f32");
}

}  // namespace
