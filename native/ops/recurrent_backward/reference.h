#pragma once

#include "ops/recurrent_backward/recurrent_backward.h"

namespace fovea {

// All stages at once, in double.
void recurrent_backward_reference(const RecurrentBackwardJob& job);

}  // namespace fovea
