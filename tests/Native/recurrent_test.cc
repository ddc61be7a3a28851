#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

constexpr int32_t kCells[] = {FOVEA_CELL_RNN_TANH, FOVEA_CELL_RNN_RELU, FOVEA_CELL_LSTM, FOVEA_CELL_GRU,
                              FOVEA_CELL_GRU_RESET_BEFORE};

int64_t gates_of(int32_t cell) {
  return cell == FOVEA_CELL_LSTM ? 4 : cell == FOVEA_CELL_GRU || cell == FOVEA_CELL_GRU_RESET_BEFORE ? 3 : 1;
}

// One layer and a batch; `extra` columns of guard bytes behind each row.
template <class T>
struct LayerOf {
  fovea_recurrent_params params;
  int64_t batch, length, input, hidden, gates;
  bool with_bias = true, with_recurrent_bias = true;
  Array<float> weights, recurrent, bias, recurrent_bias;
  Array<T> x;
  Array<float> h0, c0, h, c;
  Array<T> y;
  Array<int32_t> lengths;
  PerDevice<Array<uint8_t>> packed;
  PerDevice<Workspace> scratch;

  LayerOf(int32_t cell, int64_t rows, int64_t steps, int32_t in, int32_t units, bool reverse = false, int64_t extra = 0)
      : params{cell, in, units, reverse ? 1 : 0},
        batch(rows),
        length(steps),
        input(in),
        hidden(units),
        gates(gates_of(cell)),
        weights({gates * hidden, input}, input + extra),
        recurrent({gates * hidden, hidden}, hidden + 2 * extra),
        bias({gates * hidden}),
        recurrent_bias({gates * hidden}),
        x({batch, length, input}, input + extra),
        h0({batch, hidden}, hidden + extra),
        c0({batch, hidden}, hidden + 2 * extra),
        h({batch, hidden}, hidden + extra),
        c({batch, hidden}, hidden + 2 * extra),
        y({batch, length, hidden}, hidden + 3 * extra),
        lengths({batch}) {
    // Spectral radii below 1, as trained cells have: errors of a step fade instead of growing.
    const double range = 0.9 / std::sqrt(static_cast<double>(hidden) + 1);
    weights.fill(1, -0.5, 0.5), recurrent.fill(2, -range, range), bias.fill(3, -0.5, 0.5), recurrent_bias.fill(4, -0.5, 0.5);
    x.fill(5), h0.fill(6), c0.fill(7);
    for (int64_t i = 0; i < batch; ++i) lengths[i] = static_cast<int32_t>((i * 5 + 3) % (length + 1));
  }

  std::unique_ptr<Array<uint8_t>> prepare() {
    int64_t bytes = -1;
    EXPECT_EQ(fovea_recurrent_prepared_bytes(device_in_use(), &params, &bytes), FOVEA_OK) << fovea_last_error();
    auto result = std::make_unique<Array<uint8_t>>(std::vector<int64_t>{bytes});
    const StreamPtr stream = make_stream();
    const fovea_tensor w = weights.view(), r = recurrent.view(), b = bias.view(), rb = recurrent_bias.view();
    const fovea_tensor p = result->view();
    EXPECT_EQ(finish(fovea_recurrent_prepare(&params, &w, &r, with_bias ? &b : nullptr, with_recurrent_bias ? &rb : nullptr, &p,
                                             stream.get()),
                     stream.get()),
              FOVEA_OK)
        << fovea_last_error();
    EXPECT_TRUE(result->guards_intact());
    return result;
  }
  fovea_tensor prepared() {
    return packed.get([&] { return prepare(); }).view();
  }
  const fovea_workspace* workspace() {
    return scratch.get([&] { return std::make_unique<Workspace>(workspace_bytes()); }).get();
  }

  int64_t workspace_bytes() {
    int64_t n = -1;
    const fovea_tensor t = x.view();
    EXPECT_EQ(fovea_recurrent_workspace(&params, &t, &n), FOVEA_OK) << fovea_last_error();
    return n;
  }

  // Positions [begin, begin + steps) from the states in h and c.
  fovea_status run_steps(fovea_stream* stream, int64_t begin, int64_t steps, bool with_lengths, bool with_states,
                         const int32_t* live = nullptr) {
    const auto cut = [&](Array<T>& a) {
      fovea_tensor t = a.view();
      t.data = a.data() + begin * t.pitch;
      t.shape[1] = steps;
      return t;
    };
    fovea_tensor xt = cut(x);
    xt.live = live;
    const fovea_tensor yt = cut(y), p = prepared(), n = lengths.view(), ht = h.view(), ct = c.view();
    return fovea_recurrent(&params, &xt, &p, with_lengths ? &n : nullptr, with_states ? &ht : nullptr,
                           with_states && params.cell == FOVEA_CELL_LSTM ? &ct : nullptr, &yt, workspace(), stream);
  }

