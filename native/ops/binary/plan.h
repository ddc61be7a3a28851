// From shapes to the loops of a binary operation, for every backend.
#pragma once

#include "ops/binary/binary.h"

namespace fovea {

// Elements between neighbours along dimension d of y (shapes aligned at the right); 0 when t is broadcast along it.
inline int64_t stride(const fovea_tensor& t, const fovea_tensor& y, int d) {
  const int own = d - (y.rank - t.rank);
  if (own < 0 || (t.shape[own] == 1 && y.shape[d] != 1)) return 0;
  if (own == t.rank - 1) return 1;
  int64_t elements_between = t.pitch;
  for (int i = own + 1; i + 1 < t.rank; ++i) elements_between *= t.shape[i];
  return elements_between;
}

// Neighbouring dimensions become one loop when every operand crosses from one to the next in equal steps: same shapes end up
// as one long row, a channel vector as rows times channels.
inline void collapse(const fovea_tensor& a, const fovea_tensor& b, const fovea_tensor& y, BinaryJob* job) {
  BinaryLoop loop{1, 1, 1, 1};
  job->depth = 0;
  for (int d = y.rank - 1; d >= 0; --d) {
    if (y.shape[d] == 1) continue;
    const BinaryLoop outer{y.shape[d], stride(a, y, d), stride(b, y, d), stride(y, y, d)};
    if (loop.size == 1) {
      loop = outer;
    } else if (outer.a == loop.a * loop.size && outer.b == loop.b * loop.size && outer.y == loop.y * loop.size) {
      loop.size *= outer.size;
    } else {
      job->loops[job->depth++] = loop;
      loop = outer;
    }
  }
  job->loops[job->depth++] = loop;
}

// Everything of the job but the data and the operation. y has elements.
inline BinaryJob plan_binary(const fovea_tensor& a, const fovea_tensor& b, const fovea_tensor& y) {
  BinaryJob job{};
  collapse(a, b, y, &job);
  // a's count of live rows means something for y only when a has y's leading dimension.
  job.leading = y.rank == 0 ? 1 : y.shape[0];
  job.live = y.rank > 0 && a.rank == y.rank && a.shape[0] == y.shape[0] ? a.live : nullptr;
  return job;
}

}  // namespace fovea
