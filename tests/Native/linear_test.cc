#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

struct Case {
  std::vector<int64_t> shape;  // of x
  int32_t outputs;
  int64_t x_pitch = 0, y_pitch = 0;
  int32_t activation = FOVEA_ACTIVATION_NONE;
};

// Owns prepared weights for one layer.
struct Layer {
  fovea_linear_params params;
  Array<float> weights;
  PerDevice<Array<uint8_t>> packed;

  Layer(int32_t in, int32_t out, fovea_activation_params activation = {}, int64_t pitch = 0)
      : params{in, out, activation, FOVEA_WEIGHTS_F32, 0}, weights({out, in}, pitch) {
    weights.fill(7);
  }
  fovea_tensor prepared() {
    return packed.get([&] { return prepare(); }).view();
  }
  std::unique_ptr<Array<uint8_t>> prepare() {
    int64_t bytes = -1;
    EXPECT_EQ(fovea_linear_prepared_bytes(device_in_use(), &params, &bytes), FOVEA_OK) << fovea_last_error();
    auto result = std::make_unique<Array<uint8_t>>(std::vector<int64_t>{bytes});
    const StreamPtr stream = make_stream();
    const fovea_tensor w = weights.view(), p = result->view();
    result->poison();
    EXPECT_EQ(finish(fovea_linear_prepare(&params, &w, &p, stream.get()), stream.get()), FOVEA_OK) << fovea_last_error();
    EXPECT_TRUE(result->guards_intact());
    return result;
  }
};

TEST(Linear, MatchesReference) {
  const Case cases[] = {{{1, 1}, 1},
                        {{3}, 5},
                        {{2, 3, 7}, 33, 0, 0, FOVEA_ACTIVATION_RELU},
                        {{64, 576}, 128, 0, 0, FOVEA_ACTIVATION_PRELU},
                        {{5, 1152}, 256, 0, 0, FOVEA_ACTIVATION_PRELU},
                        {{64, 128}, 2},
                        {{64, 128}, 4},
                        {{64, 256}, 10},
                        {{97, 31}, 47, 40, 61, FOVEA_ACTIVATION_SILU},
                        {{171, 17}, 49, 0, 64, FOVEA_ACTIVATION_GELU},
                        {{14, 1000}, 16},
                        {{30, 700}, 33, 1024, 0},  // rows collide in the cache: copied, three pieces of k
                        {{4, 0}, 9, 0, 0, FOVEA_ACTIVATION_SIGMOID},
                        {{0, 5}, 3},
                        {{5, 3}, 0}};
  for (const Case& c : cases) {
    const auto in = static_cast<int32_t>(c.shape.back());
    SCOPED_TRACE("K=" + std::to_string(in) + " N=" + std::to_string(c.outputs));
    Layer layer(in, c.outputs, {c.activation, 0.1f, 0, 0}, in + 3);
    std::vector<int64_t> y_shape = c.shape;
    y_shape.back() = c.outputs;
    Array<float> x(c.shape, c.x_pitch), y(y_shape, c.y_pitch), bias({c.outputs}), slope({c.outputs});
    x.fill(1);
    bias.fill(2);
    slope.fill(3, -0.5, 0.5);
    // A chain of K fma on terms of size 1/3 drifts by about sqrt(K) * K^(1/2) * eps/2 at most; 6e-8 * K bounds it with room.
    // Activations steepen a difference by 1.13 (GELU) at most.
    const Tolerance tolerance{4e-6, 1e-6 + 6e-8 * in, 1.13 * in};
    for (const bool with_bias : {true, false})
      check_kernel<float>(y, tolerance, [&](fovea_stream* s) {
        const fovea_tensor xt = x.view(), pt = layer.prepared(), bt = bias.view(), st = slope.view(), yt = y.view();
        return fovea_linear(&layer.params, &xt, &pt, with_bias ? &bt : nullptr,
                            c.activation == FOVEA_ACTIVATION_PRELU ? &st : nullptr, &yt, nullptr, s);
      });
  }
}

// x = identity gives the transposed weights exactly, so a misplaced panel or feature cannot hide in a tolerance.
TEST(Linear, IdentityReturnsWeights) {
  constexpr int kIn = 19, kOut = 75;
  Layer layer(kIn, kOut);
  Array<float> x({kIn, kIn}), y({kIn, kOut});
  for (int i = 0; i < kIn * kIn; ++i) x[i] = i / kIn == i % kIn ? 1.0f : 0.0f;
  on_every_backend([&](fovea_stream* stream, bool) {
    const fovea_tensor xt = x.view(), pt = layer.prepared(), yt = y.view();
    ASSERT_EQ(finish(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream), stream), FOVEA_OK);
    for (int k = 0; k < kIn; ++k)
      for (int n = 0; n < kOut; ++n) ASSERT_EQ(y[k * kOut + n], layer.weights[n * kIn + k]);
  });
}

