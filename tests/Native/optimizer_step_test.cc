#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool has_first(int32_t kind) { return kind != FOVEA_OPTIMIZER_SGD; }
bool has_second(int32_t kind) { return kind == FOVEA_OPTIMIZER_ADAM || kind == FOVEA_OPTIMIZER_ADAMW; }

// A parameter, its gradient and moments, and the schedule of the next step.
struct Problem {
  fovea_optimizer_params params;
  Array<float> parameter, gradient, first, second, schedule;

  Problem(const fovea_optimizer_params& p, const std::vector<int64_t>& shape)
      : params(p), parameter(shape), gradient(shape), first(shape), second(shape), schedule({3}) {
    parameter.fill(1);
    gradient.fill(2);
    first.fill(3);
    second.fill(4, 0, 1);
    schedule.assign({0.01f, 3, 1});
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor pt = parameter.view();
    pt.live = live;
    const fovea_tensor gt = gradient.view(), ft = first.view(), st = second.view(), ct = schedule.view();
    return fovea_optimizer_step(&params, &pt, &gt, has_first(params.kind) ? &ft : nullptr,
                                has_second(params.kind) ? &st : nullptr, &ct, stream);
  }
};

fovea_optimizer_params make(int32_t kind, float decay = 0, float beta1 = 0.9f) {
  return {kind, beta1, 0.999f, 1e-8f, decay, 0};
}

// Closed forms for p = 1 and rate 0.1, by hand; each step rounds a handful of times.
TEST(OptimizerStep, MatchesPublishedVectors) {
  struct Vector {
    fovea_optimizer_params params;
    std::vector<float> gradients, expected;
  };
  const std::vector<float> ones = {1, 1, 1}, mixed = {1, 0.5f, -1};
  const Vector vectors[] = {{make(FOVEA_OPTIMIZER_SGD), ones, {0.9f, 0.8f, 0.7f}},
                            {make(FOVEA_OPTIMIZER_MOMENTUM), ones, {0.9f, 0.71f, 0.439f}},
                            {make(FOVEA_OPTIMIZER_NESTEROV), ones, {0.81f, 0.539f, 0.1951f}},
                            {make(FOVEA_OPTIMIZER_MOMENTUM, 0.1f), ones, {0.89f, 0.6821f, 0.388169f}},
                            {make(FOVEA_OPTIMIZER_ADAMW, 0.01f), mixed, {0.899f, 0.80488304f, 0.79299985f}},
                            {make(FOVEA_OPTIMIZER_ADAM, 0.01f), mixed, {0.9f, 0.80666678f, 0.79458954f}},
                            // Directions 0.1, 0.059, -0.0461 with beta1 0.9, beta2 0.99.
                            {{FOVEA_OPTIMIZER_LION, 0.9f, 0.99f, 0, 0.1f, 0}, mixed, {0.89f, 0.7811f, 0.873289f}}};
  on_every_backend([&](fovea_stream* s, bool) {
    for (const Vector& v : vectors) {
      Problem p(v.params, {1});
      p.parameter[0] = 1;
      // Momentum does not read its buffer at the first step; Adam starts from zeros.
      p.first[0] = has_second(v.params.kind) || v.params.kind == FOVEA_OPTIMIZER_LION ? 0.0f : kNan;
      p.second[0] = 0;
      for (int step = 1; step <= 3; ++step) {
        p.gradient[0] = v.gradients[static_cast<size_t>(step - 1)];
        p.schedule.assign({0.1f, static_cast<float>(step), 1});
        ASSERT_EQ(finish(p.run(s), s), FOVEA_OK) << fovea_last_error();
        EXPECT_NEAR(p.parameter[0], v.expected[static_cast<size_t>(step - 1)], 3e-7)
            << "kind " << v.params.kind << " step " << step;
      }
    }
  });
}

// Runs one step from the same state with the reference and with every set, 1 and 2 threads, eager and captured.
TEST(OptimizerStep, MatchesReferenceFromAnyState) {
  for (int32_t kind = FOVEA_OPTIMIZER_SGD; kind <= FOVEA_OPTIMIZER_LION; ++kind)
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{}, {0}, {1}, {3, 5}, {2, 0, 3}, {2, 3, 5, 7}, {17, 31}, {40001}})
      for (const float step : {1.0f, 7.0f}) {
        if (test_device() != nullptr && shape == std::vector<int64_t>{40001} && step > 1) continue;  // slow to emulate
        SCOPED_TRACE(::testing::PrintToString(shape) + " kind " + std::to_string(kind) + " step " + std::to_string(step));
        fovea_optimizer_params params = make(kind, 0.05f);
        params.dampening = 0.25f;
        Problem p(params, shape);
        p.schedule.assign({0.01f, step, 0.5f});
        const std::vector<float> start = p.parameter.values(), first = p.first.values(), second = p.second.values();
        // Every value is a sum of two or three products of numbers of order 1, each rounded once or twice.
        for (Array<float>* output : {&p.parameter, &p.first, &p.second})
          check_kernel<float>(*output, {1e-6, 1e-6}, [&](fovea_stream* s) {
            p.parameter.assign(start), p.first.assign(first), p.second.assign(second);
            return p.run(s);
          });
      }
}

