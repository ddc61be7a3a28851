// Powers of e^x, x complex, as the kernel and its gradients use them.
#pragma once

#include "cuda/elements.h"
#include "ops/exponential_kernel/exponential_kernel.h"

namespace fovea::cuda {

// exp(l * x), x = (re, im). The phase may be millions of turns: whole ones are taken off in double, and what is left needs no
// reduction.
FOVEA_DEVICE float2 power(const float* x, int64_t l) {
  constexpr double kTurnsPerRadian = 0.15915494309189535;
  const double steps = double(l), turns = steps * (double(x[1]) * kTurnsPerRadian);
  const float half_turns = 2.0f * float(turns - rint(turns)), size = expf(float(steps * double(x[0])));
  return {size * cospif(half_turns), size * sinpif(half_turns)};
}

}  // namespace fovea::cuda
