// Functions without a vector form, a lane at a time.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

template <void kValues(const float*, float*, int64_t)>
FOVEA_INLINE F by_lane(F x) {
  float from[kLanes], to[kLanes];
  store(from, x);
  kValues(from, to, kLanes);
  return load(to);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
