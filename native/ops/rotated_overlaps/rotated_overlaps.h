// IoU matrix of turned boxes: the job of fovea_rotated_overlaps, and the formula for every kind of number.
//
// Box a is seen in the frame of b, where b is |x| <= W, |y| <= H. By Green's theorem the area that both share is the integral
// of clamp(x, -W, W) dy along the part of a's outline with |y| <= H: four edges, each a closed form. Unlike clipped polygons
// this has no case for vertices that fall together, edges that coincide or boxes without width.
#pragma once

#include "core/numbers.h"
#include "fovea/vision.h"

namespace fovea {

struct RotatedOverlapsJob {
  const float* a;  // [rows][5]: centre x, centre y, width, height, angle
  const float* b;  // [columns][5]
  float* y;        // [rows][columns]
  int64_t rows, columns;
  int64_t a_pitch, b_pitch, y_pitch;
  const int32_t* live;  // of a
};

inline RotatedOverlapsJob rotated_overlaps_job(const fovea_tensor& a, const fovea_tensor& b, const fovea_tensor& y) {
  return {static_cast<const float*>(a.data),
          static_cast<const float*>(b.data),
          static_cast<float*>(y.data),
          a.shape[0],
          b.shape[0],
          a.pitch,
          b.pitch,
          y.pitch,
          a.live};
}

template <class T>
struct RotatedBox {
  T x, y, w, h;  // centre, half sides
  T cosine, sine;
};

template <class T>
struct Point {
  T x, y;
};

template <class T>
FOVEA_FORMULA T clamped(const T& x, const T& limit) {
  using namespace numbers;
  return max(min(x, limit), Number<T>::of(0) - limit);
}

// The integral of clamp(x, -w, w) - shift over dy along the part of the edge p q with |y| <= h.
template <class T>
FOVEA_FORMULA T edge_integral(const Point<T>& p, const Point<T>& q, const T& w, const T& h, const T& shift) {
  using namespace numbers;
  const T none = Number<T>::of(0), half = Number<T>::of(0.5);
  const T rise = q.y - p.y, from = clamped(p.y, h), to = clamped(q.y, h), size = abs(rise);
  // Where the edge enters and leaves the strip; a level edge counts for nothing.
  const T sign = select(rise > none, Number<T>::of(1), Number<T>::of(-1));
  const T enters = p.x + (q.x - p.x) * ratio((from - p.y) * sign, size);
  const T leaves = p.x + (q.x - p.x) * ratio((to - p.y) * sign, size);
  // The mean of clamp(x): x runs evenly from `low` to `high`, left of the box, inside, and right of it.
  const T low = min(enters, leaves), high = max(enters, leaves), length = high - low;
  const T first = clamped(low, w), last = clamped(high, w);
  const T left = max(min(high, none - w) - low, none), right = max(high - max(low, w), none);
  const T inside = (last - first) * ((first + last) * half - shift);
  const T sum = (none - w - shift) * left + inside + (w - shift) * right;
  return (to - from) * select(length > none, sum / length, first - shift);
}

template <class T>
FOVEA_FORMULA T rotated_iou(const RotatedBox<T>& a, const RotatedBox<T>& b) {
  using namespace numbers;
  const T none = Number<T>::of(0), four = Number<T>::of(4);
  const T dx = a.x - b.x, dy = a.y - b.y;
  const T x = b.cosine * dx + b.sine * dy, y = b.cosine * dy - b.sine * dx;  // a's centre in the frame of b
  const T c = a.cosine * b.cosine + a.sine * b.sine, s = a.sine * b.cosine - a.cosine * b.sine;
  const T ux = c * a.w, uy = s * a.w, vx = none - s * a.h, vy = c * a.h;  // a's half sides
  const Point<T> p0{x - ux - vx, y - uy - vy}, p1{x + ux - vx, y + uy - vy}, p2{x + ux + vx, y + uy + vy},
      p3{x - ux + vx, y - uy + vy};
  // The integral of a constant around the outline is 0. This one makes every term 0 beside the box.
  const T shift = select(x > none, b.w, none - b.w);
  const T integral = edge_integral(p0, p1, b.w, b.h, shift) + edge_integral(p1, p2, b.w, b.h, shift) +
                     edge_integral(p2, p3, b.w, b.h, shift) + edge_integral(p3, p0, b.w, b.h, shift);
  // Boxes that are apart along a side of a: there terms that are not 0 cancel but for rounding.
  const T along = abs(a.cosine * dx + a.sine * dy), across = abs(a.cosine * dy - a.sine * dx);
  const auto meet = (a.w + abs(c) * b.w + abs(s) * b.h > along) & (a.h + abs(s) * b.w + abs(c) * b.h > across);
  const T a_area = four * a.w * a.h, b_area = four * b.w * b.h;
  const T area = select(meet, min(max(integral, none), min(a_area, b_area)), none);
  const T value = ratio(area, a_area + b_area - area);
  const auto proper = (a.w > none) & (a.h > none) & (b.w > none) & (b.h > none);
  return select(proper & (value == value), value, none);
}

}  // namespace fovea
