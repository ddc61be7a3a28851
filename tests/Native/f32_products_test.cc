// f32 products of a stream that allows tf32 (fovea_stream_options.f32_products), on the backend under test: how far off they
// are, that they are not exact ones in disguise, and what infinity and NaN become. The ops' own tests run their shapes in every
// way of multiplying.
#include "conv2d_cases.h"
#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

constexpr int32_t kRounded[] = {FOVEA_F32_TF32, FOVEA_F32_THREE_TF32};

class F32Products : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN: the CPU multiplies exactly";
    set_schedule(2);
  }
};

// An op in the stream's way of multiplying.
using Call = std::function<fovea_status(fovea_stream*)>;

std::vector<float> run_on_device(Array<float>& y, int32_t products, const Call& call) {
  const OnDevice scope(test_device());
  const StreamPtr stream = make_stream(0, products);
  y.poison();
  EXPECT_EQ(finish(call(stream.get()), stream.get()), FOVEA_OK) << fovea_last_error();
  return y.values();
}
std::vector<float> run_reference(Array<float>& y, const Call& call) {
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  EXPECT_EQ(call(make_stream().get()), FOVEA_OK) << fovea_last_error();
  return y.values();
}

// y = sum of `terms` products of elements of a and b.
void check_errors(Array<float>& y, Array<float>& a, Array<float>& b, double terms, const Call& call) {
  const std::vector<float> exact = run_reference(y, call);
  std::vector<std::vector<float>> results;
  for (const int32_t products : {FOVEA_F32_EXACT, FOVEA_F32_TF32, FOVEA_F32_THREE_TF32})
    results.push_back(run_on_device(y, products, call));
  for (Array<float>* factors : {&a, &b})
    for (int64_t i = 0; i < factors->size(); ++i) (*factors)[i] = std::fabs((*factors)[i]);
  const std::vector<float> sizes = run_reference(y, call);  // sum |a b|

  double rms[3] = {};
  for (int way = 0; way < 3; ++way) {
    // Additions lose up to 2^-23 of a partial sum: tensor cores may cut off where others round.
    const double bound = product_error(way) + (way == FOVEA_F32_THREE_TF32 ? 3 : 1) * terms * 0x1p-23;
    for (size_t i = 0; i < exact.size(); ++i) {
      const double error = static_cast<double>(results[way][i]) - static_cast<double>(exact[i]);
      ASSERT_LE(std::fabs(error), (bound + 0x1p-24) * static_cast<double>(sizes[i])) << "products " << way << ", element " << i;
      rms[way] += error * error / static_cast<double>(exact.size());
    }
    rms[way] = std::sqrt(rms[way]);
  }
  EXPECT_NE(results[FOVEA_F32_TF32], results[FOVEA_F32_EXACT]);
  EXPECT_NE(results[FOVEA_F32_THREE_TF32], results[FOVEA_F32_EXACT]);
  EXPECT_GE(rms[FOVEA_F32_TF32], 100 * rms[FOVEA_F32_THREE_TF32]);
}

// op(a) op(b) of matrices [batch, m, k] and [n, k], however they are stored.
struct Product {
  Product(int64_t batch, int64_t m, int64_t n, int64_t k, bool ta = false, bool tb = true, int64_t extra = 0)
      : params{1, ta, tb, 0},
        a(ta ? std::vector<int64_t>{batch, k, m} : std::vector<int64_t>{batch, m, k}, (ta ? m : k) + extra),
        b(tb ? std::vector<int64_t>{n, k} : std::vector<int64_t>{k, n}, (tb ? k : n) + extra),
        y({batch, m, n}) {}
  Call call() {
    return [this](fovea_stream* s) {
      const fovea_tensor at = a.view(), bt = b.view(), yt = y.view();
      if (workspace == nullptr) {
        int64_t bytes = 0;
        EXPECT_EQ(fovea_matmul_workspace(&params, &at, &bt, &bytes), FOVEA_OK);
        workspace = std::make_unique<Workspace>(bytes);
      }
      return fovea_matmul(&params, &at, &bt, &yt, workspace->get(), s);
    };
  }
  fovea_matmul_params params;
  Array<float> a, b, y;
  std::unique_ptr<Workspace> workspace;  // the CPU's; the backend needs none for f32
};

TEST_F(F32Products, OfMatmulAreBounded) {
  Product p(1, 70, 66, 150);
  p.a.fill(1), p.b.fill(2);
  check_errors(p.y, p.a, p.b, 150, p.call());
}

TEST_F(F32Products, OfConvolutionsAreBounded) {
  // Rows of whole chunks and others; wide and narrow tiles.
  for (const ConvCase& c :
       {ConvCase{
            .name = "", .n = 1, .h = 9, .w = 11, .in = 16, .out = 40, .kernel_h = 3, .kernel_w = 3, .top = 1, .bias = false},
        ConvCase{.name = "", .n = 1, .h = 9, .w = 11, .in = 15, .out = 7, .kernel_h = 3, .kernel_w = 3, .bias = false}}) {
    SCOPED_TRACE(c.in);
    Conv conv(c);
    check_errors(conv.y, conv.x, conv.weights, 9 * c.in, [&](fovea_stream* s) {
      auto& prepared = prepared_here(conv);
      if (current_device() == nullptr) conv.prepare(prepared);  // the weights may have changed
      return conv.run(workspace_here(conv), s);
    });
  }
}

