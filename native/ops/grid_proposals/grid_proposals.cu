// Cells over the threshold become keys, the keys are sorted, the best become boxes.
//
// Workspace: keys [ranked_bytes(cells)], then two i32, the number of cells that passed (more than the capacity, perhaps) and
// that of the selected.
#include "ops/grid_proposals/grid_proposals.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) collect_cells_kernel(GridProposalsJob j, int32_t* passed) {
  const int64_t cells = live_count(j.live, j.height) * j.width;
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < cells; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    const float score = i < cells ? j.score[i * j.score_pitch] : 0.0f;
    append_key(i < cells && score >= j.params.threshold, descending_key(score, i), j.keys, passed);
  }
}

// As the CPU's image_coordinate: quotients within a float's rounding error of an integer are that integer.
FOVEA_DEVICE float image_coordinate(double map_coordinate, float scale, int32_t rounding) {
  const double v = map_coordinate / static_cast<double>(scale);
  if (rounding == FOVEA_ROUNDING_NONE) return static_cast<float>(v);
  const double nearest = rint(v);
  if (rounding == FOVEA_ROUNDING_NEAREST) return static_cast<float>(nearest);
  return static_cast<float>(fabs(v - nearest) <= fabs(v) * 0x1p-23 ? nearest : trunc(v));
}

__global__ void __launch_bounds__(kThreads)
    write_proposals_kernel(GridProposalsJob j, const uint64_t* ranked, const int32_t* passed) {
  const fovea_grid_proposals_params& p = j.params;
  const int64_t kept = live_count(passed, j.capacity);
  const double origin = static_cast<double>(p.origin), side = static_cast<double>(p.cell) - (p.plus_one != 0 ? 1.0 : 0.0);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < kept; k += int64_t{gridDim.x} * kThreads) {
    const int64_t cell = key_index(ranked[k]);
    // Rounded before the sum, as on the CPU; only strides beyond 2^21 can tell.
    const double left = __dmul_rn(p.stride, static_cast<double>(cell % j.width)) + origin;
    const double top = __dmul_rn(p.stride, static_cast<double>(cell / j.width)) + origin;
    float* row = j.rows + k * j.rows_pitch;
    row[0] = image_coordinate(left, p.scale_x, p.rounding);
    row[1] = image_coordinate(top, p.scale_y, p.rounding);
    row[2] = image_coordinate(left + side, p.scale_x, p.rounding);
    row[3] = image_coordinate(top + side, p.scale_y, p.rounding);
    row[4] = j.score[cell * j.score_pitch];
    if (j.deltas != nullptr)
      for (int64_t c = 0; c < 4; ++c) row[5 + c] = j.deltas[cell * j.deltas_pitch + c];
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) *j.count = static_cast<int32_t>(kept);
}

int64_t workspace_bytes(const fovea_tensor& score) {
  const int64_t cells = score.shape[0] * score.shape[1];
  return cells == 0 ? 0 : ranked_bytes(cells) + 64;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_grid_proposals_workspace(const fovea_grid_proposals_params*, const fovea_tensor* score,
                                                       int64_t* bytes) {
  *bytes = workspace_bytes(*score);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_grid_proposals(const fovea_grid_proposals_params* params, const fovea_tensor* score,
                                             const fovea_tensor* deltas, const fovea_tensor* rows, const fovea_tensor* count,
                                             const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "grid_proposals";
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(*score)));
  const int64_t cells = score->shape[0] * score->shape[1];
  if (cells == 0)
    return submit(stream, op, [&](cudaStream_t s) { return cudaMemsetAsync(count->data, 0, sizeof(int32_t), s); });
  auto* const keys = static_cast<uint64_t*>(workspace->data);
  auto* const passed = reinterpret_cast<int32_t*>(static_cast<char*>(workspace->data) + ranked_bytes(cells));
  GridProposalsJob job = grid_proposals_job(*params, *score, deltas, *rows, *count);
  job.keys = keys;
  return submit(stream, op, [&](cudaStream_t s) {
    cudaError_t error = cudaMemsetAsync(passed, 0, sizeof(int32_t), s);
    if (error == cudaSuccess) error = launch(collect_cells_kernel, grid_for(cells, kThreads), kThreads, 0, s, job, passed);
    if (error != cudaSuccess) return error;
    const Ranked ranked = rank_keys(keys, passed, cells, job.capacity, s);
    error = ranked.error;
    if (error == cudaSuccess)
      error = launch(write_proposals_kernel, grid_for(job.capacity < cells ? job.capacity : cells, kThreads), kThreads, 0, s,
                     job, ranked.keys, ranked.count);
    return error;
  });
}
