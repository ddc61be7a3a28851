#include <limits>

#include "every_isa.h"
#include "gradients.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Call {
  fovea_box_loss_params params;
  Array<float> boxes, targets, losses, d_losses, d_boxes;

  Call(int32_t overlap, int64_t n, int64_t gap = 0, bool detach = false, float power = 0)
      : params{overlap, detach ? 1 : 0, power, 0},
        boxes({n, 4}, 4 + gap),
        targets({n, 4}, 4 + 2 * gap),
        losses({n}),
        d_losses({n}),
        d_boxes({n, 4}, 4 + 3 * gap) {
    d_losses.fill(3, 0.5, 1.5);
    // Sides of 2 to 10, centres up to 12 apart: some pairs meet, some do not.
    for (Array<float>* a : {&boxes, &targets}) {
      a->fill(a == &boxes ? 1 : 2, 0, 12);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t c = 0; c < 2; ++c) (*a)[4 * i + 2 + c] = (*a)[4 * i + c] + 2 + (*a)[4 * i + 2 + c] / 1.5f;
    }
  }
  void pair(int64_t i, const std::vector<float>& box, const std::vector<float>& target) {
    for (int64_t c = 0; c < 4; ++c) boxes[4 * i + c] = box[c], targets[4 * i + c] = target[c];
    d_losses[i] = 1;
  }
  fovea_status forward(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor b = boxes.view();
    b.live = live;
    const fovea_tensor t = targets.view(), l = losses.view();
    return fovea_box_loss(&params, &b, &t, &l, stream);
  }
  fovea_status backward(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor b = boxes.view();
    b.live = live;
    const fovea_tensor t = targets.view(), d = d_losses.view(), db = d_boxes.view();
    return fovea_box_loss_backward(&params, &b, &t, &d, &db, stream);
  }
  void run() {
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, forward(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, backward(stream.get())), FOVEA_OK) << fovea_last_error();
  }
  std::vector<float> gradient(int64_t i) const {
    return {d_boxes[4 * i], d_boxes[4 * i + 1], d_boxes[4 * i + 2], d_boxes[4 * i + 3]};
  }
};

const std::vector<int32_t> kKinds = {FOVEA_OVERLAP_UNION, FOVEA_OVERLAP_GIOU, FOVEA_OVERLAP_DIOU,
                                     FOVEA_OVERLAP_CIOU,  FOVEA_OVERLAP_EIOU, FOVEA_OVERLAP_SIOU};

TEST(BoxLoss, PublishedVectors) {
  struct Pair {
    std::vector<float> box, target;
    double overlap[7];  // by kind
  };
  const Pair pairs[] = {{{0, 0, 2, 2}, {1, 1, 3, 3}, {.142857, NAN, .031746, -.079365, .031746, .031746, .037696}},
                        {{0, 0, 2, 2}, {3, 3, 5, 5}, {0, NAN, -.36, -.68, -.36, -.36, -.302324}},
                        {{0, 0, 4, 2}, {1, 0, 3, 4}, {.333333, NAN, .302083, .083333, .268332, -.197917, .250613}},
                        {{0, 0, 10, 10}, {2, 2, 8, 8}, {.36, NAN, .36, .36, .36, .04, .348187}},
                        {{0, 0, 4, 2}, {6, 1, 8, 5}, {0, NAN, -.325843, -.6, -.349961, -.548343, -.318845}}};
  struct Gradient {
    int32_t overlap;
    bool detach;
    double values[4];
  };
  const Gradient gradients[] = {{FOVEA_OVERLAP_GIOU, false, {-.118056, .09375, .118056, -.236111}},
                                {FOVEA_OVERLAP_DIOU, false, {-.047743, -.027344, .047743, -.142361}},
                                {FOVEA_OVERLAP_CIOU, true, {-.058233, -.006364, .058233, -.163341}},
                                {FOVEA_OVERLAP_CIOU, false, {-.064366, .010397, .064366, -.175608}}};
  on_every_isa([&] {
    for (const int32_t kind : kKinds) {
      Call c(kind, 5);
      for (int64_t i = 0; i < 5; ++i) c.pair(i, pairs[i].box, pairs[i].target);
      c.run();
      for (int64_t i = 0; i < 5; ++i)
        EXPECT_NEAR(c.losses[i], 1 - pairs[i].overlap[kind], 1e-6) << "pair " << i << " kind " << kind;
    }
    for (const Gradient& g : gradients) {
      Call c(g.overlap, 1, 0, g.detach);
      c.pair(0, pairs[2].box, pairs[2].target);
      c.run();
      for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(c.d_boxes[i], g.values[i], 1e-6) << "kind " << g.overlap << ", " << i;
    }
  });
}

