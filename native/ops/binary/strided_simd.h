// Vectors whose neighbours are a stride apart: 1 a run, 0 one value, more a column.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Up to kLanes values. Lanes beyond n are zeros, or copies of the one value.
FOVEA_INLINE F load_strided(const float* p, int64_t stride, int64_t n) {
  if (stride == 1) return load_upto(p, n);
  if (stride == 0) return set(*p);
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < n && i < kLanes; ++i) lanes[i] = p[i * stride];
  return load(lanes);
}

FOVEA_INLINE void store_strided(float* p, F a, int64_t stride, int64_t n) {
  if (stride == 1) return store_upto(p, a, n);
  float lanes[kLanes];
  store(lanes, a);
  for (int64_t i = 0; i < n && i < kLanes; ++i) p[i * stride] = lanes[i];
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
