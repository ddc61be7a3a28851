// What the kernels of the diagonal recurrence and of its gradients share: numbers, pieces of time, and joining the pieces.
//
// A long sequence is cut into pieces. First every piece is run from zero, which leaves what it adds (`end`) and the product of
// its decays; then the pieces of a channel are joined in order; then every piece is run again from what comes in.
#pragma once

#include "core/host_device.h"
#include "cuda/elements.h"
#include "ops/diagonal_scan/diagonal_scan.h"

namespace fovea::cuda {
namespace {

constexpr int kRecurrenceThreads = 128;

// Steps of a piece: enough threads for a GPU at usual sizes, and few pieces to join in long sequences.
FOVEA_HOST_DEVICE inline int64_t piece_steps(int64_t length) { return length <= 4096 ? 64 : 256; }
FOVEA_HOST_DEVICE inline int64_t piece_count(int64_t length) {
  return length == 0 ? 1 : (length + piece_steps(length) - 1) / piece_steps(length);
}

template <bool kComplex>
struct Number {
  static constexpr int kFloats = kComplex ? 2 : 1;
  float re = 0.0f, im = 0.0f;  // im: complex only

  FOVEA_DEVICE static Number read(const float* p) {
    if constexpr (kComplex) return {p[0], p[1]};
    return {p[0], 0.0f};
  }
  FOVEA_DEVICE void write(float* p) const {
    p[0] = re;
    if constexpr (kComplex) p[1] = im;
  }
};

// a * b + c
template <bool kComplex>
FOVEA_DEVICE Number<kComplex> multiply_add(Number<kComplex> a, Number<kComplex> b, Number<kComplex> c) {
  if constexpr (kComplex) return {fmaf(a.re, b.re, fmaf(-a.im, b.im, c.re)), fmaf(a.re, b.im, fmaf(a.im, b.re, c.im))};
  return {fmaf(a.re, b.re, c.re), 0.0f};
}
template <bool kComplex>
FOVEA_DEVICE Number<kComplex> conjugate(Number<kComplex> a) {
  return {a.re, -a.im};
}

// A thread's part of the work: one number of one piece of one batch entry, numbers fastest.
struct Piece {
  int64_t batch, piece, channel;  // channel in floats
  int64_t begin, end;             // rows of x
};
FOVEA_DEVICE int64_t piece_work(const DiagonalScanJob& j, int floats) {
  return live_count(j.live, j.batch) * piece_count(j.length) * (j.channels / floats);
}
FOVEA_DEVICE Piece piece_at(const DiagonalScanJob& j, int floats, int64_t i) {
  const int64_t numbers = j.channels / floats, pieces = piece_count(j.length), steps = piece_steps(j.length);
  const int64_t piece = i / numbers % pieces, batch = i / numbers / pieces, first = piece * steps;
  return {batch, piece, i % numbers * floats, batch * j.length + first,
          batch * j.length + (first + steps < j.length ? first + steps : j.length)};
}

// In the workspace: of every piece [batch][pieces][channels].
struct Pieces {
  float *end, *product;  // join() replaces end by what comes into the piece
};
inline int64_t piece_floats(const fovea_tensor& x) { return x.shape[0] * piece_count(x.shape[1]) * x.shape[2]; }
FOVEA_DEVICE int64_t piece_offset(const DiagonalScanJob& j, const Piece& p) {
  return (p.batch * piece_count(j.length) + p.piece) * j.channels + p.channel;
}

// `first`: what comes into the first piece [B][D], NULL for zeros. kBackwards: the first piece is the last in time.
template <bool kComplex, bool kBackwards>
__global__ void __launch_bounds__(kRecurrenceThreads)
    join_pieces_kernel(DiagonalScanJob j, Pieces table, const float* first, int64_t first_pitch) {
  constexpr int kFloats = Number<kComplex>::kFloats;
  const int64_t numbers = j.channels / kFloats, pieces = piece_count(j.length), n = live_count(j.live, j.batch) * numbers;
  for (int64_t i = int64_t{blockIdx.x} * kRecurrenceThreads + threadIdx.x; i < n;
       i += int64_t{gridDim.x} * kRecurrenceThreads) {
    const int64_t batch = i / numbers, channel = i % numbers * kFloats;
    Number<kComplex> carry;
    if (first != nullptr) carry = Number<kComplex>::read(first + batch * first_pitch + channel);
    for (int64_t k = 0; k < pieces; ++k) {
      const int64_t at = (batch * pieces + (kBackwards ? pieces - 1 - k : k)) * j.channels + channel;
      const auto end = Number<kComplex>::read(table.end + at), product = Number<kComplex>::read(table.product + at);
      carry.write(table.end + at);
      carry = multiply_add(product, carry, end);
    }
  }
}

}  // namespace
}  // namespace fovea::cuda
