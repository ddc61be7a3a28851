#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr int32_t kCells[] = {FOVEA_CELL_RNN_TANH, FOVEA_CELL_RNN_RELU, FOVEA_CELL_LSTM, FOVEA_CELL_GRU,
                              FOVEA_CELL_GRU_RESET_BEFORE};

// Gradients, and the inputs they belong to.
enum { kX, kWeights, kRecurrent, kBias, kRecurrentBias, kH, kC, kGradients };

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

// What a call passes.
struct Parts {
  bool biases = true, lengths = true, states = true;
};

// The forward recurrence in double: y, and the loss that dy, d_final_h and d_final_c are the gradients of.
struct Model {
  fovea_recurrent_params params;
  int64_t batch, length, gates;
  Parts parts;
  std::vector<int32_t> lengths;
  Values in[kGradients], dy, d_final_h, d_final_c;

  double run(Values* y) const {
    const int64_t n = params.hidden_size, inputs = params.input_size;
    double loss = 0;
    for (int64_t b = 0; b < batch; ++b) {
      Values h(n), c(n), next(n), reset(n);
      for (int64_t i = 0; parts.states && i < n; ++i) h[i] = in[kH][b * n + i], c[i] = in[kC][b * n + i];
      const int64_t valid = parts.lengths ? lengths[b] : length;
      for (int64_t s = 0; s < valid; ++s) {
        const int64_t p = b * length + (params.reverse != 0 ? valid - 1 - s : s);
        const auto input = [&](int64_t row) {
          double sum = parts.biases ? in[kBias][row] : 0.0;
          for (int64_t k = 0; k < inputs; ++k) sum += in[kWeights][row * inputs + k] * in[kX][p * inputs + k];
          return sum;
        };
        const auto inner = [&](int64_t row, const Values& v) {
          double sum = parts.biases ? in[kRecurrentBias][row] : 0.0;
          for (int64_t k = 0; k < n; ++k) sum += in[kRecurrent][row * n + k] * v[k];
          return sum;
        };
        const auto sum = [&](int64_t gate, int64_t i) { return input(gate * n + i) + inner(gate * n + i, h); };
        for (int64_t i = 0; gates == 3 && i < n; ++i) reset[i] = logistic(sum(0, i)) * h[i];
        for (int64_t i = 0; i < n; ++i) {
          if (params.cell == FOVEA_CELL_RNN_TANH) {
            next[i] = std::tanh(sum(0, i));
          } else if (params.cell == FOVEA_CELL_RNN_RELU) {
            next[i] = std::fmax(sum(0, i), 0.0);
          } else if (params.cell == FOVEA_CELL_LSTM) {
            c[i] = logistic(sum(1, i)) * c[i] + logistic(sum(0, i)) * std::tanh(sum(2, i));
            next[i] = logistic(sum(3, i)) * std::tanh(c[i]);
          } else {
            const double z = logistic(sum(1, i)), through = params.cell == FOVEA_CELL_GRU
                                                                ? logistic(sum(0, i)) * inner(2 * n + i, h)
                                                                : inner(2 * n + i, reset);
            next[i] = (1 - z) * std::tanh(input(2 * n + i) + through) + z * h[i];
          }
        }
        h = next;
        for (int64_t i = 0; i < n; ++i) {
          loss += dy[p * n + i] * h[i];
          if (y != nullptr) (*y)[p * n + i] = h[i];
        }
      }
      for (int64_t i = 0; parts.states && i < n; ++i) loss += d_final_h[b * n + i] * h[i];
      for (int64_t i = 0; parts.states && params.cell == FOVEA_CELL_LSTM && i < n; ++i) loss += d_final_c[b * n + i] * c[i];
    }
    return loss;
  }
};

// All tensors of one call; `extra` columns of guard bytes behind each row.
template <class T>
struct Layer {
  fovea_recurrent_params params;
  int64_t batch, length, gates;
  Parts parts;
  Array<float> weights, recurrent, bias, recurrent_bias, h, c, d_final_h, d_final_c;
  Array<T> x, y, dy, dx;
  Array<float> d_weights, d_recurrent, d_bias, d_recurrent_bias, d_h, d_c;
  Array<int32_t> lengths;
  std::unique_ptr<Workspace> workspace;  // of the last call

