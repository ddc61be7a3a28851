// What the backward entries check alike.
#pragma once

#include <span>

#include "core/tensor.h"

namespace fovea {

struct NamedTensor {
  const char* name;
  const fovea_tensor* tensor;  // NULL: absent
};

// gradients[i] is that of inputs[i]: it needs it, has its type and shape, and shares no memory with an input or another
// gradient.
fovea_status check_gradients(const char* op, std::span<const NamedTensor> inputs, std::span<const NamedTensor> gradients,
                             const fovea_stream* stream);

}  // namespace fovea
