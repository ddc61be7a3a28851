#include <array>
#include <cmath>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

struct Layer {
  int64_t batch, height, width;
  int32_t in, out, kernel, stride, pad, dilation, groups, offset_groups;
  bool masked;
};
// One channel; channels beside a vector and a slab; groups inside and across offset groups; more positions than a chunk, and
// than a block of the gradient; outputs beside a tile; no taps inside at the borders.
const std::vector<Layer> kLayers{{1, 4, 4, 1, 1, 2, 1, 0, 1, 1, 1, true},   {2, 7, 6, 19, 5, 3, 1, 1, 1, 1, 1, false},
                                 {1, 9, 8, 70, 33, 3, 2, 1, 1, 1, 2, true}, {1, 6, 7, 12, 6, 3, 1, 2, 2, 3, 2, true},
                                 {2, 5, 5, 8, 8, 2, 1, 1, 1, 8, 2, false},  {1, 34, 32, 3, 4, 1, 1, 0, 1, 1, 3, true},
                                 {1, 5, 6, 6, 4, 3, 1, 1, 1, 2, 3, true}};

std::ostream& operator<<(std::ostream& o, const Layer& l) {
  return o << l.batch << 'x' << l.height << 'x' << l.width << ", " << l.in << " to " << l.out << ", kernel " << l.kernel
           << ", groups " << l.groups << ", offset groups " << l.offset_groups;
}

fovea_deform_conv2d_params params_of(const Layer& l, int32_t activation = FOVEA_ACTIVATION_NONE) {
  fovea_deform_conv2d_params p{};
  p.conv.in_channels = l.in, p.conv.out_channels = l.out;
  p.conv.kernel_h = p.conv.kernel_w = l.kernel, p.conv.stride_h = p.conv.stride_w = l.stride;
  p.conv.pad_top = p.conv.pad_bottom = p.conv.pad_left = p.conv.pad_right = l.pad;
  p.conv.dilation_h = p.conv.dilation_w = l.dilation, p.conv.groups = l.groups;
  p.conv.activation.kind = activation;
  p.offset_groups = l.offset_groups;
  return p;
}
int64_t outputs(const Layer& l, int64_t size) { return (size + 2 * l.pad - l.dilation * (l.kernel - 1) - 1) / l.stride + 1; }

// The tensors of a layer, inputs filled: offsets reach two cells far, so that samples leave the image on every side.
template <class T>
struct Tensors {
  Array<T> x, y, dy, dx;
  Array<float> offsets, mask, weights, bias, d_offsets, d_mask, dw, dbias;
  bool masked;

  explicit Tensors(const Layer& l, int64_t gap = 0)
      : x({l.batch, l.height, l.width, l.in}, l.in + gap),
        y({l.batch, outputs(l, l.height), outputs(l, l.width), l.out}, l.out + gap),
        dy(y.shape(), l.out + gap),
        dx(x.shape(), l.in + gap),
        offsets({l.batch, y.shape()[1], y.shape()[2], 2 * l.offset_groups * l.kernel * l.kernel}),
        mask({l.batch, y.shape()[1], y.shape()[2], l.offset_groups * l.kernel * l.kernel}),
        weights({l.out, l.kernel, l.kernel, l.in / l.groups}),
        bias({l.out}),
        d_offsets(offsets.shape()),
        d_mask(mask.shape()),
        dw(weights.shape()),
        dbias({l.out}),
        masked(l.masked) {
    x.fill(1), dy.fill(2), offsets.fill(3, -2, 2), mask.fill(4, 0, 1), weights.fill(5), bias.fill(6);
  }
};

template <class T>
fovea_status forward(const fovea_deform_conv2d_params& p, Tensors<T>& t, const fovea_workspace* space, fovea_stream* s) {
  const fovea_tensor x = t.x.view(), offsets = t.offsets.view(), mask = t.mask.view(), weights = t.weights.view(),
                     bias = t.bias.view(), y = t.y.view();
  return fovea_deform_conv2d(&p, &x, &offsets, t.masked ? &mask : nullptr, &weights, &bias, &y, space, s);
}
template <class T>
fovea_status backward(const fovea_deform_conv2d_params& p, Tensors<T>& t, const fovea_workspace* space, fovea_stream* s,
                      const int32_t* live = nullptr) {
  fovea_tensor x = t.x.view();
  x.live = live;
  const fovea_tensor offsets = t.offsets.view(), mask = t.mask.view(), weights = t.weights.view(), dy = t.dy.view(),
                     dx = t.dx.view(), d_offsets = t.d_offsets.view(), d_mask = t.d_mask.view(), dw = t.dw.view(),
                     dbias = t.dbias.view();
  const fovea_deform_conv2d_gradients g{&dx, &d_offsets, t.masked ? &d_mask : nullptr, &dw, &dbias};
  return fovea_deform_conv2d_backward(&p, &x, &offsets, t.masked ? &mask : nullptr, &weights, &dy, &g, space, s);
}

