// Lanes are neighbours of the innermost loop. A tensor there is a run (stride 1), one value (stride 0) or, when the last
// dimension is 1 in a pitched view, a column, which goes through a buffer of one vector.
#include "ops/binary_backward/binary_backward.h"

#include "core/thread_pool.h"
#include "ops/binary/strided_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Gradients {
  F a, b;
};

template <int32_t kOp>
FOVEA_INLINE Gradients gradients(F a, F b, F dy) {
  if constexpr (kOp == FOVEA_BINARY_ADD) return {dy, dy};
  if constexpr (kOp == FOVEA_BINARY_SUB) return {dy, dy * set(-1.0f)};
  if constexpr (kOp == FOVEA_BINARY_MUL) return {dy * b, dy * a};
  if constexpr (kOp == FOVEA_BINARY_DIV) {
    const F r = dy / b;
    return {r, set(-1.0f) * r * (a / b)};
  }
  if constexpr (kOp == FOVEA_BINARY_MAX || kOp == FOVEA_BINARY_MIN) {
    const M first = kOp == FOVEA_BINARY_MAX ? a > b : a < b, second = kOp == FOVEA_BINARY_MAX ? a < b : a > b;
    const F tie = select(is_nan(a) | is_nan(b), set(__builtin_nanf("")), set(0.5f)), one = set(1.0f);
    return {dy * select(first, one, select(second, zero(), tie)), dy * select(second, one, select(first, zero(), tie))};
  }
  float bases[kLanes], exponents[kLanes], by_a[kLanes], by_b[kLanes];
  store(bases, a);
  store(exponents, b);
  pow_derivatives(bases, exponents, by_a, by_b, kLanes);
  return {dy * load(by_a), dy * load(by_b)};
}

// n elements of the innermost loop, from these offsets on.
template <int32_t kOp>
void run(const BinaryBackwardJob& j, const int64_t (&at)[5], int64_t n) {
  const int64_t* stride = j.loops[0].stride;
  for (int64_t i = 0; i < n; i += kLanes) {
    const auto operand = [&](const float* p, BinaryTensor t) __attribute__((always_inline)) {
      return load_strided(p + at[t] + i * stride[t], stride[t], n - i);
    };
    const Gradients g = gradients<kOp>(operand(j.a, kOfA), operand(j.b, kOfB), operand(j.dy, kOfY));
    if (j.da != nullptr) store_strided(j.da + at[kOfDa] + i * stride[kOfDa], g.a, stride[kOfDa], n - i);
    if (j.db != nullptr) store_strided(j.db + at[kOfDb] + i * stride[kOfDb], g.b, stride[kOfDb], n - i);
  }
}

// 8192 elements per chunk: long innermost loops are cut, short ones grouped.
template <int32_t kOp>
void all(const BinaryBackwardJob& j) {
  constexpr int64_t kChunk = 8192;
  const bool flat = j.depth == 1;
  const int64_t width = flat ? live_outermost(j) : j.loops[0].size;
  if (width == 0) return;
  int64_t count = flat ? 1 : live_outermost(j);
  for (int32_t d = 1; d + 1 < j.depth; ++d) count *= j.loops[d].size;
  const int64_t pieces = (width + kChunk - 1) / kChunk;
  parallel_for(count * pieces, width >= kChunk ? 1 : kChunk / width, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item % pieces * kChunk;
      int64_t rest = item / pieces, at[5];
      for (int t = 0; t < 5; ++t) at[t] = column * j.loops[0].stride[t];
      for (int32_t d = 1; d < j.depth; ++d) {
        const int64_t step = d + 1 == j.depth ? rest : rest % j.loops[d].size;
        if (d + 1 != j.depth) rest /= j.loops[d].size;
        for (int t = 0; t < 5; ++t) at[t] += step * j.loops[d].stride[t];
      }
      run<kOp>(j, at, width - column < kChunk ? width - column : kChunk);
    }
  });
}

}  // namespace

void binary_backward(const BinaryBackwardJob& j) {
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