// Sides are at least 2, so quotients have slopes of at most a few tenths and every sum of them is below 10; some twenty
// roundings of 2^-24 each stay within 1e-5. Powers are exp(p * log x), off by p * |log x| roundings of numbers below 1.
TEST(BoxLoss, MatchesReference) {
  for (const int32_t kind : kKinds)
    for (const float power : {0.0f, 3.0f}) {
      if (kind == FOVEA_OVERLAP_SIOU && power != 0) continue;
      SCOPED_TRACE("kind " + std::to_string(kind) + " power " + std::to_string(power));
      for (const int64_t n : {0, 1, 7, 33, 5000}) {
        if (n > 33 && power != 0) continue;
        Call c(kind, n, n % 3);
        check_kernel<float>(c.losses, {0, 3e-6}, [&](fovea_stream* s) { return c.forward(s); });
        check_kernel<float>(c.d_boxes, {0, 1e-5}, [&](fovea_stream* s) { return c.backward(s); });
      }
    }
}

// The formulas as papers print them. alpha < 0: CIoU's own; else that constant.
double loss_of(const fovea_box_loss_params& k, const double* p, const double* g, double alpha, double* own_alpha = nullptr) {
  const double pw = p[2] - p[0], ph = p[3] - p[1], gw = g[2] - g[0], gh = g[3] - g[1];
  const double w = std::fmax(0, std::fmin(p[2], g[2]) - std::fmax(p[0], g[0]));
  const double h = std::fmax(0, std::fmin(p[3], g[3]) - std::fmax(p[1], g[1]));
  const double whole = pw * ph + gw * gh - w * h, iou = w * h / whole;
  const double cw = std::fmax(p[2], g[2]) - std::fmin(p[0], g[0]), ch = std::fmax(p[3], g[3]) - std::fmin(p[1], g[1]);
  const double dx = (p[0] + p[2] - g[0] - g[2]) / 2, dy = (p[1] + p[3] - g[1] - g[3]) / 2;
  const double power = k.power == 0 ? 1 : static_cast<double>(k.power);
  const auto up = [&](double x) { return x <= 0 ? 0 : std::pow(x, power); };
  const double centre = (dx * dx + dy * dy) / (cw * cw + ch * ch);
  const double loss = 1 - up(iou);
  switch (k.overlap) {
    case FOVEA_OVERLAP_UNION:
      return loss;
    case FOVEA_OVERLAP_GIOU:
      return loss + up((cw * ch - whole) / (cw * ch));
    case FOVEA_OVERLAP_DIOU:
      return loss + up(centre);
    case FOVEA_OVERLAP_CIOU: {
      const double v = 4 / (M_PI * M_PI) * std::pow(std::atan(gw / gh) - std::atan(pw / ph), 2);
      const double own = v / (1 - iou + v);
      if (own_alpha != nullptr) *own_alpha = own;
      return loss + up(centre) + up((alpha < 0 ? own : alpha) * v);
    }
    case FOVEA_OVERLAP_EIOU:
      return loss + up(centre) + up(std::pow((pw - gw) / cw, 2)) + up(std::pow((ph - gh) / ch, 2));
    default: {
      const double a = std::asin(std::fabs(dy) / std::hypot(dx, dy)), angle = 1 - 2 * std::pow(std::sin(a - M_PI / 4), 2);
      const double far = 2 - std::exp((angle - 2) * std::pow(dx / cw, 2)) - std::exp((angle - 2) * std::pow(dy / ch, 2));
      const double shape = std::pow(1 - std::exp(-std::fabs(pw - gw) / std::fmax(pw, gw)), 4) +
                           std::pow(1 - std::exp(-std::fabs(ph - gh) / std::fmax(ph, gh)), 4);
      return loss + (far + shape) / 2;
    }
  }
}