// A workspace of exactly the size that the current device asks for; those of the CPU and of a device under test differ.
template <class T>
struct Spaces {
  std::array<std::unique_ptr<Workspace>, 2> spaces;
  Spaces(const fovea_deform_conv2d_params& p, Tensors<T>& t, bool back) {
    const auto make = [&] {
      const fovea_tensor x = t.x.view();
      int64_t bytes = -1;
      EXPECT_EQ((back ? fovea_deform_conv2d_backward_workspace : fovea_deform_conv2d_workspace)(&p, &x, &bytes), FOVEA_OK)
          << fovea_last_error();
      return std::make_unique<Workspace>(bytes);
    };
    spaces[0] = make();
    if (test_device() == nullptr) return;
    const OnDevice scope(test_device());
    spaces[1] = make();
  }
  const fovea_workspace* get() const { return spaces[current_device() == nullptr ? 0 : 1]->get(); }
  void check() const {
    for (const auto& space : spaces) EXPECT_TRUE(space == nullptr || space->guards_intact());
  }
};

// A sum of `terms` products of values below 1, and of samples with some more roundings, in f32: each addition rounds 2^-24 of a
// running sum that grows like the root of the terms; 4 times that for its largest value among many.
Tolerance tolerance(int64_t terms) { return {0, 4 * static_cast<double>(terms) * 0x1p-24 + 1e-6}; }

TEST(DeformConv2d, MatchesReference) {
  for (const Layer& l : kLayers) {
    SCOPED_TRACE(testing::Message() << l);
    const fovea_deform_conv2d_params p = params_of(l, FOVEA_ACTIVATION_RELU);
    Tensors<float> t(l, l.groups);
    const Spaces<float> spaces(p, t, false);
    check_kernel<float>(t.y, tolerance(l.kernel * l.kernel * l.in / l.groups),
                        [&](fovea_stream* s) { return forward(p, t, spaces.get(), s); });
    spaces.check();
  }
}

// Samples at whole cells are a convolution of the cells there: with offsets (dy, dx), of the image moved by them.
TEST(DeformConv2d, WholeOffsetsAreAMovedConvolution) {
  const Layer l{1, 6, 7, 5, 4, 3, 1, 1, 1, 1, 1, false};
  const fovea_deform_conv2d_params p = params_of(l);
  for (const auto& [move_y, move_x] : std::vector<std::array<int64_t, 2>>{{0, 0}, {1, -2}}) {
    Tensors<float> t(l);
    for (int64_t i = 0; i < t.offsets.size(); ++i) t.offsets[i] = static_cast<float>(i % 2 == 0 ? move_y : move_x);
    const Spaces<float> spaces(p, t, false);
    check_kernel<float>(t.y, tolerance(45), [&](fovea_stream* s) { return forward(p, t, spaces.get(), s); });
    for (int64_t oy = 0; oy < 6; ++oy)
      for (int64_t ox = 0; ox < 7; ++ox)
        for (int64_t o = 0; o < 4; ++o) {
          double sum = static_cast<double>(t.bias[o]);
          for (int64_t tap = 0; tap < 9; ++tap) {
            const int64_t iy = oy + tap / 3 - 1 + move_y, ix = ox + tap % 3 - 1 + move_x;
            for (int64_t i = 0; i < 5 && iy >= 0 && iy < 6 && ix >= 0 && ix < 7; ++i)
              sum += static_cast<double>(t.x[(iy * 7 + ix) * 5 + i]) * static_cast<double>(t.weights[(o * 9 + tap) * 5 + i]);
          }
          EXPECT_TRUE(near(static_cast<double>(t.y[(oy * 7 + ox) * 4 + o]), sum, 0, 2e-5)) << oy << ' ' << ox << ' ' << o;
        }
  }
}

