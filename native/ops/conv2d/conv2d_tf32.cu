// f32 on tensor cores, where the stream allows it.
#include <algorithm>

#include "ops/conv2d/conv2d_mma_tile.h"

namespace fovea::cuda {
namespace {

template <int pixels, int channels>
using Tf32Tile = ConvMmaTile<Tf32Product, pixels, channels>;
template <int pixels, int channels>
using ThreeTf32Tile = ConvMmaTile<ThreeTf32Product, pixels, channels>;

}  // namespace

cudaError_t conv_launch_tf32(const ConvJob& job, fovea_f32_products products, cudaStream_t stream) {
  return products == FOVEA_F32_TF32 ? launch_convolution<Tf32Tile>(job, stream)
                                    : launch_convolution<ThreeTf32Tile>(job, stream);
}

}  // namespace fovea::cuda
