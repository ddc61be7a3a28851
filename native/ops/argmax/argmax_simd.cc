// Last axis: the largest value of the row first, then the first place where it stands. Other axes: lanes are the columns behind
// the axis, value and index carried together. The smallest is the largest of -x.
#include "ops/argmax/argmax.h"

#include "core/thread_pool.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <bool Minimum>
FOVEA_INLINE F ranked(F x) {
  return Minimum ? set(-0.0f) - x : x;
}

template <bool Minimum>
int64_t argmax_row(const float* x, int64_t n) {
  const F lowest = set(-__builtin_inff());
  F m0 = lowest, m1 = lowest;
  int64_t i = 0;
  // max(x, bound) drops a NaN x.
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    m0 = max(ranked<Minimum>(load(x + i)), m0);
    m1 = max(ranked<Minimum>(load(x + i + kLanes)), m1);
  }
  for (; i + kLanes <= n; i += kLanes) m0 = max(ranked<Minimum>(load(x + i)), m0);
  // Zeros behind the tail may win here only by being too large: they are replaced.
  if (i < n)
    m0 = max(select(to_float(iota()) < set(static_cast<float>(n - i)), ranked<Minimum>(load_upto(x + i, n - i)), lowest), m0);
  const F best = set(max_lanes(max(m0, m1)));
  for (i = 0; i < n; i += kLanes) {
    uint32_t hits = bits(ranked<Minimum>(load_upto(x + i, n - i)) == best);
    if (n - i < kLanes) hits &= (1u << (n - i)) - 1u;
    if (hits != 0) return i + __builtin_ctz(hits);
  }
  return 0;  // all NaN
}

template <bool Minimum>
void argmax_columns(const ArgmaxJob& j, const float* x, int64_t stride, int64_t n, int64_t columns, int64_t output) {
  F best = ranked<Minimum>(load_upto(x, columns)), index = as_float(seti(0));
  for (int64_t a = 1; a < n; ++a) {
    const F v = ranked<Minimum>(load_upto(x + a * stride, columns));
    const M better = (v > best) | (is_nan(best) & (v == v));
    best = select(better, v, best);
    index = select(better, as_float(seti(static_cast<int32_t>(a))), index);  // integer lanes carried as bits
  }
  alignas(64) int32_t lanes[kLanes];
  storei(lanes, as_int(index));
  for (int64_t c = 0; c < kLanes && c < columns; ++c) store_index(j, output + c, lanes[c]);
}

template <bool Minimum>
void run(const ArgmaxJob& j) {
  const AxisView& v = j.view;
  constexpr int64_t kWork = 16384;  // elements per chunk of the pool
  const int64_t outer = live_outer(v), axis = live_axis(v);
  if (outer == 0 || axis == 0) return;
  if (v.is_last) {
    parallel_for(outer, kWork / (axis + 8) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t o = begin; o < end; ++o) store_index(j, o, argmax_row<Minimum>(j.x + o * v.pitch, axis));
    });
    return;
  }
  const int64_t vectors = (v.columns + kLanes - 1) / kLanes;
  parallel_for(outer * v.inner_rows * vectors, kWork / (axis * kLanes) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % vectors * kLanes, row = task / vectors;
      const int64_t r = row % v.inner_rows, o = row / v.inner_rows;
      argmax_columns<Minimum>(j, j.x + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch, axis, v.columns - c,
                              row * v.columns + c);
    }
  });
}

}  // namespace

void argmax(const ArgmaxJob& j) {
  if (j.minimum)
    run<true>(j);
  else
    run<false>(j);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
