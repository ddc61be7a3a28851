// Powers of e^x, x complex, as the kernel and its gradients use them. Time is cut into blocks of kBlock steps, and
// exp(l * x) = exp(block * x) * exp((l - block) * x): the first factor comes from the exponential, once for a block, the second
// from a table of all steps of a block. Both are computed in double (a phase l * Im x may be millions of turns) and used as
// floats, so a power is good to about 3 roundings, whatever l.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int kBlock = 256;                   // steps
inline constexpr int kGroup = kLanes == 16 ? 4 : 2;  // states at a time, as their sums fit the registers

struct Wide {
  double re, im;
};
FOVEA_INLINE Wide operator*(Wide a, Wide b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
FOVEA_INLINE Wide operator+(Wide a, Wide b) { return {a.re + b.re, a.im + b.im}; }

// exp(steps * x), x = (re, im).
FOVEA_INLINE Wide power(const float* x, int64_t steps) {
  const double l = static_cast<double>(steps), size = __builtin_exp(l * static_cast<double>(x[0]));
  const double phase = l * static_cast<double>(x[1]);
  return {size * __builtin_cos(phase), size * __builtin_sin(phase)};
}

struct PowerTable {
  alignas(64) float re[kGroup][kBlock], im[kGroup][kBlock];
};

// Row `at`: exp(i * x) for i < steps, at most kBlock, and zeros behind them. Powers come from those of half the exponent, so no
// product is more than eight deep.
inline void fill_powers(PowerTable& table, int at, const float* x, int64_t steps) {
  Wide powers[kBlock];
  powers[0] = {1, 0};
  powers[1] = power(x, 1);
  for (int64_t i = 2; i < steps; ++i) powers[i] = powers[i / 2] * powers[i - i / 2];
  for (int64_t i = 0; i < kBlock; ++i) {
    table.re[at][i] = i < steps ? static_cast<float>(powers[i].re) : 0.0f;
    table.im[at][i] = i < steps ? static_cast<float>(powers[i].im) : 0.0f;
  }
}

inline void clear_powers(PowerTable& table, int at) {
  for (int i = 0; i < kBlock; ++i) table.re[at][i] = table.im[at][i] = 0.0f;
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
