// Gradients of conv2d. The data gradient is a transposed convolution (ops/conv_transpose2d). The weight gradient is, for every
// tap, the product of dy^T [out][pixels] and x [pixels][in]: a register tile of outputs x inputs sums over the pixels of a
// chunk.
#pragma once

#include "core/tensor.h"
#include "ops/conv2d/conv2d.h"

namespace fovea {

// Ranks, sizes, channels, and that dy is what the layer makes of x (dx).
fovea_status check_backward_shapes(const char* op, const fovea_conv2d_params& p, const char* x_name, const fovea_tensor& x,
                                   const fovea_tensor& dy);

}  // namespace fovea
