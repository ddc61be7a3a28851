// For kernels that write several gradients in one call: all of them are compared after each run, and finite differences say
// what they should be.
#pragma once

#include "every_backend.h"

namespace fovea_test {

using Values = std::vector<double>;
inline Values widen(const Array<float>& a) {
  const std::vector<float> v = a.values();
  return Values(v.begin(), v.end());
}

// d loss() / d x[i] by central differences.
template <class Loss>
Values slopes(Values& x, double step, const Loss& loss) {
  Values result;
  for (double& value : x) {
    const double kept = value;
    value = kept + step;
    const double above = loss();
    value = kept - step;
    result.push_back((above - loss()) / (2 * step));
    value = kept;
  }
  return result;
}

// `gradient` against the slopes of loss() in every element of `values`, which loss() reads. With h = 1e-4 a slope is off by
// h^2 / 6 of the third derivative and by 1e-16 / h of the loss, both far below `tolerance`.
template <class Loss>
void expect_gradient(Values& values, const Array<float>& gradient, double tolerance, const Loss& loss) {
  ASSERT_EQ(static_cast<int64_t>(values.size()), gradient.size());
  const Values expected = slopes(values, 1e-4, loss);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_TRUE(near(static_cast<double>(gradient[static_cast<int64_t>(i)]), expected[i], tolerance, tolerance))
        << "element " << i;
}

// check_kernel for several outputs. `tolerances`: one for each.
inline void check_gradients(const std::vector<Array<float>*>& outputs, const std::vector<Tolerance>& tolerances,
                            const std::function<fovea_status(fovea_stream*)>& call) {
  ASSERT_EQ(outputs.size(), tolerances.size());
  using Results = std::vector<std::vector<float>>;
  const auto run = [&](bool captured, int32_t threads, Results* results) {
    for (Array<float>* output : outputs) output->poison();
    const StreamPtr stream = make_stream(threads);
    ASSERT_NO_FATAL_FAILURE(run_call(stream.get(), captured, call));
    results->clear();
    for (const Array<float>* output : outputs) {
      ASSERT_TRUE(output->guards_intact()) << "wrote outside output " << results->size();
      results->push_back(output->values());
    }
  };
  Results expected, first, results;
  {
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    ASSERT_NO_FATAL_FAILURE(run(false, 1, &expected));
  }
  const auto compare = [&] {
    for (size_t i = 0; i < outputs.size(); ++i) {
      SCOPED_TRACE("output " + std::to_string(i));
      if (first.size() < outputs.size())
        ASSERT_NO_FATAL_FAILURE(expect_near(results[i], expected[i], tolerances[i]));
      else
        ASSERT_EQ(std::memcmp(results[i].data(), first[i].data(), first[i].size() * sizeof(float)), 0) << "not bitwise equal";
    }
    first = results;
  };
  if (test_device() != nullptr) {
    const OnDevice scope(test_device());
    for (const uint32_t seed : schedules())
      for (const bool captured : {false, true}) {
        if (captured && seed != 0) continue;
        SCOPED_TRACE("seed " + std::to_string(seed) + (captured ? ", captured" : ""));
        set_schedule(seed);
        ASSERT_NO_FATAL_FAILURE(run(captured, 1, &results));
        ASSERT_NO_FATAL_FAILURE(compare());
      }
    return;
  }
  for (const int32_t isa : available_isas()) {
    const ForcedIsa forced(isa);
    first.clear();
    for (const int32_t threads : {1, 2})
      for (const bool captured : {false, true}) {
        SCOPED_TRACE(::testing::Message() << isa_name(isa) << ", threads " << threads << ", captured " << captured);
        ASSERT_NO_FATAL_FAILURE(run(captured, threads, &results));
        ASSERT_NO_FATAL_FAILURE(compare());
      }
  }
}

}  // namespace fovea_test
