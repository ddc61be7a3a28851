// Lanes are neighbours of the innermost loop. An operand there is a run (stride 1), one value (stride 0) or, when the last
// dimension is 1 in a pitched view, a column, which goes through a buffer of one vector.
#include "core/simd.h"

#include "core/thread_pool.h"
#include "ops/binary/binary.h"
#include "ops/binary/strided_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int32_t kOp>
FOVEA_INLINE F value(F a, F b) {
  if constexpr (kOp == FOVEA_BINARY_ADD) return a + b;
  if constexpr (kOp == FOVEA_BINARY_SUB) return a - b;
  if constexpr (kOp == FOVEA_BINARY_MUL) return a * b;
  if constexpr (kOp == FOVEA_BINARY_DIV) return a / b;
  if constexpr (kOp == FOVEA_BINARY_MAX) return select(is_nan(a), a, max(a, b));  // max takes b when b is NaN
  if constexpr (kOp == FOVEA_BINARY_MIN) return select(is_nan(a), a, min(a, b));
  float x[kLanes], y[kLanes], power[kLanes];
  store(x, a);
  store(y, b);
  pow_values(x, y, power, kLanes);
  return load(power);
}

// n elements of the innermost loop
template <int32_t kOp>
void run(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* y, int64_t y_stride, int64_t n) {
  if (y_stride != 1 || a_stride > 1 || b_stride > 1) {
    for (int64_t i = 0; i < n; i += kLanes) {
      const F left = load_strided(a + i * a_stride, a_stride, n - i), right = load_strided(b + i * b_stride, b_stride, n - i);
      store_strided(y + i * y_stride, value<kOp>(left, right), y_stride, n - i);
    }
    return;
  }
  const F a_value = set(*a), b_value = set(*b);
  int64_t i = 0;
  if (a_stride == 1 && b_stride == 1)
    for (; i + kLanes <= n; i += kLanes) store(y + i, value<kOp>(load(a + i), load(b + i)));
  else if (a_stride == 1)
    for (; i + kLanes <= n; i += kLanes) store(y + i, value<kOp>(load(a + i), b_value));
  else if (b_stride == 1)
    for (; i + kLanes <= n; i += kLanes) store(y + i, value<kOp>(a_value, load(b + i)));
  if (i < n && (a_stride | b_stride) != 0) {
    const int tail = static_cast<int>(n - i);
    store_partial(
        y + i,
        value<kOp>(a_stride == 0 ? a_value : load_partial(a + i, tail), b_stride == 0 ? b_value : load_partial(b + i, tail)),
        tail);
  } else {
    for (const F both = value<kOp>(a_value, b_value); i < n; i += kLanes) store_upto(y + i, both, n - i);
  }
}

// 8192 elements per chunk: long innermost loops are cut, short ones grouped.
template <int32_t kOp>
void all(const BinaryJob& j) {
  constexpr int64_t kChunk = 8192;
  const bool flat = j.depth == 1;
  const int64_t width = flat ? live_outermost(j) : j.loops[0].size;
  if (width == 0) return;
  int64_t count = flat ? 1 : live_outermost(j);
  for (int32_t d = 1; d + 1 < j.depth; ++d) count *= j.loops[d].size;
  const int64_t pieces = (width + kChunk - 1) / kChunk;
  const BroadcastLoop<3> inner = j.loops[0];
  const auto piece = [&](int64_t a, int64_t b, int64_t y, int64_t n) __attribute__((always_inline)) {
    run<kOp>(j.a + a, inner.stride[kOfA], j.b + b, inner.stride[kOfB], j.y + y, inner.stride[kOfY], n);
  };
  parallel_for(count * pieces, width >= kChunk ? 1 : kChunk / width, [&](int64_t begin, int64_t end, int32_t) {
    // Short rows one below the other, as in a pitched matrix: the divisions of the general walk would cost more than they do.
    if (j.depth == 2 && pieces == 1) {
      const BroadcastLoop<3> outer = j.loops[1];
      // Lines that are not neighbours are not fetched by the processor itself before they are written.
      constexpr int64_t kAhead = 16;
      for (int64_t item = begin; item < end; ++item) {
        __builtin_prefetch(j.y + (item + kAhead < end ? item + kAhead : item) * outer.stride[kOfY], 1);
        piece(item * outer.stride[kOfA], item * outer.stride[kOfB], item * outer.stride[kOfY], width);
      }
      return;
    }
    for (int64_t item = begin; item < end; ++item) {
      int64_t rest = item / pieces;
      const int64_t column = item % pieces * kChunk;
      int64_t a = column * inner.stride[kOfA], b = column * inner.stride[kOfB], y = column * inner.stride[kOfY];
      for (int32_t d = 1; d < j.depth; ++d) {
        const BroadcastLoop<3>& loop = j.loops[d];
        const int64_t at = d + 1 == j.depth ? rest : rest % loop.size;
        if (d + 1 != j.depth) rest /= loop.size;
        a += at * loop.stride[kOfA];
        b += at * loop.stride[kOfB];
        y += at * loop.stride[kOfY];
      }
      piece(a, b, y, width - column < kChunk ? width - column : kChunk);
    }
  });
}

}  // namespace

void binary(const BinaryJob& j) {
  switch (j.op) {
    case FOVEA_BINARY_ADD:
      return all<FOVEA_BINARY_ADD>(j);
    case FOVEA_BINARY_SUB:
      return all<FOVEA_BINARY_SUB>(j);
    case FOVEA_BINARY_MUL:
      return all<FOVEA_BINARY_MUL>(j);
    case FOVEA_BINARY_DIV:
      return all<FOVEA_BINARY_DIV>(j);
    case FOVEA_BINARY_MAX:
      return all<FOVEA_BINARY_MAX>(j);
    case FOVEA_BINARY_MIN:
      return all<FOVEA_BINARY_MIN>(j);
    default:
      return all<FOVEA_BINARY_POW>(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
