// From shapes to the loops of a binary operation, for every backend.
#pragma once

#include "ops/binary/binary.h"

namespace fovea {

// Whether a and b broadcast to exactly y's shape.
fovea_status check_broadcast(const char* op, const fovea_tensor& a, const fovea_tensor& b, const char* y_name,
                             const fovea_tensor& y);

// Elements between neighbours along dimension d of y (shapes aligned at the right); 0 when t is broadcast along it.
inline int64_t stride(const fovea_tensor& t, const fovea_tensor& y, int d) {
  const int own = d - (y.rank - t.rank);
  if (own < 0 || (t.shape[own] == 1 && y.shape[d] != 1)) return 0;
  if (own == t.rank - 1) return 1;
  int64_t elements_between = t.pitch;
  for (int i = own + 1; i + 1 < t.rank; ++i) elements_between *= t.shape[i];
  return elements_between;
}

// Neighbouring dimensions become one loop when every tensor crosses from one to the next in equal steps: same shapes end up as
// one long row, a channel vector as rows times channels.
template <int tensors>
void collapse(const fovea_tensor* const (&views)[tensors], const fovea_tensor& y, BroadcastLoops<tensors>* job) {
  BroadcastLoop<tensors> loop{1, {}};
  for (int64_t& s : loop.stride) s = 1;
  job->depth = 0;
  for (int d = y.rank - 1; d >= 0; --d) {
    if (y.shape[d] == 1) continue;
    BroadcastLoop<tensors> outer{y.shape[d], {}};
    bool together = true;
    for (int t = 0; t < tensors; ++t) {
      outer.stride[t] = stride(*views[t], y, d);
      together = together && outer.stride[t] == loop.stride[t] * loop.size;
    }
    if (loop.size == 1) {
      loop = outer;
    } else if (together) {
      loop.size *= outer.size;
    } else {
      job->loops[job->depth++] = loop;
      loop = outer;
    }
  }
  job->loops[job->depth++] = loop;
}

// Everything of the job but the data and the operation. `views` are a, b, y, da, db: as many as the job has strides for. y has
// elements.
template <int tensors>
void plan_broadcast(const fovea_tensor* const (&views)[tensors], BroadcastLoops<tensors>* job) {
  const fovea_tensor &a = *views[kOfA], &y = *views[kOfY];
  collapse(views, y, job);
  // a's count of live rows means something for y only when a has y's leading dimension.
  job->leading = y.rank == 0 ? 1 : y.shape[0];
  job->live = y.rank > 0 && a.rank == y.rank && a.shape[0] == y.shape[0] ? a.live : nullptr;
}

}  // namespace fovea
