// One thread per batch entry, piece of time and number, neighbouring threads on neighbouring channels. Short sequences are one
// piece: a single kernel, which is all that a step of streaming inference takes.
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/diagonal_scan/recurrence_device.h"

namespace fovea::cuda {
namespace {

template <bool kComplex>
FOVEA_DEVICE Number<kComplex> decay_at(const DiagonalScanJob& j, int64_t row, int64_t channel) {
  return Number<kComplex>::read(j.a + row * j.a_pitch + channel);
}

// What a piece adds to the state, and its product of decays.
template <bool kComplex>
__global__ void __launch_bounds__(kRecurrenceThreads) diagonal_scan_piece_kernel(DiagonalScanJob j, Pieces table) {
  constexpr int kFloats = Number<kComplex>::kFloats;
  const int64_t n = piece_work(j, kFloats);
  for (int64_t i = int64_t{blockIdx.x} * kRecurrenceThreads + threadIdx.x; i < n;
       i += int64_t{gridDim.x} * kRecurrenceThreads) {
    const Piece p = piece_at(j, kFloats, i);
    Number<kComplex> y, product{1.0f};
    for (int64_t row = p.begin; row < p.end; ++row) {
      const auto a = decay_at<kComplex>(j, row, p.channel);
      y = multiply_add(a, y, Number<kComplex>::read(j.x + row * j.x_pitch + p.channel));
      product = multiply_add(a, product, {});
    }
    y.write(table.end + piece_offset(j, p)), product.write(table.product + piece_offset(j, p));
  }
}

// table.end NULL: the sequence is one piece, which starts from the state. The last piece replaces the state.
template <bool kComplex>
__global__ void __launch_bounds__(kRecurrenceThreads) diagonal_scan_kernel(DiagonalScanJob j, Pieces table) {
  constexpr int kFloats = Number<kComplex>::kFloats;
  const int64_t n = piece_work(j, kFloats);
  for (int64_t i = int64_t{blockIdx.x} * kRecurrenceThreads + threadIdx.x; i < n;
       i += int64_t{gridDim.x} * kRecurrenceThreads) {
    const Piece p = piece_at(j, kFloats, i);
    float* state = j.state == nullptr ? nullptr : j.state + p.batch * j.state_pitch + p.channel;
    const float* from = table.end == nullptr ? state : table.end + piece_offset(j, p);
    Number<kComplex> y;
    if (from != nullptr) y = Number<kComplex>::read(from);
    for (int64_t row = p.begin; row < p.end; ++row) {
      const auto x = Number<kComplex>::read(j.x + row * j.x_pitch + p.channel);
      y = multiply_add(decay_at<kComplex>(j, row, p.channel), y, x);
      y.write(j.y + row * j.y_pitch + p.channel);
    }
    if (state != nullptr && p.piece + 1 == piece_count(j.length)) y.write(state);
  }
}

template <bool kComplex>
cudaError_t launch_scan(const DiagonalScanJob& j, Pieces table, cudaStream_t stream) {
  const int64_t numbers = j.batch * (j.channels / Number<kComplex>::kFloats);
  const unsigned grid = grid_for(numbers * piece_count(j.length), kRecurrenceThreads);
  if (table.end != nullptr) {
    cudaError_t e = launch(diagonal_scan_piece_kernel<kComplex>, grid, kRecurrenceThreads, 0, stream, j, table);
    if (e == cudaSuccess)
      e = launch(join_pieces_kernel<kComplex, false>, grid_for(numbers, kRecurrenceThreads), kRecurrenceThreads, 0, stream, j,
                 table, static_cast<const float*>(j.state), j.state_pitch);
    if (e != cudaSuccess) return e;
  }
  return launch(diagonal_scan_kernel<kComplex>, grid, kRecurrenceThreads, 0, stream, j, table);
}

int64_t workspace_floats(const fovea_tensor& x) { return piece_count(x.shape[1]) == 1 ? 0 : 2 * piece_floats(x); }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_diagonal_scan_workspace(const fovea_diagonal_scan_params*, const fovea_tensor* x,
                                                      int64_t* bytes) {
  *bytes = workspace_floats(*x) * int64_t{sizeof(float)};
  return FOVEA_OK;
}

extern "C" fovea_status fovea_diagonal_scan(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                            const fovea_tensor* a, const fovea_tensor* state, const fovea_tensor* y,
                                            const fovea_workspace* workspace, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const int64_t floats = workspace_floats(*x);
  FOVEA_TRY(check_workspace("diagonal_scan", workspace, floats * int64_t{sizeof(float)}));
  DiagonalScanJob job = diagonal_scan_job(*params, *x, *a);
  if (state != nullptr) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  Pieces table{};
  if (floats > 0) {
    table.end = static_cast<float*>(workspace->data);
    table.product = table.end + piece_floats(*x);
  }
  return submit(stream, "diagonal_scan", [&](cudaStream_t s) {
    return job.is_complex ? launch_scan<true>(job, table, s) : launch_scan<false>(job, table, s);
  });
}