  fovea_status run(fovea_stream* stream, bool with_lengths = false, bool with_states = true) {
    h.assign(h0.values()), c.assign(c0.values());
    return run_steps(stream, 0, length, with_lengths, with_states);
  }
};
using Layer = LayerOf<float>;

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

// The formulas from the plain weights, in double; the last states in h and c.
std::vector<double> naive(const Layer& a, bool with_lengths, bool with_states, std::vector<double>* h_out = nullptr,
                          std::vector<double>* c_out = nullptr) {
  std::vector<double> y(static_cast<size_t>(a.y.size()));
  const int64_t H = a.hidden;
  for (int64_t b = 0; b < a.batch; ++b) {
    std::vector<double> h(H), c(H), next(H), reset(H);
    for (int64_t i = 0; with_states && i < H; ++i) h[i] = a.h0[b * H + i], c[i] = a.c0[b * H + i];
    const int64_t valid = with_lengths ? std::min<int64_t>(std::max(a.lengths[b], 0), a.length) : a.length;
    for (int64_t s = 0; s < valid; ++s) {
      const int64_t t = a.params.reverse != 0 ? valid - 1 - s : s;
      const auto in = [&](int64_t row) {
        double sum = a.bias[row];
        for (int64_t k = 0; k < a.input; ++k)
          sum += static_cast<double>(a.weights[row * a.input + k]) * a.x[(b * a.length + t) * a.input + k];
        return sum;
      };
      const auto rec = [&](int64_t row, const std::vector<double>& v) {
        double sum = a.recurrent_bias[row];
        for (int64_t k = 0; k < H; ++k) sum += static_cast<double>(a.recurrent[row * H + k]) * v[k];
        return sum;
      };
      for (int64_t i = 0; i < H && a.gates == 3; ++i) reset[i] = logistic(in(i) + rec(i, h)) * h[i];
      for (int64_t i = 0; i < H; ++i) {
        if (a.params.cell == FOVEA_CELL_LSTM) {
          c[i] = logistic(in(H + i) + rec(H + i, h)) * c[i] +
                 logistic(in(i) + rec(i, h)) * std::tanh(in(2 * H + i) + rec(2 * H + i, h));
          next[i] = logistic(in(3 * H + i) + rec(3 * H + i, h)) * std::tanh(c[i]);
        } else if (a.gates == 3) {
          const double r = logistic(in(i) + rec(i, h)), z = logistic(in(H + i) + rec(H + i, h));
          const double n = a.params.cell == FOVEA_CELL_GRU ? std::tanh(in(2 * H + i) + r * rec(2 * H + i, h))
                                                           : std::tanh(in(2 * H + i) + rec(2 * H + i, reset));
          next[i] = (1 - z) * n + z * h[i];
        } else {
          const double v = in(i) + rec(i, h);
          next[i] = a.params.cell == FOVEA_CELL_RNN_TANH ? std::tanh(v) : std::max(v, 0.0);
        }
      }
      h = next;
      for (int64_t i = 0; i < H; ++i) y[static_cast<size_t>((b * a.length + t) * H + i)] = h[i];
    }
    if (h_out != nullptr) h_out->insert(h_out->end(), h.begin(), h.end());
    if (c_out != nullptr) c_out->insert(c_out->end(), c.begin(), c.end());
  }
  return y;
}

// A gate sums up to 100 + 300 products of order 0.3, rounded one by one: some 1e-6 absolute, through slopes of at most 1 and
// states that fade by a half per step. ReLU's states are not squashed and reach tens.
constexpr Tolerance kTolerance{1e-5, 1e-5};

