// da and db of an elementwise operation with broadcasting, both of dy's shape: the job of fovea_binary_backward.
#pragma once

#include "fovea/training.h"
#include "ops/binary/binary.h"

namespace fovea {

struct BinaryBackwardJob : BroadcastLoops<5> {
  const float* a;
  const float* b;
  const float* dy;
  float* da;  // or NULL
  float* db;  // or NULL
};

// The derivatives of a^b by a and b, see pow_values: b a^(b-1), 0 for b = 0; a^b log(a), 0 for a = 0.
void pow_derivatives(const float* a, const float* b, float* by_a, float* by_b, int64_t n);

}  // namespace fovea