  Layer(int32_t cell, int64_t rows, int64_t steps, int32_t inputs, int32_t hidden, const Parts& p = {}, bool reverse = false,
        int64_t extra = 0)
      : params{cell, inputs, hidden, reverse ? 1 : 0},
        batch(rows),
        length(steps),
        gates(cell == FOVEA_CELL_LSTM  ? 4
              : cell >= FOVEA_CELL_GRU ? 3
                                       : 1),
        parts(p),
        weights({gates * hidden, inputs}, inputs + extra),
        recurrent({gates * hidden, hidden}, hidden + 2 * extra),
        bias({gates * hidden}),
        recurrent_bias({gates * hidden}),
        h({batch, hidden}, hidden + extra),
        c(h),
        d_final_h(h),
        d_final_c(h),
        x({batch, length, inputs}, inputs + extra),
        y({batch, length, hidden}, hidden + 3 * extra),
        dy({batch, length, hidden}, hidden + extra),
        dx({batch, length, inputs}, inputs + 2 * extra),
        d_weights(weights),
        d_recurrent(recurrent),
        d_bias(bias),
        d_recurrent_bias(bias),
        d_h(h),
        d_c(h),
        lengths({batch}) {
    // Spectral radii below 1, as trained cells have: gradients fade instead of growing.
    const double range = 0.9 / std::sqrt(static_cast<double>(hidden) + 1);
    weights.fill(1, -0.5, 0.5), recurrent.fill(2, -range, range), bias.fill(3, -0.5, 0.5), recurrent_bias.fill(4, -0.5, 0.5);
    x.fill(5), h.fill(6), c.fill(7), dy.fill(8), d_final_h.fill(9), d_final_c.fill(10);
    for (int64_t i = 0; i < batch; ++i) lengths[i] = static_cast<int32_t>((i * 5 + length) % (length + 1));
    Values outputs(static_cast<size_t>(y.size()));
    model().run(&outputs);
    for (int64_t i = 0; i < y.size(); ++i) y[i] = T(outputs[i]);
  }

  Model model() const {
    Model m{params, batch, length, gates, parts, lengths.values(), {}, {}, widen(d_final_h), widen(d_final_c)};
    for (int64_t i = 0; i < dy.size(); ++i) m.dy.push_back(static_cast<double>(dy[i]));
    for (int64_t i = 0; i < x.size(); ++i) m.in[kX].push_back(static_cast<double>(x[i]));
    m.in[kWeights] = widen(weights), m.in[kRecurrent] = widen(recurrent), m.in[kBias] = widen(bias);
    m.in[kRecurrentBias] = widen(recurrent_bias), m.in[kH] = widen(h), m.in[kC] = widen(c);
    return m;
  }
  bool is_wanted(int gradient) const {
    return gradient == kBias || gradient == kRecurrentBias ? parts.biases
           : gradient == kH                                ? parts.states
           : gradient == kC                                ? parts.states && params.cell == FOVEA_CELL_LSTM
                                                           : true;
  }
  Array<float>& parameter_gradient(int i) {
    Array<float>* all[] = {nullptr, &d_weights, &d_recurrent, &d_bias, &d_recurrent_bias, &d_h, &d_c};
    return *all[i];
  }

