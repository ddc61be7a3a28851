#include <limits>

#include "every_backend.h"

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
  Type type;
  int64_t columns, pitch;
  Bytes(const Type& t, int64_t rows, int64_t width, int64_t row_pitch)
      : bytes({rows, width * t.size()}, row_pitch * t.size()), type(t), columns(width), pitch(row_pitch) {}
  fovea_tensor view() {
    fovea_tensor v = bytes.view();
    v.dtype = type.dtype;
    v.shape[1] = columns;
    v.pitch = pitch;
    return v;
  }
};

// A row of x, copied to `to`.
template <class U, class T>
std::vector<U> copied(const Type& from, const std::vector<T>& x, const Type& to, fovea_stream* stream) {
  const auto n = static_cast<int64_t>(x.size());
  Bytes xb(from, 1, n, n), yb(to, 1, n, n);
  std::memcpy(xb.bytes.data(), x.data(), x.size() * sizeof(T));
  const fovea_tensor xt = xb.view(), yt = yb.view();
  EXPECT_EQ(finish(fovea_copy(&xt, &yt, stream), stream), FOVEA_OK) << fovea_last_error();
  std::vector<U> y(x.size());
  std::memcpy(y.data(), yb.bytes.data(), y.size() * sizeof(U));
  return y;
}

TEST(Copy, EveryPairMatchesReferenceBitForBit) {
  for (const Type& from : kTypes)
    for (const Type& to : kTypes)
      for (const auto& [rows, columns, x_pitch, y_pitch] :
           {std::array<int64_t, 4>{0, 3, 3, 3}, {1, 1, 1, 1}, {3, 37, 37, 37}, {5, 21, 24, 30}, {1, 40000, 40000, 40000}}) {
        if (test_device() != nullptr && columns > 1000 && from.size() != to.size()) continue;  // slow to emulate
        SCOPED_TRACE(::testing::Message() << from.name << " to " << to.name << " " << rows << "x" << columns);
        Bytes x(from, rows, columns, x_pitch), y(to, rows, columns, y_pitch);
        x.bytes.fill(11, 0, 256);  // arbitrary bits: all exponents, infinities, quiet and signalling NaN
        check_kernel<uint8_t>(y.bytes, {0, 0}, [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_copy(&xt, &yt, s);
        });
      }
}

template <class T, class U>
void expect_copy(const Type& from, const std::vector<T>& x, const Type& to, const std::vector<U>& expected) {
  SCOPED_TRACE(::testing::Message() << from.name << " to " << to.name);
  on_every_backend([&](fovea_stream* stream, bool) { EXPECT_EQ((copied<U>(from, x, to, stream)), expected); });
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
    std::vector<uint16_t> all(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
    on_every_backend([&](fovea_stream* stream, bool) {
      const std::vector<float> wide = copied<float>(type, all, f32, stream);
      const std::vector<uint16_t> back = copied<uint16_t>(f32, wide, type, stream);
      for (size_t i = 0; i < all.size(); ++i)
        if (!std::isnan(wide[i])) {
          ASSERT_EQ(back[i], all[i]) << type.name;
        }
    });
  }
}

TEST(Copy, ChannelSlicesLiveRowsAndVectors) {
  // Two inputs into one buffer of 5 channels: concatenation.
  Array<float> a({2, 3, 2}), b({2, 3, 3}), joined({2, 3, 5});
  a.fill(1);
  b.fill(2);
  on_every_backend([&](fovea_stream* stream, bool) {
    joined.poison();
    fovea_tensor left = joined.view(), right = joined.view();
    left.shape[2] = 2;
    right.shape[2] = 3;
    right.data = joined.data() + 2;
    const fovea_tensor at = a.view(), bt = b.view();
    ASSERT_EQ(finish(fovea_copy(&at, &left, stream), stream), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(fovea_copy(&bt, &right, stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t p = 0; p < 6; ++p)
      for (int64_t c = 0; c < 5; ++c) EXPECT_EQ(joined[p * 5 + c], c < 2 ? a[p * 2 + c] : b[p * 3 + c - 2]);
    Array<float> x({5}), y({5});
    Array<int32_t> live({1});
    x.fill(3);
    y.poison();
    live[0] = 3;
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor yt = y.view();
    ASSERT_EQ(finish(fovea_copy(&xt, &yt, stream), stream), FOVEA_OK);
    EXPECT_EQ(y[2], x[2]);
    EXPECT_TRUE(std::isnan(y[3]));
  });
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
