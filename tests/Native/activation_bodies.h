// The elementary functions of the vector kernels on given values. Compiled per instruction set by activation_bodies_simd.cc.
#pragma once

#include <cstdint>

namespace fovea_test {

enum class Elementary {
  kExp,
  kExpBounded,
  kExpNegative,
  kExp2Bounded,
  kLog,
  kSoftplus,
  kExpm1,
  kSigmoid,
  kTanh,
  kErf,
  kSilu,
  kGelu,
  kGeluTanh,
  kMish
};

#define FOVEA_TEST_DECLARE(isa)                                              \
  namespace isa {                                                            \
  void elementary(Elementary function, const float* x, float* y, int64_t n); \
  }
FOVEA_TEST_DECLARE(scalar)
FOVEA_TEST_DECLARE(avx2)
FOVEA_TEST_DECLARE(avx512)
#undef FOVEA_TEST_DECLARE

}  // namespace fovea_test
