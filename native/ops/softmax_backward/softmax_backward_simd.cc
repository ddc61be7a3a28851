// The last axis: lanes are elements of a row. Any other: lanes are the columns behind it. Either way one pass for the sum and
// one for the result. Sums run in blocks so that the error does not grow with the length.
#include "ops/softmax_backward/softmax_backward.h"

#include "core/simd.h"
#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kSumBlock = 256 * kLanes;  // terms per float partial sum: 64 additions deep in each of 4 accumulators
inline constexpr int64_t kWork = 8192;              // elements per chunk of the pool

// What is summed, and the result from it.
template <bool kLog>
FOVEA_INLINE F accumulate(F y, F dy, F sum) {
  return kLog ? sum + dy : fma(dy, y, sum);
}
template <bool kLog>
FOVEA_INLINE F result(F y, F dy, F sum) {
  return kLog ? fnma(exp(y), sum, dy) : y * (dy - sum);
}

// Lanes behind the end are zeros, which add nothing.
template <bool kLog>
float row_sum(const float* y, const float* dy, int64_t n) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock) {
    const int64_t end = begin + kSumBlock < n ? begin + kSumBlock : n;
    F s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
    int64_t i = begin;
    for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
      s0 = accumulate<kLog>(load(y + i), load(dy + i), s0);
      s1 = accumulate<kLog>(load(y + i + kLanes), load(dy + i + kLanes), s1);
      s2 = accumulate<kLog>(load(y + i + 2 * kLanes), load(dy + i + 2 * kLanes), s2);
      s3 = accumulate<kLog>(load(y + i + 3 * kLanes), load(dy + i + 3 * kLanes), s3);
    }
    for (; i < end; i += kLanes) s0 = accumulate<kLog>(load_upto(y + i, end - i), load_upto(dy + i, end - i), s0);
    total += static_cast<double>(sum((s0 + s1) + (s2 + s3)));
  }
  return static_cast<float>(total);
}

template <bool kLog>
void last_axis(const SoftmaxBackwardJob& j, int64_t rows, int64_t n) {
  parallel_for(rows, kWork / n + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r) {
      const float* y = j.y + r * j.view.pitch;
      const float* dy = j.dy + r * j.dy_pitch;
      float* dx = j.dx + r * j.dx_pitch;
      const F total = set(row_sum<kLog>(y, dy, n));
      int64_t i = 0;
      for (; i + kLanes <= n; i += kLanes) store(dx + i, result<kLog>(load(y + i), load(dy + i), total));
      if (i < n) store_upto(dx + i, result<kLog>(load_upto(y + i, n - i), load_upto(dy + i, n - i), total), n - i);
    }
  });
}

// Columns are taken this many vectors at a time, row by row: memory then sees runs of 1 KB and not single lines.
inline constexpr int64_t kColumnVectors = 16, kColumns = kColumnVectors * kLanes;

// Up to kColumns columns; positions on the axis are a stride apart.
template <bool kLog>
void column_block(const float* y, int64_t y_stride, const float* dy, int64_t dy_stride, float* dx, int64_t dx_stride, int64_t n,
                  int64_t columns) {
  F total[kColumnVectors], part[kColumnVectors];
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  for (int64_t v = 0; v < vectors; ++v) total[v] = zero();
  for (int64_t begin = 0; begin < n; begin += 256) {
    const int64_t end = begin + 256 < n ? begin + 256 : n;
    for (int64_t v = 0; v < vectors; ++v) part[v] = zero();
    for (int64_t a = begin; a < end; ++a)
      for (int64_t v = 0; v < vectors; ++v) {
        const int64_t c = v * kLanes, rest = columns - c;
        part[v] = accumulate<kLog>(load_upto(y + a * y_stride + c, rest), load_upto(dy + a * dy_stride + c, rest), part[v]);
      }
    for (int64_t v = 0; v < vectors; ++v) total[v] = total[v] + part[v];
  }
  for (int64_t a = 0; a < n; ++a)
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t c = v * kLanes, rest = columns - c;
      const F value = load_upto(y + a * y_stride + c, rest), gradient = load_upto(dy + a * dy_stride + c, rest);
      store_upto(dx + a * dx_stride + c, result<kLog>(value, gradient, total[v]), rest);
    }
}

template <bool kLog>
void all(const SoftmaxBackwardJob& j) {
  const AxisView& v = j.view;
  const int64_t outer = live_outer(v), axis = live_axis(v);
  if (outer == 0 || axis == 0) return;
  if (v.is_last) return last_axis<kLog>(j, outer, axis);
  const int64_t blocks = (v.columns + kColumns - 1) / kColumns;
  const int64_t block = v.columns < kColumns ? v.columns : kColumns;
  parallel_for(outer * v.inner_rows * blocks, kWork / (axis * block) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % blocks * kColumns, r = task / blocks % v.inner_rows, o = task / blocks / v.inner_rows;
      column_block<kLog>(j.y + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch,
                         j.dy + axis_start(v, o, r, j.dy_pitch) + c, v.inner_rows * j.dy_pitch,
                         j.dx + axis_start(v, o, r, j.dx_pitch) + c, v.inner_rows * j.dx_pitch, axis,
                         v.columns - c < kColumns ? v.columns - c : kColumns);
    }
  });
}

}  // namespace

void softmax_backward(const SoftmaxBackwardJob& j) { j.log ? all<true>(j) : all<false>(j); }

}  // namespace fovea::FOVEA_ISA_NAMESPACE