TEST_F(F32Products, OfWeightGradientsAreBounded) {
  fovea_conv2d_params params =
      params_of({.name = "", .n = 2, .h = 9, .w = 10, .in = 8, .out = 9, .kernel_h = 3, .kernel_w = 3});
  params.activation = {};
  Array<float> x({2, 9, 10, 8}), dy({2, 7, 8, 9}), dw({9, 3, 3, 8});
  x.fill(1), dy.fill(2);
  PerDevice<Workspace> workspace;
  check_errors(dw, x, dy, 2 * 7 * 8, [&](fovea_stream* s) {
    const fovea_tensor xt = x.view(), dyt = dy.view(), dwt = dw.view();
    const Workspace& w = workspace.get([&] {
      int64_t bytes = 0;
      EXPECT_EQ(fovea_conv2d_backward_weights_workspace(&params, &xt, &dyt, &bytes), FOVEA_OK);
      return std::make_unique<Workspace>(bytes);
    });
    return fovea_conv2d_backward_weights(&params, &xt, &dyt, &dwt, nullptr, 0, w.get(), s);
  });
}

TEST_F(F32Products, OfLinearAreBoundedAndExactForFewRows) {
  for (const int64_t rows : {16, 40}) {
    const fovea_linear_params params{100, 70, {}, FOVEA_WEIGHTS_F32, 0};
    Array<float> x({rows, 100}), weights({70, 100}), y({rows, 70});
    x.fill(1), weights.fill(2);
    const Call call = [&](fovea_stream* s) {
      int64_t bytes = 0;
      EXPECT_EQ(fovea_linear_prepared_bytes(device_here(), &params, &bytes), FOVEA_OK);
      Array<uint8_t> prepared({bytes});
      const fovea_tensor xt = x.view(), wt = weights.view(), pt = prepared.view(), yt = y.view();
      EXPECT_EQ(fovea_linear_prepare(&params, &wt, &pt, s), FOVEA_OK) << fovea_last_error();
      EXPECT_EQ(fovea_linear(&params, &xt, &pt, nullptr, nullptr, &yt, nullptr, s), FOVEA_OK) << fovea_last_error();
      return fovea_stream_synchronize(s);
    };
    if (rows > 16) {
      check_errors(y, x, weights, 100, call);
    } else {
      EXPECT_EQ(run_on_device(y, FOVEA_F32_TF32, call), run_on_device(y, FOVEA_F32_EXACT, call));
    }
  }
}

// Bits depend neither on how the operands are stored, nor on the tile that an element lies in.
TEST_F(F32Products, DoNotDependOnTheWay) {
  constexpr int64_t kM = 33, kN = 35, kK = 140;
  for (const int32_t products : kRounded) {
    std::vector<float> first;
    for (int variant = 0; variant < 8; ++variant) {
      const bool ta = (variant & 1) != 0, tb = (variant & 2) == 0;
      Product p(1, kM, kN, kK, ta, tb, variant & 4 ? 1 : 0);
      for (int64_t k = 0; k < kK; ++k) {
        for (int64_t m = 0; m < kM; ++m) p.a[ta ? k * kM + m : m * kK + k] = std::sin(static_cast<float>(m * kK + k));
        for (int64_t n = 0; n < kN; ++n) p.b[tb ? n * kK + k : k * kN + n] = std::cos(static_cast<float>(n * kK + k));
      }
      const std::vector<float> y = run_on_device(p.y, products, p.call());
      if (first.empty()) first = y;
      ASSERT_EQ(y, first) << "variant " << variant;
    }
    Product few(1, 16, kN, kK);
    for (int64_t i = 0; i < few.a.size(); ++i) few.a[i] = std::sin(static_cast<float>(i));
    for (int64_t i = 0; i < few.b.size(); ++i) few.b[i] = std::cos(static_cast<float>(i));
    ASSERT_EQ(run_on_device(few.y, products, few.call()), std::vector<float>(first.begin(), first.begin() + 16 * kN));
  }
  // 66 products are enough for the large tile, one is not.
  Product many(66, 65, 66, 100), one(1, 65, 66, 100);
  many.a.fill(1), many.b.fill(2), one.a.fill(1), one.b.fill(2);
  const std::vector<float> large = run_on_device(many.y, FOVEA_F32_THREE_TF32, many.call());
  EXPECT_EQ(std::vector<float>(large.begin(), large.begin() + 65 * 66), run_on_device(one.y, FOVEA_F32_THREE_TF32, one.call()));
}

