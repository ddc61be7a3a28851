// One warp per problem. A search is a chain of short scans, each ending in a minimum over the warp: more warps would wait for
// each other at every step. State and costs lie in shared memory where they fit (DETR's 100 x 300 takes 136 KB), else in the
// workspace.
#include "ops/linear_assignment/linear_assignment.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/linear_assignment/solver.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 32;
constexpr int64_t kSharedAlways = 48 << 10;  // every GPU has as much, so the workspace is then empty

struct Warp {
  static constexpr int32_t kLanes = 32;
  FOVEA_DEVICE static int32_t lane() { return int32_t(threadIdx.x); }
  FOVEA_DEVICE static void sync() { __syncwarp(); }
  FOVEA_DEVICE static Nearest least(Nearest nearest) {
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2)
      nearest = nearer(nearest, {__shfl_xor_sync(~0u, nearest.distance, step), __shfl_xor_sync(~0u, nearest.column, step)});
    return nearest;
  }
};

template <bool kShared>
__global__ void __launch_bounds__(kThreads, 1) linear_assignment_kernel(LinearAssignmentJob j) {
  const int64_t live = live_count(j.live, j.batched ? j.problems : j.Q);
  for (int64_t i = blockIdx.x; i < (j.batched ? live : 1); i += gridDim.x) {
    char* scratch = kShared ? dynamic_shared<char>() : j.scratch + i * j.scratch_stride;
    assign_problem(j, Warp{}, i, live, scratch);
    __syncwarp();  // the scratch is free for the next problem
  }
}

int64_t workspace_bytes(const fovea_tensor& costs) {
  const int64_t bytes = assignment_bytes(costs.shape[costs.rank - 2], last(costs));
  return bytes <= kSharedAlways ? 0 : bytes * (costs.rank == 3 ? costs.shape[0] : 1);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_linear_assignment_workspace(const fovea_tensor* costs, int64_t* bytes) {
  *bytes = workspace_bytes(*costs);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_assignment(const fovea_tensor* costs, const fovea_tensor* counts, const fovea_tensor* rows,
                                                const fovea_tensor* columns, const fovea_tensor* totals,
                                                const fovea_workspace* workspace, fovea_stream* stream) {
  const int64_t bytes = workspace_bytes(*costs);
  FOVEA_TRY(check_workspace("linear_assignment", workspace, bytes));
  LinearAssignmentJob job = linear_assignment_job(*costs, counts, rows, columns, totals);
  if (job.problems == 0) return FOVEA_OK;
  job.scratch = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  job.scratch_stride = assignment_bytes(job.Q, job.T);
  return submit(stream, "linear_assignment", [&](cudaStream_t s) {
    int most = 0;
    const cudaError_t error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device(stream).id);
    if (error != cudaSuccess) return error;
    const auto blocks = static_cast<unsigned>(job.problems);
    return job.scratch_stride <= most
               ? launch(linear_assignment_kernel<true>, blocks, kThreads, size_t(job.scratch_stride), s, job)
               : launch(linear_assignment_kernel<false>, blocks, kThreads, 0, s, job);
  });
}
