#include "simd_bodies.h"

#include "core/simd.h"

namespace fovea_test::FOVEA_ISA_NAMESPACE {

using namespace fovea::FOVEA_ISA_NAMESPACE;

int simd_lanes() { return kLanes; }

void simd_run(const SimdInput& in, SimdOutput& out) {
  const F a = load(in.a), b = load(in.b), c = load(in.c);
  const I i = loadi(in.i), j = loadi(in.j);
  store(out.zero, zero());
  store(out.set, set(2.5f));
  store(out.add, a + b);
  store(out.sub, a - b);
  store(out.mul, a * b);
  store(out.div, a / b);
  store(out.fma, fma(a, b, c));
  store(out.fnma, fnma(a, b, c));
  store(out.max, max(a, b));
  store(out.min, min(a, b));
  store(out.sqrt, sqrt(a));
  store(out.abs, abs(a));
  store(out.floor, floor(a));
  store(out.ceil, ceil(a));
  store(out.round, round(a));
  store(out.select, select(a < b, b, c));
  store(out.u8, load_u8(in.bytes));
  store(out.gather, gather(in.table, loadi(in.index)));
  store(out.to_float, to_float(i));
  store(out.as_float, as_float(i));
  store(out.exp, exp(a));
  storei(out.seti, seti(-7));
  storei(out.iota, iota());
  storei(out.addi, i + j);
  storei(out.subi, i - j);
  storei(out.andi, i & j);
  storei(out.ori, i | j);
  storei(out.left, shift_left<5>(i));
  storei(out.right, shift_right<5>(i));
  storei(out.to_int, to_int(a));
  storei(out.as_int, as_int(a));
  out.less = bits(a < b);
  out.less_equal = bits(a <= b);
  out.greater = bits(a > b);
  out.greater_equal = bits(a >= b);
  out.equal = bits(a == b);
  out.nan = bits(is_nan(a));
  out.both = bits((a < b) & (b < c));
  out.either = bits((a < b) | (b < c));
  out.equal_int = bits(i == j);
  out.sum = sum(a);
}

void simd_partial(const float* from, int n, float* whole, float* part) {
  const F x = load_partial(from, n);
  store(whole, x);
  store_partial(part, x, n);
}

void simd_exp(const float* x, float* y, int64_t n) {
  for (int64_t k = 0; k < n; k += kLanes) store_upto(y + k, exp(load_upto(x + k, n - k)), n - k);
}

}  // namespace fovea_test::FOVEA_ISA_NAMESPACE