// Halves between cells, and zeros outside: the sum of a 3x3 window of a ramp, moved by half a cell (detectron2's own test).
TEST(DeformConv2d, HasKnownValues) {
  const Layer l{1, 5, 5, 1, 1, 3, 1, 1, 1, 1, 1, false};
  const fovea_deform_conv2d_params p = params_of(l);
  Tensors<float> t(l);
  for (int64_t i = 0; i < 25; ++i) t.x[i] = static_cast<float>(i);
  t.weights.assign(std::vector<float>(9, 1.0f)), t.bias.assign({0});
  t.offsets.assign(std::vector<float>(25 * 18, 0.5f));
  const Spaces<float> spaces(p, t, false);
  check_kernel<float>(t.y, {1e-6, 0}, [&](fovea_stream* s) { return forward(p, t, spaces.get(), s); });
  EXPECT_EQ(t.y.values(), (std::vector<float>{30,     41.25f, 48.75f, 45,     28.75f,  62.25f, 81,   90,      80.25f,
                                              50.25f, 99.75f, 126,    135,    117.75f, 72.75f, 105,  131.25f, 138.75f,
                                              120,    73.75f, 71.75f, 89.25f, 93.75f,  80.75f, 49.5f}));
}

TEST(DeformConv2d, SamplesOutsideAreZeros) {
  const Layer l{1, 3, 3, 2, 2, 1, 1, 0, 1, 1, 1, true};
  const fovea_deform_conv2d_params p = params_of(l);
  for (const float offset : {3e9f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Tensors<float> t(l);
    t.offsets.assign(std::vector<float>(18, offset));
    const Spaces<float> spaces(p, t, false), back(p, t, true);
    check_kernel<float>(t.y, {}, [&](fovea_stream* s) { return forward(p, t, spaces.get(), s); });
    for (int64_t i = 0; i < 18; ++i) EXPECT_EQ(t.y[i], t.bias[i % 2]);
    check_kernel<float>(t.d_offsets, {}, [&](fovea_stream* s) { return backward(p, t, back.get(), s); });
    for (const float v : t.d_offsets.values()) EXPECT_EQ(v, 0);
    for (const float v : t.dx.values()) EXPECT_EQ(v, 0);
  }
}

TEST(DeformConv2d, LiveImagesLimitTheWork) {
  const Layer l{3, 3, 3, 2, 2, 2, 1, 0, 1, 1, 1, true};
  const fovea_deform_conv2d_params p = params_of(l);
  Tensors<float> t(l);
  Live live(2);
  const Spaces<float> spaces(p, t, false), back(p, t, true);
  check_kernel<float>(t.y, tolerance(8), [&](fovea_stream* s) {
    fovea_tensor x = t.x.view();
    x.live = live.get();
    const fovea_tensor offsets = t.offsets.view(), mask = t.mask.view(), weights = t.weights.view(), y = t.y.view();
    return fovea_deform_conv2d(&p, &x, &offsets, &mask, &weights, nullptr, &y, spaces.get(), s);
  });
  EXPECT_FALSE(std::isnan(t.y[15]));
  EXPECT_TRUE(std::isnan(t.y[16]));
  for (int64_t i = 16; i < t.dy.size(); ++i) t.dy[i] = std::numeric_limits<float>::quiet_NaN();
  check_kernel<float>(t.dw, tolerance(8), [&](fovea_stream* s) { return backward(p, t, back.get(), s, live.get()); });
  for (const float v : t.dw.values()) EXPECT_FALSE(std::isnan(v));
  check_kernel<float>(t.dx, tolerance(8), [&](fovea_stream* s) { return backward(p, t, back.get(), s, live.get()); });
  EXPECT_FALSE(std::isnan(t.dx[35]));
  EXPECT_TRUE(std::isnan(t.dx[36]));
}

TEST(DeformConv2d, TakesEmptyTensors) {
  for (const Layer& l : std::vector<Layer>{{0, 4, 4, 2, 3, 2, 1, 0, 1, 1, 1, true}, {1, 0, 4, 2, 3, 2, 1, 1, 1, 1, 1, true}}) {
    const fovea_deform_conv2d_params p = params_of(l);
    Tensors<float> t(l);
    const Spaces<float> spaces(p, t, false), back(p, t, true);
    check_kernel<float>(t.y, {}, [&](fovea_stream* s) { return forward(p, t, spaces.get(), s); });
    check_kernel<float>(t.dw, {}, [&](fovea_stream* s) { return backward(p, t, back.get(), s); });
    for (const float v : t.dw.values()) EXPECT_EQ(v, 0);  // whatever positions there are, all samples are outside
  }
}

// Terms of each gradient: outputs for d(columns), on top of it taps and the corners of nearby samples for dx, channels for the
// offsets, positions for dw and dbias.
TEST(DeformConv2dBackward, MatchesReference) {
  for (const Layer& l : kLayers) {
    SCOPED_TRACE(testing::Message() << l);
    const fovea_deform_conv2d_params p = params_of(l);
    Tensors<float> t(l, l.groups);
    const Spaces<float> spaces(p, t, true);
    const int64_t of_group = l.out / l.groups, positions = t.dy.rows(), width = l.in / l.offset_groups;
    const auto check = [&](const char* name, Array<float>& gradient, int64_t terms) {
      SCOPED_TRACE(name);
      check_kernel<float>(gradient, tolerance(terms), [&](fovea_stream* s) { return backward(p, t, spaces.get(), s); });
    };
    check("dx", t.dx, of_group * l.kernel * l.kernel * 4);
    if (test_device() != nullptr) {  // each run there writes all gradients, and takes its time
      Tensors<float> expected(l);
      const ForcedIsa reference(FOVEA_ISA_REFERENCE);
      const Spaces<float> space(p, expected, true);
      ASSERT_EQ(backward(p, expected, space.get(), make_stream().get()), FOVEA_OK) << fovea_last_error();
      expect_near(t.d_offsets.values(), expected.d_offsets.values(), tolerance(of_group * width * 4));
      if (l.masked) expect_near(t.d_mask.values(), expected.d_mask.values(), tolerance(of_group * width * 4));
      expect_near(t.dw.values(), expected.dw.values(), tolerance(positions));
      expect_near(t.dbias.values(), expected.dbias.values(), tolerance(positions));
      continue;
    }
    check("d_offsets", t.d_offsets, of_group * width * 4);
    if (l.masked) check("d_mask", t.d_mask, of_group * width * 4);
    check("dw", t.dw, positions);
    check("dbias", t.dbias, positions);
    spaces.check();
  }
}

// The slope of sum(y * dy) by central differences. The loss is linear in x, mask and weights, and along the offsets between the
// borders of cells: samples are kept a quarter of a cell from them. y is rounded to 2^-24 of values up to 8, over a step of
// 2^-7, for each of 8 outputs or the whole sum's 32.
TEST(DeformConv2dBackward, IsTheSlope) {
  constexpr float step = 0x1p-8f;
  const Layer l{1, 4, 4, 4, 2, 3, 1, 1, 1, 1, 2, true};
  const fovea_deform_conv2d_params p = params_of(l);
  Tensors<float> t(l);
  for (int64_t i = 0; i < t.offsets.size(); ++i)
    t.offsets[i] = std::floor(t.offsets[i]) + 0.25f + static_cast<float>(i % 3) * 0.25f;
  const Spaces<float> spaces(p, t, true), ahead(p, t, false);
  const std::array<std::pair<Array<float>*, Array<float>*>, 4> pairs{
      {{&t.x, &t.dx}, {&t.offsets, &t.d_offsets}, {&t.mask, &t.d_mask}, {&t.weights, &t.dw}}};
  for (const auto& [input, gradient] : pairs) {
    check_kernel<float>(*gradient, tolerance(200), [&](fovea_stream* s) { return backward(p, t, spaces.get(), s); });
    const ForcedIsa reference(FOVEA_ISA_REFERENCE);
    const auto loss = [&](float moved, int64_t i) {
      const float before = std::exchange((*input)[i], moved);
      EXPECT_EQ(forward(p, t, ahead.get(), make_stream().get()), FOVEA_OK);
      (*input)[i] = before;
      double sum = 0;
      for (int64_t k = 0; k < t.y.size(); ++k) sum += static_cast<double>(t.y[k]) * static_cast<double>(t.dy[k]);
      return sum;
    };
    for (int64_t i = 0; i < input->size(); ++i) {
      const double slope = (loss((*input)[i] + step, i) - loss((*input)[i] - step, i)) / (2 * static_cast<double>(step));
      EXPECT_TRUE(near(static_cast<double>((*gradient)[i]), slope, 0, 32 * 8 * 0x1p-24 * 0x1p7)) << "element " << i;
    }
  }
}

// Each gradient alone is the one that all together give.
TEST(DeformConv2dBackward, GradientsMayBeLeftOut) {
  const Layer l{1, 6, 5, 6, 4, 2, 1, 0, 1, 1, 1, true};
  const fovea_deform_conv2d_params p = params_of(l);
  Tensors<float> all(l), one(l);
  const Spaces<float> spaces(p, all, true);
  on_every_isa([&] {
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, backward(p, all, spaces.get(), stream.get())), FOVEA_OK) << fovea_last_error();
    const fovea_tensor x = one.x.view(), offsets = one.offsets.view(), mask = one.mask.view(), weights = one.weights.view(),
                       dy = one.dy.view();
    const std::array<std::pair<Array<float>*, Array<float>*>, 5> pairs{{{&one.dx, &all.dx},
                                                                        {&one.d_offsets, &all.d_offsets},
                                                                        {&one.d_mask, &all.d_mask},
                                                                        {&one.dw, &all.dw},
                                                                        {&one.dbias, &all.dbias}}};
    for (size_t i = 0; i < pairs.size(); ++i) {
      const fovea_tensor out = pairs[i].first->view();
      std::array<const fovea_tensor*, 5> g{};
      g[i] = &out;
      const fovea_deform_conv2d_gradients gradients{g[0], g[1], g[2], g[3], g[4]};
      ASSERT_EQ(finish(stream, fovea_deform_conv2d_backward(&p, &x, &offsets, &mask, &weights, &dy, &gradients, spaces.get(),
                                                            stream.get())),
                FOVEA_OK)
          << fovea_last_error();
      EXPECT_EQ(pairs[i].first->values(), pairs[i].second->values()) << "gradient " << i;
    }
  });
}