// What is left is the rounding of d_boxes to f32, and 1e-8 of the differences (gradients.h).
TEST(BoxLoss, GradientIsThatOfThePrintedFormulas) {
  constexpr int64_t n = 24;
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  for (const int32_t kind : kKinds)
    for (const bool detach : {false, true})
      for (const float power : {0.0f, 3.0f, 0.5f}) {
        if ((kind == FOVEA_OVERLAP_SIOU && power != 0) || (kind != FOVEA_OVERLAP_CIOU && detach)) continue;
        SCOPED_TRACE("kind " + std::to_string(kind) + " power " + std::to_string(power) + (detach ? ", detached" : ""));
        Call c(kind, n, 0, detach, power);
        c.run();
        Values boxes = widen(c.boxes);
        const Values targets = widen(c.targets);
        for (int64_t i = 0; i < n; ++i) {
          double alpha = -1;
          const double loss = loss_of(c.params, &boxes[4 * i], &targets[4 * i], -1, detach ? &alpha : nullptr);
          EXPECT_NEAR(c.losses[i], loss, 3e-7);
          Values box(boxes.begin() + 4 * i, boxes.begin() + 4 * i + 4);
          const Values expected = slopes(box, 1e-5, [&] { return loss_of(c.params, box.data(), &targets[4 * i], alpha); });
          for (int64_t k = 0; k < 4; ++k)
            EXPECT_NEAR(c.d_boxes[4 * i + k], static_cast<double>(c.d_losses[i]) * expected[k], 1e-6) << i << ", " << k;
        }
      }
}

// Boxes that do not meet: IoU says nothing, GIoU pulls the hull together, the others the centres.
TEST(BoxLoss, DisjointBoxesArePulledTogether) {
  on_every_isa([] {
    for (const int32_t kind : kKinds) {
      Call c(kind, 1);
      c.pair(0, {0, 0, 2, 2}, {6, 5, 8, 7});
      c.run();
      const std::vector<float> d = c.gradient(0);
      if (kind == FOVEA_OVERLAP_UNION) {
        EXPECT_EQ(d, std::vector<float>(4, 0));
      } else {
        EXPECT_LT(d[0] + d[2], -0.005f) << kind;  // a step against the gradient goes right and down
        EXPECT_LT(d[1] + d[3], -0.005f) << kind;
      }
    }
  });
}

// Lines, points, boxes that are equal, touch or lie inside: finite, and the loss is what the terms that have a value say.
TEST(BoxLoss, DegenerateBoxesAreFinite) {
  const std::vector<std::vector<float>> odd = {{5, 5, 5, 5},  {5, 5, 5, 9}, {5, 5, 9, 5},          {5, 5, 9, 9},
                                               {9, 5, 12, 9}, {6, 6, 7, 7}, {5, 5, 5.0000005f, 9}, {1e-20f, 0, 2e-20f, 1e-20f}};
  const auto n = static_cast<int64_t>(odd.size());
  on_every_isa([&] {
    for (const int32_t kind : kKinds)
      for (const float power : {0.0f, 0.5f}) {
        if (kind == FOVEA_OVERLAP_SIOU && power != 0) continue;
        Call c(kind, n * n, 0, false, power);
        for (int64_t i = 0; i < n * n; ++i) c.pair(i, odd[i / n], odd[i % n]);
        c.run();
        for (int64_t i = 0; i < n * n; ++i) {
          EXPECT_TRUE(std::isfinite(c.losses[i])) << kind << ": " << i;
          for (const float d : c.gradient(i)) EXPECT_TRUE(std::isfinite(d)) << kind << ": " << i;
        }
        EXPECT_EQ(c.losses[0], 1) << "a point with itself";
        EXPECT_EQ(c.losses[3 * n + 3], 0) << "a box with itself";
        if (power != 0) continue;
        if (kind == FOVEA_OVERLAP_DIOU) {
          EXPECT_NEAR(c.losses[3], 1.25, 1e-6) << "a corner point";
        }
        if (kind == FOVEA_OVERLAP_UNION) {
          EXPECT_EQ(c.losses[3 * n + 4], 1) << "boxes that touch";
        }
      }
  });
}

