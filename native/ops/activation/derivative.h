// The derivatives of the activations, one value at a time in double precision: what tests compare with.
#pragma once

#include "fovea/nn.h"

namespace fovea {

// activation'(x). At a kink the side that PyTorch takes: that of smaller x, but clamp' = 1 on both of its ends; at an infinity
// the limit. A NaN gives NaN, except for NONE, whose derivative is 1 everywhere.
double reference_activation_derivative(const fovea_activation_params& params, double x, double slope);

}  // namespace fovea
