// f32 on CUDA cores.
#include <algorithm>

#include "ops/conv2d/conv2d_float_tile.h"
#include "ops/conv2d/conv2d_kernel.h"

namespace fovea::cuda {
cudaError_t conv_launch_f32(const ConvJob& job, cudaStream_t stream) { return launch_convolution<FloatTile>(job, stream); }

}  // namespace fovea::cuda
