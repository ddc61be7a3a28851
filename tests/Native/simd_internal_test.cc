// core/simd.h on every instruction set against plain C++, and the accuracy of exp over its whole range.
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <limits>

#include "simd_bodies.h"
#include "support.h"

using namespace fovea_test;

namespace {

struct Bodies {
  const char* name;
  int (*lanes)();
  void (*run)(const SimdInput&, SimdOutput&);
  void (*partial)(const float*, int, float*, float*);
  void (*exp)(const float*, float*, int64_t);
};
#define BODIES(isa) \
  Bodies { #isa, isa::simd_lanes, isa::simd_run, isa::simd_partial, isa::simd_exp }

std::vector<Bodies> available() {
  const Bodies all[] = {BODIES(scalar), BODIES(avx2), BODIES(avx512)};
  const std::vector<int32_t> isas = available_isas();
  return std::vector<Bodies>(all, all + isas.size());
}

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
const float kSpecial[] = {0.0f,  -0.0f, 1.0f,   -1.0f, 0.5f,   -0.5f,  1.5f,   2.5f,          -2.5f,       kInf,
                          -kInf, kNan,  1e-40f, 3e38f, -3e38f, 2.1e9f, 2.2e9f, -2147483648.f, 16777217.0f, 0.49999997f};
constexpr int kSpecials = sizeof kSpecial / sizeof kSpecial[0];

SimdInput make_input(uint64_t& state) {
  const auto next = [&] { return state ^= state << 13, state ^= state >> 7, state ^= state << 17; };
  // Half special values, half ordinary ones.
  const auto value = [&] {
    const uint64_t r = next();
    return r & 1 ? kSpecial[(r >> 8) % kSpecials] : static_cast<float>(static_cast<int32_t>(r >> 32)) * 1e-7f;
  };
  SimdInput in{};
  for (int k = 0; k < kMostLanes; ++k) {
    in.a[k] = value(), in.b[k] = next() % 5 == 0 ? in.a[k] : value(), in.c[k] = value();
    in.i[k] = static_cast<int32_t>(next()), in.j[k] = next() % 4 == 0 ? in.i[k] : static_cast<int32_t>(next());
    in.bytes[k] = static_cast<uint8_t>(next() >> 13);
    in.index[k] = static_cast<int32_t>(next() % 64);
  }
  for (float& t : in.table) t = value();
  return in;
}

// Same bits; any NaN equals any other.
bool same(float x, float y) { return std::isnan(x) ? std::isnan(y) : std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y); }
#define EXPECT_SAME(x, y) EXPECT_TRUE(same(x, y)) << #x " is " << (x) << ", expected " << (y) << " in lane " << k

int32_t wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(x))); }

void compare(const SimdInput& in, const SimdOutput& out, int lanes) {
  for (int k = 0; k < lanes; ++k) {
    const float a = in.a[k], b = in.b[k], c = in.c[k];
    const int32_t i = in.i[k], j = in.j[k];
    EXPECT_SAME(out.zero[k], 0.0f);
    EXPECT_SAME(out.set[k], 2.5f);
    EXPECT_SAME(out.add[k], a + b);
    EXPECT_SAME(out.sub[k], a - b);
    EXPECT_SAME(out.mul[k], a * b);
    EXPECT_SAME(out.div[k], a / b);
    // One rounding in the vector sets, two in scalar.
    EXPECT_SAME(out.fma[k], lanes == 1 ? a * b + c : std::fma(a, b, c));
    EXPECT_SAME(out.fnma[k], lanes == 1 ? c - a * b : std::fma(-a, b, c));
    EXPECT_SAME(out.max[k], a > b ? a : b);  // the second operand when either is NaN or both are zeros
    EXPECT_SAME(out.min[k], a < b ? a : b);
    EXPECT_SAME(out.sqrt[k], std::sqrt(a));
    EXPECT_SAME(out.abs[k], std::fabs(a));
    EXPECT_SAME(out.floor[k], std::floor(a));
    EXPECT_SAME(out.ceil[k], std::ceil(a));
    EXPECT_SAME(out.round[k], std::nearbyint(a));
    EXPECT_SAME(out.select[k], a < b ? b : c);
    EXPECT_SAME(out.u8[k], static_cast<float>(in.bytes[k]));
    EXPECT_SAME(out.gather[k], in.table[in.index[k]]);
    EXPECT_SAME(out.to_float[k], static_cast<float>(i));
    EXPECT_SAME(out.as_float[k], std::bit_cast<float>(i));
    EXPECT_EQ(out.seti[k], -7);
    EXPECT_EQ(out.iota[k], k);
    EXPECT_EQ(out.addi[k], wrap(int64_t{i} + j));
    EXPECT_EQ(out.subi[k], wrap(int64_t{i} - j));
    EXPECT_EQ(out.andi[k], i & j);
    EXPECT_EQ(out.ori[k], i | j);
    EXPECT_EQ(out.left[k], wrap(int64_t{i} * 32));
    EXPECT_EQ(out.right[k], i >> 5);
    const bool fits = a >= -2147483648.0f && a < 2147483648.0f;
    EXPECT_EQ(out.to_int[k], fits ? static_cast<int32_t>(std::nearbyint(a)) : INT32_MIN) << a;
    EXPECT_EQ(out.as_int[k], std::bit_cast<int32_t>(a));
    const auto bit = [&](uint32_t mask) { return (mask >> k & 1) != 0; };
    EXPECT_EQ(bit(out.less), a < b);
    EXPECT_EQ(bit(out.less_equal), a <= b);
    EXPECT_EQ(bit(out.greater), a > b);
    EXPECT_EQ(bit(out.greater_equal), a >= b);
    EXPECT_EQ(bit(out.equal), a == b);
    EXPECT_EQ(bit(out.nan), std::isnan(a));
    EXPECT_EQ(bit(out.both), a < b && b < c);
    EXPECT_EQ(bit(out.either), a < b || b < c);
    EXPECT_EQ(bit(out.equal_int), i == j);
  }
  for (const uint32_t mask :
       {out.less, out.less_equal, out.greater, out.greater_equal, out.equal, out.nan, out.both, out.either, out.equal_int})
    EXPECT_EQ(static_cast<uint64_t>(mask) >> lanes, 0u) << "bits beyond the lanes";
  // The documented order: halves added to halves.
  float part[kMostLanes];
  std::memcpy(part, in.a, sizeof part);
  for (int half = lanes / 2; half >= 1; half /= 2)
    for (int k = 0; k < half; ++k) part[k] = part[k] + part[k + half];
  const int k = 0;
  EXPECT_SAME(out.sum, part[0]);
}

