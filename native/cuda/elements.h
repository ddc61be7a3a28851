// What kernels share around the ABI's tensors: element types, live counts, grid sizes.
#pragma once

#include "core/tensor.h"
#include "cuda/base.h"

namespace fovea::cuda {

FOVEA_DEVICE float to_float(float v) { return v; }
FOVEA_DEVICE float to_float(__half v) { return __half2float(v); }
FOVEA_DEVICE float to_float(__nv_bfloat16 v) { return __bfloat162float(v); }

// Rounds to nearest even.
template <class T>
FOVEA_DEVICE T from_float(float v);
template <>
FOVEA_DEVICE float from_float<float>(float v) {
  return v;
}
template <>
FOVEA_DEVICE __half from_float<__half>(float v) {
  return __float2half_rn(v);
}
template <>
FOVEA_DEVICE __nv_bfloat16 from_float<__nv_bfloat16>(float v) {
  return __float2bfloat16_rn(v);
}

// Leading rows that carry data; the number lives on the device.
FOVEA_DEVICE int64_t live_count(const int32_t* live, int64_t capacity) {
  if (live == nullptr) return capacity;
  const int64_t n = *live;
  return n < 0 ? 0 : n > capacity ? capacity : n;
}

template <class T>
struct Type {
  using type = T;
};

// Calls body(Type<float>{}), body(Type<__half>{}) or body(Type<__nv_bfloat16>{}); the door has let no other through.
template <class Body>
auto with_float_type(fovea_dtype dtype, Body&& body) {
  if (same(dtype, kF16)) return body(Type<__half>{});
  if (same(dtype, kBF16)) return body(Type<__nv_bfloat16>{});
  return body(Type<float>{});
}

// Blocks of `threads` that cover n elements with a grid-stride loop; the cap keeps a grid of tiny blocks from starving others.
inline unsigned grid_for(int64_t n, int64_t threads) {
  constexpr int64_t kMost = 132 * 16;
  const int64_t blocks = (n + threads - 1) / threads;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks < kMost ? blocks : kMost);
}

}  // namespace fovea::cuda
