// Four shapes of one formula:
//   last axis of 2 or 4, contiguous   lanes are elements, partners found by lane swaps (score maps [H][W][2])
//   last axis below a vector          lanes are rows, through a transposed block
//   last axis                         lanes are elements of one row
//   any other axis                    lanes are the columns behind it
// Arguments of the exponential are x - max, at most 0. Where a NaN made max too small they are anything, but NaN anywhere on a
// line makes the whole line NaN through the sum. Sums run in blocks so that the error does not grow with the length.
#include "ops/softmax/softmax.h"

#include "core/streaming_simd.h"
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/softmax/row_sums_simd.h"

// GCC 12's AVX-512 intrinsics start from undefined vectors on purpose.
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 8192;  // elements per chunk of the pool

// log of a sum of exponentials: at least 1, at most the count, or NaN.
FOVEA_INLINE F log_sum(F sum) { return select(is_nan(sum), sum, log_positive(sum)); }

inline constexpr int64_t kStreamedRow = 4096;  // elements whose exponentials wait beside the first cache level's other lines
// Three rows are under way at once up to this length: their five lines of 4 KB share the first cache level.
inline constexpr int64_t kShortRow = kSumBlock < 1024 ? kSumBlock : 1024;

template <bool kLog>
void row_result(const float* x, const float* e, float* y, int64_t n, float highest, float sums, bool streaming) {
  const F shift = set(highest), scale = set(1.0f / sums), offset = kLog ? log_sum(set(sums)) : zero();
  const auto result = [&](int64_t at, int64_t rest) __attribute__((always_inline)) {
    if constexpr (kLog) return load_upto(x + at, rest) - shift - offset;
    return load_upto(e + at, rest) * scale;
  };
  int64_t i = 0;
  if (streaming)
    for (; i + kLanes <= n; i += kLanes) store_streaming(y + i, result(i, kLanes));
  for (; i + kLanes <= n; i += kLanes) store(y + i, result(i, kLanes));
  if (i < n) store_upto(y + i, result(i, n - i), n - i);
}

// The three steps of a row one after the other: memory then sees runs of one direction.
template <bool kLog>
void softmax_long_rows(const float* x, int64_t x_pitch, float* y, int64_t y_pitch, int64_t rows, int64_t n, bool large) {
  alignas(64) float buffer[kStreamedRow];  // a streamed row is written once: its exponentials wait here
  for (int64_t r = 0; r < rows; ++r, x += x_pitch, y += y_pitch) {
    const bool streaming = large && streamable(y) && n <= kStreamedRow;
    float* e = streaming ? buffer : y;
    const float shift = row_max(x, n), sums = row_exponentials<kLog>(x, e, n, shift);
    row_result<kLog>(x, e, y, n, shift, sums, streaming);
  }
  if (large) streaming_fence();
}

// Rows in the cache, n at most kShortRow: one loop takes the maximum of the next row, the exponentials of this one and the
// result of the one before. The steps need different units of the core, and no step waits for another's reduction.
template <bool kLog>
void softmax_rows(const float* x, int64_t x_pitch, float* y, int64_t y_pitch, int64_t rows, int64_t n) {
  float shift = row_max(x, n);
  float sums = row_exponentials<kLog>(x, y, n, shift);
  float next_shift = rows > 1 ? row_max(x + x_pitch, n) : shift;
  for (int64_t r = 1; r < rows; ++r) {
    const float *before = x, *next = x + (r + 1 < rows ? 2 : 1) * x_pitch;
    float* y_before = y;
    x += x_pitch, y += y_pitch;
    const F shift_before = set(shift), scale = set(1.0f / sums), offset = kLog ? log_sum(set(sums)) : zero();
    shift = next_shift;
    F m0 = set(-__builtin_inff()), m1 = m0, s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
    const Exponential<kLog> exponential(shift);
    const auto other_steps = [&](int64_t i, int64_t rest, F e, F & m, F & s) __attribute__((always_inline)) {
      m = max(m, load(next + (rest < kLanes ? n - kLanes : i)));
      if constexpr (kLog)
        store_upto(y_before + i, load_upto(before + i, rest) - shift_before - offset, rest);
      else
        store_upto(y_before + i, load_upto(y_before + i, rest) * scale, rest), store_upto(y + i, e, rest);
      s = s + keep_first(e, rest);
    };
    int64_t i = 0;
    for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
      // Ahead of the stores, so that the four long chains overlap.
      const F e0 = exponential(load(x + i)), e1 = exponential(load(x + i + kLanes)), e2 = exponential(load(x + i + 2 * kLanes)),
              e3 = exponential(load(x + i + 3 * kLanes));
      other_steps(i, kLanes, e0, m0, s0);
      other_steps(i + kLanes, kLanes, e1, m1, s1);
      other_steps(i + 2 * kLanes, kLanes, e2, m0, s2);
      other_steps(i + 3 * kLanes, kLanes, e3, m1, s3);
    }
    for (; i + kLanes <= n; i += kLanes) other_steps(i, kLanes, exponential(load(x + i)), m0, s1);
    if (i < n) other_steps(i, n - i, exponential(load_partial(x + i, static_cast<int>(n - i))), m1, s1);
    sums = sum((s0 + s1) + (s2 + s3));
    next_shift = max_lanes(max(m0, m1));
  }
  row_result<kLog>(x, y, y, n, shift, sums, false);
}