// A row's bits do not depend on the batch it came in: what an MTCNN cascade needs to be reproducible.
TEST(Linear, RowsDoNotDependOnTheBatch) {
  Layer layer(60, 50);
  Array<float> x({90, 60}), y({90, 50}), one({1, 50});
  x.fill(5);
  for (const int32_t isa : available_isas()) {
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    const fovea_tensor xt = x.view(), pt = layer.prepared(), yt = y.view(), ot = one.view();
    ASSERT_EQ(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_OK);
    for (const int64_t row : {0, 13, 89}) {
      fovea_tensor part = xt;
      part.data = x.data() + row * 60;
      part.shape[0] = 1;
      ASSERT_EQ(fovea_linear(&layer.params, &part, &pt, nullptr, nullptr, &ot, nullptr, stream.get()), FOVEA_OK);
      ASSERT_EQ(std::memcmp(one.data(), y.data() + row * 50, 50 * sizeof(float)), 0);
    }
  }
}

TEST(Linear, LiveRowsLimitTheWork) {
  Layer layer(6, 20);
  Array<float> x({64, 6}), y({64, 20});
  x.fill(3);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const int64_t rows : {64, 5, 1})
      for (const int32_t count : {-1, 0, 3, 64, 99}) {
        Array<int32_t> live({1});
        live[0] = count;
        fovea_tensor xt = x.view(), yt = y.view();
        xt.live = live.data();
        xt.shape[0] = yt.shape[0] = rows;
        const fovea_tensor pt = layer.prepared();
        y.poison();
        ASSERT_EQ(finish(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream), stream), FOVEA_OK);
        for (int64_t m = 0; m < rows; ++m) EXPECT_EQ(std::isnan(y[m * 20 + 19]), m >= count) << "row " << m << " of " << rows;
      }
  });
}

// The weights stay f32, the products and sums too; x and y are of the narrow type.
template <class T>
void check_narrow(double relative) {
  for (const int64_t rows : {1, 3, 16, 67}) {
    Layer layer(70, 33, {FOVEA_ACTIVATION_RELU, 0, 0, 0});
    Array<float> wide({rows, 70}), expected({rows, 33}), bias({33});
    Array<T> x({rows, 70}, 72), y({rows, 33}, 40);
    x.fill(1);
    bias.fill(2);
    for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
    check_narrow_kernel<T>(
        y, expected, {relative, 1e-6 + 6e-8 * 70},
        [&](fovea_stream* s) {
          const fovea_tensor xt = wide.view(), pt = layer.prepared(), bt = bias.view(), yt = expected.view();
          return fovea_linear(&layer.params, &xt, &pt, &bt, nullptr, &yt, nullptr, s);
        },
        [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), pt = layer.prepared(), bt = bias.view(), yt = y.view();
          return fovea_linear(&layer.params, &xt, &pt, &bt, nullptr, &yt, nullptr, s);
        });
  }
}
// The reference is rounded to the type too.
TEST(Linear, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(Linear, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(Linear, ArgumentsAreChecked) {
  Layer layer(6, 20);
  Array<float> x({4, 6}), y({4, 20}), bias({19});
  const StreamPtr stream = make_stream();
  fovea_tensor xt = x.view(), yt = y.view(), pt = layer.prepared(), bt = bias.view();
  const auto run = [&](const fovea_tensor* b = nullptr) {
    return fovea_linear(&layer.params, &xt, &pt, b, nullptr, &yt, nullptr, stream.get());
  };
  EXPECT_EQ(run(), FOVEA_OK);
  EXPECT_EQ(run(&bt), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear: bias has 19 channels, expected 20");
  xt.shape[1] = 5;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear: x is [4, 5] f32, its last dimension must be 6");
  xt = x.view();
  yt.shape[0] = 3;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  yt = y.view();
  pt.shape[0] -= 1;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  pt = layer.prepared();
  yt = xt;
  yt.shape[1] = 20;
  yt.pitch = 20;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT) << "y overlaps x";
  yt = y.view();
  xt.rank = 0;
  EXPECT_EQ(run(), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear(nullptr, &xt, &pt, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear(&layer.params, nullptr, &pt, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear(&layer.params, &xt, nullptr, nullptr, nullptr, &yt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear(&layer.params, &xt, &pt, nullptr, nullptr, &yt, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);

  int64_t bytes = 0;
  for (const fovea_linear_params& bad :
       {fovea_linear_params{-1, 4, {}, 0, 0}, {4, -1, {}, 0, 0}, {INT32_MAX, INT32_MAX, {}, 0, 0}})
    EXPECT_EQ(fovea_linear_prepared_bytes(cpu(), &bad, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_linear_prepared_bytes(cpu(), &layer.params, nullptr), FOVEA_INVALID_ARGUMENT);
  Array<float> weights({20, 5});
  const fovea_tensor wt = weights.view();
  EXPECT_EQ(fovea_linear_prepare(&layer.params, &wt, &pt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "linear_prepare: weights are [20, 5] f32, expected [20, 6]");
}

}  // namespace