TEST(Simd, EveryFunctionEqualsPlainCode) {
  for (const Bodies& body : available()) {
    SCOPED_TRACE(body.name);
    uint64_t state = 88172645463325252ull;
    for (int round = 0; round < 500 && !HasFailure(); ++round) {
      const SimdInput in = make_input(state);
      SimdOutput out;
      std::memset(&out, 0xA5, sizeof out);
      body.run(in, out);
      compare(in, out, body.lanes());
    }
  }
}

TEST(Simd, LaneCounts) {
  EXPECT_EQ(scalar::simd_lanes(), 1);
  const std::vector<Bodies> all = available();
  if (all.size() > 1) {
    EXPECT_EQ(all[1].lanes(), 8);
  }
  if (all.size() > 2) {
    EXPECT_EQ(all[2].lanes(), 16);
  }
}

// The floats end at a page that may not be touched: a partial access that reads or writes a lane too many dies here.
TEST(Simd, PartialAccessStaysInside) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  char* pages = static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(static_cast<void*>(pages), MAP_FAILED);
  ASSERT_EQ(mprotect(pages + page, page, PROT_NONE), 0);
  float* const end = reinterpret_cast<float*>(pages + page);
  for (const Bodies& body : available()) {
    SCOPED_TRACE(body.name);
    for (int n = 0; n <= body.lanes(); ++n) {
      float values[kMostLanes], whole[kMostLanes];
      for (int k = 0; k < n; ++k) (end - n)[k] = values[k] = static_cast<float>(k + 1);
      float* const part = end - n;
      body.partial(part, n, whole, part);
      for (int k = 0; k < body.lanes(); ++k) EXPECT_EQ(whole[k], k < n ? values[k] : 0.0f) << n << " of lane " << k;
      // And nothing is written behind n when there is room.
      float room[2 * kMostLanes];
      for (float& r : room) r = -1.0f;
      body.partial(part, n, whole, room);
      for (int k = 0; k < 2 * kMostLanes; ++k) EXPECT_EQ(room[k], k < n ? values[k] : -1.0f);
    }
  }
  munmap(pages, 2 * page);
}

// Distance in units in the last place of the true value, for normal results.
double ulps(float actual, double expected) {
  int exponent = 0;
  std::frexp(expected, &exponent);
  return std::fabs(static_cast<double>(actual) - expected) / std::ldexp(1.0, exponent - 24);
}

TEST(SimdExp, IsWithinTwoUlp) {
  // Every 611th float (a prime) of both signs from the smallest normal to the ends of the finite range.
  std::vector<float> x;
  for (const float end : {88.72283f, -87.33654f})
    for (uint32_t b = std::bit_cast<uint32_t>(std::copysign(1.2e-38f, end)); b < std::bit_cast<uint32_t>(end); b += 611)
      x.push_back(std::bit_cast<float>(b));
  ASSERT_GT(x.size(), 1000000u);
  std::vector<float> y(x.size());
  for (const Bodies& body : available()) {
    body.exp(x.data(), y.data(), static_cast<int64_t>(x.size()));
    double worst = 0;
    float at = 0;
    for (size_t k = 0; k < x.size(); ++k) {
      const double error = ulps(y[k], std::exp(static_cast<double>(x[k])));
      if (!(error <= worst)) worst = error, at = x[k];
    }
    EXPECT_LE(worst, 2.0) << body.name << " at " << at;
    RecordProperty(body.name, std::to_string(worst));
  }
}

TEST(SimdExp, EndsOfTheRange) {
  const std::vector<float> x = {0.0f,  -0.0f,   kInf,   -kInf,    kNan,   88.73f, 1000.0f,
                                3e38f, -87.34f, -88.0f, -1000.0f, -3e38f, 1e-40f};
  const std::vector<float> expected = {1, 1, kInf, 0, kNan, kInf, kInf, kInf, 0, 0, 0, 0, 1};
  for (const Bodies& body : available()) {
    std::vector<float> y(x.size(), -1.0f);
    body.exp(x.data(), y.data(), static_cast<int64_t>(x.size()));
    for (size_t k = 0; k < x.size(); ++k)
      EXPECT_TRUE(same(y[k], expected[k])) << body.name << ": exp(" << x[k] << ") = " << y[k];
  }
}

}  // namespace
