// A value with its derivatives by the four coordinates of a box: arithmetic on these differentiates a formula as it is
// evaluated. Where a maximum or minimum has equal arguments each has half of the slope, as in PyTorch.
#pragma once

#include "core/numbers.h"

namespace fovea::numbers {

template <class T>
struct Slopes {
  T x1, y1, x2, y2;
};

template <class T>
FOVEA_FORMULA Slopes<T> operator+(const Slopes<T>& a, const Slopes<T>& b) {
  return {a.x1 + b.x1, a.y1 + b.y1, a.x2 + b.x2, a.y2 + b.y2};
}
template <class T>
FOVEA_FORMULA Slopes<T> operator-(const Slopes<T>& a, const Slopes<T>& b) {
  return {a.x1 - b.x1, a.y1 - b.y1, a.x2 - b.x2, a.y2 - b.y2};
}
template <class T>
FOVEA_FORMULA Slopes<T> operator*(const Slopes<T>& a, const T& b) {
  return {a.x1 * b, a.y1 * b, a.x2 * b, a.y2 * b};
}
template <class T>
FOVEA_FORMULA Slopes<T> operator/(const Slopes<T>& a, const T& b) {
  return {a.x1 / b, a.y1 / b, a.x2 / b, a.y2 / b};
}
template <class M, class T>
FOVEA_FORMULA Slopes<T> select(const M& m, const Slopes<T>& yes, const Slopes<T>& no) {
  return {select(m, yes.x1, no.x1), select(m, yes.y1, no.y1), select(m, yes.x2, no.x2), select(m, yes.y2, no.y2)};
}

template <class T>
struct Dual {
  T value;
  Slopes<T> slopes;
};

template <class T>
struct Number<Dual<T>> {
  FOVEA_FORMULA static Slopes<T> flat() {
    const T none = Number<T>::of(0);
    return {none, none, none, none};
  }
  FOVEA_FORMULA static Dual<T> of(double x) { return {Number<T>::of(x), flat()}; }
  FOVEA_FORMULA static Dual<T> detached(const Dual<T>& x) { return {x.value, flat()}; }
  FOVEA_FORMULA static Dual<T> at_least_zero(const Dual<T>& x) { return {Number<T>::at_least_zero(x.value), x.slopes}; }
};

template <class T>
FOVEA_FORMULA Dual<T> constant(const T& x) {
  return {x, Number<Dual<T>>::flat()};
}
template <class T>
FOVEA_FORMULA Dual<T> operator+(const Dual<T>& a, const Dual<T>& b) {
  return {a.value + b.value, a.slopes + b.slopes};
}
template <class T>
FOVEA_FORMULA Dual<T> operator-(const Dual<T>& a, const Dual<T>& b) {
  return {a.value - b.value, a.slopes - b.slopes};
}
template <class T>
FOVEA_FORMULA Dual<T> operator*(const Dual<T>& a, const Dual<T>& b) {
  return {a.value * b.value, a.slopes * b.value + b.slopes * a.value};
}
template <class T>
FOVEA_FORMULA Dual<T> operator/(const Dual<T>& a, const Dual<T>& b) {
  const T value = a.value / b.value;
  return {value, (a.slopes - b.slopes * value) / b.value};
}
template <class T>
FOVEA_FORMULA auto operator>(const Dual<T>& a, const Dual<T>& b) {
  return a.value > b.value;
}
template <class M, class T>
FOVEA_FORMULA Dual<T> select(const M& m, const Dual<T>& yes, const Dual<T>& no) {
  return {select(m, yes.value, no.value), select(m, yes.slopes, no.slopes)};
}
template <class T>
FOVEA_FORMULA Dual<T> max(const Dual<T>& a, const Dual<T>& b) {
  const Slopes<T> both = (a.slopes + b.slopes) * Number<T>::of(0.5), larger = select(a.value > b.value, a.slopes, b.slopes);
  return {max(a.value, b.value), select(a.value == b.value, both, larger)};
}
template <class T>
FOVEA_FORMULA Dual<T> min(const Dual<T>& a, const Dual<T>& b) {
  const Slopes<T> both = (a.slopes + b.slopes) * Number<T>::of(0.5), smaller = select(b.value > a.value, a.slopes, b.slopes);
  return {min(a.value, b.value), select(a.value == b.value, both, smaller)};
}
template <class T>
FOVEA_FORMULA Dual<T> abs(const Dual<T>& x) {
  const T none = Number<T>::of(0), one = Number<T>::of(1);
  return {abs(x.value), x.slopes * select(x.value > none, one, select(none > x.value, none - one, none))};
}
template <class T>
FOVEA_FORMULA Dual<T> exp(const Dual<T>& x) {
  const T value = exp(x.value);
  return {value, x.slopes * value};
}
template <class T>
FOVEA_FORMULA Dual<T> angle(const Dual<T>& w, const Dual<T>& h) {
  const T none = Number<T>::of(0), squares = w.value * w.value + h.value * h.value;
  const Slopes<T> slopes = (w.slopes * h.value - h.slopes * w.value) / squares;
  return {angle(w.value, h.value), select(squares > none, slopes, Number<Dual<T>>::flat())};
}
// The slope at 0 is 0, also where an exponent below 1 has none.
template <class T>
FOVEA_FORMULA Dual<T> power(const Dual<T>& x, double p) {
  const T value = power(x.value, p);
  return {value, x.slopes * ratio(value * Number<T>::of(p), x.value)};
}

}  // namespace fovea::numbers
