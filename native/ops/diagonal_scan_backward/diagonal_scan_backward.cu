// The recurrence of the gradients runs backwards in time, in the pieces of recurrence_device.h.
#include "ops/diagonal_scan_backward/diagonal_scan_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/diagonal_scan/recurrence_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = kRecurrenceThreads;

template <bool kComplex>
FOVEA_DEVICE Number<kComplex> decay_at(const DiagonalScanJob& s, int64_t row, int64_t channel) {
  return conjugate(Number<kComplex>::read(s.a + row * s.a_pitch + channel));
}

// What a piece adds to conj(a) g of the step before it, and its product of decays.
template <bool kComplex>
__global__ void __launch_bounds__(kThreads) diagonal_scan_backward_piece_kernel(DiagonalScanBackwardJob j, Pieces table) {
  constexpr int kFloats = Number<kComplex>::kFloats;
  const DiagonalScanJob& s = j.scan;
  const int64_t n = piece_work(s, kFloats);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const Piece p = piece_at(s, kFloats, i);
    Number<kComplex> carry, product{1.0f};
    for (int64_t row = p.end - 1; row >= p.begin; --row) {
      const auto a = decay_at<kComplex>(s, row, p.channel);
      const auto dy = Number<kComplex>::read(j.dy + row * j.dy_pitch + p.channel);
      carry = multiply_add(a, Number<kComplex>{dy.re + carry.re, dy.im + carry.im}, {});
      product = multiply_add(a, product, {});
    }
    carry.write(table.end + piece_offset(s, p)), product.write(table.product + piece_offset(s, p));
  }
}

// table.end NULL: the sequence is one piece, which starts from d_final_state. The first piece in time leaves d_initial_state;
// where a is constant every piece leaves its part of da in sums.
template <bool kComplex>
__global__ void __launch_bounds__(kThreads) diagonal_scan_backward_kernel(DiagonalScanBackwardJob j, Pieces table) {
  constexpr int kFloats = Number<kComplex>::kFloats;
  const DiagonalScanJob& s = j.scan;
  const int64_t n = piece_work(s, kFloats);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const Piece p = piece_at(s, kFloats, i);
    const float* from = table.end != nullptr   ? table.end + piece_offset(s, p)
                        : j.d_final != nullptr ? j.d_final + p.batch * j.d_final_pitch + p.channel
                                               : nullptr;
    Number<kComplex> carry, sum;
    if (from != nullptr) carry = Number<kComplex>::read(from);
    for (int64_t row = p.end - 1; row >= p.begin; --row) {
      const auto dy = Number<kComplex>::read(j.dy + row * j.dy_pitch + p.channel);
      const Number<kComplex> g{dy.re + carry.re, dy.im + carry.im};
      if (j.dx != nullptr) g.write(j.dx + row * j.dx_pitch + p.channel);
      Number<kComplex> before;
      if (row > p.batch * s.length)
        before = Number<kComplex>::read(s.y + (row - 1) * s.y_pitch + p.channel);
      else if (s.state != nullptr)
        before = Number<kComplex>::read(s.state + p.batch * s.state_pitch + p.channel);
      if (s.constant)
        sum = multiply_add(conjugate(before), g, sum);
      else if (j.da != nullptr)
        multiply_add(conjugate(before), g, {}).write(j.da + row * j.da_pitch + p.channel);
      carry = multiply_add(decay_at<kComplex>(s, row, p.channel), g, {});
    }
    if (s.constant) sum.write(j.sums + piece_offset(s, p));
    if (j.d_initial != nullptr && p.piece == 0) carry.write(j.d_initial + p.batch * j.d_initial_pitch + p.channel);
  }
}

__global__ void __launch_bounds__(256) diagonal_scan_backward_sum_kernel(DiagonalScanBackwardJob j) {
  __shared__ float scratch[8][32];
  const DiagonalScanJob& s = j.scan;
  sum_columns(j.sums, live_count(s.live, s.batch) * piece_count(s.length), s.channels, s.channels, scratch, j.da);
}

template <bool kComplex>
cudaError_t launch_backward(const DiagonalScanBackwardJob& j, Pieces table, cudaStream_t stream) {
  const DiagonalScanJob& s = j.scan;
  const int64_t numbers = s.batch * (s.channels / Number<kComplex>::kFloats);
  const unsigned grid = grid_for(numbers * piece_count(s.length), kThreads);
  cudaError_t e = cudaSuccess;
  if (numbers > 0 && table.end != nullptr) {
    e = launch(diagonal_scan_backward_piece_kernel<kComplex>, grid, kThreads, 0, stream, j, table);
    if (e == cudaSuccess)
      e = launch(join_pieces_kernel<kComplex, true>, grid_for(numbers, kThreads), kThreads, 0, stream, s, table, j.d_final,
                 j.d_final_pitch);
  }
  if (numbers > 0 && e == cudaSuccess) e = launch(diagonal_scan_backward_kernel<kComplex>, grid, kThreads, 0, stream, j, table);
  if (e == cudaSuccess && s.constant && j.da != nullptr)
    e = launch(diagonal_scan_backward_sum_kernel, grid_for(s.channels, 32), 256, 0, stream, j);
  return e;
}

// Sums, then the pieces.
int64_t workspace_floats(const fovea_tensor& x) { return (piece_count(x.shape[1]) == 1 ? 1 : 3) * piece_floats(x); }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_diagonal_scan_backward_workspace(const fovea_diagonal_scan_params*, const fovea_tensor* x,
                                                               int64_t* bytes) {
  *bytes = workspace_floats(*x) * int64_t{sizeof(float)};
  return FOVEA_OK;
}

extern "C" fovea_status fovea_diagonal_scan_backward(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* a, const fovea_tensor* initial_state,
                                                     const fovea_tensor* y, const fovea_tensor* dy,
                                                     const fovea_tensor* d_final_state, const fovea_tensor* dx,
                                                     const fovea_tensor* da, const fovea_tensor* d_initial_state,
                                                     const fovea_workspace* workspace, fovea_stream* stream) {
  if (x->shape[2] == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace("diagonal_scan_backward", workspace, workspace_floats(*x) * int64_t{sizeof(float)}));
  DiagonalScanBackwardJob job = diagonal_scan_backward_job(diagonal_scan_job(*params, *x, *a), initial_state, *y, *dy,
                                                           d_final_state, {dx, da, d_initial_state});
  job.sums = workspace == nullptr ? nullptr : static_cast<float*>(workspace->data);
  Pieces table{};
  if (piece_count(x->shape[1]) > 1) {
    table.end = job.sums + piece_floats(*x);
    table.product = table.end + piece_floats(*x);
  }
  return submit(stream, "diagonal_scan_backward", [&](cudaStream_t s) {
    return job.scan.is_complex ? launch_backward<true>(job, table, s) : launch_backward<false>(job, table, s);
  });
}
