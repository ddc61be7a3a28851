// Packs weights for fovea_conv2d, once per model. One plain function for all instruction sets: it is bound by memory.
#include <cstring>

#include "ops/conv2d/conv2d.h"

namespace fovea {
namespace {

// G g G^T in double precision, rounded once.
void pack_winograd(const Conv2dPrepareJob& job, float* packed) {
  constexpr double kG[6][3] = {{1.0 / 4, 0, 0},
                               {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                               {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                               {1.0 / 24, 1.0 / 12, 1.0 / 6},
                               {1.0 / 24, -1.0 / 12, 1.0 / 6},
                               {0, 0, 1}};
  const int64_t in = job.params.in_channels, out = job.params.out_channels, all_blocks = channel_blocks(out);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t pair = o / kChannelBlock / kWinogradPair, block = o / kChannelBlock % kWinogradPair;
    const int64_t blocks =
        all_blocks - pair * kWinogradPair < kWinogradPair ? all_blocks - pair * kWinogradPair : kWinogradPair;
    float* base = packed + pair * kWinogradPair * 36 * in * kChannelBlock + block * in * kChannelBlock + o % kChannelBlock;
    for (int64_t i = 0; i < in; ++i) {
      double half[6][3];
      for (int row = 0; row < 6; ++row)
        for (int column = 0; column < 3; ++column) {
          half[row][column] = 0;
          for (int64_t k = 0; k < 3; ++k)
            half[row][column] += kG[row][k] * static_cast<double>(weight_at(job, o, k * 3 + column, i));
        }
      for (int row = 0; row < 6; ++row)
        for (int column = 0; column < 6; ++column) {
          double sum = 0;
          for (int k = 0; k < 3; ++k) sum += half[row][k] * kG[column][k];
          base[(row * 6 + column) * blocks * in * kChannelBlock + i * kChannelBlock] = static_cast<float>(sum);
        }
    }
  }
}

}  // namespace

void conv2d_pack(const Conv2dPrepareJob& job) {
  const fovea_conv2d_params& p = job.params;
  Conv2dHeader header{};
  header.magic = kConv2dMagic;
  header.in_channels = p.in_channels, header.out_channels = p.out_channels;
  header.kernel_h = p.kernel_h, header.kernel_w = p.kernel_w;
  header.groups = p.groups, header.winograd = winograd_eligible(p);
  std::memcpy(job.prepared, &header, sizeof header);
  float* packed = reinterpret_cast<float*>(static_cast<char*>(job.prepared) + sizeof header);
  std::memset(packed, 0, static_cast<size_t>(direct_floats(p) + winograd_floats(p)) * sizeof(float));
  for (int64_t o = 0; o < p.out_channels; ++o)
    for (int64_t tap = 0; tap < taps(p); ++tap)
      for (int64_t i = 0; i < group_in(p); ++i) packed[packed_index(p, o, tap, i)] = weight_at(job, o, tap, i);
  if (winograd_eligible(p)) pack_winograd(job, packed + direct_floats(p));
}

}  // namespace fovea
