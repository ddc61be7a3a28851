// Checks that the gradients of the normalisations share; what each of them demands of x beyond that is its own.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {

fovea_status check_norm_params(const char* op, const fovea_norm_params* params);
// Without a stream, for the size of a workspace.
fovea_status check_norm_shape(const char* op, const fovea_tensor* x);
// gamma and the gradients may be NULL.
fovea_status check_norm_tensors(const char* op, const fovea_tensor* x, const fovea_tensor* gamma, const fovea_tensor* dy,
                                const fovea_tensor* dx, const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                const fovea_stream* stream);

}  // namespace fovea
