// Mean and 1 / deviation of the values that a team of threads shares, in double: two passes over values that the caches hold,
// exact enough for any mean and without overflow for any value.
#pragma once

#include "cuda/reduce.h"

namespace fovea::cuda {

struct Moments {
  double mean, rstd;  // the mean is 0 for rms
};

// value(i) for i below n; `scratch` as for Row::reduce.
template <class Row, class Value>
FOVEA_DEVICE Moments moments(int64_t n, bool rms, float epsilon, double* scratch, const Value& value) {
  double mean = 0, squares = 0;
  if (!rms) {
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) mean += double(value(i));
    mean = Row::reduce(mean, scratch, Sum{}) / double(n);
  }
  for (int64_t i = Row::lane(); i < n; i += Row::kLanes) {
    const double d = double(value(i)) - mean;
    squares += d * d;
  }
  squares = Row::reduce(squares, scratch, Sum{});
  return {mean, 1.0 / sqrt(squares / double(n) + double(epsilon))};
}

}  // namespace fovea::cuda