// Rows of 2 or 4 without gaps, `n` elements in all. Tail lanes are zeros: finite, and not stored.
template <int Width>
void softmax_groups(const float* x, float* y, int64_t n, bool log) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F v = load_upto(x + i, n - i);
    F highest = max(v, swap_1(v));
    if (Width == 4) highest = max(highest, swap_2(highest));
    const F shifted = v - highest, e = exp_negative(shifted);
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
    const F shifted = load(lanes) - highest, e = exp_negative(shifted);
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
  const int64_t bytes = rows * n * static_cast<int64_t>(sizeof(float));
  const bool large = j.x != j.y && bytes >= kStreamingBytes;
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
    } else if (n <= kShortRow && bytes < kStreamingBytes / 4) {
      j.log ? softmax_rows<true>(x, j.view.pitch, y, j.y_pitch, end - begin, n)
            : softmax_rows<false>(x, j.view.pitch, y, j.y_pitch, end - begin, n);
    } else {
      j.log ? softmax_long_rows<true>(x, j.view.pitch, y, j.y_pitch, end - begin, n, large)
            : softmax_long_rows<false>(x, j.view.pitch, y, j.y_pitch, end - begin, n, large);
    }
  });
}

// Columns are taken this many vectors at a time, row by row: memory then sees runs of 1 KB and not single lines.
inline constexpr int64_t kColumnVectors = 16, kColumns = kColumnVectors * kLanes;

// Up to kColumns columns; positions on the axis are `stride` apart.
void softmax_columns(const float* x, int64_t x_stride, float* y, int64_t y_stride, int64_t n, int64_t columns, bool log) {
  F highest[kColumnVectors], total[kColumnVectors], part[kColumnVectors];
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  for (int64_t v = 0; v < vectors; ++v) highest[v] = set(-__builtin_inff()), total[v] = zero();
  for (int64_t a = 0; a < n; ++a)
    for (int64_t v = 0; v < vectors; ++v)
      highest[v] = max(highest[v], load_upto(x + a * x_stride + v * kLanes, columns - v * kLanes));
  // Partial sums of 256 terms keep the error from growing with n.
  for (int64_t begin = 0; begin < n; begin += 256) {
    const int64_t end = begin + 256 < n ? begin + 256 : n;
    for (int64_t v = 0; v < vectors; ++v) part[v] = zero();
    for (int64_t a = begin; a < end; ++a)
      for (int64_t v = 0; v < vectors; ++v) {
        const int64_t c = v * kLanes, rest = columns - c;
        const F e = exp_negative(load_upto(x + a * x_stride + c, rest) - highest[v]);
        part[v] = part[v] + e;
        if (!log) store_upto(y + a * y_stride + c, e, rest);
      }
    for (int64_t v = 0; v < vectors; ++v) total[v] = total[v] + part[v];
  }
  for (int64_t v = 0; v < vectors; ++v) total[v] = log ? log_sum(total[v]) : set(1.0f) / total[v];
  for (int64_t a = 0; a < n; ++a)
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t c = v * kLanes, rest = columns - c;
      float* out = y + a * y_stride + c;
      store_upto(out, log ? load_upto(x + a * x_stride + c, rest) - highest[v] - total[v] : load_upto(out, rest) * total[v],
                 rest);
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
  const int64_t blocks = (v.columns + kColumns - 1) / kColumns;
  const int64_t block = v.columns < kColumns ? v.columns : kColumns;
  parallel_for(outer * v.inner_rows * blocks, kWork / (axis * block) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % blocks * kColumns, r = task / blocks % v.inner_rows, o = task / blocks / v.inner_rows;
      softmax_columns(j.x + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch, j.y + axis_start(v, o, r, j.y_pitch) + c,
                      v.inner_rows * j.y_pitch, axis, v.columns - c < kColumns ? v.columns - c : kColumns, j.log);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