  int64_t workspace_bytes() {
    const fovea_tensor xt = x.view();
    int64_t bytes = -1;
    EXPECT_EQ(fovea_recurrent_backward_workspace(&params, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }

  // `wanted`: bit i asks for gradient i, among those whose inputs are present.
  fovea_status run(fovea_stream* stream, uint32_t wanted = ~0u, const int32_t* live = nullptr) {
    workspace = std::make_unique<Workspace>(workspace_bytes());
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor wt = weights.view(), rt = recurrent.view(), bt = bias.view(), rbt = recurrent_bias.view();
    const fovea_tensor nt = lengths.view(), ht = h.view(), ct = c.view(), yt = y.view(), dyt = dy.view();
    const fovea_tensor fht = d_final_h.view(), fct = d_final_c.view(), dxt = dx.view();
    const bool c_too = parts.states && params.cell == FOVEA_CELL_LSTM;
    const auto given = [](bool is, const fovea_tensor& t) { return is ? &t : nullptr; };
    const fovea_recurrent_inputs in{&xt,
                                    &wt,
                                    &rt,
                                    given(parts.biases, bt),
                                    given(parts.biases, rbt),
                                    given(parts.lengths, nt),
                                    given(parts.states, ht),
                                    given(c_too, ct),
                                    &yt,
                                    &dyt,
                                    given(parts.states, fht),
                                    given(c_too, fct)};
    fovea_tensor g[kGradients];
    const fovea_tensor* asked[kGradients] = {(wanted & 1u) != 0 ? &dxt : nullptr};
    for (int i = 1; i < kGradients; ++i) {
      g[i] = parameter_gradient(i).view();
      asked[i] = is_wanted(i) && (wanted >> i & 1u) != 0 ? &g[i] : nullptr;
    }
    const fovea_recurrent_gradients out{asked[kX], asked[kWeights], asked[kRecurrent], asked[kBias], asked[kRecurrentBias],
                                        asked[kH], asked[kC]};
    return fovea_recurrent_backward(&params, &in, &out, workspace->get(), stream);
  }
};

// Gates come from sums of input + hidden products, to 1e-6; what a step passes on shrinks. Gradients of parameters add that
// over all positions, and dx over the gates.
void check_all(Layer<float>& l) {
  const double terms = static_cast<double>(l.gates * l.params.hidden_size + l.batch * l.length);
  std::vector<Array<float>*> outputs{&l.dx};
  for (int i = 1; i < kGradients; ++i)
    if (l.is_wanted(i)) outputs.push_back(&l.parameter_gradient(i));
  check_gradients(outputs, std::vector<Tolerance>(outputs.size(), {1e-5, 5e-6 + 3e-7 * terms}),
                  [&](fovea_stream* s) { return l.run(s); });
  EXPECT_TRUE(l.workspace->guards_intact());
}

TEST(RecurrentBackward, MatchesReference) {
  const struct {
    int64_t batch, length;
    int32_t input, hidden;
    int64_t extra;
  } cases[] = {{1, 1, 1, 1, 0}, {2, 5, 3, 7, 0}, {3, 4, 17, 16, 3}, {13, 2, 5, 33, 1}, {1, 5, 21, 70, 0},
               {2, 3, 0, 5, 0}, {2, 0, 3, 4, 0}, {0, 2, 3, 4, 0},   {2, 3, 4, 0, 0}};
  for (const int32_t cell : kCells)
    for (const auto& s : cases) {
      if (test_device() != nullptr && s.hidden == 70) continue;  // several blocks of units are the CPU's
      SCOPED_TRACE(::testing::Message() << "cell " << cell << ", " << s.batch << "x" << s.length << "x" << s.input << " to "
                                        << s.hidden);
      Layer<float> l(cell, s.batch, s.length, s.input, s.hidden, {}, false, s.extra);
      check_all(l);
    }
}

TEST(RecurrentBackward, EveryCombinationOfParts) {
  for (const int32_t cell : kCells)
    for (int bits = 0; bits < 16; ++bits) {
      if (test_device() != nullptr && bits % 5 != 0) continue;  // with and without each, emulated in time
      const Parts parts{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
      SCOPED_TRACE(::testing::Message() << "cell " << cell << " parts " << bits);
      Layer<float> l(cell, 3, 4, 3, 5, parts, (bits & 8) != 0);
      check_all(l);
    }
}

// Central differences of the plain double recurrence: steps of 1e-5 leave 1e-10 of truncation and 1e-10 of cancellation. y is
// given in f32, and so is the result. RELU's kinks are further than a step away from these sums.
TEST(RecurrentBackward, EqualsFiniteDifferences) {
  for (const int32_t cell : kCells)
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "cell " << cell << " reverse " << reverse);
      Layer<float> l(cell, 3, 4, 2, 3, {}, reverse);
      Model model = l.model();
      Values expected[kGradients];
      for (int i = 0; i < kGradients; ++i) expected[i] = slopes(model.in[i], 1e-5, [&] { return model.run(nullptr); });
      on_every_backend([&](fovea_stream* stream, bool) {
        ASSERT_EQ(finish(l.run(stream), stream), FOVEA_OK) << fovea_last_error();
        for (int i = 0; i < kGradients; ++i) {
          if (!l.is_wanted(i)) continue;
          const Array<float>& actual = i == kX ? l.dx : l.parameter_gradient(i);
          for (size_t k = 0; k < expected[i].size(); ++k)
            ASSERT_TRUE(near(actual[static_cast<int64_t>(k)], expected[i][k], 1e-5, 1e-5)) << i << " element " << k;
        }
      });
    }
}

// More rows than a group, more units than a block: the same bits with any number of threads, in both ways to share the work.
TEST(RecurrentBackward, GroupsAndSharedSteps) {
  if (test_device() != nullptr) GTEST_SKIP() << "how the CPU shares the work";
  for (const auto& [cell, batch, hidden] : {std::tuple{FOVEA_CELL_LSTM, 1, 300}, {FOVEA_CELL_GRU_RESET_BEFORE, 27, 40}}) {
    Layer<float> l(cell, batch, 3, 6, hidden);
    check_all(l);
  }
}

// States and sums are f32, y is given rounded; dx is rounded by half an ulp (`unit`), as is what it is compared with.
template <class T>
void check_narrow(double unit) {
  for (const int32_t cell : kCells) {
    SCOPED_TRACE(cell);
    Layer<T> narrow(cell, 2, 5, 7, 9, {}, false, 3);
    Layer<float> wide(cell, 2, 5, 7, 9);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    for (int64_t i = 0; i < wide.y.size(); ++i)
      wide.y[i] = static_cast<float>(narrow.y[i]), wide.dy[i] = static_cast<float>(narrow.dy[i]);
    check_narrow_kernel<T>(
        narrow.dx, wide.dx, {2 * unit + 1e-5, 1e-5}, [&](fovea_stream* s) { return wide.run(s); },
        [&](fovea_stream* s) { return narrow.run(s); });
    if (test_device() == nullptr) return;
    for (int i = 1; i < kGradients; ++i)
      if (narrow.is_wanted(i))
        expect_near(narrow.parameter_gradient(i).values(), wide.parameter_gradient(i).values(), {1e-5, 1e-5});
  }
}
TEST(RecurrentBackward, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(RecurrentBackward, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

// Gradients that nobody asks for change nothing in the others.
TEST(RecurrentBackward, GradientsMayBeLeftOut) {
  for (const int32_t cell : {FOVEA_CELL_LSTM, FOVEA_CELL_GRU_RESET_BEFORE}) {
    Layer<float> l(cell, 2, 4, 5, 6);
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(l.run(stream), stream), FOVEA_OK);
      const auto gradient = [&](int i) -> Array<float>& { return i == kX ? l.dx : l.parameter_gradient(i); };
      std::vector<std::vector<float>> all;
      for (int i = 0; i < kGradients; ++i) all.push_back(gradient(i).values());
      for (int only = -1; only < kGradients; ++only) {
        for (int i = 0; i < kGradients; ++i) gradient(i).poison();
        ASSERT_EQ(finish(l.run(stream, only < 0 ? 0u : 1u << only), stream), FOVEA_OK);
        for (int i = 0; i < kGradients; ++i) {
          if (!l.is_wanted(i)) continue;
          if (i == only)
            EXPECT_EQ(gradient(i).values(), all[i]) << i;
          else
            EXPECT_TRUE(std::isnan(gradient(i)[0])) << i;
        }
      }
    });
  }
}

