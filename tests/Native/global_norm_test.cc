#include <limits>

#include "every_backend.h"
#include "per_device.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Gradients {
  std::vector<Array<float>> arrays;
  std::vector<fovea_tensor> tensors;
  std::vector<const fovea_tensor*> list;
  Array<float> result{{2}};

  void add(const std::vector<int64_t>& shape, int64_t pitch = 0) {
    arrays.emplace_back(shape, pitch);
    arrays.back().fill(static_cast<uint32_t>(arrays.size()));
  }
  void view() {
    tensors.clear(), list.clear();
    for (Array<float>& a : arrays) tensors.push_back(a.view());
    for (const fovea_tensor& t : tensors) list.push_back(&t);
  }
  double norm() const {
    double squares = 0;
    for (const Array<float>& a : arrays)
      for (const float x : a.values()) squares += static_cast<double>(x) * static_cast<double>(x);
    return std::sqrt(squares);
  }
  int64_t count() const { return static_cast<int64_t>(list.size()); }
  fovea_status run(float max_norm, fovea_stream* stream) {
    int64_t bytes = -1;
    EXPECT_EQ(fovea_global_norm_workspace(list.data(), count(), &bytes), FOVEA_OK) << fovea_last_error();
    const Workspace workspace(bytes);
    const fovea_tensor rt = result.view();
    const fovea_status status = finish(fovea_global_norm(list.data(), count(), max_norm, &rt, workspace.get(), stream), stream);
    EXPECT_TRUE(workspace.guards_intact());
    return status;
  }
};

// Scalars, empty ones, gaps, more gradients than one job holds, and one that is cut into chunks.
void fill_list(Gradients& g) {
  for (int64_t i = 0; i < 70; ++i) g.add({i % 9 + 1, i % 13});
  g.add({});
  g.add({40, 1700}, 1705);
  g.add({70001});
  g.add({3, 5, 7}, 9);
  g.view();
}

TEST(GlobalNorm, MatchesReferenceOverManyGradients) {
  Gradients g;
  fill_list(g);
  PerDevice<Workspace> workspace;
  // Sums are double: what remains is the rounding of the result.
  check_kernel<float>(g.result, {1e-7, 0}, [&](fovea_stream* s) {
    g.view();
    const fovea_tensor rt = g.result.view();
    const fovea_workspace* scratch = workspace
                                         .get([&] {
                                           int64_t bytes = 0;
                                           EXPECT_EQ(fovea_global_norm_workspace(g.list.data(), g.count(), &bytes), FOVEA_OK);
                                           return std::make_unique<Workspace>(bytes);
                                         })
                                         .get();
    return fovea_global_norm(g.list.data(), g.count(), 0.5f, &rt, scratch, s);
  });
  EXPECT_TRUE(workspace->guards_intact());
  EXPECT_NEAR(g.result[0], g.norm(), 1e-6 * g.norm());
}

TEST(GlobalNorm, FactorClipsToTheNorm) {
  on_every_backend([](fovea_stream* s, bool) {
    Gradients g;
    g.add({2});
    g.arrays[0].assign({3, -4});
    g.view();
    ASSERT_EQ(finish(g.run(1, s), s), FOVEA_OK) << fovea_last_error();
    EXPECT_FLOAT_EQ(g.result[0], 5);
    EXPECT_FLOAT_EQ(g.result[1], static_cast<float>(1 / (5 + 1e-6)));
    ASSERT_EQ(finish(g.run(6, s), s), FOVEA_OK);
    EXPECT_EQ(g.result[1], 1);
    ASSERT_EQ(finish(g.run(kInf, s), s), FOVEA_OK);
    EXPECT_EQ(g.result[1], 1);
    ASSERT_EQ(finish(g.run(0, s), s), FOVEA_OK);
    EXPECT_EQ(g.result[1], 0);
  });
}

