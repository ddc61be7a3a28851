// Fast Fourier transforms along time of kLanes complex sequences at once: point i of a block is a vector of real parts and one
// of imaginary parts at data + i * kPoint.
//
// Forward transforms decimate in frequency and leave the spectrum in bit-reversed order, inverse ones decimate in time and
// expect it so: nothing is ever reordered. Two radix-2 steps make one of radix 4. The recursion halves what a step touches
// until it stays in the cache. In bit-reversed order the spectrum's point k = -k' of the point k' at index i is at mirror(i).
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kPoint = 2 * kLanes;

struct Points {
  F re, im;
};
FOVEA_INLINE Points load_point(const float* p) { return {load(p), load(p + kLanes)}; }
FOVEA_INLINE void store_point(float* p, Points v) { store(p, v.re), store(p + kLanes, v.im); }
FOVEA_INLINE Points operator+(Points a, Points b) { return {a.re + b.re, a.im + b.im}; }
FOVEA_INLINE Points operator-(Points a, Points b) { return {a.re - b.re, a.im - b.im}; }
FOVEA_INLINE Points operator*(Points a, Points b) { return {fnma(a.im, b.im, a.re * b.re), fma(a.im, b.re, a.re * b.im)}; }
FOVEA_INLINE Points conjugate(Points a) { return {a.re, zero() - a.im}; }
FOVEA_INLINE Points times_i(Points a) { return {zero() - a.im, a.re}; }

// ---- twiddle factors ---------------------------------------------------------------------------------------------------
// For n points w^j, w^2j, w^3j with w = exp(-2 pi i / n), j < n / 4, as six floats; after them those for n / 4 points: in all
// below 2 n.

// Angles are multiples of 2 pi / points, in double, as are the products. Levels below the first repeat every fourth of it.
inline void fill_twiddles(float* table, int64_t points) {
  const double step = -6.283185307179586476925 / static_cast<double>(points);
  float* to = table;
  for (int64_t j = 0; j < points / 4; ++j) {
    const double angle = step * static_cast<double>(j), c = __builtin_cos(angle), s = __builtin_sin(angle);
    const double c2 = c * c - s * s, s2 = 2 * c * s, six[] = {c, s, c2, s2, c2 * c - s2 * s, c2 * s + s2 * c};
    for (const double value : six) *to++ = static_cast<float>(value);
  }
  const float* from = table;
  for (int64_t n = points / 4; n >= 4; n /= 4) {
    float* const level = to;
    for (int64_t j = 0; j < n / 4; ++j)
      for (int64_t i = 0; i < 6; ++i) *to++ = from[24 * j + i];
    from = level;
  }
}

FOVEA_INLINE Points twiddle(const float* p) { return {set(p[0]), set(p[1])}; }

// ---- transforms --------------------------------------------------------------------------------------------------------

void transform(float* data, const float* table, int64_t points) {
  if (points == 2) {
    const Points a = load_point(data), b = load_point(data + kPoint);
    store_point(data, a + b), store_point(data + kPoint, a - b);
  }
  if (points < 4) return;
  const int64_t quarter = points / 4 * kPoint;
  const float* w = table;
  for (float* p = data; p < data + quarter; p += kPoint, w += 6) {
    const Points a = load_point(p), b = load_point(p + quarter), c = load_point(p + 2 * quarter),
                 e = load_point(p + 3 * quarter);
    const Points ac = a + c, be = b + e, ca = a - c, eb = times_i(b - e);
    store_point(p, ac + be);
    store_point(p + quarter, (ac - be) * twiddle(w + 2));
    store_point(p + 2 * quarter, (ca - eb) * twiddle(w));
    store_point(p + 3 * quarter, (ca + eb) * twiddle(w + 4));
  }
  for (int64_t i = 0; i < 4; ++i) transform(data + i * quarter, w, points / 4);
}

// The inverse of transform(), but for a factor of `points`.
void transform_back(float* data, const float* table, int64_t points) {
  if (points == 2) return transform(data, table, points);
  if (points < 4) return;
  const int64_t quarter = points / 4 * kPoint;
  for (int64_t i = 0; i < 4; ++i) transform_back(data + i * quarter, table + points / 4 * 6, points / 4);
  const float* w = table;
  for (float* p = data; p < data + quarter; p += kPoint, w += 6) {
    const Points a = load_point(p), b = load_point(p + quarter) * conjugate(twiddle(w + 2));
    const Points c = load_point(p + 2 * quarter) * conjugate(twiddle(w)),
                 e = load_point(p + 3 * quarter) * conjugate(twiddle(w + 4));
    const Points sum = a + b, difference = a - b, ce = c + e, turned = times_i(c - e);
    store_point(p, sum + ce);
    store_point(p + quarter, difference + turned);
    store_point(p + 2 * quarter, sum - ce);
    store_point(p + 3 * quarter, difference - turned);
  }
}

// Products of spectra of two packed sequences each, a = A + iA', b = B + iB': out = scale * (A B + i A' B'), or, with
// kConjugate, A times the conjugate of B: a correlation. kAdd adds to what out has. out may be a.
template <bool kConjugate, bool kAdd>
void multiply_spectra(const float* a, const float* b, float* out, int64_t points, float scale) {
  // A[k] = (a[k] + conj(a[-k])) / 2 and A'[k] = (a[k] - conj(a[-k])) / 2i.
  const F quarter = set(0.25f * scale);
  for (int64_t i = 0, run = 1; i < points; ++i) {
    if (i == 2 * run) run = i;
    const int64_t mirror = i == 0 ? 0 : 3 * run - 1 - i;  // indices run .. 2 run - 1 backwards
    if (mirror < i) continue;
    const Points a0 = load_point(a + i * kPoint), a1 = conjugate(load_point(a + mirror * kPoint));
    const Points b0 = load_point(b + i * kPoint), b1 = conjugate(load_point(b + mirror * kPoint));
    Points first = b0 + b1, second = b0 - b1;  // 2 B and 2i B'
    if (kConjugate) first = conjugate(first), second = conjugate(second);
    first = (a0 + a1) * first, second = (a0 - a1) * second;  // 4 A B; 4 A' B', negative without kConjugate
    first = {first.re * quarter, first.im * quarter}, second = {second.re * quarter, second.im * quarter};
    const Points turned = kConjugate ? times_i(second) : times_i({zero() - second.re, zero() - second.im});
    Points at = first + turned, there = conjugate(first - turned);
    if (kAdd) {
      at = at + load_point(out + i * kPoint);
      there = there + load_point(out + mirror * kPoint);
    }
    store_point(out + mirror * kPoint, there);
    store_point(out + i * kPoint, at);
  }
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
