// Packs weights for fovea_conv2d, once per model. One plain function for all instruction sets: it is bound by memory.
#include <cstring>

#include "ops/conv2d/conv2d.h"

namespace fovea {

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
      for (int64_t i = 0; i < group_in(p); ++i)
        packed[packed_index(p, o, tap, i)] = job.weights[(o * taps(p) + tap) * job.pitch + i];
}

}  // namespace fovea
