// The product on the tensor cores, for 16-bit x: a block samples a piece of 64 columns for its positions into shared memory,
// rounded to the type of x, while the weights of the piece are on their way there.
#pragma once

#include "ops/deform_conv2d/deform_device.h"

namespace fovea::cuda {
namespace {

// Weights in the type of x, rows of all outputs, padded with zeros to whole pieces: what prepared weights would hold.
template <class T>
__global__ void __launch_bounds__(256)
    deform_narrow_kernel(const float* weights, int64_t outputs, int64_t depth, int64_t padded, T* out) {
  for (int64_t i = int64_t{blockIdx.x} * 256 + threadIdx.x; i < outputs * padded; i += int64_t{gridDim.x} * 256) {
    const int64_t o = quotient(i, padded), k = i - o * padded;
    out[i] = from_float<T>(k < depth ? weights[o * depth + k] : 0.0f);
  }
}

template <class T>
using DeformMma = MmaTile<NarrowProduct<T>, 64, 64, 32, 32, 2>;

inline int64_t padded_depth(int64_t depth) { return (depth + 63) / 64 * 64; }

// Eight columns from `column` on, of one tap and one offset group. x_pitch and the runs of channels are whole chunks of 8.
template <class T>
FOVEA_DEVICE Pack<T, 8> sample_chunk(const DeformLayer& j, const T* x, const DeformPosition& p, int64_t position, int32_t group,
                                     int32_t column) {
  const int32_t in = j.params.in_channels / j.params.groups, tap = column / in, channel = group * in + column - tap * in;
  const int32_t at = channel / (j.params.in_channels / j.offset_groups) * (j.params.kernel_h * j.params.kernel_w) + tap;
  const DeformSample s = sample_at(j, p, position, tap, at);
  const float mask = mask_at(j, position, at);
  float sum[8] = {};
  if (s.inside) {
    const T* image = x + p.image * j.in_h * j.in_w * j.x_pitch + channel;
#pragma unroll
    for (int corner = 0; corner < 4; ++corner) {
      const DeformCorner c = deform_corner(j, s, corner);
      if (c.cell < 0) continue;
      const Pack<T, 8> values = load_pack<8>(image + c.cell * j.x_pitch);
#pragma unroll
      for (int e = 0; e < 8; ++e) sum[e] = fmaf(to_float(values.v[e]), c.weight * mask, sum[e]);
    }
  }
  Pack<T, 8> out;
#pragma unroll
  for (int e = 0; e < 8; ++e) out.v[e] = from_float<T>(sum[e]);
  return out;
}

template <class T>
__global__ void __launch_bounds__(DeformMma<T>::kThreads)
    deform_mma_kernel(DeformLayer j, const T* x, const T* weights, int64_t padded, const float* bias, T* y, int64_t y_pitch) {
  using Tile = DeformMma<T>;
  auto* const shared = dynamic_shared<unsigned char>();
  __shared__ DeformPosition places[Tile::kM];
  const int32_t groups = j.params.groups, outputs = j.params.out_channels / groups;
  const int32_t depth = j.params.kernel_h * j.params.kernel_w * (j.params.in_channels / groups);
  const int64_t positions = live_positions(j), across = (outputs + Tile::kN - 1) / Tile::kN;
  const int64_t tiles = (positions + Tile::kM - 1) / Tile::kM * across * groups;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t n = t % across * Tile::kN, rest = t / across, m = rest / groups * Tile::kM;
    const auto group = int32_t(rest % groups);
    const int64_t first = group * int64_t{outputs} + n;
    __syncthreads();  // the places before have been read
    for (int i = int(threadIdx.x); i < Tile::kM; i += Tile::kThreads)
      if (m + i < positions) places[i] = deform_position(j, m + i);
    const MatrixRows<T> weight_rows{weights + first * padded, padded, outputs - n, padded};
    Tile tile;
#pragma unroll
    for (auto& row : tile.sums)
#pragma unroll
      for (auto& fragment : row)
#pragma unroll
        for (float& sum : fragment) sum = 0.0f;
    __syncthreads();
#pragma unroll 1
    for (int64_t piece = 0; piece < padded / Tile::kK; ++piece) {
      unsigned char* const a = shared + piece % 2 * Tile::kStageBytes;  // others may still multiply the piece before
      Tile::template load<Tile::kN>(weight_rows, piece, a + Tile::kM * 128);
      cp_async_commit();
#pragma unroll 1
      for (int flat = int(threadIdx.x); flat < Tile::kM * 8; flat += Tile::kThreads) {
        const int row = flat / 8, column = int(piece) * Tile::kK + flat % 8 * 8;
        Pack<T, 8> chunk{};
        if (m + row < positions && column < depth) chunk = sample_chunk(j, x, places[row], m + row, group, column);
        *reinterpret_cast<Pack<T, 8>*>(Tile::place(a, row, flat % 8)) = chunk;
      }
      cp_async_wait<0>();
      __syncthreads();
      tile.multiply(a, a + Tile::kM * 128);
    }
    __syncthreads();  // the last piece has been multiplied
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (m + row >= positions || n + column >= outputs) return;
      if (bias != nullptr) sum += bias[first + column];
      y[(m + row) * y_pitch + first + column] = from_float<T>(activate(j.params.activation, sum, 0.0f));
    });
  }
}

}  // namespace
}  // namespace fovea::cuda
