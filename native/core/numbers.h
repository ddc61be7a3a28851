// Arithmetic that formulas are written in once, for every kind of number: double (references), float (kernels of a GPU), F
// (vectors: box_overlaps/numbers_simd.h) and Dual, which carries the derivatives of one of these along (box_loss/dual.h).
#pragma once

#include <math.h>

#include "core/host_device.h"
#include "core/tensor.h"

#define FOVEA_FORMULA FOVEA_HOST_DEVICE FOVEA_ALWAYS_INLINE

namespace fovea::numbers {

// Number<T>::of(x): a constant. detached(x): x as a constant. at_least_zero(x): x without what rounding took it below 0, with
// the slope of x.
template <class T>
struct Number {
  FOVEA_FORMULA static T of(double x) { return static_cast<T>(x); }
  FOVEA_FORMULA static T detached(T x) { return x; }
  FOVEA_FORMULA static T at_least_zero(T x) { return x < 0 ? T(0) : x; }
};

// One operation a line: double, then float. `angle` is that of the diagonal of a w x h box from its upright side, 0 of a point;
// `power` is of a base that is not negative, with 0 for the base 0.
// clang-format off
FOVEA_FORMULA double select(bool m, double yes, double no) { return m ? yes : no; }
FOVEA_FORMULA double min(double a, double b) { return a < b ? a : b; }
FOVEA_FORMULA double max(double a, double b) { return a > b ? a : b; }
FOVEA_FORMULA double abs(double x) { return x < 0 ? -x : x; }
FOVEA_FORMULA double exp(double x) { return ::exp(x); }
FOVEA_FORMULA double angle(double w, double h) { return ::atan2(w, h); }
FOVEA_FORMULA double power(double x, double p) { return x > 0 ? ::pow(x, p) : x * 0; }
FOVEA_FORMULA float select(bool m, float yes, float no) { return m ? yes : no; }
FOVEA_FORMULA float min(float a, float b) { return a < b ? a : b; }
FOVEA_FORMULA float max(float a, float b) { return a > b ? a : b; }
FOVEA_FORMULA float abs(float x) { return x < 0 ? -x : x; }
FOVEA_FORMULA float exp(float x) { return ::expf(x); }
FOVEA_FORMULA float angle(float w, float h) { return ::atan2f(w, h); }
FOVEA_FORMULA float power(float x, double p) { return x > 0 ? ::powf(x, static_cast<float>(p)) : x * 0; }
// clang-format on

// a / b, and 0 where b is not positive: for quotients that have no value there.
template <class T>
FOVEA_FORMULA T ratio(const T& a, const T& b) {
  const T none = Number<T>::of(0);
  return select(b > none, a / b, none);
}

}  // namespace fovea::numbers