// NaN behind the lengths and behind the live rows reaches nothing, and only live rows are written.
TEST(RecurrentBackward, PositionsBehindTheEndGiveNothing) {
  for (const int32_t cell : kCells) {
    Layer<float> l(cell, 3, 4, 2, 5), two(cell, 2, 4, 2, 5);
    const Live live(2);
    two.lengths.assign({1, 3}), l.lengths.assign({1, 3, 4});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (int64_t row = 0; row < 3; ++row)
      for (int64_t t = 0; t < 4; ++t)
        for (int64_t i = 0; i < 5; ++i) {
          const int64_t at = (row * 4 + t) * 5 + i;
          const bool counts = row < 2 && t < l.lengths[row];
          if (i < 2) l.x[(row * 4 + t) * 2 + i] = counts ? two.x[(row * 4 + t) * 2 + i] : nan;
          l.dy[at] = counts ? two.dy[at] : nan, l.y[at] = counts ? two.y[at] : nan;
        }
    for (auto [to, from] :
         {std::pair{&l.h, &two.h}, {&l.c, &two.c}, {&l.d_final_h, &two.d_final_h}, {&l.d_final_c, &two.d_final_c}})
      for (int64_t i = 0; i < to->size(); ++i) (*to)[i] = i < from->size() ? (*from)[i] : nan;
    on_every_backend([&](fovea_stream* stream, bool) {
      l.dx.poison(), l.d_h.poison();
      ASSERT_EQ(finish(l.run(stream, ~0u, live.get()), stream), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(two.run(stream), stream), FOVEA_OK);
      // A product over more positions may be cut elsewhere: equal up to rounding.
      for (int i = 1; i <= kRecurrentBias; ++i)
        expect_near(l.parameter_gradient(i).values(), two.parameter_gradient(i).values(), {1e-5, 1e-6});
      for (auto [all, written] : {std::pair{&l.dx, &two.dx}, {&l.d_h, &two.d_h}})
        for (int64_t i = 0; i < all->size(); ++i) {
          if (i < written->size())
            ASSERT_TRUE(near((*all)[i], (*written)[i], 1e-6, 1e-6)) << i;
          else
            ASSERT_TRUE(std::isnan((*all)[i])) << i;
        }
      for (int64_t i = 2; i < 8; ++i) EXPECT_EQ(l.dx[i], 0) << "behind the length";
    });
  }
}

