// The error bounds that core/simd.h, core/exp_simd.h and ops/activation/activation_simd.h document, over all magnitudes and on
// every instruction set.
#include <bit>
#include <limits>

#include "activation_bodies.h"
#include "support.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double log_one_plus_exp(double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double gelu(double x) { return 0.5 * x * std::erfc(-x * 0.70710678118654752); }
double gelu_tanh(double x) { return x / (1 + std::exp(-2 * 0.79788456080286536 * (x + 0.044715 * x * x * x))); }
double identity(double x) { return x; }
double at_least_half(double x) { return std::fmax(log_one_plus_exp(x), 0.5); }

// Errors are in units in the last place of `scale(x)`: of the result, or of x where the result is x times a probability, whose
// small values come from a difference with 1/2; softplus is accurate in absolute terms below 1/2. `slope` adds that many units
// for each unit of |x|.
struct Function {
  const char* name;
  Elementary function;
  double (*exact)(double);
  double (*scale)(double);
  float low, high;  // where the bound holds
  double bound, slope;
};
const Function kFunctions[] = {{"exp", Elementary::kExp, std::exp, std::exp, -87.33f, 88.72f, 2, 0},
                               {"exp_bounded", Elementary::kExpBounded, std::exp, std::exp, -87.3f, 88.37f, 2.5, 0},
                               {"exp_negative", Elementary::kExpNegative, std::exp, std::exp, -87.3f, 0, 2.5, 0x1p-4},
                               {"exp2_bounded", Elementary::kExp2Bounded, std::exp2, std::exp2, -125.99f, 127.49f, 2.5, 0},
                               {"log_positive", Elementary::kLog, std::log, std::log, 1, 3.4e38f, 1, 0},
                               {"softplus", Elementary::kSoftplus, log_one_plus_exp, at_least_half, -3.4e38f, 3.4e38f, 2.5, 0},
                               {"expm1_negative", Elementary::kExpm1, std::expm1, std::expm1, -3.4e38f, 0, 3, 0},
                               {"sigmoid", Elementary::kSigmoid, sigmoid, sigmoid, -87, 3.4e38f, 3.5, 0},
                               {"tanh", Elementary::kTanh, std::tanh, std::tanh, -3.4e38f, 3.4e38f, 2, 0},
                               {"erf", Elementary::kErf, std::erf, std::erf, -3.4e38f, 3.4e38f, 6.5, 0},
                               {"silu", Elementary::kSilu, [](double x) { return x * sigmoid(x); },
                                [](double x) { return x * sigmoid(x); }, -80, 3.4e38f, 4, 0},
                               {"gelu", Elementary::kGelu, gelu, identity, -3.4e38f, 3.4e38f, 3.5, 0},
                               {"gelu_tanh", Elementary::kGeluTanh, gelu_tanh, identity, -3.4e38f, 3.4e38f, 2, 0},
                               {"mish", Elementary::kMish, [](double x) { return x * std::tanh(log_one_plus_exp(x)); },
                                identity, -3.4e38f, 3.4e38f, 2.5, 0}};

struct Body {
  const char* name;
  void (*run)(Elementary, const float*, float*, int64_t);
};
std::vector<Body> bodies() {
  const Body all[] = {{"scalar", scalar::elementary}, {"avx2", avx2::elementary}, {"avx512", avx512::elementary}};
  return std::vector<Body>(all, all + available_isas().size());
}

// Distance in units in the last place of `scale`, which counts as normal.
double ulps(double error, double scale) {
  int exponent = 0;
  std::frexp(scale, &exponent);
  return std::fabs(error) / std::ldexp(1.0, std::max(exponent, -125) - 24);
}

// Every kStride-th float, a prime: about 500 of every power of two.
#ifndef FOVEA_TEST_STRIDE
#define FOVEA_TEST_STRIDE 16411
#endif

