// Copies in the widest unit that the addresses allow; between types one element per thread.
#include "ops/copy/copy.h"

#include <cstring>
#include <type_traits>

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "fovea/nn.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

// ---- conversions: bit for bit those of the CPU, also for NaN, whose bits the device's own conversions would not keep
// ----------

FOVEA_DEVICE float widen(Half h) {
  const uint32_t magnitude = h.bits & 0x7FFFu;
  if (magnitude > 0x7C00u) return __uint_as_float((h.bits & 0x8000u) << 16 | 0x7FC00000u | magnitude << 13);
  __half value;
  memcpy(&value, &h.bits, sizeof value);
  return to_float(value);
}
FOVEA_DEVICE float widen(Bfloat b) { return __uint_as_float(uint32_t{b.bits} << 16); }
template <class T>
FOVEA_DEVICE float widen(T x) {
  return float(x);
}

FOVEA_DEVICE void narrow(float x, Half* y) {
  const uint32_t bits = __float_as_uint(x);
  const __half value = from_float<__half>(x);
  memcpy(&y->bits, &value, sizeof value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) y->bits = uint16_t((bits >> 16 & 0x8000u) | 0x7E00u | (bits >> 13 & 0x3FFu));
}
FOVEA_DEVICE void narrow(float x, Bfloat* y) {
  const uint32_t bits = __float_as_uint(x);
  const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
  y->bits = uint16_t(nan ? bits >> 16 | 0x40u : (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
FOVEA_DEVICE void narrow(float x, float* y) { *y = x; }
FOVEA_DEVICE void narrow(float x, uint8_t* y) { *y = x != x ? uint8_t{0} : uint8_t(rintf(fminf(fmaxf(x, 0.0f), 255.0f))); }
FOVEA_DEVICE void narrow(float x, int32_t* y) {
  *y = x != x ? 0 : x >= 0x1p31f ? INT32_MAX : x < -0x1p31f ? INT32_MIN : int32_t(x);
}
FOVEA_DEVICE void narrow(float x, int64_t* y) {
  *y = x != x ? 0 : x >= 0x1p63f ? INT64_MAX : x < -0x1p63f ? INT64_MIN : int64_t(x);
}

template <class From, class To>
__global__ void __launch_bounds__(kThreads) convert_kernel(RowPair rows, const From* x, To* y) {
  for_each_pack<1>(rows, [&](int64_t from, int64_t to) {
    if constexpr (std::is_integral_v<From> && std::is_integral_v<To>)
      y[to] = To(x[from]);
    else
      narrow(widen(x[from]), y + to);
  });
}

template <class Unit>
__global__ void __launch_bounds__(kThreads) move_kernel(RowPair rows, const Unit* x, Unit* y) {
  for_each_pack<1>(rows, [&](int64_t from, int64_t to) { y[to] = x[from]; });
}

cudaError_t move(RowPair r, int64_t element_bytes, const void* x, void* y, cudaStream_t s) {
  const int64_t width = r.width * element_bytes, x_pitch = r.pitch[0] * element_bytes, y_pitch = r.pitch[1] * element_bytes;
  const int64_t unit = widest_unit(address(x) | address(y) | uint64_t(width) | uint64_t(x_pitch) | uint64_t(y_pitch));
  r.width = width / unit, r.pitch[0] = x_pitch / unit, r.pitch[1] = y_pitch / unit;
  return with_unit(unit, [&](auto type) {
    using U = typename decltype(type)::type;
    return launch(move_kernel<U>, grid_for(r.leading * r.inner * r.width, kThreads), kThreads, 0, s, r,
                  static_cast<const U*>(x), static_cast<U*>(y));
  });
}

// CopyType of a data type that the entry has let through.
int32_t copy_type(fovea_dtype d) {
  constexpr fovea_dtype types[kCopyTypes] = {kF32, kF16, kBF16, kU8, kI32, kI64};
  int32_t i = 0;
  while (!same(d, types[i])) ++i;
  return i;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_copy(const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const RowLayout l = row_layout(*x);
  const RowPair rows = merged(RowPair{l.leading, l.inner, l.width, {row_pitch(*x), row_pitch(*y)}, row_live(*x)});
  return submit(stream, "copy", [&](cudaStream_t s) {
    if (same(x->dtype, y->dtype)) return move(rows, x->dtype.bits / 8, x->data, y->data, s);
    cudaError_t error = cudaSuccess;
    for_copy_types(copy_type(x->dtype), copy_type(y->dtype), [&](auto from, auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (!std::is_same_v<From, To>)
        error = launch(convert_kernel<From, To>, grid_for(elements(*x), kThreads), kThreads, 0, s, rows,
                       static_cast<const From*>(x->data), static_cast<To*>(y->data));
    });
    return error;
  });
}
