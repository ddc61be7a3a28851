// Gathering moves data in the widest unit that the addresses allow. Scattering gives every row of the table to one block, which
// goes through all picks in order: the sums have the contract's order without atomics.
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "fovea/nn.h"
#include "ops/gather_rows/plan.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE int64_t pick_count(const GatherRowsJob& j) {
  const int64_t by_indices = live_count(j.picks_live, j.leading), by_stack = live_count(j.stack_live, j.leading);
  return (by_indices < by_stack ? by_indices : by_stack) * j.inner;
}
FOVEA_DEVICE int64_t index_of(const GatherRowsJob& j, int64_t pick) {
  const int64_t run = quotient(pick, j.per_run), at = run * j.index_pitch + pick - run * j.per_run;
  return j.wide_indices ? static_cast<const int64_t*>(j.indices)[at] : static_cast<const int32_t*>(j.indices)[at];
}
FOVEA_DEVICE int64_t place_of(const GatherRowsJob& j, int64_t pick) {
  if (!j.scalars) return pick * j.pieces * j.stack_pitch;
  const int64_t run = quotient(pick, j.per_run);
  return run * j.stack_pitch + pick - run * j.per_run;
}

// Widths and pitches of the job are in units.
template <class Unit>
__global__ void __launch_bounds__(kThreads) gather_kernel(GatherRowsJob j, const Unit* table, Unit* stack) {
  const int64_t rows = live_count(j.table_live, j.rows), row_units = j.pieces * j.width, n = pick_count(j) * row_units;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pick = quotient(i, row_units), within = i - pick * row_units;
    const int64_t piece = quotient(within, j.width), c = within - piece * j.width, row = index_of(j, pick);
    const bool outside = row < 0 || row >= rows;
    stack[place_of(j, pick) + piece * j.stack_pitch + c] =
        outside ? Unit{} : table[(row * j.pieces + piece) * j.table_pitch + c];
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) scatter_kernel(GatherRowsJob j, T* table, const T* stack) {
  __shared__ int64_t indices[kThreads];
  const int64_t rows = live_count(j.table_live, j.rows), picks = pick_count(j);
  for (int64_t begin = 0; begin < picks; begin += kThreads) {
    const int64_t mine = begin + threadIdx.x, index = mine < picks ? index_of(j, mine) : -1;
    __syncthreads();  // the indices before have been read
    indices[threadIdx.x] = index >= 0 && index < rows && uint32_t(index) % gridDim.x == blockIdx.x ? index : -1;
    __syncthreads();
    for (int p = 0; p < kThreads; ++p) {
      const int64_t row = indices[p];
      if (row < 0) continue;  // another block's, or no row at all
      T* sums = table + row * j.pieces * j.table_pitch;
      const T* terms = stack + place_of(j, begin + p);
      // An element is the same thread's whatever the pick.
      for (int64_t piece = 0; piece < j.pieces; ++piece, sums += j.table_pitch, terms += j.stack_pitch)
        for (int64_t c = threadIdx.x; c < j.width; c += kThreads)
          sums[c] = from_float<T>(to_float(sums[c]) + to_float(terms[c]));
    }
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_gather_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                          fovea_stream* stream) {
  const int64_t n = elements(*y), bytes = y->dtype.bits / 8;
  if (n == 0) return FOVEA_OK;
  GatherRowsJob job = plan_gather_rows(*x, *indices, *y);
  const int64_t unit = job.scalars
                           ? bytes
                           : widest_unit(address(x->data) | address(y->data) |
                                         static_cast<uint64_t>((job.width | job.table_pitch | job.stack_pitch) * bytes));
  if (!job.scalars) {
    job.width = job.width * bytes / unit;
    job.table_pitch = job.table_pitch * bytes / unit;
    job.stack_pitch = job.stack_pitch * bytes / unit;
  }
  return submit(stream, "gather_rows", [&](cudaStream_t s) {
    return with_unit(unit, [&](auto type) {
      using U = typename decltype(type)::type;
      return launch(gather_kernel<U>, grid_for(n * bytes / unit, kThreads), kThreads, 0, s, job, static_cast<const U*>(x->data),
                    static_cast<U*>(y->data));
    });
  });
}

extern "C" fovea_status fovea_scatter_add_rows(const fovea_tensor* dy, const fovea_tensor* indices, const fovea_tensor* dx,
                                               fovea_stream* stream) {
  if (elements(*dy) == 0 || dx->shape[0] == 0) return FOVEA_OK;
  GatherRowsJob job = plan_gather_rows(*dx, *indices, *dy);
  job.stack_live = indices->rank == 0 ? nullptr : dy->live;
  return with_float_type(dx->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "scatter_add_rows", [&](cudaStream_t s) {
      return launch(scatter_kernel<T>, grid_for(job.rows, 8), kThreads, 0, s, job, static_cast<T*>(dx->data),
                    static_cast<const T*>(dy->data));
    });
  });
}
