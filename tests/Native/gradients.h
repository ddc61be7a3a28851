// Gradients by central differences, to check the references of backward kernels against.
#pragma once

#include "support.h"

namespace fovea_test {

using Values = std::vector<double>;

inline Values widen(const Array<float>& a) {
  const std::vector<float> v = a.values();
  return Values(v.begin(), v.end());
}

// `gradient` against (loss(v + h) - loss(v - h)) / 2h for every element v of `values`, which loss() reads. With h = 1e-4 the
// difference is off by h^2 / 6 of the third derivative and by 1e-16 / h of the loss, both far below `tolerance`.
template <class Loss>
void expect_gradient(Values& values, const Array<float>& gradient, double tolerance, const Loss& loss) {
  constexpr double h = 1e-4;
  ASSERT_EQ(static_cast<int64_t>(values.size()), gradient.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    values[i] = v + h;
    const double above = loss();
    values[i] = v - h;
    const double below = loss();
    values[i] = v;
    EXPECT_TRUE(near(static_cast<double>(gradient[static_cast<int64_t>(i)]), (above - below) / (2 * h), tolerance, tolerance))
        << "element " << i;
  }
}

}  // namespace fovea_test
