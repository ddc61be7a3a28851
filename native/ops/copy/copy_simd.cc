// Rows of one type to rows of another. Lanes are elements; the tail of a row goes through a buffer of one vector. Equal types
// are memory copies, integer pairs plain loops.
#include "core/simd.h"

#include "core/thread_pool.h"
#include "ops/copy/copy.h"
#include "ops/copy/copy_lanes.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <class From, class To>
struct Row {
  static void copy(const From* x, To* y, int64_t n) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) put(y + i, get(x + i));
    if (i == n) return;
    From source[kLanes] = {};
    To target[kLanes];
    __builtin_memcpy(source, x + i, static_cast<size_t>(n - i) * sizeof(From));
    put(target, get(source));
    __builtin_memcpy(y + i, target, static_cast<size_t>(n - i) * sizeof(To));
  }
};
template <class T>
struct Row<T, T> {
  static void copy(const T* x, T* y, int64_t n) { __builtin_memcpy(y, x, static_cast<size_t>(n) * sizeof(T)); }
};

template <class From, class To>
struct IntegerRow {
  static void copy(const From* x, To* y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
  }
};
template <>
struct Row<uint8_t, int32_t> : IntegerRow<uint8_t, int32_t> {};
template <>
struct Row<uint8_t, int64_t> : IntegerRow<uint8_t, int64_t> {};
template <>
struct Row<int32_t, uint8_t> : IntegerRow<int32_t, uint8_t> {};
template <>
struct Row<int32_t, int64_t> : IntegerRow<int32_t, int64_t> {};
template <>
struct Row<int64_t, uint8_t> : IntegerRow<int64_t, uint8_t> {};
template <>
struct Row<int64_t, int32_t> : IntegerRow<int64_t, int32_t> {};

// 16384 elements per chunk: long rows are cut, short ones grouped. Contiguous tensors are one long row.
template <class From, class To>
void copy_rows(const CopyJob& j) {
  constexpr int64_t kChunk = 16384;
  int64_t count = live_rows(j.live, j.layout.leading) * j.layout.inner, width = j.layout.width;
  if (j.x_pitch == width && j.y_pitch == width) {
    width *= count;
    count = width == 0 ? 0 : 1;
  }
  if (count == 0) return;
  const int64_t pieces = (width + kChunk - 1) / kChunk;
  parallel_for(count * pieces, width >= kChunk ? 1 : kChunk / width, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / pieces, column = item % pieces * kChunk;
      Row<From, To>::copy(static_cast<const From*>(j.x) + row * j.x_pitch + column,
                          static_cast<To*>(j.y) + row * j.y_pitch + column, width - column < kChunk ? width - column : kChunk);
    }
  });
}

template <class From>
void copy_from(const CopyJob& j) {
  switch (j.to) {
    case kCopyF32:
      return copy_rows<From, float>(j);
    case kCopyF16:
      return copy_rows<From, Half>(j);
    case kCopyBF16:
      return copy_rows<From, Bfloat>(j);
    case kCopyU8:
      return copy_rows<From, uint8_t>(j);
    case kCopyI32:
      return copy_rows<From, int32_t>(j);
    default:
      return copy_rows<From, int64_t>(j);
  }
}

}  // namespace

void copy(const CopyJob& j) {
  switch (j.from) {
    case kCopyF32:
      return copy_from<float>(j);
    case kCopyF16:
      return copy_from<Half>(j);
    case kCopyBF16:
      return copy_from<Bfloat>(j);
    case kCopyU8:
      return copy_from<uint8_t>(j);
    case kCopyI32:
      return copy_from<int32_t>(j);
    default:
      return copy_from<int64_t>(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