TEST(Recurrent, MatchesReferenceAndTheFormulas) {
  const struct {
    int64_t batch, length;
    int32_t input, hidden;
    bool reverse;
    int64_t extra;
  } cases[] = {{1, 1, 1, 1, false, 0},  {1, 7, 3, 5, false, 0},  {2, 9, 17, 16, true, 3},    {5, 6, 8, 33, false, 1},
               {13, 5, 4, 20, true, 0}, {26, 3, 5, 7, false, 2}, {1, 3, 100, 300, false, 0}, {1, 4, 3, 72, true, 1},
               {3, 4, 0, 6, false, 0},  {0, 4, 3, 5, false, 0},  {2, 0, 3, 5, false, 0},     {2, 4, 3, 0, false, 0}};
  for (const int32_t cell : kCells)
    for (const auto& k : cases)
      for (const bool with_lengths : {false, true}) {
        const bool large = k.hidden > 40 || k.batch > 10;
        if (test_device() != nullptr && large && (cell != FOVEA_CELL_LSTM || with_lengths)) continue;  // slow to emulate
        SCOPED_TRACE(::testing::Message() << "cell " << cell << " batch " << k.batch << " length " << k.length << " input "
                                          << k.input << " hidden " << k.hidden << (with_lengths ? " lengths" : ""));
        Layer a(cell, k.batch, k.length, k.input, k.hidden, k.reverse, k.extra);
        const auto call = [&](fovea_stream* s) { return a.run(s, with_lengths); };
        check_kernel<float>(a.y, kTolerance, call);
        check_kernel<float>(a.h, kTolerance, call);
        EXPECT_TRUE(a.scratch->guards_intact() && a.c.guards_intact() && a.packed->guards_intact());
        if (k.length == 0) continue;
        std::vector<double> h, c;
        const std::vector<double> y = naive(a, with_lengths, true, &h, &c);
        for (size_t i = 0; i < y.size(); ++i) ASSERT_TRUE(near(a.y[static_cast<int64_t>(i)], y[i], 1e-5, 1e-5)) << i;
        for (size_t i = 0; i < h.size(); ++i) ASSERT_TRUE(near(a.h[static_cast<int64_t>(i)], h[i], 1e-5, 1e-5)) << i;
        for (size_t i = 0; cell == FOVEA_CELL_LSTM && i < c.size(); ++i)
          ASSERT_TRUE(near(a.c[static_cast<int64_t>(i)], c[i], 1e-5, 1e-5)) << i;
      }
}

// A step big enough that its blocks are shared among threads (check_kernel compares 1 and 2 threads bitwise).
TEST(Recurrent, WideLayerOfOneRow) {
  for (const int32_t cell : {FOVEA_CELL_LSTM, FOVEA_CELL_GRU_RESET_BEFORE}) {
    if (test_device() != nullptr && cell == FOVEA_CELL_LSTM) continue;  // slow to emulate
    Layer a(cell, 1, 2, 3, test_device() != nullptr ? 270 : 520);
    check_kernel<float>(a.y, kTolerance, [&](fovea_stream* s) { return a.run(s); });
  }
}

// One unit, inputs 1, -1/2, 2, zero states: worked out by hand from the formulas.
TEST(Recurrent, WorkedExamples) {
  const struct {
    int32_t cell;
    std::vector<float> w, r, bias, recurrent_bias, y;
  } cases[] = {
      {FOVEA_CELL_LSTM,
       {.5f, -.3f, .8f, .2f},
       {.1f, .2f, -.4f, .6f},
       {0, 1, 0, 0},
       {0, 0, 0, 0},
       {.2151508f, .0592108f, .3830125f}},
      {FOVEA_CELL_GRU, {.5f, -.3f, .8f}, {.1f, .2f, -.4f}, {.1f, 0, .05f}, {0, .2f, .3f}, {.4091392f, .1386088f, .6190944f}},
      {FOVEA_CELL_GRU_RESET_BEFORE,
       {.5f, -.3f, .8f},
       {.1f, .2f, -.4f},
       {.1f, 0, .05f},
       {0, .2f, .3f},
       {.4293039f, .2094456f, .6483219f}}};
  const float cells[] = {.4133359f, .1172584f, .7427314f};
  for (const auto& k : cases)
    on_every_backend([&](fovea_stream* stream, bool) {
      SCOPED_TRACE(::testing::Message() << "cell " << k.cell);
      Layer a(k.cell, 1, 3, 1, 1);
      a.weights.assign(k.w), a.recurrent.assign(k.r), a.bias.assign(k.bias), a.recurrent_bias.assign(k.recurrent_bias);
      a.x.assign({1, -.5f, 2}), a.h0.assign({0}), a.c0.assign({0});
      a.h.assign({0}), a.c.assign({0});
      for (int64_t t = 0; t < 3; ++t) {
        ASSERT_EQ(finish(a.run_steps(stream, t, 1, false, true), stream), FOVEA_OK) << fovea_last_error();
        EXPECT_NEAR(a.y[t], k.y[static_cast<size_t>(t)], 2e-7) << t;
        if (k.cell == FOVEA_CELL_LSTM) {
          EXPECT_NEAR(a.c[0], cells[t], 2e-7) << t;
        }
      }
      ASSERT_EQ(finish(a.run(stream, false, false), stream), FOVEA_OK) << "no states are zero states";
      for (int64_t t = 0; t < 3; ++t) EXPECT_NEAR(a.y[t], k.y[static_cast<size_t>(t)], 2e-7) << t;
    });
}