// Sums are f32 in every type and results rounded once, as the reference's are: twice half a unit in the last place. Where
// channels come in chunks of 8, the forward product takes samples and weights rounded to the type: two errors of at most half a
// unit for each term below 1, which add up like a random walk; four standard deviations.
template <class T>
void check_narrow(double relative) {
  for (const Layer& l : std::vector<Layer>{{2, 4, 3, 6, 4, 3, 1, 1, 1, 1, 2, true},
                                           {1, 4, 3, 3, 5, 2, 1, 0, 1, 1, 1, false},
                                           {1, 9, 10, 16, 70, 3, 1, 1, 1, 1, 2, true},
                                           {2, 5, 4, 16, 6, 3, 1, 1, 1, 2, 1, false}}) {
    SCOPED_TRACE(testing::Message() << l);
    const fovea_deform_conv2d_params p = params_of(l);
    Tensors<T> t(l, 8);
    Tensors<float> wide(l);
    for (int64_t i = 0; i < t.x.size(); ++i) wide.x[i] = static_cast<float>(t.x[i]);
    for (int64_t i = 0; i < t.dy.size(); ++i) wide.dy[i] = static_cast<float>(t.dy[i]);
    const Spaces<float> ahead(p, wide, false), back(p, wide, true);
    const Spaces<T> narrow_ahead(p, t, false);
    const double terms = l.kernel * l.kernel * l.in / l.groups;
    const bool chunks = l.in / l.groups % 8 == 0;
    check_narrow_kernel<T>(
        t.y, wide.y, {relative, chunks ? 4 * std::sqrt(terms) * relative / 2 : tolerance(54).absolute},
        [&](fovea_stream* s) { return forward(p, wide, ahead.get(), s); },
        [&](fovea_stream* s) { return forward(p, t, narrow_ahead.get(), s); });
    narrow_ahead.check();
    if (chunks) continue;  // backward knows no chunks
    check_narrow_kernel<T>(
        t.dx, wide.dx, {relative, tolerance(144).absolute}, [&](fovea_stream* s) { return backward(p, wide, back.get(), s); },
        [&](fovea_stream* s) { return backward(p, t, back.get(), s); });
    if (test_device() == nullptr) continue;
    expect_near(t.dw.values(), wide.dw.values(), tolerance(24));
    expect_near(t.d_offsets.values(), wide.d_offsets.values(), tolerance(60));
  }
}
TEST(DeformConv2d, HalfPrecision) { check_narrow<Half>(0x1p-10); }
TEST(DeformConv2d, BFloat16) { check_narrow<BFloat16>(0x1p-7); }

