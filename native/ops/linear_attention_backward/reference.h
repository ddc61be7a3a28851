#pragma once

#include "ops/linear_attention_backward/linear_attention_backward.h"

namespace fovea {

// In double, for any shape; needs no workspace.
void linear_attention_backward_reference(const LinearAttentionBackwardJob& job);

}  // namespace fovea