// As exact products: infinity stays infinity, whatever the small part of the other factor, and only 0 times it is NaN.
TEST_F(F32Products, InfinityAndNan) {
  constexpr int64_t kM = 17, kN = 6, kK = 9;
  for (const bool swapped : {false, true})
    for (const int32_t products : kRounded) {
      Product p(1, swapped ? kN : kM, swapped ? kM : kN, kK);
      Array<float>&a = swapped ? p.b : p.a, &b = swapped ? p.a : p.b;
      for (int64_t i = 0; i < a.size(); ++i) a[i] = 1.0f;
      for (int64_t i = 0; i < b.size(); ++i) b[i] = 2.0f;
      a[0] = INFINITY, a[kK] = -INFINITY, a[2 * kK] = NAN;
      // Without a small part, with one of either sign, infinite, zero.
      const float others[kN] = {1.0f, 1.0f + 0x1p-20f, 1.0f - 0x1p-20f, INFINITY, 0.0f, NAN};
      for (int64_t n = 0; n < kN; ++n) b[n * kK] = others[n];
      const std::vector<float> y = run_on_device(p.y, products, p.call());
      const auto at = [&](int64_t m, int64_t n) { return y[static_cast<size_t>(swapped ? n * kM + m : m * kN + n)]; };
      for (int64_t n = 0; n < 4; ++n) {
        EXPECT_EQ(at(0, n), INFINITY) << n;
        EXPECT_EQ(at(1, n), -INFINITY) << n;
        EXPECT_TRUE(std::isnan(at(2, n))) << n;
      }
      EXPECT_TRUE(std::isnan(at(0, 4)) && std::isnan(at(1, 4)));
      EXPECT_EQ(at(3, 3), INFINITY);
      EXPECT_EQ(at(3, 0), 17.0f) << "1 + 8 * 2: rows do not disturb each other";
      EXPECT_TRUE(std::isnan(at(3, 5)));
    }
}

// Live rows of a limit the rows of the product, or, where a is transposed, the terms: what lies behind them is not read.
TEST_F(F32Products, LiveRowsAndTerms) {
  const OnDevice scope(test_device());
  Array<int32_t> live({1});
  live[0] = 33;
  for (const int32_t products : kRounded) {
    Array<float> a({40, 44}), b({44, 3}), c({40, 3}), y({40, 3}), terms({44, 3});
    a.fill(1, 1, 1), b.fill(1, 1, 1), c.fill(1, 1, 1);
    for (int64_t i = 33 * 44; i < a.size(); ++i) a[i] = NAN;
    fovea_tensor at = a.view();
    at.live = live.data();
    const fovea_tensor bt = b.view(), ct = c.view(), yt = y.view(), tt = terms.view();
    const fovea_matmul_params plain{1, 0, 0, 0}, transposed{1, 1, 0, 0};
    const fovea_workspace none{};
    const StreamPtr stream = make_stream(0, products);
    y.poison(), terms.poison();
    ASSERT_EQ(fovea_matmul(&plain, &at, &bt, &yt, &none, stream.get()), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(fovea_matmul(&transposed, &at, &ct, &tt, &none, stream.get()), stream.get()), FOVEA_OK);
    for (int64_t i = 0; i < y.size(); ++i) EXPECT_TRUE(i < 33 * 3 ? y[i] == 44 : std::isnan(y[i])) << i;
    for (int64_t i = 0; i < terms.size(); ++i) EXPECT_EQ(terms[i], 33) << i;
  }
}

// The way of the stream that a call was captured on.
TEST_F(F32Products, AreCaptured) {
  Product p(1, 20, 20, 40);
  p.a.fill(1), p.b.fill(2);
  const std::vector<float> tf32 = run_on_device(p.y, FOVEA_F32_TF32, p.call());
  const OnDevice scope(test_device());
  const StreamPtr stream = make_stream(0, FOVEA_F32_TF32), other = make_stream(0, FOVEA_F32_EXACT);
  fovea_graph* graph = nullptr;
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK) << fovea_last_error();
  ASSERT_EQ(p.call()(stream.get()), FOVEA_OK) << fovea_last_error();
  ASSERT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_OK) << fovea_last_error();
  p.y.poison();
  ASSERT_EQ(finish(fovea_graph_replay(graph, other.get()), other.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(p.y.values(), tf32);
  EXPECT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
}

TEST(F32ProductsArguments, UnknownWaysAreRefused) {
  for (fovea_device* device : {cpu(), test_device()}) {
    if (device == nullptr) continue;
    for (const int32_t products : {-1, 3}) {
      const fovea_stream_options options{0, products};
      fovea_stream* stream = nullptr;
      EXPECT_EQ(fovea_stream_create(device, &options, &stream), FOVEA_INVALID_ARGUMENT);
      EXPECT_EQ(std::string(fovea_last_error()), "stream_create: f32_products is " + std::to_string(products) +
                                                     ", known are 0 (exact), 1 (tf32) and 2 (three tf32)");
      EXPECT_EQ(stream, nullptr);
    }
  }
}

TEST(F32ProductsOnTheCpu, AreExact) {
  Product p(1, 20, 20, 40);
  p.a.fill(1), p.b.fill(2);
  ASSERT_EQ(p.call()(make_stream().get()), FOVEA_OK) << fovea_last_error();
  const std::vector<float> exact = p.y.values();
  for (const int32_t products : kRounded) {
    p.y.poison();
    ASSERT_EQ(p.call()(make_stream(0, products).get()), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(p.y.values(), exact);
  }
}

}  // namespace
