// One call that runs every function of core/simd.h on given lanes. Compiled per instruction set by simd_bodies_simd.cc.
#pragma once

#include <cstdint>

namespace fovea_test {

inline constexpr int kMostLanes = 16;

struct SimdInput {
  float a[kMostLanes], b[kMostLanes], c[kMostLanes];
  int32_t i[kMostLanes], j[kMostLanes];
  uint8_t bytes[kMostLanes];
  float table[64];
  int32_t index[kMostLanes];  // into table
};

struct SimdOutput {
  float zero[kMostLanes], set[kMostLanes], add[kMostLanes], sub[kMostLanes], mul[kMostLanes], div[kMostLanes], fma[kMostLanes],
      fnma[kMostLanes], max[kMostLanes], min[kMostLanes], sqrt[kMostLanes], abs[kMostLanes], floor[kMostLanes],
      ceil[kMostLanes], round[kMostLanes], select[kMostLanes], u8[kMostLanes], gather[kMostLanes], to_float[kMostLanes],
      as_float[kMostLanes], exp[kMostLanes];
  int32_t seti[kMostLanes], iota[kMostLanes], addi[kMostLanes], subi[kMostLanes], andi[kMostLanes], ori[kMostLanes],
      left[kMostLanes], right[kMostLanes], to_int[kMostLanes], as_int[kMostLanes];
  uint32_t less, less_equal, greater, greater_equal, equal, nan, both, either, equal_int;  // bit i = lane i
  float sum;
};

#define FOVEA_TEST_DECLARE(isa)                                                        \
  namespace isa {                                                                      \
  int simd_lanes();                                                                    \
  void simd_run(const SimdInput& input, SimdOutput& output);                           \
  /* load_partial of n lanes into `whole`, then store_partial of n lanes to `part`. */ \
  void simd_partial(const float* from, int n, float* whole, float* part);              \
  /* y = exp(x) through load_upto and store_upto. */                                   \
  void simd_exp(const float* x, float* y, int64_t n);                                  \
  }
FOVEA_TEST_DECLARE(scalar)
FOVEA_TEST_DECLARE(avx2)
FOVEA_TEST_DECLARE(avx512)
#undef FOVEA_TEST_DECLARE

}  // namespace fovea_test
