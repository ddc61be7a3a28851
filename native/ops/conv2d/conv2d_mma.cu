// f16 and bf16 on tensor cores: products are exact.
#include <algorithm>

#include "ops/conv2d/conv2d_mma_tile.h"

namespace fovea::cuda {
namespace {

template <int pixels, int channels>
using HalfTile = ConvMmaTile<NarrowProduct<__half>, pixels, channels>;
template <int pixels, int channels>
using BFloatTile = ConvMmaTile<NarrowProduct<__nv_bfloat16>, pixels, channels>;

}  // namespace

cudaError_t conv_launch_f16(const ConvJob& job, cudaStream_t stream) { return launch_convolution<HalfTile>(job, stream); }
cudaError_t conv_launch_bf16(const ConvJob& job, cudaStream_t stream) { return launch_convolution<BFloatTile>(job, stream); }

}  // namespace fovea::cuda