TEST(Recurrent, StreamingEqualsOneCall) {
  for (const int32_t cell : kCells) {
    Layer whole(cell, 1, 12, 9, 21), cut(cell, 1, 12, 9, 21);
    on_every_backend([&](fovea_stream* stream, bool is_reference) {
      if (is_reference) return;
      SCOPED_TRACE(::testing::Message() << "cell " << cell);
      ASSERT_EQ(finish(whole.run(stream), stream), FOVEA_OK);
      cut.h.assign(cut.h0.values()), cut.c.assign(cut.c0.values());
      for (int64_t t = 0; t < 12; ++t) ASSERT_EQ(finish(cut.run_steps(stream, t, 1, false, true), stream), FOVEA_OK);
      // The recurrence has the same bits; the input products may be summed otherwise for one row than for twelve.
      for (int64_t i = 0; i < cut.y.size(); ++i) ASSERT_TRUE(near(cut.y[i], whole.y[i], 1e-6, 1e-6)) << i;
      for (int64_t i = 0; i < cut.h.size(); ++i) ASSERT_TRUE(near(cut.h[i], whole.h[i], 1e-6, 1e-6)) << i;
    });
  }
}

// A row that has ended keeps its state, and nothing behind its end is read into it.
TEST(Recurrent, LengthsFreezeTheState) {
  for (const bool reverse : {false, true}) {
    Layer a(FOVEA_CELL_LSTM, 4, 6, 3, 18, reverse);
    a.lengths.assign({0, 4, 99, -7});  // the last two are clamped
    for (int64_t t = 4; t < 6; ++t)
      for (int64_t k = 0; k < 3; ++k) a.x[(6 + t) * 3 + k] = NAN;
    on_every_backend([&](fovea_stream* stream, bool) {
      ASSERT_EQ(finish(a.run(stream, true), stream), FOVEA_OK);
      for (int64_t i = 0; i < 18; ++i) {
        for (const int64_t row : {0, 3}) {
          EXPECT_EQ(a.h[row * 18 + i], a.h0[row * 18 + i]);
          EXPECT_EQ(a.c[row * 18 + i], a.c0[row * 18 + i]);
        }
        for (int64_t t = 0; t < 6; ++t) EXPECT_EQ(a.y[t * 18 + i], 0) << t;
        for (int64_t t = 4; t < 6; ++t) EXPECT_EQ(a.y[(6 + t) * 18 + i], 0) << t;
        EXPECT_EQ(a.h[18 + i], a.y[(6 + (reverse ? 0 : 3)) * 18 + i]) << "the last valid output is the state";
        EXPECT_EQ(a.h[36 + i], a.y[(12 + (reverse ? 0 : 5)) * 18 + i]);
      }
    });
  }
}

TEST(Recurrent, BiasesMayBeAbsent) {
  for (const int32_t cell : kCells)
    for (const bool first : {false, true}) {
      Layer a(cell, 2, 4, 3, 5);
      if (!first) a.bias.assign(std::vector<float>(static_cast<size_t>(a.bias.size())));
      if (first) a.recurrent_bias.assign(std::vector<float>(static_cast<size_t>(a.bias.size())));
      a.with_bias = first, a.with_recurrent_bias = !first;
      const std::vector<double> y = naive(a, false, true);
      on_every_backend([&](fovea_stream* stream, bool) {
        ASSERT_EQ(finish(a.run(stream), stream), FOVEA_OK);
        for (size_t i = 0; i < y.size(); ++i)
          ASSERT_TRUE(near(a.y[static_cast<int64_t>(i)], y[i], 1e-5, 1e-5)) << cell << " " << i;
      });
    }
}

TEST(Recurrent, LiveLimitsTheBatch) {
  Layer a(FOVEA_CELL_GRU, 3, 4, 3, 5);
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    a.y.poison(), a.h.assign(a.h0.values());
    ASSERT_EQ(finish(a.run_steps(stream, 0, 4, false, true, live.data()), stream), FOVEA_OK);
    EXPECT_FALSE(std::isnan(a.y[2 * 20 - 1]));
    EXPECT_TRUE(std::isnan(a.y[2 * 20]));
    EXPECT_EQ(a.h[10], a.h0[10]);
  });
}