TEST(ElementaryAccuracy, StaysWithinTheDocumentedBounds) {
  for (const Function& f : kFunctions) {
    std::vector<float> x, y;
    std::vector<double> exact, scale;
    for (const uint32_t sign : {0u, 0x80000000u})
      for (uint32_t b = 0x00800000u; b < 0x7F800000u; b += FOVEA_TEST_STRIDE)
        if (const float v = std::bit_cast<float>(sign | b); v >= f.low && v <= f.high) x.push_back(v);
    for (const float v : {f.low, f.high}) x.push_back(v);
    for (const float v : x) {
      exact.push_back(f.exact(static_cast<double>(v)));
      scale.push_back(f.scale == f.exact ? exact.back() : f.scale(static_cast<double>(v)));
    }
    y.resize(x.size());
    for (const Body& body : bodies()) {
      body.run(f.function, x.data(), y.data(), static_cast<int64_t>(x.size()));
      double worst = 0;
      size_t at = 0;
      for (size_t k = 0; k < x.size(); ++k) {
        const double allowance = f.slope * std::fabs(static_cast<double>(x[k]));
        const double error = ulps(static_cast<double>(y[k]) - exact[k], scale[k]) - allowance;
        if (!(error <= worst)) worst = error, at = k;
      }
      EXPECT_LE(worst, f.bound) << f.name << " on " << body.name << ": " << f.name << "(" << x[at] << ") = " << y[at]
                                << ", not " << exact[at];
      RecordProperty(std::string(f.name) + "_" + body.name, std::to_string(worst));
    }
  }
}

TEST(ElementaryAccuracy, EndsOfTheRange) {
  struct End {
    Elementary function;
    float x, y;
  };
  const End ends[] = {{Elementary::kExpNegative, -kInf, 0},  {Elementary::kExpNegative, -1e30f, 0},
                      {Elementary::kExpNegative, -0.0f, 1},  {Elementary::kExpBounded, 89, kInf},
                      {Elementary::kExp2Bounded, 128, kInf}, {Elementary::kExp2Bounded, -127, 0},
                      {Elementary::kSigmoid, -kInf, 0},      {Elementary::kSigmoid, kInf, 1},
                      {Elementary::kSigmoid, -3e38f, 0},     {Elementary::kTanh, kInf, 1},
                      {Elementary::kTanh, -kInf, -1},        {Elementary::kErf, kInf, 1},
                      {Elementary::kErf, -kInf, -1},         {Elementary::kErf, -5, -1},
                      {Elementary::kGelu, kInf, kInf},       {Elementary::kGelu, -3e38f, 0},
                      {Elementary::kGelu, 3e38f, 3e38f},     {Elementary::kGelu, -6, 0},
                      {Elementary::kGeluTanh, kInf, kInf},   {Elementary::kGeluTanh, -3e38f, 0},
                      {Elementary::kGeluTanh, 3e38f, 3e38f}, {Elementary::kSilu, -3e38f, 0},
                      {Elementary::kSilu, 3e38f, 3e38f},     {Elementary::kMish, -3e38f, 0},
                      {Elementary::kMish, 3e38f, 3e38f}};
  for (const Body& body : bodies()) {
    for (const End& e : ends) {
      float y = kNan;
      body.run(e.function, &e.x, &y, 1);
      EXPECT_EQ(y, e.y) << body.name << ", function " << static_cast<int>(e.function) << " of " << e.x;
    }
    // A NaN whose payload would shift into an exponent must stay one too.
    for (const uint32_t bits : {0x7FC00000u, 0xFFFFFFFFu, 0x7FC001FFu, 0xFFC00080u})
      for (const Function& f : kFunctions) {
        if (f.function == Elementary::kLog) continue;
        const float x = std::bit_cast<float>(bits);
        float y = 0;
        body.run(f.function, &x, &y, 1);
        EXPECT_TRUE(std::isnan(y)) << body.name << ": " << f.name << " of a NaN is " << y;
      }
  }
}

}  // namespace
