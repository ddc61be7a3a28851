// A block computes tiles of 16 rows by 256 columns: a thread has a column, and the rows' sines and cosines are computed once.
#include "ops/rotated_overlaps/rotated_overlaps.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kColumns = 256, kRows = 16;

FOVEA_DEVICE RotatedBox<float> load_box(const float* box) {
  const float angle = box[4];
  return {box[0], box[1], 0.5f * box[2], 0.5f * box[3], cosf(angle), sinf(angle)};
}

__global__ void __launch_bounds__(kColumns) rotated_overlaps_kernel(RotatedOverlapsJob j) {
  __shared__ RotatedBox<float> rows[kRows];
  const int64_t live = live_count(j.live, j.rows), across = (j.columns + kColumns - 1) / kColumns;
  const int64_t tiles = (live + kRows - 1) / kRows * across;
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const int64_t tile_row = quotient(tile, across), first = tile_row * kRows;
    const int64_t column = (tile - tile_row * across) * kColumns + threadIdx.x;
    const int n = int(live - first < kRows ? live - first : kRows);
    __syncthreads();  // the tile before has been read
    if (int(threadIdx.x) < n) rows[threadIdx.x] = load_box(j.a + (first + threadIdx.x) * j.a_pitch);
    __syncthreads();
    if (column >= j.columns) continue;
    const RotatedBox<float> box = load_box(j.b + column * j.b_pitch);
    for (int r = 0; r < n; ++r) j.y[(first + r) * j.y_pitch + column] = rotated_iou(rows[r], box);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_rotated_overlaps(const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                               fovea_stream* stream) {
  if (elements(*y) == 0) return FOVEA_OK;
  const RotatedOverlapsJob job = rotated_overlaps_job(*a, *b, *y);
  const int64_t tiles = (job.rows + kRows - 1) / kRows * ((job.columns + kColumns - 1) / kColumns);
  return submit(stream, "rotated_overlaps", [&](cudaStream_t s) {
    return launch(rotated_overlaps_kernel, grid_for(tiles * kColumns, kColumns), kColumns, 0, s, job);
  });
}
