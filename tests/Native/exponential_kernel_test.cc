#include "gradients.h"

#include <complex>

using namespace fovea_test;

namespace {

using Number = std::complex<double>;

// All tensors of one call and of its gradients; `extra` columns of guard bytes behind each row.
struct Kernel {
  Array<float> exponents, weights, k, dk, d_exponents, d_weights;

  Kernel(int64_t channels, int64_t states, int64_t length, int64_t extra = 0)
      : exponents({channels, states, 2}, 2 + extra),
        weights({channels, states, 2}, 2 + 2 * extra),
        k({channels, length}, length + extra),
        dk({channels, length}, length + 2 * extra),
        d_exponents({channels, states, 2}, 2 + 3 * extra),
        d_weights({channels, states, 2}, 2 + extra) {
    exponents.fill(1), weights.fill(2), dk.fill(3);
    for (int64_t i = 0; i < exponents.size(); i += 2)  // as dt * A: slow and fast decays, phases up to 30 a step
      exponents[i] = -std::exp(6 * exponents[i] - 4), exponents[i + 1] *= 30;
  }

  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor e = exponents.view();
    e.live = live;
    const fovea_tensor w = weights.view(), to = k.view();
    return fovea_exponential_kernel(&e, &w, &to, stream);
  }
  // `wanted`: 1 the exponents, 2 the weights.
  fovea_status back(fovea_stream* stream, uint32_t wanted = 3, const int32_t* live = nullptr) {
    fovea_tensor e = exponents.view();
    e.live = live;
    const fovea_tensor w = weights.view(), from = dk.view(), de = d_exponents.view(), dw = d_weights.view();
    return fovea_exponential_kernel_backward(&e, &w, &from, (wanted & 1) != 0 ? &de : nullptr,
                                             (wanted & 2) != 0 ? &dw : nullptr, stream);
  }
};

// A power has a relative error of 3 * 2^-24, on a GPU also 2^-24 |l * re| of it, which is below 2^-24 in all. Weights are below
// sqrt(2), products and sums round as often as there are states.
Tolerance kernel_tolerance(int64_t states) { return {0, 6e-7 * (1 + static_cast<double>(states))}; }

TEST(ExponentialKernel, MatchesReference) {
  const struct {
    int64_t channels, states, length, extra;
  } cases[] = {{1, 1, 1, 0},   {3, 5, 17, 3}, {2, 4, 256, 0}, {2, 32, 257, 0}, {1, 3, 1000, 1},
               {17, 2, 33, 0}, {0, 3, 5, 0},  {2, 0, 5, 0},   {2, 3, 0, 0},    {1, 1, 5000, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.channels << "x" << c.states << "x" << c.length);
    Kernel kernel(c.channels, c.states, c.length, c.extra);
    check_kernel<float>(kernel.k, kernel_tolerance(c.states), [&](fovea_stream* s) { return kernel.run(s); });
  }
}

// One pair of S4D: A = -.5 + i pi, dt = .1, B = 1, C = 1 + .5i, doubled real part. Zero-order hold: weight 2 C (e^(dt A) - 1) /
// A, exponent dt A; bilinear: weight 2 C dt / (1 - dt A / 2), exponent the logarithm of (1 + dt A / 2) / (1 - dt A / 2).
TEST(ExponentialKernel, WorkedExample) {
  const Number a(-0.5, M_PI), c(1, 0.5);
  const double dt = 0.1;
  const Number ratio = (1.0 + dt / 2 * a) / (1.0 - dt / 2 * a);
  const Number exponents[] = {dt * a, std::log(ratio)},
               weights[] = {2.0 * c * (std::exp(dt * a) - 1.0) / a, 2.0 * c * dt / (1.0 - dt / 2 * a)};
  const double expected[2][3] = {{0.1768586, 0.1229311, 0.0623966}, {0.1760367, 0.1231827, 0.0636513}};
  Kernel kernel(2, 1, 3);
  for (int64_t d = 0; d < 2; ++d) {
    kernel.exponents[2 * d] = static_cast<float>(exponents[d].real()),
                         kernel.exponents[2 * d + 1] = static_cast<float>(exponents[d].imag());
    kernel.weights[2 * d] = static_cast<float>(weights[d].real()),
                       kernel.weights[2 * d + 1] = static_cast<float>(weights[d].imag());
  }
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(kernel.run(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 6; ++i) EXPECT_NEAR(kernel.k[i], expected[i / 3][i % 3], 2e-7) << i;
  });
}

