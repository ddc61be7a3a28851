#include "support.h"

#include <limits>

using namespace fovea_test;

namespace {

struct Type {
  const char* name;
  fovea_dtype dtype;
  int64_t size() const { return dtype.bits / 8; }
};
constexpr Type kTypes[] = {{"f32", {FOVEA_FLOAT, 32, 1}}, {"f16", {FOVEA_FLOAT, 16, 1}}, {"bf16", {FOVEA_BFLOAT, 16, 1}},
                           {"u8", {FOVEA_UINT, 8, 1}},    {"i32", {FOVEA_INT, 32, 1}},   {"i64", {FOVEA_INT, 64, 1}}};

// A tensor of any type, kept as bytes: every conversion is exact to the bit, so bytes are what tests compare.
struct Bytes {
  Array<uint8_t> bytes;
  fovea_tensor view;
  Bytes(const Type& type, int64_t rows, int64_t columns, int64_t pitch)
      : bytes({rows, columns * type.size()}, pitch * type.size()), view(bytes.view()) {
    view.dtype = type.dtype;
    view.shape[1] = columns;
    view.pitch = pitch;
  }
};

fovea_status copy(const Type& from, const void* x, const Type& to, void* y, int64_t n) {
  fovea_tensor xt{}, yt{};
  xt.data = const_cast<void*>(x), yt.data = y;
  xt.dtype = from.dtype, yt.dtype = to.dtype;
  xt.rank = yt.rank = 1;
  xt.shape[0] = yt.shape[0] = xt.pitch = yt.pitch = n;
  xt.device_type = yt.device_type = FOVEA_CPU;
  return fovea_copy(&xt, &yt, make_stream().get());
}

TEST(Copy, EveryPairMatchesReferenceBitForBit) {
  for (const Type& from : kTypes)
    for (const Type& to : kTypes)
      for (const auto& [rows, columns, x_pitch, y_pitch] :
           {std::array<int64_t, 4>{0, 3, 3, 3}, {1, 1, 1, 1}, {3, 37, 37, 37}, {5, 21, 24, 30}, {1, 40000, 40000, 40000}}) {
        SCOPED_TRACE(::testing::Message() << from.name << " to " << to.name << " " << rows << "x" << columns);
        Bytes x(from, rows, columns, x_pitch), y(to, rows, columns, y_pitch);
        x.bytes.fill(11, 0, 256);  // arbitrary bits: all exponents, infinities, quiet and signalling NaN
        check_kernel<uint8_t>(y.bytes, {0, 0}, [&](fovea_stream* s) { return fovea_copy(&x.view, &y.view, s); });
      }
}

template <class T, class U>
void expect_copy(const Type& from, const std::vector<T>& x, const Type& to, const std::vector<U>& expected) {
  SCOPED_TRACE(::testing::Message() << from.name << " to " << to.name);
  for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= available_isas().back(); ++isa) {
    const ForcedIsa forced(isa);
    std::vector<U> y(x.size());
    ASSERT_EQ(copy(from, x.data(), to, y.data(), static_cast<int64_t>(x.size())), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(y, expected) << isa_name(isa);
  }
}

TEST(Copy, KnownConversions) {
  const auto& [f32, f16, bf16, u8, i32, i64] = kTypes;
  const float inf = std::numeric_limits<float>::infinity();
  expect_copy<float, uint8_t>(f32, {-1, 0.5f, 1.5f, 2.5f, 254.5f, 255.5f, 1e9f, -inf, inf, NAN}, u8,
                              {0, 0, 2, 2, 254, 255, 255, 0, 255, 0});
  expect_copy<float, int32_t>(f32, {-1.9f, 1.9f, -0.5f, 3e9f, -3e9f, 2147483520.0f, -2147483648.0f, NAN}, i32,
                              {-1, 1, 0, INT32_MAX, INT32_MIN, 2147483520, INT32_MIN, 0});
  expect_copy<float, int64_t>(f32, {-1.9f, 3e9f, 1e30f, -1e30f, NAN}, i64, {-1, 3000000000, INT64_MAX, INT64_MIN, 0});
  // 1, the largest half, the first that rounds to infinity, the smallest subnormal, half of it (to even), 2049 (to even).
  expect_copy<float, uint16_t>(f32, {1, 65504, 65520, 65519.9f, 0x1p-24f, 0x1p-25f, 0x1.8p-24f, 2049, -0.0f, -inf}, f16,
                               {0x3C00, 0x7BFF, 0x7C00, 0x7BFF, 1, 0, 2, 0x6800, 0x8000, 0xFC00});
  expect_copy<float, uint16_t>(f32, {1, 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f, 3.4028235e38f, -inf}, bf16,
                               {0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x7F80, 0xFF80});
  expect_copy<uint16_t, float>(f16, {0x3C00, 0x7BFF, 1, 0x83FF, 0xFC00}, f32, {1, 65504, 0x1p-24f, -0x1.ff8p-15f, -inf});
  expect_copy<uint16_t, float>(bf16, {0x3F80, 0xC040}, f32, {1, -3});
  expect_copy<uint16_t, uint8_t>(f16, {0x3E00, 0x4100, 0x7C00}, u8, {2, 2, 255});  // 1.5 and 2.5
  expect_copy<int64_t, int32_t>(i64, {-1, (int64_t{1} << 32) + 7}, i32, {-1, 7});
  expect_copy<int32_t, uint8_t>(i32, {-1, 256, 255}, u8, {255, 0, 255});
  expect_copy<int32_t, float>(i32, {-3, 16777217}, f32, {-3, 16777216});
  expect_copy<uint8_t, int64_t>(u8, {0, 255}, i64, {0, 255});
}

TEST(Copy, HalvesSurviveTheRoundTrip) {
  const auto& [f32, f16, bf16, u8, i32, i64] = kTypes;
  for (const Type& type : {f16, bf16}) {
    std::vector<uint16_t> all(65536), back(65536);
    std::vector<float> wide(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
    for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= available_isas().back(); ++isa) {
      const ForcedIsa forced(isa);
      ASSERT_EQ(copy(type, all.data(), f32, wide.data(), 65536), FOVEA_OK);
      ASSERT_EQ(copy(f32, wide.data(), type, back.data(), 65536), FOVEA_OK);
      for (size_t i = 0; i < all.size(); ++i)
        if (!std::isnan(wide[i])) {
          ASSERT_EQ(back[i], all[i]) << type.name << " " << isa_name(isa);
        }
    }
  }
}

TEST(Copy, ChannelSlicesLiveRowsAndVectors) {
  // Two inputs into one buffer of 5 channels: concatenation.
  Array<float> a({2, 3, 2}), b({2, 3, 3}), joined({2, 3, 5});
  a.fill(1);
  b.fill(2);
  fovea_tensor left = joined.view(), right = joined.view();
  left.shape[2] = 2;
  right.shape[2] = 3;
  right.data = joined.data() + 2;
  const fovea_tensor at = a.view(), bt = b.view();
  const StreamPtr stream = make_stream();
  ASSERT_EQ(fovea_copy(&at, &left, stream.get()), FOVEA_OK) << fovea_last_error();
  ASSERT_EQ(fovea_copy(&bt, &right, stream.get()), FOVEA_OK) << fovea_last_error();
  for (int64_t p = 0; p < 6; ++p)
    for (int64_t c = 0; c < 5; ++c) EXPECT_EQ(joined[p * 5 + c], c < 2 ? a[p * 2 + c] : b[p * 3 + c - 2]);
  for (const int32_t isa : {0, 1}) {
    const ForcedIsa forced(isa);
    const StreamPtr local = make_stream();
    Array<float> x({5}), y({5});
    x.fill(3);
    y.poison();
    const int32_t live = 3;
    fovea_tensor xt = x.view();
    xt.live = &live;
    const fovea_tensor yt = y.view();
    ASSERT_EQ(fovea_copy(&xt, &yt, local.get()), FOVEA_OK);
    EXPECT_EQ(y[2], x[2]);
    EXPECT_TRUE(std::isnan(y[3]));
  }
}

TEST(Copy, ArgumentsAreChecked) {
  Array<float> x({4, 3}), y({3, 4});
  const fovea_tensor xt = x.view(), yt = y.view();
  fovea_tensor flag = xt;
  flag.dtype = {FOVEA_BOOL, 8, 1};
  const StreamPtr stream = make_stream();
  EXPECT_EQ(fovea_copy(&xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "copy: x is [4, 3] f32 but y is [3, 4] f32");
  EXPECT_EQ(fovea_copy(&xt, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_copy(&flag, &xt, stream.get()), FOVEA_UNSUPPORTED);
  EXPECT_STREQ(fovea_last_error(), "copy: cannot copy bool to f32");
  EXPECT_EQ(fovea_copy(nullptr, &xt, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