TEST(GlobalNorm, NoGradientsHaveNormZero) {
  on_every_backend([](fovea_stream* s, bool) {
    Gradients g;
    ASSERT_EQ(finish(g.run(1, s), s), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(g.result[0], 0);
    EXPECT_EQ(g.result[1], 1);
  });
}

// Squares that leave the range of float do not; a norm that does makes the factor NaN, which skips the step.
TEST(GlobalNorm, ExtremeValues) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const float value : {1e-30f, 1e30f}) {
      Gradients g;
      g.add({100});
      for (int64_t i = 0; i < 100; ++i) g.arrays[0][i] = value;
      g.view();
      ASSERT_EQ(finish(g.run(1, s), s), FOVEA_OK);
      EXPECT_FLOAT_EQ(g.result[0], 10 * value);
    }
    for (const float value : {kNan, kInf, 3e38f}) {
      Gradients g;
      g.add({100});
      g.arrays[0][7] = g.arrays[0][93] = value;
      g.view();
      ASSERT_EQ(finish(g.run(1, s), s), FOVEA_OK);
      EXPECT_FALSE(std::isfinite(g.result[0]));
      EXPECT_TRUE(std::isnan(g.result[1]));
    }
  });
}

TEST(GlobalNorm, LiveLimitsEachGradient) {
  on_every_backend([](fovea_stream* s, bool) {
    for (const int64_t pitch : {7, 9}) {
      Gradients g;
      g.add({6, 7}, pitch);
      g.view();
      Array<int32_t> live({1});
      live[0] = 4;
      g.tensors[0].live = live.data();
      for (int64_t i = 28; i < 42; ++i) g.arrays[0][i] = kNan;
      double squares = 0;
      for (int64_t i = 0; i < 28; ++i) squares += static_cast<double>(g.arrays[0][i]) * static_cast<double>(g.arrays[0][i]);
      ASSERT_EQ(finish(g.run(1, s), s), FOVEA_OK);
      EXPECT_NEAR(g.result[0], std::sqrt(squares), 1e-6);
    }
  });
}

TEST(GlobalNorm, ArgumentsAreChecked) {
  Gradients g;
  g.add({4});
  g.view();
  const StreamPtr stream = make_stream();
  const fovea_tensor rt = g.result.view();
  int64_t bytes = 0;
  const fovea_tensor* none = nullptr;
  EXPECT_EQ(fovea_global_norm_workspace(nullptr, 1, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_global_norm_workspace(g.list.data(), 1, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_global_norm_workspace(g.list.data(), -1, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_global_norm_workspace(&none, 1, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "global_norm_workspace: gradient 0 is NULL");
  fovea_tensor hostile = g.tensors[0];
  const fovea_tensor* bad = &hostile;
  hostile.rank = 99;
  EXPECT_EQ(fovea_global_norm_workspace(&bad, 1, &bytes), FOVEA_INVALID_ARGUMENT);
  hostile.rank = 3;
  hostile.shape[0] = hostile.shape[1] = hostile.shape[2] = INT64_MAX / 2;
  EXPECT_EQ(fovea_global_norm_workspace(&bad, 1, &bytes), FOVEA_INVALID_ARGUMENT);
  hostile.shape[1] = -1;
  EXPECT_EQ(fovea_global_norm_workspace(&bad, 1, &bytes), FOVEA_INVALID_ARGUMENT);
  const Workspace workspace(64), small(0);
  const auto call = [&](const fovea_tensor* const* list, int64_t count, float max_norm, const fovea_tensor* result,
                        const fovea_workspace* w) { return fovea_global_norm(list, count, max_norm, result, w, stream.get()); };
  EXPECT_EQ(call(g.list.data(), 1, -1, &rt, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(g.list.data(), 1, kNan, &rt, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(g.list.data(), 1, 1, nullptr, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(g.list.data(), 1, 1, g.list[0], workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "global_norm: result must be [2], it is [4] f32");
  EXPECT_EQ(call(g.list.data(), 1, 1, &rt, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(g.list.data(), 1, 1, &rt, small.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&bad, 1, 1, &rt, workspace.get()), FOVEA_INVALID_ARGUMENT);
  fovea_tensor inside = rt;
  inside.data = g.arrays[0].data() + 1;
  EXPECT_EQ(call(g.list.data(), 1, 1, &inside, workspace.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_global_norm(g.list.data(), 1, 1, &rt, workspace.get(), nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
