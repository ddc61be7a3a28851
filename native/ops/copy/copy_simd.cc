// Rows of one type to rows of another. Lanes are elements; the tail of a row goes through a buffer of one vector. Equal types
// are memory copies, integer pairs plain loops.
#include "ops/copy/copy.h"

#include "core/simd.h"
#include "ops/copy/copy_lanes.h"
#include "ops/copy/row_pieces_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <class From, class To>
struct Row {
  static void copy(const From* x, To* y, int64_t n) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) put(y + i, get(x + i));
    if (i >= n) return;
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

}  // namespace

void copy(const CopyJob& j) {
  for_copy_types(j.from, j.to, [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    for_row_pieces(j.layout, j.live, j.x_pitch, j.y_pitch, 16384, [&](int64_t x_offset, int64_t y_offset, int64_t n) {
      Row<From, To>::copy(static_cast<const From*>(j.x) + x_offset, static_cast<To*>(j.y) + y_offset, n);
    });
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
