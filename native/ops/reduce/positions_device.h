// Positions in the kept or reduced dimensions of a reduction, for CUDA kernels.
#pragma once

#include "cuda/rows.h"
#include "ops/reduce/reduce.h"

namespace fovea::cuda {

// The leading dimension may be cut to the live rows. The job itself stays as it is: a copy to change would be indexed at run
// time and so lie in local memory.
template <int tensors>
struct Positions {
  const ReduceDims<tensors>& dims;
  int64_t count;

  FOVEA_DEVICE Positions(const ReduceShape<tensors>& j, bool reduced) : dims(reduced ? j.reduced : j.kept), count(1) {
    for (int i = 0; i < dims.rank; ++i)
      count *= i == 0 && j.live != nullptr && j.leading_is_reduced == reduced ? live_count(j.live, dims.size[0]) : dims.size[i];
  }
  FOVEA_DEVICE int64_t in(ReduceTensor tensor, int64_t flat) const {
    int64_t at = 0;
    for (int i = dims.rank - 1; i > 0; --i) {
      const int64_t outer = quotient(flat, dims.size[i]);
      at += (flat - outer * dims.size[i]) * dims.stride[tensor][i];
      flat = outer;
    }
    return dims.rank == 0 ? 0 : at + flat * dims.stride[tensor][0];
  }
};

}  // namespace fovea::cuda
