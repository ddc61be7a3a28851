#pragma once
#include <vector>

#include "cuda/kernel.h"

// d[64][64] = a[64][K] b[K][64] on one warp group, operands brought by TMA under a swizzle and read by wgmma: what kernels do.
struct LayoutCase {
  enum Type { bf16, f16, tf32 } type;
  fovea::cuda::Swizzle swizzle;  // not none
  bool a_mn_major, b_mn_major, a_in_registers;
};
// The elements are given as floats that every type holds exactly.
std::vector<float> run_layout(const LayoutCase& c, const std::vector<float>& a, const std::vector<float>& b, int k);