// A phase of 10,000 turns keeps its fraction, and a decay of e^-200 a step is exactly 0 from the first step on, with gradients
// that are numbers.
TEST(ExponentialKernel, LongPhasesAndFastDecays) {
  constexpr int64_t kLength = 3000;
  Kernel turns(1, 1, kLength), fast(1, 1, kLength);
  turns.exponents.assign({0, 20.9f}), turns.weights.assign({1, 0});
  fast.exponents.assign({-200, 3}), fast.weights.assign({1, 1});
  fast.dk.fill(4);
  on_every_backend([&](fovea_stream* stream, bool) {
    ASSERT_EQ(finish(turns.run(stream), stream), FOVEA_OK) << fovea_last_error();
    for (int64_t l = 0; l < kLength; l += 7)
      ASSERT_NEAR(turns.k[l], std::cos(static_cast<double>(l) * static_cast<double>(20.9f)), 5e-7) << l;
    ASSERT_EQ(finish(fast.run(stream), stream), FOVEA_OK);
    ASSERT_EQ(finish(fast.back(stream), stream), FOVEA_OK);
    EXPECT_EQ(fast.k[0], 1);
    for (int64_t l = 1; l < kLength; ++l) ASSERT_EQ(fast.k[l], 0) << l;
    EXPECT_EQ(fast.d_weights.values(), (std::vector<float>{fast.dk[0], 0}));
    EXPECT_EQ(fast.d_exponents.values(), (std::vector<float>{0, 0}));
  });
}

// d_weights adds up to `length` terms below 1, d_exponents the same terms times the step.
TEST(ExponentialKernelBackward, MatchesReference) {
  const struct {
    int64_t channels, states, length, extra;
  } cases[] = {{1, 1, 1, 0}, {3, 5, 17, 3}, {2, 4, 256, 0}, {2, 7, 257, 0}, {1, 3, 1000, 1}, {0, 3, 5, 0}, {2, 3, 0, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.channels << "x" << c.states << "x" << c.length);
    Kernel kernel(c.channels, c.states, c.length, c.extra);
    const auto terms = static_cast<double>(c.length);
    check_gradients({&kernel.d_exponents, &kernel.d_weights},
                    {{1e-6, 1e-7 * terms * terms + 1e-6}, {1e-6, 1e-7 * terms + 1e-6}},
                    [&](fovea_stream* s) { return kernel.back(s); });
  }
}

// A step of 1e-5 leaves 1e-10 times the third derivative, some l^3 = 700.
TEST(ExponentialKernelBackward, EqualsFiniteDifferences) {
  constexpr int64_t kChannels = 2, kStates = 3, kLength = 9;
  Kernel kernel(kChannels, kStates, kLength);
  Values in[] = {widen(kernel.exponents), widen(kernel.weights)};
  const Values dk = widen(kernel.dk);
  const auto loss = [&] {
    double total = 0;
    for (size_t row = 0; row < kChannels * kStates; ++row)
      for (size_t l = 0; l < kLength; ++l)
        total +=
            dk[row / kStates * kLength + l] * (Number(in[1][2 * row], in[1][2 * row + 1]) *
                                               std::exp(static_cast<double>(l) * Number(in[0][2 * row], in[0][2 * row + 1])))
                                                  .real();
    return total;
  };
  const Values expected[] = {slopes(in[0], 1e-5, loss), slopes(in[1], 1e-5, loss)};
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const uint32_t wanted : {3u, 1u, 2u}) {
      kernel.d_exponents.poison(), kernel.d_weights.poison();
      ASSERT_EQ(finish(kernel.back(stream, wanted), stream), FOVEA_OK) << fovea_last_error();
      const Array<float>* outputs[] = {&kernel.d_exponents, &kernel.d_weights};
      for (size_t i = 0; i < 2; ++i)
        for (size_t k = 0; k < expected[i].size(); ++k) {
          const float value = (*outputs[i])[static_cast<int64_t>(k)];
          if ((wanted >> i & 1u) == 0)
            ASSERT_TRUE(std::isnan(value)) << i << " element " << k;
          else
            ASSERT_TRUE(near(value, expected[i][k], 1e-5, 1e-5)) << i << " element " << k;
        }
    }
  });
}