TEST(RecurrentBackward, ArgumentsAreChecked) {
  Layer<float> l(FOVEA_CELL_GRU, 2, 3, 4, 5);
  const StreamPtr stream = make_stream();
  const Workspace workspace(l.workspace_bytes());
  const fovea_tensor x = l.x.view(), w = l.weights.view(), r = l.recurrent.view(), b = l.bias.view(), n = l.lengths.view();
  const fovea_tensor h = l.h.view(), y = l.y.view(), dy = l.dy.view(), dx = l.dx.view(), dw = l.d_weights.view();
  const fovea_recurrent_inputs good{&x, &w, &r, &b, nullptr, &n, &h, nullptr, &y, &dy, nullptr, nullptr};
  const fovea_recurrent_gradients wanted{&dx, &dw, nullptr, nullptr, nullptr, nullptr, nullptr};
  const auto run = [&](const fovea_recurrent_inputs* in, const fovea_recurrent_gradients* g, const fovea_workspace* memory) {
    return fovea_recurrent_backward(&l.params, in, g, memory, stream.get());
  };
  EXPECT_EQ(run(&good, &wanted, workspace.get()), FOVEA_OK) << fovea_last_error();
  const auto refused = [&](auto change, const char* message) {
    fovea_recurrent_inputs in = good;
    fovea_recurrent_gradients g = wanted;
    change(in, g);
    EXPECT_EQ(run(&in, &g, workspace.get()), FOVEA_INVALID_ARGUMENT);
    if (message != nullptr) {
      EXPECT_STREQ(fovea_last_error(), message);
    }
  };
  using In = fovea_recurrent_inputs&;
  using Out = fovea_recurrent_gradients&;
  refused([&](In in, Out) { in.x = &y; }, "recurrent_backward: x is [2, 3, 5] f32, its last dimension must be 4");
  refused([&](In in, Out) { in.weights = &r; }, "recurrent_backward: weights is [15, 5] f32, expected [15, 4]");
  refused([&](In in, Out) { in.recurrent = &w; }, "recurrent_backward: recurrent is [15, 4] f32, expected [15, 5]");
  refused([&](In in, Out) { in.dy = &x; },
          "recurrent_backward: dy is [2, 3, 4] f32, but x is [2, 3, 4] f32 and there are 5 hidden units");
  refused([&](In in, Out) { in.initial_c = &h; }, "recurrent_backward: initial_c is the LSTM's, the cell is 3");
  refused([&](In, Out g) { g.d_recurrent_bias = &b; }, "recurrent_backward: d_recurrent_bias is given without recurrent_bias");
  refused([&](In, Out g) { g.d_recurrent = &dw; }, nullptr);
  refused([&](In, Out g) { g.dx = &x; }, nullptr);
  refused([&](In, Out g) { g.d_weights = &w; }, nullptr);
  refused([&](In in, Out) { in.y = nullptr; }, "recurrent_backward: y is NULL");
  refused([&](In in, Out) { in.lengths = &b; }, nullptr);
  EXPECT_EQ(run(nullptr, &wanted, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&good, &wanted, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_workspace small = *workspace.get();
  small.bytes -= 1;
  EXPECT_EQ(run(&good, &wanted, &small), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  fovea_tensor huge = x;
  huge.shape[0] = huge.shape[1] = INT64_MAX;
  EXPECT_EQ(fovea_recurrent_backward_workspace(&l.params, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent_backward_workspace(&l.params, nullptr, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent_backward_workspace(&l.params, &x, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent_backward_workspace(nullptr, &x, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
