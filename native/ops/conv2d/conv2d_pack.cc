// Packs weights for fovea_conv2d, once per model. One plain function for all instruction sets: it is bound by memory.
#include <cstring>

#include "ops/conv2d/conv2d_pack.h"

namespace fovea {
namespace {

// G of F(2x2, 3x3) and F(4x4, 3x3), the choice of points 0, 1, -1 (and 2, -2) and infinity.
constexpr double kG2[4][3] = {{1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
constexpr double kG4[6][3] = {{1.0 / 4, 0, 0},
                              {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                              {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                              {1.0 / 24, 1.0 / 12, 1.0 / 6},
                              {1.0 / 24, -1.0 / 12, 1.0 / 6},
                              {0, 0, 1}};

// G g G^T in double precision, rounded once. N: side of the transformed tile.
template <int N>
void pack_winograd(const Conv2dPrepareJob& job, const double (&g)[N][3], float* packed) {
  const int64_t in = job.params.in_channels, out = job.params.out_channels, all_blocks = channel_blocks(out);
  // Outputs innermost: they are neighbours in the packed form, and in the weights of a backward pass.
  for (int64_t i = 0; i < in; ++i)
    for (int64_t o = 0; o < out; ++o) {
      const int64_t pair = o / kChannelBlock / kWinogradPair, block = o / kChannelBlock % kWinogradPair;
      const int64_t blocks =
          all_blocks - pair * kWinogradPair < kWinogradPair ? all_blocks - pair * kWinogradPair : kWinogradPair;
      float* base = packed + pair * kWinogradPair * N * N * in * kChannelBlock + block * in * kChannelBlock + o % kChannelBlock;
      double half[N][3];
      for (int row = 0; row < N; ++row)
        for (int column = 0; column < 3; ++column) {
          half[row][column] = 0;
          for (int64_t k = 0; k < 3; ++k)
            half[row][column] += g[row][k] * static_cast<double>(*weight_run(job, o, k * 3 + column, i).first);
        }
      for (int row = 0; row < N; ++row)
        for (int column = 0; column < N; ++column) {
          double sum = 0;
          for (int k = 0; k < 3; ++k) sum += half[row][k] * g[column][k];
          base[(row * N + column) * blocks * in * kChannelBlock + i * kChannelBlock] = static_cast<float>(sum);
        }
    }
}

void pack_grouped(const Conv2dPrepareJob& job, float* packed) {
  const fovea_conv2d_params& p = job.params;
  for (int64_t o = 0; o < p.out_channels; ++o)
    for (int64_t tap = 0; tap < taps(p); ++tap)
      for (int64_t i = 0; i < group_in(p); ++i)
        packed[(o / kChannelBlock * depth(p) + tap * group_in(p) + i) * kChannelBlock + o % kChannelBlock] =
            *weight_run(job, o, tap, i).first;
}

}  // namespace

void conv2d_pack(const Conv2dPrepareJob& job) {
  const fovea_conv2d_params& p = job.params;
  Conv2dHeader header{};
  header.magic = kConv2dMagic;
  header.in_channels = p.in_channels, header.out_channels = p.out_channels;
  header.kernel_h = p.kernel_h, header.kernel_w = p.kernel_w;
  header.groups = p.groups, header.winograd = conv2d_winograd_forms(p);
  std::memcpy(job.prepared, &header, sizeof header);
  float* packed = reinterpret_cast<float*>(static_cast<char*>(job.prepared) + sizeof header);
  std::memset(packed, 0, static_cast<size_t>(direct_floats(p) + grouped_floats(p) + winograd_floats(p)) * sizeof(float));
  pack_direct(job, p, packed, [](int64_t tap) { return tap; });
  if (is_grouped(p)) pack_grouped(job, packed + direct_floats(p));
  if (winograd_held(p, 2)) pack_winograd(job, kG2, packed + winograd_offset(p, 2));
  if (winograd_held(p, 4)) pack_winograd(job, kG4, packed + winograd_offset(p, 4));
}

}  // namespace fovea