TEST(ExponentialKernel, LiveLimitsTheChannels) {
  Kernel kernel(3, 2, 20), two(2, 2, 20);
  two.exponents.assign({kernel.exponents.data(), kernel.exponents.data() + 8});
  two.weights.assign({kernel.weights.data(), kernel.weights.data() + 8});
  two.dk.assign({kernel.dk.data(), kernel.dk.data() + 40});
  const Live live(2);
  on_every_backend([&](fovea_stream* stream, bool) {
    for (Array<float>* a : {&kernel.k, &kernel.d_exponents, &kernel.d_weights}) a->poison();
    ASSERT_EQ(finish(kernel.run(stream, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(kernel.back(stream, 3, live.get()), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.run(stream), stream), FOVEA_OK);
    ASSERT_EQ(finish(two.back(stream), stream), FOVEA_OK);
    for (auto [all, written] :
         {std::pair{&kernel.k, &two.k}, {&kernel.d_exponents, &two.d_exponents}, {&kernel.d_weights, &two.d_weights}})
      for (int64_t i = 0; i < all->size(); ++i) {
        if (i < written->size())
          ASSERT_EQ((*all)[i], (*written)[i]) << i;
        else
          ASSERT_TRUE(std::isnan((*all)[i])) << i;
      }
  });
}

TEST(ExponentialKernel, ArgumentsAreChecked) {
  Kernel kernel(2, 3, 5), other(3, 3, 5);
  const StreamPtr stream = make_stream();
  const fovea_tensor e = kernel.exponents.view(), w = kernel.weights.view(), k = kernel.k.view(), dk = kernel.dk.view();
  const fovea_tensor other_e = other.exponents.view(), other_k = other.k.view(), d = kernel.d_exponents.view();
  const auto refused = [&](const fovea_tensor* pe, const fovea_tensor* pw, const fovea_tensor* pk, const char* message) {
    EXPECT_EQ(fovea_exponential_kernel(pe, pw, pk, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  fovea_tensor wide = e;
  wide.shape[2] = wide.pitch = 3;
  refused(&wide, &w, &k, "exponential_kernel: exponents is [2, 3, 3] f32, the last dimension must be 2 (re, im)");
  refused(&e, &other_e, &k, "exponential_kernel: exponents is [2, 3, 2] f32 but weights is [3, 3, 2] f32");
  refused(&e, &w, &other_k, "exponential_kernel: k has 3 channels, exponents has 2");
  refused(nullptr, &w, &k, "exponential_kernel: exponents is NULL");
  refused(&e, &w, nullptr, "exponential_kernel: k is NULL");
  EXPECT_EQ(fovea_exponential_kernel(&e, &w, &k, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_exponential_kernel_backward(&e, &w, &dk, &d, &d, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "exponential_kernel_backward: d_exponents and d_weights overlap in memory");
  EXPECT_EQ(fovea_exponential_kernel_backward(&e, &w, &dk, &other_e, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_exponential_kernel_backward(&e, &w, &dk, &e, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
