// Where the taps of an output sample lie and what they weigh: the definitions of nearest, bilinear, bicubic and area resampling
// along one axis, in double precision. Shared by resize, letterbox and crop_resize, by reference loops and vector bodies.
//
// An axis resamples the real interval [origin, origin + extent) of a pixel grid to `out` samples. Taps are clamped to the
// pixels first..last (of a whole image: 0..in-1; of a box: every pixel it touches). Functions have internal linkage: the
// header is compiled for several instruction sets, and for GPUs, where the compiler may fuse a product and a sum: a weight
// can differ by the last bit of a double.
#pragma once

#include <cstdint>

#include "core/host_device.h"
#include "fovea/vision.h"

namespace fovea {

struct ResampleAxis {
  int32_t mode, align_corners, antialias;
  double cubic_a, origin, extent;
  int64_t out, first, last;
};

inline constexpr int64_t kMaxImageSide = int64_t{1} << 24;  // floor(i*in/out) in double is exact below it

// Weights of the pixels begin..end-1, summing to 1. Table: listed. Area: overlap of pixel j with [left, right). Triangle and
// cubic: the kernel centred at `left`, stretched by 1/inverse_width.
struct Taps {
  enum Kind : int32_t { kTable, kArea, kTriangle, kCubic };
  int64_t begin, end;
  double left, right, inverse_width, norm, cubic_a;
  double table[4];
  Kind kind;
};

FOVEA_HOST_DEVICE static inline double cubic_kernel(double t, double a) {
  t = t < 0 ? -t : t;
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

FOVEA_HOST_DEVICE static inline double tap_weight(const Taps& t, int64_t j) {
  const double x = static_cast<double>(j);
  switch (t.kind) {
    case Taps::kTable:
      return t.table[j - t.begin];
    case Taps::kArea:
      return ((t.right < x + 1 ? t.right : x + 1) - (t.left > x ? t.left : x)) * t.norm;
    case Taps::kTriangle: {
      const double d = (x + 0.5 - t.left) * t.inverse_width, w = 1 - (d < 0 ? -d : d);
      return w > 0 ? w * t.norm : 0;
    }
    default:
      return cubic_kernel((x + 0.5 - t.left) * t.inverse_width, t.cubic_a) * t.norm;
  }
}

// Taps j, j+1, .. with these weights; those outside the grid fold onto its border pixel (border replication). Zero weights at
// the ends are dropped, so that a NaN or infinity next to the support does no harm.
FOVEA_HOST_DEVICE static inline Taps table_taps(const ResampleAxis& a, int64_t j, const double* weights, int n) {
  Taps t{};
  t.kind = Taps::kTable;
  const auto clamp = [&](int64_t i) { return i < a.first ? a.first : i > a.last ? a.last : i; };
  t.begin = clamp(j), t.end = clamp(j + n - 1) + 1;
  for (int i = 0; i < n; ++i) t.table[clamp(j + i) - t.begin] += weights[i];
  while (t.end - t.begin > 1 && t.table[t.end - t.begin - 1] == 0) --t.end;
  while (t.end - t.begin > 1 && t.table[0] == 0) {
    ++t.begin;
    for (int i = 0; i < 3; ++i) t.table[i] = t.table[i + 1];
  }
  return t;
}

// Pillow's antialiasing: the kernel is stretched by the scale when shrinking, cut at the grid's border and normalised.
FOVEA_HOST_DEVICE static inline Taps antialias_taps(const ResampleAxis& a, double centre, double scale) {
  const bool cubic = a.mode == FOVEA_RESIZE_BICUBIC;
  const double width = scale > 1 ? scale : 1, support = (cubic ? 2 : 1) * width;
  Taps t{};
  t.kind = cubic ? Taps::kCubic : Taps::kTriangle;
  t.left = centre, t.inverse_width = 1 / width, t.norm = 1, t.cubic_a = a.cubic_a;
  t.begin = static_cast<int64_t>(__builtin_floor(centre - support + 0.5));
  t.end = static_cast<int64_t>(__builtin_floor(centre + support + 0.5));
  if (t.begin < a.first) t.begin = a.first;
  if (t.end > a.last + 1) t.end = a.last + 1;
  while (t.end - t.begin > 1 && tap_weight(t, t.end - 1) == 0) --t.end;
  while (t.end - t.begin > 1 && tap_weight(t, t.begin) == 0) ++t.begin;
  double sum = 0;
  for (int64_t j = t.begin; j < t.end; ++j) sum += tap_weight(t, j);
  const double one = 1;
  if (!(sum > 0)) return table_taps(a, static_cast<int64_t>(__builtin_floor(centre)), &one, 1);
  t.norm = 1 / sum;
  return t;
}

// The area mode. Shrinking: the mean of [left, right). Enlarging: OpenCV's INTER_AREA rule, a blend only where the output
// pixel straddles two source pixels, on the grid that starts at floor(origin): exact for integer origins, and for fractional
// ones the fraction is dropped, so the crop is shifted by less than a source pixel. Axes choose independently.
FOVEA_HOST_DEVICE static inline Taps area_taps(const ResampleAxis& a, int64_t i) {
  const double n = static_cast<double>(a.out), x = static_cast<double>(i), base = __builtin_floor(a.origin);
  if (a.extent >= n) {
    Taps t{};
    t.kind = Taps::kArea;
    // Multiplied before dividing: exact where the boundary is an integer.
    t.left = a.origin + x * a.extent / n, t.right = a.origin + (x + 1) * a.extent / n;
    t.begin = static_cast<int64_t>(__builtin_floor(t.left)), t.end = static_cast<int64_t>(__builtin_ceil(t.right));
    if (t.begin < a.first) t.begin = a.first;
    if (t.end > a.last + 1) t.end = a.last + 1;
    t.norm = 1 / (t.right - t.left);
    return t;
  }
  const double cell = __builtin_floor(x * a.extent / n);
  double f = x + 1 - (cell + 1) * n / a.extent;
  f = f <= 0 ? 0 : f - __builtin_floor(f);
  const double weights[2] = {1 - f, f};
  return table_taps(a, static_cast<int64_t>(base + cell), weights, 2);
}

FOVEA_HOST_DEVICE static inline Taps resample_taps(const ResampleAxis& a, int64_t i) {
  const double n = static_cast<double>(a.out), x = static_cast<double>(i), one = 1;
  if (a.mode == FOVEA_RESIZE_AREA) return area_taps(a, i);
  if (a.mode == FOVEA_RESIZE_NEAREST || a.mode == FOVEA_RESIZE_NEAREST_EXACT) {
    const double base = __builtin_floor(a.origin), offset = a.mode == FOVEA_RESIZE_NEAREST ? 0 : 0.5;
    return table_taps(a, static_cast<int64_t>(base + __builtin_floor(a.origin - base + (x + offset) * a.extent / n)), &one, 1);
  }
  const double steps = a.extent > 1 ? a.extent - 1 : 0;
  double position =
      a.align_corners != 0 ? a.origin + (a.out > 1 ? x * steps / (n - 1) : 0) : a.origin + (x + 0.5) * a.extent / n - 0.5;
  if (a.antialias != 0) {
    const double scale = a.align_corners != 0 ? (a.out > 1 ? steps / (n - 1) : 1) : a.extent / n;
    return antialias_taps(a, position + 0.5, scale);
  }
  if (a.mode == FOVEA_RESIZE_BILINEAR && position < static_cast<double>(a.first)) position = static_cast<double>(a.first);
  const double cell = __builtin_floor(position), f = position - cell;
  if (a.mode == FOVEA_RESIZE_BILINEAR) {
    const double weights[2] = {1 - f, f};
    return table_taps(a, static_cast<int64_t>(cell), weights, 2);
  }
  const double weights[4] = {cubic_kernel(1 + f, a.cubic_a), cubic_kernel(f, a.cubic_a), cubic_kernel(1 - f, a.cubic_a),
                             cubic_kernel(2 - f, a.cubic_a)};
  return table_taps(a, static_cast<int64_t>(cell) - 1, weights, 4);
}

// No output sample of the axis has more taps than this.
FOVEA_HOST_DEVICE static inline int64_t max_taps(const ResampleAxis& a) {
  const int64_t grid = a.last - a.first + 1;
  int64_t taps = a.mode == FOVEA_RESIZE_BICUBIC ? 4 : a.mode == FOVEA_RESIZE_BILINEAR || a.mode == FOVEA_RESIZE_AREA ? 2 : 1;
  const bool stretched = a.antialias != 0 && (a.mode == FOVEA_RESIZE_BILINEAR || a.mode == FOVEA_RESIZE_BICUBIC);
  if (a.out > 0 && (a.mode == FOVEA_RESIZE_AREA || stretched)) {
    // Without align_corners the scale is extent/out; with it (extent-1)/(out-1), which may be up to twice that.
    const double samples = static_cast<double>(stretched && a.align_corners != 0 && a.out > 1 ? a.out - 1 : a.out);
    const double scale = a.extent > samples ? a.extent / samples : 1;
    taps = static_cast<int64_t>(scale * (stretched ? (a.mode == FOVEA_RESIZE_BICUBIC ? 4 : 2) : 1)) + 3;
  }
  return taps < grid ? taps : grid;
}

// Weights of the pixels begin..end-1 (a part of t's), times `factor`.
FOVEA_HOST_DEVICE static inline void fill_weights(const Taps& t, int64_t begin, int64_t end, double factor, float* weights) {
  if (t.kind == Taps::kArea && end - begin > 2) {  // all inner pixels weigh the same
    weights[0] = static_cast<float>(tap_weight(t, begin) * factor);
    const float inner = static_cast<float>(t.norm * factor);
    for (int64_t j = begin + 1; j < end - 1; ++j) weights[j - begin] = inner;
    weights[end - 1 - begin] = static_cast<float>(tap_weight(t, end - 1) * factor);
    return;
  }
  for (int64_t j = begin; j < end; ++j) weights[j - begin] = static_cast<float>(tap_weight(t, j) * factor);
}

// The shrinking area mode with the same number of taps for every sample and no branches, for pixels that are finite: taps
// outside the interval weigh 0. Only pixels lo..hi-1 are visited, the part of the grid inside the image.
struct AreaSteps {
  double origin, extent, out;
  int64_t lo, hi;
  int32_t taps;
  bool cut;  // some of the grid is outside the image
};

FOVEA_HOST_DEVICE static inline bool shrinks_by_area(const ResampleAxis& a) {
  return a.mode == FOVEA_RESIZE_AREA && a.out > 0 && a.extent >= static_cast<double>(a.out);
}

FOVEA_HOST_DEVICE static inline AreaSteps area_steps(const ResampleAxis& a, int64_t image_size) {
  AreaSteps s{a.origin,
              a.extent,
              static_cast<double>(a.out),
              a.first < 0 ? 0 : a.first,
              a.last >= image_size ? image_size : a.last + 1,
              0,
              a.first < 0 || a.last >= image_size};
  const int64_t room = s.hi > s.lo ? s.hi - s.lo : 0, most = static_cast<int64_t>(__builtin_ceil(s.extent / s.out)) + 1;
  s.taps = static_cast<int32_t>(most < room ? most : room);
  return s;
}

// Fills s.taps weights times `factor` and returns the first tap; *inside is the share of the interval inside the image.
FOVEA_HOST_DEVICE static inline int64_t area_weights(const AreaSteps& s, int64_t i, double factor, float* weights,
                                                     double* inside) {
  const double x = static_cast<double>(i), left = s.origin + x * s.extent / s.out,
               right = s.origin + (x + 1) * s.extent / s.out;
  int64_t begin = static_cast<int64_t>(__builtin_floor(left));
  begin = begin < s.lo ? s.lo : begin;
  begin = begin > s.hi - s.taps ? s.hi - s.taps : begin;
  const double norm = s.out / s.extent;
  double sum = 0;
  for (int32_t t = 0; t < s.taps; ++t) {
    const double p = static_cast<double>(begin + t);
    const double overlap = (right < p + 1 ? right : p + 1) - (left > p ? left : p), w = (overlap > 0 ? overlap : 0) * norm;
    sum += w;
    weights[t] = static_cast<float>(w * factor);
  }
  *inside = !s.cut || (left >= static_cast<double>(s.lo) && right <= static_cast<double>(s.hi)) ? 1 : sum;
  return begin;
}

}  // namespace fovea
