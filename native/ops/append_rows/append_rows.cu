// One block finds the place of every picked row with ballots, a group of picks at a time, and copies the group. Rows are a few
// dozen bytes and few: a second launch would cost more than a second block gains.
#include "ops/append_rows/append_rows.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

__global__ void __launch_bounds__(kThreads) append_rows_kernel(AppendRowsJob j) {
  const auto* const x = reinterpret_cast<const uint32_t*>(j.x);
  auto* const y = reinterpret_cast<uint32_t*>(j.y);
  __shared__ int32_t found[kWarps];
  __shared__ int64_t source[kThreads];  // row of x for each row that the group appends
  const int tid = static_cast<int>(threadIdx.x), warp = tid / 32;
  const int64_t x_rows = live_count(j.x_live, j.x_rows);
  const int64_t picks = j.indices == nullptr ? x_rows : live_count(j.indices_live, j.picks);
  int64_t at = live_count(j.count, j.capacity);
  for (int64_t first = 0; first < picks && at < j.capacity; first += kThreads) {
    const int64_t i = first + tid;
    const int64_t row = i >= picks ? -1 : j.indices == nullptr ? i : j.indices[i];
    const bool taken = row >= 0 && row < x_rows;  // neither padding (-1) nor a row that carries no data
    const unsigned lanes = __ballot_sync(~0u, taken);
    if (tid % 32 == 0) found[warp] = __popc(lanes);
    __syncthreads();
    int32_t before = 0, all = 0;
    for (int w = 0; w < kWarps; ++w) {
      if (w < warp) before += found[w];
      all += found[w];
    }
    if (taken) source[before + __popc(lanes & ((1u << tid % 32) - 1u))] = row;
    __syncthreads();
    const int64_t rows = all < j.capacity - at ? all : j.capacity - at, row_size = j.pieces * j.width;
    for (int64_t e = tid; e < rows * row_size; e += kThreads) {
      const int64_t r = e / row_size, piece = (e - r * row_size) / j.width, c = e - r * row_size - piece * j.width;
      y[((at + r) * j.pieces + piece) * j.y_pitch + c] = x[(source[r] * j.pieces + piece) * j.x_pitch + c];
    }
    at += rows;
    __syncthreads();
  }
  // Nobody reads the old count any more: every thread has done so before the barriers above, or here.
  __syncthreads();
  if (tid == 0) *j.count = static_cast<int32_t>(at);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_append_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                          const fovea_tensor* count, fovea_stream* stream) {
  const AppendRowsJob job = append_rows_job(*x, indices, *y, *count);
  return submit(stream, "append_rows", [&](cudaStream_t s) { return launch(append_rows_kernel, 1, kThreads, 0, s, job); });
}