// Products, states and gates stay f32; y is rounded once, the reference too.
template <class T>
void check_narrow(double relative) {
  for (const int32_t cell : {FOVEA_CELL_LSTM, FOVEA_CELL_GRU}) {
    LayerOf<T> narrow(cell, 3, 5, 8, 20, true, 2);
    Layer wide(cell, 3, 5, 8, 20, true, 2);
    for (int64_t i = 0; i < wide.x.size(); ++i) wide.x[i] = static_cast<float>(narrow.x[i]);
    check_narrow_kernel<T>(
        narrow.y, wide.y, {relative, 1e-5}, [&](fovea_stream* s) { return wide.run(s, true); },
        [&](fovea_stream* s) { return narrow.run(s, true); });
  }
}
TEST(Recurrent, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(Recurrent, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(Recurrent, ArgumentsAreChecked) {
  Layer a(FOVEA_CELL_GRU, 2, 4, 3, 5), other(FOVEA_CELL_GRU, 2, 4, 4, 6);
  const StreamPtr stream = make_stream();
  const fovea_tensor x = a.x.view(), p = a.prepared(), n = a.lengths.view(), h = a.h.view(), c = a.c.view(), y = a.y.view();
  const fovea_tensor wrong_x = other.x.view(), wrong_h = other.h.view(), wrong_y = other.y.view(), wrong_p = other.prepared();
  const auto run = [&](const fovea_tensor* xx, const fovea_tensor* pp, const fovea_tensor* nn, const fovea_tensor* hh,
                       const fovea_tensor* cc, const fovea_tensor* yy) {
    return fovea_recurrent(&a.params, xx, pp, nn, hh, cc, yy, a.workspace(), stream.get());
  };
  EXPECT_EQ(run(&x, &p, &n, &h, nullptr, &y), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(run(&x, &p, &n, &h, &c, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "recurrent: c is the LSTM's, the cell is 3");
  EXPECT_EQ(run(&wrong_x, &p, &n, &h, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "recurrent: x is [2, 4, 4] f32, its last dimension must be 3");
  EXPECT_EQ(run(&x, &wrong_p, &n, &h, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &p, &h, &h, nullptr, &y), FOVEA_INVALID_ARGUMENT) << "lengths";
  EXPECT_EQ(run(&x, &p, &n, &wrong_h, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &p, &n, &h, nullptr, &wrong_y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(nullptr, &p, &n, &h, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, nullptr, &n, &h, nullptr, &y), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(run(&x, &p, &n, &h, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor over = h;
  over.data = y.data;
  EXPECT_EQ(run(&x, &p, &n, &over, nullptr, &y), FOVEA_INVALID_ARGUMENT) << "h overlaps y";
  over = y, over.data = x.data;
  EXPECT_EQ(run(&x, &p, &n, &h, nullptr, &over), FOVEA_INVALID_ARGUMENT) << "y overlaps x";
  EXPECT_EQ(fovea_recurrent(&a.params, &x, &p, &n, &h, nullptr, &y, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent(nullptr, &x, &p, &n, &h, nullptr, &y, a.workspace(), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent(&a.params, &x, &p, &n, &h, nullptr, &y, a.workspace(), nullptr), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = 0;
  for (const fovea_recurrent_params& bad :
       {fovea_recurrent_params{5, 3, 5, 0}, {-1, 3, 5, 0}, {3, -1, 5, 0}, {3, 3, -5, 0}, {2, INT32_MAX, INT32_MAX, 0}})
    EXPECT_EQ(fovea_recurrent_prepared_bytes(cpu(), &bad, &bytes), FOVEA_INVALID_ARGUMENT) << fovea_last_error();
  EXPECT_EQ(fovea_recurrent_prepared_bytes(cpu(), &a.params, nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_tensor huge = x;
  for (int i = 0; i < 2; ++i) huge.shape[i] = INT64_MAX;
  EXPECT_EQ(fovea_recurrent_workspace(&a.params, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  const fovea_tensor w = a.weights.view(), r = a.recurrent.view(), b = a.bias.view();
  EXPECT_EQ(fovea_recurrent_prepare(&a.params, &r, &r, &b, &b, &p, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent_prepare(&a.params, &w, &w, &b, &b, &p, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_recurrent_prepare(&a.params, &w, &r, &n, &b, &p, stream.get()), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