TEST(BoxLoss, NotFiniteIsNotFinite) {
  on_every_isa([] {
    for (const int32_t kind : kKinds)
      for (const float bad : {NAN, kInf}) {
        Call c(kind, 9);
        c.boxes[4 * 2 + 1] = bad;
        c.targets[4 * 5 + 2] = bad;
        c.run();
        for (int64_t i = 0; i < 9; ++i) {
          EXPECT_EQ(std::isnan(c.losses[i]), i == 2 || i == 5) << kind;
          for (const float d : c.gradient(i)) EXPECT_EQ(std::isnan(d), i == 2 || i == 5) << kind;
        }
      }
  });
}

TEST(BoxLoss, CornersInAnyOrder) {
  on_every_isa([] {
    for (const int32_t kind : kKinds) {
      Call c(kind, 2);
      c.pair(0, {0, 0, 4, 2}, {1, -1, 3, 4});
      c.pair(1, {4, 0, 0, 2}, {1, 4, 3, -1});
      c.run();
      EXPECT_EQ(c.losses[0], c.losses[1]);
      const std::vector<float> a = c.gradient(0), b = c.gradient(1);
      EXPECT_EQ(a, (std::vector<float>{b[2], b[1], b[0], b[3]}));
    }
  });
}

TEST(BoxLoss, LiveRows) {
  on_every_isa([] {
    Call all(FOVEA_OVERLAP_CIOU, 20), some(FOVEA_OVERLAP_CIOU, 20);
    all.run();
    some.losses.fill(7);
    some.d_boxes.fill(8);
    const Array<float> losses = some.losses, d_boxes = some.d_boxes;
    const Live live(13);
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, some.forward(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, some.backward(stream.get(), live.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 20; ++i) {
      EXPECT_EQ(some.losses[i], i < 13 ? all.losses[i] : losses[i]);
      EXPECT_EQ(some.d_boxes[4 * i + 3], i < 13 ? all.d_boxes[4 * i + 3] : d_boxes[4 * i + 3]);
    }
  });
}

TEST(BoxLossArguments, AreChecked) {
  Call c(FOVEA_OVERLAP_GIOU, 3);
  Array<float> other({2, 4}), wide({3, 5}), five({5});
  const fovea_tensor b = c.boxes.view(), t = c.targets.view(), l = c.losses.view(), d = c.d_boxes.view(), o = other.view(),
                     w = wide.view(), f = five.view();
  const StreamPtr stream = make_stream();
  const auto refused = [&](const fovea_box_loss_params& p, const fovea_tensor* boxes, const fovea_tensor* targets,
                           const fovea_tensor* losses, const fovea_tensor* d_boxes, const std::string& message) {
    EXPECT_EQ(fovea_box_loss_backward(&p, boxes, targets, losses, d_boxes, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_last_error(), "box_loss_backward: " + message);
  };
  refused({7, 0, 0, 0}, &b, &t, &l, &d, "unknown overlap 7");
  refused({FOVEA_OVERLAP_MIN, 0, 0, 0}, &b, &t, &l, &d, "the overlap MIN is no loss");
  refused({FOVEA_OVERLAP_GIOU, 0, -1, 0}, &b, &t, &l, &d, "power is -1, it must be positive, or 0 for 1");
  refused({FOVEA_OVERLAP_SIOU, 0, 3, 0}, &b, &t, &l, &d, "SIOU takes no power, it is 3");
  refused(c.params, &w, &t, &l, &d, "boxes must be [N][4], it is [3, 5] f32");
  refused(c.params, &b, &o, &l, &d, "boxes is [3, 4] f32 but targets is [2, 4] f32");
  refused(c.params, &b, &t, &f, &d, "d_losses is [5] f32, boxes is [3, 4] f32");
  refused(c.params, &b, &t, &l, &o, "boxes is [3, 4] f32 but d_boxes is [2, 4] f32");
  refused(c.params, &b, &t, &l, &b, "boxes and d_boxes overlap in memory");
  refused(c.params, nullptr, &t, &l, &d, "boxes is NULL");
  EXPECT_EQ(fovea_box_loss(nullptr, &b, &t, &l, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_loss: params is NULL");
  EXPECT_EQ(fovea_box_loss(&c.params, &b, &t, &f, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_loss: losses is [5] f32, boxes is [3, 4] f32");
}

}  // namespace
