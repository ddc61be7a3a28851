// Four shapes of one formula:
//   last axis of 2 or 4, contiguous   lanes are elements, partners found by lane swaps (score maps [H][W][2])
//   last axis below a vector          lanes are rows, through a transposed block
//   last axis                         lanes are elements of one row
//   any other axis                    lanes are the columns behind it
// NaN anywhere on a line makes the whole line NaN through the sum, whatever max returned. Sums run in blocks so that the error
// does not grow with the length.
#include "ops/softmax/softmax.h"

#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSumBlock = 128 * kLanes;  // terms per float partial sum: 64 additions deep in each of 2 accumulators
inline constexpr int64_t kWork = 8192;              // elements per chunk of the pool

// log of a sum of exponentials: at least 1, at most the count, or NaN.
FOVEA_INLINE F log_sum(F sum) { return select(is_nan(sum), sum, log_positive(sum)); }

void softmax_row(const float* x, float* y, int64_t n, bool log) {
  const F lowest = set(-__builtin_inff());
  F m0 = lowest, m1 = lowest;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    m0 = max(m0, load(x + i));
    m1 = max(m1, load(x + i + kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) m0 = max(m0, load(x + i));
  float highest = max_lanes(max(m0, m1));
  for (; i < n; ++i) highest = x[i] > highest ? x[i] : highest;

  const F shift = set(highest);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock) {
    const int64_t end = begin + kSumBlock < n ? begin + kSumBlock : n;
    F s0 = zero(), s1 = zero();
    for (i = begin; i + 2 * kLanes <= end; i += 2 * kLanes) {
      const F e0 = exp(load(x + i) - shift), e1 = exp(load(x + i + kLanes) - shift);
      s0 = s0 + e0;
      s1 = s1 + e1;
      if (!log) store(y + i, e0), store(y + i + kLanes, e1);
    }
    for (; i < end; i += kLanes) {
      const F e = exp(load_upto(x + i, end - i) - shift);
      if (!log) store_upto(y + i, e, end - i);
      s1 = s1 + keep_first(e, end - i);
    }
    total += static_cast<double>(sum(s0 + s1));
  }
  const F sums = set(static_cast<float>(total));
  if (log) {
    const F offset = log_sum(sums);
    for (i = 0; i < n; i += kLanes) store_upto(y + i, load_upto(x + i, n - i) - shift - offset, n - i);
  } else {
    const F scale = set(1.0f) / sums;
    for (i = 0; i < n; i += kLanes) store_upto(y + i, load_upto(y + i, n - i) * scale, n - i);
  }
}

// Rows of 2 or 4 without gaps, `n` elements in all. Tail lanes are zeros: finite, and not stored.
template <int Width>
void softmax_groups(const float* x, float* y, int64_t n, bool log) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F v = load_upto(x + i, n - i);
    F highest = max(v, swap_1(v));
    if (Width == 4) highest = max(highest, swap_2(highest));
    const F shifted = v - highest, e = exp(shifted);
    F total = e + swap_1(e);
    if (Width == 4) total = total + swap_2(total);
    store_upto(y + i, log ? shifted - log_sum(total) : e / total, n - i);
  }
}

// kLanes rows (or fewer) of n < kLanes elements, transposed so that the reductions over n are lane-wise.
void softmax_short_rows(const float* x, int64_t x_pitch, float* y, int64_t y_pitch, int64_t rows, int64_t n, bool log) {
  alignas(64) float block[kLanes * kLanes] = {};
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < n; ++i) block[i * kLanes + r] = x[r * x_pitch + i];
  F highest = load(block);
  for (int64_t i = 1; i < n; ++i) highest = max(highest, load(block + i * kLanes));
  F total = zero();
  for (int64_t i = 0; i < n; ++i) {
    float* lanes = block + i * kLanes;
    const F shifted = load(lanes) - highest, e = exp(shifted);
    total = total + e;
    store(lanes, log ? shifted : e);
  }
  const F scale = set(1.0f) / total, offset = log ? log_sum(total) : zero();
  for (int64_t i = 0; i < n; ++i) {
    float* lanes = block + i * kLanes;
    store(lanes, log ? load(lanes) - offset : load(lanes) * scale);
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < n; ++i) y[r * y_pitch + i] = block[i * kLanes + r];
}

void softmax_last_axis(const SoftmaxJob& j, int64_t rows, int64_t n) {
  const int64_t grain = (kWork / n + 1 + kLanes - 1) / kLanes * kLanes;
  const bool dense = j.view.pitch == n && j.y_pitch == n;
  parallel_for(rows, grain, [&](int64_t begin, int64_t end, int32_t) {
    const float* x = j.x + begin * j.view.pitch;
    float* y = j.y + begin * j.y_pitch;
    if (kLanes >= 4 && dense && n == 2) {
      softmax_groups<2>(x, y, (end - begin) * n, j.log);
    } else if (kLanes >= 4 && dense && n == 4) {
      softmax_groups<4>(x, y, (end - begin) * n, j.log);
    } else if (n < kLanes) {
      for (int64_t r = begin; r < end; r += kLanes, x += kLanes * j.view.pitch, y += kLanes * j.y_pitch)
        softmax_short_rows(x, j.view.pitch, y, j.y_pitch, end - r < kLanes ? end - r : kLanes, n, j.log);
    } else {
      for (int64_t r = begin; r < end; ++r, x += j.view.pitch, y += j.y_pitch) softmax_row(x, y, n, j.log);
    }
  });
}

// Up to one vector of columns; positions on the axis are `stride` apart.
void softmax_column(const float* x, int64_t x_stride, float* y, int64_t y_stride, int64_t n, int64_t columns, bool log) {
  F highest = set(-__builtin_inff());
  for (int64_t a = 0; a < n; ++a) highest = max(highest, load_upto(x + a * x_stride, columns));
  F total = zero();
  for (int64_t begin = 0; begin < n; begin += 256) {
    const int64_t end = begin + 256 < n ? begin + 256 : n;
    F part = zero();
    for (int64_t a = begin; a < end; ++a) {
      const F e = exp(load_upto(x + a * x_stride, columns) - highest);
      part = part + e;
      if (!log) store_upto(y + a * y_stride, e, columns);
    }
    total = total + part;
  }
  const F scale = set(1.0f) / total, offset = log ? log_sum(total) : zero();
  for (int64_t a = 0; a < n; ++a) {
    float* out = y + a * y_stride;
    store_upto(out, log ? load_upto(x + a * x_stride, columns) - highest - offset : load_upto(out, columns) * scale, columns);
  }
}

}  // namespace

void softmax(const SoftmaxJob& j) {
  const AxisView& v = j.view;
  const int64_t outer = live_outer(v), axis = live_axis(v);
  if (outer == 0 || axis == 0) return;
  if (v.is_last) {
    softmax_last_axis(j, outer, axis);
    return;
  }
  const int64_t vectors = (v.columns + kLanes - 1) / kLanes;
  parallel_for(outer * v.inner_rows * vectors, kWork / (axis * kLanes) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % vectors * kLanes, r = task / vectors % v.inner_rows, o = task / vectors / v.inner_rows;
      softmax_column(j.x + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch, j.y + axis_start(v, o, r, j.y_pitch) + c,
                     v.inner_rows * j.y_pitch, axis, v.columns - c, j.log);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
