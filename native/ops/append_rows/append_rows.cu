// One block finds the place of every picked row with ballots, a group of picks at a time, and copies the group. Rows are a few
// dozen bytes and few: a second launch would cost more than a second block gains.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "fovea/nn.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

// Elements are 4 bytes, f32 or i32. A row is `pieces` runs of `width` elements, a pitch apart.
struct AppendRows {
  const uint32_t* x;
  const int32_t* indices;  // NULL: all live rows in order
  uint32_t* y;
  int32_t* count;
  int64_t x_rows, picks, capacity;
  int64_t pieces, width;
  int64_t x_pitch, y_pitch;  // between pieces
  const int32_t* x_live;
  const int32_t* indices_live;
};

__global__ void __launch_bounds__(kThreads) append_rows_kernel(AppendRows j) {
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
      j.y[((at + r) * j.pieces + piece) * j.y_pitch + c] = j.x[(source[r] * j.pieces + piece) * j.x_pitch + c];
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
  // A vector's rows are single elements, one apart: its pitch spans the whole vector.
  const bool vector = x->rank == 1;
  int64_t pieces = elements(*x) == 0 ? 0 : 1;
  for (int i = 1; pieces != 0 && i + 1 < x->rank; ++i) pieces *= x->shape[i];
  const AppendRows job{static_cast<const uint32_t*>(x->data),
                       indices == nullptr ? nullptr : static_cast<const int32_t*>(indices->data),
                       static_cast<uint32_t*>(y->data),
                       static_cast<int32_t*>(count->data),
                       x->shape[0],
                       indices == nullptr ? 0 : indices->shape[0],
                       y->shape[0],
                       pieces,
                       vector ? 1 : last(*x),
                       vector ? 1 : x->pitch,
                       vector ? 1 : y->pitch,
                       x->live,
                       indices == nullptr ? nullptr : indices->live};
  return submit(stream, "append_rows", [&](cudaStream_t s) { return launch(append_rows_kernel, 1, kThreads, 0, s, job); });
}