// check_kernel replays a captured step after its capture, so the state it finds is the eager one's start. A replayed graph
// steps again: the schedule lives in memory.
TEST(OptimizerStep, ReplayedStepsContinue) {
  on_every_backend([](fovea_stream* s, bool) {
    Problem eager(make(FOVEA_OPTIMIZER_ADAMW, 0.01f), {33}), replayed(make(FOVEA_OPTIMIZER_ADAMW, 0.01f), {33});
    fovea_graph* graph = nullptr;
    ASSERT_EQ(fovea_capture_begin(s), FOVEA_OK);
    ASSERT_EQ(replayed.run(s), FOVEA_OK);
    ASSERT_EQ(fovea_capture_end(s, &graph), FOVEA_OK);
    for (int step = 1; step <= 5; ++step) {
      for (Problem* p : {&eager, &replayed}) p->schedule.assign({0.1f / static_cast<float>(step), static_cast<float>(step), 1});
      ASSERT_EQ(finish(eager.run(s), s), FOVEA_OK);
      ASSERT_EQ(finish(fovea_graph_replay(graph, s), s), FOVEA_OK);
    }
    EXPECT_EQ(eager.parameter.values(), replayed.parameter.values());
    fovea_graph_destroy(graph);
  });
}

TEST(OptimizerStep, OneBufferStepsAsItsPiecesWould) {
  on_every_backend([](fovea_stream* s, bool) {
    for (int32_t kind = FOVEA_OPTIMIZER_SGD; kind <= FOVEA_OPTIMIZER_LION; ++kind) {
      if (test_device() != nullptr && kind != FOVEA_OPTIMIZER_ADAM) continue;  // slow to emulate
      Problem all(make(kind, 0.01f), {20011});
      const std::vector<float> values[] = {all.parameter.values(), all.gradient.values(), all.first.values(),
                                           all.second.values()};
      ASSERT_EQ(finish(all.run(s), s), FOVEA_OK);
      for (int64_t begin = 0, n = 1; begin < 20011; begin += n, n = n * 3 + 1) {
        const int64_t size = std::min(n, 20011 - begin);
        Problem piece(make(kind, 0.01f), {size});
        Array<float>* arrays[] = {&piece.parameter, &piece.gradient, &piece.first, &piece.second};
        for (int a = 0; a < 4; ++a) arrays[a]->assign({values[a].begin() + begin, values[a].begin() + begin + size});
        ASSERT_EQ(finish(piece.run(s), s), FOVEA_OK);
        for (int64_t i = 0; i < size; ++i) ASSERT_EQ(piece.parameter[i], all.parameter[begin + i]) << "kind " << kind;
      }
    }
  });
}

TEST(OptimizerStep, FactorThatIsNotFiniteSkipsTheStep) {
  on_every_backend([](fovea_stream* s, bool) {
    for (int32_t kind = FOVEA_OPTIMIZER_SGD; kind <= FOVEA_OPTIMIZER_LION; ++kind)
      for (const float factor : {kNan, kInf, -kInf}) {
        Problem p(make(kind, 0.1f), {37}), before(make(kind, 0.1f), {37});
        p.schedule.assign({0.1f, 1, factor});
        ASSERT_EQ(finish(p.run(s), s), FOVEA_OK);
        EXPECT_EQ(p.parameter.values(), before.parameter.values());
        EXPECT_EQ(p.first.values(), before.first.values());
        EXPECT_EQ(p.second.values(), before.second.values());
      }
  });
}

TEST(OptimizerStep, NanStaysInItsElement) {
  on_every_backend([](fovea_stream* s, bool) {
    for (int32_t kind = FOVEA_OPTIMIZER_SGD; kind <= FOVEA_OPTIMIZER_LION; ++kind) {
      Problem p(make(kind), {37});
      p.gradient[20] = kNan;
      ASSERT_EQ(finish(p.run(s), s), FOVEA_OK);
      for (int64_t i = 0; i < 37; ++i) EXPECT_EQ(std::isnan(p.parameter[i]), i == 20);
    }
  });
}

