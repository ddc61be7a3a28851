// Walking tensors element by element: rows of the last dimension a pitch apart.
#pragma once

#include "cuda/pack.h"

namespace fovea::cuda {

// A 64-bit division is a hundred instructions; numbers that fit 32 bits take a fifth of that. Both are not negative.
FOVEA_DEVICE int64_t quotient(int64_t a, int64_t b) {
  return ((a | b) >> 32) == 0 ? int64_t{uint32_t(a) / uint32_t(b)} : a / b;
}

// Tensors of one shape: leading * inner rows of `width` elements.
template <int tensors>
struct RowSet {
  int64_t leading, inner, width;
  int64_t pitch[tensors];
  const int32_t* live;  // of the leading dimension
};
using RowPair = RowSet<2>;

// Tensors without gaps become few, long rows: one for each index of the leading dimension when `live` may cut it, else one.
template <int tensors>
RowSet<tensors> merged(RowSet<tensors> r) {
  for (const int64_t pitch : r.pitch)
    if (pitch != r.width) return r;
  r.width *= r.inner;
  r.inner = 1;
  if (r.live == nullptr) {
    r.width *= r.leading;
    r.leading = 1;
  }
  for (int64_t& pitch : r.pitch) pitch = r.width;
  return r;
}

// body(offset, ..), an offset for each tensor, for every `count` neighbours, spread over the grid.
template <int count, int tensors, class Body>
FOVEA_DEVICE void for_each_pack(const RowSet<tensors>& r, const Body& body) {
  const int64_t parts = r.width / count, n = live_count(r.live, r.leading) * r.inner * parts;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += int64_t{gridDim.x} * blockDim.x) {
    const int64_t row = quotient(i, parts), c = (i - row * parts) * count;
    if constexpr (tensors == 2)
      body(row * r.pitch[0] + c, row * r.pitch[1] + c);
    else
      body(row * r.pitch[0] + c, row * r.pitch[1] + c, row * r.pitch[2] + c);
  }
}

// The largest power of two up to 16 that divides everything OR-ed into `bits` (addresses, pitches and widths in bytes).
inline int64_t widest_unit(uint64_t bits) {
  bits |= 16;
  return static_cast<int64_t>(bits & (~bits + 1));
}
inline uint64_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

// Whether the rows' starts and widths, and the addresses OR-ed into `addresses`, are multiples of 16 bytes.
template <int tensors>
bool in_packs(const RowSet<tensors>& r, uint64_t addresses, int64_t element_bytes) {
  int64_t lengths = r.width;
  for (const int64_t pitch : r.pitch) lengths |= pitch;
  return widest_unit(addresses | static_cast<uint64_t>(lengths) * static_cast<uint64_t>(element_bytes)) == 16;
}

// Calls body(Type<U>{}) with a U of that many bytes, for moving data whatever it means.
template <class Body>
auto with_unit(int64_t bytes, Body&& body) {
  switch (bytes) {
    case 16:
      return body(Type<uint4>{});
    case 8:
      return body(Type<uint2>{});
    case 4:
      return body(Type<uint32_t>{});
    case 2:
      return body(Type<uint16_t>{});
    default:
      return body(Type<uint8_t>{});
  }
}

}  // namespace fovea::cuda
