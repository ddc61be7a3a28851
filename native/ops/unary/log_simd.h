// The logarithm of any float.
#pragma once

#include "ops/activation/activation_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Subnormals are scaled up by 2^25 first; 0 gives -inf, negative numbers NaN.
FOVEA_INLINE F log(F x) {
  const M tiny = x < set(0x1p-126f);
  const F y = log_positive(select(tiny, x * set(0x1p25f), x)) - select(tiny, set(17.3286795139986f), zero());
  const F finite = select(x == set(__builtin_inff()), x, y);
  const F positive = select(x == zero(), set(-__builtin_inff()), finite);
  return select((x >= zero()) | is_nan(x), select(is_nan(x), x, positive), set(__builtin_nanf("")));
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