TEST(OptimizerStep, LiveLimitsTheRows) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int32_t count : {-1, 0, 2, 5, 9}) {
      Array<int32_t> live({1});
      live[0] = count;
      Problem p(make(FOVEA_OPTIMIZER_ADAMW), {5, 7}), before(make(FOVEA_OPTIMIZER_ADAMW), {5, 7});
      ASSERT_EQ(finish(p.run(s, live.data()), s), FOVEA_OK);
      for (int64_t i = 0; i < 35; ++i) EXPECT_EQ(p.parameter[i] == before.parameter[i], i / 7 >= count);
    }
  });
}

// f(p) = p^2 / 2: the gradient is p itself.
TEST(OptimizerStep, EveryKindFindsTheBottomOfABowl) {
  on_every_backend([](fovea_stream* s, bool) {
    for (int32_t kind = FOVEA_OPTIMIZER_SGD; kind <= FOVEA_OPTIMIZER_LION; ++kind) {
      if (test_device() != nullptr && kind != FOVEA_OPTIMIZER_ADAM) continue;  // slow to emulate
      Problem p(make(kind), {19});
      for (int64_t i = 0; i < 19; ++i) p.first[i] = p.second[i] = 0;
      for (int step = 1; step <= 400; ++step) {
        p.gradient.assign(p.parameter.values());
        p.schedule.assign({step < 300 ? 0.02f : 0.001f, static_cast<float>(step), 1});
        ASSERT_EQ(finish(p.run(s), s), FOVEA_OK);
      }
      for (int64_t i = 0; i < 19; ++i) EXPECT_NEAR(p.parameter[i], 0, 0.01) << "kind " << kind;
    }
  });
}

TEST(OptimizerStep, ArgumentsAreChecked) {
  Problem p(make(FOVEA_OPTIMIZER_ADAMW), {4, 3});
  Array<float> other({4, 2}), pitched({4, 3}, 5), two({2});
  const StreamPtr stream = make_stream();
  const fovea_tensor pt = p.parameter.view(), gt = p.gradient.view(), ft = p.first.view(), st = p.second.view(),
                     ct = p.schedule.view(), ot = other.view(), gap = pitched.view(), short_schedule = two.view();
  const auto call = [&](const fovea_optimizer_params& params, const fovea_tensor* parameter, const fovea_tensor* gradient,
                        const fovea_tensor* first, const fovea_tensor* second, const fovea_tensor* schedule) {
    return fovea_optimizer_step(&params, parameter, gradient, first, second, schedule, stream.get());
  };
  const fovea_optimizer_params good = make(FOVEA_OPTIMIZER_ADAMW), sgd = make(FOVEA_OPTIMIZER_SGD);
  EXPECT_EQ(fovea_optimizer_step(nullptr, &pt, &gt, &ft, &st, &ct, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_optimizer_step(&good, &pt, &gt, &ft, &st, &ct, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(make(6), &pt, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "optimizer_step: unknown optimizer 6");
  EXPECT_EQ(call(make(-1), &pt, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  for (const float bad : {-0.1f, 1.1f, kNan, kInf})
    EXPECT_EQ(call(make(FOVEA_OPTIMIZER_ADAMW, 0, bad), &pt, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(make(FOVEA_OPTIMIZER_ADAMW, kNan), &pt, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  fovea_optimizer_params epsilon = good;
  epsilon.epsilon = -1;
  EXPECT_EQ(call(epsilon, &pt, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, nullptr, &gt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, nullptr, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &ot, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "optimizer_step: parameter is [4, 3] f32 but gradient is [4, 2] f32");
  EXPECT_EQ(call(good, &pt, &gap, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "optimizer_step: gradient must be contiguous");
  EXPECT_EQ(call(good, &pt, &gt, nullptr, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &gt, &ft, nullptr, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(sgd, &pt, &gt, &ft, nullptr, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(sgd, &pt, &gt, nullptr, nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(sgd, &pt, &gt, nullptr, nullptr, &short_schedule), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &pt, &ft, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &gt, &gt, &st, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &gt, &ft, &ft, &ct), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "optimizer_step: first and second overlap in memory");
  fovea_tensor inside = ct;
  inside.data = p.first.data() + 2;
  EXPECT_EQ(call(good, &pt, &gt, &ft, &st, &inside), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(good, &pt, &gt, &ft, &st, &ct), FOVEA_OK) << fovea_last_error();
}

}  // namespace
