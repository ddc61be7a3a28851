#include "ops/copy/copy.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "fovea/nn.h"

namespace fovea {

FOVEA_DECLARE_BODIES(copy, const CopyJob&)

namespace {

// ---- the reference: arithmetic where the fast versions shuffle bits ----------------------------------------------------

float widen(Half h) {
  const int exponent = h.bits >> 10 & 31, mantissa = h.bits & 1023;
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000) << 16;
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7F800000u | static_cast<uint32_t>(mantissa) << 13 | (mantissa != 0 ? 0x400000u : 0u));
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                        : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return sign != 0 ? -magnitude : magnitude;
}
float widen(Bfloat b) { return std::bit_cast<float>(static_cast<uint32_t>(b.bits) << 16); }
template <class T>
float widen(T x) {
  return static_cast<float>(x);
}

// Rounds |x| to a multiple of the spacing of `mantissa_bits` at its exponent, not finer than 2^smallest.
double rounded(float x, int mantissa_bits, int smallest) {
  const double magnitude = std::fabs(static_cast<double>(x));
  const int exponent = magnitude == 0 ? smallest : std::max(std::ilogb(magnitude) - mantissa_bits, smallest);
  return std::ldexp(std::nearbyint(std::ldexp(magnitude, -exponent)), exponent);
}

void narrow(float x, Half* y) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (std::isnan(x)) {
    y->bits = static_cast<uint16_t>(sign | 0x7E00 | (bits >> 13 & 1023));
    return;
  }
  const double magnitude = std::isinf(x) ? 1e6 : rounded(x, 10, -24);
  if (magnitude >= 65536)
    y->bits = sign | 0x7C00;
  else if (magnitude < 0x1p-14)
    y->bits = static_cast<uint16_t>(sign | static_cast<int>(std::ldexp(magnitude, 24)));
  else
    y->bits = static_cast<uint16_t>(sign | ((std::ilogb(magnitude) + 15) << 10) |
                                    (static_cast<int>(std::ldexp(magnitude, 10 - std::ilogb(magnitude))) & 1023));
}
void narrow(float x, Bfloat* y) {
  if (std::isnan(x))
    y->bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16 | 0x40);
  else  // a rounded value is a float with the low half clear, or the next power of two: infinity
    y->bits = static_cast<uint16_t>(
        std::bit_cast<uint32_t>(std::isinf(x) ? x : std::copysign(static_cast<float>(rounded(x, 7, -133)), x)) >> 16);
}
void narrow(float x, float* y) { *y = x; }
void narrow(float x, uint8_t* y) {
  *y = std::isnan(x) ? 0 : static_cast<uint8_t>(std::nearbyint(std::fmin(std::fmax(x, 0.0f), 255.0f)));
}
template <class T>
void narrow(float x, T* y) {
  const float bound = std::ldexp(1.0f, std::numeric_limits<T>::digits);  // one beyond the largest
  *y = std::isnan(x) ? 0
       : x >= bound  ? std::numeric_limits<T>::max()
       : x < -bound  ? std::numeric_limits<T>::min()
                     : static_cast<T>(x);
}

template <class From, class To>
void copy_elements(const CopyJob& j) {
  const int64_t count = live_rows(j.live, j.layout.leading) * j.layout.inner;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < j.layout.width; ++c) {
      const From from = static_cast<const From*>(j.x)[r * j.x_pitch + c];
      To* to = static_cast<To*>(j.y) + r * j.y_pitch + c;
      if constexpr (std::is_same_v<From, To>)
        std::memcpy(to, &from, sizeof from);
      else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>)
        *to = static_cast<To>(from);
      else
        narrow(widen(from), to);
    }
}

void copy_reference(const CopyJob& j) {
  for_copy_types(j.from, j.to, [&](auto from, auto to) { copy_elements<decltype(from), decltype(to)>(j); });
}

int32_t copy_type(fovea_dtype d) {
  constexpr fovea_dtype types[kCopyTypes] = {kF32, kF16, kBF16, kU8, kI32, kI64};
  for (int32_t i = 0; i < kCopyTypes; ++i)
    if (same(d, types[i])) return i;
  return -1;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_copy(const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream) {
  constexpr const char* op = "copy";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_any_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_any_tensor(op, "y", y, kAnyRank, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  const int32_t from = copy_type(x->dtype), to = copy_type(y->dtype);
  if (from < 0 || to < 0)
    return fail(FOVEA_UNSUPPORTED, "%s: cannot copy %s to %s", op, dtype_name(x->dtype), dtype_name(y->dtype));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_copy, x, y, stream);
  const CopyJob job{x->data, y->data, row_layout(*x), row_pitch(*x), row_pitch(*y), row_live(*x), from, to};
  return enqueue(stream, select_isa(copy_reference, scalar::copy, avx2::copy, avx512::copy), job);
}