TEST(DeformConv2dArguments, AreChecked) {
  const Layer l{1, 4, 4, 4, 2, 2, 1, 0, 1, 1, 2, true};
  const fovea_deform_conv2d_params good = params_of(l);
  Tensors<float> t(l);
  const StreamPtr stream = make_stream();
  const fovea_tensor x = t.x.view(), offsets = t.offsets.view(), mask = t.mask.view(), weights = t.weights.view(),
                     bias = t.bias.view(), y = t.y.view(), dy = t.dy.view(), dx = t.dx.view(), d_mask = t.d_mask.view();
  const Spaces<float> ahead(good, t, false), back(good, t, true);
  const auto refuse = [&](const fovea_deform_conv2d_params& p, const fovea_tensor& offsets_, const fovea_tensor& mask_,
                          const fovea_tensor& weights_, const fovea_tensor& y_) {
    EXPECT_EQ(fovea_deform_conv2d(&p, &x, &offsets_, &mask_, &weights_, &bias, &y_, ahead.get(), stream.get()),
              FOVEA_INVALID_ARGUMENT);
    const fovea_deform_conv2d_gradients g{&dx, nullptr, nullptr, nullptr, nullptr};
    EXPECT_EQ(fovea_deform_conv2d_backward(&p, &x, &offsets_, &mask_, &weights_, &y_, &g, back.get(), stream.get()),
              FOVEA_INVALID_ARGUMENT);
  };
  fovea_deform_conv2d_params p = good;
  p.offset_groups = 3;
  refuse(p, offsets, mask, weights, y);
  EXPECT_STREQ(fovea_last_error(), "deform_conv2d_backward: 3 offset groups must divide 4 input channels");
  p.offset_groups = 0;
  refuse(p, offsets, mask, weights, y);
  p = good, p.conv.algorithm = FOVEA_CONV2D_DIRECT;
  refuse(p, offsets, mask, weights, y);
  p = good, p.conv.in_channels = 6;
  refuse(p, offsets, mask, weights, y);
  refuse(good, mask, mask, weights, y);
  EXPECT_STREQ(fovea_last_error(), "deform_conv2d_backward: offsets is [1, 3, 3, 8] f32, expected [1, 3, 3, 16]");
  refuse(good, offsets, offsets, weights, y);
  refuse(good, offsets, mask, x, y);
  refuse(good, offsets, mask, weights, x);
  fovea_tensor gapped = weights;
  gapped.pitch = 6;
  refuse(good, offsets, mask, gapped, y);
  p = good, p.conv.activation.kind = FOVEA_ACTIVATION_PRELU;
  EXPECT_EQ(fovea_deform_conv2d(&p, &x, &offsets, &mask, &weights, &bias, &y, ahead.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_deform_conv2d(&good, &x, &offsets, &mask, &weights, &weights, &y, ahead.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_NE(fovea_deform_conv2d(&good, &x, &offsets, &mask, &weights, &bias, &y, nullptr, stream.get()), FOVEA_OK);
  const auto refuse_gradients = [&](const fovea_deform_conv2d_gradients& g, const fovea_tensor* mask_) {
    EXPECT_EQ(fovea_deform_conv2d_backward(&good, &x, &offsets, mask_, &weights, &dy, &g, back.get(), stream.get()),
              FOVEA_INVALID_ARGUMENT);
  };
  refuse_gradients({nullptr, nullptr, &d_mask, nullptr, nullptr}, nullptr);
  EXPECT_STREQ(fovea_last_error(), "deform_conv2d_backward: d_mask without mask");
  refuse_gradients({&y, nullptr, nullptr, nullptr, nullptr}, &mask);
  refuse_gradients({&x, nullptr, nullptr, nullptr, nullptr}, &mask);
  refuse_gradients({nullptr, nullptr, nullptr, &weights, nullptr}, &mask);
  EXPECT_EQ(fovea_deform_conv2d_backward(&good, &x, &offsets, &mask, &weights, &dy, nullptr, back.get(), stream.get()),
            FOVEA_INVALID_ARGUMENT);
}

}  // namespace
